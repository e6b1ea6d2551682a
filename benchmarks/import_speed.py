"""How long `clusto import` of wired servers takes and how much memory, beside sqlite3's `executemany` of the very rows
that it wrote.

    python benchmarks/import_speed.py [--quick] [--servers 100000] [--rounds 1]

Each round imports a JSON-lines file with the real command into a new store, and the same file again, which changes
nothing; then it puts the same rows of all tables, in the order of their ids and with all indexes in place, into another
new store in one transaction: with the settings that sqlite3 has by itself, and once more with foreign keys checked, as
clusto has them. Only the inserts are timed, not the making of rows or of stores. What is told are medians, and the
memory that the imports took at most. On PostgreSQL, where that is installed, the floor is COPY of the same rows, with
all indexes, into new tables of the same database.
"""

from __future__ import annotations

import io
import os
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator

import inventories
from table import CLUSTO, ROOT, Measured, Row, alone, amount, arguments, beside, directory, run, tell

sys.path.insert(0, str(ROOT))

from clusto_core.store import opening
from tests import servers as databases

TITLE = "Import"
GOAL, AGAIN_GOAL = 2.0, 0.3
MEMORY, AGAIN_MEMORY, SHARED_MEMORY = 400, 200, 600
"""MiB."""
IMPORT, AGAIN, RAW, CHECKED = "import", "the same again", "executemany", "with foreign keys"
TABLES = ("store", "things", "attributes", "connections", "transactions", "changes")

Rows = list[tuple[str, list[tuple[object, ...]]]]


def timed_import(file: str, store: str) -> Measured:
    """Imports with the real command."""
    return run([CLUSTO, "import", file], store)


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


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 5_000), rounds=(1, 1))
    with directory() as place:
        file = str(place / "site.jsonl")
        lines = inventories.write(given.servers, file)
        tell(f"{TITLE}, {given.servers:,} servers, {lines:,} objects", _rows(file, given.rounds))


def _rows(file: str, number: int) -> Iterator[Row]:
    yield from embedded(file, number)
    if (server := databases.start_postgresql()) is None:
        yield Row("PostgreSQL", "not installed")
        return
    try:
        yield from shared(file, server.new())
    finally:
        server.stop()


def shared(file: str, url: str) -> Iterator[Row]:
    """What an import into PostgreSQL takes, with the time of the server."""
    opening.create(url)
    first, again, floor = timed_import(file, url), timed_import(file, url), timed_copy(url)
    processor = f"{amount(first.processor)} of processor here"
    yield beside("PostgreSQL, by the clock, beside COPY", first.seconds, floor, most=GOAL, besides=processor)
    yield alone("PostgreSQL: memory", first.memory, "MiB", most=SHARED_MEMORY)
    yield beside("PostgreSQL, the same again", again.seconds, first.seconds, besides=f"{again.memory:.0f} MiB")


def embedded(file: str, number: int) -> Iterator[Row]:
    """What imports into SQLite take, of processor time."""
    times: dict[str, list[float]] = {name: [] for name in (IMPORT, AGAIN, RAW, CHECKED)}
    memory = {IMPORT: 0.0, AGAIN: 0.0}
    place = paths(os.path.dirname(file))
    for _ in range(number):
        path = next(place)
        opening.create(f"sqlite:///{path}")
        for which in (IMPORT, AGAIN):
            found = timed_import(file, f"sqlite:///{path}")
            times[which].append(found.processor)
            memory[which] = max(memory[which], found.memory)
        rows = rows_of(path)
        times[RAW].append(timed_inserts(rows, next(place), foreign_keys=False)[1])
        times[CHECKED].append(timed_inserts(rows, next(place), foreign_keys=True)[1])
    middle = {name: statistics.median(each) for name, each in times.items()}
    counts = ", ".join(f"{len(each):,} {statement.split()[2]}" for statement, each in rows)
    yield beside("import beside executemany", middle[IMPORT], middle[RAW], most=GOAL, besides=counts)
    yield beside("executemany with foreign keys", middle[CHECKED], middle[RAW])
    yield beside("the same again beside the first", middle[AGAIN], middle[IMPORT], most=AGAIN_GOAL)
    yield alone("import: memory", memory[IMPORT], "MiB", most=MEMORY)
    yield alone("the same again: memory", memory[AGAIN], "MiB", most=AGAIN_MEMORY)


if __name__ == "__main__":
    main()
