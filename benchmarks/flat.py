"""How much memory what goes through very much takes: a first sync, its revert, and every export, on SQLite.

    python benchmarks/flat.py [--quick] [--servers 100000]

Whole processes, one after the other; this one keeps small, since a child begins with its parent's memory. The source
is a file of JSON lines with so many wired servers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sync import write
from table import CLUSTO, Row, alone, amount, arguments, directory, run, tell

TITLE = "Memory"

FORMATS = (
    *("ansible", "ansible-json", "conserver", "csv", "dhcpd", "dnsmasq", "dot", "ethers", "genders", "hosts", "jsonl"),
    *("powerman", "prometheus", "xlsx", "yaml"),
)
GOAL = 400
"""MiB that each may take."""


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 5_000))
    with directory() as folder:
        site, config = folder / "site.jsonl", folder / "config.toml"
        config.write_text(f'[source.site]\ntype = "file"\nfile = "{site}"\n', encoding="utf-8")
        write(given.servers, str(site), 0)
        url = f"sqlite:///{folder}/clusto.db"
        run([CLUSTO, "db", "upgrade"], url)
        tell(f"{TITLE}, {given.servers:,} servers", list(_rows(url, config)))


def _rows(url: str, config: Path) -> Iterator[Row]:
    commands = {"first sync": ["sync", "site"], "sync, nothing changed": ["sync", "site"]}
    commands |= {f"export {name}": ["export", "--format", name] for name in FORMATS}
    commands["revert of the sync"] = ["revert", "1"]
    for what, words in commands.items():
        found = run([CLUSTO, *words], url, CLUSTO_CONFIG=str(config))
        yield alone(what, found.memory, "MiB", most=GOAL, besides=f"{amount(found.processor)} of processor")


if __name__ == "__main__":
    main()
