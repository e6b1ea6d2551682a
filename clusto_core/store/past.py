"""The store as it was: what was changed since is undone where nobody else sees it, and never kept.

The history says of every row what it was, so that undoing costs what has changed since, whatever the size of the store;
and every question to the store is then the same statement, with the same plan, as it is of the present. Of what has
changed, only that is undone which a question is about (`lazily`).

A small store is undone in a copy of its own in memory, beside which others write on. A larger one is undone within a
transaction that is then rolled back, during which other writers wait; where this user may not write, or not all of
that, it is copied.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from clusto_core.errors import Refused
from clusto_core.store import database as databases
from clusto_core.store.database import Database, connect, sqlite_path
from clusto_core.store.lazily import LazyPast
from clusto_core.store.net import last_transaction
from clusto_core.store.opening import await_others, explained
from clusto_core.store.reader import Reader
from clusto_core.store.undoing import Undoing

COPIED = 32 * 1024 * 1024
"""SQLite stores of at most so many bytes are copied into memory, which takes some milliseconds."""


class Moment(NamedTuple):
    """The last transaction that was done by then, 0 before the first one; and the time, in UTC."""

    number: int
    when: datetime


@contextlib.contextmanager
def open_past(url: str, moment: Callable[[Reader], Moment], *, scratch: bool = False) -> Iterator[Database]:
    """The store as it was at the moment that `moment` finds in the store as it is; with `scratch` one may write
    in it, and nothing of that is kept.

    Raises as `database.connect` and `moment` do.
    """
    with contextlib.closing(connect(url)) as present, explained(url):
        number, when = moment(Reader(present))
        if number >= last_transaction(present) and not scratch:
            present.when = when
            yield present
            return
        small = present.dialect == "sqlite" and os.path.getsize(sqlite_path(url)) <= COPIED
        past = _in_memory(present) if small else None
    with contextlib.ExitStack() as stack, explained(url):
        past = _undone(past, number) if past else _rolled_back(url, number) or _undone(_copied(stack, url), number)
        stack.callback(past.close)
        past.when = when
        yield past.whole() if scratch else past


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


def _undone(copy: Database, number: int) -> LazyPast:
    """An SQLite store of our own, as it was."""
    copy.execute("BEGIN")
    return LazyPast(Undoing(copy, number))


def _rolled_back(url: str, number: int) -> LazyPast | None:
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
            await_others(writing)
        past = LazyPast(Undoing(writing, number))
    except Exception as error:
        writing.close()
        if isinstance(error, Refused) or _forbidden(error):
            return None
        raise
    writing.connection = _NeverKept(writing.connection)
    return past


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
