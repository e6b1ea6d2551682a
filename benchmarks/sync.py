"""How long `clusto sync` takes when nothing has changed, beside fetching the ids of all that the source has.

    python benchmarks/sync.py [SERVERS [ROUNDS]]

The source is a file of JSON lines with so many wired servers, each object with an id. The floor is a Python that reads
the file and takes the id out of each line, as a list of ids comes out of any source. Side by side in one run: the
floor, a sync with nothing changed, and one with a hundred Things changed. Prints the medians, their ratio to the floor,
what the first sync took, and the memory that the syncs took at most.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import inventories

from clusto_core.store import opening

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


def timed(*command: str, config: str) -> tuple[float, float]:
    """Runs a command; gives seconds and MiB of memory."""
    start = time.perf_counter()
    environment = {**os.environ, "CLUSTO_CONFIG": config, "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed: exit code {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Measures and prints."""
    servers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as directory:
        site, store, config = (os.path.join(directory, name) for name in ("site.jsonl", "clusto.db", "config.toml"))
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[source.site]\ntype = "file"\nfile = "{site}"\n')
        opening.create(f"sqlite:///{store}")
        sync = ("-m", "clusto_cli.main", "--db", store, "sync", "site")
        objects = write(servers, site, 0)
        first, memory = timed(*sync, config=config)
        print(f"{objects} objects of {servers} servers; the first sync: {first:.1f} s, {memory:.0f} MiB")
        floors, nothing, some = [], [], []
        for edition in range(1, rounds + 1):
            floors.append(timed("-c", FLOOR, site, config=config)[0])
            seconds, memory = timed(*sync, config=config)
            nothing.append(seconds)
            write(servers, site, edition)
            some.append(timed(*sync, config=config)[0])
        floor = statistics.median(floors)
        ratio = statistics.median(nothing) / floor
        print(f"ids alone: {floor:.2f} s")
        print(f"nothing changed: {statistics.median(nothing):.2f} s, {memory:.0f} MiB")
        print(f"{CHANGED} changed: {statistics.median(some):.2f} s")
        print(f"nothing changed / ids alone: {ratio:.2f} (budget {BUDGET})")


if __name__ == "__main__":
    main()
