"""Several servers, one of which takes writes: what was written is read, what was said to be written is never lost."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from clusto_core.config import Settings
from clusto_core.errors import Refused, StoreBroken
from clusto_core.inventory import Inventory
from clusto_core.store import database, opening, replicas
from clusto_core.store.opening import create
from tests import servers
from tests.store import writers

LONG = bool(os.environ.get("CLUSTO_LONG_TESTS"))
"""Whether many clients write for a minute, not a few for seconds."""


class Pair:
    """A server, and its standby."""

    def __init__(self, primary: servers.PostgreSQL, standby: servers.PostgreSQL) -> None:
        self.primary, self.standby = primary, standby

    def url(self, name: str, wanted: str = "prefer-standby") -> str:
        both = (self.primary, self.standby)
        hosts, ports = (",".join(str(getattr(each, what)) for each in both) for what in ("directory", "port"))
        return f"postgresql://clusto@/{name}?host={hosts}&port={ports}&target_session_attrs={wanted}"


@contextlib.contextmanager
def started() -> Iterator[Pair]:
    primary = servers.start_postgresql()
    if primary is None:
        pytest.skip("postgresql is not installed (Debian: postgresql)")
    with contextlib.ExitStack() as stack:
        stack.callback(primary.stop)
        standby = servers.start_standby(primary)
        stack.callback(standby.stop)
        yield Pair(primary, standby)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with started() as running:
        yield running


@pytest.fixture
def url(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty store on both."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(replicas, "_remembered", {})
    name = f"clusto_{tmp_path.name}".lower()
    pair.primary.run(f'CREATE DATABASE "{name}"')
    found = pair.url(name)
    create(found)
    return found


def reads_a_standby(url: str) -> bool:
    with contextlib.closing(database.connect(url)) as reading:
        return bool(reading.rows("SELECT pg_is_in_recovery()")[0][0])


def test_reads_go_to_a_standby_and_see_what_was_written(url: str) -> None:
    inventory = Inventory(Settings(url))
    for number in range(40):
        with inventory.change() as change:
            change.add("Pool", f"pool{number}")
        if number % 2:
            # As another command of the same user.
            replicas._remembered.clear()
        with inventory.read() as reader:
            assert reader.get(f"pool{number}") is not None
    assert reads_a_standby(url)


def test_a_standby_that_is_behind_is_passed_over(pair: Pair, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "PATIENCE", 0.1)
    inventory = Inventory(Settings(url))
    with inventory.change() as change:
        change.add("Pool", "pool1")
    with inventory.read() as reader:
        assert reader.get("pool1") is not None
    pair.standby.run("SELECT pg_wal_replay_pause()")
    try:
        with inventory.change() as change:
            change.add("Pool", "pool2")
        with inventory.read() as reader:
            assert reader.get("pool2") is not None
        assert not reads_a_standby(url)
        # Whoever wrote nothing reads what is near.
        monkeypatch.setenv("XDG_STATE_HOME", "/nonexistent")
        replicas._remembered.clear()
        assert reads_a_standby(url)
    finally:
        pair.standby.run("SELECT pg_wal_replay_resume()")


def test_without_a_server_that_takes_writes_one_reads(pair: Pair, url: str) -> None:
    with Inventory(Settings(url)).change() as change:
        change.add("Pool", "pool1")
    with Inventory(Settings(url)).read() as reader:
        assert reader.get("pool1") is not None
    name = url.partition("?")[0].rpartition("/")[2]
    host, port = f"{pair.standby.directory},{pair.standby.directory}", f"{pair.standby.port},{pair.standby.port}"
    only = f"postgresql://clusto@/{name}?host={host}&port={port}"
    with Inventory(Settings(only)).read() as reader:
        assert reader.get("pool1") is not None
    with (
        pytest.raises(StoreBroken, match=r"none of its servers takes writes .*session is read-only"),
        Inventory(Settings(only)).change() as change,
    ):
        change.add("Pool", "pool2")
    with (
        pytest.raises(Refused, match="the store is read-only"),
        Inventory(Settings(pair.standby.url(name))).change() as change,
    ):
        change.add("Pool", "pool2")


@pytest.mark.parametrize("kept", [True, False])
def test_what_a_server_did_not_answer_is_found_out(url: str, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def __init__(self, connection: object) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> object:
            return getattr(self._connection, name)

        def commit(self) -> None:
            self._connection.commit() if kept else self._connection.rollback()  # type: ignore[attr-defined]
            self._connection.close()  # type: ignore[attr-defined]
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    inventory = Inventory(Settings(url))
    outcome = contextlib.nullcontext() if kept else pytest.raises(StoreBroken, match="which it did not keep: try again")
    with outcome, inventory.change() as change:
        change.add("Pool", "pool1")
        change.unit.database.connection = Gone(change.unit.database.connection)
    with inventory.read() as reader:
        assert (reader.get("pool1") is not None) is kept


def test_nothing_that_was_told_as_written_is_lost_with_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    each = 2 if LONG else 1
    names = writers.names((*writers.LIBRARY, *(writers.COMMANDS if LONG else ("cliallocate",))), each)
    with started() as pair:
        pair.primary.run("CREATE DATABASE inventory")
        url = pair.url("inventory")
        create(url)
        writers.furnish(url, names, 6000 if LONG else 600)
        for statement in ("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"):
            pair.primary.run(statement)
        with writers.Writers(dict.fromkeys(names, url), tmp_path) as writing:
            writing.write_on(6 if LONG else 2)
            servers.kill(pair.primary)
            servers.promote(pair.standby)
            writing.write_on(6 if LONG else 2)
            told = writing.ended()
        writers.hold_against(url, told, ("went away", "cannot open the store"))


def test_a_pgbouncer_in_transaction_mode_changes_nothing(postgresql: servers.PostgreSQL | None, tmp_path: Path) -> None:
    if postgresql is None or (bouncer := servers.start_pgbouncer(postgresql)) is None:
        pytest.skip("pgbouncer is not installed (Debian: postgresql, pgbouncer)")
    try:
        name = postgresql.new().partition("?")[0].rpartition("/")[2]
        url = bouncer.url(name)
        inventory = Inventory(Settings(url))
        names = [f"attr{number}" for number in range(5)]
        with inventory.change() as change:
            for name in ("pool1", *names):
                change.add("Pool", name)
        # More clients than the pool has servers, each with transactions open beside the others'.
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(inventory.read()) for _ in range(2)]
            with inventory.change() as change:
                change.set_values("pool1", "a", [1])
            assert not any(reader.attributes(reader.get("pool1").id) for reader in readers)  # type: ignore[union-attr]
        with inventory.at(1) as past:
            assert past.get("pool1") is not None
        with writers.Writers(dict.fromkeys(names, url), tmp_path) as writing:
            writing.write_on(3)
            assert "refused" not in writing.ended()
        opening.upgrade(url, lambda line: None)
    finally:
        bouncer.stop()


def test_who_waits_too_long_for_another_writer_is_told(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("SQLite waits by itself")
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    monkeypatch.setattr(database.connect_to_write, "__defaults__", (1,))
    inventory, another = Inventory(Settings(store_url)), Inventory(Settings(store_url))
    with inventory.change() as change:
        change.add("Pool", "pool1")
        change.unit.flush()
        held = threading.Thread(target=lambda: told.append(_refusal(another)))
        told: list[str] = []
        held.start()
        held.join()
    assert told == ["another command has been writing to the store for 1 s: try again"]


def _refusal(inventory: Inventory) -> str:
    with pytest.raises(Refused) as refused, inventory.change() as change:
        change.add("Pool", "pool2")
    return str(refused.value)


def test_writers_are_served_in_the_order_of_asking(postgresql: servers.PostgreSQL | None) -> None:
    if postgresql is None:
        pytest.skip("postgresql is not installed (Debian: postgresql)")
    url, served = postgresql.new(), []
    create(url)

    def write(number: int) -> None:
        with Inventory(Settings(url)).change() as change:
            change.add("Pool", f"pool{number}")
            served.append(number)

    waiting = """
        SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE NOT l.granted AND a.datname = current_database()"""
    with contextlib.ExitStack() as stack:
        watching = stack.enter_context(contextlib.closing(database.connect_to_write(url)))
        writers = [threading.Thread(target=write, args=(number,)) for number in range(12)]
        with Inventory(Settings(url)).change() as change:
            change.add("Pool", "first")
            for number, writer in enumerate(writers):
                writer.start()
                while watching.rows(waiting) != [(number + 1,)]:
                    watching.connection.rollback()
                    time.sleep(0.01)
        for writer in writers:
            writer.join()
    assert served == list(range(12))
