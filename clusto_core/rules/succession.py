"""A device that takes another's place: its cables, its position, its address, and its name."""

from __future__ import annotations

from typing import NamedTuple

from clusto_core.drivers import Equipment
from clusto_core.errors import Refused
from clusto_core.model import wiring
from clusto_core.model.attributes import IN, IP, Value
from clusto_core.model.ranges import fold
from clusto_core.model.reserved import EXPRESSION_NAMES
from clusto_core.model.things import Attribute, Cable, Thing, in_order
from clusto_core.rules import bundles, cabling, containment, things
from clusto_core.rules.cabling import Joined
from clusto_core.rules.parts import LABEL
from clusto_core.spelling import natural_key
from clusto_core.store.unit import UnitOfWork


class Succession(NamedTuple):
    """What a successor has taken over: its cables as they are now, addresses, and what has stayed with the old one:
    parts whose cables had no counterpart, addresses. Names are those after the exchange."""

    joined: list[Joined]
    addresses: list[str]
    left: list[Thing]
    kept: list[str]


def replace(unit: UnitOfWork, old: Thing, new: Thing, *, partial: bool = False) -> Succession:
    """Gives every cable of a device to the same port of another, then each the other's name.

    The same port is the one of the same name, else the one that the device itself calls so, else the one of the same
    number of the same driver. What is where the old one was, or was not anywhere, they exchange too: rack units and
    places, unless the new one is mounted already. Addresses go along where the new one has none. What other Things say
    of the old one by relations, or is in it, is said of the new one. Attributes and groupings stay with each.

    Raises Refused when a cable's port has no counterpart, or one that is in use: with `partial` such cables stay where
    they are; and for what is no device.
    """
    for each in (old, new):
        if each.is_part or not each.is_a(Equipment) or containment.is_place(each):
            raise Refused(f"{each.name} is a {each.driver}: only equipment that is no place is replaced")
    if old == new:
        raise Refused(f"{old.name} cannot be replaced by itself")
    counterparts = {
        part.id: found for part in unit.parts(old) if (found := _counterpart(unit, old, part, new)) is not None
    }
    _break_out_alike(unit, old, counterparts)
    cables = [cable for cable in unit.cables(old) if cable.kind != wiring.POSITION]
    left = _without_counterpart(unit, old, new, cables, counterparts)
    if left and not partial:
        raise Refused(
            f"{new.name} has no free counterpart of {_told(left)} of {old.name}: disconnect them, or say --partial"
        )
    joined = _take_cables(unit, old, [each for each in cables if not _touches(each, left)], counterparts)
    for part in unit.parts(old):
        bundles.make_whole(unit, part)
    _exchange_places(unit, old, new)
    addresses, kept = _take_addresses(unit, old, new, counterparts)
    things.rename_all(unit, [(old, new.name), (new, old.name)])
    _take_relations(unit, old, new, counterparts)
    return Succession(joined, addresses, left, kept)


def _told(parts: list[Thing]) -> str:
    return ", ".join(fold(part.part_name for part in parts))


def _counterpart(unit: UnitOfWork, old: Thing, part: Thing, new: Thing) -> Thing | None:
    """The port of the successor that is the same as one of its predecessor's."""
    if (same := unit.part(new, part.part_name)) is not None:
        return same if wiring.kind_of(same.kind) == wiring.kind_of(part.kind) else None
    alike = [each for each in unit.parts(new) if each.driver == part.driver]
    names = {part.part_name, *_labels(unit, part)}
    labelled = [each for each in alike if names & {each.part_name, *_labels(unit, each)}]
    numbered = _of_its_number(alike, part) if len(_of_its_number(unit.parts(old), part)) == 1 else []
    return next((found[0] for found in (labelled, numbered) if len(found) == 1), None)


def _of_its_number(parts: list[Thing], part: Thing) -> list[Thing]:
    """The parts of its driver that have its number; none where it has none."""
    if part.number is None:
        return []
    return [each for each in parts if (each.driver, each.number) == (part.driver, part.number)]


def _break_out_alike(unit: UnitOfWork, old: Thing, counterparts: dict[int, Thing]) -> None:
    """Gives ports of the successor legs where those of its predecessor have a breakout cable."""
    for port in unit.parts(old):
        own, there = bundles.legs_of(unit, port), counterparts.get(port.id)
        if own and there is not None and not any(leg.id in counterparts for leg in own):
            counterparts.update(zip((leg.id for leg in own), bundles.legs(unit, there, len(own)), strict=True))


