"""What machines install from in tests: a boot directory for TFTP, an installer, and a web server that hears of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from lab.vm import OVMF, QEMU

from tests.console.lab import find, free_ports

MKINSTALLER = Path(__file__).parents[2] / "examples" / "rebuild" / "mkinstaller"
LOADER = (Path("/usr/lib/PXELINUX/pxelinux.0"), Path("/usr/lib/syslinux/modules/bios/ldlinux.c32"))
GRUB_EFI = Path("/usr/lib/grub/x86_64-efi")
HOST = "10.0.2.2"
"""This computer's loopback, as machines in QEMU's own network see it."""


def needs_machines() -> None:
    """Skip the test, saying which Debian package is missing, where no machine could install."""
    find(QEMU, "qemu-system-x86")
    find("setpriv", "util-linux")
    if not Path("/usr/lib/ipxe/qemu").exists():
        pytest.skip("the boot ROMs of network cards are not installed (Debian package ipxe-qemu)")
    for path, package in zip(LOADER, ("pxelinux", "syslinux-common"), strict=True):
        if not path.exists():
            pytest.skip(f"{path} is not installed (Debian package {package})")
    if not any(Path("/boot").glob("vmlinuz-*")):
        pytest.skip("there is no kernel in /boot (Debian package linux-image-cloud-amd64)")
    if not Path("/bin/busybox").exists():
        pytest.skip("busybox is not installed (Debian package busybox-static)")


def needs_uefi() -> None:
    """The same where a machine has UEFI."""
    needs_machines()
    if not (OVMF / "OVMF_CODE.fd").exists():
        pytest.skip("firmware with UEFI is not installed (Debian package ovmf)")


long = pytest.mark.skipif("CLUSTO_LONG_TESTS" not in os.environ, reason="takes a minute or more (CLUSTO_LONG_TESTS=1)")
"""For tests that are not part of every run."""


def build_installer(folder: Path) -> Path:
    """The installer, as folder/linux and folder/initrd.gz."""
    needs_machines()
    subprocess.run([sys.executable, str(MKINSTALLER), str(folder)], check=True)
    return folder


@dataclass(frozen=True)
class Event:
    """A call-back: by which token it came, what it told, with which message, when on the monotonic clock."""

    token: str
    name: str
    message: str
    at: float


@dataclass
class WebServer:
    """Serves `folder` by HTTP, and takes call-backs: GET /rebuild/TOKEN/EVENT?message=..."""

    folder: Path
    host: str
    port: int
    requests: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    _heard: threading.Condition = field(default_factory=threading.Condition, repr=False)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def told(self, token: str = "token") -> list[str]:
        """The names of the events so far."""
        return [event.name for event in self.events if event.token == token]

    def hear(self, path: str) -> bool:
        """Takes a request; whether it was a call-back."""
        address = urlsplit(path)
        with self._heard:
            self.requests.append(address.path)
            if not address.path.startswith("/rebuild/"):
                return False
            _, _, token, name = address.path.split("/")
            message = parse_qs(address.query).get("message", [""])[0]
            self.events.append(Event(token, name, message, time.monotonic()))
            self._heard.notify_all()
        return True

    def wait(self, name: str, token: str = "token", seconds: float = 60.0) -> Event:
        """The first event of this name."""
        with self._heard:
            assert self._heard.wait_for(lambda: name in self.told(token), seconds), f"{name}: not within {seconds} s"
            return next(event for event in self.events if (event.token, event.name) == (token, name))


@contextmanager
def web_server(folder: Path, *, host: str = HOST, listener: socket.socket | None = None) -> Iterator[WebServer]:
    """A web server on a free port of 127.0.0.1, or on this listening socket; machines know it as `host`."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    web = WebServer(folder, host, listener.getsockname()[1])

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if not web.hear(self.path):
                super().do_GET()
                return
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("", 0), handler, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


def unheard_url() -> str:
    """Where no call-back arrives."""
    return f"http://{HOST}:{free_ports()}/rebuild/token"


