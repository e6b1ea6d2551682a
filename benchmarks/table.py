"""What benchmarks share: processes measured whole, rounds in turn with their floors, and one table with the goals.

A benchmark is a module here with a `main` that asks `arguments` how large it is to be, and hands `Row`s to `tell`: what
was measured, the floor that was measured in turn with it, their ratio, and the goal. By itself it prints them, and ends
with exit code 1 where a goal is missed; `benchmarks/all.py` puts those of all benchmarks into one table. It looks for
modules that name their `TITLE`, so that a new one is in that table by being there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CLUSTO = str(Path(sys.executable).with_name("clusto"))
COLLECTED = "CLUSTO_BENCH_COLLECTED"
"""The environment variable that names the file to which rows are added for a table of several benchmarks."""
_HEAD = ("what", "measured", "floor", "ratio", "goal", "", "besides")
_PYTHON = "PYTHON"


class Row(NamedTuple):
    """One line of the table, numbers with their units; `met` says whether the goal is, None where nothing was
    promised."""

    what: str
    measured: str
    floor: str = ""
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    besides: str = ""


class Measured(NamedTuple):
    """One process: seconds by the clock, of processor time, until its first output; MiB that it took at most."""

    seconds: float
    processor: float
    first: float
    memory: float


# --- how large -------------------------------------------------------------------------------------------------------


def arguments(said: str | None, **sizes: tuple[int, int]) -> Any:
    """The options of a benchmark: `--quick`, `--keep DIRECTORY` for stores that several runs use, and one for each of
    the sizes, with what it is by default and what it is with `--quick`. They are attributes of what is given."""
    parser = argparse.ArgumentParser(description=said, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds: a minute at most")
    parser.add_argument("--keep", metavar="DIRECTORY", type=Path, help="where stores are kept for the next run")
    for name, (whole, quick) in sizes.items():
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{whole:,}, with --quick {quick:,}")
    given = parser.parse_args()
    for name, both in sizes.items():
        if getattr(given, name) is None:
            setattr(given, name, both[given.quick])
    return given


@contextlib.contextmanager
def directory(keep: Path | None = None) -> Iterator[Path]:
    """A directory: the one that is kept, or one that is gone afterwards."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="clusto-bench-") as temporary:
        yield Path(temporary)


# --- measuring -------------------------------------------------------------------------------------------------------


def environment(store: str | None = None, **more: str) -> dict[str, str]:
    """That of an operator's process: its byte code kept and its output buffered, and clusto found as it is here."""
    found = {key: value for key, value in os.environ.items() if not key.startswith((_PYTHON, "CLUSTO"))}
    return found | {"PYTHONPATH": str(ROOT)} | ({"CLUSTO_DB": store} if store is not None else {}) | more


def run(command: Sequence[str], store: str | None = None, /, *, codes: tuple[int, ...] = (0,), **more: str) -> Measured:
    """Runs a process to its end, reading all that it says; it must end with one of the exit codes."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment(store, **more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
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
    if process.returncode not in codes:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, first, usage.ru_maxrss / 1024)


def least(known: Measured | None, found: Measured) -> Measured:
    """The least of each measure of both; of memory the most."""
    if known is None:
        return found
    return Measured(*map(min, found[:3], known[:3]), max(found.memory, known.memory))


def rounds(commands: Mapping[str, Sequence[str]], number: int, store: str | None = None) -> dict[str, Measured]:
    """Runs all commands in turn, so often; gives the `least` of each."""
    best: dict[str, Measured] = {}
    for _ in range(number):
        for name, command in commands.items():
            best[name] = least(best.get(name), run(command, store))
    return best


# --- rows ------------------------------------------------------------------------------------------------------------


def amount(number: float, unit: str = "s") -> str:
    """A number with its unit, as short as it is worth; seconds below one as milliseconds."""
    if unit == "s" and number < 1:
        return amount(number * 1000, "ms")
    return f"{number:,.{0 if number >= 100 or number == int(number) else 1 if number >= 10 else 2}f} {unit}".strip()


def beside(
    what: str,
    measured: float,
    floor: float,
    unit: str = "s",
    *,
    most: float | None = None,
    least: float | None = None,
    besides: str = "",
) -> Row:
    """Something measured beside its floor, and the ratio that it may have at most, or is to have at least."""
    ratio = measured / floor
    return Row(what, amount(measured, unit), amount(floor, unit), ratio, *_goal(ratio, most, least), besides)


def alone(
    what: str,
    measured: float,
    unit: str = "s",
    *,
    most: float | None = None,
    least: float | None = None,
    besides: str = "",
) -> Row:
    """Something that has no floor, and what it may be at most, or is to be at least."""
    goal, met = _goal(measured, most, least)
    return Row(what, amount(measured, unit), "", None, f"{goal} {unit}" if goal else "", met, besides)


def _goal(found: float, most: float | None, least: float | None) -> tuple[str, bool | None]:
    if most is not None:
        return f"at most {most:g}", found <= most
    return (f"at least {least:g}", found >= least) if least is not None else ("", None)


def line(what: str, measured: Measured, floor: Measured | None = None, goal: float | None = None) -> Row:
    """A process by its processor time, beside another one."""
    besides = f"{amount(measured.seconds)} by the clock, {measured.memory:.0f} MiB"
    if floor is None:
        return alone(what, measured.processor, besides=besides)
    return beside(what, measured.processor, floor.processor, most=goal, besides=besides)


def told_of(measured: Measured) -> str:
    """All measures of a process, for what stands besides."""
    first = f"first line {amount(measured.first)}, " if measured.first < measured.seconds / 2 else ""
    return f"{first}{amount(measured.processor)} of processor, {measured.memory:.0f} MiB"


# --- the table -------------------------------------------------------------------------------------------------------


def tell(title: str, rows: Iterable[Row]) -> None:
    """Prints the rows as a table; or adds them to those of other benchmarks where these are collected. Ends with exit
    code 1 where a goal was missed."""
    found = list(rows)
    if collected := os.environ.get(COLLECTED):
        with open(collected, "a", encoding="utf-8") as file:
            file.write(json.dumps([title, found]) + "\n")
        return
    print(f"\n{title}\n\n{table([_HEAD, *map(cells, found)])}")
    if missed := [row.what for row in found if row.met is False]:
        sys.exit(f"missed: {', '.join(missed)}")


def cells(row: Row) -> tuple[str, ...]:
    """What stands in the columns."""
    met = {True: "met", False: "MISSED", None: ""}[row.met]
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return row.what, row.measured, row.floor, ratio, row.goal, met, row.besides


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in Markdown, the first of which is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ruled = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in ruled
    )
