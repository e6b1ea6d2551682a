"""A store as it was, in which the changes of a Thing are undone when something is asked that they have a part in.

A question by the ids of Things, as most of `Reader` are, has those of these Things undone; one by a key, or an
expression that asks about keys alone, those that have to do with it; any other that goes through all Things has all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from clusto_core.store.database import Database, OfReserved, OfThings, Parameters, Row
from clusto_core.store.reader import OF_KEY, OF_THINGS, RESERVED
from clusto_core.store.undoing import Undoing

_CHANGED_LATER = re.compile(r"\b(attributes|connections)\b")
_OWNERS = "SELECT t.id, t.owner_id FROM things t WHERE t.id IN (:ids)"


class LazyPast(Database):
    """The store as it was, on a connection in whose transaction all is undone."""

    def __init__(self, undoing: Undoing) -> None:
        self.until = undoing.number
        self._whole = undoing.database
        self._undoing = undoing
        self._known: set[object] = set()
        self._keys: set[str] = set()
        self._about = False
        self.dialect = self._whole.dialect
        undoing.undo(undoing.at_once())

    @property
    def left(self) -> set[int]:
        """The ids of the Things whose changes are not undone yet."""
        return self._undoing.left

    def whole(self) -> Database:
        """The same with all undone, for who would write in it."""
        self._undoing.undo()
        self._whole.until, self._whole.when = self.until, self.when
        return self._whole

    @property
    def connection(self) -> Any:
        """The driver's own connection, for who asks otherwise than by this class."""
        self._undoing.undo()
        return self._whole.connection

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[Row]:
        """See `Database.rows`."""
        if self._undoing.left:
            if sql in OF_KEY:
                self._undo_under(parameters)
            elif not (self._about or _is_of_reserved(sql)) and _CHANGED_LATER.search(sql):
                self._undoing.undo()
        return self._whole.rows(sql, parameters)

    def iterate(self, sql: str, parameters: Parameters | None = None) -> Iterator[Row]:
        """See `Database.iterate`."""
        # What is undone meanwhile must not come between the rows.
        return iter(self.rows(sql, parameters)) if self._undoing.left else self._whole.iterate(sql, parameters)

    def lazily(self, sql: str, parameters: Parameters | None = None) -> Iterator[Row]:
        """See `Database.lazily`."""
        return iter(self.rows(sql, parameters)) if self._undoing.left else self._whole.lazily(sql, parameters)

    def stream(self, sql: str, parameters: Parameters | None = None) -> Iterator[Row]:
        """See `Database.stream`."""
        self._undoing.undo()
        return self._whole.stream(sql, parameters)

    def rows_in(self, sql: str, ids: Sequence[object], parameters: Parameters | None = None) -> Iterator[Row]:
        """See `Database.rows_in`."""
        if not self._undoing.left:
            return self._whole.rows_in(sql, ids, parameters)
        if of_things := isinstance(sql, OfThings) or sql in OF_THINGS:
            self._undo_of(set(ids) - self._known)
        elif sql in OF_KEY:
            self._undo_under(parameters)
        if of_things or sql in OF_KEY or _is_of_reserved(sql):
            return iter(list(self._whole.rows_in(sql, ids, parameters)))
        return super().rows_in(sql, ids, parameters)

    def _undo_of(self, ids: set[object]) -> None:
        """Undoes what was changed of Things, given by the ids of their own or of their parts."""
        if ids:
            self._undoing.undo({owner or id for id, owner in self._whole.rows_in(_OWNERS, list(ids))})
            self._known |= ids

    def _undo_under(self, parameters: Parameters | None) -> None:
        """Undoes what was changed of the Things that had or have something under the key that is asked for."""
        self._undo_key(str((parameters or {})["key"]))

    def _undo_key(self, key: str) -> None:
        if key not in self._keys:
            self._undoing.undo(self._undoing.mentioning(key))
            self._keys.add(key)

    @contextmanager
    def about(self, keys: Collection[str] | None) -> Iterator[None]:
        """See `Database.about`: then nothing has to be undone but what has to do with these keys."""
        before = self._about
        self._about = keys is not None
        for key in keys or ():
            self._undo_key(key)
        try:
            yield
        finally:
            self._about = before

    def execute(self, sql: str, *parameters: Parameters) -> None:
        """See `Database.execute`."""
        self._undoing.undo()
        self._whole.execute(sql, *parameters)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """See `Database.insert`."""
        self._undoing.undo()
        self._whole.insert(table, columns, rows)

    def close(self) -> None:
        """See `Database.close`."""
        self._whole.close()


def _is_of_reserved(sql: str) -> bool:
    return isinstance(sql, OfReserved) or sql in RESERVED
