"""All that is promised in numbers, as one table: runs each benchmark here that names its `TITLE`.

    python benchmarks/all.py [--quick] [--write FILE] [--keep DIRECTORY] [NAME...]

`--quick` is a tenth of the size, and takes less than ten minutes. `--write` keeps the table as a page of the
documentation (docs/performance.md). What cannot be measured here, since a program is missing or a benchmark failed, is
in the table with what it said.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from table import COLLECTED, Row, cells, directory, table

_HEAD = ("benchmark", "what", "measured", "floor", "ratio", "goal", "", "besides")
_SECONDS = 3600
_PAGE = """# Performance

The last table that `make bench` printed{how}, on {processors} processors, Python {python},
with a load of {load:.1f} by other work when it began. What is measured and its floor are run in turn, so that both have
the same weather. Processes are measured whole, by their processor time, the least of all rounds; what is told by the
clock says so. What reaches a goal on a busy machine reaches it on a quiet one.
"""


def main() -> None:
    """Runs, prints the table, and ends with exit code 1 where a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these, as their modules are called")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", metavar="FILE", type=Path)
    parser.add_argument("--keep", metavar="DIRECTORY", type=Path)
    given = parser.parse_args()
    how = ", in its quick form" if given.quick else ""
    page = _PAGE.format(how=how, processors=os.cpu_count(), python=platform.python_version(), load=os.getloadavg()[0])
    found: list[tuple[str, Row]] = []
    with directory(given.keep) as kept:
        for name in given.names or benchmarks():
            found += measured(name, ["--keep", str(kept), *(["--quick"] if given.quick else [])])
    text = table([_HEAD, *((title, *cells(row)) for title, row in found)])
    print(text)
    if given.write:
        given.write.write_text(f"{page}\n{text}\n")
    missed = sum(row.met is False for _, row in found)
    sys.exit(f"{missed} goals missed" if missed else 0)


def benchmarks() -> list[str]:
    """The modules here that are one."""
    modules = {path.stem: re.search(r'(?m)^TITLE = "', path.read_text()) for path in sorted(HERE.glob("*.py"))}
    return [name for name, title in modules.items() if title]


def measured(name: str, options: list[str]) -> Iterator[tuple[str, Row]]:
    """The rows of one benchmark, each with its title."""
    began = time.monotonic()
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as collected, tempfile.TemporaryFile("w+") as said:
        environment = {**os.environ, COLLECTED: collected.name}
        command = [sys.executable, str(HERE / f"{name}.py"), *options]
        try:
            done = subprocess.run(command, env=environment, stderr=said, check=False, timeout=_SECONDS).returncode
        except subprocess.TimeoutExpired:
            done = -1
        found = [(title, Row(*row)) for title, rows in map(json.loads, collected) for row in rows]
        said.seek(0)
        words = said.read().strip().splitlines()
    yield from found
    if done or not found:
        yield name, Row("(not measured)", "", besides=(words or [f"exit code {done}"])[-1][:120].replace("|", "/"))
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
