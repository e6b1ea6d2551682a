"""What a series of transactions came to: each row that they touched, as it was before the first and after the last.

The history tells rows by ids that are never given twice, so that the first change to a row says what it was before, and
the last one what became of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from clusto_core.store.database import Database
from clusto_core.tuples import NamedTuple

TABLES = ("things", "attributes", "cables")
"""What the inventory says; what a sync remembers besides is the memory of its source."""
_BATCH = 1000
_LAST = "SELECT max(x.id) FROM transactions x"
_CHANGES = """
    SELECT c.thing_id, c.name, c.before, c.after FROM changes c
    WHERE c.transaction_id > :after AND c.transaction_id <= :until ORDER BY c.transaction_id"""


class Fate(NamedTuple):
    """One row, as the history tells it (see `UnitOfWork.changes`): before and after, None where it is not there."""

    before: list[Any] | None
    after: list[Any] | None


def last_transaction(database: Database) -> int:
    """The number of the last transaction, of those that were done by then where the store is as it was; 0 where there
    is none."""
    if database.until is not None:
        return database.until
    return int(database.rows(_LAST)[0][0] or 0)


class Told:
    """What the history tells of a series of transactions, Thing by Thing, without what came in between: where a change
    took out just what the one before it had put in, what both came to is what the first took out and the second put
    in."""

    def __init__(self, database: Database, after: int, until: int) -> None:
        self.names: dict[int, str] = {}
        """The Things that were touched, by id, each with its name in the last of the transactions."""
        self.chains: dict[int, list[list[str | None]]] = {}
        """By the ids of Things, the documents before and after, in the order of the transactions."""
        for entity, name, before, new in database.iterate(_CHANGES, {"after": after, "until": until}):
            self.names[entity] = name
            self._add(self.chains.setdefault(entity, []), before, new)

    @staticmethod
    def _add(chain: list[list[str | None]], before: str | None, after: str | None) -> None:
        if chain and chain[-1][1] == before:
            chain[-1][1] = after
        else:
            chain.append([before, after])

    def documents(self, things: Iterable[int]) -> Iterator[tuple[int, Any, Any]]:
        """What is told of these Things: the id, and what was there before and after, as JSON has it."""
        links = ((entity, *link) for entity in things for link in self.chains[entity])
        while batch := list(islice(links, _BATCH)):
            # One document of many is read several times faster than many.
            yield from zip((link[0] for link in batch), _parsed(batch, 1), _parsed(batch, 2), strict=True)


def _parsed(batch: list[tuple[Any, ...]], column: int) -> Any:
    return json.loads(f"[{','.join([link[column] or '{}' for link in batch])}]")


class Net:
    """What a series of transactions came to, for all Things or for some."""

    def __init__(self, told: Told, things: Iterable[int] | None = None) -> None:
        self._first: dict[str, dict[int, list[Any] | None]] = {table: {} for table in TABLES}
        self._last: dict[str, dict[int, list[Any] | None]] = {table: {} for table in TABLES}
        self._holders: dict[str, dict[int, set[int]]] = {table: {} for table in TABLES}
        for entity, before, after in told.documents(told.chains if things is None else things):
            for table in TABLES:
                self._follow(table, entity, before.get(table, ()), after.get(table, ()))

    def _follow(self, table: str, entity: int, gone: Any, new: Any) -> None:
        first, last, holders = self._first[table], self._last[table], self._holders[table]
        for rows, there in ((gone, False), (new, True)):
            for row in rows:
                first.setdefault(row[0], None if there else row)
                last[row[0]] = row if there else None
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
