"""Rows that the server keeps until they are read, on each database."""

from __future__ import annotations

import pytest

from clusto_core.errors import StoreBroken
from clusto_core.inventory import Inventory
from clusto_core.store.database import Database, connect, connect_to_write

MANY = 5000
_NUMBERS = f"""
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) SELECT n.i FROM n ORDER BY n.i"""
_ONE = "SELECT s.next_id FROM store s"


@pytest.fixture
def database(inventory: Inventory) -> Database:
    found = connect(inventory.settings.url)
    if found.dialect == "mariadb":
        found.execute(f"SET SESSION max_recursive_iterations = {MANY + 1}")
    return found


@pytest.mark.parametrize("way", ["iterate", "lazily"])
def test_other_statements_run_meanwhile(database: Database, way: str) -> None:
    """Each row comes once, in order, whenever something else is asked; another list too."""
    one, other = getattr(database, way)(_NUMBERS), getattr(database, way)(_NUMBERS)
    assert [next(one)[0] for _ in range(1500)] == list(range(1, 1501))
    assert len(database.rows(_ONE)) == 1
    assert [next(other)[0] for _ in range(10)] == list(range(1, 11))
    assert [row[0] for row in one] == list(range(1501, MANY + 1))
    assert [row[0] for row in other] == list(range(11, MANY + 1))
    assert len(database.rows(_ONE)) == 1
    database.close()


def test_what_is_not_read_to_its_end_is_in_nobodys_way(database: Database) -> None:
    """Neither given up, nor failing halfway."""
    rows = database.iterate(_NUMBERS)
    next(rows)
    del rows
    assert len(database.rows(_ONE)) == 1
    with pytest.raises(StoreBroken):
        list(database.iterate("SELECT n.nothing FROM store n"))
    database.connection.rollback()
    assert len(database.rows(_ONE)) == 1
    rows = database.iterate(_NUMBERS)
    next(rows)
    database.rest()
    del rows
    assert len(database.rows(_ONE)) == 1
    database.close()


def test_what_is_asked_together_with_what_is_written(inventory: Inventory) -> None:
    """Whose rows are those of the question."""
    database = connect_to_write(inventory.settings.url)
    if database.dialect == "mariadb":
        database.execute(f"SET SESSION max_recursive_iterations = {MANY + 1}")
    if database.dialect == "sqlite":
        database.execute("BEGIN")
    database.bundle()
    for number in range(3):
        database.execute("UPDATE store SET next_id = :id", {"id": 100 + number})
    rows = database.iterate(_NUMBERS)
    assert next(rows) == (1,)
    database.execute("UPDATE store SET next_id = :id", {"id": 200})
    assert database.rows(_ONE) == [(200,)]
    assert [row[0] for row in rows] == list(range(2, MANY + 1))
    database.rollback()
    database.close()


def test_mariadb_keeps_the_rows_with_the_server(database: Database) -> None:
    """Until something else is asked."""
    if database.dialect != "mariadb":
        pytest.skip("the others have ways of their own")
    rows = database.lazily(_NUMBERS)
    next(rows)
    assert database.connection.unread is not None
    database.rows(_ONE)
    assert database.connection.unread is None
    assert sum(1 for _ in rows) == MANY - 1
    database.close()
