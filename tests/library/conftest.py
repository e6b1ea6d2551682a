"""An inventory as the library opens it, with a small wired site in it, on each database in turn."""

from __future__ import annotations

import pytest

import clusto_core
from clusto_core import Inventory


@pytest.fixture
def site(store_url: str) -> Inventory:
    """Two racks with a switch, a PDU, a console server and servers; a network, names, a pool, a service."""
    inventory = clusto_core.open(store_url)
    with inventory.change("site") as change:
        fill(change)
    return inventory


def fill(change: clusto_core.Change) -> None:
    """Writes the site."""
    change.add("Datacenter", "dc1", attrs={"snmp.community": "env:CLUSTO_COMMUNITY", "ntp": ["a", "b"], "owner": "ops"})
    for name in ("rack1", "rack2"):
        change.add("Rack", name, inside="dc1", attrs={"row": 1})
    change.add("Switch", "sw1", at="rack1:RU40")
    change.add("PDU", "pdu1", inside="rack1", attrs={"height": 0})
    change.add("ConsoleServer", "cs1", at="rack1:RU41")
    change.add("Pool", "web", attrs={"owner": "web team"})
    change.add("Network", "net1", attrs={"cidr": "10.0.0.0/24"})
    change.add("NameRange", "names", attrs={"pattern": "n[01-99]"})
    for number in range(1, 7):
        rack = f"rack{1 + number % 2}"
        attrs = {"status": "spare", "ram": 32 * number, "tag": ["x", "y"] if number == 1 else "x"}
        change.add("Server", f"s{number}", at=f"{rack}:RU{number}", attrs=attrs)
    s1 = change["s1"]
    s1.put("web")
    for own, other in (("eth0", "sw1:1"), ("psu1", "pdu1:1"), ("console", "cs1:1")):
        s1.parts[own].connect(other)
    change.add("PatchPanel", "pp1", at="rack1:RU39")
    change.connect("s2:eth0", "pp1:1")
    change["pp1"].parts["rear1"].connect("sw1:2")
