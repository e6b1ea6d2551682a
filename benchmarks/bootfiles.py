"""How long the boot files of many machines take, held against a bare loop that writes the same bytes.

    python benchmarks/bootfiles.py [--quick] [--machines 10000] [--rounds 5]

Rendered and written as whole files (a new name, then renamed), both new and over what is there already; the times are
the least of all rounds, taken in turn. The budget is twice the bare loop.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import table

from clusto_cli.backends.provision.directory import directory
from clusto_cli.backends.provision.render import Facts, Renderer

TITLE = "Boot files"
MOST = 2.0
LOOP, NEW, AGAIN = "a bare loop", "new files", "over what is there"
T = TypeVar("T")


def machine(number: int) -> Facts:
    digits = f"{number:06x}"
    mac = f"52:54:00:{digits[:2]}:{digits[2:4]}:{digits[4:]}"
    return Facts(f"server{number}", (mac,), None, {"os.console": "ttyS0,115200n8"})


def bare(files: dict[str, str], target: Path) -> None:
    for path, text in files.items():
        with open(target / path, "w") as file:
            file.write(text)


def ours(machines: list[Facts], target: Path) -> None:
    async def write() -> None:
        async with directory(str(target)) as provisioner:
            failures = await provisioner.local_many(map(Renderer().local, machines))
            assert not failures

    asyncio.run(write())


def timed(act: Callable[[T, Path], None], what: T, target: Path) -> float:
    started = time.perf_counter()
    act(what, target)
    return time.perf_counter() - started


def main() -> None:
    """Measures and tells."""
    given = table.arguments(__doc__, machines=(10_000, 1_000), rounds=(5, 2))
    machines = [machine(number) for number in range(given.machines)]
    renderer = Renderer()
    files = {path: text for known in machines for path, text in renderer.local(known).local.items()}
    times: dict[str, list[float]] = {LOOP: [], NEW: [], AGAIN: []}
    with table.directory() as folder:
        for _ in range(given.rounds):
            plain, whole = folder / "bare", folder / "ours"
            for target in (plain, whole):
                shutil.rmtree(target, ignore_errors=True)
                target.mkdir()
            for name in {path.partition("/")[0] for path in files}:
                (plain / name).mkdir()
            times[LOOP].append(timed(bare, files, plain))
            times[NEW].append(timed(ours, machines, whole))
            times[AGAIN].append(timed(ours, machines, whole))
    floor, besides = min(times[LOOP]), f"{len(files):,} files, {sum(map(len, files.values())) / 1e6:.1f} MB"
    rows = [
        table.beside(f"{name}, beside {LOOP}, by the clock", min(times[name]), floor, most=MOST, besides=besides)
        for name in (NEW, AGAIN)
    ]
    table.tell(f"{TITLE} of {given.machines:,} machines", rows)


if __name__ == "__main__":
    main()
