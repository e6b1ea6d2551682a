"""The keys of resources: see `clusto_core.model.keys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEYS: Mapping[str, Mapping[str, Any]] = {
    "cidr": {"type": "block", "on": ["Network"], "no_inherit": True, "meaning": "the addresses of a Network"},
    "vrf": {
        "type": "relation",
        "to": "VRF",
        "on": ["Network"],
        "no_inherit": True,
        "meaning": "the address space of a Network",
    },
    "gateway": {
        "type": "ip",
        "on": ["Network"],
        "many": True,
        "no_inherit": True,
        "meaning": "the way out of a Network",
    },
    "reserved": {
        "type": "span",
        "on": ["Network"],
        "many": True,
        "no_inherit": True,
        "meaning": "addresses that are given to nobody who does not ask for them by name",
    },
    "vid": {"type": "vlan", "on": ["VLAN"], "no_inherit": True, "meaning": "the id of a VLAN"},
    "pattern": {
        "type": "text",
        "on": ["NameRange"],
        "many": True,
        "no_inherit": True,
        "meaning": "the names that a NameRange gives out: server[001-999]",
    },
    "cooldown": {
        "type": "number",
        "unit": "s",
        "low": 0,
        "on": ["NameRange", "Network", "Datacenter", "Room", "Cage", "Rack"],
        "no_inherit": True,
        "meaning": "how long a name, an address or (of a place) a VLAN id that came back is not given again: 30d",
    },
}
