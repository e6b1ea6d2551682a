"""Connecting and disconnecting: cables between parts, and equipment in rack units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_

from clusto_core.drivers import Driver, Part
from clusto_core.drivers.equipment import PDU, Mounted, Rack
from clusto_core.drivers.parts import RackUnit
from clusto_core.errors import Malformed, Refused
from clusto_core.model import mounting, wiring
from clusto_core.model.attributes import Key
from clusto_core.model.grammars import RackUnits
from clusto_core.model.keys import is_true
from clusto_core.model.mounting import Span, parse_span
from clusto_core.model.names import trailing_number
from clusto_core.model.things import Attribute, Cable, Thing, in_order
from clusto_core.rules import reservations, sockets
from clusto_core.rules.containment import check_no_cycle, is_in, standing, take
from clusto_core.spelling import natural_key
from clusto_core.store.unit import UnitOfWork
from clusto_core.tuples import NamedTuple

HEIGHT = Key("height")
"""How many rack units a device takes, in halves; one where it is not said, 0 for what hangs beside them."""
FULL_DEPTH = Key("full_depth")
"""Whether a device takes both faces of its units."""
TYPE = Key("type")
"""What was made after a device type is deep unless that says otherwise."""


class Joined(NamedTuple):
    """A connection as it is told: two parts, or equipment and a rack unit."""

    one: Thing
    other: Thing


# --- rack units ------------------------------------------------------------------------------------------------------


def height(unit: UnitOfWork, thing: Thing) -> int | None:
    """How many halves of rack units a device takes, None where its height is not recorded.

    Raises Refused where several are.
    """
    values = [value for _, _, key, value in unit.attributes(thing) if key == HEIGHT]
    if not values:
        return None
    found = [float(known.text) for value in values if (known := RackUnits().read(value)) is not None]
    if len(found) > 1:
        raise Refused(f"{thing.name} has several heights: {', '.join(f'{each:g}' for each in found)}")
    return int(2 * found[0]) if found else None


def is_deep(unit: UnitOfWork, thing: Thing) -> bool | None:
    """Whether a device takes both faces of its units: by its attribute, or because its device type says nothing else;
    None where neither is known."""
    typed = None
    for _, _, key, value in unit.attributes(thing):
        if key == FULL_DEPTH:
            return is_true(value.text)
        if key == TYPE:
            typed = True
    return typed


def cells(unit: UnitOfWork, thing: Thing, face: str) -> int:
    """What a device takes of a unit when it is mounted from that face, or from the one it is likely mounted from."""
    deep = is_deep(unit, thing)
    if deep or (deep is None and not face):
        return mounting.WHOLE | (mounting.FACING_REAR if face == "rear" else 0)
    return mounting.REAR | mounting.FACING_REAR if face == "rear" else mounting.FRONT


def taking(unit: UnitOfWork, thing: Thing, span: Span) -> dict[int, int]:
    """By number, what a device takes of each unit where a span says that it is. Raises Refused as `height`."""
    return mounting.taken(span.low, _top(span, height(unit, thing)), cells(unit, thing, span.face))


def _top(span: Span, tall: int | None) -> int:
    """The highest half that something so many halves high takes."""
    return span.low + tall - 1 if tall and span.high is None else span.top


def rack_units(unit: UnitOfWork, rack: Thing) -> dict[int, Thing]:
    """A rack's units by number."""
    return {part.number: part for part in unit.parts(rack) if part.is_a(RackUnit) and part.number is not None}


def positions(unit: UnitOfWork, thing: Thing) -> list[Cable]:
    """The connections of an equipment to rack units."""
    return [cable for cable in unit.cables(thing) if cable.part is None and cable.thing == thing.id]


