"""What flows through PDUs, and what that means: for a rack with its feeds, for a Thing by the outlets that it hangs on.

Watts are the device's own where it measures them. Where it measures less, what it says stands in: apparent power, or
amperes times volts; such a load is not `exact`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_cli.backends.base import LoadReading

_TRAILING = re.compile(r"[0-9]+$")
_TOTALS = ("inlet", "phase", "outlet")
"""Where a device's own total is looked for: the first of these that it measures wholly."""


class Watts(NamedTuple):
    """A load, and whether it was measured as such."""

    watts: float
    exact: bool = True


def total(loads: Iterable[Watts | None]) -> Watts | None:
    """The sum; None where one of them, or all, are not known."""
    each = list(loads)
    known = [load for load in each if load is not None]
    if not known or len(known) < len(each):
        return None
    return Watts(round(sum(load.watts for load in known), 3), all(load.exact for load in known))


def watts_of(reading: LoadReading, volts: float | None = None) -> Watts | None:
    """The load of one reading; `volts` are those of its device, where it has none of its own."""
    values = reading.values
    if "watts" in values:
        return Watts(values["watts"])
    factor = values.get("power_factor", 1.0)
    if "volt_amperes" in values:
        return Watts(values["volt_amperes"] * factor, False)
    amperes, own = values.get("amperes"), values.get("volts", volts)
    if amperes is None or (own is None and amperes):
        return None
    return Watts(amperes * (own or 0.0) * factor, False)


@dataclass(frozen=True, slots=True)
class PduLoad:
    """What one PDU measures; why nothing is known of it in `failure`. `rating` is what the inventory says that it may
    carry, in watts.
    """

    name: str
    readings: Sequence[LoadReading] = ()
    failure: str | None = None
    refused: bool = False
    rating: float | None = None

    @property
    def volts(self) -> float | None:
        """The mean of what it measures at its inlets and phases."""
        measured = [each.values["volts"] for each in self.readings if each.of != "outlet" and "volts" in each.values]
        return sum(measured) / len(measured) if measured else None

    @property
    def load(self) -> Watts | None:
        for of in _TOTALS:
            found = total(watts_of(each, self.volts) for each in self.of(of))
            if found is not None:
                return found
        return None

    @property
    def limit(self) -> float | None:
        """What it may carry, in watts: the least of what it says itself and what the inventory says."""
        known = [limit for limit in (self._own_limit, self.rating) if limit is not None]
        return min(known) if known else None

    @property
    def _own_limit(self) -> float | None:
        for of in _TOTALS[:2]:
            limits = [_limit(each, self.volts) for each in self.of(of)]
            known = [limit for limit in limits if limit is not None]
            if limits and len(known) == len(limits):
                return round(sum(known), 3)
        return None

    @property
    def kilowatt_hours(self) -> float | None:
        for of in _TOTALS[:2]:
            known = [each.values["kilowatt_hours"] for each in self.of(of) if "kilowatt_hours" in each.values]
            if known:
                return round(sum(known), 3)
        return None

    @property
    def states(self) -> list[str]:
        """What is not as it should be, in the device's own judgement: `phase 1 near`."""
        judged = [each for each in self.readings if each.state not in (None, "ok", "low", "off")]
        return [f"{each.of} {each.name} {each.state}" for each in judged]

    @property
    def notes(self) -> list[str]:
        return [f"{each.of} {each.name}: {note}" for each in self.readings for note in each.notes]

    def of(self, kind: str) -> list[LoadReading]:
        return [each for each in self.readings if each.of == kind]

    def outlet(self, name: str) -> LoadReading | None:
        """The outlet that the inventory calls so: by its name, else by the number that only one's ends in."""
        outlets = self.of("outlet")
        exact = [each for each in outlets if each.name.lower() == name.lower()]
        found = exact or [each for each in outlets if (last := _TRAILING.search(each.name)) and last[0] == name]
        return found[0] if len(found) == 1 else None


def _limit(reading: LoadReading, volts: float | None) -> float | None:
    values = reading.values
    if "limit_watts" in values:
        return values["limit_watts"]
    own = values.get("volts", volts)
    return values["limit_amperes"] * own if "limit_amperes" in values and own is not None else None


@dataclass(slots=True)
class FeedLoad:
    """One feed of a rack: the PDUs on it."""

    feed: str
    pdus: list[PduLoad] = field(default_factory=list)

    @property
    def load(self) -> Watts | None:
        """The sum of what is known of its PDUs."""
        return total(each.load for each in self.pdus if each.load is not None)

    @property
    def limit(self) -> float | None:
        limits = [each.limit for each in self.pdus]
        known = [limit for limit in limits if limit is not None]
        return sum(known) if limits and len(known) == len(limits) else None

    @property
    def partial(self) -> bool:
        """Whether the load of some PDU is not known."""
        return any(each.load is None for each in self.pdus)
