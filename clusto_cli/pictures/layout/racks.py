"""Elevations of racks, laid out: the units from the floor up, half units, what lies beside, blades in their chassis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import ceil

from clusto_cli.pictures.description import Device, Elevation, Face
from clusto_cli.pictures.layout.shapes import SIZE, Block, Box, Group, Shape, Text, beside, fitted, flowing, stacked

UNIT = 20
"""How high a rack unit is."""
_HALF = UNIT / 2
_NUMBERS = 26
_WIDTH = 196
_GAP = 18
_HEAD = 22
_CAPTION = 16
_BLADE = 15
_MOST = 8
"""How many racks without a row stand beside each other."""


def block(elevations: Sequence[Elevation]) -> Block:
    """Racks side by side, a line a row."""
    ordered = sorted(elevations, key=lambda each: each.row)
    rows = [list(row) for _, row in groupby(ordered, key=lambda each: each.row)]
    return stacked((_row(row, named=len(elevations) > 1) for row in rows), 2 * _GAP)


def _row(racks: Sequence[Elevation], *, named: bool) -> Block:
    row = racks[0].row
    line = flowing((_rack(each) for each in racks), 1.5 * _GAP, len(racks) if row else _MOST)
    return stacked([_words(row), line], 6) if row and named else line


def _words(words: str) -> Block:
    return Block(_WIDTH, _CAPTION, (Group((Text(0, 12, fitted(words, _WIDTH), "faint"),)),))


def _rack(rack: Elevation) -> Block:
    faces = beside([_face(rack, face, captioned=len(rack.faces) > 1) for face in rack.faces], _GAP)
    name = Text(0, 14, fitted(rack.name, faces.width, 14), "strong", 14)
    head = Block(faces.width, _HEAD, (Group((name,), f"{rack.name}\n{rack.told}", rack.link),))
    loose = (_loose(device) for device in rack.beside)
    return stacked([stacked([head, faces], 0), *([stacked(loose, 2)] if rack.beside else [])], 6)


def _loose(device: Device) -> Block:
    groups = tuple(drawn(device, 0, 0, _WIDTH, UNIT))
    return Block(_NUMBERS + _WIDTH, UNIT, tuple(group.moved(_NUMBERS, 0) for group in groups))


def _face(rack: Elevation, face: Face, *, captioned: bool) -> Block:
    """A side of a rack: its frame, the numbers of the units, what is reserved, and what is in them."""
    top = _CAPTION if captioned else 0
    height = UNIT * len(rack.units)
    # Units may be numbered from anywhere, and some be missing: each has its place from the top down.
    places = {unit: top + UNIT * place for place, unit in enumerate(rack.units)}
    shapes: list[Shape] = [Text(_NUMBERS, 11, fitted(face.name, _WIDTH), "faint")] if captioned else []
    shapes.append(Box(_NUMBERS, top, _WIDTH, height, "", "frame"))
    for unit, y in places.items():
        shapes.append(Text(_NUMBERS - 5, y + 14, str(unit), "faint", 10, "end"))
    groups = [Group(tuple(shapes)), Group(tuple(_rules(places, top)))]
    for kept in rack.kept:
        groups.append(Group((Box(_NUMBERS, places[kept.unit], _WIDTH, UNIT, "", "held"),), kept.told))
    for device, low, high in face.mounted:
        upper, lower = places[high // 2], places[low // 2] + UNIT
        edge, bottom = upper + _HALF * (1 - high % 2), lower - _HALF * (low % 2)
        groups += drawn(device, _NUMBERS, edge, _WIDTH, bottom - edge)
    return Block(_NUMBERS + _WIDTH, top + height + 1, tuple(groups))


def _rules(places: dict[int, int], top: int) -> Iterator[Shape]:
    """Lines between the units."""
    for y in places.values():
        if y > top:
            yield Box(_NUMBERS, y, _WIDTH, 0.5, "", "rule")


def drawn(device: Device, x: float, y: float, width: float, height: float) -> Iterator[Group]:
    """A device in its room, and what stands in it."""
    label, inner = _rooms(device, x, y, width, height)
    size = min(SIZE, height - 1)
    words = fitted(device.name, label[2] - 8, size)
    shapes: list[Shape] = [Box(x, y, width, height, device.paint)]
    if device.held:
        shapes.append(Box(x, y, width, height, "", "held"))
    if words:
        shapes.append(Text(label[0] + 5, label[1] + label[3] / 2 + size * 0.36, words, "ink", size))
    yield Group(tuple(shapes), "\n".join((device.name, *device.told)), device.link)
    yield from _blades(device.inside, *inner)


def _rooms(
    device: Device, x: float, y: float, width: float, height: float
) -> tuple[tuple[float, float, float, float], tuple[float, float, float, float]]:
    """The room for a device's name, and that for what stands in it."""
    whole = (x, y, width, height)
    if not device.inside:
        return whole, whole
    if height >= 2 * UNIT:
        return (x, y, width, _CAPTION), (x + 2, y + _CAPTION, width - 4, height - _CAPTION - 2)
    return (x, y, width * 0.4, height), (x + width * 0.4, y + 2, width * 0.6 - 2, height - 4)


def _blades(blades: Sequence[Device], x: float, y: float, width: float, height: float) -> Iterator[Group]:
    if not blades:
        return
    rows = max(1, min(len(blades), int(height / _BLADE)))
    columns = ceil(len(blades) / rows)
    rows = ceil(len(blades) / columns)
    wide, tall = width / columns, height / rows
    for place, blade in enumerate(blades):
        row, column = divmod(place, columns)
        yield from drawn(blade, x + column * wide, y + row * tall, wide - 1, tall - 1)
