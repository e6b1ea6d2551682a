"""Clients that write until they are stopped, and say of each change what they were told: for the loss of servers.

Each is a process of its own; its name begins with what it does: attributes, a new Thing, an import, an allocation from
the one pool `shelf`, by clusto's library or (`cli...`) by a command a change. `hold_against` holds what they were told
against the history.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.store import database

PATIENCE = 200.0
"""Seconds after which clients have got stuck."""
LIBRARY = ("attr", "add", "import", "allocate")
COMMANDS = ("cliattr", "cliimport", "cliallocate")

_LIBRARY = """
import os, sys, time
from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.inventory import Inventory
from clusto_core.resources.allocation import Wanted, allocate
url, name, kind, end = sys.argv[1:]
inventory, number = Inventory(Settings(url)), 0
while not os.path.exists(end):
    number += 1
    picked = []
    try:
        with inventory.change(message=f"{name} {number}") as change:
            if kind == "attr":
                change.set_values(name, "n", [number])
                change.add_values(name, "all", [number])
            elif kind == "allocate":
                free = Wanted(2, "driver:Pool and attr:status,free", change.resolve("shelf"))
                picked = [box.name for box in allocate(change, free, settings=[("status", name)]).things]
            else:
                for each in range(1 if kind == "add" else 40):
                    change.add("Server", f"{name}-{number}-{each}", parents=[name])
        print("kept", name, number, *picked, flush=True)
        if picked:
            time.sleep(0.05)
    except ClustoError as error:
        print("refused", name, number, error, flush=True)
        time.sleep(0.2)
"""
_COMMANDS = """
import json, os, subprocess, sys
url, name, kind, end = sys.argv[1:]
number = 0
free = ("--where", "driver:Pool and attr:status,free", "--in", "shelf")
while not os.path.exists(end):
    number += 1
    verb, lines = {
        "cliattr": (["attr", "set", "n", str(number), "-t", name], ""),
        "cliimport": (["import", "-"], "".join(
            json.dumps({"name": f"{name}-{number}-{each}", "driver": "Server", "in": [name]}) + "\\n"
            for each in range(40)
        )),
        "cliallocate": (["allocate", "2", *free, "--set", f"status={name}"], ""),
    }[kind]
    command = [sys.executable, "-m", "clusto_cli.main", "--db", url, *verb, "-m", f"{name} {number}"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True)
    if done.returncode == 0:
        print("kept", name, number, *(done.stdout.split() if kind == "cliallocate" else ()), flush=True)
    else:
        print("refused", name, number, done.returncode, " ".join(done.stderr.splitlines()), flush=True)
"""


def furnish(url: str, names: Iterable[str], boxes: int) -> None:
    """A pool for each client, and what they may allocate."""
    with Inventory(Settings(url)).change() as change:
        for name in ("shelf", *names):
            change.add("Pool", name)
        for number in range(boxes):
            change.add("Pool", f"box{number}", parents=["shelf"], attributes=[("status", "free")])


class Writers:
    """Clients by their names, which write to a store each; what they were told is in files of a directory."""

    def __init__(self, urls: Mapping[str, str], directory: Path) -> None:
        self._end = directory / "end"
        self._told = {name: directory / f"told-{name}" for name in urls}
        self._running = {name: self._started(name, url) for name, url in urls.items()}

    def _started(self, name: str, url: str) -> subprocess.Popen[bytes]:
        kind = name.rstrip("0123456789")
        script = _COMMANDS if kind in COMMANDS else _LIBRARY
        command = [sys.executable, "-c", script, url, name, kind, str(self._end)]
        with self._told[name].open("wb") as told:
            return subprocess.Popen(command, stdout=told, stdin=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._end.touch()
        for process in self._running.values():
            process.kill()
            process.wait()

    def write_on(self, many: int) -> None:
        """Waits until each has kept so many more changes."""
        wanted = {name: kept + many for name, kept in self._kept().items()}
        until = time.monotonic() + PATIENCE
        while any(kept < wanted[name] for name, kept in self._kept().items()):
            assert time.monotonic() < until, self.told()
            time.sleep(0.1)

    def _kept(self) -> dict[str, int]:
        return {name: len(re.findall("^kept .*$", told.read_text(), re.M)) for name, told in self._told.items()}

    def told(self) -> str:
        """Lines: `kept` or `refused`, the client and the number of its change, what was allocated or why not."""
        return "".join(told.read_text() for told in self._told.values())

    def ended(self) -> str:
        """Has all end what they do, and no more; what they were told."""
        self._end.touch()
        for process in self._running.values():
            assert process.wait(PATIENCE) == 0
        return self.told()


def names(kinds: Iterable[str], each: int) -> list[str]:
    """So many clients of each kind."""
    return [f"{kind}{number}" for kind in kinds for number in range(each)]


def hold_against(url: str, told: str, refusals: tuple[str, ...]) -> None:
    """What was told as kept is kept, what was told as refused left no trace, in words that are expected; nothing was
    handed out twice, or halfway."""
    kept: dict[str, list[str]] = {}
    refused = set()
    for line in told.splitlines():
        outcome, name, number, *words = line.split()
        if outcome == "kept":
            kept[f"{name} {number}"] = words
        else:
            refused.add(f"{name} {number}")
            assert any(each in line for each in refusals), line
    with contextlib.closing(database.connect(url)) as reading:
        found = [row[0] for row in reading.rows("SELECT x.message FROM transactions x WHERE x.message IS NOT NULL")]
    assert len(found) == len(set(found))
    assert set(kept) - set(found) == set()
    assert refused & set(found) == set()
    assert refused, "nothing was under way"
    _hold_allocated(url, {change: picked for change, picked in kept.items() if picked})


def _hold_allocated(url: str, kept: dict[str, list[str]]) -> None:
    with Inventory(Settings(url)).read() as reader:
        pools = {thing.id: thing.name for thing in reader.all(["Pool"])}
        status = {
            pools[each.thing_id]: each.value.text for each in reader.attributes(*pools) if each.key.key == "status"
        }
    handed_out = {box: client for box, client in status.items() if client != "free"}
    assert handed_out == {box: change.split()[0] for change, picked in kept.items() for box in picked}
    assert len(handed_out) == sum(map(len, kept.values()))