def mount(unit: UnitOfWork, thing: Thing, rack: Thing, span: Span | None = None) -> list[Joined]:
    """Puts a device into adjacent units of a rack, or halves of them: where the span says, or from there up.

    Without a span, into the lowest free ones. A place that it was put in, and that the rack is in, is said by the rack
    from then on. Raises Refused when it is no such device or no such rack, when it is mounted or stands elsewhere, when
    units are taken, are not there, or are not as many as it is high.
    """
    place = _check_mountable(unit, thing, rack)
    tall = height(unit, thing)
    if tall == 0:
        raise Refused(f"{thing.name} takes no rack units (height 0): put it in {rack.name} instead")
    if span is None:
        low = _free_run(unit, rack, tall or 2, cells(unit, thing, ""))
        span = Span(rack.name, low, None, 2, "")
    top = _top(span, tall)
    if tall is not None and (number := top - span.low + 1) != tall:
        named = mounting.spelled(mounting.taken(span.low, top, mounting.WHOLE).items())
        raise Refused(f"{thing.name} is {tall / 2:g} units high, {named} are {number / 2:g}")
    taken = mounting.taken(span.low, top, cells(unit, thing, span.face))
    joined = []
    for number, slot in taken.items():
        rack_unit = _rack_unit(unit, rack, number)
        if rack_unit is None:
            size = f" ({thing.name} is {tall / 2:g} units high)" if tall and tall > 2 else ""
            raise Refused(f"{rack.name} has no RU{number}{size}")
        check_free(unit, rack_unit, slot)
        joined.append(Joined(thing, rack_unit))
    if place is not None and place != rack:
        take(unit, thing, place)
    for each, slot in zip(joined, taken.values(), strict=True):
        unit.insert_cable(Cable(unit.new_id(), wiring.POSITION, None, thing.id, each.other.id, rack.id, slot))
    return joined


def _check_mountable(unit: UnitOfWork, thing: Thing, rack: Thing) -> Thing | None:
    """The place that a device stands in already, and that the rack is in. Raises Refused as `mount`."""
    if not rack.is_a(Rack):
        raise Refused(f"{rack.name} is no rack")
    if thing.is_part:
        raise Refused(f"{thing.name} is a part: equipment takes rack units")
    if not thing.is_a(Mounted):
        raise Refused(f"{thing.name} is a {thing.driver}, and takes no rack units")
    if taken := positions(unit, thing):
        raise Refused(f"{thing.name} is in {unit.by_id(taken[0].other_part or 0).place} already: disconnect it first")
    place = standing(unit, thing)
    if place is not None and place != rack and not is_in(unit, rack, place):
        raise Refused(f"{thing.name} is in {place.name}, not in {rack.name}: take it out first")
    check_no_cycle(unit, thing, rack)
    return place


def check_free(unit: UnitOfWork, rack_unit: Thing, slot: int) -> None:
    """Raises Refused when something else takes one of these cells of a rack unit."""
    for cable in unit.occupying(rack_unit):
        if cable.slot & slot & mounting.WHOLE:
            aside = mounting.aside(cable.slot)
            raise Refused(f"{rack_unit.place}{aside} is taken by {unit.by_id(cable.thing).name}")


def _rack_unit(unit: UnitOfWork, rack: Thing, number: int) -> Thing | None:
    """A rack's unit of that number: called RU and its number in nearly every rack."""
    found = unit.part(rack, f"RU{number}")
    return found if found is not None and found.is_a(RackUnit) else rack_units(unit, rack).get(number)


def _free_run(unit: UnitOfWork, rack: Thing, tall: int, wanted: int) -> int:
    """The lowest half from which so many are free, in these cells. Raises Refused."""
    units = rack_units(unit, rack)
    taken = {number: _taken_of(unit, rack_unit) for number, rack_unit in units.items()}
    low = next(mounting.free_runs(taken, tall, wanted), None)
    if low is None:
        what = f"{tall / 2:g} free units in a row" if tall > 2 else "free unit"
        raise Refused(f"{rack.name} has no {what}{_but_reserved(unit, units.values())}")
    return low


def _taken_of(unit: UnitOfWork, rack_unit: Thing) -> int:
    """All that is taken of a rack unit, or that somebody reserved."""
    if reservations.holds(unit, rack_unit):
        return mounting.WHOLE
    return reduce(or_, (cable.slot for cable in unit.occupying(rack_unit)), 0)


