"""Reservations: Things and parts that nobody is given until a time, for somebody's purpose.

Nothing has to run when the time comes: a reservation that is over counts for nothing, and is cleared by whoever takes
what it was of, or by hand. It keeps a Thing from being chosen, by `allocate`, `free`, and `connect` where a Thing
stands for its first free part; it does not keep anybody from naming it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from clusto_core.errors import NotFound, Refused
from clusto_core.model import reserving
from clusto_core.model.attributes import Key, Value, from_python, string
from clusto_core.model.reserved import RESERVED_BY, RESERVED_FOR, RESERVED_UNTIL
from clusto_core.model.reserving import KEYS, Reservation
from clusto_core.model.things import Attribute, Thing
from clusto_core.rules import values
from clusto_core.spelling import natural_key
from clusto_core.store.database import OfReserved
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HELD = OfReserved("""
    SELECT a.thing_id FROM attributes a
    WHERE a.key = :key AND a.subkey = :subkey AND a.number IS NULL AND a.integer_value > :now""")


# --- reading ---------------------------------------------------------------------------------------------------------


def reservations(reader: Reader, among: Iterable[Thing] | None = None) -> list[Reservation]:
    """All reservations, or those of some Things and their parts; the first to end goes first."""
    found = reader.attributes_under(Key.pattern("_reserved.*"))
    if among is not None:
        wanted = {thing.id for thing in among}
    things = reader.by_ids({each.thing_id for each in found})
    by_thing: dict[int, list[Attribute]] = {}
    for each in found:
        if among is None or each.thing_id in wanted or things[each.thing_id].owner_id in wanted:
            by_thing.setdefault(each.thing_id, []).append(each)
    known = [reserving.reservation(things[id], own, reader.now) for id, own in by_thing.items()]
    return sorted(filter(None, known), key=lambda each: (each.until, natural_key(each.thing.name)))


def held(reader: Reader) -> set[int]:
    """The ids of what is reserved, and not over."""
    key = {"key": RESERVED_UNTIL.key, "subkey": RESERVED_UNTIL.subkey}
    return {row[0] for row in reader.database.iterate(_HELD, {**key, "now": _microseconds(reader.now)})}


def of(unit: UnitOfWork, thing: Thing) -> Reservation | None:
    """The reservation of a Thing or part, over or not."""
    return reserving.reservation(thing, unit.attributes(thing), reserving.now())


def holds(unit: UnitOfWork, thing: Thing) -> bool:
    """Whether a Thing or part is reserved, and it is not over."""
    found = of(unit, thing)
    return found is not None and not found.over


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


# --- changing --------------------------------------------------------------------------------------------------------


def reserve(unit: UnitOfWork, things: Sequence[Thing], until: datetime, purpose: str, by: str) -> None:
    """Reserves Things or parts. What is reserved for the same purpose already is so until then.

    Raises Refused for one that is reserved for something else, Malformed for a time that is over.
    """
    until = reserving.future(until)
    for thing in things:
        if (known := of(unit, thing)) is not None and not known.over and known.purpose != purpose:
            raise Refused(f"{known}: clusto reservations release {thing.name}")
        said = {RESERVED_UNTIL: from_python(until), RESERVED_FOR: string(purpose), RESERVED_BY: string(by)}
        for key, value in said.items():
            _keep(unit, thing, key, value)


def _keep(unit: UnitOfWork, thing: Thing, key: Key, value: Value) -> None:
    values.keep(unit, thing, key, [value] if value.text else [])


def extend(unit: UnitOfWork, things: Sequence[Thing], until: datetime) -> None:
    """Has reservations end at another time, sooner or later. Raises NotFound for what is not reserved, or was until a
    time that is over, so that somebody else may count on it; Malformed for a time that is over."""
    until = reserving.future(until)
    for thing in things:
        if (known := of(unit, thing)) is None or known.over:
            raise NotFound(f"{known} and it is over: reserve it anew" if known else _unreserved(thing))
        values.keep(unit, thing, RESERVED_UNTIL, [from_python(until)])


def release(unit: UnitOfWork, things: Sequence[Thing]) -> None:
    """Ends reservations. Raises NotFound for what is not reserved."""
    for thing in things:
        if not clear(unit, thing):
            raise NotFound(_unreserved(thing))


def clear(unit: UnitOfWork, thing: Thing) -> bool:
    """Takes the reservation of a Thing away; False where it has none."""
    return sum([values.forget(unit, thing, key) for key in KEYS]) > 0


def _unreserved(thing: Thing) -> str:
    return f"{thing.name} is not reserved (clusto reservations)"
