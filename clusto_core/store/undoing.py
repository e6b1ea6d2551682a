"""Undoing what transactions did, in an open transaction of the database: of all Things, or of some before others.

Most of what is changed in an inventory are values and cables of single Things. Which a question is not about need not
be undone for it; `Undoing.at_once` are the Things of which more than that was changed, so that others are found by it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from clusto_core.drivers import registry
from clusto_core.drivers.parts import FrontPort, RearPort
from clusto_core.model import wiring
from clusto_core.store import rows
from clusto_core.store.database import Database, Row
from clusto_core.store.net import Fate, Net, Told, last_transaction
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

_FAR_REACHING = ('"things":', '"_', '"relation"', f'"{wiring.POSITION}"')
"""What a document of the history has in it when it tells of Things, of keys of clusto's own, of values that name
something, or of positions: each of them is asked for from both its sides."""
_CABLES = '"cables":'
_IN_PARTS = "SELECT c.cable_id FROM connections c WHERE c.part_id IN (:ids)"
_PANELS = "SELECT DISTINCT t.owner_id FROM things t WHERE t.driver IN (:ids)"


class Undoing:
    """All that came after a transaction of the history, to be undone in the database's open transaction."""

    def __init__(self, database: Database, number: int) -> None:
        self.database = database
        self.number = number
        self._told = Told(database, number, last_transaction(database))
        self.left = set(self._told.chains)
        """The ids of the Things whose changes are not undone yet."""
        self._restored: set[int] = set()
        # Cables that are there again: each is told with both Things that it joins.

    def at_once(self) -> set[int]:
        """The ids of the Things whose changes others can be asked about by: those have to be undone together."""
        far, cabled = set(), set()
        for id, chain in self._told.chains.items():
            for text in (text for document in chain for text in document if text):
                if any(mark in text for mark in _FAR_REACHING):
                    far.add(id)
                if _CABLES in text:
                    cabled.add(id)
        return far | cabled if cabled and self._passed_on(far, cabled) else far

    def _passed_on(self, far: set[int], cabled: set[int]) -> bool:
        """Whether paths of others may lead through what was changed: through patch panels."""
        panels = self.database.rows_in(_PANELS, [*registry.under(FrontPort), *registry.under(RearPort)])
        if any(row[0] in cabled for row in panels):
            return True
        rows = (row for fate in Net(self._told, far).fates("things") for row in fate if row)
        return any(wiring.passes_on(row[2]) for row in rows)

    def mentioning(self, key: str) -> set[int]:
        """The ids of the Things that something under a key was changed of, and perhaps of others."""
        begun = json.dumps(key, ensure_ascii=False)[:-1]
        # The history spells keys out, with their numbers and subkeys.
        marks = tuple(begun + end for end in ('"', ".", "#"))
        texts = ((id, text) for id in self.left for document in self._told.chains[id] for text in document if text)
        return {id for id, text in texts if any(mark in text for mark in marks)}

    def undo(self, things: Collection[int] | None = None) -> None:
        """Undoes what these Things have left, or all. Raises the driver's own errors."""
        wanted = self.left if things is None else self.left.intersection(things)
        if wanted:
            self._undo(Net(self._told, wanted))
            self.left -= set(wanted)

    def _undo(self, net: Net) -> None:
        database = self.database
        things, attributes, cables = (list(net.fates(table)) for table in ("things", "attributes", "cables"))
        back = [row for row in _missing(cables) if row[0] not in self._restored]
        _delete(database, "connections", "cable_id", cables)
        self._free(back)
        _delete(database, "attributes", "id", attributes)
        for owned in (True, False):
            _delete(database, "things", "id", (fate for fate in things if _is_part(fate) == owned))
        _rename(database, [fate.before for fate in things if fate.before and fate.after])
        gone = sorted(_missing(things), key=lambda row: int(row[0]))
        database.insert("things", rows.STORED_THINGS, (rows.stored_as(*row) for row in gone))
        database.insert("attributes", rows.ATTRIBUTES, map(_attribute, _missing(attributes)))
        database.insert("connections", rows.CONNECTIONS, _connections(back))
        self._restored.update(row[0] for row in back)
        _retrace(database, things, cables)

    def _free(self, cables: Iterable[list[Any]]) -> None:
        """Takes out what is now in the parts that cables are to be put back into: it came later than they."""
        parts = [part for row in cables if row[1] != wiring.POSITION for part in (row[2], row[4])]
        later = [row[0] for row in self.database.rows_in(_IN_PARTS, parts)]
        self.database.execute_in("DELETE FROM connections WHERE cable_id IN (:ids)", later)


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
    named = [dict(zip(rows.STORED_THINGS, rows.stored_as(*row), strict=True)) for row in things]
    if named:
        # A name may have passed from one row to another: all are given up first.
        free = ({**each, "name": f"\x01{each['id']}"} for each in named)
        database.execute("UPDATE things SET name = :name WHERE id = :id", *free)
        database.execute(rows.RENAME, *named)


def _attribute(row: list[Any]) -> Row:
    return rows.of_attribute(rows.remembered_attribute(row))


def _connections(cables: Iterable[list[Any]]) -> Iterator[Row]:
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