def _but_reserved(unit: UnitOfWork, parts: Iterable[Thing]) -> str:
    """What to say beside that nothing is free where some of these parts are reserved."""
    number = sum(reservations.holds(unit, part) for part in parts)
    return f", {number} {'is' if number == 1 else 'are'} reserved: name one, or see clusto reservations" * bool(number)


def check_number_is_free_to_change(unit: UnitOfWork, part: Thing) -> None:
    """Raises Refused for a part in use whose number says where it is: a rack unit, or a side of a panel's path."""
    if not part.is_a(RackUnit) and not wiring.passes_on(part.driver):
        return
    for end in (part, unit.partner(part)):
        if end is not None and unit.cable_of(end) is not None:
            raise Refused(f"{end.name} is in use, and its number says where it is: disconnect it first")


def check_position(unit: UnitOfWork, thing: Thing) -> None:
    """Raises Refused when a Thing is mounted in units that are not adjacent units of one rack and as many as it is
    high, or stands elsewhere too, or the rack is in it."""
    taken = positions(unit, thing)
    for rack in {unit.by_id(cable.other_thing) for cable in taken}:
        if (place := standing(unit, thing)) != rack:
            raise Refused(f"{thing.name} is in {place.name if place else ''}, not in {rack.name}: take it out first")
        check_no_cycle(unit, thing, rack)
    found = _halves(unit, taken)
    if found and found != list(range(found[0], found[0] + len(found))):
        raise Refused(f"{thing.name} would be in units of the rack that are not adjacent")
    for cable in taken:
        for other in unit.occupying(unit.by_id(cable.other_part or 0)):
            if other.id != cable.id and other.slot & cable.slot & mounting.WHOLE:
                raise Refused(f"{thing.name} would be where {unit.by_id(other.thing).name} is")
    check_size(unit, thing)


def _halves(unit: UnitOfWork, taken: Iterable[Cable]) -> list[int]:
    """The halves of units that these connections take, in order."""
    return mounting.halves((unit.by_id(cable.other_part or 0).number or 0, cable.slot) for cable in taken)


def check_sizes(unit: UnitOfWork) -> None:
    """Raises Refused when a transaction says that mounted equipment is higher, lower or deeper than what it is in."""
    for _, refusal in wrong_sizes(unit):
        raise refusal


def wrong_sizes(unit: UnitOfWork) -> Iterator[tuple[Attribute, Refused]]:
    """What `check_sizes` refuses, each with the attribute that says it."""
    for attribute in unit.new_attributes((HEIGHT, FULL_DEPTH)):
        thing = unit.by_id(attribute.thing_id)
        try:
            if not thing.is_part:
                check_size(unit, thing)
        except Refused as refusal:
            yield attribute, refusal


def check_size(unit: UnitOfWork, thing: Thing) -> None:
    """Raises Refused when a Thing is mounted in more or fewer rack units than it is high, or in one face of them and is
    as deep as the rack."""
    if not (taken := positions(unit, thing)):
        return
    number = len(_halves(unit, taken)) / 2
    if (tall := height(unit, thing)) is not None and tall / 2 != number:
        units = "rack unit" if number == 1 else "rack units"
        raise Refused(f"{thing.name} is in {number:g} {units}: disconnect it before its height changes")
    if is_deep(unit, thing) and not all(cable.slot & face for cable in taken for face in mounting.FACES.values()):
        raise Refused(f"{thing.name} is in one face of its rack units: disconnect it before its depth changes")


def check_pairing(unit: UnitOfWork, owner: Thing, driver: type[Part], name: str) -> None:
    """Raises Refused for a panel's port whose number another port on that side has: they would be one path."""
    number = trailing_number(name)
    if not wiring.is_panel(driver) or number is None:
        return
    for part in unit.parts(owner):
        if part.number == number and part.is_a(driver):
            raise Refused(f"{part.name} has the number {number} on that side of the panel already")


# --- cables ----------------------------------------------------------------------------------------------------------


