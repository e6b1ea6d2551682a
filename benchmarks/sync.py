"""How long `clusto sync` takes when nothing has changed, beside fetching the ids of all that the source has.

    python benchmarks/sync.py [--quick] [--servers 100000] [--rounds 5]

The source is a file of JSON lines with so many wired servers, each object with an id. The floor is a Python that reads
the file and takes the id out of each line, as a list of ids comes out of any source. Side by side in one run: the
floor, a sync with nothing changed, and one with a hundred Things changed. Medians, by the clock.
"""

from __future__ import annotations

import json
import statistics
import sys

import inventories
from table import CLUSTO, Measured, alone, arguments, beside, directory, run, tell, told_of

from clusto_core.store import opening

TITLE = "Staying in step with a source"
BUDGET = 2.0
FLOOR = "import json, sys; ids = [json.loads(line)['id'] for line in open(sys.argv[1], encoding='utf-8')]"
CHANGED = 100


def write(servers: int, path: str, edition: int) -> int:
    """Writes the inventory with an id for each object; each edition has the status of a hundred otherwise."""
    count, changed = 0, {str(servers - number) for number in range(CHANGED)}
    with open(path, "w", encoding="utf-8") as file:
        for count, each in enumerate(inventories.objects(servers), 1):
            data = {"id": count, **each}
            if edition and each["name"].removeprefix("server") in changed:
                data["attrs"] = {**data.get("attrs", {}), "status": f"edition{edition}"}
            file.write(json.dumps(data) + "\n")
    return count


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 10_000), rounds=(5, 3))
    with directory() as folder:
        site, config, url = str(folder / "site.jsonl"), folder / "config.toml", f"sqlite:///{folder}/clusto.db"
        config.write_text(f'[source.site]\ntype = "file"\nfile = "{site}"\n')
        opening.create(url)

        def sync() -> Measured:
            return run([CLUSTO, "sync", "site"], url, CLUSTO_CONFIG=str(config))

        objects = write(given.servers, site, 0)
        first = sync()
        floors, nothing, some = [], [], []
        for edition in range(1, given.rounds + 1):
            floors.append(run([sys.executable, "-c", FLOOR, site]).seconds)
            nothing.append(sync())
            write(given.servers, site, edition)
            some.append(sync().seconds)
    ids = statistics.median(floors)
    unchanged = statistics.median(each.seconds for each in nothing)
    rows = [
        beside("nothing changed, beside the ids alone", unchanged, ids, most=BUDGET, besides=told_of(nothing[-1])),
        beside(f"{CHANGED} changed, beside the ids alone", statistics.median(some), ids),
        alone("the first", first.seconds, besides=told_of(first)),
    ]
    tell(f"{TITLE} of {objects:,} objects, by the clock", rows)


if __name__ == "__main__":
    main()
