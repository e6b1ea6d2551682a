"""Puts boot files back to local when the command that armed them dies, however it dies.

A machine whose boot file still says install reinstalls itself at every boot. So a process of its own, in a session of
its own, which no ^C and no closed terminal reaches, holds one end of a pipe. When the other end goes away while
machines are armed, it puts them back. A machine that has begun to install goes on; `clusto rebuild --resume` finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from clusto_cli.backends.base import BootMachine
from clusto_cli.children import environment, python
from clusto_core.config import Settings

_TRIES = 60
"""How often a boot server that does not answer is tried again, once every two seconds."""


class Guardian:
    """The end of the pipe that the command holds. The process begins with the first machine that is armed."""

    def __init__(self, store: Settings) -> None:
        self._store = store
        self._process: subprocess.Popen[bytes] | None = None
        self._armed: set[int] = set()

    def __enter__(self) -> Guardian:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            # With machines still armed it goes on trying by itself, for longer than anybody waits for a prompt.
            if not self._armed:
                self._process.wait()

    def arm(self, rebuild_id: int, machine: BootMachine, settings: Mapping[str, str]) -> None:
        """Has this machine put back if this process dies. Raises OSError when there is no guardian to tell."""
        self._armed.add(rebuild_id)
        self._tell(
            {
                "arm": rebuild_id,
                "store": self._store.url,
                "settings": dict(settings),
                "machine": {
                    "name": machine.name,
                    "macs": list(machine.macs),
                    "address": machine.address,
                    "profile": machine.profile,
                    "local": dict(machine.local),
                    "answers": list(machine.answers),
                },
            }
        )

    def disarm(self, rebuild_id: int) -> None:
        """The machine has been put back."""
        self._armed.discard(rebuild_id)
        if self._process is not None:
            # One that is gone has nothing to put back any more.
            with contextlib.suppress(OSError):
                self._tell({"disarm": rebuild_id})

    def _tell(self, message: dict[str, Any]) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                python("clusto_cli.rebuild.guardian"),
                env=environment(own=True),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


def main() -> None:
    """Listens until the pipe ends, then puts back what is armed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    armed: dict[int, dict[str, Any]] = {}
    for line in sys.stdin.buffer:
        with contextlib.suppress(ValueError):  # the last line of a command that died while it wrote
            message = json.loads(line)
            if "arm" in message:
                armed[message["arm"]] = message
            else:
                armed.pop(message["disarm"], None)
    if armed:
        asyncio.run(_put_back(armed))


async def _put_back(armed: Mapping[int, dict[str, Any]]) -> None:
    await asyncio.gather(*(_one(number, message) for number, message in armed.items()))


async def _one(number: int, message: dict[str, Any]) -> None:
    from clusto_cli.backends.provision import open_provisioner

    described = message["machine"]
    answers = dict.fromkeys(described.pop("answers"), "")
    described["macs"] = tuple(described["macs"])
    machine = BootMachine(**described, install=dict.fromkeys(described["local"], ""), answers=answers)
    said = "the command that rebuilt it died: its boot files are at local, and its power may be off"
    for attempt in range(_TRIES):
        try:
            async with open_provisioner(message["settings"]) as server:
                await server.local(machine, keep_answers=True)
            break
        except Exception as error:  # of whatever boot server: the other machines must be put back all the same
            said = f"the command that rebuilt it died, and its boot files could not be put back: {error}"
            if attempt + 1 < _TRIES:
                await asyncio.sleep(2)
    await asyncio.to_thread(_note, message["store"], number, said)


def _note(url: str, number: int, said: str) -> None:
    from clusto_core.records.rebuilds import CLUSTO, PROGRESS, Heard, Journal

    with contextlib.suppress(Exception):
        Journal(Settings(url)).add([Heard(number, CLUSTO, PROGRESS, said)])


if __name__ == "__main__":
    # Nothing of the command's that dies with it may end this one, its standard error above all.
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    main()
