"""The keys that the questions of verbs read: see `clusto_core.model.keys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _told(meaning: str) -> dict[str, Any]:
    """What machines say of themselves, and people have in spellings of their own."""
    return {"type": "any", "no_inherit": True, "meaning": meaning}


_HARDWARE: Mapping[str, Mapping[str, Any]] = {
    "memory": _told("all of a machine's memory, in GiB"),
    "memory.slot": _told("of a memory module: where it is"),
    "memory.size": _told("of a memory module: its size in GiB"),
    "memory.model": _told("of a memory module: its part number"),
    "memory.serial": _told("of a memory module: its serial number"),
    "cpu.slot": _told("of a processor: its socket"),
    "cpu.model": _told("of a processor: what its maker calls it"),
    "cpu.cores": _told("of a processor: how many cores it has"),
    "cpu.threads": _told("of a processor: how many threads it runs at once"),
    "cpu.serial": _told("of a processor: its serial number"),
    "disk.slot": _told("of a disk: its bay"),
    "disk.model": _told("of a disk: what its maker calls it"),
    "disk.serial": _told("of a disk: its serial number"),
    "disk.size": _told("of a disk: its size in GB"),
    "disk.kind": _told("of a disk: HDD, SSD"),
    "card.slot": _told("of a network card: where it is"),
    "card.model": _told("of a network card: what its maker calls it"),
    "card.serial": _told("of a network card: its serial number"),
}

_CABLE: Mapping[str, Mapping[str, Any]] = {
    f"cable.{word}": {"type": "any", "on": ["Part"], "no_inherit": True, "meaning": f"{meaning} of the cable in it"}
    for word, meaning in {
        "color": "the colour",
        "description": "a description",
        "label": "the label",
        "length": "the length, with its unit",
        "status": "the state, where it is not simply connected",
        "type": "the type",
    }.items()
}
"""What pictures and imports tell of the cable at a part."""

KEYS: Mapping[str, Mapping[str, Any]] = {
    **_HARDWARE,
    "row": {"type": "any", "meaning": "the row that a rack stands in, beside each other in a picture of its room"},
    **_CABLE,
    "mac": {"type": "mac", "many": True, "no_inherit": True, "meaning": "the MAC addresses of a card"},
    "vlan": {
        "type": "any",
        "on": ["NIC", "Port", "Network"],
        "many": True,
        "no_inherit": True,
        "meaning": "the VLAN of a Network, or that a card is meant to be in: a VLAN, or its id",
    },
    "feed": {"type": "text", "on": ["PDU"], "meaning": "the letter of the feed that a PDU is on: A, B"},
    "draw": {
        "type": "number",
        "unit": "W",
        "low": 0,
        "no_inherit": True,
        "meaning": "what it draws, as the site has measured or planned it",
    },
    "draw.nameplate": {
        "type": "number",
        "unit": "W",
        "low": 0,
        "no_inherit": True,
        "meaning": "what it draws at most, as is printed on it",
    },
    "draw.measured": {
        "type": "number",
        "unit": "W",
        "low": 0,
        "no_inherit": True,
        "meaning": "what it was found to draw",
    },
    "draw.measured_at": {
        "type": "date",
        "no_inherit": True,
        "meaning": "when it was found to draw that",
    },
    "rating": {
        "type": "number",
        "unit": "W",
        "low": 0,
        "on": ["Mounted", "Rack", "Room", "Cage", "Datacenter", "Inlet", "Outlet"],
        "no_inherit": True,
        "meaning": "what it may give on, or take, at most",
    },
    "weight": {
        "type": "number",
        "unit": "kg",
        "low": 0,
        "on": ["Mounted", "Rack"],
        "no_inherit": True,
        "meaning": "what it weighs; of a rack, empty",
    },
    "max_weight": {
        "type": "number",
        "unit": "kg",
        "low": 0,
        "on": ["Rack"],
        "no_inherit": True,
        "meaning": "what a rack carries",
    },
    "depth": {
        "type": "number",
        "unit": "mm",
        "low": 0,
        "on": ["Mounted", "Rack"],
        "no_inherit": True,
        "meaning": "how deep it is; of a rack, how deep what is in it may be",
    },
    "power.outlet": {
        "type": "text",
        "on": ["Outlet"],
        "no_inherit": True,
        "meaning": "what the device calls the outlet",
    },
}