@dataclass
class BootDirectory:
    """What boot loaders fetch, over TFTP or as `/boot` of the web server: PXELINUX, the installer, files by machine.

    It writes its own boot files, as plain as they can be; the boot servers of clusto have theirs.
    """

    folder: Path
    web: WebServer

    def install(self, mac: str, **changed: str) -> None:
        """From now on the machine with this card installs; `changed` replaces or adds `clusto.` arguments."""
        given = {"event": f"{self.web.url}/rebuild/token", "image": f"{self.web.url}/system.img", "disk": "/dev/vda"}
        words = [f"clusto.{key}={value}" for key, value in (given | changed).items()]
        arguments = " ".join(["console=ttyS0,115200n8", "quiet", *words])
        self._write(
            mac,
            f"KERNEL installer/linux\nINITRD installer/initrd.gz\nAPPEND {arguments}\nIPAPPEND 2\n",
            f"kernel {self.url}/installer/linux initrd=initrd.gz {arguments} BOOTIF=01-${{net0/mac:hexhyp}}\n"
            f"initrd {self.url}/installer/initrd.gz\nboot\n",
            f"linux /installer/linux {arguments}\ninitrd /installer/initrd.gz\nboot\n",
        )

    def local(self, mac: str) -> None:
        """From now on it goes on with its disk."""
        # GRUB 2.06 leaves by `exit` with success, upon which OVMF shows its menu instead of trying the next device.
        efi = "/efi/boot/bootx64.efi"
        grub = f"insmod fat\nsearch --no-floppy --set=root --file {efi}\nchainloader {efi}\nboot\n"
        self._write(mac, "LOCALBOOT -1\n", "sanboot --no-describe --drive 0x80\n", grub)

    @property
    def url(self) -> str:
        return f"{self.web.url}/boot"

    def pxelinux(self, mac: str) -> Path:
        """The file for PXELINUX; 01 is Ethernet."""
        return self.folder / "pxelinux.cfg" / f"01-{mac.replace(':', '-')}"

    def ipxe(self, mac: str) -> Path:
        """The script for iPXE."""
        return self.folder / "ipxe" / f"mac-{mac.replace(':', '')}.ipxe"

    def grub(self, mac: str) -> Path:
        """The file that GRUB is led to."""
        return self.folder / "grub" / f"grub.cfg-{mac}"

    def _write(self, mac: str, pxelinux: str, ipxe: str, grub: str) -> None:
        """Whoever reads them gets the old or the new text, never a part."""
        serial = "serial --unit=0 --speed=115200\nterminal_output serial\n"
        texts = {
            self.pxelinux(mac): f"DEFAULT only\nPROMPT 0\nLABEL only\n{pxelinux}",
            self.ipxe(mac): f"#!ipxe\n{ipxe}",
            self.grub(mac): f"{serial}{grub}",
        }
        for path, text in texts.items():
            new = path.with_suffix(".new")
            new.write_text(text)
            os.replace(new, path)

    def add_grub(self) -> None:
        """GRUB for UEFI as grub/x86_64-efi/core.efi; by itself it asks for no file of one machine."""
        if not GRUB_EFI.exists():
            pytest.skip("GRUB for UEFI is not installed (Debian package grub-efi-amd64-bin)")
        program = find("grub-mknetdir", "grub-common")
        words = [f"--net-directory={self.folder}", "--subdir=grub", "-d", str(GRUB_EFI)]
        subprocess.run([program, *words], check=True, stdout=subprocess.DEVNULL)
        (self.folder / "grub" / "grub.cfg").write_text("configfile $prefix/grub.cfg-$net_default_mac\n")


def boot_directory(web: WebServer, installer: Path) -> BootDirectory:
    """The directory `boot` of a web server's folder."""
    boot = BootDirectory(web.folder / "boot", web)
    for name in ("pxelinux.cfg", "ipxe", "grub"):
        (boot.folder / name).mkdir(parents=True)
    for path in LOADER:
        shutil.copy(path, boot.folder)
    (boot.folder / "installer").symlink_to(installer)
    script = f"chain --replace --autofree {boot.url}/ipxe/mac-${{net0/mac:hexraw}}.ipxe || exit"
    (boot.folder / "boot.ipxe").write_text(f"#!ipxe\n{script}\n")
    return boot


def uefi_system_image(name: str, path: Path) -> None:
    """The image of a disk with a system for UEFI that asks for a login to this machine: GRUB, in a FAT file system."""
    grub, config = path.with_suffix(".efi"), path.with_suffix(".cfg")
    config.write_text(
        "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\n"
        f"echo\necho '{name} login: '\nread answer\n"
    )
    make = [find("grub-mkimage", "grub-common"), "-O", "x86_64-efi", "-o", str(grub), "-c", str(config), "-p", "/"]
    subprocess.run([*make, "serial", "terminal", "echo", "read", "normal"], check=True)
    with path.open("wb") as image:
        image.truncate(4 << 20)
    subprocess.run([find("mkfs.vfat", "dosfstools"), str(path)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([find("mmd", "mtools"), "-i", str(path), "::EFI", "::EFI/BOOT"], check=True)
    subprocess.run(["mcopy", "-i", str(path), str(grub), "::EFI/BOOT/BOOTX64.EFI"], check=True)
