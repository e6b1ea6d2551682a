"""Whole Things lie in natural order in the store, whoever wrote them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.names import MalformedName, check_name
from clusto_core.model.things import in_order
from clusto_core.query import compiler
from clusto_core.query.binding import bind
from clusto_core.query.parser import parse
from clusto_core.query.search import COLUMNS, find, stream
from clusto_core.records import integrity, revert
from clusto_core.records.sight import Sight, fill
from clusto_core.spelling import natural_key
from clusto_core.store import opening, rows
from clusto_core.store.database import Database, connect, connect_to_write
from clusto_core.store.mirroring import mirror
from tests.examples import few_on_servers
from tests.store.older import make_older


def _is_name(text: str) -> bool:
    try:
        check_name(text)
    except MalformedName:
        return False
    return True


NAMES = st.sets(
    st.text(alphabet="aB0199._-+éßж中𝒳", min_size=1, max_size=12).filter(_is_name)
    | st.from_regex(r"[ab]{0,3}0{0,9}[0-9]{0,40}[a-]?0{0,3}[1-9]?", fullmatch=True).filter(_is_name),
    max_size=30,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=NAMES)
@example(
    names={"a", "a0", "a00", "a1", "a01", "a-", "a.", "a+1", "aé", "x" + "9" * 30, "x1" + "0" * 30, "x" + "0" * 254}
)
@example(names={"1a" * 127 + "1", "1é" * 127 + "1", "9" * 255, "0" * 255, "ж" * 255})
@few_on_servers(6)
def test_the_database_orders_as_memory_does(inventory: Inventory, names: set[str]) -> None:
    with contextlib.closing(connect_to_write(inventory.settings.url)) as database:
        things = [(number, name, "Pool", None, None) for number, name in enumerate(names, 1)]
        database.execute("DELETE FROM things")
        database.insert("things", rows.STORED_THINGS, (rows.stored_as(*thing) for thing in things))
        database.connection.commit()
    with inventory.read() as reader:
        assert [thing.name for thing in reader.in_order()] == sorted(names, key=natural_key)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("web", "web"),
        ("web12", "web212\x01"),
        ("web012", "web212\x02"),
        ("rack1-ru007", "rack11\x01-ru17\x03"),
        ("0", "0\x02"),
        ("x123456789", "x90123456789\x01"),
        ("a1b", "a11\x01b"),
    ],
)
def test_what_is_stored_stays_as_it_is(name: str, key: str) -> None:
    """Stores are full of these: another spelling takes a migration that writes them anew."""
    assert rows.sort_key(name, None) == key
    assert rows.sort_key(f"{name}:eth0", 7) is None


def _ordered(database: Database) -> bool:
    """Whether every row has what its name sorts it by. There is something to see."""
    found = database.rows("SELECT t.name, t.owner_id, t.sort_key FROM things t")
    assert {owner is None for _, owner, _ in found} == {True, False}
    return all(sort_key == rows.sort_key(name, owner) for name, owner, sort_key in found)


def _is_ordered(url: str) -> bool:
    with contextlib.closing(connect(url)) as database:
        return _ordered(database)


def test_every_writer_keeps_the_order(store_url: str, tmp_path: Path) -> None:
    inventory = Inventory(Settings(store_url))
    with inventory.change() as change:
        change.add("Rack", "rack1")
        for number in (1, 2, 10):
            change.add("Server", f"web{number}", parents=["rack1"])
    assert _is_ordered(store_url)
    with inventory.change() as change:
        # A name passes on, and another one comes back.
        change.rename("web10", "web03")
        change.rename("web2", "web10")
        change.rename("web03", "web2")
    assert _is_ordered(store_url)
    with inventory.change() as change:
        change.remove("web1")
        change.add("Server", "db007")
    with inventory.at(1) as reader:
        assert _ordered(reader.database)
        assert [thing.name for thing in reader.in_order()] == ["rack1", "web1", "web2", "web10"]
    for number in (3, 2):
        with inventory.change() as change:
            revert.revert(change.unit, number)
        assert _is_ordered(store_url)
    copied, mirrored = (f"sqlite:///{tmp_path}/{name}.db" for name in ("copied", "mirrored"))
    opening.copy(store_url, copied, lambda table, number: None)
    mirror(store_url, mirrored, lambda table, number: None)
    (tmp_path / "sight").mkdir()
    sight = Sight("driver:Server", 1, str(tmp_path / "sight"))
    opening.create(sight.url)
    with inventory.read() as reader:
        fill(reader, sight)
    for url in (copied, mirrored, sight.url):
        assert _is_ordered(url)
    with inventory.read() as reader:
        assert list(integrity.problems(reader)) == []


def test_an_older_store_is_put_in_order_when_it_is_upgraded(empty_url: str) -> None:
    make_older(empty_url, "0013")
    with contextlib.closing(connect_to_write(empty_url)) as writing:
        things = [(number, f"pool{number % 77}x{number}", "Pool", None, None) for number in range(2, 602)]
        parts = [(1000 + number, f"pool0x77:{number}", "Part", 77, number) for number in range(3)]
        writing.insert("things", rows.THINGS, [*things, *parts])
        writing.execute("UPDATE store SET next_id = 2000")
        writing.connection.commit()
    opening.upgrade(empty_url, lambda line: None)
    assert _is_ordered(empty_url)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE things SET sort_key = 'zz' WHERE name = 'web1'", "web1 is not where its name sorts it"),
        ("UPDATE things SET sort_key = NULL WHERE name = 'web1'", "web1 is not where its name sorts it"),
        (
            "UPDATE things SET sort_key = 'web1:eth0' WHERE name = 'web1:eth0'",
            "web1:eth0 is a part, and is listed as if it were none",
        ),
    ],
)
def test_check_tells_what_is_out_of_order(inventory: Inventory, statement: str, words: str) -> None:
    with inventory.change() as change:
        change.add("Server", "web1", part_counts={"nic": 1})
    with contextlib.closing(connect_to_write(inventory.settings.url)) as writing:
        writing.execute(statement)
        writing.connection.commit()
    with inventory.read() as reader:
        assert words in list(integrity.problems(reader))


EXPRESSIONS = (
    "driver:Server",
    "name:*",
    "not driver:Server",
    "driver:Server and attr:status,spare",
    "driver:NIC",
    "part:eth0 or driver:Rack",
    "name:/^web[0-9]+$/ and haskey(status)",
)


@pytest.fixture
def many(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """Few Things that count as very many."""
    monkeypatch.setattr(compiler, "PROBE", 1)
    monkeypatch.setattr(compiler, "CROWD_SIZE", 1)
    with inventory.change() as change:
        change.add("Rack", "rack1")
        for number in (10, 9, 100, 1):
            change.add("Server", f"web{number}", attributes=[("status", "spare")], part_counts={"nic": 2})
    return inventory


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_very_many_come_in_the_same_order(many: Inventory, text: str) -> None:
    with many.read() as reader:
        tree = bind(reader, parse(text)).tree
        questions = compiler.questions(tree)
        asked = [compiler.Compiler(reader).compile_in_order(question, part, COLUMNS) for question, part in questions]
        # Others may compare each Thing with each attribute, and are not asked to.
        assert any(asked) is (reader.database.dialect == "sqlite" or "status" not in text)
        assert list(stream(reader, text).things) == find(reader, text).things == in_order(find(reader, text).things)
        if reader.database.dialect == "sqlite":
            for sql, known in filter(None, asked):
                plan = [row[3] for row in reader.database.rows(f"EXPLAIN QUERY PLAN {sql}", known)]
                assert not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.filterwarnings("error")
def test_what_is_not_read_to_its_end_does_no_harm(many: Inventory) -> None:
    with many.read() as reader:
        things = stream(reader, "driver:Server").things
        first = next(things)
        assert reader.get("rack1") is not None
        other = stream(reader, "driver:NIC").things
        assert (first.name, next(other).name, next(things).name) == ("web1", "web1:eth0", "web9")
    del things, other
    with many.read() as reader:
        assert len(list(stream(reader, "driver:Server").things)) == 4


def test_postgresql_compiles_no_statement(inventory: Inventory) -> None:
    """It takes a recursion for long work, and spends a second on what takes a millisecond."""
    if not inventory.settings.url.startswith("postgresql"):
        pytest.skip("others compile nothing")
    with inventory.change() as change:
        change.add("Pool", "pool1")
        assert change.unit.database.rows("SHOW jit") == [("off",)]
    with inventory.read() as reader:
        assert reader.database.rows("SHOW jit") == [("off",)]
