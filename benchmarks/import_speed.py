"""How long `clusto import` of wired servers takes, beside sqlite3's `executemany` of the very rows that it wrote.

    python benchmarks/import_speed.py [SERVERS [ROUNDS]]

Each round imports a JSON-lines file with the real command into a new store, then puts the same rows of all tables, in
the order of their ids and with all indexes in place, into another new store in one transaction: with the settings that
sqlite3 has by itself, and once more with foreign keys checked, as clusto has them. Only the inserts are timed, not the
making of rows or of stores. Prints the medians, their ratio, and the memory that the import took at most.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import inventories

from clusto_core.store import opening

BUDGET = 3.0
TABLES = ("store", "things", "attributes", "connections", "transactions", "changes")

Rows = list[tuple[str, list[tuple[object, ...]]]]


def timed_import(file: str, path: str) -> tuple[float, float, float]:
    """Imports with the real command; gives seconds, seconds of processor time, and MiB of memory."""
    opening.create(f"sqlite:///{path}")
    start = time.perf_counter()
    command = [sys.executable, "-m", "clusto_cli.main", "--db", path, "import", file]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the import failed: exit code {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def rows_of(path: str) -> Rows:
    """All rows of a store, by table, each with the statement that inserts it."""
    connection = sqlite3.connect(path)
    found: Rows = []
    for table in TABLES:
        rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
        marks = ", ".join("?" * len(rows[0]))
        found.append((f"INSERT INTO {table} VALUES ({marks})", rows))
    connection.close()
    return found


def timed_inserts(rows: Rows, path: str, foreign_keys: bool) -> tuple[float, float]:
    """Puts the rows into a new store with `executemany`; gives seconds, and seconds of processor time."""
    opening.create(f"sqlite:///{path}")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    connection.execute("DELETE FROM store")
    start, start_cpu = time.perf_counter(), time.process_time()
    connection.execute("BEGIN IMMEDIATE")
    for statement, each in rows:
        connection.executemany(statement, each)
    connection.execute("COMMIT")
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    connection.close()
    return seconds, cpu


def paths(directory: str) -> Iterator[str]:
    """Places for stores; the one before is removed when the next is asked for."""
    number = 0
    while True:
        path = os.path.join(directory, f"{number}.db")
        yield path
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)
        number += 1


def main() -> None:
    """Measures and prints."""
    servers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    imports: list[tuple[float, float]] = []
    raw: list[tuple[float, float]] = []
    checked: list[tuple[float, float]] = []
    memory = 0.0
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, "site.jsonl")
        lines = inventories.write(servers, file)
        place = paths(directory)
        for _ in range(rounds):
            path = next(place)
            seconds, cpu, used = timed_import(file, path)
            imports.append((seconds, cpu))
            memory = max(memory, used)
            rows = rows_of(path)
            raw.append(timed_inserts(rows, next(place), foreign_keys=False))
            checked.append(timed_inserts(rows, next(place), foreign_keys=True))
    counts = {statement.split()[2]: len(each) for statement, each in rows}
    print(f"{servers} servers, {lines} objects: " + ", ".join(f"{count} {table}" for table, count in counts.items()))
    print(f"{'':25}{'seconds':>9} {'of processor':>13}")
    for what, times in (("clusto import", imports), ("executemany", raw), ("executemany, foreign keys", checked)):
        print(f"{what:25}{median(times, 0):9.2f} {median(times, 1):13.2f}")
    ratios = [median(imports, each) / median(raw, each) for each in (0, 1)]
    print(f"{'ratio to executemany':25}{ratios[0]:9.2f} {ratios[1]:13.2f}   (budget {BUDGET})")
    print(f"memory of the import: {memory:.0f} MiB")


def median(times: list[tuple[float, float]], which: int) -> float:
    """The median of one of both measures."""
    return statistics.median(each[which] for each in times)


if __name__ == "__main__":
    main()
