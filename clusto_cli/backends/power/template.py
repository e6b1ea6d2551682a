"""Object identifiers with places for the outlet, the unit and the model.

`1.3.6.1.4.1.20677.2.6.2.{outlet+1}.0`: `{outlet}`, `{unit}` and `{model}` stand for numbers, with a constant added or
taken away, and `{outlet+1 skip 10}` for a numbering that leaves a number out (9, 11). An identifier that ends in a
number other than 0 is a column to which the row is appended; one that ends in 0 or in a place is whole.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from clusto_cli.backends.snmp import Oid

_PLACE = re.compile(r"\{(outlet|unit|model)(?:([+-])(\d+))?(?: skip (\d+))?\}")


class TemplateError(ValueError):
    """Text that is no object identifier even when its places are filled."""


class Place(NamedTuple):
    name: str
    shift: int
    skip: int | None

    def number(self, value: int) -> int:
        shifted = value + self.shift
        return shifted + 1 if self.skip is not None and shifted >= self.skip else shifted

    def value(self, number: int) -> int | None:
        """The inverse of `number`; None for the number that is left out."""
        if self.skip is not None:
            if number == self.skip:
                return None
            if number > self.skip:
                number -= 1
        return number - self.shift


class OidTemplate:
    """One template. Raises TemplateError for text that is none."""

    def __init__(self, text: str) -> None:
        parts = [_part(arc, text) for arc in re.split(r"\.(?![^{]*\})", text)]
        self.text = text
        self.parts = tuple(parts)
        self.is_column = isinstance(parts[-1], int) and parts[-1] != 0
        """Whether a row is to be appended."""
        self._whole = self.fixed if len(self.fixed) == len(parts) else None
        """The identifier of a template without places."""

    def mentions(self, name: str) -> bool:
        return any(isinstance(part, Place) and part.name == name for part in self.parts)

    @property
    def fixed(self) -> Oid:
        """What precedes the first place."""
        fixed: list[int] = []
        for part in self.parts:
            if isinstance(part, Place):
                break
            fixed.append(part)
        return tuple(fixed)

    def fill(self, *, outlet: int | None = None, unit: int | None = None, model: int | None = None) -> Oid:
        """The identifier. ValueError when a place has no number, or a negative one."""
        if self._whole is not None:
            return self._whole
        known = {"outlet": outlet, "unit": unit, "model": model}
        arcs: list[int] = []
        for part in self.parts:
            if isinstance(part, int):
                arcs.append(part)
                continue
            value = known[part.name]
            number = -1 if value is None else part.number(value)
            if number < 0:
                raise ValueError(f"no {part.name} for {self.text}")
            arcs.append(number)
        return tuple(arcs)

    def match(self, oid: Oid) -> dict[str, int] | None:
        """The numbers that `fill` would have needed to give `oid`; None when none do."""
        if len(oid) != len(self.parts):
            return None
        found: dict[str, int] = {}
        for part, arc in zip(self.parts, oid, strict=True):
            if isinstance(part, int):
                if part != arc:
                    return None
                continue
            value = part.value(arc)
            if value is None or found.setdefault(part.name, value) != value:
                return None
        return found


def _part(arc: str, text: str) -> int | Place:
    place = _PLACE.fullmatch(arc)
    if place:
        name, sign, shift, skip = place.groups()
        return Place(name, int(f"{sign or '+'}{shift or 0}"), int(skip) if skip else None)
    if arc.isdecimal():
        return int(arc)
    raise TemplateError(f"{arc!r} in {text!r} is neither a number nor {{outlet}}, {{unit}}, {{model}}")
