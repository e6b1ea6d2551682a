"""A real cobblerd for the tests: in a mount namespace, so that what it writes in /etc and /var is gone with it."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

INSTALLED = Path(sys.prefix) / "cobbler"
"""Where `make test` puts it."""
USER, PASSWORD = "ops", "s3cret & <long>"
_SETUP = r"""
set -e
mount -t tmpfs tmpfs "$WORK"
for each in etc var usr/share srv; do
    mkdir -p "$WORK/$each/upper" "$WORK/$each/work" "$WORK/$each/none"
    lower="$INSTALLED/$each"
    [ -d "$lower" ] || lower="$WORK/$each/none"
    mount -t overlay -o "lowerdir=$lower:/$each,upperdir=$WORK/$each/upper,workdir=$WORK/$each/work" overlay "/$each"
done
# The wheel leaves empty directories out.
mkdir -p /var/log/cobbler /var/lib/cobbler/loaders /var/lib/cobbler/misc /srv/www /srv/tftp
for each in distros profiles systems images repos menus mgmtclasses packages files; do
    mkdir -p "/var/lib/cobbler/collections/$each"
done
for each in distro_mirror images links misc pub rendered repo_mirror svc; do mkdir -p "/var/www/cobbler/$each"; done
for each in pxelinux.cfg grub/system grub/system_link s390x images images2 ipxe; do mkdir -p "/srv/tftp/$each"; done
: >/srv/vmlinuz-6.1
: >/srv/initrd-6.1.img
printf '%s' "$DIGEST" >/etc/cobbler/users.digest
sed -i -e "s|^xmlrpc_port:.*|xmlrpc_port: $PORT|" -e "s|^tftpboot_location:.*|tftpboot_location: /srv/tftp|" \
    -e "s|^webdir:.*|webdir: /var/www/cobbler|" /etc/cobbler/settings.yaml
exec "$PYTHON" "$INSTALLED/bin/cobblerd" -F
"""


@dataclass(frozen=True)
class Cobblerd:
    """Its address, and its files as it sees them."""

    url: str
    root: Path

    def call(self, method: str, *arguments: Any, token: bool = True) -> Any:
        """Asks it something, as its own client would."""
        with xmlrpc.client.ServerProxy(self.url, allow_none=True) as proxy:
            words = (proxy.login(USER, PASSWORD),) if token else ()
            return getattr(proxy, method)(*arguments, *words)

    def boot_file(self, mac: str) -> str | None:
        """What PXELINUX would be told."""
        path = self.root / "srv/tftp/pxelinux.cfg" / f"01-{mac.replace(':', '-')}"
        return path.read_text() if path.exists() else None


@contextmanager
def cobblerd(folder: Path) -> Iterator[Cobblerd]:
    """A running cobblerd; skips the test where there can be none."""
    if not (INSTALLED / ".installed").exists():
        pytest.skip(f"cobblerd is not installed (`make test` puts it into {INSTALLED})")
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("cobblerd needs root and a mount namespace")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    work, log = folder / "work", folder / "log"
    work.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(INSTALLED),
        "PYTHON": sys.executable,
        "INSTALLED": str(INSTALLED),
        "WORK": str(work),
        "PORT": str(port),
        "DIGEST": f"{USER}:Cobbler:{hashlib.sha3_512(PASSWORD.encode()).hexdigest()}\n",
    }
    with log.open("w") as output:
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _SETUP]
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if running.poll() is not None or time.monotonic() > deadline:
                    said = log.read_text()
                    if "mount: " in said:
                        pytest.skip(f"cobblerd needs overlay mounts: {said.splitlines()[-1]}")
                    pytest.fail(f"cobblerd does not run: {said}")
                time.sleep(0.05)
        yield Cobblerd(f"http://127.0.0.1:{port}/RPC2", Path(f"/proc/{running.pid}/root"))
    finally:
        running.terminate()
        running.wait(20)
