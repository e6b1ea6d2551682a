"""How long expressions and allocation take on an SQLite store of 100,000 servers, and the parser on hostile input.

    python benchmarks/find.py [--quick] [--servers 100000] [--rounds 7] [--keep DIRECTORY]

Whole processes, run in turn with the floors that they are held against; the times are the least of all rounds, by the
clock and as computed by the processor. `--keep` keeps the store.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import store
from table import CLUSTO, Measured, Row, alone, arguments, directory, line, rounds, tell, told_of

TITLE = "Expressions and allocation"

FLOOR = "python -c 'import click, sqlite3'"
WRITE_FLOOR = "python -c 'import click, sqlalchemy.orm'"
FLOORS = {
    FLOOR: [sys.executable, "-c", "import click, sqlite3"],
    WRITE_FLOOR: [sys.executable, "-c", "import click, sqlalchemy.orm"],
}
QUICK = "driver:Server connected to name:rack002"
SECOND = 1.0
PARSED = 100
"""Milliseconds for whatever somebody writes."""
EXPRESSIONS = (
    "driver:Console connected to name:server2",
    "driver:Server",
    "attr:foo,12 and driver:Server",
    "driver:Server in name:datacenterZ and not attr:status,allocated",
    "driver:NIC and attr:mac,52:54:*",
    "(driver:Server in name:web-pool) and haskey(serial) and name:/^s0[0-9]+$/",
    "driver:PDU connected to (driver:Server in name:rack101)",
    "not (name:web* or name:db*) and driver:Server",
    "driver:Server and attr:_ip,10.2.0.0/16",
    "driver:Server and count(connected to driver:PDU) < 2",
    "driver:Server and not (connected to driver:PDU via power)",
    "driver:Server and attr:snmp.community,env:* inherited",
)
SPARE = "driver:Server and attr:status,unallocated"
HOSTILE = {
    "(((...": "(" * 19_000,
    "not not not ...": "not " * 4_999,
    "name:[a-z]*[a-z]*...": "name:" + "[a-z]*" * 600,
    "name:[1-9][1-9]...": "name:" + "[1-9]" * 3_000,
    "driver:a*a*a*...": "driver:" + "a*" * 3_000,
    "regex, too large": "name:/" + "[^a]{0,1000}" * 70 + "/",
    "regexes, many": "name:/(a|b)*c/ or " * 1_000 + "name:x",
    "unknown words": "nmae:x " * 2_800,
    "a long or": "name:a or " * 1_900 + "name:b",
    "braces": "attr:a={" + "x," * 9_000 + "x}",
}


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 10_000), rounds=(7, 3))
    with directory(given.keep) as kept:
        path = store(given.servers, kept)
        commands = dict(FLOORS)
        for expression in (QUICK, *EXPRESSIONS):
            commands[expression] = [CLUSTO, "find", "--allow-unknown", expression]
        for number in (4, 5):
            words = ["--where", SPARE, "--spread", "Rack", "--set", "status=allocated", "--dry-run"]
            commands[f"allocate {number} --spread Rack"] = [CLUSTO, "allocate", str(number), *words]
        best = rounds(commands, given.rounds, str(path))
    tell(f"{TITLE}, {given.servers:,} servers", _rows(best))


def _rows(best: dict[str, Measured]) -> Iterator[Row]:
    for name, found in best.items():
        if name == QUICK:
            yield line(name, found, best[FLOOR], 2)
        elif name.startswith("allocate"):
            yield line(name, found, best[WRITE_FLOOR], 1.4)
        elif name not in FLOORS:
            yield alone(f"{name}, by the clock", found.seconds, most=SECOND, besides=told_of(found))
    for name, text in HOSTILE.items():
        yield alone(f"the parser: {name}", _parsing(text) * 1000, "ms", most=PARSED)


def _parsing(text: str) -> float:
    from clusto_core.errors import Malformed
    from clusto_core.query.parser import parse

    least = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        with contextlib.suppress(Malformed):
            parse(text)
        least = min(least, time.perf_counter() - start)
    return least


if __name__ == "__main__":
    main()
