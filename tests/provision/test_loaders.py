"""What real boot loaders make of boot files, in virtual machines under software emulation.

A kernel that says what it was told tells whether each argument came through whole; a disk whose boot record prints a
line, whether the machine went on with it.
"""

from __future__ import annotations

import glob
import gzip
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from clusto_cli.backends.base import BootMachine
from clusto_cli.backends.provision import recipe
from clusto_cli.backends.provision.render import Facts, Renderer

MAC = "52:54:00:aa:bb:01"
PXELINUX = (Path("/usr/lib/PXELINUX/pxelinux.0"), Path("/usr/lib/syslinux/modules/bios"))
UEFI = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
GRUB = Path("/usr/lib/grub/x86_64-efi-signed")
ANY_PROGRAM = Path("/usr/lib/ipxe/snponly.efi")
SAID = re.compile(rb"\[\[(.*)\]\]")
ODD = [
    "ds=nocloud-net;s=http://192.0.2.1/x/",
    "a={b}",
    "c=$d",
    "e=$(f)",
    "g=|h",
    "i=&j",
    "k=l#m",
    "n=[o]*?",
    "p=<q>",
    "r=`s`",
]
RECIPE = """
title = "says what it was told"
kernel = "test/linux"
initrds = ["test/initrd.gz"]
arguments = ["console={{ os.console }}", "{{ os.args | words }}", "---", "BOOTIF=01-{{ mac | replace(':', '-') }}"]
"""
INIT = """#!/bin/busybox sh
/bin/busybox mkdir /proc
/bin/busybox mount -t proc proc /proc
echo "[[$(/bin/busybox cat /proc/cmdline)]]" >/dev/console
/bin/busybox poweroff -f
"""
# Prints what follows it on the first serial port, and waits: 16-bit code for a boot sector.
RECORD = bytes.fromhex("31c08ed8be217cac84c0741288c4bafd03eca82074fb88e0baf803eeebe9f4ebfd")


def needed(*paths: Path, package: str) -> None:
    if not all(path.exists() for path in paths):
        pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="module")
def boot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A boot directory with a kernel that prints its command line and powers off."""
    kernels = sorted(glob.glob("/boot/vmlinuz-*-cloud-amd64"))
    needed(*map(Path, kernels[-1:] or ["/boot/vmlinuz-cloud-amd64"]), package="linux-image-cloud-amd64")
    busybox = shutil.which("busybox")
    for program, package in (
        ("qemu-system-x86_64", "qemu-system-x86"),
        ("cpio", "cpio"),
        ("busybox", "busybox-static"),
    ):
        if shutil.which(program) is None:
            pytest.skip(f"{package} is not installed")
    assert busybox is not None
    folder = tmp_path_factory.mktemp("boot")
    inside = folder / "inside"
    for name in ("bin", "dev"):
        (inside / name).mkdir(parents=True)
    shutil.copy(busybox, inside / "bin/busybox")
    (inside / "init").write_text(INIT)
    (inside / "init").chmod(0o755)
    names = "".join(f"{path.relative_to(inside)}\n" for path in sorted(inside.rglob("*")))
    packed = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc"], cwd=inside, input=names.encode(), capture_output=True, check=True
    )
    shutil.rmtree(inside)
    (folder / "test").mkdir()
    (folder / "test/initrd.gz").write_bytes(gzip.compress(packed.stdout))
    shutil.copy(kernels[-1], folder / "test/linux")
    record = RECORD + b"\r\nbooted from the disk\r\n\0"
    (folder / "disk.img").write_bytes(record.ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
    return folder


def machine(args: list[str], more: Mapping[str, str] | None = None) -> BootMachine:
    attributes = {"os.args": " ".join(args), "os.console": "ttyS0,115200n8", **(more or {})}
    known = Facts("server1", (MAC,), None, attributes)
    return Renderer().machine(known, recipe.parse("test", RECIPE, "test.toml"), token="t0ken")


def placed(boot: Path, files: Mapping[str, str]) -> None:
    for file in Renderer().shared({"os.console": "ttyS0,115200n8"}):
        if not file.beside:
            (boot / file.path).parent.mkdir(exist_ok=True)
            (boot / file.path).write_text(file.text)
    for path, text in files.items():
        (boot / path).parent.mkdir(exist_ok=True)
        (boot / path).write_text(text)


def run(boot: Path, file: str, *options: str, until: re.Pattern[bytes], seconds: float = 150) -> bytes:
    """What the machine says on its serial port until it has said that; it boots `file` from the network first."""
    serial = boot / "serial"
    serial.unlink(missing_ok=True)
    command = [
        *("qemu-system-x86_64", "-accel", "tcg", "-m", "384", "-display", "none", "-monitor", "none", "-vga", "none"),
        *("-no-reboot", "-serial", f"file:{serial}"),
        *("-netdev", f"user,id=n0,tftp={boot},bootfile={file}", "-device", f"virtio-net-pci,netdev=n0,mac={MAC}"),
        *options,
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + seconds
        while True:
            said = serial.read_bytes() if serial.exists() else b""
            if until.search(said):
                return said
            if running.poll() is not None or time.monotonic() > deadline:
                said = serial.read_bytes() if serial.exists() else b""
                if until.search(said):
                    return said
                errors = running.stderr.read() if running.stderr and running.poll() is not None else b""
                pytest.fail(f"the machine did not say {until.pattern!r}: {errors!r} {said[-2000:]!r}")
            time.sleep(0.1)
    finally:
        running.kill()
        running.wait()
        if running.stderr:
            running.stderr.close()


def disk(boot: Path) -> list[str]:
    return ["-drive", f"file={boot}/disk.img,format=raw,if=virtio,snapshot=on", "-boot", "order=nc"]


def told(said: bytes) -> list[str]:
    """The kernel's arguments, without those that the boot loader adds for itself."""
    found = SAID.search(said)
    assert found is not None
    own = ("BOOT_IMAGE=", "initrd=")
    return [word for word in found[1].decode().split() if not word.startswith(own)]


