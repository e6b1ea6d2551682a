"""A console server of the lab: one TCP port a line, a machine at the end of each; who connects shares the line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from lab.machine import Machine

_LOOK = 0.1
"""Seconds between looks at whether a machine has power."""


class _LineOfMachine:
    """One serial cable: the machine at its end, and the connections that are on it."""

    def __init__(self, name: str, powered: Callable[[], bool]) -> None:
        self._clients: set[asyncio.StreamWriter] = set()
        self._machine = Machine(name, self._say)
        self._powered = powered
        self._on = powered()
        if self._on:
            self._machine.greet()

    def _say(self, data: bytes) -> None:
        for client in self._clients:
            client.write(data)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while data := await reader.read(4096):
                if self._on:
                    self._machine.hear(data)
        except ConnectionError:
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    def look(self) -> None:
        """Goes dark, or boots, as the power came and went."""
        on = self._powered()
        if on and not self._on:
            self._machine.boot()
        self._on = on


class Consoles:
    """A console server: TCP port base+n is the line of machine n, counted from 1."""

    def __init__(self, machines: Sequence[str], powered: Callable[[str], bool] = lambda name: True) -> None:
        self._machines = list(machines)
        self._powered = powered
        self.base = 0

    async def start(self, base: int) -> None:
        """Listens on loopback, until the event loop ends."""
        self.base = base
        self._lines = [_LineOfMachine(name, partial(self._powered, name)) for name in self._machines]
        for number, line in enumerate(self._lines, 1):
            await asyncio.start_server(line.serve, "127.0.0.1", base + number)
        self._watch = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            for line in self._lines:
                line.look()
            await asyncio.sleep(_LOOK)

    async def stop(self) -> None:
        self._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watch

    def inventory(self, name: str = "cs1", place: str = "lab") -> Iterator[dict[str, Any]]:
        """The console server as an object of clusto's transfer format; its cables are written at its end."""
        yield {
            "name": name,
            "driver": "ConsoleServer",
            "in": [place],
            "parts": {"consoleport": len(self._machines)},
            "attrs": {"console.profile": "generic-tcp", "console.host": "127.0.0.1", "console.base": self.base},
            "connect": {str(number): f"{machine}:console" for number, machine in enumerate(self._machines, 1)},
        }
