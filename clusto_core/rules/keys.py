"""The keys that rules read, and those that device types give their parts: see `clusto_core.model.keys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clusto_core.model.interfaces import KINDS

_PARTS = ["Part"]
RETURNED = ["cables", "addresses", "vips", "pools", "position"]
"""What a Thing has that can be given back, in the order in which it is."""

KEYS: Mapping[str, Mapping[str, Any]] = {
    "deallocate.gives": {
        "type": "choice",
        "choices": RETURNED,
        "many": True,
        "meaning": "what `clusto deallocate` gives back of it, or of what is in it",
    },
    "retire.gives": {
        "type": "choice",
        "choices": RETURNED,
        "many": True,
        "meaning": "what `clusto retire` gives back of it, or of what is in it",
    },
    "retire.record": {
        "type": "choice",
        "choices": ["keep", "remove"],
        "meaning": "whether `clusto retire` keeps the record of it",
    },
    "protected": {"type": "boolean", "meaning": "nothing disrupts or removes it, or what is in it, without --force"},
    "protected.reason": {"type": "text", "meaning": "why it is protected, told to whoever would disrupt it"},
    "height": {
        "type": "rackunits",
        "on": ["Mounted"],
        "no_inherit": True,
        "meaning": "how many rack units it takes",
    },
    "full_depth": {
        "type": "boolean",
        "on": ["Mounted"],
        "no_inherit": True,
        "meaning": "it takes both faces of its rack units",
    },
    "type": {
        "type": "relation",
        "to": "DeviceType",
        "on": ["Mounted"],
        "no_inherit": True,
        "meaning": "the device type that it was made after: manufacturer/model",
    },
    "definition": {
        "type": "json",
        "on": ["DeviceType"],
        "no_inherit": True,
        "writer": "clusto import --device-type",
        "meaning": "the parts and attributes that a device type gives",
    },
    "serial": {
        "type": "text",
        "many": True,
        "no_inherit": True,
        "meaning": "the serial number, by which a Thing may be named",
    },
    "label": {
        "type": "text",
        "on": _PARTS,
        "many": True,
        "no_inherit": True,
        "meaning": "what the device itself calls the part",
    },
    "requires": {
        "type": "relation",
        "to": "Class",
        "on": ["Role"],
        "many": True,
        "no_inherit": True,
        "meaning": "the Classes that a machine must have to be in the Role",
    },
    "role": {
        "type": "relation",
        "to": "Role",
        "on": ["Service"],
        "no_inherit": True,
        "meaning": "the Role of the machines that may run the Service",
    },
    "port": {
        "type": "integer",
        "low": 1,
        "high": 65535,
        "on": ["Service", "Pool"],
        "no_inherit": True,
        "meaning": "the TCP or UDP port that it is served at",
    },
    "pool": {
        "type": "relation",
        "to": "Pool",
        "on": ["Vip"],
        "many": True,
        "no_inherit": True,
        "meaning": "the Pools of machines that serve behind the virtual address",
    },
    "service": {
        "type": "relation",
        "to": "Service",
        "on": ["Pool"],
        "no_inherit": True,
        "meaning": "what the Pool serves behind a virtual address",
    },
    "connector": {"type": "text", "on": _PARTS, "no_inherit": True, "meaning": "the type of the socket: 1000base-t"},
    "marking": {"type": "text", "on": _PARTS, "no_inherit": True, "meaning": "what is printed beside the socket"},
    "manufacturer": {"type": "text", "on": ["DeviceType"], "no_inherit": True, "meaning": "who makes the model"},
    "model": {"type": "text", "on": ["DeviceType"], "no_inherit": True, "meaning": "what its maker calls the model"},
    "kind": {
        "type": "choice",
        "choices": list(KINDS),
        "on": _PARTS,
        "no_inherit": True,
        "meaning": "what an interface is: with a socket of its own, or without",
    },
    "parent": {
        "type": "part",
        "of": ["NIC", "Port"],
        "on": _PARTS,
        "no_inherit": True,
        "meaning": "the part that a sub-interface, a leg of a breakout cable or a member of a bridge is of",
    },
    "mgmt_only": {
        "type": "boolean",
        "on": _PARTS,
        "no_inherit": True,
        "meaning": "it serves management alone: no cable and no boot file goes to it by itself",
    },
    "occupied": {
        "type": "text",
        "on": _PARTS,
        "no_inherit": True,
        "meaning": "what is in it besides the cables that are recorded: none may go in",
    },
    "module": {"type": "text", "on": _PARTS, "no_inherit": True, "meaning": "the type of the module that it is of"},
    "bay": {"type": "text", "on": _PARTS, "no_inherit": True, "meaning": "the bay that its module is in"},
    "inlet": {
        "type": "part",
        "of": ["Inlet"],
        "on": ["Outlet"],
        "many": True,
        "no_inherit": True,
        "meaning": "the inlet that feeds the outlet",
    },
    "lag": {
        "type": "part",
        "of": ["NIC", "Port"],
        "on": _PARTS,
        "no_inherit": True,
        "meaning": "the aggregate that the interface is in",
    },
    "feed_leg": {"type": "text", "on": ["Outlet"], "no_inherit": True, "meaning": "the phase that feeds the outlet"},
    "maximum_draw": {
        "type": "number",
        "unit": "W",
        "low": 0,
        "on": ["Inlet"],
        "no_inherit": True,
        "meaning": "what it draws at most",
    },
    "allocated_draw": {
        "type": "number",
        "unit": "W",
        "low": 0,
        "on": ["Inlet"],
        "no_inherit": True,
        "meaning": "what is set aside for it",
    },
}
