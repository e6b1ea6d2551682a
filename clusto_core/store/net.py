"""What a series of transactions came to: each row that they touched, as it was before the first and after the last.

The history tells rows by ids that are never given twice, so that the first change to a row says what it was before, and
the last one what became of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from clusto_core.store.database import Database

TABLES = ("things", "attributes", "cables")
"""What the inventory says; what a sync remembers besides is the memory of its source."""
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
        chains = _Chains()
        for entity, name, gone, new in database.iterate(_CHANGES, {"after": after, "until": until}):
            self.names[entity] = name
            chains.add(entity, gone, new)
        for entity, before, after_ in chains.documents():
            for table in TABLES:
                self._follow(table, entity, before.get(table, ()), after_.get(table, ()))

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


class _Chains:
    """The documents of the history, Thing by Thing, without those in between: where a change took out just what the one
    before it had put in, what both came to is what the first took out and the second put in."""

    def __init__(self) -> None:
        self._links: list[list[Any]] = []
        self._latest: dict[int, list[Any]] = {}

    def add(self, entity: int, before: str | None, after: str | None) -> None:
        latest = self._latest.get(entity)
        if latest is not None and latest[2] == before:
            latest[2] = after
        else:
            link = self._latest[entity] = [entity, before, after]
            self._links.append(link)

    def documents(self) -> Iterator[tuple[int, Any, Any]]:
        for start in range(0, len(self._links), _BATCH):
            # One document of many is read several times faster than many.
            batch = self._links[start : start + _BATCH]
            yield from zip((link[0] for link in batch), _parsed(batch, 1), _parsed(batch, 2), strict=True)


def _parsed(batch: list[list[Any]], column: int) -> Any:
    return json.loads(f"[{','.join([link[column] or '{}' for link in batch])}]")
