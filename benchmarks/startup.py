"""How long quick commands take, whole processes, beside what Python itself takes to start and import click.

    python benchmarks/startup.py [--servers 1000,100000] [--rounds 21] [--keep DIRECTORY]

Every round runs each command once, the floors among them, so that whatever else the machine does hits all alike; the
times are the least of all rounds. Ratios are of processor time, which is steadier on a busy machine; what each may be
is beside it. `--keep` keeps the stores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from inventories import objects
from table import CLUSTO, Measured, line, run, tell

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
    return [
        (f"{name} ({servers:,})", [CLUSTO, *arguments], STORE, 1.25 if name == "locate" else 1.5)
        for name, arguments in asked.items()
    ]


def store(servers: int, directory: Path) -> Path:
    """A store of that many wired servers, made unless it is there."""
    path = directory / f"{servers}.db"
    if not path.exists():
        lines = directory / f"{servers}.jsonl"
        with open(lines, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(each) + "\n" for each in objects(servers))
        run([CLUSTO, "--db", str(path), "import", str(lines)], str(path))
    return path


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
    plan += [(("--version", [CLUSTO, "--version"], CLICK, 1.3), some), (("help", [CLUSTO, "help"], CLICK, 1.2), some)]
    plan += [((name, command, name, 1.0), some) for name, command in FLOORS.items()]
    best: dict[str, Measured] = {}
    for _ in range(rounds + 1):  # the first one writes the byte code, warms caches, and is as good as any after
        for (name, command, _, _), path in plan:
            found = run(command, str(path))
            best[name] = Measured(*map(min, found, best.get(name, found)))
    lines = [line(name, best[name], best[floor], budget) for (name, _, floor, budget), _ in plan]
    if len(sizes) > 1:
        for (first, *_), (last, *_) in zip(commands(sizes[0]), commands(sizes[-1]), strict=True):
            lines.append(line(f"{last} beside {sizes[0]:,}", best[last], best[first], 1.2))
    tell("Quick commands", lines)


if __name__ == "__main__":
    main()
