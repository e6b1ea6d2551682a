"""What a series of transactions came to: each row that they touched, as it was before the first and after the last.

The history tells rows by ids that are never given twice, so that the first change to a row says what it was before, and
the last one what became of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from clusto_core.store.database import Database, Row

TABLES = ("things", "attributes", "cables")
_BATCH = 1000
_CHANGES = """
    SELECT c.thing_id, c.name, c.before, c.after FROM changes c
    WHERE c.transaction_id > :after AND c.transaction_id <= :until ORDER BY c.transaction_id"""


class Fate(NamedTuple):
    """One row, as the history tells it (see `UnitOfWork.changes`): before and after, None where it is not there."""

    before: list[Any] | None
    after: list[Any] | None


class Net:
    """What the transactions after one number, up to another, came to."""

    def __init__(self, database: Database, after: int, until: int) -> None:
        self.names: dict[int, str] = {}
        """The Things that were touched, by id, each with its name in the last of the transactions."""
        self._first: dict[str, dict[int, list[Any] | None]] = {table: {} for table in TABLES}
        self._last: dict[str, dict[int, list[Any] | None]] = {table: {} for table in TABLES}
        self._holders: dict[str, dict[int, set[int]]] = {table: {} for table in TABLES}
        for entity, name, before, after_ in _documents(database, after, until):
            self.names[entity] = name
            for table in before.keys() | after_.keys():
                self._follow(table, entity, before.get(table, ()), after_.get(table, ()))

    def _follow(self, table: str, entity: int, gone: Any, new: Any) -> None:
        first, last, holders = self._first[table], self._last[table], self._holders[table]
        for row in gone:
            first.setdefault(row[0], row)
            last[row[0]] = None
            holders.setdefault(row[0], set()).add(entity)
        for row in new:
            first.setdefault(row[0], None)
            last[row[0]] = row
            holders.setdefault(row[0], set()).add(entity)

    def fates(self, table: str) -> Iterator[Fate]:
        """The rows of a table that differ, in the order in which they were first touched."""
        last = self._last[table]
        for id, before in self._first[table].items():
            after = last[id]
            if (before is None) != (after is None) or _renamed(table, before, after):
                yield Fate(before, after)

    def by_thing(self) -> dict[int, dict[str, list[Fate]]]:
        """The rows that differ, by the ids of the Things that they are of; a cable is of both that it joins."""
        found: dict[int, dict[str, list[Fate]]] = {}
        for table in TABLES:
            for fate in self.fates(table):
                id = (fate.before or fate.after or [0])[0]
                for holder in self._holders[table][id]:
                    found.setdefault(holder, {}).setdefault(table, []).append(fate)
        return found


def _renamed(table: str, before: list[Any] | None, after: list[Any] | None) -> bool:
    """Whether a row that was there before and after differs: only those of `things` ever do."""
    return table == "things" and before is not None and after is not None and before[1:5] != after[1:5]


def _documents(database: Database, after: int, until: int) -> Iterator[tuple[int, str, Any, Any]]:
    rows = database.iterate(_CHANGES, {"after": after, "until": until})
    while batch := list(islice(rows, _BATCH)):
        # One document of many is read several times faster than many.
        yield from zip(
            (row[0] for row in batch), (row[1] for row in batch), _parsed(batch, 2), _parsed(batch, 3), strict=True
        )


def _parsed(batch: list[Row], column: int) -> Any:
    return json.loads(f"[{','.join([row[column] or '{}' for row in batch])}]")
