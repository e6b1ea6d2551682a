"""One Thing whole: what `show` tells, and the elevation of a rack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from clusto_core.answers.location import panels
from clusto_core.drivers import Category
from clusto_core.drivers.parts import RackUnit
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import IP, Key
from clusto_core.model.mounting import FACES, LOWER, UPPER, WHOLE, free_runs, spelled
from clusto_core.model.reserving import Reservation, reservation
from clusto_core.model.things import Attribute, Inherited, Link, Thing, in_order
from clusto_core.model.wiring import POSITION
from clusto_core.store.reader import Reader
from clusto_core.tuples import NamedTuple

LABEL = Key("label")


class PartView(NamedTuple):
    """A part, what it is connected to through which panels, and its attributes."""

    part: Thing
    link: Link | None
    via: list[str]
    attributes: list[Attribute]


class Overview(NamedTuple):
    """A Thing with all that is known of it.

    `position` are the rack units it is in, `at` how that is written; `places` and `groupings` all that it is in,
    nearest first; `addresses` pairs of an address, in its address space, and the part that holds it (None for the Thing
    itself); `inherited` what it gets from those.
    """

    thing: Thing
    position: list[Thing]
    places: list[Thing]
    groupings: list[Thing]
    addresses: list[tuple[Assigned, str | None]]
    own: list[Attribute]
    inherited: list[Inherited]
    parts: list[PartView]
    members: list[Thing]
    at: str | None
    reservation: Reservation | None


def assigned_of(reader: Reader, attribute: Attribute) -> Assigned:
    """An address that something holds, with its address space, where that has a name, and as what it is shared."""
    text, ref = attribute.value.text, attribute.value.ref
    space = reader.by_ids([ref])[ref].name if ref is not None else None
    return Assigned(text, space, attribute.key.subkey)


def overview(reader: Reader, thing: Thing) -> Overview:
    """All that is known of a Thing or part. The parts of a rack are in its `elevation`."""
    links = reader.links_of(thing)
    by_part = {link.part.id: link for link in links if link.part is not None}
    parts = [] if thing.is_part else [part for part in reader.parts(thing.id) if not part.is_a(RackUnit)]
    part_attributes: dict[int, list[Attribute]] = {}
    addresses: list[tuple[Assigned, str | None]] = []
    for attribute in reader.attributes_of_parts(thing.id) if parts else ():
        part_attributes.setdefault(attribute.thing_id, []).append(attribute)
    if thing.is_part:
        parts = [thing]
    views = []
    for part in parts:
        link = by_part.get(part.id)
        passed = panels(reader, reader.trace(part)[1:]) if link is not None and link.far != link.other else []
        views.append(PartView(part, link, passed, part_attributes.get(part.id, [])))
    effective = reader.effective(thing)
    own = [each.attribute for each in effective if each.origin == thing]
    names = {part.id: part.part_name for part in parts}
    for attribute in [*own, *(each for view in views for each in view.attributes)]:
        if attribute.key.key == IP:
            addresses.append((assigned_of(reader, attribute), names.get(attribute.thing_id)))
    above = reader.ancestors(thing)
    return Overview(
        thing,
        in_order(link.other for link in links if link.part is None),
        [each for each in above if not each.is_a(Category)],
        [each for each in above if each.is_a(Category)],
        addresses,
        [each for each in own if not each.key.reserved],
        [each for each in effective if each.origin != thing],
        views,
        [] if thing.is_part else reader.members(thing),
        _at(links),
        reservation(thing, own, reader.now),
    )


def _at(links: Iterable[Link]) -> str | None:
    """Where a device is mounted: `rack101:RU13-14`."""
    mounted = [link for link in links if link.part is None and link.slot]
    if not mounted:
        return None
    return f"{mounted[0].other.owner_name}:{spelled((link.other.number or 0, link.slot) for link in mounted)}"


class Unit(NamedTuple):
    """One unit of a rack and what is in it: for each device, what it takes of the unit (see `model.mounting`)."""

    number: int
    mounted: list[tuple[Thing, int]]

    @property
    def thing(self) -> Thing | None:
        """What is in it; of several, what is at the front and lowest."""
        return min(self.mounted, key=lambda each: each[1] & WHOLE & -(each[1] & WHOLE), default=(None, 0))[0]

    def at(self, face: int) -> tuple[Thing | None, Thing | None]:
        """What is in its lower and in its upper half, seen from a face."""
        lower, upper = (
            next((thing for thing, cells in self.mounted if cells & face & half), None) for half in (LOWER, UPPER)
        )
        return lower, upper


def elevation(reader: Reader, rack: Thing) -> list[Unit]:
    """The units of a rack, from the highest to the lowest."""
    return elevations(reader, [rack])[rack.id]


def elevations(reader: Reader, racks: Sequence[Thing]) -> dict[int, list[Unit]]:
    """The units of each of some racks, from the highest to the lowest, by the rack's id."""
    ids = [rack.id for rack in racks]
    mounted: dict[int, list[tuple[Thing, int]]] = {}
    for link in reader.links(*ids, kind=POSITION):
        if link.part is not None:
            mounted.setdefault(link.part.id, []).append((link.other, link.slot))
    found: dict[int, list[Unit]] = {id: [] for id in ids}
    for unit in reader.parts(*ids, driver=RackUnit):
        if unit.number is not None:
            found[unit.entity_id].append(Unit(unit.number, mounted.get(unit.id, [])))
    return {id: sorted(units, key=lambda unit: -unit.number) for id, units in found.items()}


def free_units(reader: Reader, rack: Thing, tall: float = 1, face: str = "") -> list[float]:
    """Where something that many rack units high (in halves) fits into a rack, through both faces or at one, from below:
    the positions of its lowest half, 3.5 being the upper half of RU3."""
    taken = {unit.number: reduce(or_, (cells for _, cells in unit.mounted), 0) for unit in elevation(reader, rack)}
    return [low / 2 for low in free_runs(taken, int(2 * tall), FACES.get(face, WHOLE))]