def connect(unit: UnitOfWork, one: Thing, other: Thing, kind: str | None = None) -> list[Joined]:
    """Joins two Things or parts; a Thing stands for its first free part that fits.

    Raises Refused when they do not fit, are joined already or have nothing free; Malformed when several kinds of cable
    fit and `kind` does not choose.
    """
    if kind not in (None, *wiring.KINDS):
        raise Malformed(f"no such kind of connection: {kind} (known: {', '.join(wiring.KINDS)})")
    for each, rack in ((one, other), (other, one)):
        if not each.is_part and (rack.is_a(RackUnit) or (rack.is_a(Rack) and each.is_a(Mounted))):
            if kind not in (None, wiring.POSITION):
                raise Refused(f"{each.name} and {rack.name} are joined by position, not by {kind}")
            owner = unit.by_id(rack.entity_id)
            return mount(unit, each, owner, parse_span(f"{owner.name}:RU{rack.number}") if rack.is_part else None)
    left, right = _choose(unit, one, other, kind)
    return [join(unit, left, right)]


def join(unit: UnitOfWork, one: Thing, other: Thing) -> Joined:
    """Puts a cable between two parts. Raises Refused when they do not fit or one of them is in use."""
    if one.id == other.id:
        raise Refused(f"{one.name} cannot be connected to itself")
    if wiring.fit(one.driver, other.driver) is None:
        raise Refused(f"{_what(one)} does not fit {_what(other)}")
    if (cable := unit.cable_of(one)) is not None:
        raise _connected(unit, one, other, cable)
    if (cable := unit.cable_of(other)) is not None:
        raise _connected(unit, other, one, cable)
    sockets.check(unit, one)
    sockets.check(unit, other)
    path = check_path(unit, one, other)
    unit.insert_cable(Cable(unit.new_id(), path, one.id, one.entity_id, other.id, other.entity_id))
    return Joined(one, other)


def _connected(unit: UnitOfWork, part: Thing, partner: Thing, cable: Cable) -> Refused:
    """What to say where a part that is to be joined to a partner has a cable."""
    across = cable.across(part.id)
    there = unit.by_id(across if across is not None else cable.thing)
    known = " already" if there == partner else ""
    return Refused(f"{part.name} is{known} connected to {there.name}{'' if known else ': disconnect it first'}")


def check_path(unit: UnitOfWork, one: Thing, other: Thing) -> str:
    """The kind of the cable that may join two parts. Raises Refused when the ends of its path do not fit."""
    path = wiring.fit(one.driver, other.driver)
    if path is not None and not wiring.passes_on(one.driver) and not wiring.passes_on(other.driver):
        return path
    near, far = unit.end_behind(one), unit.end_behind(other)
    path = wiring.fit(near.driver, far.driver)
    if path is None:
        raise Refused(f"the path would join {_what(near)} and {_what(far)}, which do not fit")
    return path


def disconnect(unit: UnitOfWork, one: Thing, other: Thing | None = None) -> list[Joined]:
    """Takes out the cables of a Thing or part: all of them, or those to `other`, a Thing or part.

    Raises Refused when there is none.
    """
    found = []
    for cable in unit.cables(unit.by_id(one.entity_id)):
        ends = [{cable.part, cable.thing}, {cable.other_part, cable.other_thing}]
        for here, there in (ends, ends[::-1]):
            if _is_end(one, here) and (other is None or _is_end(other, there)):
                found.append(cable)
                break
    if not found:
        raise Refused(f"{one.name} is not connected{f' to {other.name}' if other else ''}")
    for cable in found:
        unit.delete_cable(cable)
    joined = [Joined(*(unit.by_id(id) for id in _ends(cable))) for cable in found]
    ordered = [each if one.id in (each.one.id, each.one.owner_id) else Joined(each.other, each.one) for each in joined]
    return sorted(ordered, key=lambda each: (natural_key(each.one.name), natural_key(each.other.name)))


def _is_end(thing: Thing, end: set[int | None]) -> bool:
    return thing.id in end


def _ends(cable: Cable) -> tuple[int, int]:
    return cable.part or cable.thing, cable.other_part or cable.other_thing


