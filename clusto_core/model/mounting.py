"""Where equipment is in a rack: units and halves of them, at the front, at the rear, through both; how that is spelled.

A unit has four cells: its lower and upper half at the front, and at the rear. What a device takes of a unit is a sum of
cells. Halves are counted from the floor: the lower half of RU3 is 6, the upper one 7.

`RU13` is a whole unit, `RU13.0` its lower and `RU13.5` its upper half (NetBox counts positions so, too); `RU13-14` goes
from the bottom of the first to the top of the last; `/front` and `/rear` say from which side a device is mounted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from clusto_core.errors import Malformed
from clusto_core.model.things import WHOLE as WHOLE
from clusto_core.tuples import NamedTuple

FRONT, REAR = 0b0011, 0b1100
LOWER, UPPER = 0b0101, 0b1010
FACING_REAR = 0b10000
"""Beside the cells: the device is mounted from the rear."""
FACES: Mapping[str, int] = {"front": FRONT, "rear": REAR}

_HALF = r"(?P<{0}>[0-9]{{1,4}})(?P<{0}_half>\.[05])?"
_SPAN = rf"(?P<rack>[^:]+):RU{_HALF.format('low')}(?:-(?:RU)?{_HALF.format('high')})?(?:/(?P<face>front|rear))?"


class Span(NamedTuple):
    """Adjacent halves of units, from the lowest to the highest, and the side from which a device is mounted there.

    `high` is None where the lowest only is named: then a device goes as far up as it is high, and takes `usual` halves
    where that is not known. `face` is front, rear, or empty where it is not said.
    """

    rack: str
    low: int
    high: int | None
    usual: int
    face: str

    @property
    def top(self) -> int:
        """The highest half where nothing is known of the device."""
        return self.low + self.usual - 1 if self.high is None else self.high


def parse_span(text: str) -> Span | None:
    """`rack101:RU13`, `rack101:RU13-14`, `rack101:RU13.5/rear`; None for anything else. Raises Malformed for a span
    written downwards."""
    match = re.fullmatch(_SPAN, text, re.IGNORECASE)
    if match is None:
        return None
    low, high = (_halves(match[end], match[f"{end}_half"]) for end in ("low", "high"))
    if low and high and high[-1] < low[0]:
        raise Malformed(f"malformed span: {text} (the lower unit comes first)")
    return Span(match["rack"], low[0], high[-1] if high else None, len(low), (match["face"] or "").lower())


def _halves(number: str | None, half: str | None) -> list[int]:
    """The halves that an end of a span names, from below."""
    if number is None:
        return []
    lower = 2 * int(number)
    return [lower, lower + 1] if half is None else [lower + (half == ".5")]


def taken(low: int, high: int, cells: int) -> dict[int, int]:
    """By unit, what is taken of it from one half to another, of these cells (both of them halves of a unit)."""
    found = dict.fromkeys(range(low // 2, high // 2 + 1), cells)
    if low % 2:
        found[low // 2] &= UPPER | FACING_REAR
    if high % 2 == 0:
        found[high // 2] &= LOWER | FACING_REAR
    return found


def spelled_half(half: int) -> str:
    """`RU13.0` for the lower half of a unit, `RU13.5` for the upper one."""
    return f"RU{half // 2}.{5 if half % 2 else 0}"


def halves(units: Iterable[tuple[int, int]]) -> list[int]:
    """The halves that are taken, in order, of pairs of a unit and what is taken of it."""
    pairs = ((2 * number, cells) for number, cells in units)
    return sorted(low + up for low, cells in pairs for up, part in enumerate((LOWER, UPPER)) if cells & part)


def spelled(units: Iterable[tuple[int, int]]) -> str:
    """How what a device takes is written, given as pairs of a unit and what is taken of it: `RU13-14`, `RU3.5/rear`."""
    pairs = list(units)
    found = halves(pairs)
    low, high = found[0], found[-1]
    first, last = str(low // 2), str(high // 2)
    if low == high:
        text = spelled_half(low)[2:]
    elif low % 2 == 0 and high == low + 1:
        text = first
    else:
        text = first + (".5" if low % 2 else "") + f"-{last}" + ("" if high % 2 else ".0")
    return f"RU{text}{face_of(pairs[0][1], '/')}"


def face_of(cells: int, before: str) -> str:
    """`front` or `rear`, with something before it; nothing for what is mounted from the front through both."""
    if cells & FACING_REAR or not cells & FRONT:
        return f"{before}rear"
    return "" if cells & REAR else f"{before}front"


def half_of(cells: int) -> str:
    """`lower half` or `upper half`; nothing for a whole unit."""
    return "" if cells & LOWER and cells & UPPER else "upper half" if cells & UPPER else "lower half"


def aside(cells: int) -> str:
    """What a sentence adds where a whole unit is not what is taken: `, upper half, rear`."""
    if not cells:
        return ""
    half = half_of(cells)
    return (f", {half}" if half else "") + face_of(cells, ", ")


def free_runs(units: Mapping[int, int], tall: int, cells: int = WHOLE) -> Iterator[int]:
    """The lowest halves of where something so many halves high, taking these cells, fits; from below.

    `units` are a rack's, by number, each with all that is taken of it. What is a number of whole units high begins at
    the bottom of one.
    """
    free = {
        2 * unit + up
        for unit, used in units.items()
        for up, part in enumerate((LOWER, UPPER))
        if not used & cells & part
    }
    for low in sorted(free):
        if (low % 2 == 0 or tall % 2) and all(low + more in free for more in range(tall)):
            yield low
