"""Machines that boot from the network, simulated: what they fetch, call back and say, in a fraction of a second.

For hundreds at once, and for what goes wrong on the way; real firmware and real kernels are in `vm`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_LOOK = 0.02
"""Seconds between looks at whether a machine has power."""
_ARGUMENT = re.compile(r"(?:^|\s)clusto\.event=(\S+)")


@dataclass
class Faults:
    """What goes wrong with a machine."""

    fetches_nothing: bool = False
    """Its firmware does not boot from the network."""
    asks_again: bool = False
    """It finds nothing to boot, and asks for its boot file again and again, until an installer has run."""
    mute: bool = False
    """None of its call-backs arrives."""
    loses: frozenset[str] = frozenset()
    """The call-backs that do not arrive."""
    token: str | None = None
    """What it calls back with instead of what it was told."""
    repeats: bool = False
    """Every call-back is made twice."""
    fails: str | None = None
    """Why its installer fails, and stops."""
    hangs: bool = False
    """Its installer never ends."""
    silent: bool = False
    """Its console says nothing."""
    deaf: bool = False
    """The installed system answers no probe."""


@dataclass
class Netboot:
    """One machine: on while `powered` says so.

    address: of the loopback network, where its system is probed. boot_directory: where its boot files are read, as TFTP
    would.
    """

    name: str
    mac: str
    address: str
    boot_directory: Path
    powered: Callable[[], bool]
    firmware: float = 0.05
    """Seconds from power on, or a reboot, to the network."""
    installing: float = 0.1
    """Seconds that the installer takes."""
    faults: Faults = field(default_factory=Faults)
    installed: str = "old"
    """What is on its disk: the token that it was installed with."""
    installs: int = 0
    """How often an installer has run."""
    boots: int = 0
    answers: list[tuple[str, int]] = field(default_factory=list)
    """The call-backs that were answered, with the status."""
    console_port: int = 0
    probe_port: int = 0
    _clients: set[asyncio.StreamWriter] = field(default_factory=set, repr=False)
    _up: bool = False

    async def start(self) -> None:
        """The machine stands there; it ends with the event loop."""
        line = await asyncio.start_server(self._serve_line, "127.0.0.1", 0)
        self.console_port = line.sockets[0].getsockname()[1]
        ssh = await asyncio.start_server(self._greet, self.address, 0)
        self.probe_port = ssh.sockets[0].getsockname()[1]
        self._task = asyncio.create_task(self._live())

    def stop(self) -> None:
        self._task.cancel()

    async def _live(self) -> None:
        while True:
            while not self.powered():
                await asyncio.sleep(_LOOK)
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self._boot())
                while self.powered():
                    await asyncio.sleep(_LOOK)
                running.cancel()
            self._up = False

    async def _boot(self) -> None:
        while True:
            self.boots += 1
            self._up = False
            await asyncio.sleep(self.firmware)
            text = None if self.faults.fetches_nothing else self._boot_file()
            found = _ARGUMENT.search(text) if text is not None else None
            if found is None:
                break
            if not await self._install(found[1]):
                return
        while self.faults.asks_again and not self.installs:
            self._boot_file()
            await asyncio.sleep(_LOOK)
        if self.installed:
            self._say(f"\r\n{self.name} login: ")
            self._up = not self.faults.deaf
        await asyncio.Event().wait()

    def _boot_file(self) -> str | None:
        path = self.boot_directory / "pxelinux.cfg" / f"01-{self.mac.replace(':', '-')}"
        with contextlib.suppress(OSError):
            return path.read_text()
        return None

    async def _install(self, events: str) -> bool:
        """Runs the installer; whether the machine goes on."""
        self.installs += 1
        token = events.rsplit("/", 1)[-1]
        if self.faults.token is not None:
            events = f"{events.rsplit('/', 1)[0]}/{self.faults.token}"
        self._say("\r\nclusto-installer: started\r\n")
        await self._call_back(events, "started")
        self.installed = ""
        await asyncio.sleep(self.installing)
        if self.faults.hangs:
            await asyncio.Event().wait()
        if self.faults.fails is not None:
            self._say(f"clusto-installer: failed: {self.faults.fails}\r\n")
            await self._call_back(events, f"failed?message={self.faults.fails.replace(' ', '+')}")
            return False
        self.installed = token
        self._say("clusto-installer: finished\r\n")
        await self._call_back(events, "finished")
        return True

    async def _call_back(self, events: str, event: str) -> None:
        if self.faults.mute or event.partition("?")[0] in self.faults.loses:
            return
        for _ in range(2 if self.faults.repeats else 1):
            with contextlib.suppress(OSError):
                self.answers.append((event, await _get(f"{events}/{event}")))

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._up and self.powered():
            writer.write(b"SSH-2.0-lab\r\n")
        writer.close()

    def _say(self, text: str) -> None:
        if not self.faults.silent:
            for client in self._clients:
                client.write(text.encode())

    async def _serve_line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while await reader.read(4096):
                pass
        except ConnectionError:
            pass
        finally:
            self._clients.discard(writer)
            writer.close()


def inventory(machines: Iterable[Netboot]) -> Iterator[dict[str, Any]]:
    """What the inventory needs to know of these machines besides their power, as objects of the transfer format."""
    for machine in machines:
        yield {
            "name": machine.name,
            "driver": "Server",
            "attrs": {
                "console.profile": "generic-tcp",
                "console.host": "127.0.0.1",
                "console.port": machine.console_port,
                "rebuild.probe": f"ssh:{machine.probe_port}",
            },
            "ip": [machine.address],
            "part_attrs": {"eth0": {"mac": machine.mac}},
        }


async def _get(url: str) -> int:
    """The status of an HTTP answer."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        writer.write(f"GET {target} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        line = await reader.readline()
        await reader.read()
        return int(line.split()[1])
    finally:
        writer.close()
