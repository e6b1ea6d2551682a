"""How long reading very much takes on SQLite: exports, lists and proofs of a whole inventory.

    python benchmarks/reading.py [--quick] [--servers 100000] [--rounds 3] [--keep DIRECTORY]

Whole processes, run in turn with their floor: what `sqlite3 -json` takes to print the same rows, joined. `--keep` keeps
the store.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import FLOORS, STORE, store
from table import CLUSTO, Measured, Row, alone, arguments, directory, line, rounds, tell, told_of

TITLE = "Reading very much"

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
AT_ONCE = 150
"""Milliseconds until the first line of what lists, beyond those until Python has imported click and sqlite3."""
SOUND = 5.0
"""Seconds that `db check` may take."""


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 10_000), rounds=(3, 1))
    with directory(given.keep) as kept, directory() as copies:
        path = store(given.servers, kept)
        others = {"db check": ["db", "check"], "capacity": ["capacity"]}
        commands = {
            FLOOR: ["sqlite3", "-json", str(path), JOINED],
            STORE: [*FLOORS[STORE][:2], f"{FLOORS[STORE][2]}; print()"],
        }
        commands |= {name: [CLUSTO, *words] for name, words in (EXPORTS | LISTS | others).items()}
        best = rounds(commands, given.rounds, str(path))
        for number in range(given.rounds):
            copy = [CLUSTO, "db", "copy", f"sqlite:///{copies}/{number}.db"]
            best |= rounds({"db copy": copy}, 1, str(path))
    tell(f"{TITLE}, {given.servers:,} servers", _rows(best))


def _rows(best: dict[str, Measured]) -> Iterator[Row]:
    for name in EXPORTS:
        yield line(name, best[name], best[FLOOR], 3)
    for name in LISTS:
        found = best[name]
        beyond = max(0.0, found.first - best[STORE].first) * 1000
        yield alone(f"{name}: the first line beyond Python's start", beyond, "ms", most=AT_ONCE, besides=told_of(found))
    check = best["db check"]
    yield alone("db check, by the clock", check.seconds, most=SOUND, besides=told_of(check))
    for name in ("capacity", "db copy"):
        yield line(name, best[name])


if __name__ == "__main__":
    main()
