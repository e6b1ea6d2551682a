"""What a transaction has written and keeps in memory no longer: what it needs to know of that, and how it is told.

New Things are told when they are forgotten, as they are then; those that change again afterwards, and the Things of
before that got new rows, are read back when all is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from clusto_core.model.attributes import Key
from clusto_core.model.names import split_part
from clusto_core.store.database import Database, Row
from clusto_core.store.spill import Spill
from clusto_core.store.telling import encode, spelled
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from array import array

Rows = dict[str, list[Sequence[Any]]]
"""By table, rows as the history tells them."""

_CHUNK = 500
_THINGS = """
    SELECT COALESCE(t.owner_id, t.id), t.id, t.name, t.driver, t.owner_id, t.number
    FROM things t WHERE t.id >= :first AND t.{column} IN (:ids)"""
_ATTRIBUTES = """
    SELECT COALESCE(t.owner_id, t.id), t.owner_id, t.name, a.id, a.thing_id, a.key, a.number, a.subkey, a.type, a.head,
        a.rest, COALESCE(a.ref_id, a.space_id), r.name
    FROM things t JOIN attributes a ON a.thing_id = t.id LEFT JOIN things r ON r.id = a.ref_id
    WHERE a.id >= :first AND t.{column} IN (:ids)"""
_CABLES = """
    SELECT c.thing_id, c.side, c.cable_id, c.kind, c.part_id, c.thing_id, c.other_part_id, c.other_thing_id,
        n.name, o.name, c.slot
    FROM connections c JOIN things n ON n.id = COALESCE(c.part_id, c.thing_id)
    JOIN things o ON o.id = COALESCE(c.other_part_id, c.other_thing_id)
    WHERE c.cable_id >= :first AND c.thing_id IN (:ids)"""


class Told(NamedTuple):
    """A new Thing, and its rows as JSON."""

    id: int
    name: str
    after: str


class Settled:
    """What is known of the rows with ids from `first` up that are written and forgotten."""

    def __init__(self, database: Database, first: int) -> None:
        self.database = database
        self.first = first
        self.keys: set[Key] = set()
        """Those of their attributes."""
        self.touched: set[int] = set()
        """The whole Things that are to be read back."""
        self._told = Spill()
        self._begun = False
        self._renamed = False

    @cached_property
    def _entities(self) -> array[int]:
        """The ids of the new Things that are told."""
        from array import array

        return array("q")

    def __bool__(self) -> bool:
        return self._begun

    def tell(self, told: Iterable[Told]) -> None:
        """Keeps how new Things are told, that are now forgotten."""
        self._begun = True
        every = list(told)
        if every:
            self._told.append([(*each,) for each in every])
            self._entities.extend(each.id for each in every)

    def rename(self) -> None:
        """Something has another name: whatever was told may say the former one."""
        self._renamed |= self._begun

    @property
    def differs(self) -> bool:
        """Whether any of the rows is there still."""
        tables = (("things", "id"), ("attributes", "id"), ("connections", "cable_id"))
        return any(
            self.database.rows(f"SELECT 1 FROM {table} x WHERE x.{id} >= :first LIMIT 1", {"first": self.first})
            for table, id in tables
        )

    def things(self) -> Iterator[list[int]]:
        """The ids of the new whole Things, of some that may be gone again among them, in portions."""
        return _portions(iter(self._entities))

    def new(self) -> Iterator[Told]:
        """How the new whole Things that are there are told."""
        if not self._renamed:
            yield from (Told(*told) for told in self._told if told[0] not in self.touched)
        again = iter(self._entities) if self._renamed else (id for id in self._entities if id in self.touched)
        for ids in _portions(again):
            names = {row[0]: row[1] for row in self.database.rows_in(_NAMES, ids)}
            rows = self.rows(ids)
            yield from (Told(id, names[id], encode(rows[id])) for id in ids if id in names)

    def old(self, besides: Iterable[int]) -> Iterator[list[int]]:
        """The ids of the Things of before that have new rows, and of others besides, in portions."""
        return _portions(iter(sorted({id for id in self.touched if id < self.first}.union(besides))))

    def rows(self, ids: list[int]) -> dict[int, Rows]:
        """The rows of some whole Things and their parts, by the Things' ids."""
        found: dict[int, Rows] = {id: {} for id in ids}
        for entity, table, row in (*self._things(ids), *self._attributes(ids), *self._cables(ids)):
            found[entity].setdefault(table, []).append(row)
        return found

    def _things(self, ids: list[int]) -> list[tuple[int, str, Row]]:
        found = [row for column in ("id", "owner_id") for row in self._of(_THINGS, column, ids)]
        return [(row[0], "things", row[1:]) for row in sorted(found, key=itemgetter(1))]

    def _attributes(self, ids: list[int]) -> list[tuple[int, str, Row]]:
        found = [row for column in ("id", "owner_id") for row in self._of(_ATTRIBUTES, column, ids)]
        return [(row[0], "attributes", _attribute(*row[1:])) for row in sorted(found, key=itemgetter(4, 3))]

    def _cables(self, ids: list[int]) -> list[tuple[int, str, Row]]:
        found = {(row[0], row[2]): row for row in self._of(_CABLES, "", ids)}
        return [(thing, "cables", _cable(*found[thing, id][1:])) for thing, id in sorted(found)]

    def _of(self, sql: str, column: str, ids: list[int]) -> Iterable[Row]:
        return self.database.rows_in(sql.format(column=column), ids, {"first": self.first})


_NAMES = "SELECT t.id, t.name FROM things t WHERE t.id IN (:ids)"


def _portions(ids: Iterator[int]) -> Iterator[list[int]]:
    while portion := list(islice(ids, _CHUNK)):
        yield portion


def _attribute(
    owner: int | None,
    name: str,
    id: int,
    thing: int,
    key: str,
    number: int | None,
    subkey: str | None,
    type: str,
    head: str | None,
    rest: str | None,
    ref: int | None,
    named: str | None,
) -> Row:
    text = named if type == "relation" else head if rest is None else f"{head}{rest}"
    return (id, thing, None if owner is None else split_part(name)[1], spelled(key, number, subkey), type, text, ref)


def _cable(side: int, id: int, kind: str, *rest: Any) -> Row:
    part, thing, other_part, other_thing, name, other, slot = rest
    ends = ((part, thing), (other_part, other_thing))
    names = (name, other)
    if side:
        ends, names = ends[::-1], names[::-1]
    row = (id, kind, *ends[0], *ends[1], *names)
    return (*row, slot) if slot else row
