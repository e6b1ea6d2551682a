"""Paths of cables, laid out: from top to bottom, each cable in the colour of its sheath."""

from __future__ import annotations

from collections.abc import Sequence

from clusto_cli.pictures.description import Cable, Path, Station
from clusto_cli.pictures.layout.shapes import Block, Box, Group, Line, Shape, Text, fitted, flowing

_WIDTH = 216
_STATION = 38
_CABLE = 46
_GAP = 28
_MOST = 6
"""How many paths are beside each other."""
_LINE = 20


def block(paths: Sequence[Path]) -> Block:
    """Paths beside each other."""
    return flowing(map(_path, paths), _GAP, _MOST)


def _path(path: Path) -> Block:
    step = _STATION + _CABLE
    groups = [_cable(cable, place * step + _STATION) for place, cable in enumerate(path.cables)]
    groups += [_station(station, place * step) for place, station in enumerate(path.stations)]
    return Block(_WIDTH, len(path.stations) * step - _CABLE, tuple(groups))


def _station(station: Station, y: float) -> Group:
    name, through = station.device.name, " = ".join(station.parts)
    shapes = (
        Box(0, y, _WIDTH, _STATION, station.device.paint),
        Text(8, y + 15, fitted(name, _WIDTH - 16), "strong"),
        Text(8, y + 30, fitted(through, _WIDTH - 16)),
    )
    return Group(shapes, "\n".join((f"{name}: {through}", *station.device.told)), station.device.link)


def _cable(cable: Cable, y: float) -> Group:
    shapes: list[Shape] = [Line(_LINE, y, _LINE, y + _CABLE, "", 6 if cable.colour else 2)]
    if cable.colour:
        shapes.append(Line(_LINE, y, _LINE, y + _CABLE, cable.colour, 4))
    room = _WIDTH - _LINE - 12
    texts = [each for each in (cable.label, cable.kind) if each]
    for place, words in enumerate(texts):
        low = y + _CABLE / 2 + (4 if len(texts) == 1 else -3 + 14 * place)
        shapes.append(Text(_LINE + 12, low, fitted(words, room), "faint" if words == cable.kind else "ink"))
    return Group(tuple(shapes), "\n".join(cable.told))
