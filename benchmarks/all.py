"""All that is promised in numbers, as one table: runs each benchmark that has goals and collects what they found.

    python benchmarks/all.py [--write FILE] [NAME...]

Benchmarks that print a table of their own print it on the way. `--write` keeps the one table as a page of the
documentation (docs/performance.md).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from table import COLLECTED, Line, table

NAMES = ("startup", "reading", "find", "import_speed", "power", "bmc", "library", "rebuild", "bootfiles")
_PAGE = """# Performance

The last table that `make bench` printed, on {machine}. Ratios are of processor time, beside the floor that was run in
turn with what is measured; times and memory are those of whole processes, the least of all rounds. What reaches a
goal on a busy machine reaches it on a quiet one.
"""


def main() -> None:
    """Runs, and prints the table."""
    parser = argparse.ArgumentParser(description="All benchmarks with goals, as one table.")
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--write", metavar="FILE", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        collected = Path(directory) / "collected"
        collected.touch()
        for name in given.names:
            script = Path(__file__).with_name(f"{name}.py")
            subprocess.run([sys.executable, script], env={**os.environ, COLLECTED: str(collected)}, check=True)
        sections = list(_sections(collected))
    print("\n\n".join(sections))
    if given.write:
        machine = f"{os.cpu_count()} processors, Python {platform.python_version()}"
        given.write.write_text("\n\n".join([_PAGE.format(machine=machine).strip(), *sections]) + "\n")


def _sections(collected: Path) -> Iterator[str]:
    for text in collected.read_text().splitlines():
        title, lines = json.loads(text)
        yield f"## {title}\n\n{table(Line(*each) for each in lines)}"


if __name__ == "__main__":
    main()
