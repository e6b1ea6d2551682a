"""A console server of the lab: one TCP port a line, a machine at the end of each; who connects shares the line.

    clusto console --list cs1 -o jsonl | python -m lab.consoles

prints the base of its TCP ports, and goes on until it is interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    """A console server: TCP port base+n is the line of the machine with number n."""

    def __init__(self, machines: Mapping[int, str], powered: Callable[[str], bool] = lambda name: True) -> None:
        self._machines = dict(machines)
        self._powered = powered
        self.base = 0

    async def start(self, base: int | None = None) -> None:
        """Listens on loopback, until the event loop ends; without a base, where all the ports are free.

        Raises OSError where one is taken.
        """
        self.base = base if base is not None else _free_base(list(self._machines))
        self._lines = []
        for number, name in self._machines.items():
            line = _LineOfMachine(name, partial(self._powered, name))
            await asyncio.start_server(line.serve, "127.0.0.1", self.base + number)
            self._lines.append(line)
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
            "parts": {"consoleport": max(self._machines)},
            "attrs": {"console.profile": "generic-tcp", "console.host": "127.0.0.1", "console.base": self.base},
            "connect": {str(number): f"{machine}:console" for number, machine in self._machines.items()},
        }


def _free_base(numbers: Sequence[int]) -> int:
    """Where the ports of all these numbers are free, below those that outgoing connections take."""
    for base in range(17000, 32000, 100):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for number in numbers:
                stack.enter_context(socket.create_server(("127.0.0.1", base + number)))
            return base
    raise OSError("no free TCP ports")


def main() -> None:
    """Serves the ports that `clusto console --list NAME -o jsonl` lists on standard input."""
    parser = argparse.ArgumentParser(prog="python -m lab.consoles", description=main.__doc__)
    parser.add_argument("--base", type=int, help="TCP port base+n is port n; by default one that is free")
    parser.add_argument("--seconds", type=float, metavar="N", help="end by itself after so long")
    options = parser.parse_args()
    machines = {}
    for line in sys.stdin:
        record = json.loads(line)
        number = record["name"].partition(":")[2]
        if record["wired"] and number.isdecimal():
            machines[int(number)] = record["wired"].partition(":")[0]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Consoles(machines), options.base, options.seconds))


async def _serve(consoles: Consoles, base: int | None, seconds: float | None) -> None:
    await consoles.start(base)
    sys.stdout.write(f"{consoles.base}\n")
    sys.stdout.flush()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


if __name__ == "__main__":
    main()