def _what(part: Thing) -> str:
    return f"{part.name} (a{'n' if part.driver[0] in 'IO' else ''} {part.driver})"


def _choose(unit: UnitOfWork, one: Thing, other: Thing, kind: str | None) -> tuple[Thing, Thing]:
    """The parts that two Things stand for."""
    if one.is_part and other.is_part:
        if kind is not None and (found := wiring.cable_kind(one.kind, other.kind)) not in (None, kind, wiring.PATCH):
            raise Refused(f"{one.name} and {other.name} are joined by {found}, not by {kind}")
        return one, other
    left, right = _candidates(unit, one), _candidates(unit, other)
    kinds = _kinds(left, right)
    if kind is not None:
        kinds = [each for each in kinds if each == kind]
    elif wiring.POWER in kinds and (one.is_a(PDU) or other.is_a(PDU)):
        kinds = [wiring.POWER]
    if not kinds:
        parts = f" by {kind}" if kind else ""
        raise Refused(f"nothing of {one.name} fits anything of {other.name}{parts}{_passed_over(unit, one, other)}")
    if len(kinds) > 1:
        raise Malformed(
            f"{one.name} and {other.name} fit by {' and by '.join(kinds)}: choose with --kind, or name the parts"
        )
    chosen = []
    for thing, own, across in ((one, left, right), (other, right, left)):
        drivers = {part.driver: part.kind for part in across}
        fitting = [
            part for part in own if kinds[0] in {wiring.cable_kind(part.kind, each) for each in drivers.values()}
        ]
        free = [part for part in fitting if _is_free(unit, part) and part not in chosen]
        first = next((part for part in free if thing.is_part or not reservations.holds(unit, part)), None)
        if first is None:
            if thing.is_part:
                sockets.check(unit, thing)
                raise Refused(_in_use(unit, thing))
            noun = getattr(fitting[0].kind, "noun", "part")
            why = _but_reserved(unit, free) or _passed_over(unit, thing)
            raise Refused(f"{thing.name} has no free {noun}{why}")
        chosen.append(first)
    return chosen[0], chosen[1]


def _in_use(unit: UnitOfWork, part: Thing) -> str:
    cable = unit.cable_of(part)
    across = cable.across(part.id) if cable else None
    return f"{part.name} is connected to {unit.by_id(across).name if across else 'something'}: disconnect it first"


def _is_free(unit: UnitOfWork, part: Thing) -> bool:
    return unit.cable_of(part) is None and sockets.occupied(unit, part) is None


def _candidates(unit: UnitOfWork, thing: Thing) -> list[Thing]:
    """What a Thing may stand for: its parts with a socket, but those that serve management alone."""
    if thing.is_part:
        return [thing]
    every = [part for part in unit.parts(thing) if sockets.has_socket(unit, part)]
    return in_order(part for part in every if not sockets.is_management(unit, part))


def _passed_over(unit: UnitOfWork, *things: Thing) -> str:
    """The tail of a message: which free interfaces were no candidates, because they serve management alone."""
    whole = [thing for thing in things if not thing.is_part]
    names = [
        part.name
        for thing in whole
        for part in unit.parts(thing)
        if sockets.is_management(unit, part) and _is_free(unit, part)
    ]
    return f" (for management, to be named: {', '.join(names[:5])})" if names else ""


def _kinds(left: list[Thing], right: list[Thing]) -> list[str]:
    """The kinds of cable that fit between two Things; panels count as network's unless a part of them is named."""
    found: set[str] = set()
    one: dict[str, type[Driver]] = {part.driver: part.kind for part in left}
    other: dict[str, type[Driver]] = {part.driver: part.kind for part in right}
    for driver in one.values():
        for across in other.values():
            kind = wiring.cable_kind(driver, across)
            panel = (len(left) > 1 and wiring.is_panel(driver)) or (len(right) > 1 and wiring.is_panel(across))
            if kind is not None and not (panel and kind not in (wiring.NETWORK, wiring.PATCH)):
                found.add(kind)
    return [kind for kind in (*wiring.KINDS, wiring.PATCH) if kind in found]
