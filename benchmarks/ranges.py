"""Folding and expanding names, beside ClusterShell where it is installed.

    python benchmarks/ranges.py [NAMES]

Prints for each case the seconds that each of the two takes, theirs divided by ours, and into how many ranges the names
fold. NAMES (100,000 unless given) is how many there are in a case; at that size the whole takes half a minute, nearly
all of it ClusterShell's.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from clusto_core.model.ranges import LIMIT, expand, fold
from clusto_core.spelling import natural_key, suggest

clustershell: Any = None
if importlib.util.find_spec("ClusterShell"):
    clustershell = importlib.import_module("ClusterShell.NodeSet")


def seconds(work: Callable[[], object]) -> float:
    """The wall time of `work`: the least of three runs, or of one that takes longer than two seconds."""
    taken: list[float] = []
    while len(taken) < 3:
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
        if taken[-1] > 2:
            break
    return min(taken)


def compare(case: str, ours: Callable[[], object], theirs: Callable[[], object], note: str = "") -> None:
    our_time = seconds(ours)
    line = f"{case:32} {our_time:8.3f} s"
    if clustershell is not None:
        their_time = seconds(theirs)
        line += f" {their_time:9.3f} s {their_time / our_time:7.1f} x"
    print(f"{line}  {note}", flush=True)


def compare_folding(case: str, names: list[str]) -> None:
    def theirs() -> str:
        return str(clustershell.NodeSet.fromlist(names, resolver=clustershell.RESOLVER_NOGROUP))

    note = f"{len(fold(names)):,} ranges"
    if clustershell is not None and len(names) <= 20_000:
        note += f", ClusterShell {len(re.findall(r',(?![^[]*])', theirs())) + 1:,}"
    compare(f"fold, {case}", lambda: fold(names), theirs, note)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    chance = random.Random(20)
    print(f"{count:,} names{'':21} {'clusto':>10} {'ClusterShell':>11} {'ratio':>9}")

    line = [f"web{number:06}" for number in range(count)]
    chance.shuffle(line)
    compare_folding("one number", line)
    compare_folding("one number, a tenth missing", line[: count * 9 // 10])
    compare_folding("one number, then a domain", [f"{name}.example.com" for name in line])

    grid = [f"rack{rack}node{node:03}" for rack in range(count // 100) for node in range(100)]
    chance.shuffle(grid)
    compare_folding("grid", grid)
    compare_folding("grid, a hundredth missing", grid[: count * 99 // 100])
    compare_folding("grid, half missing", grid[: count // 2])

    text = f"rack[1-{count // 100}]node[001-100]"
    compare("expand", lambda: list(expand(text, max(count, LIMIT))), lambda: list(clustershell.NodeSet(text)))

    print(f"{'natural order':32} {seconds(lambda: sorted(line, key=natural_key)):8.3f} s")
    print(f"{'plain order':32} {seconds(lambda: sorted(line)):8.3f} s")
    print(f"{'suggest':32} {seconds(lambda: suggest('wbe000123', line)):8.3f} s")


if __name__ == "__main__":
    main()
