"""The unit of work: whenever it writes what it has, the store and its history are the same in the end."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.inventory import Inventory, Transaction
from clusto_core.records import integrity

Step = tuple[str, str, str]

TABLES = ("store", "things", "attributes", "connections", "changes")
SERVERS = ("s1", "s2", "s3", "s4")
PANELS = ("pp1", "pp2")
PORTS = ("s1:eth0", "s2:eth0", "sw1:1", "sw1:2", "pp1:1", "pp1:rear1", "pp2:1", "pp2:rear1")

DOING: dict[str, Callable[[Transaction, str, str], object]] = {
    "add": lambda change, one, other: change.add("Server", one, part_counts={"nic": 2}),
    "remove": lambda change, one, other: change.remove(one),
    "rename": lambda change, one, other: change.rename(one, other),
    "set": lambda change, one, other: change.set_values(one, "tag", [other, "x"]),
    "label": lambda change, one, other: change.set_values(f"{one}:eth0", "label", other),
    "clear": lambda change, one, other: change.delete_values(one, "tag"),
    "put": lambda change, one, other: change.put(one, "pool"),
    "take": lambda change, one, other: change.take(one, "pool"),
}
WIRING: dict[str, Callable[[Transaction, str, str], object]] = {
    "connect": lambda change, one, other: change.connect(one, other),
    "disconnect": lambda change, one, other: change.disconnect(one),
}

steps = st.one_of(
    st.tuples(st.sampled_from(sorted(DOING)), st.sampled_from(SERVERS), st.sampled_from(SERVERS)),
    st.tuples(st.sampled_from(sorted(WIRING)), st.sampled_from(PORTS), st.sampled_from(PORTS)),
)


def fill(change: Transaction) -> None:
    change.add("Pool", "pool")
    change.add("Switch", "sw1", part_counts={"port": 4})
    for name in PANELS:
        change.add("PatchPanel", name, part_counts={"port": 2})
    for name in SERVERS[:2]:
        change.add("Server", name, part_counts={"nic": 2}, attributes={"tag": "x"})
    change.connect("s1:eth0", "pp1:1")


def asked(change: Transaction) -> None:
    change.unit.reader.all()


def forgotten(change: Transaction) -> None:
    change.unit.settle()


def done(
    path: Path, taken: list[Step], wanted: Callable[[int], bool], then: Callable[[Transaction], None] = asked
) -> dict[str, list[tuple[object, ...]]]:
    """All rows after these steps in one change, with which something is done besides after some of them."""
    inventory = Inventory(Settings(f"sqlite:///{path}"))
    with inventory.change() as change:
        for number, (what, one, other) in enumerate(taken):
            with contextlib.suppress(ClustoError):
                {**DOING, **WIRING}[what](change, one, other)
            if wanted(number):
                then(change)
        present = [name for name in SERVERS if change.unit.get(name) is not None]
    with inventory.read() as reader:
        assert list(integrity.problems(reader)) == []
        assert [name for name in SERVERS if reader.get(name) is not None] == present
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}


@pytest.fixture(scope="module")
def start(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unit") / "start.db"
    shutil.copy(sqlite_template, path)
    with Inventory(Settings(f"sqlite:///{path}")).change() as change:
        fill(change)
    return path


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=st.lists(steps, max_size=25), chosen=st.sets(st.integers(0, 24)))
def test_when_it_writes_and_forgets_makes_no_difference(start: Path, taken: list[Step], chosen: set[int]) -> None:
    found = []
    ways: list[tuple[Callable[[int], bool], Callable[[Transaction], None]]] = [
        (lambda number: False, asked),
        (lambda number: True, asked),
        (chosen.__contains__, asked),
        (lambda number: True, forgotten),
        (chosen.__contains__, forgotten),
    ]
    for wanted, then in ways:
        path = start.with_name("one.db")
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(start, path)
        found.append(done(path, taken, wanted, then))
    assert all(each == found[0] for each in found[1:])


def test_what_is_written_is_not_written_twice(sqlite_url: str) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        for number in range(3):
            change.add("Server", f"s{number}")
            assert len(change.unit.reader.all()) == number + 1
        version = change.unit.version
        assert (change.unit.reader.all(), change.unit.version)[1] == version
        change.remove("s1")
        assert [thing.name for thing in change.unit.reader.all()] == ["s0", "s2"]
        assert change.unit.version > version
