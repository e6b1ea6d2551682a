"""What the past costs: `show --at` and `find --at`, with more and more transactions between then and now.

    python benchmarks/past.py [--quick] [--servers 100000] [--transactions 10000] [--rounds 5] [--keep DIRECTORY]

Whole processes, run in turn with the same questions about the present; the times are the least of all rounds. Goals:
`show --at` at most twice `show`; `find --at` 10,000 transactions back under 3 s, and linear in what changed since.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import store
from table import CLUSTO, Measured, Row, alone, arguments, directory, line, rounds, tell, told_of

TITLE = "The past"
SHOWN, FOUND = 2.0, 3.0
QUESTIONS = {
    "show": ["show", "server1"],
    "find": ["find", "--allow-unknown", "driver:Server connected to name:rack002"],
    "find all": ["find", "--count", "driver:Server and attr:status,unallocated"],
}


def age(path: Path, transactions: int) -> None:
    """So many transactions, each of which changes one value of one server."""
    from clusto_core.inventory import Inventory

    inventory = Inventory.open(f"sqlite:///{path}")
    with inventory.read() as reader:
        names = sorted(thing.name for thing in reader.all(["Server"]))
    for number in range(transactions):
        with inventory.change("age") as change:
            change.set_values(names[number % len(names)], "status", f"aged {number}")


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 10_000), transactions=(10_000, 1_000), rounds=(5, 2))
    with directory(given.keep) as kept, directory() as folder:
        path = Path(shutil.copy(store(given.servers, kept), folder))
        last = _aged(path, given.transactions)
        commands = {name: [CLUSTO, *words] for name, words in QUESTIONS.items()}
        commands |= {f"{name} --at": [CLUSTO, *words, "--at", str(last)] for name, words in QUESTIONS.items()}
        best = rounds(commands, given.rounds, str(path))
    tell(f"{TITLE}, {given.transactions:,} transactions back, {given.servers:,} servers", _rows(best))


def _rows(best: dict[str, Measured]) -> Iterator[Row]:
    for name in QUESTIONS:
        then = best[f"{name} --at"]
        yield line(f"{name} --at, beside the present", then, best[name], SHOWN if name == "show" else None)
        if name == "find":
            yield alone(f"{name} --at, by the clock", then.seconds, most=FOUND, besides=told_of(then))


def _aged(path: Path, count: int) -> int:
    """Lets a store age by so many transactions; the number of the one before them."""
    from clusto_core.inventory import Inventory
    from clusto_core.store.net import last_transaction

    with Inventory.open(f"sqlite:///{path}").read() as reader:
        last = last_transaction(reader.database)
    age(path, count)
    return last


if __name__ == "__main__":
    main()
