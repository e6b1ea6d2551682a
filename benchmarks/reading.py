"""How long reading very much takes on SQLite: exports, lists and proofs of a whole inventory.

    python benchmarks/reading.py [--servers 100000] [--rounds 3] [--keep DIRECTORY]

Whole processes, run in turn with their floors: what `sqlite3 -json` takes to print the same rows, joined; and what
Python takes to start and import click and sqlite3. `--keep` keeps the store.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import FLOORS, STORE, store
from table import CLUSTO, Line, Measured, line, rounds, tell

JOINED = """
    SELECT t.name, t.driver, t.owner_id FROM things t ORDER BY t.name;
    SELECT t.name, a.key, a.number, a.subkey, a.type, a.head, a.rest, r.name AS ref
    FROM things t JOIN attributes a ON a.thing_id = t.id LEFT JOIN things r ON r.id = a.ref_id ORDER BY t.name;
    SELECT t.name, c.kind, p.name AS part, o.name AS other, c.slot
    FROM things t JOIN connections c ON c.thing_id = t.id LEFT JOIN things p ON p.id = c.part_id
    JOIN things o ON o.id = COALESCE(c.other_part_id, c.other_thing_id) ORDER BY t.name;
"""
FLOOR = "sqlite3 -json of the same rows"
EXPORTS = {f"export {name}": ["export", "--format", name] for name in ("jsonl", "csv", "yaml")}
LISTS = {
    "find, all servers": ["find", "driver:Server"],
    "find, of a status": ["find", "attr:status,allocated"],
    "find, by a regex": ["find", "name:/^server[0-9]+$/"],
    "find, all outlets": ["find", "driver:Outlet"],
    "find, all in a place": ["find", "driver:Server in name:datacenterZ"],
    "locate, all servers": ["locate", "--where", "driver:Server"],
    "attr get status, all": ["attr", "get", "status", "--where", "driver:Server"],
    "attr get, all": ["attr", "get", "--where", "driver:Server"],
    "attr get --inherited, all": ["attr", "get", "--inherited", "--where", "driver:Server"],
    "ip list": ["ip", "list"],
    "log": ["log"],
}
AT_ONCE = 0.15
"""Seconds until the first line of what lists, beyond those until Python has imported click and sqlite3."""
SOUND = 5.0
"""Seconds that `db check` may take."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Times of reading very much, whole processes.")
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", metavar="DIRECTORY", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = given.keep or Path(temporary)
        path = store(given.servers, directory)
        others = {"db check": ["db", "check"], "capacity": ["capacity"]}
        commands = {
            FLOOR: ["sqlite3", "-json", str(path), JOINED],
            STORE: [*FLOORS[STORE][:2], f"{FLOORS[STORE][2]}; print()"],
        }
        commands |= {name: [CLUSTO, *arguments] for name, arguments in (EXPORTS | LISTS | others).items()}
        best = rounds(commands, given.rounds, str(path))
        for number in range(given.rounds):
            copy = [CLUSTO, "db", "copy", f"sqlite:///{temporary}/{number}.db"]
            best |= rounds({"db copy": copy}, 1, str(path))
    tell(f"Reading, {given.servers:,} servers on SQLite", _lines(best))


def _lines(best: dict[str, Measured]) -> Iterator[Line]:
    yield line(FLOOR, best[FLOOR])
    for name in EXPORTS:
        yield line(name, best[name], best[FLOOR], 3)
    yield line(STORE, best[STORE])
    for name in LISTS:
        found = best[name]
        yield Line(name, *found, None, f"first +{AT_ONCE * 1000:.0f} ms", found.first - best[STORE].first <= AT_ONCE)
    check = best["db check"]
    yield Line("db check", *check, None, f"{SOUND:g} s", check.seconds <= SOUND)
    for name in ("capacity", "db copy"):
        yield line(name, best[name])


if __name__ == "__main__":
    main()
