"""The store as it was: what was changed since is undone where nobody else sees it, and never kept.

The history says of every row what it was, so that undoing costs what has changed since, whatever the size of the store;
and every question to the store is then the same statement, with the same plan, as it is of the present.

A small store is undone in a copy of its own in memory, beside which others write on. A larger one is undone within a
transaction that is then rolled back, during which other writers wait; where this user may not write, or not all of
that, it is copied.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from clusto_core.errors import Refused
from clusto_core.model import wiring
from clusto_core.store import database as databases
from clusto_core.store import rows
from clusto_core.store.database import Database, connect, sqlite_path
from clusto_core.store.net import Fate, Net
from clusto_core.store.opening import explained
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

COPIED = 32 * 1024 * 1024
"""SQLite stores of at most so many bytes are copied into memory, which takes some milliseconds."""

_LAST = "SELECT max(x.id) FROM transactions x"


@contextlib.contextmanager
def open_past(url: str, moment: Callable[[Reader], int], *, scratch: bool = False) -> Iterator[Database]:
    """The store as it was after the transaction that `moment` finds in the store as it is; with `scratch` one may write
    in it, and nothing of that is kept.

    Raises as `database.connect` and `moment` do.
    """
    with contextlib.closing(connect(url)) as present:
        number = moment(Reader(present))
        if number >= last_transaction(present) and not scratch:
            yield present
            return
        small = present.dialect == "sqlite" and os.path.getsize(sqlite_path(url)) <= COPIED
        past = _in_memory(present) if small else None
    with contextlib.ExitStack() as stack, explained(url):
        past = _undone(past, number) if past else _rolled_back(url, number) or _undone(_copied(stack, url), number)
        stack.callback(past.close)
        yield past


def last_transaction(database: Database) -> int:
    """The number of the last transaction; 0 where there is none."""
    return int(database.rows(_LAST)[0][0] or 0)


# --- where it is undone ----------------------------------------------------------------------------------------------


class _NeverKept:
    """A database driver's connection in which nothing is ever committed."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        raise AssertionError("what is undone to look at the past must never be kept")


def _in_memory(present: Database) -> Database:
    """A copy of an SQLite store that is gone when it is closed; beyond some size SQLite keeps it in a file."""
    import sqlite3

    copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    present.connection.backup(copy)
    copy.execute("PRAGMA journal_mode = OFF")
    return Database(copy, "sqlite")


def _undone(copy: Database, number: int) -> Database:
    """An SQLite store of our own, as it was."""
    copy.execute("BEGIN")
    undo(copy, number)
    return copy


def _rolled_back(url: str, number: int) -> Database | None:
    """The store itself, in a transaction that will be rolled back; None where this user may not write that."""
    writing = databases.connect_to_write(url)
    try:
        if writing.dialect == "sqlite":
            if not os.access(sqlite_path(url), os.W_OK):
                raise Refused("read-only")
            # Rows are undone table by table: in between, some refer to what is not there yet.
            writing.execute("PRAGMA foreign_keys = OFF")
            writing.execute("BEGIN IMMEDIATE")
        else:
            writing.rows("SELECT s.id FROM store s WHERE s.id = 1 FOR UPDATE")
        undo(writing, number)
    except Exception as error:
        writing.close()
        if isinstance(error, Refused) or _forbidden(error):
            return None
        raise
    writing.connection = _NeverKept(writing.connection)
    return writing


def _forbidden(error: Exception) -> bool:
    return databases.is_of_driver(error) and (
        databases.forbidden(str(error.args[-1])) is not None or "readonly" in str(error) or "read-only" in str(error)
    )


def _copied(stack: contextlib.ExitStack, url: str) -> Database:
    """A copy, which only needs that the store may be read."""
    if databases.dialect_of(url) == "sqlite":
        with contextlib.closing(connect(url)) as present:
            return _in_memory(present)
    import tempfile

    from clusto_core.store.opening import copy

    target = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory(prefix='clusto-'))}/clusto.db"
    copy(url, target, lambda table, count: None)
    made = databases.connect_to_write(target)
    made.execute("PRAGMA foreign_keys = OFF")
    return made


# --- undoing ---------------------------------------------------------------------------------------------------------


def undo(database: Database, number: int) -> None:
    """Undoes in the database's open transaction all that came after that transaction of the history. Raises the
    driver's own errors."""
    net = Net(database, number, last_transaction(database))
    things, attributes, cables = (list(net.fates(table)) for table in ("things", "attributes", "cables"))
    _delete(database, "connections", "cable_id", cables)
    _delete(database, "attributes", "id", attributes)
    for owned in (True, False):
        _delete(database, "things", "id", (fate for fate in things if _is_part(fate) == owned))
    _rename(database, [fate.before for fate in things if fate.before and fate.after])
    back = sorted(_missing(things), key=lambda row: int(row[0]))
    database.insert("things", rows.THINGS, map(tuple, back))
    database.insert("attributes", rows.ATTRIBUTES, map(_attribute, _missing(attributes)))
    database.insert("connections", rows.CONNECTIONS, _connections(_missing(cables)))
    _retrace(database, things, cables)


def _missing(fates: Iterable[Fate]) -> Iterator[list[Any]]:
    """The rows that are to be put back."""
    return (fate.before for fate in fates if fate.before is not None and fate.after is None)


def _is_part(fate: Fate) -> bool:
    row = fate.after or fate.before
    return row is not None and row[3] is not None


def _delete(database: Database, table: str, id: str, fates: Iterable[Fate]) -> None:
    ids = [fate.after[0] for fate in fates if fate.before is None and fate.after is not None]
    database.execute_in(f"DELETE FROM {table} WHERE {id} IN (:ids)", ids)


def _rename(database: Database, things: list[list[Any]]) -> None:
    named = [dict(zip(rows.THINGS, row, strict=True)) for row in things]
    if named:
        # A name may have passed from one row to another: all are given up first.
        free = ({**each, "name": f"\x01{each['id']}"} for each in named)
        database.execute("UPDATE things SET name = :name WHERE id = :id", *free)
        database.execute("UPDATE things SET name = :name, driver = :driver, number = :number WHERE id = :id", *named)


def _attribute(row: list[Any]) -> databases.Row:
    return rows.of_attribute(rows.remembered_attribute(row))


def _connections(cables: Iterable[list[Any]]) -> Iterator[databases.Row]:
    """Cables as they are where no patch panel passes their paths on."""
    for row in cables:
        id, kind, part, thing, other_part, other_thing, slot = rows.remembered_cable(row)
        yield (id, 0, kind, part, thing, other_part, other_thing, other_part, other_thing, slot)
        yield (id, 1, kind, other_part, other_thing, part, thing, part, thing, slot)


def _retrace(database: Database, things: list[Fate], cables: list[Fate]) -> None:
    """Works out again where paths end that go through patch panels, as far as cables or panels have changed."""
    reader = Reader(database)
    ends = {id for fate in cables for row in fate if row for id in (row[2], row[4]) if id is not None}
    panels = {row[3] for fate in things for row in fate if row and row[3] and wiring.passes_on(row[2])}
    parts = [*reader.by_ids(ends).values(), *reader.parts(*panels)]
    if passing := [part.id for part in parts if wiring.passes_on(part.driver)]:
        UnitOfWork(reader).retrace(passing)
