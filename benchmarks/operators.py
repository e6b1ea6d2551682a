"""How many operators one store serves: clients side by side, mixed reading and writing, beside the bare statements.

    python benchmarks/operators.py [--quick] [--clients 200] [--seconds 120]

Each client, a process of its own that connects anew each time, as commands do, does one thing after the other: most
read, a quarter write, in turn: an attribute of a Thing of its own, a new Thing in a place of its own, an allocation
from that place. Once by clusto's library,
and once by the bare driver, with the statements that the same things need: the lock, the questions, the rows, their
history and its chain, without any rule and without the ranges' digests. Tells how many were done, how long reads and
writes took, the longest too, how long the write lock was held, how many writes the least and the most served client
did, and what was refused.
"""

from __future__ import annotations

import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from table import Row, alone, amount, arguments, beside, tell

from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.inventory import Inventory
from clusto_core.resources.allocation import Wanted, allocate
from clusto_core.store import database, opening
from tests import servers

TITLE = "Operators"
GOAL = 0.5
"""Of the bare statements' throughput."""
WRITES = 0.25
RACKS = 20
BOXES = 10
"""What there is to allocate, in each place."""


class Done(NamedTuple):
    """What one client did: how long its reads, its writes and its writes under the lock took, in seconds; and what it
    was refused."""

    reads: list[float]
    writes: list[float]
    held: list[float]
    refused: list[str]


def furnish(inventory: Inventory, clients: int) -> None:
    """Racks of servers, and a server for each client."""
    with inventory.change("furnish") as change:
        for number in range(max(RACKS, clients)):
            change.add("Pool", f"place{number}")
            change.add("Server", f"own{number}", parents=[f"place{number}"])
            for box in range(BOXES):
                change.add(
                    "VirtualServer", f"box{number}-{box}", parents=[f"place{number}"], attributes=[("status", "free")]
                )
        for number in range(20 * RACKS):
            change.add("Server", f"server{number}", attributes=[("serial", f"SN{number}")])


def read(inventory: Inventory, client: int, turn: int) -> None:
    """What `locate` and `show` ask."""
    with inventory.read() as reader:
        thing = reader.get(f"server{(client * 31 + turn) % (20 * RACKS)}")
        assert thing is not None
        reader.links(thing.id)
        reader.attributes(thing.id)


def write(inventory: Inventory, client: int, turn: int) -> float:
    """An attribute, a new Thing in a place, or an allocation from it; gives how long the write lock was held."""
    with inventory.change("clusto benchmark") as change:
        start = time.perf_counter()
        if turn % 3 == 0:
            change.set_values(f"own{client}", "n", [turn])
        elif turn % 3 == 1:
            change.add("Pool", f"made{client}-{turn}", parents=[f"place{client}"])
        else:
            wanted = Wanted(1, "driver:VirtualServer and attr:status,free", change.resolve(f"place{client}"))
            allocate(change, wanted, settings=[("taken", turn)])
    return time.perf_counter() - start


def client(url: str, number: int, seconds: float, begin: Any, results: Any) -> None:
    """One operator."""
    inventory, random_, done = Inventory(Settings(url)), random.Random(number), Done([], [], [], [])
    begin.wait()
    until, turn = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        turn += 1
        start = time.perf_counter()
        try:
            if random_.random() < WRITES:
                done.held.append(write(inventory, number, turn))
                done.writes.append(time.perf_counter() - start)
            else:
                read(inventory, number, turn)
                done.reads.append(time.perf_counter() - start)
        except ClustoError as error:
            done.refused.append(str(error))
    results.put(done)


def bare(url: str, number: int, seconds: float, begin: Any, results: Any) -> None:
    """One client of the bare driver: the same kinds of statements, by hand."""
    dialect, random_, done = database.dialect_of(url), random.Random(number), Done([], [], [], [])
    begin.wait()
    until, turn = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        turn += 1
        start = time.perf_counter()
        connection = _bare_connection(url, dialect)
        cursor = connection.cursor()
        try:
            if random_.random() < WRITES:
                done.held.append(_bare_write(cursor, connection, number, turn))
                done.writes.append(time.perf_counter() - start)
            else:
                _bare_read(cursor, number, turn)
                done.reads.append(time.perf_counter() - start)
        except Exception as error:
            done.refused.append(str(error))
        finally:
            connection.close()
    results.put(done)


def _bare_connection(url: str, dialect: str) -> Any:
    if dialect == "postgresql":
        import psycopg2

        return psycopg2.connect(url)
    from clusto_core.store.reaching import mariadb_connection, mariadb_servers

    return mariadb_connection(**mariadb_servers(url)[0], charset="utf8mb4")


def _bare_read(cursor: Any, number: int, turn: int) -> None:
    cursor.execute("SELECT version_num FROM alembic_version")
    cursor.fetchall()
    cursor.execute(
        "SELECT t.name, a.head FROM things t JOIN attributes a ON a.thing_id = t.id WHERE t.driver = 'SiteKey'"
    )
    cursor.fetchall()
    cursor.execute("SELECT id, name FROM things WHERE name = %s", (f"server{(number * 31 + turn) % (20 * RACKS)}",))
    ((id, _),) = cursor.fetchall()
    cursor.execute("SELECT * FROM connections WHERE thing_id = %s", (id,))
    cursor.fetchall()
    cursor.execute("SELECT * FROM attributes WHERE thing_id = %s", (id,))
    cursor.fetchall()


