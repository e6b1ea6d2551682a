"""Breakouts: an interface that one cable joins to several others has a leg for each, and the legs are in the cable."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.drivers.parts import NIC, Port
from clusto_core.transfer.netbox.dump import Reference
from clusto_core.transfer.netbox.translation import MadePart, Translation


def splits(part: MadePart) -> bool:
    """Whether a part can have legs."""
    return issubclass(part.driver, NIC | Port)


def legs(translation: Translation, port: Reference, numbers: Iterable[int]) -> list[MadePart]:
    """The legs of an interface with these numbers: its channels where NetBox has them (4.7), else made for it."""
    whole = translation.parts[port][0]
    channels = _channels(translation, port)
    return [channels.get(number) or _leg(translation, port, whole, number) for number in numbers]


def _channels(translation: Translation, port: Reference) -> dict[int, MadePart]:
    return {
        int(row["channel_id"]): part
        for pk, row in translation.children(port.model).get(port.pk, {}).items()
        for part in translation.parts.get(Reference(port.model, pk), ())
        if row.get("channel_id")
    }


def _leg(translation: Translation, port: Reference, whole: MadePart, number: int) -> MadePart:
    leg = MadePart(whole.owner, f"{whole.name}/{number}", whole.driver)
    if translation.more_parts(leg, f"{port.pk}/{number}", port.model):
        attrs = {"kind": "leg", "parent": {"ref": f"{whole.owner}:{whole.name}"}}
        translation.part_attrs(leg.owner, leg.name, attrs)
    return leg
