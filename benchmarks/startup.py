"""How long quick commands take, whole processes, beside what Python itself takes to start and import click.

    python benchmarks/startup.py [--servers 1000,100000] [--rounds 21] [--keep DIRECTORY]

Every round runs each command once, the floors among them, so that whatever else the machine does hits all alike; the
times are the least of all rounds, in milliseconds: by the clock, which is what counts, and as computed by the
processor, which is steadier on a busy machine. What each ratio may be is beside it. `--keep` keeps the stores.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from inventories import objects

CLUSTO = str(Path(sys.executable).with_name("clusto"))
FLOORS = {
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "python -c 'import click, sqlite3'": [sys.executable, "-c", "import click, sqlite3"],
}
CLICK, STORE = FLOORS

Command = tuple[str, list[str], str, float]


def commands(servers: int) -> list[Command]:
    """Each with its name, its floor and the ratio it may have."""
    last = f"server{servers}"
    asked = {
        "locate": ["locate", last],
        "attr get": ["attr", "get", "status", "-t", last],
        "show": ["show", last],
        "completion, verbs": ["completion", "bash", "--line", "clusto "],
        "completion, names": ["completion", "bash", "--line", "clusto locate serv", "--word", "serv"],
        "completion, all names": ["completion", "bash", "--line", "clusto locate "],
        "completion, parts": ["completion", "bash", "--line", f"clusto locate {last}:"],
        "completion, parents": ["completion", "bash", "--line", "clusto put x --in "],
        "completion, keys": ["completion", "bash", "--line", "clusto attr set "],
    }
    return [(f"{name} ({servers:,})", [CLUSTO, *arguments], STORE, 1.5) for name, arguments in asked.items()]


def store(servers: int, directory: Path) -> Path:
    """A store of that many wired servers, made unless it is there."""
    path = directory / f"{servers}.db"
    if not path.exists():
        lines = directory / f"{servers}.jsonl"
        with open(lines, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(each) + "\n" for each in objects(servers))
        run([CLUSTO, "--db", str(path), "import", str(lines)], path)
    return path


def run(command: list[str], path: Path) -> tuple[float, float]:
    """The seconds that one command takes by the clock, and those that it computes; it must succeed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**environment, "CLUSTO_DB": str(path)}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Times of quick commands, whole processes.")
    parser.add_argument("--servers", default="1000,100000", help="the sizes of the inventories")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--keep", type=Path, help="where the stores are kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        measure([int(size) for size in options.servers.split(",")], options.rounds, directory)


def measure(sizes: list[int], rounds: int, directory: Path) -> None:
    """Prints the table."""
    plan: list[tuple[Command, Path]] = []
    for size in sizes:
        plan += [(command, store(size, directory)) for command in commands(size)]
    some = plan[0][1]
    plan += [(("--version", [CLUSTO, "--version"], CLICK, 1.3), some), (("help", [CLUSTO, "help"], CLICK, 1.3), some)]
    plan += [((name, command, name, 1.0), some) for name, command in FLOORS.items()]
    best: dict[str, float] = {}
    computed: dict[str, float] = {}
    for _ in range(rounds + 1):  # the first one writes the byte code, warms caches, and is as good as any after
        for (name, command, _, _), path in plan:
            seconds, computing = run(command, path)
            best[name] = min(best.get(name, 1e9), seconds)
            computed[name] = min(computed.get(name, 1e9), computing)
    out = io.StringIO()
    print(f"{'command':40} {'ms':>7} {'ratio':>6} {'budget':>6} {'cpu ms':>7} {'ratio':>6}", file=out)
    for (name, _, floor, budget), _ in plan:
        by_clock = f"{best[name] * 1000:7.1f} {best[name] / best[floor]:6.2f} {budget:6.1f}"
        print(f"{name:40} {by_clock} {computed[name] * 1000:7.1f} {computed[name] / computed[floor]:6.2f}", file=out)
    if len(sizes) > 1:
        print(f"\n{sizes[-1]:,} servers beside {sizes[0]:,}, ratio (budget 1.2):", file=out)
        for (first, *_), (last, *_) in zip(commands(sizes[0]), commands(sizes[-1]), strict=True):
            print(f"{first.rpartition(' (')[0]:40} {best[last] / best[first]:14.2f}", file=out)
    print(out.getvalue(), end="")


if __name__ == "__main__":
    main()
