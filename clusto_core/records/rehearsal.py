"""What was tried out in a part of the inventory, done in the whole: the rows that it changed there are changed here.

Nothing is asked again, so that what is not in that part decides nothing but whether the rows fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

from clusto_core.errors import Refused
from clusto_core.model.attributes import IN
from clusto_core.records.history import Change, Rows
from clusto_core.records.revert import Undoing
from clusto_core.rules.protection import protection
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

_IDS = {"things": (0, 3), "attributes": (0, 1, 6), "cables": (0, 2, 3, 4, 5)}
"""By table, where in a row of the history the ids are: see `UnitOfWork.changes`."""


class Rehearsed(NamedTuple):
    """One transaction that was tried out: what it changed, the first id of what it made, and what is told of it."""

    changes: Sequence[Change]
    first_id: int
    command: str
    message: str | None
    reverts: int | None
    strict: bool
    dry_run: bool


class Performance:
    """Does one after the other what was tried out in what `seen` reads, as it was before."""

    def __init__(self, seen: Reader) -> None:
        self._seen = seen
        self._ids: dict[int, int] = {}

    def perform(self, unit: UnitOfWork, tried: Rehearsed) -> None:
        """Raises Refused for rows that do not fit into the whole, and for what only the whole protects."""
        for change in tried.changes:
            for told in change.after.values():
                for row in told:
                    if row[0] >= tried.first_id and row[0] not in self._ids:
                        self._ids[row[0]] = unit.new_id()
        changes = [
            Change(self._id(each.thing_id), each.name, self._rows(each.before), self._rows(each.after))
            for each in tried.changes
        ]
        self._check_protection(unit, changes)
        with unit.wholly():
            _Doing(unit, changes).redo()

    def _id(self, id: int) -> int:
        return self._ids.get(id, id)

    def _rows(self, side: Rows) -> Rows:
        return {table: [self._row(row, _IDS[table]) for row in told] for table, told in side.items() if table in _IDS}

    def _row(self, row: Sequence[Any], places: Collection[int]) -> list[Any]:
        return [self._id(each) if place in places and each is not None else each for place, each in enumerate(row)]

    def _check_protection(self, unit: UnitOfWork, changes: Iterable[Change]) -> None:
        ids = [each.thing_id for each in changes if _disrupts(each.before)]
        seen = self._seen.by_ids(ids)
        for id, thing in unit.reader.by_ids(ids).items():
            if protection(unit.reader, thing) and not (id in seen and protection(self._seen, seen[id])):
                raise Refused(f"{thing.name} is protected")


def _disrupts(before: Rows) -> bool:
    return bool(before.get("things") or before.get("cables")) or any(
        row[3] == IN for row in before.get("attributes", ())
    )


class _Doing(Undoing):
    """Undoing the contrary."""

    def __init__(self, unit: UnitOfWork, changes: Iterable[Change]) -> None:
        super().__init__(unit, [each._replace(before=each.after, after=each.before) for each in changes])

    def _in_the_way(self, entity: int, row_id: int | None, what: str) -> NoReturn:
        raise Refused(what)
