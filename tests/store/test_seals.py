"""What was changed behind clusto's back is noticed, and damage is told as damage: never a traceback, never silence."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.errors import ClustoError, StoreBroken
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.records import integrity
from clusto_core.records.revert import revert
from clusto_core.store import database, opening, schema, seals
from clusto_core.store.seals import RANGE
from tests.conftest import said
from tests.records.changing import step
from tests.store.older import REVISIONS, make_older

FLIPS = 4000 if os.environ.get("CLUSTO_LONG_TESTS") else 60
"""In so many places a file is damaged."""
READS = (
    ["export"],
    ["find", "driver:Server and attr:ram>2"],
    ["locate", "server1", "pdu1"],
    ["show", "server3", "rack1", "-o", "json"],
    ["log"],
    ["show", "server2", "--at", "1"],
)


def furnish(url: str) -> None:
    """A small site with a little history."""
    inventory = Inventory(Settings(url))
    with inventory.change("clusto add", "first") as change:
        change.add("Rack", "rack1", part_counts={"ru": 6})
        change.add("PDU", "pdu1", part_counts={"outlet": 4})
        change.add("Pool", "pool1")
        for number in range(1, 5):
            attributes = [("serial", f"SN{number}"), ("ram", number), ("notes", "long " * 80 * (number == 3))]
            change.add("Server", f"server{number}", attributes=attributes, parents=["pool1"])
            change.connect(f"server{number}:psu1", f"pdu1:{number}")
            change.connect(f"server{number}", f"rack1:RU{number}")
    with inventory.change("clusto attr") as change:
        change.add_values(change.resolve("server1"), Key("ram", 1, "size"), [64])


def broken(url: str) -> tuple[list[tuple[int, int]], list[int]]:
    """What is not as it was written: ranges of ids, and transactions."""
    with contextlib.closing(database.connect(url)) as reading:
        return list(seals.broken_ranges(reading)), list(seals.broken_transactions(reading))


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_clusto_writes_is_sealed(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('sealed')}/clusto.db"
    random_ = random.Random(seed)
    inventory = Inventory(Settings(url))
    for number in range(1, 12):
        with contextlib.suppress(ClustoError), inventory.change() as change:
            for _ in range(random_.randrange(1, 9)):
                with contextlib.suppress(ClustoError):
                    step(change, random_)
        if random_.random() < 0.2:
            with contextlib.suppress(ClustoError), inventory.change() as change:
                revert(change.unit, random_.randrange(1, number + 1))
        assert broken(url) == ([], [])


def test_many_things_are_sealed_on_every_database(store_url: str) -> None:
    inventory = Inventory(Settings(store_url))
    with inventory.change() as change:
        for number in range(3 * RANGE // 10):
            change.add("Server", f"server{number}", attributes=[("text", "snow ☃ \\"), ("n", number)])
    with inventory.change() as change:
        change.rename("server7", "first")
        change.remove("server8")
    assert broken(store_url) == ([], [])


SEALED = [
    *(("things", column, "id") for column in ("name", "driver", "number")),
    *(("attributes", column, "id") for column in ("key", "number", "subkey", "type", "head", "rest")),
    *(("connections", column, "cable_id") for column in ("kind", "slot")),
    *(("transactions", column, "id") for column in ("time", "user", "host", "command", "message")),
    *(("changes", column, "thing_id") for column in ("name", "before", "after")),
]


ONE_ROW = {"connections": "side = 0", "changes": "transaction_id = 1", "transactions": "id = 1"}
"""Which rows the ids below are unique among."""


def other(value: object) -> object:
    """A value that differs in one bit."""
    if isinstance(value, int):
        return value ^ 1
    text = str(value or "")
    return text[:-1] + chr(ord(text[-1]) ^ 1) if text else "x"


def test_any_column_that_is_changed_by_hand_is_noticed(store_url: str) -> None:
    furnish(store_url)
    for table, column, id in SEALED:
        with contextlib.closing(database.connect_to_write(store_url)) as writing:
            quoted = f"`{column}`" if writing.dialect == "mariadb" else f'"{column}"'
            among = ONE_ROW.get(table, "1 = 1")
            filled = f"SELECT {id}, {quoted} FROM {table} WHERE {among} AND {quoted} IS NOT NULL LIMIT 1"
            [(key, value)] = writing.rows(filled) or [(1, None)]
            write = f"UPDATE {table} SET {quoted} = :value WHERE {among} AND {id} = :key"
            writing.execute(write, {"value": other(value), "key": key})
            writing.connection.commit()
            assert broken(store_url) != ([], []), (table, column)
            writing.execute(write, {"value": value, "key": key})
            writing.connection.commit()
            assert broken(store_url) == ([], []), (table, column)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM changes WHERE transaction_id = 1", "transaction 1 is not in the history as it was written"),
        ("UPDATE transactions SET message = 'second' WHERE id = 1", "transaction 1 is not in the history"),
        ("UPDATE attributes SET head = 'SN9' WHERE head = 'SN1'", "rows 0 to 511 are not as they were written (of"),
        ("DELETE FROM attributes WHERE head = 'SN1'", "rows 0 to 511 are not as they were written"),
        ("UPDATE transaction_seals SET digest = 'x' WHERE transaction_id = 1", "transaction 1 is not in the history"),
        ("DELETE FROM transaction_seals WHERE transaction_id = 2", "transaction 2 is not in the history"),
        ("UPDATE seals SET digest = 'x'", "rows 0 to 511 are not as they were written"),
        ("UPDATE store SET next_transaction = 9", "the last transaction of the history is 2, and 8 were given out"),
    ],
)
def test_check_tells_what_was_changed(sqlite_url: str, statement: str, words: str) -> None:
    furnish(sqlite_url)
    with contextlib.closing(database.connect_to_write(sqlite_url)) as writing:
        writing.execute(statement)
        writing.connection.commit()
    with Inventory(Settings(sqlite_url)).read() as reader:
        found = list(integrity.problems(reader))
    assert any(line.startswith(words) for line in found), found


def test_a_copy_has_the_seals_of_its_source(store_url: str, sqlite_url: str, tmp_path: Path) -> None:
    furnish(sqlite_url)
    other, back = store_url, f"sqlite:///{tmp_path}/back.db"
    if store_url != sqlite_url:
        opening.copy(sqlite_url, other, lambda table, rows: None)
    opening.copy(other, back, lambda table, rows: None)
    for url in (other, back):
        assert broken(url) == ([], [])
        with Inventory(Settings(url)).read() as reader:
            assert list(integrity.problems(reader)) == []


def test_an_older_store_is_sealed_when_it_is_upgraded(empty_url: str) -> None:
    make_older(empty_url, REVISIONS[0])
    with contextlib.closing(database.connect_to_write(empty_url)) as writing:
        entries = [(number, number, "ann", "here", "clusto", "") for number in (1, 2)]
        writing.insert("transactions", ("id", "time", "user", "host", "command", "message"), entries)
        writing.insert(
            "changes", ("transaction_id", "thing_id", "name", "after"), [(1, 1, "old", "{}"), (2, 1, "old", "{}")]
        )
        writing.execute("UPDATE store SET next_transaction = 3")
        writing.connection.commit()
    opening.upgrade(empty_url, lambda line: None)
    assert broken(empty_url) == ([], [])
    with contextlib.closing(database.connect_to_write(empty_url)) as writing:
        assert len(writing.rows("SELECT s.digest FROM transaction_seals s")) == 2
        writing.execute("UPDATE changes SET name = 'older' WHERE transaction_id = 1")
        writing.connection.commit()
    assert broken(empty_url) == ([], [1])


def test_every_column_is_sealed_or_follows_from_others() -> None:
    derived = {
        "things": {"sort_key"},
        "attributes": {"integer_value", "float_value", "claim"},
        "connections": {"side", "far_part_id", "far_thing_id"},
        "transactions": {"database_user"},
        "changes": {"transaction_id"},
    }
    sealed = {table: set(columns) for table, _, columns, _ in seals._SEALED}
    sealed |= {"transactions": set(seals._TRANSACTION), "changes": set(seals._CHANGE)}
    for table, columns in sealed.items():
        every = {column.name for column in schema.metadata.tables[table].columns}
        assert every - columns == derived.get(table, set()), table


# --- damaged files ---------------------------------------------------------------------------------------------------


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def damaged(data: bytes, random_: random.Random) -> Iterator[bytes]:
    """The file with one byte otherwise, again and again."""
    for _ in range(FLIPS):
        other, at = bytearray(data), random_.randrange(len(data))
        other[at] ^= random_.choice([1 << random_.randrange(8), random_.randrange(1, 256)])
        yield bytes(other)


def test_a_damaged_file_is_told_as_such_by_whatever_fails_on_it(sqlite_url: str, tmp_path: Path) -> None:
    furnish(sqlite_url)
    path = Path(database.sqlite_path(sqlite_url))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    right = [said(url_of(path), *words) for words in READS]
    copy = tmp_path / "damaged.db"
    for content in damaged(path.read_bytes(), random.Random(20)):
        copy.write_bytes(content)
        check = said(url_of(copy), "db", "check")
        for words, wanted in zip(READS, right, strict=True):
            code, _, err = found = said(url_of(copy), *words)
            assert "unexpected" not in err, (words, err)
            assert found == wanted or check[0] != 0, (words, found)
            assert code in (0, 3) or "damaged" in err or "not a clusto store" in err, (words, found)


def test_what_is_no_text_where_text_belongs_is_damage(sqlite_url: str) -> None:
    furnish(sqlite_url)
    with contextlib.closing(sqlite3.connect(database.sqlite_path(sqlite_url))) as connection:
        connection.execute("UPDATE attributes SET head = CAST(head AS BLOB) WHERE head = 'SN1'")
        connection.commit()
    inventory = Inventory(Settings(sqlite_url))
    with inventory.read() as reader:
        assert "the file is damaged: in attributes is text that is no text" in integrity.problems(reader)
    with inventory.read() as reader, pytest.raises(StoreBroken, match="damaged: run clusto db check"):
        reader.attributes(reader.resolve("server1").id)
    code, _, err = said(sqlite_url, "export")
    assert (code, err.startswith("clusto: error: the store is damaged: run clusto db check")) == (1, True)
