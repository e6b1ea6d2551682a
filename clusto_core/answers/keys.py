"""The keys that the questions of verbs read: see `clusto_core.model.keys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEYS: Mapping[str, Mapping[str, Any]] = {
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
