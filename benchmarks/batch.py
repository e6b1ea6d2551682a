"""How long `clusto batch` takes for the commands that build a rack, and for a thousand lines, beside the floor.

    python benchmarks/batch.py [--quick] [--rounds 5] [--lines 1000]

The floor is what a command that changes anything costs: `clusto attr set`. Each way is run once a round, in a new
process on a copy of one store; the times are the least of all rounds. The goals: 91 commands under half a second, 1,000
lines under 1.5 s, on an idle machine of two cores. What a line costs tells a slow machine from a slow program.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from table import CLUSTO, Measured, alone, amount, arguments, directory, least, run, tell

TITLE = "Batches"
RACK, LARGE = 0.5, 1.5


def rack(name: str, servers: int) -> Iterator[str]:
    """The commands for a rack with a switch, a PDU and wired servers: three, and four a server."""
    yield f"add Rack {name}"
    yield f"add Switch {name}-tor --in {name}"
    yield f"add PDU {name}-pdu --in {name}"
    for number in range(1, servers + 1):
        server = f"{name}-{number:02}"
        yield f"add Server {server} --attr status=unallocated"
        yield f"connect {server} {name}:RU{number}"
        yield f"connect {server}:eth0 {name}-tor:{number}"
        yield f"connect {server}:psu1 {name}-pdu:{number}"


def lines(count: int) -> list[str]:
    """So many commands, rack after rack."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        number += 1
        found += rack(f"r{number}", 22)
    return found[:count]


def measured(store: Path, *words: str) -> Measured:
    """A command on a copy of a store."""
    copy = store.with_name("copy.db")
    shutil.copy(store, copy)
    return run([CLUSTO, *words], f"sqlite:///{copy}")


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, rounds=(5, 3), lines=(1000, 1000))
    goals = {91: RACK, given.lines: LARGE}
    floor: Measured | None = None
    found: dict[int, Measured] = {}
    with directory() as folder:
        store = folder / "store.db"
        run([CLUSTO, "add", "Server", "floor"], f"sqlite:///{store}")
        for _ in range(given.rounds):
            floor = least(floor, measured(store, "attr", "set", "x", "1", "-t", "floor"))
            for count in goals:
                file = folder / "lines"
                file.write_text("\n".join(lines(count)))
                found[count] = least(found.get(count), measured(store, "batch", str(file)))
    assert floor is not None
    rows = [
        alone(
            f"{count:,} lines, by the clock",
            found[count].seconds,
            most=goal,
            besides=f"{amount((found[count].processor - floor.processor) / count)} of processor a line",
        )
        for count, goal in goals.items()
    ]
    tell(TITLE, rows)


if __name__ == "__main__":
    main()
