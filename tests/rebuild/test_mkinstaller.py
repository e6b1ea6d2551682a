"""What examples/rebuild/mkinstaller builds, unpacked by the real cpio; test_lab.py has machines boot it."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.lab import find
from tests.rebuild.lab import MKINSTALLER, needs_machines


def build(*words: str | Path) -> str:
    """What it says; nothing when it has built."""
    needs_machines()
    done = subprocess.run(
        [sys.executable, str(MKINSTALLER), *map(str, words)], capture_output=True, text=True, check=False
    )
    assert bool(done.returncode) == bool(done.stderr)
    assert not done.stdout
    return done.stderr


def unpack(built: Path) -> Path:
    folder = built / "unpacked"
    folder.mkdir()
    archive = gzip.decompress((built / "initrd.gz").read_bytes())
    subprocess.run([find("cpio", "cpio"), "--extract", "--quiet"], input=archive, cwd=folder, check=True)
    return folder


def with_firmware(modules: Path) -> tuple[str, str]:
    """A module that wants a file of firmware, and which."""
    for path in sorted(modules.rglob("*.ko")):
        if named := re.search(rb"\0firmware=([^\0]+)", path.read_bytes()):
            return path.stem, named[1].decode()
    pytest.skip("no module of this kernel wants firmware, or they are compressed")


def test_drivers_come_with_all_that_they_need(tmp_path: Path) -> None:
    assert not build(tmp_path)
    root = unpack(tmp_path)
    order = (root / "modules" / "order").read_text().split()
    assert order.index("virtio_ring.ko") < order.index("virtio.ko") < order.index("virtio_net.ko")
    assert sorted([*order, "order"]) == sorted(path.name for path in (root / "modules").iterdir())
    assert (tmp_path / "linux").read_bytes()[0x202:0x206] == b"HdrS"  # the kernel's x86/boot.rst, "header"
    before = (tmp_path / "initrd.gz").read_bytes()
    assert not build(tmp_path)
    assert (tmp_path / "initrd.gz").read_bytes() == before


def test_another_root_and_firmware(tmp_path: Path) -> None:
    needs_machines()
    root = tmp_path / "root"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "modules").symlink_to("/lib/modules")
    (root / "boot").symlink_to("/boot")
    module, blob = with_firmware(root / "lib" / "modules")
    firmware = root / "lib" / "firmware" / blob
    firmware.parent.mkdir(parents=True)
    firmware.write_text("firmware")
    assert not build(tmp_path / "built", "--root", root, "--module", module)
    unpacked = unpack(tmp_path / "built")
    assert (unpacked / "lib" / "firmware" / blob).read_text() == "firmware"
    assert f"{module.replace('-', '_')}.ko" in (unpacked / "modules" / "order").read_text().replace("-", "_").split()


def test_what_is_missing(tmp_path: Path) -> None:
    assert "Module nosuch not found" in build(tmp_path, "--module", "nosuch")
    assert build(tmp_path, "--kernel", "1.2") == "mkinstaller: /boot/vmlinuz-1.2: No such file or directory\n"
    assert build(tmp_path, "--root", tmp_path).startswith(
        f"mkinstaller: there is no kernel with modules below {tmp_path}"
    )
    assert "is not a statically linked" in build(tmp_path, "--busybox", sys.executable)
    assert not list(tmp_path.iterdir())
