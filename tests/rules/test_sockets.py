"""What a cable may go into: sockets, and of those never by themselves what serves management alone or is occupied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model import interfaces
from tests.conftest import Run

NAMED = {
    "lag": ["bond0", "team1", "Po1", "port-channel10", "Port-Channel1", "Bundle-Ether1", "ae0", "lag1", "Trk1"],
    "vlan": ["vlan10", "Vlan1", "irb10", "BVI5", "vlan-20", "Vlanif3"],
    "bridge": ["br0", "br-lan", "virbr0", "vmbr1", "docker0"],
    "wireless": ["wlan0", "wlp3s0", "Cellular0", "wwan0"],
    "virtual": ["lo", "lo0", "Loopback0", "tun0", "wg0", "nve1", "Tunnel5", "Null0", "veth1"],
    "": [
        *("eth0", "eno1", "enp3s0f1", "em1", "p1p1", "1", "49", "49/1", "A1", "Gi1/0/1", "GigabitEthernet0/4", "swp1"),
        *("xe-0/0/0:1", "port1.0.4", "Ethernet49/1", "te1/1/1", "mgmt", "bmc", "LAN", "Vlasta", "trunkport", "lobby1"),
    ],
}
CONNECTORS = {
    "virtual": ["virtual"],
    "lag": ["lag"],
    "bridge": ["bridge"],
    "wireless": ["ieee802.11a", "ieee802.11ax", "ieee802.15.1", "other-wireless", "lte", "5g"],
    "": ["1000base-t", "10gbase-x-sfpp", "other", "e1", "100gbase-x-qsfp28"],
}
MANAGEMENT = ["mgmt", "mgmt0", "Management1", "bmc", "BMC", "iDRAC", "idrac9", "iLO", "ilo5", "ipmi", "IPMI0", "oob"]
MANAGEMENT += ["MgmtEth0/RP0/CPU0/0", "fxp0", "vme", "me0", "xcc", "CIMC", "irmc"]
DATA = ["eth0", "lo", "1", "melody1", "ilobyte", "em1", "mgmtx", "bmcast0", "memory1", "oobla"]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMED.items() for name in names])
def test_names_tell_what_an_interface_is(kind: str, name: str) -> None:
    assert interfaces.kind_of_name(name) == kind


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in CONNECTORS.items() for name in names])
def test_connectors_tell_what_an_interface_is(kind: str, name: str) -> None:
    assert interfaces.kind_of_connector(name) == kind


def test_names_tell_what_serves_management() -> None:
    assert [name for name in MANAGEMENT if not interfaces.is_management_name(name)] == []
    assert [name for name in DATA if interfaces.is_management_name(name)] == []


def test_what_is_said_goes_before_what_the_name_tells() -> None:
    said = interfaces.Interface(kind="physical", connector="lag", mgmt_only="false", occupied="")
    assert interfaces.kind("bond0", said, lambda name: True) == "physical"
    assert not interfaces.is_management("bmc", said)
    by_connector = interfaces.Interface("", "1000base-t", "", "")
    assert interfaces.kind("bond0", by_connector, lambda name: True) == "physical"
    assert interfaces.kind("bond0", by_connector._replace(connector="other"), lambda name: True) == "lag"


def test_a_sub_interface_has_its_interface_beside_it() -> None:
    nothing = interfaces.said(())
    assert interfaces.kind("eth0.100", nothing, {"eth0"}.__contains__) == "sub"
    assert interfaces.kind("port1.0.4", nothing, {"eth0"}.__contains__) == "physical"


@pytest.fixture
def room(clusto: Run) -> Run:
    clusto("add", "Server", "srv[1-2]", "--parts", "nic=bmc,bond0,br0,eth0,eth0.100,wlan0")
    clusto("add", "Switch", "sw1", "--parts", "port=Po1,Vlan1,[1-3],ae0,nic=mgmt")
    clusto("add", "PDU", "pdu1")
    return clusto


WITHOUT = ["bond0", "br0", "eth0.100", "wlan0"]


@pytest.mark.parametrize("part", WITHOUT)
def test_what_has_no_socket_takes_no_cable(room: Run, part: str) -> None:
    refused = room("connect", f"srv1:{part}", "sw1:1")
    assert refused.code == 4
    assert f"srv1:{part} is a" in refused.err
    assert room("attr", "set", "kind", "physical", "-t", f"srv1:{part}").code == 0
    assert room("connect", f"srv1:{part}", "sw1:1").code == 0


def test_a_thing_stands_for_a_part_with_a_free_socket_for_data(room: Run) -> None:
    room("attr", "set", "occupied", "circuit C-1", "-t", "sw1:1")
    assert room("connect", "srv1", "sw1").out == "connected srv1:eth0 to sw1:2\n"
    again = room("connect", "srv1", "sw1")
    assert (again.code, again.err.count("srv1 has no free NIC (for management, to be named: srv1:bmc)")) == (4, 1)
    assert room("connect", "srv1:bmc", "sw1").out == "connected srv1:bmc to sw1:3\n"
    full = room("connect", "srv2", "sw1")
    assert (full.code, "sw1 has no free port" in full.err) == (4, True)
    assert room("connect", "srv2:eth0", "sw1:1").err == (
        "clusto: error: sw1:1 is occupied: circuit C-1 (clusto attr del occupied -t sw1:1 when it is not)\n"
    )
    assert room("find", "driver:Port and haskey(occupied)").out == "sw1:1\n"
    assert "occupied: circuit C-1" in room("show", "sw1").out
    room("attr", "del", "occupied", "-t", "sw1:1")
    assert room("connect", "srv2", "sw1").out == "connected srv2:eth0 to sw1:1\n"


def test_what_takes_no_cable_is_not_free(room: Run) -> None:
    room("attr", "set", "occupied", "circuit C-1", "-t", "sw1:1")
    assert room("free", "sw1", "-o", "names").out.split()[:3] == ["sw1:2", "sw1:3", "sw1:console"]


def test_what_is_occupied_is_so_for_every_kind_of_part(room: Run) -> None:
    room("attr", "set", "occupied", "marked connected", "-t", "pdu1:1", "-t", "srv1:psu1")
    assert room("connect", "srv1", "pdu1").out == "connected srv1:psu2 to pdu1:2\n"
    assert room("connect", "srv1:psu1", "pdu1:3").code == 4
    assert room("connect", "srv2:psu1", "pdu1:1").code == 4


def test_between_equipment_and_a_pdu_it_is_power(room: Run) -> None:
    assert room("connect", "srv1", "pdu1").out == "connected srv1:psu1 to pdu1:1\n"
    room("add", "NIC", "pdu1:lan")
    assert room("connect", "pdu1", "srv1").out == "connected pdu1:2 to srv1:psu2\n"
    assert room("connect", "pdu1", "sw1", "--kind", "network").out == "connected pdu1:lan to sw1:1\n"
    assert room("connect", "pdu1", "sw1", "--kind", "network").code == 4


def test_no_machine_boots_from_management_or_from_software(room: Run) -> None:
    for number, part in enumerate(["bmc", "bond0", "eth0"]):
        room("attr", "set", "mac", f"52:54:00:00:00:0{number}", "-t", f"srv1:{part}")
    exported = room("export", "--format", "dnsmasq").out
    assert [line for line in exported.splitlines() if line.startswith("dhcp-host")] == [
        "dhcp-host=52:54:00:00:00:02,srv1"
    ]


def test_a_part_in_use_keeps_its_socket(room: Run) -> None:
    room("connect", "srv1:eth0", "sw1:1")
    for key, value in (("kind", "lag"), ("connector", "virtual")):
        refused = room("attr", "set", key, value, "-t", "srv1:eth0")
        assert (refused.code, "has a cable in it" in refused.err) == (4, True)
    assert room("attr", "set", "kind", "leg", "-t", "srv1:eth0").code == 0


WRONG = {
    "kind": ("sideways", "kind of s1:eth0 is one of physical, leg, sub, vlan"),
    "mgmt_only": ("perhaps", "mgmt_only of s1:eth0 is true or false"),
}


@pytest.mark.parametrize("key", WRONG)
def test_no_way_in_takes_what_a_key_of_parts_cannot_have(clusto: Run, tmp_path: Path, key: str) -> None:
    value, message = WRONG[key]
    clusto("add", "Server", "s1")
    (tmp_path / "x.jsonl").write_text(json.dumps({"name": "s1", "part_attrs": {"eth0": {key: value}}}))
    for words in (["attr", "set", key, value, "-t", "s1:eth0"], ["import", str(tmp_path / "x.jsonl")]):
        refused = clusto(*words)
        assert (refused.code, message in refused.err) == (2, True), refused.err
    added = clusto("add", "NIC", "s1:eth9", "--attr", f"{key}={value}")
    assert (added.code, message.replace("eth0", "eth9") in added.err) == (2, True), added.err


def test_a_parent_is_a_part_of_the_same_owner_and_follows_its_name(sqlite_url: str, room: Run, tmp_path: Path) -> None:
    assert room("attr", "set", "parent", "@srv2:eth0", "-t", "srv1:bond0").code == 4
    assert room("attr", "set", "parent", "@srv1:bond0", "-t", "srv1:bond0").code == 4
    document = {"name": "srv1", "part_attrs": {"eth0.100": {"parent": {"ref": "srv1:eth0"}}}}
    (tmp_path / "x.jsonl").write_text(json.dumps(document))
    assert room("import", str(tmp_path / "x.jsonl")).code == 0
    room("rename", "srv1:eth0", "eno1")
    room("rename", "srv1", "srv9")
    assert room("attr", "get", "parent", "-t", "srv9:eth0.100").out == "@srv9:eno1\n"
    assert room("remove", "--yes", "srv9:eno1").code == 4
    exported = tmp_path / "site.jsonl"
    exported.write_text(room("export", "--format", "jsonl").out)
    with Inventory(Settings(f"sqlite:///{tmp_path}/other.db")).change() as change:
        assert change.unit.get("srv9") is None
    other = room("--db", f"sqlite:///{tmp_path}/other.db", "import", str(exported))
    assert other.code == 0
    assert room("--db", f"sqlite:///{tmp_path}/other.db", "export", "--format", "jsonl").out == exported.read_text()
    assert room("remove", "--yes", "srv9").code == 0
