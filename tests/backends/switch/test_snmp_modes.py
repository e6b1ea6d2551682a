"""Every profile that is read over SNMP, with a port in each mode, on agents that keep them as the platform does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pysnmp.proto import rfc1902

from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings
from clusto_cli.backends.switch import oids, profiles
from clusto_cli.backends.switch.model import PortMode, PortState, SwitchState, describe
from clusto_cli.backends.switch.snmp_switch import SnmpSwitch

from .agent import Bridge, QBridgeAgent, Vlan
from .devicetext import ACCESS, CLOSED, EXPECTED, HYBRID, LAYER3, MEMBER, SHUT, TRUNK, UNUSED, VOICE, state
from .test_snmp_tables import Cisco

KINDS = (ACCESS, TRUNK, CLOSED, HYBRID, SHUT, UNUSED)
SNMP = {name: rules for name in profiles.names() if (rules := profiles.load(name).snmp) is not None}


def number(value: int) -> Any:
    return rfc1902.Integer32(value)


def bridge() -> Bridge:
    """A bridge port for each of KINDS, from 1 on."""
    made = Bridge({}, {vlan: Vlan(f"vlan{vlan}") for vlan in (1, 10, 20, 21, 30, 99)}, {})
    for port, kind in enumerate(KINDS, 1):
        wanted = EXPECTED[kind]
        made.ports[port], made.pvid[port], made.link[port] = f"swp{port}", wanted.pvid or 1, kind != SHUT
        for vlan in wanted.untagged | wanted.tagged:
            made.vlans[vlan].egress.add(port)
        for vlan in wanted.untagged:
            made.vlans[vlan].untagged.add(port)
    return made


def with_modes(column: tuple[int, ...], numbers: dict[PortMode, int], offset: int) -> Callable[[QBridgeAgent], None]:
    def add(agent: QBridgeAgent) -> None:
        for port, kind in enumerate(KINDS, 1):
            agent.extra[(*column, port + offset)] = number(numbers[EXPECTED[kind].mode])

    return add


def with_member_rows(agent: QBridgeAgent) -> None:
    for vlan, one in agent.bridge.vlans.items():
        for port in one.egress:
            how = 2 if port in one.untagged else 1
            agent.extra[(*oids.FOUNDRY_TAG_MODE, vlan, port + agent.bridge.offset)] = number(how)


OWN: dict[str, Callable[[QBridgeAgent], None]] = {
    "delln": with_modes(oids.DELL_MODE, {PortMode.ACCESS: 1, PortMode.TRUNK: 2, PortMode.HYBRID: 3}, 0),
    "ciscosb": with_modes(oids.SB_MODE, {PortMode.ACCESS: 11, PortMode.TRUNK: 12, PortMode.HYBRID: 10}, 100),
    "comware": with_modes(oids.H3C_MODE, {PortMode.ACCESS: 2, PortMode.TRUNK: 1, PortMode.HYBRID: 3}, 100),
    "foundry": with_member_rows,
}


def read(agent: QBridgeAgent, name: str) -> SwitchState:
    async def whole() -> SwitchState:
        settings = SnmpSettings("127.0.0.1", port=agent.port, timeout=0.5, max_octets=1400)
        control = SnmpSwitch(profiles.load(name), SNMP[name], SnmpDevice(settings))
        try:
            return await control.read()
        finally:
            await control.close()

    return asyncio.run(whole())


def plain(port: PortState) -> PortState:
    return replace(port, name="", note="", description="", link=None)


@pytest.mark.parametrize("name", sorted(name for name, rules in SNMP.items() if rules.membership != "vmvlan"))
def test_a_port_in_each_mode(name: str) -> None:
    membership = SNMP[name].membership
    with QBridgeAgent(bridge()) as agent:
        OWN.get(membership, lambda agent: None)(agent)
        ports = read(agent, name).ports
    assert list(ports) == [f"swp{port}" for port in range(1, len(KINDS) + 1)]
    for port, kind in zip(ports.values(), KINDS, strict=True):
        expected = EXPECTED[kind]
        if expected.mode is PortMode.HYBRID and membership not in ("delln", "ciscosb", "comware"):
            # Lists of members alone do not tell a hybrid from a trunk.
            expected = replace(expected, mode=PortMode.TRUNK)
        if membership == "foundry":
            # Nor does a table of members tell a PVID that nobody is a member of.
            expected = replace(expected, pvid=min(expected.untagged, default=None))
        assert plain(port) == expected, (kind, describe(port))
        assert port.link is (kind != SHUT)


@pytest.mark.parametrize("name", sorted(name for name, rules in SNMP.items() if rules.membership == "vmvlan"))
def test_a_port_of_ciscos_in_each_mode(name: str) -> None:
    cisco = Cisco()
    extra = cisco.agent.extra
    for index, lag in ((10101, 0), (10102, 500)):
        extra[(*oids.LAG_ATTACHED, index)] = number(lag)
    extra[(*oids.IF_NAME, 500)] = rfc1902.OctetString("Po1")
    extra[(*oids.IF_TYPE, 10105)] = number(6)
    extra[(*oids.TRUNK_STATE, 10101)] = number(4)
    for index in (10105, 10106):
        extra[(*oids.IF_NAME, index)] = rfc1902.OctetString(f"Gi1/0/{index - 10100}")
    extra[(*oids.TRUNK_STATE, 10106)] = number(1)
    extra[(*oids.TRUNK_NATIVE, 10106)] = number(99)
    # VLANs 10, 20 and 30; and 1025 of the next thousand.
    for index, native in ((10103, 0x40), (10106, 0)):
        extra[(*oids.TRUNK_VLANS[0], index)] = rfc1902.OctetString(bytes([native, 0x20, 0x08, 0x02]) + bytes(124))
        extra[(*oids.TRUNK_VLANS[1], index)] = rfc1902.OctetString(bytes([0x40]) + bytes(127))
    with cisco.agent:
        ports = read(cisco.agent, name).ports
    expected = {
        UNUSED: ("Gi1/0/1", state(PortMode.ACCESS, 10, "10")),
        MEMBER: ("Gi1/0/2", state(PortMode.ACCESS, 10, "10", lag="Po1")),
        TRUNK: ("Gi1/0/3", state(PortMode.TRUNK, 1, "1", "10,20,30,1025")),
        CLOSED: ("Gi1/0/6", state(PortMode.TRUNK, 99, "", "10,20,30,1025")),
        VOICE: ("Gi1/0/4", state(PortMode.ACCESS, 10, "10", "30", voice=30)),
        LAYER3: ("Gi1/0/5", state(PortMode.UNKNOWN, None)),
    }
    for kind, (port, wanted) in expected.items():
        assert plain(ports[port]) == wanted, kind
