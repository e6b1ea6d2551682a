"""How long `clusto batch` takes for the commands that build a rack, and for a thousand lines, beside the floor.

    python benchmarks/batch.py [--rounds 5] [--lines 1000]

The floor is what a command that changes anything costs: `clusto attr set`. Each way is run once a round, in a new
process on a copy of one store; the times are the least of all rounds. The goals: 91 commands under half a second, 1,000
lines under 1.5 s, on an idle machine of two cores. What a line costs tells a slow machine from a slow program.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

CLUSTO = [sys.executable, "-m", "clusto_cli.main"]
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


def timed(store: Path, scratch: Path, *words: str, stdin: str = "") -> float:
    """Seconds that a command takes on a copy of a store."""
    copy = scratch / "copy.db"
    shutil.copy(store, copy)
    environment = {**os.environ, "CLUSTO_DB": f"sqlite:///{copy}"}
    start = time.perf_counter()
    subprocess.run([*CLUSTO, *words], input=stdin, text=True, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=1000)
    given = parser.parse_args()
    small, large = lines(91), lines(given.lines)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.db"
        environment = {**os.environ, "CLUSTO_DB": f"sqlite:///{store}"}
        subprocess.run([*CLUSTO, "add", "Server", "floor"], env=environment, check=True, capture_output=True)
        rounds = [
            (
                timed(store, Path(folder), "attr", "set", "x", "1", "-t", "floor"),
                timed(store, Path(folder), "batch", stdin="\n".join(small)),
                timed(store, Path(folder), "batch", stdin="\n".join(large)),
            )
            for _ in range(given.rounds)
        ]
    floor, few, many = map(min, zip(*rounds, strict=True))
    print(f"one attr set             {floor:6.3f} s")
    for count, seconds, goal in ((len(small), few, RACK), (len(large), many, LARGE)):
        cost = 1000 * (seconds - floor) / count
        print(f"batch of {count:5} lines     {seconds:6.3f} s   goal {goal} s   {cost:.2f} ms a line")


if __name__ == "__main__":
    main()
