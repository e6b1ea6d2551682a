"""Where an entity of a classic clusto is: it may be in one location of each driver there, and is in one place here."""

from __future__ import annotations

from typing import NamedTuple

from clusto_core.drivers import Driver
from clusto_core.drivers.equipment import PLACES, Cage, Datacenter, Rack, Room, VirtualServer
from clusto_core.transfer.classic.rows import Row
from clusto_core.transfer.classic.state import CONTAINS, State

_UNIT = "ru"
_NEAREST = (Rack, Cage, Room, Datacenter)
_FIRST, _LAST = ("minu", 1), ("maxu", 45)
"""The properties of a classic rack that say which units it has, and what they are where it says nothing."""
_HYPERVISORS = ("hypervisor", "vmmanager")
"""Relations of a virtual machine to what runs it."""


class Placed(NamedTuple):
    """Where something is. rack, units: in which rack units, from the lowest; inside: in what else; loose: units that
    cannot be a position; other: places that it cannot be in besides."""

    rack: int | None = None
    units: tuple[int, ...] = ()
    inside: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()
    other: tuple[int, ...] = ()


def units_of(state: State, rack: int) -> range:
    """The units of a rack as they are numbered."""
    low, high = (_number(state, rack, *each) for each in (_FIRST, _LAST))
    return range(low, max(high, low) + 1)


def _number(state: State, rack: int, key: str, usual: int) -> int:
    found = state.value(rack, key, "property")
    return found if isinstance(found, int) and 0 <= found < 1000 else usual


def placed(state: State, entity: int, kind: type[Driver], kinds: dict[int, type[Driver]]) -> Placed:
    """Where an entity is. `kinds` are the drivers of what contains it; what becomes nothing is not in it."""
    rows = [row for row in state.naming(entity, CONTAINS) if row.entity in kinds]
    holders = list(dict.fromkeys(row.entity for row in rows))
    places = [each for each in holders if issubclass(kinds[each], PLACES)]
    groups = [each for each in holders if each not in places]
    if issubclass(kind, VirtualServer):
        groups += [each for each in _hosts(state, entity) if each in kinds and each not in groups]
    places.sort(key=lambda each: next(n for n, place in enumerate(_NEAREST) if issubclass(kinds[each], place)))
    if not places:
        return Placed(inside=tuple(groups))
    nearest, *other = places
    units = tuple(sorted({unit for row in rows if row.entity == nearest and (unit := _unit(row)) is not None}))
    if not units or not issubclass(kinds[nearest], Rack):
        return Placed(None, (), (nearest, *groups), (), tuple(other))
    if not getattr(kind, "mountable", False) or not _free(state, entity, nearest, units):
        return Placed(None, (), (nearest, *groups), units, tuple(other))
    return Placed(nearest, units, tuple(groups), (), tuple(other))


def _unit(row: Row) -> int | None:
    """The rack unit that a row of a rack puts something into."""
    return row.number if row.subkey == _UNIT else None


def _hosts(state: State, entity: int) -> list[int]:
    return [
        row.relation
        for row in state.own(entity)
        if row.key in _HYPERVISORS and row.subkey is None and row.relation in state.entities
    ]


def _free(state: State, entity: int, rack: int, units: tuple[int, ...]) -> bool:
    """Whether these are units of the rack, one above the other, which nobody was put into before."""
    there = units_of(state, rack)
    if units[0] not in there or units[-1] not in there or units[-1] - units[0] != len(units) - 1:
        return False
    first: dict[int, int] = {}
    for row in state.own(rack):
        unit = _unit(row) if row.key == CONTAINS and row.relation in state.entities else None
        if unit is not None:
            first.setdefault(unit, row.relation or 0)
    return all(first.get(unit) == entity for unit in units)
