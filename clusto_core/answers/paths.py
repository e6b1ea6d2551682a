"""The paths of cables, end to end: through patch panels, and of power on to where it comes from."""

from __future__ import annotations

from typing import NamedTuple

from clusto_core.answers.bundles import legs
from clusto_core.answers.feeding import upstream
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.errors import Refused
from clusto_core.model.things import Thing, link_order
from clusto_core.store.reader import Reader


class Way(NamedTuple):
    """The parts of a path in order, two of one device side by side; and what is assumed of it, None for nothing."""

    parts: list[Thing]
    assumed: str | None


def ways(reader: Reader, thing: Thing) -> list[Way]:
    """The path that a part is on; of a port with a breakout cable, those of its legs; of a whole Thing, those of all
    its cables. Raises Refused where there is none."""
    return [_powered(reader, path) for path in _paths(reader, thing)]


def inside(one: Thing, other: Thing) -> bool:
    """Whether the way from one part of a path to the next is through a device: a panel, or what gives power on."""
    kinds = {driver for part in (one, other) for driver in (Inlet, Outlet) if part.is_a(driver)}
    return one.entity_id == other.entity_id and (one.number == other.number or len(kinds) == 2)


def _paths(reader: Reader, thing: Thing) -> list[list[Thing]]:
    if thing.is_part:
        path = reader.trace(thing)
        if len(path) == 1 and (own := legs(reader, thing)):
            paths = [reader.trace(leg) for leg in own]
            return [path for path in paths if len(path) > 1] or paths
        if len(path) == 1:
            raise Refused(f"{thing.name} is not connected")
        return [path]
    links = sorted((link for link in reader.links_of(thing) if link.part is not None), key=link_order)
    if not links:
        raise Refused(f"no part of {thing.name} is connected")
    return [reader.trace(link.part) for link in links if link.part is not None]


def _powered(reader: Reader, path: list[Thing]) -> Way:
    """A path of power, on from the outlet at one of its ends to its source; and what is assumed on the way."""
    if path[-1].is_a(Outlet):
        above, assumed = upstream(reader, path[-1])
        return Way([*path, *above], assumed)
    if path[0].is_a(Outlet):
        above, assumed = upstream(reader, path[0])
        return Way([*reversed(above), *path], assumed)
    return Way(path, None)
