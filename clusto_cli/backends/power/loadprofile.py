"""What a family of PDUs measures, as data: the tables `[[load]]` of its profile.

    [[load]]
    of = "outlet"                   # inlet, phase, bank, outlet
    index = "{unit}.{outlet}"       # how a row says which; without it, the last number of the row
    watts = { oid = "1.3.6...", scale = 10 }
    amperes = { oid = "1.3.6...", scale = 0.1, invalid = [65535] }
    state = { oid = "1.3.6...", codes = { 1 = "low", 2 = "ok", 3 = "near", 4 = "over" } }

An object identifier that ends in 0 is a scalar, any other a column. `last` is the number that ends the rows of this
quantity, in tables that hold all quantities one below the other; `digits` is a column of decimal digits beside it,
`exponent` one of powers of ten. `only = { oid = "1.3.6...", is = [6] }`, or several of them, leaves rows out of which a
column says something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from clusto_cli.backends.power.template import OidTemplate
from clusto_cli.backends.snmp import Value

KINDS = ("inlet", "phase", "bank", "outlet")
MOST: Mapping[str, float] = {
    "watts": 1e6,
    "volt_amperes": 1e6,
    "amperes": 2000,
    "volts": 1000,
    "power_factor": 1.05,
    "kilowatt_hours": 1e9,
    "limit_amperes": 2000,
    "warn_amperes": 2000,
    "limit_watts": 1e6,
}
"""The quantities, and what none of a rack PDU can exceed: more is no measurement."""
LIMITS = ("limit_amperes", "warn_amperes", "limit_watts")
"""Of these 0 means that none is set."""
NOTHING = frozenset({2**31 - 1, 2**32 - 1})
"""What devices say for want of a measurement, where they cannot say -1."""
_MOST_DIGITS = 9


class Quantity(NamedTuple):
    """Where one quantity is, and how much a step of its number is, in the unit that its name says."""

    oid: OidTemplate
    scale: float = 1.0
    invalid: frozenset[int] = frozenset()
    last: int | None = None
    digits: OidTemplate | None = None
    exponent: OidTemplate | None = None

    def measured(self, value: Value, digits: Value = None, exponent: Value = None) -> float | None:
        """The value in its unit; None for what marks that nothing is measured. Raises ValueError for what is no number.

        Nothing that a PDU measures is below 0: by this PDUs say that they do not.
        """
        if value is None:
            return None
        number = float(value.decode("ascii")) if isinstance(value, bytes) else _number(value)
        if number in self.invalid or number in NOTHING or number < 0:
            return None
        places = digits if isinstance(digits, int) and 0 <= digits <= _MOST_DIGITS else 0
        power = exponent if isinstance(exponent, int) and abs(exponent) <= _MOST_DIGITS else 0
        # Rounded, for a tenth is no binary fraction.
        return round(number * self.scale * float(f"1e{power - places}"), 6)

    @property
    def templates(self) -> list[OidTemplate]:
        """All that is read of it."""
        return [each for each in (self.oid, self.digits, self.exponent) if each is not None]


class Rows(NamedTuple):
    """Columns that say which number a row is, and of which unit where units are chained."""

    unit: OidTemplate | None
    number: OidTemplate


class Condition(NamedTuple):
    """A column, and what it says of the rows that are meant; a device without it means all."""

    oid: OidTemplate
    values: frozenset[int]

    def holds(self, value: Value) -> bool:
        return value is None or value in self.values


class Judgement(NamedTuple):
    """Where the device says what it thinks of a load, and what its codes mean."""

    oid: OidTemplate
    codes: Mapping[str, str]
    last: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LoadTable:
    """Loads of one kind. With `rows` columns say which number, and unit, a row is; `number` is that of scalars. Rows
    with a number above `most` are totals and the like.
    """

    of: str
    index: OidTemplate | None
    rows: Rows | None
    number: int
    most: int | None
    name: OidTemplate | None
    quantities: Mapping[str, Quantity]
    state: Judgement | None
    only: tuple[Condition, ...] = ()


def parse_loads(items: Any) -> tuple[LoadTable, ...]:
    """The tables `[[load]]`. Raises ValueError, KeyError and TypeError for what they cannot be."""
    return tuple(_table(dict(item)) for item in items)


def _table(item: dict[str, Any]) -> LoadTable:
    of = item.pop("of")
    if of not in KINDS:
        raise ValueError(f"load.of is one of {', '.join(KINDS)}, not {of!r}")
    index, rows, name, state = (item.pop(key, None) for key in ("index", "rows", "name", "state"))
    number, most = item.pop("number", 1), item.pop("most", None)
    only = item.pop("only", [])
    unknown = sorted(item.keys() - MOST)
    if unknown or not item:
        raise ValueError(f"unknown key load.{unknown[0]}" if unknown else f"load of {of} measures nothing")
    return LoadTable(
        of,
        OidTemplate(index) if index else None,
        Rows(OidTemplate(rows["unit"]) if "unit" in rows else None, OidTemplate(rows["number"])) if rows else None,
        number,
        most,
        OidTemplate(name) if name else None,
        {key: _quantity(key, value) for key, value in item.items()},
        _judgement(state) if state else None,
        tuple(map(_condition, only if isinstance(only, list) else [only])),
    )


def _quantity(key: str, item: dict[str, Any]) -> Quantity:
    _only({"oid", "scale", "invalid", "last", "digits", "exponent"}, key, item)
    digits, exponent = item.get("digits"), item.get("exponent")
    return Quantity(
        OidTemplate(item["oid"]),
        float(item.get("scale", 1)),
        frozenset(item.get("invalid", ())),
        item.get("last"),
        OidTemplate(digits) if digits else None,
        OidTemplate(exponent) if exponent else None,
    )


def _condition(item: dict[str, Any]) -> Condition:
    _only({"oid", "is"}, "only", item)
    return Condition(OidTemplate(item["oid"]), frozenset(item["is"]))


def _judgement(item: dict[str, Any]) -> Judgement:
    _only({"oid", "codes", "last"}, "state", item)
    codes = {str(code): str(words) for code, words in item["codes"].items()}
    return Judgement(OidTemplate(item["oid"]), codes, item.get("last"))


def _only(known: set[str], key: str, item: Mapping[str, Any]) -> None:
    unknown = sorted(item.keys() - known)
    if unknown:
        raise ValueError(f"unknown key load.{key}.{unknown[0]}")


def _number(value: Value) -> float:
    if not isinstance(value, int):
        raise ValueError(f"no number: {value!r}")
    return float(value)
