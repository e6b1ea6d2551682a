"""What a picture shows, as plain data: elevations of racks, paths of cables, trees, bars, and what the colours mean.

Nothing here knows the inventory, a size or a format. A `paint` is a name of `palette.PAINTS`; a `link` is where a name
leads to, None for nowhere. All texts are as they are: templates escape them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Link = Callable[[str], str | None]
"""Where the name of a Thing leads to; None for nowhere."""


def nowhere(name: str) -> None:
    """The link of pictures that stand alone."""


class Device(NamedTuple):
    """A piece of equipment: `told` are lines about it, `inside` what stands in it, `held` whether it is reserved."""

    name: str
    paint: str
    link: str | None
    told: tuple[str, ...] = ()
    held: bool = False
    inside: tuple[Device, ...] = ()


class Mounted(NamedTuple):
    """A device in adjacent halves of rack units, from the lowest to the highest (see `model.mounting`: 6 is the lower
    half of RU3)."""

    device: Device
    low: int
    high: int


class Kept(NamedTuple):
    """A rack unit that is reserved, and the words about it."""

    unit: int
    told: str


class Face(NamedTuple):
    """One side of a rack: front or rear."""

    name: str
    mounted: tuple[Mounted, ...]


class Elevation(NamedTuple):
    """A rack: the numbers of its units, its faces, what is in it without a position, which units are reserved; `row`
    says which racks stand beside each other."""

    name: str
    link: str | None
    units: tuple[int, ...]
    faces: tuple[Face, ...]
    beside: tuple[Device, ...]
    kept: tuple[Kept, ...]
    told: str
    row: str = ""


class Station(NamedTuple):
    """Equipment that a path comes to, and the parts by which it goes through or ends there."""

    device: Device
    parts: tuple[str, ...]


class Cable(NamedTuple):
    """What leads from one station to the next: its sort, what is written on it, the colour of its sheath (`#rrggbb`,
    empty where that is not known)."""

    kind: str
    label: str
    colour: str
    told: tuple[str, ...] = ()


class Path(NamedTuple):
    """Stations, and the cables between each and the next."""

    stations: tuple[Station, ...]
    cables: tuple[Cable, ...]


class Node(NamedTuple):
    """A device in a tree, how it hangs on the one above, and what hangs on it."""

    device: Device
    by: str
    below: tuple[Node, ...] = ()


class Bar(NamedTuple):
    """How much of something there is: `total` None where nobody said it; `words` say it."""

    of: str
    total: float | None
    used: float
    reserved: float
    words: str


class Bars(NamedTuple):
    """The bars of one Thing."""

    name: str
    link: str | None
    bars: tuple[Bar, ...]


class Meaning(NamedTuple):
    """What a paint means, in words; or what the strokes over it do, where it is `held`."""

    paint: str
    words: str
    held: bool = False


class Picture(NamedTuple):
    """A whole picture."""

    title: str
    elevations: tuple[Elevation, ...] = ()
    paths: tuple[Path, ...] = ()
    trees: tuple[Node, ...] = ()
    bars: tuple[Bars, ...] = ()
    legend: tuple[Meaning, ...] = ()
