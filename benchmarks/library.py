"""How long a script takes that finds Things by the library and reads two attributes of each, beside plain sqlite3.

    python benchmarks/library.py [--quick] [--servers 10000] [--rounds 15] [--keep DIRECTORY]

A fifth of the servers is found. Every round runs each way once, from opening the store to the last value, in this
process; the times are the least of all rounds. Plain sqlite3 asks in two ways: a statement that finds and, for each
hit, one for each attribute, as a loop is written; and one statement that joins both attributes to the hits. What the
library may take at most is twice the loop; the ratio to the join, which no loop is, stands beside it.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import store
from table import arguments, beside, directory, tell

import clusto_core

TITLE = "The library"

BUDGET = 2.0
LOOP, JOIN = "sqlite3, a loop", "sqlite3, one join"
EXPRESSION = "driver:Server and attr:status,unallocated"
_FOUND = """
    FROM things t JOIN attributes s ON s.thing_id = t.id AND s.key = 'status' AND s.number IS NULL AND s.subkey IS NULL
    WHERE t.driver = 'Server' AND s.head = 'unallocated'"""
_VALUE = """
    SELECT a.type, a.head FROM attributes a
    WHERE a.thing_id = ? AND a.key = ? AND a.number IS NULL AND a.subkey IS NULL"""
_JOINED = f"""
    SELECT t.name, (SELECT a.head FROM attributes a WHERE a.thing_id = t.id AND a.key = 'serial' AND a.subkey IS NULL),
           (SELECT a.integer_value FROM attributes a WHERE a.thing_id = t.id AND a.key = 'ram' AND a.subkey IS NULL)
    {_FOUND} ORDER BY t.name"""

Answer = list[tuple[str, str, int]]


def by_library(path: Path) -> Answer:
    """As a script asks."""
    inventory = clusto_core.open(f"sqlite:///{path}")
    return [(each.name, each.attrs["serial"], each.attrs["ram"]) for each in inventory.find(EXPRESSION)]


def by_snapshot(path: Path) -> Answer:
    """The same in one consistent view."""
    with clusto_core.open(f"sqlite:///{path}").read() as view:
        return [(each.name, each.attrs["serial"], each.attrs["ram"]) for each in view.find(EXPRESSION)]


def by_change(path: Path) -> Answer:
    """The same inside a change."""
    with clusto_core.open(f"sqlite:///{path}").change() as change:
        return [(each.name, each.attrs["serial"], each.attrs["ram"]) for each in change.find(EXPRESSION)]


def by_loop(path: Path) -> Answer:
    """Plain sqlite3: a statement for the hits, and one for each attribute of each."""
    connection = sqlite3.connect(path)
    found = []
    for id, name in connection.execute(f"SELECT t.id, t.name {_FOUND} ORDER BY t.name").fetchall():
        serial = connection.execute(_VALUE, (id, "serial")).fetchone()
        ram = connection.execute(_VALUE, (id, "ram")).fetchone()
        found.append((name, serial[1], int(ram[1])))
    connection.close()
    return found


def by_join(path: Path) -> Answer:
    """Plain sqlite3: all in one statement."""
    connection = sqlite3.connect(path)
    found = connection.execute(_JOINED).fetchall()
    connection.close()
    return found


WAYS: dict[str, Callable[[Path], Answer]] = {
    LOOP: by_loop,
    JOIN: by_join,
    "clusto_core.open().find": by_library,
    "with inventory.read()": by_snapshot,
    "with inventory.change()": by_change,
}


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, servers=(10_000, 10_000), rounds=(15, 5))
    with directory(given.keep) as kept:
        path = store(given.servers, kept)
        answers = {name: sorted(ask(path)) for name, ask in WAYS.items()}
        assert all(answer == answers[LOOP] for answer in answers.values()), "the ways differ"
        best = dict.fromkeys(WAYS, float("inf"))
        for _ in range(given.rounds):
            for name, ask in WAYS.items():
                start = time.perf_counter()
                ask(path)
                best[name] = min(best[name], time.perf_counter() - start)
    loop, join = best.pop(LOOP), best.pop(JOIN)
    rows = [
        beside(f"{name}, beside {LOOP}", seconds, loop, most=BUDGET, besides=f"{seconds / join:.2f} x {JOIN}")
        for name, seconds in best.items()
    ]
    tell(f"{TITLE}, two attributes of {len(answers[LOOP]):,} hits of {given.servers:,} servers", rows)


if __name__ == "__main__":
    main()
