"""The keys that formats of import and export read and write: see `clusto_core.model.keys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEYS: Mapping[str, Mapping[str, Any]] = {
    "bmc.mac": {"type": "mac", "many": True, "no_inherit": True, "meaning": "the MAC of a management controller"},
    "classic.driver": {"type": "text", "no_inherit": True, "meaning": "the driver that it had in the classic clusto"},
    "classic.in": {"many": True, "no_inherit": True, "meaning": "places that it was in besides, in the classic clusto"},
    "classic.ip": {"many": True, "no_inherit": True, "meaning": "addresses that it shared in the classic clusto"},
    "classic.name": {"type": "text", "no_inherit": True, "meaning": "its name in the classic clusto"},
    "dns.domain": {"type": "text", "meaning": "the domain that names of machines are in, for the format hosts"},
    "mapping": {
        "type": "json",
        "on": ["SheetMap"],
        "no_inherit": True,
        "meaning": "what the columns of a spreadsheet are; written by `clusto import --save`",
    },
    "netbox.bridge": {
        "type": "text",
        "on": ["Part"],
        "no_inherit": True,
        "meaning": "the bridge of an interface in NetBox, where that is of another device",
    },
    "netbox.parent": {
        "type": "text",
        "on": ["Part"],
        "no_inherit": True,
        "meaning": "the parent of an interface in NetBox, where that is of another device",
    },
    "netbox.name": {"type": "text", "no_inherit": True, "meaning": "what NetBox calls it, where clusto could not"},
    "powerman.device": {
        "type": "text",
        "on": ["PDU"],
        "meaning": "how the PDU is reached, where that is not address and port: `/usr/bin/ssh {host} |&`",
    },
    "powerman.port": {
        "type": "integer",
        "low": 1,
        "high": 65535,
        "on": ["PDU"],
        "meaning": "the TCP port of the PDU for PowerMan: 23",
    },
    "powerman.spec": {
        "type": "text",
        "on": ["PDU"],
        "meaning": "PowerMan's specification, as `apcpdu3`; `/etc/powerman/apcpdu3.dev` is included",
    },
}
