"""Numbers with units: `2kW` where watts are kept, `5min` where seconds are.

Prefixes are those of the SI brochure (9th edition, table 7) and, before bits and bytes, of IEC 80000-13.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

_DECIMAL = {"": 0, "m": -3, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12, "P": 15}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5}
_BASES = ("W", "Wh", "VA", "V", "A", "Hz", "g", "m", "J", "b", "bit", "bps", "bit/s", "B")
_BINARY_BASES = ("b", "bit", "B")
_TIMES = {"ms": Fraction(1, 1000), "s": Fraction(1), "min": Fraction(60), "h": Fraction(3600), "d": Fraction(86400)}
_MEASURE = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)[ \u00a0]?([^\W\d].*)?").fullmatch
_LONGEST = 40


def measure(text: str, unit: str) -> Fraction | None:
    """The number that a text means in a unit; None for what is no number, or one in a unit that is not of its kind."""
    match = _MEASURE(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        return None
    number, said = Fraction(match[1]), match[2]
    if said is None or said == unit:
        return number
    scales = _kind(unit)
    return number * scales[said] / scales[unit] if said in scales else None


def _kind(unit: str) -> Mapping[str, Fraction]:
    """The units of the kind of this one, with how much each is; itself alone where its kind is not known."""
    if unit in _TIMES:
        return _TIMES
    for base in _BASES:
        scales = {prefix + base: Fraction(10) ** power for prefix, power in _DECIMAL.items()}
        if base in _BINARY_BASES:
            scales |= {prefix + base: Fraction(1024) ** power for prefix, power in _BINARY.items()}
        if unit in scales:
            return scales
    return {unit: Fraction(1)}
