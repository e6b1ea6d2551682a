"""A PDU as it reports itself, beside what the inventory says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from clusto_cli.backends.base import OutletReading
from clusto_cli.backends.runner import Interruption, enter, run
from clusto_cli.power.labels import Labels
from clusto_cli.power.targets import pdu_plan
from clusto_core.answers.power import fed_from, outlet_names
from clusto_core.drivers.parts import Outlet
from clusto_core.errors import Refused
from clusto_core.model.things import Thing
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Row:
    """One outlet: as the device has it, as the inventory has it, and how the two differ."""

    outlet: str
    state: str | None
    label: str | None
    warnings: tuple[str, ...]
    part: str | None
    feeds: tuple[str, ...]
    difference: str | None

    @property
    def line(self) -> str:
        label = f'"{self.label}"' if self.label else "-"
        text = f"{self.outlet:<6}  {self.state or '-':<8}  {label:<24}  {', '.join(self.feeds) or '-':<24}"
        notes = [*self.warnings, *([f"! {self.difference}"] if self.difference else [])]
        return f"{text}  {'; '.join(notes)}".rstrip()

    @property
    def record(self) -> dict[str, Any]:
        return {
            "name": self.outlet,
            "state": self.state,
            "label": self.label,
            "warnings": list(self.warnings),
            "part": self.part,
            "feeds": list(self.feeds),
            "difference": self.difference,
        }


def compare(reader: Reader, pdu: Thing) -> list[Row]:
    """A row an outlet of either side. Raises Refused for what has no outlets, DeviceError."""
    parts = [part for part in reader.parts(pdu.id) if part.is_a(Outlet)]
    if pdu.is_part or not parts:
        raise Refused(f"{pdu.name} has no outlets in the inventory")
    plan = pdu_plan(reader, pdu)

    async def main(interruption: Interruption) -> list[OutletReading]:
        async with AsyncExitStack() as stack:
            control = await enter(stack, plan.control(pdu.name))
            return await interruption.within(control.outlets())

    reported, _ = run(main)
    feeds = fed_from(reader, pdu)
    labels = Labels(reader)
    found = parts_meant(reader, parts, reported)
    rows = [_row(reading, found.get(reading.outlet), feeds, labels) for reading in reported]
    called = outlet_names(reader, parts)
    there = {part.id for part in found.values()}
    for part in sorted((each for each in parts if each.id not in there), key=lambda each: natural_key(called[each.id])):
        fed = tuple(inlet.name for inlet in feeds.get(part.id, ()))
        rows.append(Row(called[part.id], None, None, (), part.name, fed, "the device has no such outlet"))
    return rows


def parts_meant(reader: Reader, parts: Sequence[Thing], reported: Sequence[OutletReading]) -> dict[str, Thing]:
    """Which part of the inventory each outlet that a device reports is, by the device's name for it."""
    called = outlet_names(reader, parts)
    recorded = {called[part.id]: part for part in parts}
    short = _numbers(reported)
    found = {}
    for reading in reported:
        part = recorded.pop(reading.outlet, None) or recorded.pop(short.get(reading.outlet, ""), None)
        if part is not None:
            found[reading.outlet] = part
    return found


def _numbers(readings: Sequence[OutletReading]) -> dict[str, str]:
    """The number that an outlet's name ends in (AA7, 1.2.7), where no other's ends in the same."""
    numbers = {reading.outlet: match[0] for reading in readings if (match := re.search(r"[0-9]+$", reading.outlet))}
    counts = Counter(numbers.values())
    return {outlet: number for outlet, number in numbers.items() if counts[number] == 1}


def _row(reading: OutletReading, part: Thing | None, feeds: dict[int, list[Thing]], labels: Labels) -> Row:
    inlets = feeds.get(part.id, []) if part is not None else []
    named = labels.named(reading.label) if reading.label else None
    difference = None
    if part is None:
        difference = "the inventory has no such outlet"
    elif inlets:
        difference = labels.other_than(inlets[0].owner_name, reading.label)
    elif named is not None:
        difference = f"its label names {named.name}, and no cable is recorded"
    return Row(
        reading.outlet,
        str(reading.relay),
        reading.label,
        tuple(text for _, text in reading.concerns),
        part.name if part is not None else None,
        tuple(inlet.name for inlet in inlets),
        difference,
    )
