"""The elevations of racks, described: what stands in them, front and rear, what is reserved, what lies beside."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from clusto_cli.pictures.colouring import DRIVER, Coloured, coloured
from clusto_cli.pictures.description import Device, Elevation, Face, Kept, Link, Meaning, Mounted, Picture, nowhere
from clusto_cli.pictures.palette import OTHER
from clusto_core.answers.overview import Unit, elevations
from clusto_core.drivers import Equipment
from clusto_core.drivers.equipment import PLACES, Rack, VirtualServer
from clusto_core.drivers.parts import RackUnit
from clusto_core.errors import Refused
from clusto_core.model.attributes import Key
from clusto_core.model.mounting import FACES, LOWER, UPPER, aside
from clusto_core.model.reserving import Reservation, spelled
from clusto_core.model.things import Thing, in_order
from clusto_core.rules import reservations
from clusto_core.store.reader import Reader

_ROW = Key("row")


def picture(
    reader: Reader,
    things: Sequence[Thing],
    faces: Sequence[str] = (),
    by: str = DRIVER,
    link: Link = nowhere,
) -> Picture:
    """Racks side by side: those among some Things and in them, or else in which those stand; of one rack both faces,
    of several the front, where none is given. Raises Refused where there is no rack, Malformed and NotFound for what
    is no way of colouring."""
    racks = racks_of(reader, things)
    wanted = list(faces) or (["front", "rear"] if len(racks) == 1 else ["front"])
    room = _Room(reader, racks, by, link)
    title = ", ".join(thing.name for thing in things[:4]) + (", ..." if len(things) > 4 else "")
    return Picture(title, elevations=tuple(room.rack(rack, wanted) for rack in racks), legend=tuple(room.legend()))


def drawable(thing: Thing) -> bool:
    """Whether a Thing is drawn as racks: a rack, or a place that may hold some."""
    return issubclass(thing.kind, PLACES)


def racks_of(reader: Reader, things: Sequence[Thing]) -> list[Thing]:
    """The racks among some Things and in them; of those that are no places, the ones that they stand in."""
    found = racks_in(reader, [thing for thing in things if drawable(thing)])
    for thing in things:
        if not drawable(thing):
            found += [each for each in reader.ancestors(thing) if each.is_a(Rack)]
    if not found:
        names = ", ".join(thing.name for thing in things[:3])
        raise Refused(f"{names}: no rack, nor in one, nor is one in it: nothing to draw")
    return list(dict.fromkeys(found))


def racks_in(reader: Reader, places: Sequence[Thing]) -> list[Thing]:
    """The racks among some places and in them; what stands in racks is not looked at."""
    found: set[Thing] = set()
    seen: set[int] = set()
    level = list(places)
    while level:
        found.update(each for each in level if each.is_a(Rack))
        seen.update(each.id for each in level)
        below = reader.contents([each.id for each in level if not each.is_a(Rack)], parts=False)
        level = [each for held in below.values() for each in held if drawable(each) and each.id not in seen]
    return in_order(found)


class _Room:
    """What is drawn, read for all racks at once."""

    def __init__(self, reader: Reader, racks: Sequence[Thing], by: str, link: Link) -> None:
        self.link = link
        self.units = elevations(reader, racks)
        self.contents = reader.contents([rack.id for rack in racks], parts=False)
        standing = {each.id: each for held in self.contents.values() for each in held if each.is_a(Equipment)}
        inside = reader.contents(standing, parts=False)
        self.inside = {id: in_order(filter(_is_blade, held)) for id, held in inside.items()}
        blades = {each.id: each for held in self.inside.values() for each in held}
        devices = {**standing, **blades}
        self.colours: Coloured = coloured(reader, devices.values(), by)
        self.held = _held(reader, [*racks, *devices.values()])
        self.rows = _rows(reader, [rack.id for rack in racks])

    def legend(self) -> Iterable[Meaning]:
        """What the colours mean, and the strokes where there are such."""
        yield from self.colours.legend
        if self.held:
            yield Meaning(OTHER, "reserved", held=True)

    def rack(self, rack: Thing, faces: Iterable[str]) -> Elevation:
        """One rack."""
        units = self.units[rack.id]
        mounted = {thing for unit in units for thing, _ in unit.mounted}
        beside = [each for each in self.contents.get(rack.id, ()) if each not in mounted and each.is_a(Equipment)]
        used = sum(bool(unit.mounted) for unit in units)
        return Elevation(
            rack.name,
            self.link(rack.name),
            tuple(unit.number for unit in units),
            tuple(Face(face, tuple(self._face(units, FACES[face]))) for face in faces),
            tuple(self.device(each) for each in in_order(beside)),
            tuple(_kept(self.held, rack)),
            f"{len(units)} units, {used} in use",
            self.rows.get(rack.id, ""),
        )

    def _face(self, units: Sequence[Unit], face: int) -> Iterable[Mounted]:
        taken: dict[Thing, list[int]] = {}
        slots: dict[Thing, int] = {}
        for unit in units:
            for thing, cells in unit.mounted:
                taken.setdefault(thing, []).extend(_halves(unit.number, cells & face))
                slots[thing] = cells
        for thing, halves in taken.items():
            if halves:
                yield Mounted(self.device(thing, aside(slots[thing])), min(halves), max(halves))

    def device(self, thing: Thing, where: str = "") -> Device:
        """One device, with what stands in it."""
        held = self.held.get(thing.id)
        told = (f"{thing.driver}{where}", *([_reserved(held)] if held else []))
        inside = tuple(self.device(each) for each in self.inside.get(thing.id, ()))
        return Device(thing.name, self.colours.paint(thing), self.link(thing.name), told, held is not None, inside)


def _rows(reader: Reader, racks: Sequence[int]) -> dict[int, str]:
    """Which racks stand in one row, by id: those of one place, or of one row there."""
    said = {id: values[0].text for id, values in reader.values_under(_ROW, racks).items()}
    above = {id: [each for each in parents if drawable(each)] for id, parents in reader.parents_of(racks).items()}
    places = {id: found[0].name for id, found in above.items() if found}
    several = len({places.get(id) for id in racks}) > 1
    rows = {id: (places.get(id, "") if several else "", f"row {said[id]}" if id in said else "") for id in racks}
    return {id: ", ".join(filter(None, words)) for id, words in rows.items()}


def _is_blade(thing: Thing) -> bool:
    return thing.is_a(Equipment) and not thing.is_a(VirtualServer)


def _halves(unit: int, cells: int) -> list[int]:
    return [2 * unit + up for up, half in enumerate((LOWER, UPPER)) if cells & half]


def _held(reader: Reader, among: Collection[Thing]) -> dict[int, Reservation]:
    """What of these, and of their parts, is reserved, by id."""
    return {each.thing.id: each for each in reservations.reservations(reader, among) if not each.over}


def _kept(held: Mapping[int, Reservation], rack: Thing) -> Iterable[Kept]:
    for each in held.values():
        unit = each.thing
        if unit.owner_id == rack.id and unit.is_a(RackUnit) and unit.number is not None:
            yield Kept(unit.number, f"{unit.part_name} {_reserved(each)}")


def _reserved(reservation: Reservation) -> str:
    purpose = f" for {reservation.purpose}" if reservation.purpose else ""
    return f"reserved until {spelled(reservation.until)}{purpose}"
