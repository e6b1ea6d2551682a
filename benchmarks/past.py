"""What the past costs: `show --at` and `find --at`, with more and more transactions between then and now.

    python benchmarks/past.py [--servers 100000] [--transactions 1000,10000] [--rounds 5] [--keep DIRECTORY]

Whole processes, run in turn with the same questions about the present; the times are the least of all rounds. Goals:
`show --at` at most twice `show`; `find --at` 10,000 transactions back under 3 s, and linear in what changed since.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import CLUSTO, run, store

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
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Times of questions about the past, whole processes.")
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--transactions", default="1000,10000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", metavar="DIRECTORY", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = store(given.servers, given.keep or Path(directory))
        for count in map(int, given.transactions.split(",")):
            last = _aged(path, count)
            commands = {name: [CLUSTO, *words] for name, words in QUESTIONS.items()}
            commands |= {f"{name} --at": [CLUSTO, *words, "--at", str(last)] for name, words in QUESTIONS.items()}
            best = {name: (float("inf"), float("inf")) for name in commands}
            for _ in range(given.rounds):
                for name, command in commands.items():
                    best[name] = tuple(map(min, best[name], run(command, str(path))[:2]))  # type: ignore[assignment]
            print(f"{given.servers} servers, {count} transactions back")
            for name, (clock, cpu) in best.items():
                present = best[name.removesuffix(" --at")][1]
                print(f"{clock * 1000:8.0f} ms, computing {cpu * 1000:6.0f} ms, {cpu / present:5.2f} x  {name}")


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
