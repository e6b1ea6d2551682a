"""What differs between two moments: what all transactions between them came to, Thing by Thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clusto_core.records import history
from clusto_core.records.history import Change, Rows
from clusto_core.records.searching import Touched
from clusto_core.spelling import natural_key
from clusto_core.store.net import Fate, Net, Told
from clusto_core.store.reader import Reader

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


class Difference(NamedTuple):
    """How one Thing differs: in lines as the history tells them, without the sign."""

    name: str
    status: str
    """ADDED, REMOVED or CHANGED."""
    removed: list[str]
    added: list[str]


def between(reader: Reader, one: int, other: int, touched: Touched | None = None) -> Iterator[Difference]:
    """How the inventory after transaction `other` differs from that after `one`, in natural order of names. A cable
    is told once."""
    return differences(_changes(reader, one, other), touched)


def differences(changes: Iterable[Change], touched: Touched | None) -> Iterator[Difference]:
    """Changes in words, in the order in which they come; a cable is told once."""
    cables: set[int] = set()
    for change in changes:
        narrowed = change if touched is None else touched.of(change)
        if narrowed is None:
            continue
        told = list(history.told(narrowed, cables))
        removed, added = ([line[2:] for line in told if line.startswith(sign)] for sign in ("- ", "+ "))
        if told:
            yield Difference(change.name, _status(change), removed, added)


def _changes(reader: Reader, one: int, other: int) -> list[Change]:
    early, late = sorted((one, other))
    told = Told(reader.database, early, late)
    found = []
    for id, tables in Net(told).by_thing().items():
        sides = [{table: _side(fates, side) for table, fates in tables.items()} for side in (0, 1)]
        before, after = ({table: rows for table, rows in side.items() if rows} for side in sides)
        if one > other:
            before, after = after, before
        found.append(Change(id, _name(id, before, after) or told.names[id], before, after))
    return sorted(found, key=lambda change: natural_key(change.name))


def _side(fates: list[Fate], side: int) -> list[list[object]]:
    return [row for row in (fate[side] for fate in fates) if row is not None]


def _name(id: int, *sides: Rows) -> str | None:
    """The name that the rows give a Thing, the last that do."""
    names = [row[1] for rows in sides for row in rows.get("things", ()) if row[0] == id]
    return names[-1] if names else None


def _status(change: Change) -> str:
    before, after = (
        any(row[0] == change.thing_id for row in rows.get("things", ())) for rows in (change.before, change.after)
    )
    return CHANGED if before == after else ADDED if after else REMOVED
