"""How long `clusto import` of wired servers takes and how much memory, beside sqlite3's `executemany` of the very rows
that it wrote.

    python benchmarks/import_speed.py [SERVERS [ROUNDS [POSTGRESQL_URL]]]

Each round imports a JSON-lines file with the real command into a new store, and the same file again, which changes
nothing; then it puts the same rows of all tables, in the order of their ids and with all indexes in place, into another
new store in one transaction: with the settings that sqlite3 has by itself, and once more with foreign keys checked, as
clusto has them. Only the inserts are timed, not the making of rows or of stores. Prints the medians, their ratios, and
the memory that the imports took at most. With the URL of an empty PostgreSQL database (it is filled), the floor is COPY
of the same rows, with all indexes, into new tables of that database.
"""

from __future__ import annotations

import io
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

GOAL, AGAIN_GOAL = 2.0, 0.3
IMPORT, AGAIN, RAW, CHECKED = "import", "the same again", "executemany", "with foreign keys"
TABLES = ("store", "things", "attributes", "connections", "transactions", "changes")

Rows = list[tuple[str, list[tuple[object, ...]]]]


def timed_import(file: str, store: str) -> tuple[float, float, float]:
    """Imports with the real command; gives seconds, seconds of processor time, and MiB of memory."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "clusto_cli.main", "--db", store, "import", file]
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


def timed_copy(url: str) -> float:
    """Copies all rows of a store on PostgreSQL into empty tables that are alike, with COPY; gives seconds."""
    import psycopg2

    connection = psycopg2.connect(url)
    cursor = connection.cursor()
    files = []
    for table in TABLES:
        files.append(io.BytesIO())
        cursor.copy_expert(f"COPY {table} TO STDOUT", files[-1])
        cursor.execute(f"CREATE TABLE copy_of_{table} (LIKE {table} INCLUDING ALL)")
    connection.commit()
    start = time.perf_counter()
    for table, copied in zip(TABLES, files, strict=True):
        copied.seek(0)
        cursor.copy_expert(f"COPY copy_of_{table} FROM STDIN", copied)
    connection.commit()
    connection.close()
    return time.perf_counter() - start


def shared(file: str, url: str) -> None:
    """Measures and prints what an import into PostgreSQL takes, with the time of the server."""
    opening.create(url)
    seconds, cpu, memory = timed_import(file, url)
    again = timed_import(file, url)
    floor = timed_copy(url)
    print(f"PostgreSQL: import {seconds:.1f} s, {cpu:.1f} s of processor here, {memory:.0f} MiB (goal 600)")
    print(f"COPY {floor:.1f} s: ratio {seconds / floor:.2f} (goal {GOAL}); again {again[0]:.1f} s, {again[2]:.0f} MiB")


def main() -> None:
    """Measures and prints."""
    servers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, "site.jsonl")
        lines = inventories.write(servers, file)
        if len(sys.argv) > 3:
            print(f"{servers} servers, {lines} objects")
            shared(file, sys.argv[3])
        else:
            embedded(servers, lines, rounds, file)


def embedded(servers: int, lines: int, rounds: int, file: str) -> None:
    """Measures and prints what imports into SQLite take."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in (IMPORT, AGAIN, RAW, CHECKED)}
    memory = {IMPORT: 0.0, AGAIN: 0.0}
    place = paths(os.path.dirname(file))
    for _ in range(rounds):
        path = next(place)
        opening.create(f"sqlite:///{path}")
        for which in (IMPORT, AGAIN):
            seconds, cpu, used = timed_import(file, path)
            times[which].append((seconds, cpu))
            memory[which] = max(memory[which], used)
        rows = rows_of(path)
        times[RAW].append(timed_inserts(rows, next(place), foreign_keys=False))
        times[CHECKED].append(timed_inserts(rows, next(place), foreign_keys=True))
    counts = {statement.split()[2]: len(each) for statement, each in rows}
    print(f"{servers} servers, {lines} objects: " + ", ".join(f"{count} {table}" for table, count in counts.items()))
    print(f"{'':25}{'seconds':>9} {'of processor':>13}")
    for what, found in times.items():
        print(f"{what:25}{median(found, 0):9.2f} {median(found, 1):13.2f}")
    for one, other, goal in ((IMPORT, RAW, GOAL), (AGAIN, IMPORT, AGAIN_GOAL)):
        ratios = [median(times[one], each) / median(times[other], each) for each in (0, 1)]
        print(f"{f'{one} / {other}':25}{ratios[0]:9.2f} {ratios[1]:13.2f}   (goal {goal})")
    print(f"memory of the import: {memory[IMPORT]:.0f} MiB (goal 400), again: {memory[AGAIN]:.0f} MiB (goal 200)")


def median(times: list[tuple[float, float]], which: int) -> float:
    """The median of one of both measures."""
    return statistics.median(each[which] for each in times)


if __name__ == "__main__":
    main()
