"""What benchmarks share: processes measured whole, rounds in turn with their floors, and one table with the goals.

A benchmark makes `Line`s and hands them to `tell`, which prints them; `benchmarks/all.py` collects those of several in
one table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

CLUSTO = str(Path(sys.executable).with_name("clusto"))
COLLECTED = "CLUSTO_BENCH_COLLECTED"
"""The environment variable that names the file to which lines are added for a table of several benchmarks."""
_HEAD = ("what", "seconds", "of processor", "first line ms", "MiB", "ratio", "goal", "")


class Measured(NamedTuple):
    """One process: seconds by the clock, of processor time, until its first output; MiB that it took at most."""

    seconds: float
    processor: float
    first: float
    memory: float


class Line(NamedTuple):
    """One line of the table: `ratio` to a floor by processor time, and what it may be; `goal` in words where it is
    something else, and whether it is met (None: nothing was promised)."""

    what: str
    seconds: float | None = None
    processor: float | None = None
    first: float | None = None
    memory: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


def run(command: Sequence[str], store: str | None = None) -> Measured:
    """Runs a process to its end, reading all that it says; it must succeed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    if store is not None:
        environment["CLUSTO_DB"] = store
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = process.stdout.fileno()
    data = os.read(output, 65536)
    first = time.perf_counter() - start
    while data:
        data = os.read(output, 1 << 20)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, first, usage.ru_maxrss / 1024)


def rounds(commands: Mapping[str, Sequence[str]], number: int, store: str | None = None) -> dict[str, Measured]:
    """Runs all commands in turn, so often; of each the least of each measure, and of memory the most."""
    best: dict[str, Measured] = {}
    for _ in range(number):
        for name, command in commands.items():
            found = run(command, store)
            known = best.get(name, found)
            least = map(min, found[:3], known[:3])
            best[name] = Measured(*least, max(found.memory, known.memory))
    return best


def line(what: str, measured: Measured, floor: Measured | None = None, goal: float | None = None) -> Line:
    """The line of a process, beside another one by processor time."""
    ratio = measured.processor / floor.processor if floor is not None else None
    met = ratio <= goal if ratio is not None and goal is not None else None
    return Line(what, *measured, ratio, f"{goal:g}" if goal is not None else "", met)


def tell(title: str, lines: Iterable[Line]) -> None:
    """Prints the lines as a table, and adds them to those of other benchmarks where these are collected."""
    found = list(lines)
    print(f"\n{title}\n")
    print(table(found))
    if collected := os.environ.get(COLLECTED):
        with open(collected, "a", encoding="utf-8") as file:
            file.write(json.dumps([title, found]) + "\n")


def table(lines: Iterable[Line]) -> str:
    """The lines in Markdown."""
    rows = [_HEAD, *map(_cells, lines)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    ruled = [rows[0], tuple("-" * width for width in widths), *rows[1:]]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in ruled
    )


def _cells(each: Line) -> tuple[str, ...]:
    met = {True: "met", False: "MISSED", None: ""}[each.met]
    first = _number(None if each.first is None else each.first * 1000, 0)
    numbers = _number(each.seconds, 2), _number(each.processor, 2), first, _number(each.memory, 0)
    return (each.what, *numbers, _number(each.ratio, 2), each.goal, met)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
