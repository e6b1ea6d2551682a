"""A site of 120 servers, emptied and found again by `clusto discover`: how many of its cables come back, and how soon.

`python benchmarks/discover.py`: the lab's site on loopback (14 switches, 12 PDUs, 120 controllers), twice: with the
equipment left in the inventory, and from two Networks and a NameRange alone, in two looks. Exit code 1 where less than
95 % of the cables come back, or one of them is none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from lab.alive import alive  # noqa: E402
from lab.wiring import Site, found_again  # noqa: E402

SERVERS, SHARE = 120, 0.95
failures: list[str] = []


def say(what: str, value: str, held: str = "", good: bool = True) -> None:
    print(f"{what:<52} {value:>14}   {held}{'' if good else '   <-- beyond'}", flush=True)
    if not good:
        failures.append(what)


class Clusto:
    """The program on a store of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._environment = {**os.environ, "CLUSTO_DB": f"sqlite:///{folder / name}.db", "PYTHONPATH": str(ROOT)}
        self.seconds = 0.0

    def __call__(self, *words: str, text: str = "") -> str:
        command = [sys.executable, "-m", "clusto_cli.main", *words]
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

    def look(self, what: str, *words: str) -> None:
        proposal = self("discover", *words, "-o", "yaml")
        say(f"{what}: a look", f"{self.seconds:.1f} s")
        self("import", "--format", "yaml", "-", text=proposal)

    def exported(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self("export", "--format", "jsonl").splitlines()]


def judge(what: str, site: Site, clusto: Clusto) -> None:
    right, wrong = found_again(site, clusto.exported())
    of = len(site.cables)
    say(f"{what}: cables found", f"{len(right)} of {of}", f"at least {SHARE:.0%}", len(right) >= SHARE * of)
    say(f"{what}: wrong ones", str(len(wrong)), "none", not wrong)


def main() -> None:
    """Both, one after the other."""
    site = Site(SERVERS)
    with tempfile.TemporaryDirectory() as temporary, alive(site):
        folder = Path(temporary)
        leases = folder / "leases"
        leases.write_text(site.leases())
        known = Clusto(folder, "known")
        known.fill(site.things())
        known.look("equipment is there")
        judge("equipment is there", site, known)
        empty = Clusto(folder, "empty")
        empty.fill(site.place())
        lent = ("--leases", str(leases))
        empty.look("from nothing", "mgmt", "oob", *lent, "--ask", "snmp", "--ask", "redfish")
        empty.look("from nothing", *lent)
        judge("from nothing", site, empty)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
