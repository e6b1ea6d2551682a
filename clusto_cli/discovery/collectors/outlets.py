"""What somebody wrote on the outlets of a PDU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from clusto_cli.backends.base import OutletReading, PowerControl
from clusto_cli.discovery.evidence import Label
from clusto_cli.visible import one_line

LONGEST = 200


async def labels(
    at: str, control: PowerControl, parts: Callable[[Sequence[OutletReading]], Mapping[str, str]]
) -> tuple[list[str], list[Label]]:
    """The outlets of an adapter that is entered, and their labels. Raises DeviceError.

    parts: the names in the inventory of outlets, by what the device calls them.
    """
    readings: Sequence[OutletReading] = await control.outlets()
    called = parts(readings)
    told = ((each.outlet, one_line(each.label or "")[:LONGEST]) for each in readings)
    found = [Label(at, outlet, text, called.get(outlet, "")) for outlet, text in told if text]
    return [each.outlet for each in readings], found