def wanted(args: list[str]) -> list[str]:
    return ["console=ttyS0,115200n8", *args, "---", "BOOTIF=01-52-54-00-aa-bb-01"]


def test_pxelinux(boot: Path) -> None:
    needed(*PXELINUX, package="pxelinux or syslinux-common")
    for path in (PXELINUX[0], PXELINUX[1] / "ldlinux.c32", PXELINUX[1] / "chain.c32", PXELINUX[1] / "libcom32.c32"):
        shutil.copy(path, boot)
    placed(boot, machine(ODD).install)
    assert told(run(boot, "pxelinux.0", until=SAID)) == wanted(ODD)


@pytest.mark.parametrize("local_boot", ["next", "disk"])
def test_pxelinux_goes_on_with_the_disk(boot: Path, local_boot: str) -> None:
    needed(*PXELINUX, package="pxelinux or syslinux-common")
    for path in (PXELINUX[0], *PXELINUX[1].glob("*.c32")):
        shutil.copy(path, boot)
    placed(boot, machine(ODD, {"rebuild.local_boot": local_boot}).local)
    run(boot, "pxelinux.0", *disk(boot), until=re.compile(b"booted from the disk"))


def test_ipxe(boot: Path) -> None:
    placed(boot, machine(ODD).install)
    assert told(run(boot, "boot.ipxe", until=SAID)) == wanted(ODD)


@pytest.mark.parametrize("local_boot", ["next", "disk"])
def test_ipxe_goes_on_with_the_disk(boot: Path, local_boot: str) -> None:
    placed(boot, machine(ODD, {"rebuild.local_boot": local_boot}).local)
    run(boot, "boot.ipxe", *disk(boot), until=re.compile(b"booted from the disk"))


def test_ipxe_without_a_file_of_the_machine_goes_on_with_the_disk(boot: Path) -> None:
    placed(boot, {})
    (boot / "ipxe/mac-525400aabb01.ipxe").unlink(missing_ok=True)
    run(boot, "boot.ipxe", *disk(boot), until=re.compile(b"booted from the disk"))


def firmware(boot: Path, grub: str) -> list[str]:
    needed(UEFI, package="ovmf")
    needed(GRUB / grub, package="grub-efi-amd64-signed")
    shutil.copy(GRUB / grub, boot / "grub.efi")
    variables = boot / "vars.fd"
    shutil.copy(UEFI.with_name("OVMF_VARS_4M.fd"), variables)
    return [
        *("-drive", f"if=pflash,format=raw,readonly=on,file={UEFI}"),
        *("-drive", f"if=pflash,format=raw,file={variables}"),
    ]


def test_grub(boot: Path) -> None:
    options = firmware(boot, "grubnetx64.efi.signed")
    placed(boot, machine(ODD).install)
    assert told(run(boot, "grub.efi", *options, until=SAID)) == wanted(ODD)


def test_grub_goes_on_with_the_disk(boot: Path) -> None:
    """By the GRUB of Debian's installer, which asks for one file alone, and in a folder of its own."""
    for program, package in (("mkfs.vfat", "dosfstools"), ("mcopy", "mtools")):
        if shutil.which(program) is None:
            pytest.skip(f"{package} is not installed")
    needed(ANY_PROGRAM, package="ipxe")
    options = firmware(boot, "grubnetx64-installer.efi.signed")
    placed(boot, machine(ODD).local)
    stub = next(file for file in Renderer().shared({"os.console": "ttyS0,115200n8"}) if file.beside)
    (boot / stub.path).parent.mkdir(parents=True, exist_ok=True)
    (boot / stub.path).write_text(stub.text)
    # Any program does that says who it is.
    image = boot / "esp.img"
    image.write_bytes(bytes(16 << 20))
    for command in (
        ["mkfs.vfat", str(image)],
        ["mmd", "-i", str(image), "::/EFI", "::/EFI/debian"],
        ["mcopy", "-i", str(image), str(ANY_PROGRAM), "::/EFI/debian/grubx64.efi"],
    ):
        subprocess.run(command, check=True, capture_output=True)
    drive = ["-drive", f"file={image},format=raw,if=virtio,snapshot=on"]
    run(
        boot,
        "grub.efi",
        *options,
        *drive,
        until=re.compile(rb"iPXE [0-9][^\r\n]* -- Open Source Network Boot Firmware"),
    )
