"""How long the boot files of many machines take, held against a bare loop that writes the same bytes.

    python benchmarks/bootfiles.py [--machines 10000] [--rounds 5] [--directory DIR]

Rendered and written as whole files (a new name, then renamed), both new and over what is there already; the times are
the least of all rounds, taken in turn. The budget is twice the bare loop.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from clusto_cli.backends.provision.directory import directory
from clusto_cli.backends.provision.render import Facts, Renderer

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
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", type=Path, help="where to write; a new one below it is used")
    options = parser.parse_args()
    machines = [machine(number) for number in range(options.machines)]
    renderer = Renderer()
    files = {path: text for known in machines for path, text in renderer.local(known).local.items()}
    times: dict[str, list[float]] = {"bare loop": [], "clusto, new": [], "clusto, again": []}
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        for _ in range(options.rounds):
            plain, whole = Path(folder, "bare"), Path(folder, "ours")
            for target in (plain, whole):
                shutil.rmtree(target, ignore_errors=True)
                target.mkdir()
            for name in {path.partition("/")[0] for path in files}:
                (plain / name).mkdir()
            times["bare loop"].append(timed(bare, files, plain))
            times["clusto, new"].append(timed(ours, machines, whole))
            times["clusto, again"].append(timed(ours, machines, whole))
    floor = min(times["bare loop"])
    print(f"{len(files)} files of {len(machines)} machines, {sum(map(len, files.values())) / 1e6:.1f} MB")
    for name, found in times.items():
        print(f"{name:15} {min(found):6.2f} s  {min(found) / floor:5.2f} x")


if __name__ == "__main__":
    main()
