"""Ports and neighbours over SNMP that are in no list of a bridge: sockets, aggregates, odd indexes, missing tables."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from pysnmp.proto import rfc1902

from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.snmp import SnmpSettings
from clusto_cli.backends.switch import oids
from clusto_cli.backends.switch.model import PortMode, Survey, SwitchSettings, SwitchState, access_port, describe
from clusto_cli.backends.switch.opening import Opened, open_switch
from clusto_cli.backends.switch.refusal import Known, Move, reasons

from .agent import Bridge, QBridgeAgent, Quirks

T = TypeVar("T")
CHASSIS = rfc1902.OctetString(hexValue="525400000001")


def with_switch(agent: QBridgeAgent, act: Callable[[Opened], Awaitable[T]], profile: str = "", **settings: Any) -> T:
    async def whole() -> T:
        snmp = SnmpSettings("127.0.0.1", port=agent.port, community="private", timeout=0.5, max_octets=1400)
        opened = await open_switch(SwitchSettings("127.0.0.1", profile=profile, **settings), snmp)
        try:
            return await act(opened)
        finally:
            await opened.control.close()

    return asyncio.run(whole())


def all_of(agent: QBridgeAgent, profile: str = "qbridge") -> tuple[SwitchState, Survey]:
    async def look(opened: Opened) -> tuple[SwitchState, Survey]:
        return await opened.control.read(), await opened.control.survey()

    return with_switch(agent, look, profile)


def interface(agent: QBridgeAgent, index: int, name: str, kind: int | None, connector: int | None = None) -> None:
    agent.extra[(*oids.IF_NAME, index)] = rfc1902.OctetString(name)
    agent.extra[(*oids.IF_OPER_STATUS, index)] = rfc1902.Integer32(1)
    if kind is not None:
        agent.extra[(*oids.IF_TYPE, index)] = rfc1902.Integer32(kind)
    if connector is not None:
        agent.extra[(*oids.IF_CONNECTOR, index)] = rfc1902.Integer32(connector)


def neighbour(agent: QBridgeAgent, *index: int, name: str = "neighbour-a") -> None:
    agent.extra[(*oids.LLDP_REMOTE["chassis_subtype"], *index)] = rfc1902.Integer32(4)
    agent.extra[(*oids.LLDP_REMOTE["chassis"], *index)] = CHASSIS
    agent.extra[(*oids.LLDP_REMOTE["system"], *index)] = rfc1902.OctetString(name)


def test_all_that_has_a_socket_is_listed_with_what_is_written_on_it() -> None:
    with QBridgeAgent(Bridge.of(2)) as agent:
        interface(agent, 200, "mgmt0", 6, 1)
        interface(agent, 201, "swp9", 6)
        interface(agent, 202, "Trk1", 161, 1)
        interface(agent, 203, "vlan10", 136, 2)
        interface(agent, 204, "lo0", 24)
        interface(agent, 205, "console", 33, 2)
        agent.extra[(*oids.IF_STACK_STATUS, 202, 201)] = rfc1902.Integer32(1)
        agent.extra[(*oids.IF_ALIAS, 101)] = rfc1902.OctetString("web1, left")
        ports = all_of(agent)[0].ports
    assert {name: (port.mode, port.lag, port.description) for name, port in ports.items()} == {
        "swp1": (PortMode.ACCESS, None, "web1, left"),
        "swp2": (PortMode.ACCESS, None, ""),
        "mgmt0": (PortMode.ROUTED, None, ""),
        "swp9": (PortMode.ROUTED, "Trk1", ""),
    }


def test_a_member_of_an_aggregate_that_only_lldp_tells_is_found_by_its_number() -> None:
    with QBridgeAgent(Bridge({22: "22"}, Bridge.of(1).vlans, {22: 10}, offset=0)) as agent:
        interface(agent, 23, "23", None)
        agent.extra[(*oids.LLDP_LOCAL_SUBTYPE, 23)] = rfc1902.Integer32(7)
        agent.extra[(*oids.LLDP_LOCAL_ID, 23)] = rfc1902.OctetString("23")
        neighbour(agent, 0, 23, 1)
        state, survey = all_of(agent)
        assert (list(state.ports), state.ports["23"].link) == (["22", "23"], True)
        assert [(one.port, one.system) for one in survey.neighbours] == [("23", "neighbour-a")]

        async def named(opened: Opened) -> SwitchState:
            return await opened.control.read(["23"])

        assert with_switch(agent, named, "qbridge").ports["23"].mode is PortMode.ROUTED


@pytest.mark.parametrize("index", [(8,), (23, 8), (1, 2, 3, 4)])
def test_a_neighbour_with_another_index_is_one_and_on_no_port(index: tuple[int, ...]) -> None:
    with QBridgeAgent(Bridge.of(8)) as agent:
        neighbour(agent, *index)
        survey = all_of(agent)[1]
    assert [(one.port, one.system) for one in survey.neighbours] == [("", "neighbour-a")]
    assert survey.missing == ("LLDP does not say on which port neighbour-a is",)
    # And so it speaks neither for a port nor against one.
    known = Known({}, {"neighbour-a": "neighbour-a"})
    assert reasons(Move("swp4", 203, "neighbour-a:eth0"), access_port("swp4", 10), survey, known) == []


def test_neighbours_side_by_side_are_as_many_as_there_are() -> None:
    with QBridgeAgent(Bridge.of(8)) as agent:
        for port in range(1, 9):
            agent.extra[(*oids.LLDP_LOCAL_SUBTYPE, port)] = rfc1902.Integer32(5)
            agent.extra[(*oids.LLDP_LOCAL_ID, port)] = rfc1902.OctetString(f"swp{port}")
            neighbour(agent, 7, port, 1, name=f"web{port}")
        survey = all_of(agent)[1]
    assert {(one.port, one.system) for one in survey.neighbours} == {(f"swp{n}", f"web{n}") for n in range(1, 9)}
    assert survey.missing == ()


def test_foundry_without_its_own_table_is_read_and_moved_by_the_bridges() -> None:
    with QBridgeAgent(Bridge.of(8), Quirks(strict=True), identity="1.3.6.1.4.1.1991.1.3.34.1.1.1") as agent:
        agent.writable[oids.FOUNDRY_SAVE] = lambda value: None

        async def change(opened: Opened) -> str:
            from clusto_cli.backends.switch.change import carry_out, prepare

            prepared = await prepare(opened.control, [Move("swp4", 203)])
            done = await carry_out(opened.control, prepared)
            return describe(done.now.ports["swp4"])

        assert with_switch(agent, change) == "access 203"
        assert agent.bridge.vlans[203].untagged == {4}


def test_a_switch_that_tells_no_members_is_not_said_to_have_none() -> None:
    agent = QBridgeAgent(Bridge.of(2))
    lists = (oids.Q_EGRESS, oids.Q_UNTAGGED, oids.Q_CURRENT_EGRESS, oids.Q_CURRENT_UNTAGGED)
    table = agent.table
    agent.table = (
        lambda: {  # type: ignore[method-assign]
            oid: value for oid, value in table().items() if not any(oid[: len(column)] == column for column in lists)
        }
    )
    with agent:
        state = all_of(agent)[0]
    assert describe(state.ports["swp1"]) == "unknown, PVID 10 (it tells no members of VLANs over SNMP)"


def test_with_snmp_alone_a_switch_is_read_and_a_change_says_what_is_missing() -> None:
    with QBridgeAgent(Bridge.of(4), identity="1.3.6.1.4.1.2636.1.1.1.4.63.9") as agent:

        async def look(opened: Opened) -> str:
            now = await opened.control.read(["swp1"])
            assert (opened.via, describe(now.ports["swp1"])) == ("snmp", "access 10")
            with pytest.raises(Refused) as refused:
                opened.control.plan(now, {"swp1": access_port("swp1", 203)}, order=opened.control.orders[0])
            return str(refused.value)

        assert with_switch(agent, look).endswith("switch.via=ssh, with ssh.user and ssh.password or ssh.identity")
        assert with_switch(agent, look, "cumulus_nvue").startswith("Cumulus Linux takes no VLANs over SNMP")

        async def way(opened: Opened) -> str:
            return opened.via

        assert with_switch(agent, way, user="ops") == "ssh"
        with pytest.raises(DeviceError, match=r"no login for ssh is known: set ssh\.user and ssh\.password or"):
            with_switch(agent, way, via="ssh")


@pytest.mark.parametrize(
    ("identity", "description", "rows", "found"),
    [
        ("1.3.6.1.4.1.674.10895.3060", "Dell Networking N2048, 6.2.1.6, Linux", (), "dell_os6"),
        ("1.3.6.1.4.1.674.10895.3060", "a switch", oids.DELL_MODE, "dell_os6"),
        ("1.3.6.1.4.1.674.10895.3020", "PowerConnect 5448", (), ""),
        ("1.3.6.1.4.1.1916.2.268", "ExtremeXOS (X440G2) version 30.2", (), "extreme_exos"),
        ("1.3.6.1.4.1.1916.2.268", "a switch", oids.EXOS_VLAN_ID, "extreme_exos"),
        ("1.3.6.1.4.1.1916.2.303", "VSP-7400-48Y (8.1.0.0) VOSS", (), ""),
        ("1.3.6.1.4.1.1916.2.309", "Extreme SLX9540, SLX-OS 20.1", (), ""),
    ],
)
def test_kinds_below_one_number_are_told_apart_by_what_answers(
    identity: str, description: str, rows: tuple[int, ...], found: str
) -> None:
    with QBridgeAgent(Bridge.of(4), identity=identity) as agent:
        agent.extra[oids.SYS_DESCR] = rfc1902.OctetString(description)
        if rows:
            agent.extra[(*rows, 1)] = rfc1902.Integer32(1)

        async def kind(opened: Opened) -> str:
            return opened.profile.name

        if found:
            assert with_switch(agent, kind) == found
            return
        with pytest.raises(DeviceError, match=r"kind is not known .*: switch\.profile=qbridge would do"):
            with_switch(agent, kind)
