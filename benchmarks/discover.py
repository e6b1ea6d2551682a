"""A site of 120 servers, emptied and found again by `clusto discover`: how many of its cables come back, and how soon.

    python benchmarks/discover.py [--quick] [--servers 120]

The lab's site on loopback (14 switches, 12 PDUs, 120 controllers), twice: with the equipment left in the inventory,
and from two Networks and a NameRange alone, in two looks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from lab.alive import alive
from lab.wiring import Site, found_again
from table import CLUSTO, Row, alone, arguments, beside, directory, environment, tell

TITLE = "Discovering a site"
SHARE = 0.95


class Clusto:
    """The program on a store of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._environment = environment(f"sqlite:///{folder / name}.db")
        self.seconds = 0.0

    def __call__(self, *words: str, text: str = "") -> str:
        command = [CLUSTO, *words]
        began = time.monotonic()
        done = subprocess.run(
            command, env=self._environment, input=text, capture_output=True, text=True, check=False, timeout=600
        )
        self.seconds = time.monotonic() - began
        if done.returncode:
            sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done.stdout

    def fill(self, things: list[dict[str, Any]]) -> None:
        self("import", "--format", "jsonl", "-", text="".join(f"{json.dumps(each)}\n" for each in things))

    def look(self, what: str, *words: str) -> Row:
        proposal = self("discover", *words, "-o", "yaml")
        told = alone(f"{what}: a look, by the clock", self.seconds)
        self("import", "--format", "yaml", "-", text=proposal)
        return told

    def exported(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self("export", "--format", "jsonl").splitlines()]


def judged(what: str, site: Site, clusto: Clusto) -> Iterator[Row]:
    right, wrong = found_again(site, clusto.exported())
    yield beside(f"{what}: cables found, beside all", len(right), len(site.cables), "", least=SHARE)
    yield alone(f"{what}: wrong ones", len(wrong), "", most=0)


def main() -> None:
    """Both, one after the other."""
    given = arguments(__doc__, servers=(120, 40))
    site = Site(given.servers)
    with directory() as folder, alive(site):
        tell(f"{TITLE} of {given.servers} servers", list(_rows(site, folder)))


def _rows(site: Site, folder: Path) -> Iterator[Row]:
    leases = folder / "leases"
    leases.write_text(site.leases())
    known = Clusto(folder, "known")
    known.fill(site.things())
    yield known.look("equipment is there")
    yield from judged("equipment is there", site, known)
    empty = Clusto(folder, "empty")
    empty.fill(site.place())
    lent = ("--leases", str(leases))
    yield empty.look("from nothing", "mgmt", "oob", *lent, "--ask", "snmp", "--ask", "redfish")
    yield empty.look("from nothing", *lent)
    yield from judged("from nothing", site, empty)


if __name__ == "__main__":
    main()
