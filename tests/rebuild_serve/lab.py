"""A boot server that runs as a process of its own, with its directory, its store, and clients to ask it."""

from __future__ import annotations

import http.client
import itertools
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.records import rebuilds
from clusto_core.records.rebuilds import Event, Journal, Rebuild
from clusto_core.store.reader import open_reader
from tests.console.lab import until

INSTALL = b"install\n"
_numbers = itertools.count(1)


@dataclass
class Store:
    """A store with machines that are being rebuilt."""

    url: str

    @property
    def path(self) -> Path:
        """The file, of one on SQLite."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def journal(self) -> Journal:
        return Journal(Settings(self.url))

    def begin(self, files: Iterable[str] = (), answers: Iterable[str] = ()) -> tuple[Rebuild, str]:
        """A rebuild of a new machine, and its token."""
        with Inventory(Settings(self.url)).change() as change:
            thing = change.add("Server", f"machine{next(_numbers)}")
        return self.journal.begin(
            [(thing, {"files": list(files), "answers": list(answers), "addresses": ["127.0.0.1"]})]
        )[0]

    def events(self, rebuild: Rebuild) -> list[Event]:
        with open_reader(self.url) as reader:
            return rebuilds.events(reader, [rebuild.id])

    def heard(self, rebuild: Rebuild) -> list[tuple[str, str | None]]:
        """The events of a rebuild with their messages."""
        return [(event.event, event.message) for event in self.events(rebuild)]


@dataclass
class BootServer:
    """A running server; `setup` is Python that it runs before it serves."""

    store: Store
    directory: Path
    setup: str = ""
    address: str = "127.0.0.1"
    process: subprocess.Popen[bytes] = field(init=False)
    port: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.log = self.directory.parent / f"{self.directory.name}.log"
        self.start()

    def start(self) -> None:
        program = f"{self.setup}\nimport sys\nfrom tests.rebuild_serve.server import main\nmain(*sys.argv[1:])"
        arguments = [self.store.url, str(self.directory), self.address, str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=log)
        until(lambda: "listening on" in self.said() or self.process.poll() is not None, "the server listens", 60)
        found = re.search(r"listening on http://\S+:(\d+)", self.said())
        assert found, self.said()
        self.port = int(found[1])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends it by a signal; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def said(self) -> str:
        return self.log.read_text()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url(path), headers={name.replace("_", "-"): text for name, text in headers.items()})

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(self, target: bytes, method: bytes = b"GET") -> tuple[int, bytes]:
        """Asks for a target exactly as it is spelled; the status, and the body."""
        with self.connect() as connection:
            connection.sendall(method + b" " + target + b" HTTP/1.1\r\nHost: boot\r\nConnection: close\r\n\r\n")
            response = http.client.HTTPResponse(connection, method=method.decode())
            response.begin()
            return response.status, response.read()

    def memory(self) -> int:
        """The most memory that it has had, in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1])
