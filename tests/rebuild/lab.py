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
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from lab.vm import QEMU

from tests.console.lab import find, free_ports

MKINSTALLER = Path(__file__).parents[2] / "examples" / "rebuild" / "mkinstaller"
LOADER = (Path("/usr/lib/PXELINUX/pxelinux.0"), Path("/usr/lib/syslinux/modules/bios/ldlinux.c32"))
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


def build_installer(folder: Path) -> Path:
    """The installer, as folder/linux and folder/initrd.gz."""
    needs_machines()
    subprocess.run([sys.executable, str(MKINSTALLER), str(folder)], check=True)
    return folder


@dataclass(frozen=True)
class Event:
    """A call-back: what it told, with which message, when on the monotonic clock."""

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

    @property
    def told(self) -> list[str]:
        """The names of the events so far."""
        return [event.name for event in self.events]

    def hear(self, path: str) -> bool:
        """Takes a request; whether it was a call-back."""
        address = urlsplit(path)
        with self._heard:
            self.requests.append(address.path)
            if not address.path.startswith("/rebuild/"):
                return False
            message = parse_qs(address.query).get("message", [""])[0]
            self.events.append(Event(address.path.rpartition("/")[2], message, time.monotonic()))
            self._heard.notify_all()
        return True

    def wait(self, name: str, seconds: float = 60.0) -> Event:
        """The first event of this name."""
        with self._heard:
            assert self._heard.wait_for(lambda: name in self.told, seconds), f"{name}: not within {seconds} s"
            return next(event for event in self.events if event.name == name)


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

    with ThreadingHTTPServer(
        ("", 0), lambda *request: Handler(*request, directory=str(folder)), bind_and_activate=False
    ) as server:
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
    """What TFTP serves: PXELINUX, the installer, and a file for each machine.

    It writes its own boot files, as plain as they can be; a boot server of clusto's has its own.
    """

    folder: Path
    web: WebServer

    def arguments(self, **changed: str) -> str:
        """The kernel's command line for the installer; `changed` replaces or adds `clusto.` arguments."""
        given = {"event": f"{self.web.url}/rebuild/token", "image": f"{self.web.url}/system.img", "disk": "/dev/vda"}
        words = [f"clusto.{key}={value}" for key, value in (given | changed).items()]
        return " ".join(["console=ttyS0,115200n8", "quiet", *words])

    def install(self, mac: str, **changed: str) -> None:
        """From now on the machine with this card installs."""
        self.write(
            mac,
            "DEFAULT install\nPROMPT 0\nLABEL install\nKERNEL installer/linux\nINITRD installer/initrd.gz\n"
            f"APPEND {self.arguments(**changed)}\nIPAPPEND 2\n",
        )

    def local(self, mac: str) -> None:
        """From now on it goes on with its disk."""
        self.write(mac, "DEFAULT local\nPROMPT 0\nLABEL local\nLOCALBOOT -1\n")

    def file(self, mac: str) -> Path:
        return self.folder / "pxelinux.cfg" / f"01-{mac.replace(':', '-')}"

    def write(self, mac: str, text: str) -> None:
        path = self.file(mac)
        new = path.with_suffix(".new")
        new.write_text(text)
        os.replace(new, path)


def boot_directory(folder: Path, installer: Path, web: WebServer) -> BootDirectory:
    (folder / "pxelinux.cfg").mkdir(parents=True)
    for path in LOADER:
        shutil.copy(path, folder)
    (folder / "installer").symlink_to(installer)
    return BootDirectory(folder, web)
