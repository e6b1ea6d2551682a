"""Runs the terminal sessions of the documentation, and writes what the commands print: `make docs`.

A session is a block fenced as `console`: lines that begin with `$ ` are commands (going on in lines that begin with
`> `), the lines below each are what it prints, on standard output and on standard error. Every page begins with a store
of its own into which examples/datacenter.yaml was imported. In what is printed, `...` stands for anything: within a
line for a text, on a line of its own for any number of lines. What the page says stays while it fits what is printed.
A page that has the comment `<!-- sessions: a new user's -->` begins with nothing: no store, no configuration.

    python docs/sessions.py [--check] [PAGE...]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SITE = "examples/datacenter.yaml"
_VOLATILE = (
    (re.compile(r"^(User:    ).*"), r"\1..."),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(?::[0-9]{2} [+-][0-9]{4})?"), "..."),
    (re.compile(r"^([0-9]+ \.\.\. )\S+: "), r"\1...: "),
    (re.compile(r"(?<=schema is current: ).*"), "..."),
)
"""What is another each time, or elsewhere: who, when, which schema."""
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


_NEW_USER = "<!-- sessions: a new user's -->"


class Step(NamedTuple):
    """One command of a session and what the page says that it prints."""

    command: str
    expected: list[str]


def pages() -> list[Path]:
    """The pages that have sessions."""
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in every if _BLOCK.search(page.read_text(encoding="utf-8"))]


def steps(block: str) -> Iterator[Step]:
    """The commands of a block."""
    command: str | None = None
    expected: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield Step(command, expected)
            command, expected = line[2:], []
        elif line.startswith("> ") and command is not None and not expected:
            command += "\n" + line[2:]
        else:
            expected.append(line)
    if command is not None:
        yield Step(command, expected)


def _lasting(line: str) -> str:
    for pattern, replacement in _VOLATILE:
        line = pattern.sub(replacement, line)
    return line


def fits(printed: Sequence[str], expected: Sequence[str]) -> bool:
    """Whether what was printed is what the page says."""
    if not expected:
        return not printed
    if expected[0] == "...":
        return any(fits(printed[skipped:], expected[1:]) for skipped in range(len(printed) + 1))
    if not printed:
        return False
    pattern = ".*".join(map(re.escape, expected[0].split("...")))
    return re.fullmatch(pattern, printed[0]) is not None and fits(printed[1:], expected[1:])


def template(directory: Path) -> Path:
    """A store with the example site in it."""
    path = directory / "site.db"
    environment = {**os.environ, "PATH": _path(), "CLUSTO_DB": str(path)}
    subprocess.run(["clusto", "import", SITE], cwd=ROOT, env=environment, check=True, capture_output=True)
    return path


def _path() -> str:
    return os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])


def run(page: Path, site: Path) -> str:
    """The page with what its commands print now."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        store = Path(temporary) / "clusto.db"
        shutil.copy(site, store)
        (Path(temporary) / "examples").symlink_to(ROOT / "examples")
        environment = {
            "PATH": _path(),
            "HOME": temporary,
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "USER": "root",
            "COLUMNS": "110",
        }
        if _NEW_USER not in text:
            environment["CLUSTO_DB"] = str(store)

        def played(match: re.Match[str]) -> str:
            lines = []
            for step in steps(match[1]):
                done = subprocess.run(
                    ["bash", "-c", f"exec 2>&1\n{step.command}"],
                    cwd=temporary,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    text=True,
                    timeout=60,
                    check=False,
                )
                printed = [_lasting(line) for line in done.stdout.replace(temporary, "...").splitlines()]
                lines.append("$ " + step.command.replace("\n", "\n> "))
                expected = step.expected
                while expected and not expected[-1]:
                    expected = expected[:-1]
                lines += step.expected if fits(printed, expected) else printed
            return "```console\n" + "".join(f"{line}\n" for line in lines) + "```"

        return _BLOCK.sub(played, text)


def main() -> None:
    """Writes the pages anew, or says which are out of date."""
    parser = argparse.ArgumentParser(description="Runs the sessions of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when a page is out of date")
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE")
    options = parser.parse_args()
    stale = []
    with tempfile.TemporaryDirectory() as temporary:
        site = template(Path(temporary))
        for page in [page.resolve() for page in options.pages] or pages():
            text = run(page, site)
            if text != page.read_text(encoding="utf-8"):
                stale.append(str(page.relative_to(ROOT)))
                if not options.check:
                    page.write_text(text, encoding="utf-8")
    if options.check and stale:
        sys.exit(f"out of date: {', '.join(stale)} (run make docs)")


if __name__ == "__main__":
    main()
