"""Equipment that moves from rack to rack: which of its cables still lead to the old one, and how they come to lead to
the new."""

from __future__ import annotations

from typing import NamedTuple

from clusto_core.drivers.equipment import Rack
from clusto_core.errors import Refused
from clusto_core.model import wiring
from clusto_core.model.things import Thing, in_order
from clusto_core.rules import cabling, containment
from clusto_core.rules.cabling import Joined
from clusto_core.spelling import natural_key
from clusto_core.store.unit import UnitOfWork


class Relocated(NamedTuple):
    """What became of the cables that led to the rack where a Thing was: those that still do, those that were taken out,
    and those that lead to the new rack instead."""

    leading_back: list[Joined]
    parted: list[Joined]
    joined: list[Joined]


def relocated(unit: UnitOfWork, thing: Thing, before: Thing | None, *, recable: bool) -> Relocated:
    """What is to be told of a Thing that was in the place `before`, and is in another one now.

    With `recable`, each cable that led to equipment in the old rack leads to its counterpart in the new one: equipment
    of the same driver, the first for the first and so on in natural order, and there to the port of the same name where
    that is free, else to the first free one that fits. Raises Refused where there is none.
    """
    now = containment.standing(unit, thing)
    back = leading_to(unit, thing, before) if before is not None and before.is_a(Rack) and before != now else []
    if not recable or not back or before is None:
        return Relocated(back, [], [])
    if now is None or not now.is_a(Rack):
        raise Refused(f"{thing.name} is in no rack now: there is nothing to lead its cables to")
    matched = [(each, _counterpart(unit, each.other, before, now)) for each in back]
    for each, _ in matched:
        cabling.disconnect(unit, each.one)
    return Relocated([], back, [_joined(unit, each, device) for each, device in matched])


def leading_to(unit: UnitOfWork, thing: Thing, place: Thing) -> list[Joined]:
    """The cables of a Thing to equipment in a place, in natural order."""
    found = []
    for part in unit.parts(thing):
        cable = unit.cable_of(part)
        across = cable.across(part.id) if cable is not None and cable.kind != wiring.POSITION else None
        if across is None:
            continue
        other = unit.by_id(across)
        owner = unit.by_id(other.entity_id)
        if owner != thing and containment.is_in(unit, owner, place):
            found.append(Joined(part, other))
    return sorted(found, key=lambda each: natural_key(each.one.name))


def _counterpart(unit: UnitOfWork, far: Thing, before: Thing, now: Thing) -> Thing:
    """What in the new rack is to serve instead of the owner of a part in the old one."""
    owner = unit.by_id(far.entity_id)
    place = _alike(unit, before, owner).index(owner)
    candidates = _alike(unit, now, owner)
    if place >= len(candidates):
        number = f"only {len(candidates)} of them" if candidates else "none"
        raise Refused(
            f"{before.name} has {owner.name}, its {_ordinal(place + 1)} {owner.driver}, and {now.name} {number}"
        )
    return candidates[place]


def _alike(unit: UnitOfWork, rack: Thing, example: Thing) -> list[Thing]:
    """The equipment of one driver in a rack, in natural order."""
    inside = unit.known(unit.reader.contents([rack.id], parts=False).get(rack.id, []))
    return in_order(each for each in inside if each.driver == example.driver)


def _joined(unit: UnitOfWork, before: Joined, device: Thing) -> Joined:
    same = unit.part(device, before.other.part_name)
    if same is not None and unit.cable_of(same) is None and wiring.fit(before.one.driver, same.driver) is not None:
        return cabling.join(unit, before.one, same)
    return cabling.connect(unit, before.one, device)[0]


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
