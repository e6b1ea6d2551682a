"""How long quick commands take, whole processes, beside what Python itself takes to start and import click.

    python benchmarks/startup.py [--quick] [--servers 100000] [--rounds 21] [--keep DIRECTORY]

Every round runs each command once, the floors among them, so that whatever else the machine does hits all alike; the
times are the least of all rounds, of the processor. `--keep` keeps the stores.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from inventories import objects
from table import CLUSTO, Measured, Row, arguments, directory, least, line, run, tell

TITLE = "Quick commands"
FEW = 1000

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
        "attr set": ["attr", "set", "note", "1", "-t", last],
        "completion, verbs": ["completion", "bash", "--line", "clusto "],
        "completion, names": ["completion", "bash", "--line", "clusto locate serv", "--word", "serv"],
        "completion, all names": ["completion", "bash", "--line", "clusto locate "],
        "completion, parts": ["completion", "bash", "--line", f"clusto locate {last}:"],
        "completion, parents": ["completion", "bash", "--line", "clusto put x --in "],
        "completion, keys": ["completion", "bash", "--line", "clusto attr set "],
    }
    return [
        (f"{name} ({servers:,})", [CLUSTO, *words], STORE, 1.25 if name == "locate" else 1.5)
        for name, words in asked.items()
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
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 10_000), rounds=(21, 7))
    with directory(given.keep) as kept:
        tell(TITLE, rows([FEW, given.servers], given.rounds, kept))


def rows(sizes: list[int], number: int, kept: Path) -> Iterator[Row]:
    """The commands beside their floors, and those of the large store beside those of the small one."""
    plan: list[tuple[Command, Path]] = []
    for size in sizes:
        plan += [(command, store(size, kept)) for command in commands(size)]
    some = plan[0][1]
    plan += [(("--version", [CLUSTO, "--version"], CLICK, 1.3), some), (("help", [CLUSTO, "help"], CLICK, 1.2), some)]
    plan += [((name, command, name, 1.0), some) for name, command in FLOORS.items()]
    best: dict[str, Measured] = {}
    for _ in range(number + 1):  # the first one writes the byte code, warms caches, and is as good as any after
        for (name, command, _, _), path in plan:
            best[name] = least(best.get(name), run(command, str(path)))
    for (name, _, floor, most), _ in plan:
        if name not in FLOORS:
            yield line(name, best[name], best[floor], most)
    for (few, *_), (many, *_) in zip(commands(sizes[0]), commands(sizes[-1]), strict=True):
        yield line(f"{many} beside {sizes[0]:,}", best[many], best[few], 1.2)


if __name__ == "__main__":
    main()
