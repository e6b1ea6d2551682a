"""How much memory what goes through very much takes: a first sync, its revert, and every export, on SQLite.

    python benchmarks/flat.py [--servers 100000] [--format FORMAT,...]

Whole processes, one after the other; this one keeps small, since a child begins with its parent's memory. The source
is a file of JSON lines with so many wired servers.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sync import write
from table import CLUSTO, Line, run, tell

FORMATS = (
    "ansible,ansible-json,conserver,csv,dhcpd,dnsmasq,dot,ethers,genders,hosts,jsonl,powerman,prometheus,xlsx,yaml"
)
GOAL = 400
"""MiB that each may take."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Memory of what goes through very much.")
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--format", default=FORMATS, help="The exports to be measured.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        site, store, config = (os.path.join(temporary, name) for name in ("site.jsonl", "clusto.db", "config.toml"))
        Path(config).write_text(f'[source.site]\ntype = "file"\nfile = "{site}"\n', encoding="utf-8")
        write(given.servers, site, 0)
        os.environ["CLUSTO_CONFIG"] = config
        run([CLUSTO, "db", "upgrade"], store)
        lines = list(_lines(store, filter(None, given.format.split(","))))
    tell(f"Memory, {given.servers:,} servers on SQLite", lines)


def _lines(store: str, exported: Iterable[str]) -> Iterator[Line]:
    commands = {"first sync": ["sync", "site"], "sync, nothing changed": ["sync", "site"]}
    commands |= {f"export {name}": ["export", "--format", name] for name in exported}
    commands["revert of the sync"] = ["revert", "1"]
    for what, arguments in commands.items():
        found = run([CLUSTO, *arguments], store)
        yield Line(what, found.seconds, found.processor, None, found.memory, None, f"{GOAL} MiB", found.memory <= GOAL)


if __name__ == "__main__":
    main()
