"""Amounts in words: how much of what there is, is used and is free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clusto_core.resources.capacity import Amount, Capacity


class Told(NamedTuple):
    """What there is of something: what that is, in one word; the amount; and how it is said, empty where a Thing has
    nothing of it."""

    of: str
    amount: Amount
    words: str


def told(each: Capacity) -> Iterator[Told]:
    """What a Thing has of everything, always in the same order."""
    from clusto_core.resources.capacity import Amount

    highest = f", {each.runs[0]} in a row" if each.runs else ""
    yield Told("units", each.units, said(each.units) + highest if each.units.total else "")
    yield Told("watts", Amount(each.watts.limit, each.watts.used), _watts(each))
    for of, amount in (("outlets", each.outlets), ("ports", each.ports), ("addresses", each.addresses)):
        yield Told(of, amount, said(amount) if amount.total else "")
    yield Told("kg", each.weight, said(each.weight) if each.weight.total or each.weight.used else "")


def said(amount: Amount) -> str:
    """An amount: `12 of 42 free, 2 reserved`."""
    if amount.total is None:
        return f"{_figure(amount.used)} used"
    held = f", {_figure(amount.reserved)} reserved" if amount.reserved else ""
    return f"{_figure(amount.free)} of {_figure(amount.total)} free{held}"


def _watts(each: Capacity) -> str:
    watts = each.watts
    if watts.limit is None and not watts.used and not watts.unknown:
        return ""
    said = f"{_figure(watts.used)} used"
    if watts.limit is not None:
        said = f"{_figure(watts.free)} of {_figure(watts.limit)} free"
    unknown = f", {watts.unknown} unknown" if watts.unknown else ""
    return said + (f", {_figure(watts.measured)} measured" if watts.measured else "") + unknown


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:.0f}" if number == int(number) else f"{number:.1f}"
