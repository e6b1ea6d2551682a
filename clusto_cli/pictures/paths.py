"""The paths of cables, described: what they come to, and what each cable is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from clusto_cli.pictures.colouring import Coloured, coloured
from clusto_cli.pictures.description import Cable, Device, Link, Path, Picture, Station, nowhere
from clusto_core.answers.paths import Way, inside
from clusto_core.model.attributes import Key
from clusto_core.model.things import Attribute, Thing
from clusto_core.model.wiring import cable_kind
from clusto_core.store.reader import Reader

LABEL, COLOUR = Key("cable", None, "label"), Key("cable", None, "color")
CABLE = "cable"
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
NAMED: Mapping[str, str] = {
    "black": "#111111",
    "blue": "#2f6fde",
    "brown": "#7a4a21",
    "gray": "#808080",
    "green": "#2e9e44",
    "grey": "#808080",
    "orange": "#f0820f",
    "pink": "#e86aa6",
    "red": "#d62b2b",
    "violet": "#8a4fd3",
    "purple": "#8a4fd3",
    "white": "#f5f5f5",
    "yellow": "#f2c811",
    "aqua": "#1fb5b0",
}
"""The colours that sheaths are usually sold in, by the words for them."""


def picture(reader: Reader, title: str, ways: Sequence[Way], link: Link = nowhere) -> Picture:
    """Paths beside each other."""
    parts = [part for way in ways for part in way.parts]
    owners = reader.by_ids({part.entity_id for part in parts})
    said = _said(reader, parts)
    colours = coloured(reader, owners.values())
    surroundings = _Surroundings(owners, said, colours, link)
    return Picture(title, paths=tuple(surroundings.path(way.parts) for way in ways), legend=colours.legend)


def _said(reader: Reader, parts: Sequence[Thing]) -> dict[int, list[Attribute]]:
    """What is said of cables at their ends, by the id of the part."""
    found: dict[int, list[Attribute]] = {}
    for attribute in reader.attributes(*{part.id for part in parts}):
        if attribute.key.key == CABLE and attribute.key.number is None:
            found.setdefault(attribute.thing_id, []).append(attribute)
    return found


class _Surroundings:
    """What is known of the equipment on the paths."""

    def __init__(
        self, owners: Mapping[int, Thing], said: Mapping[int, list[Attribute]], colours: Coloured, link: Link
    ) -> None:
        self.owners, self.said, self.colours, self.link = owners, said, colours, link

    def path(self, parts: Sequence[Thing]) -> Path:
        """One path, from one end to the other."""
        stops = list(_stops(parts))
        cables = [self._cable(one[-1], other[0]) for one, other in itertools.pairwise(stops)]
        return Path(tuple(map(self._station, stops)), tuple(cables))

    def _station(self, stop: Sequence[Thing]) -> Station:
        owner = self.owners[stop[0].entity_id]
        device = Device(owner.name, self.colours.paint(owner), self.link(owner.name), (owner.driver,))
        return Station(device, tuple(part.part_name for part in stop))

    def _cable(self, one: Thing, other: Thing) -> Cable:
        """A cable, by what is said at whichever end it is."""
        said = [*self.said.get(one.id, ()), *self.said.get(other.id, ())]
        label, colour = (next((each.shown for each in said if each.key == key), "") for key in (LABEL, COLOUR))
        told = (f"{one.name} to {other.name}", *(str(each) for each in said))
        return Cable(cable_kind(one.kind, other.kind) or "", label, sheath(colour), told)


def _stops(parts: Sequence[Thing]) -> Iterator[list[Thing]]:
    """The parts of a path, those of one device together."""
    stop = list(parts[:1])
    for one, other in itertools.pairwise(parts):
        if inside(one, other):
            stop.append(other)
        else:
            yield stop
            stop = [other]
    yield stop


def sheath(text: str) -> str:
    """A colour as `#rrggbb`, of such a number or of an English word; empty for anything else."""
    found = _HEX.fullmatch(text)
    return f"#{found[1].lower()}" if found else NAMED.get(text.lower().rpartition(" ")[2], "")
