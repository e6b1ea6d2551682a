"""The colours of pictures, in light and in dark, and which of them means what.

Every text on every paint has a contrast of at least 4.5 to 1 in both, as WCAG 2.1 asks for.
Source: https://www.w3.org/TR/WCAG21/#contrast-minimum
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from zlib import crc32

from clusto_core.drivers import Driver
from clusto_core.drivers.equipment import (
    PDU,
    Appliance,
    ConsoleServer,
    Firewall,
    LoadBalancer,
    PatchPanel,
    Router,
    Server,
    Switch,
    VirtualServer,
)


class Shades(NamedTuple):
    """A colour on a light and on a dark ground."""

    light: str
    dark: str


PAINTS: Mapping[str, Shades] = {
    "blue": Shades("#cfe3ff", "#1d3f6e"),
    "green": Shades("#cdeccd", "#1e4d2b"),
    "orange": Shades("#ffdcb3", "#663c00"),
    "violet": Shades("#e3d4ff", "#43297a"),
    "teal": Shades("#c3ece8", "#0f4a47"),
    "pink": Shades("#ffd1e8", "#6a1f4b"),
    "yellow": Shades("#fdf0a8", "#574a00"),
    "brown": Shades("#e8d9c7", "#4d3a28"),
    "red": Shades("#ffd0cc", "#6e1f1a"),
    "grey": Shades("#dfe2e6", "#3a3f45"),
    "plain": Shades("#ffffff", "#26292d"),
}
"""What a box can be filled with."""

GROUND = Shades("#f6f7f9", "#17191c")
FRAME = Shades("#eceef1", "#1c1f22")
INK = Shades("#16181b", "#f2f3f5")
FAINT = Shades("#565c64", "#a9b0b9")
LINE = Shades("#7c838c", "#7c838c")
HATCH = Shades("#b9bec5", "#565c64")
"""The strokes over what is reserved."""

OTHER = "plain"
_CHOICE = tuple(name for name in PAINTS if name not in (OTHER, "grey"))
_DRIVERS: tuple[tuple[type[Driver], str], ...] = (
    (Server, "blue"),
    (Switch, "green"),
    (Router, "teal"),
    (Firewall, "red"),
    (LoadBalancer, "pink"),
    (ConsoleServer, "violet"),
    (PDU, "orange"),
    (PatchPanel, "brown"),
    (VirtualServer, "grey"),
    (Appliance, "yellow"),
)


def of_driver(driver: type[Driver]) -> str:
    """The paint of a driver, or of the one that it is below."""
    return next((paint for known, paint in _DRIVERS if issubclass(driver, known)), OTHER)


def of_values(values: Iterable[str]) -> dict[str, str]:
    """A paint for each of some values, most often the same one for a value in every picture; `OTHER` for those for
    which none is left."""
    found: dict[str, str] = {}
    for value in sorted(set(values)):
        first = crc32(value.encode()) % len(_CHOICE)
        turned = (*_CHOICE[first:], *_CHOICE[:first])
        found[value] = next((paint for paint in turned if paint not in found.values()), OTHER)
    return found
