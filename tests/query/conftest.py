"""A small site to ask about, on each database."""

from __future__ import annotations

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key, infer
from clusto_core.rules import claims


def fill(change: Transaction) -> None:
    """Two racks with servers, fed and connected; the switch port of web3 lies behind two patch panels."""
    change.add("Datacenter", "dc1", attributes=[("snmp.community", "secret"), ("contact", "noc")])
    change.add("Datacenter", "dc2", attributes=[("contact", "other")])
    for number in (1, 2):
        change.add("Rack", f"rack{number}", parents=["dc1"], part_counts={"ru": 10})
    change.add("Rack", "rack3", parents=["dc2"], part_counts={"ru": 10})
    change.add("Pool", "web-pool", attributes=[("contact", "web team")])
    change.add("Pool", "frontend")
    change.put("web-pool", "frontend")
    change.add("Switch", "sw1", part_counts={"port": 8}, attributes=[("model", "a b (c)")])
    change.add("Switch", "sw2", part_counts={"port": 8})
    for name in ("pdu1", "pdu2"):
        change.add("PDU", name, part_counts={"outlet": 8})
    change.add("ConsoleServer", "cs1", part_counts={"consoleport": 8})
    for name in ("pp1", "pp2"):
        change.add("PatchPanel", name, part_counts={"port": 4})
    for number, status in ((1, "allocated"), (2, "spare"), (3, "spare"), (4, "broken")):
        name = f"web{number}"
        change.add("Server", name, part_counts={"nic": 2}, attributes=[("status", status), ("ram", 32 * number)])
        change.connect(name, f"rack{1 if number < 3 else 2}:RU{number}")
        change.connect(f"{name}:psu1", f"pdu1:{number}")
        if number > 1:
            change.connect(f"{name}:psu2", f"pdu2:{number}")
        change.add_values(change.resolve(f"{name}:eth0"), Key("mac"), [f"52:54:00:00:00:0{number}"])
        claims.hold(change.unit, change.resolve(f"{name}:eth0"), f"10.2.0.{number}")
    change.connect("web1:eth0", "sw1:1")
    change.connect("web1:eth1", "sw2:1")
    change.connect("web2:eth0", "sw1:2")
    change.connect("web3:eth0", "pp1:1")
    change.connect("pp1:rear1", "pp2:rear1")
    change.connect("pp2:1", "sw1:3")
    change.connect("web1:console", "cs1:1")
    change.connect("sw1", "rack1:RU9")
    for name in ("web1", "web2"):
        change.put(name, "web-pool")
    for name, text in (("web1", "2023-05-01"), ("web2", "2024-01-01"), ("web3", "2024-06-30T12:00:00Z")):
        change.add_values(change.resolve(name), Key("purchased"), [infer(text)])
    for name, values in (("web1", ["x", "y"]), ("web2", ["x"]), ("web3", [12]), ("web4", ["12"])):
        change.add_values(change.resolve(name), Key("tag"), values)
    change.add_values(change.resolve("web1"), Key("uplink"), [change.resolve("sw1")])
    change.add_values(change.resolve("sw1:1"), Key("label"), ["Gi0/1"])
    change.add("Server", "db1", attributes=[("release", "1.10")], part_counts={"nic": 1})
    change.put("db1", "rack3")


@pytest.fixture
def site(inventory: Inventory) -> Inventory:
    with inventory.change() as change:
        fill(change)
    return inventory


@pytest.fixture
def sqlite_site(sqlite_url: str) -> Inventory:
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        fill(change)
    return inventory