def _labels(unit: UnitOfWork, part: Thing) -> set[str]:
    return {each.value.text for each in unit.attributes(part) if each.key == LABEL}


def _without_counterpart(
    unit: UnitOfWork, old: Thing, new: Thing, cables: list[Cable], counterparts: dict[int, Thing]
) -> list[Thing]:
    """The parts whose cables cannot go to the successor: it lacks such a port, has it in use, or two would go to
    one."""
    taken: set[int] = set()
    found = []
    for part in in_order(each for each in unit.parts(old) if _used(each, cables)):
        there = counterparts.get(part.id)
        if there is None or there.id in taken or unit.cable_of(there) is not None:
            found.append(part)
        else:
            taken.add(there.id)
    return found


def _used(part: Thing, cables: list[Cable]) -> bool:
    return any(part.id in (cable.part, cable.other_part) for cable in cables)


def _touches(cable: Cable, parts: list[Thing]) -> bool:
    return any(part.id in (cable.part, cable.other_part) for part in parts)


def _take_cables(unit: UnitOfWork, old: Thing, cables: list[Cable], counterparts: dict[int, Thing]) -> list[Joined]:
    for cable in cables:
        unit.delete_cable(cable)
    joined = []
    for cable in cables:
        one, other = (counterparts.get(id or 0) or unit.by_id(id or 0) for id in (cable.part, cable.other_part))
        made = cabling.join(unit, one, other)
        joined.append(made if cable.thing == old.id else Joined(made.other, made.one))
    return sorted(joined, key=lambda each: natural_key(each.one.name))


# --- places ----------------------------------------------------------------------------------------------------------


def _exchange_places(unit: UnitOfWork, old: Thing, new: Thing) -> None:
    """Puts the successor where the old one was, and that one where the successor was; not where that is mounted."""
    if cabling.positions(unit, new):
        return
    places = [
        (each, place, containment.membership(unit, each, place))
        for each in (old, new)
        if (place := containment.standing(unit, each))
    ]
    units = cabling.positions(unit, old)
    for cable in units:
        unit.delete_cable(cable)
    for each, place, said in places:
        if said is not None:
            containment.take(unit, each, place)
    for cable in units:
        unit.insert_cable(cable._replace(id=unit.new_id(), thing=new.id))
    for each, place, said in places:
        if said is not None:
            containment.put(unit, new if each == old else old, place)
    if units:
        cabling.check_position(unit, new)


# --- addresses, and what others say ----------------------------------------------------------------------------------


def _take_addresses(
    unit: UnitOfWork, old: Thing, new: Thing, counterparts: dict[int, Thing]
) -> tuple[list[str], list[str]]:
    """Gives the old one's addresses to a successor that has none; those that went, and those that stayed."""
    held = [each for part in (old, *unit.parts(old)) for each in _held(unit, part)]
    has_some = any(_held(unit, part) for part in (new, *unit.parts(new)))
    taken, kept = [], []
    for address in held:
        to = new if address.thing_id == old.id else counterparts.get(address.thing_id)
        if to is None or has_some:
            kept.append(address.value.text)
            continue
        unit.delete_attribute(address)
        unit.insert_attribute(Attribute(unit.new_id(), to.id, address.key, address.value))
        taken.append(address.value.text)
    return taken, kept


def _held(unit: UnitOfWork, thing: Thing) -> list[Attribute]:
    return [each for each in unit.attributes(thing) if each.key.key == IP]


def _take_relations(unit: UnitOfWork, old: Thing, new: Thing, counterparts: dict[int, Thing]) -> None:
    """Has what others say of the old one, or a part of it, said of the successor; also that they are in it. Saved
    expressions mean whatever has the name, of either."""
    successors = {old.id: new, **counterparts}
    by_name = {**successors, new.id: old}
    for attribute in unit.referring([old.id, new.id, *(part.id for part in unit.parts(old))]):
        holder = unit.by_id(attribute.thing_id)
        there = (by_name if attribute.key == EXPRESSION_NAMES else successors).get(attribute.value.ref or 0)
        if there is None or holder.entity_id in (old.id, new.id) or attribute.value.type != "relation":
            continue
        if attribute.key.key == IN:
            containment.check_no_cycle(unit, holder, there)
        unit.delete_attribute(next(each for each in unit.attributes(holder) if each.id == attribute.id))
        value = Value("relation", there.name, there.id)
        unit.insert_attribute(Attribute(unit.new_id(), holder.id, attribute.key, value))
