"""What speaks against moving a port, and how differences from a goal are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clusto_cli.backends.errors import NoSuchPort
from clusto_cli.backends.switch.change import differences
from clusto_cli.backends.switch.model import (
    Neighbour,
    PortMode,
    PortState,
    Station,
    Survey,
    SwitchState,
    access_port,
    describe,
    ranges,
)
from clusto_cli.backends.switch.names import find_port, may_mean, same_port
from clusto_cli.backends.switch.refusal import Known, Move, reasons

MOVE = Move("Gi1/0/4", 203, "server1:eth1", mac="52:54:00:00:00:01")
PORT = access_port("GigabitEthernet1/0/4", 10)
KNOWN = Known(
    {"52:54:00:00:00:01": "server1:eth1", "52:54:00:00:00:02": "server2:eth0", "52:54:00:00:00:03": "server1:eth0"},
    {"server1": "server1", "server2": "server2"},
)
NOBODY = Survey()


def only(state: PortState, survey: Survey = NOBODY, move: Move = MOVE) -> str:
    found = reasons(move, state, survey, KNOWN)
    assert len(found) == 1, found
    return found[0]


def test_a_plain_access_port_of_the_right_machine_may_be_moved() -> None:
    seen = Survey((Neighbour("Gi1/0/4", "server1.example.com", "eth1"),), (Station(MOVE.mac, "Gi1/0/4", 10),))
    assert reasons(MOVE, PORT, seen, KNOWN) == []
    assert reasons(MOVE, PORT, NOBODY, KNOWN) == []


def test_what_the_port_is() -> None:
    assert "trunk (dynamic desirable)" in only(replace(PORT, mode=PortMode.TRUNK, note="dynamic desirable"))
    assert "routed port" in only(replace(PORT, mode=PortMode.ROUTED))
    assert "cannot be told" in only(replace(PORT, mode=PortMode.UNKNOWN))
    assert "aggregate Po1" in only(replace(PORT, lag="Po1"))
    assert "VLAN 20-22 tagged" in only(replace(PORT, tagged=frozenset({20, 21, 22})))
    assert "voice VLAN 30" in only(replace(PORT, voice=30, tagged=frozenset({30})))
    assert "more than one VLAN (10,20)" in only(replace(PORT, untagged=frozenset({10, 20})))
    assert "uplink: switch9 is wired there" in only(PORT, move=replace(MOVE, uplink="switch9"))


def test_who_is_on_which_port() -> None:
    elsewhere = Survey(stations=(Station(MOVE.mac, "Gi1/0/7", 10),))
    assert "server1:eth1, 52:54:00:00:00:01, is learned on Gi1/0/7" in only(PORT, elsewhere)
    another = Survey(stations=(Station("52:54:00:00:00:02", "Gi1/0/4", 10),))
    assert "MAC address of server2:eth0, 52:54:00:00:00:02, is learned on it" in only(PORT, another)
    assert reasons(MOVE, PORT, Survey(stations=(Station("02:00:00:00:00:99", "Gi1/0/4"),)), KNOWN) == []
    announced = Survey((Neighbour("Gi1/0/4", "SERVER2.example.com"),))
    assert "server2 announces itself on it" in only(PORT, announced)
    moved = Survey((Neighbour("Gi1/0/9", "server1", "52:54", "eth1"),))
    assert "server1:eth1 announces itself over LLDP on Gi1/0/9" in only(PORT, moved)
    assert reasons(MOVE, PORT, Survey((Neighbour("Gi1/0/9", "server1", "eth0"),)), KNOWN) == []


def test_names_of_one_port() -> None:
    assert same_port("Gi1/0/4", "GigabitEthernet1/0/4")
    assert same_port("Te 0/1", "TenGigabitEthernet 0/1")
    assert not same_port("Gi1/0/4", "Te1/0/4")
    assert not same_port("Gi1/0/4", "Gi1/0/41")
    assert not same_port("4", "14")


def test_finding_a_port_by_what_the_inventory_calls_it() -> None:
    names = {10101: "Gi1/0/1", 10102: "Gi1/0/2", 10112: "Gi1/0/12", 20: "Vl2"}
    descriptions = {
        10101: "GigabitEthernet1/0/1",
        10102: "GigabitEthernet1/0/2",
        10112: "GigabitEthernet1/0/12",
        20: "Vlan2",
    }
    assert find_port("gi1/0/2", names, descriptions) == 10102
    assert find_port("GigabitEthernet1/0/12", names, descriptions) == 10112
    assert find_port("12", names, descriptions) == 10112
    with pytest.raises(NoSuchPort, match="no port called 1"):
        find_port("1", {50: "Trk1", 51: "ae1", 52: "Port-Channel1"}, {})
    with pytest.raises(NoSuchPort, match="could be any of Gi1/0/2, Vl2"):
        find_port("2", names, descriptions)
    with pytest.raises(NoSuchPort, match="no port called 9"):
        find_port("9", names, descriptions)


def test_the_pvid_alone_proves_nothing() -> None:
    goal = {"4": access_port("4", 203)}
    lying = replace(access_port("4", 10), pvid=203)
    assert differences(goal, SwitchState({"4": lying}, {})) == ["4 is untagged in 10, not 203"]
    still = replace(access_port("4", 203), tagged=frozenset({10}), mode=PortMode.TRUNK)
    assert "tagged in 10" in "; ".join(differences(goal, SwitchState({"4": still}, {})))
    assert differences(goal, SwitchState({"4": access_port("4", 203)}, {})) == []
    assert differences(goal, SwitchState({}, {})) == ["4 is gone"]


def test_descriptions() -> None:
    assert ranges(frozenset({1, 10, 11, 12, 20})) == "1,10-12,20"
    assert describe(access_port("4", 10)) == "access 10"
    assert (
        describe(PortState("4", PortMode.TRUNK, 1, frozenset({1}), frozenset({10, 11})))
        == "trunk, native 1, tagged 10-11"
    )


def test_legs_of_breakout_cables_are_found_by_both_their_numbers() -> None:
    names = {1: "Ethernet1", 2: "Ethernet49/1", 3: "Ethernet49/2", 4: "Ethernet50/1"}
    assert find_port("49/2", names, {}) == 3
    assert find_port("Ethernet50/1", names, {}) == 4
    for wanted in ("9/2", "49/3", "49", "1"):
        with pytest.raises(NoSuchPort):
            find_port(wanted, names, {})
    assert may_mean("49/1", "xe-0/0/49/1")
    assert not may_mean("49/1", "Ethernet149/1")