_FREE = """
    SELECT t.id, t.name FROM attributes i
    JOIN attributes s ON s.thing_id = i.thing_id JOIN things t ON t.id = i.thing_id
    WHERE i.ref_id = %s AND i.key = '_in' AND s.key = 'status' AND s.head = 'free' AND t.driver = 'VirtualServer'
    ORDER BY t.name LIMIT 1"""


def _bare_write(cursor: Any, connection: Any, number: int, turn: int) -> float:
    """What the change is, its history and its seals: the rows that clusto writes, without any rule."""
    cursor.execute("SELECT version_num FROM alembic_version")
    cursor.fetchall()
    cursor.execute("SELECT next_id, next_transaction FROM store WHERE id = 1 FOR UPDATE")
    ((id, transaction),) = cursor.fetchall()
    start = time.perf_counter()
    cursor.execute("SELECT id, name FROM things WHERE name = %s", (f"{'own' if turn % 3 == 0 else 'place'}{number}",))
    ((own, _),) = cursor.fetchall()
    if turn % 3 == 2:
        cursor.execute(_FREE, (own,))
        ((own, _),) = cursor.fetchall()
    cursor.execute("SELECT * FROM attributes WHERE thing_id = %s", (own,))
    cursor.fetchall()
    thing, used = own, 1
    if turn % 3 == 1:
        thing, used = id, 2
        cursor.execute("INSERT INTO things (id, name, driver) VALUES (%s, %s, 'Pool')", (id, f"made{number}-{turn}"))
    named = ('"key"',) if "psycopg2" in type(connection).__module__ else ("`key`",)
    cursor.execute(
        f"INSERT INTO attributes (id, thing_id, {named[0]}, type, head) VALUES (%s, %s, 'n', 'string', %s)",
        (id + used - 1, thing, str(turn)),
    )
    quoted = named[0].replace("key", "user")
    cursor.execute(
        f"INSERT INTO transactions (id, time, {quoted}, host, command) VALUES (%s, 1, 'ann', 'host1', 'clusto')",
        (transaction,),
    )
    cursor.execute(
        "INSERT INTO changes (transaction_id, thing_id, name, after) VALUES (%s, %s, 'own', %s)",
        (transaction, thing, '{"attributes":[[1,2,null,"n","string","1",null]]}'),
    )
    cursor.execute("SELECT digest FROM transaction_seals WHERE transaction_id = %s", (transaction - 1,))
    cursor.fetchall()
    cursor.execute("INSERT INTO transaction_seals (transaction_id, digest) VALUES (%s, 'x')", (transaction,))
    cursor.execute("UPDATE store SET next_id = %s, next_transaction = %s", (id + used, transaction + 1))
    connection.commit()
    return time.perf_counter() - start


def measured(url: str, clients: int, seconds: float, what: Callable[..., None]) -> list[Done]:
    """What each of the clients did."""
    forking = multiprocessing.get_context("fork")
    begin, results = forking.Event(), forking.SimpleQueue()
    started = [
        forking.Process(target=what, args=(url, number, seconds, begin, results), daemon=True)
        for number in range(clients)
    ]
    for process in started:
        process.start()
    begin.set()
    done = [results.get() for _ in started]
    for process in started:
        process.join()
    return done


def rate(done: list[Done], seconds: float) -> float:
    """How many things were done a second."""
    return sum(len(one.reads) + len(one.writes) for one in done) / seconds


def told(done: list[Done]) -> str:
    """How long things took, and how fair that was."""
    reads, writes, held = (sorted(each for one in done for each in getattr(one, what)) for what in Done._fields[:3])
    fewest, most = (function(len(one.writes) for one in done) for function in (min, max))
    return (
        f"read {_times(reads)}, write {_times(writes)}, lock {amount(statistics.median(held))},"
        f" writes a client {fewest} to {most}"
    )


def _times(found: list[float]) -> str:
    return f"{amount(statistics.median(found))} (longest {amount(found[-1])})"


def main() -> None:
    given = arguments(__doc__, clients=(200, 20), seconds=(120, 5))
    rows = [row for name in ("postgresql", "mariadb") for row in _rows(name, given.clients, given.seconds)]
    tell(f"{TITLE}: {given.clients} clients for {given.seconds} s", rows)


def _rows(name: str, clients: int, seconds: int) -> Iterator[Row]:
    if name == "postgresql":
        server = servers.start_postgresql("-c", f"max_connections={clients + 20}")
    else:
        server = servers.start_mariadb(f"--max-connections={clients + 20}")
    if server is None:
        yield Row(name, "not installed")
        return
    found = []
    try:
        for what in (client, bare):
            url = server.new()
            opening.create(url)
            furnish(Inventory(Settings(url)), clients)
            found.append(measured(url, clients, seconds, what))
    finally:
        server.stop()
    ours, theirs = (rate(done, seconds) for done in found)
    yield beside(f"{name}, beside the bare statements", ours, theirs, "a second", least=GOAL, besides=told(found[0]))
    refused = [each for one in found[0] for each in one.refused]
    yield alone(f"{name}, refused", len(refused), "", most=0, besides=", ".join(refused[:1])[:80])


if __name__ == "__main__":
    main()
