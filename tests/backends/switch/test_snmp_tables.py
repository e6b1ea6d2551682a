"""The vendors' own tables over SNMP, on an agent that behaves as the vendor's is known to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pysnmp.proto import rfc1902

from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings
from clusto_cli.backends.switch import oids, profiles
from clusto_cli.backends.switch.change import Done, Prepared
from clusto_cli.backends.switch.model import PortMode, Survey, SwitchSettings, SwitchState
from clusto_cli.backends.switch.opening import open_switch
from clusto_cli.backends.switch.refusal import Move
from clusto_cli.backends.switch.snmp_switch import SnmpSwitch

from .agent import INCONSISTENT, Bridge, Fault, QBridgeAgent, Quirks
from .moving import moved

DATA = Path(os.environ.get("CLUSTO_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "snmprec" / "switch"


def switch(agent: QBridgeAgent, name: str) -> SnmpSwitch:
    profile = profiles.load(name)
    assert profile.snmp is not None
    settings = SnmpSettings("127.0.0.1", port=agent.port, community="private", timeout=0.5, max_octets=1400)
    return SnmpSwitch(profile, profile.snmp, SnmpDevice(settings))


def move(agent: QBridgeAgent, name: str, *moves: Move, **options: Any) -> tuple[Prepared, Done | None]:
    return moved(lambda: switch(agent, name), *moves, **options)


def number(value: int) -> Any:
    return rfc1902.Integer32(value)


class Cisco:
    """A Cisco switch: vmVlan, trunks by state and status, VLANs by VTP, saving by a row that takes its time."""

    def __init__(self) -> None:
        self.agent = QBridgeAgent(Bridge({}, {}, {}), Quirks(), "1.3.6.1.4.1.9.1.1208")
        self.saved, self.polls, self.fails = 0, 0, False
        self.names = {1: "Gi1/0/1", 2: "Gi1/0/2", 3: "Gi1/0/3", 4: "Gi1/0/4"}
        extra = self.agent.extra
        for port, name in self.names.items():
            index = 10100 + port
            extra[(*oids.IF_NAME, index)] = rfc1902.OctetString(name)
            extra[(*oids.IF_DESCR, index)] = rfc1902.OctetString(name.replace("Gi", "GigabitEthernet"))
            extra[(*oids.TRUNK_STATE, index)] = number(2)
            extra[(*oids.TRUNK_STATUS, index)] = number(2)
            extra[(*oids.TRUNK_NATIVE, index)] = number(1)
            if port != 3:
                extra[(*oids.VM_VLAN, index)], extra[(*oids.VM_VLAN_TYPE, index)] = number(10), number(1)
                self.agent.writable[(*oids.VM_VLAN, index)] = self._column((*oids.VM_VLAN, index))
        # A trunk whose link is down reports that it is not trunking.
        extra[(*oids.TRUNK_STATE, 10103)] = number(5)
        extra[(*oids.VM_VOICE, 10104)] = number(30)
        for vlan in (1, 10, 203):
            self._vlan(vlan, f"vlan{vlan}")
        extra[oids.VTP_MODE] = number(2)
        extra[oids.VTP_APPLY_STATUS] = number(2)
        self.agent.write = self.write  # type: ignore[method-assign]

    def learn(self, addresses: dict[int, dict[int, str]]) -> None:
        """VLAN -> ifIndex -> MAC address. Bridge port 1 stands for another interface in every VLAN.

        Asked without a VLAN, such a switch shows what VLAN 1 has.
        """
        for vlan, learned in addresses.items():
            rows: dict[tuple[int, ...], Any] = {}
            for port, (index, mac) in enumerate(learned.items(), 1):
                rows[(*oids.BASE_PORT_IF_INDEX, port)] = number(index)
                rows[(*oids.TP_FDB_PORT, *bytes.fromhex(mac.replace(":", "")))] = number(port)
            self.agent.contexts[f"vlan-{vlan}"] = rows
        self.agent.extra |= self.agent.contexts.get("vlan-1", {})

    def _vlan(self, vlan: int, name: str) -> None:
        extra = self.agent.extra
        extra[(*oids.VTP_STATE, vlan)], extra[(*oids.VTP_TYPE, vlan)] = number(1), number(1)
        extra[(*oids.VTP_NAME, vlan)] = rfc1902.OctetString(name)

    def _column(self, oid: tuple[int, ...]) -> Callable[[Any], None]:
        def write(value: Any) -> None:
            if (*oids.VTP_STATE, int(value)) not in self.agent.extra:
                self._vlan(int(value), "")
            self.agent.extra[oid] = number(int(value))

        return write

    def write(self, oid: tuple[int, ...], value: Any) -> None:
        if oid in self.agent.writable:
            self.agent.writable[oid](value)
        elif oid[:-1] == oids.CC_ROW_STATUS:
            if int(value) == 4:
                self.agent.extra[(*oids.CC_STATE, oid[-1])] = number(4 if self.fails else 3)
                self.saved += not self.fails
        elif oid[:-1] == oids.VTP_EDIT_NAME:
            self._vlan(oid[-1], bytes(value).decode())
        elif oid[:-1] == oids.VTP_EDIT_STATUS and int(value) == 6:
            for table in (oids.VTP_STATE, oids.VTP_TYPE, oids.VTP_NAME):
                self.agent.extra.pop((*table, oid[-1]), None)
        elif oid[: len(oids.VM_VLAN)] == oids.VM_VLAN:
            raise Fault(INCONSISTENT)


@pytest.fixture
def cisco() -> Iterator[Cisco]:
    made = Cisco()
    with made.agent:
        yield made


def test_cisco_moves_one_variable_and_saves(cisco: Cisco) -> None:
    prepared, done = move(cisco.agent, "cisco_ios", Move("GigabitEthernet1/0/1", 203))
    assert prepared.plan is not None
    assert prepared.plan.lines()[0] == "1.3.6.1.4.1.9.9.68.1.2.2.1.2.10101 i 203"
    assert done is not None
    assert (done.now.ports["GigabitEthernet1/0/1"].vlan, done.unsaved, cisco.saved) == (203, "", 1)


def test_cisco_refuses_what_is_no_access_port(cisco: Cisco) -> None:
    prepared, done = move(cisco.agent, "cisco_ios", Move("Gi1/0/3", 203), Move("Gi1/0/4", 203))
    assert done is None
    assert "it is a trunk (trunking on, not negotiated)" in prepared.refused["Gi1/0/3"]
    assert "it carries the voice VLAN 30 tagged" in prepared.refused["Gi1/0/4"]
    prepared, _ = move(cisco.agent, "cisco_ios", Move("Gi1/0/3", 203), force=True)
    assert "use switch.via=ssh" in prepared.refused["Gi1/0/3"][0]
    _, done = move(cisco.agent, "cisco_ios", Move("Gi1/0/4", 203), force=True)
    assert done is not None
    assert (done.now.ports["Gi1/0/4"].pvid, done.now.ports["Gi1/0/4"].voice) == (203, 30)


def test_cisco_is_asked_for_each_vlan_and_shows_all_its_ports(cisco: Cisco) -> None:
    """Without a VLAN in the community, Cisco shows the bridge ports and the addresses of VLAN 1 alone."""
    cisco.agent.extra[(*oids.VM_VLAN, 10102)] = number(203)
    cisco.agent.extra[(*oids.IF_NAME, 1)] = rfc1902.OctetString("Vl1")
    macs = [f"02:00:00:00:00:0{last}" for last in range(4)]
    cisco.learn({1: {10103: macs[3]}, 10: {10101: macs[1]}, 203: {10102: macs[2]}})

    async def look() -> tuple[SwitchState, Survey]:
        control = switch(cisco.agent, "cisco_ios")
        try:
            return await control.read(), await control.survey()
        finally:
            await control.close()

    state, survey = asyncio.run(look())
    assert list(state.ports) == list(cisco.names.values())
    assert {(one.mac, one.port, one.vlan) for one in survey.stations} == {
        (macs[3], "Gi1/0/3", 1),
        (macs[1], "Gi1/0/1", 10),
        (macs[2], "Gi1/0/2", 203),
    }
    assert survey.missing == ()
    # Port 1 is Gi1/0/1, which is not in VLAN 1.
    prepared, _ = move(cisco.agent, "cisco_ios", Move("1", 203))
    assert prepared.now.ports["1"].name == "Gi1/0/1"
    del cisco.agent.contexts["vlan-203"]
    _, survey = asyncio.run(look())
    assert len(survey.missing) == 1
    assert survey.missing[0].startswith("learned addresses of VLAN 203: ")


def test_cisco_never_makes_a_vlan_silently(cisco: Cisco) -> None:
    prepared, _ = move(cisco.agent, "cisco_ios", Move("Gi1/0/1", 300))
    assert prepared.refused["Gi1/0/1"] == ("there is no VLAN 300 on it",)
    assert not cisco.agent.sets
    _, done = move(cisco.agent, "cisco_ios", Move("Gi1/0/1", 300), create={300: "lab"})
    assert done is not None
    assert done.now.vlans[300] == "lab"
    cisco.agent.extra[oids.VTP_MODE] = number(1)
    with pytest.raises(Refused, match="VTP client"):
        move(cisco.agent, "cisco_ios", Move("Gi1/0/1", 301), create={301: "lab"})


def test_cisco_says_when_it_could_not_save(cisco: Cisco) -> None:
    cisco.fails = True
    _, done = move(cisco.agent, "cisco_ios", Move("Gi1/0/1", 203))
    assert done is not None
    assert ": saving failed: " in done.unsaved


@pytest.mark.parametrize("name", ["dell_os6", "cisco_sb"])
def test_tables_with_a_mode_and_a_vlan(name: str) -> None:
    column = {
        "dell_os6": (oids.DELL_MODE, oids.DELL_ACCESS_VLAN, 0, 1),
        "cisco_sb": (oids.SB_MODE, oids.SB_ACCESS_VLAN, 100, 11),
    }
    mode, vlan, offset, access = column[name]
    agent = QBridgeAgent(Bridge.of(8), Quirks(pvid_moves=True))
    for port in agent.bridge.ports:
        agent.extra[(*mode, port + offset)] = number(access)

        def write(value: Any, port: int = port) -> None:
            agent._set_pvid(port, int(value))

        agent.writable[(*vlan, port + offset)] = write
    for save in (oids.DELL_SAVE, *((*oids.SB_COPY, part, 1) for part in (3, 7, 8, 12, 17))):
        agent.writable[save] = lambda value: None
    with agent:
        _, done = move(agent, name, Move("swp4", 203))
        assert done is not None
        assert (done.order, done.now.ports["swp4"].vlan, done.unsaved) == ("access-table", 203, "")
        agent.extra[(*mode, 5 + offset)] = number(access + 1)
        prepared, _ = move(agent, name, Move("swp5", 203))
        assert "it is a trunk" in prepared.refused["swp5"][0]


def test_comware_by_its_own_list_with_reversed_bits() -> None:
    agent = QBridgeAgent(Bridge.of(12), Quirks(pvid_moves=True))
    for port in agent.bridge.ports:
        agent.extra[(*oids.H3C_MODE, port + 100)] = number(2)
    seen: list[bytes] = []

    def write(value: Any) -> None:
        seen.append(bytes(value))
        octets = bytes(int(f"{octet:08b}"[::-1], 2) for octet in bytes(value))
        for port in agent.bridge.ports:
            if octets[(port - 1) // 8] & 0x80 >> (port - 1) % 8:
                agent._set_pvid(port, 203)

    agent.writable[(*oids.H3C_PORTS, 203)] = write
    with agent:
        _, done = move(agent, "hp_comware", Move("swp4", 203))
        assert done is not None
        assert (done.order, seen) == ("port-table", [bytes([0x08, 0, 0, 0, 0, 0, 0, 0])])
        assert done.now.ports["swp4"].vlan == 203


class Foundry:
    """Rows of members that are obeyed and answered with an error."""

    def __init__(self) -> None:
        self.agent = QBridgeAgent(Bridge.of(8), Quirks())
        for port in range(1, 9):
            self.agent.extra[(*oids.FOUNDRY_TAG_MODE, 10, port + 100)] = number(2)
        self.agent._set = self._set  # type: ignore[method-assign]

    def _set(self, binds: list[tuple[tuple[int, ...], Any]]) -> tuple[int, int]:
        self.agent.sets.append(binds)
        values = dict(binds)
        for oid, value in binds:
            if oid[:-2] == oids.FOUNDRY_ROW_STATUS and int(value) == 3:
                self.agent.extra.pop((*oids.FOUNDRY_TAG_MODE, *oid[-2:]))
            elif oid[:-2] == oids.FOUNDRY_ROW_STATUS and int(value) == 4:
                tag = (*oids.FOUNDRY_TAG_MODE, *oid[-2:])
                self.agent.extra[tag] = number(int(values[tag]))
        return (5, 1) if any(oid[:-2] == oids.FOUNDRY_ROW_STATUS for oid, _ in binds) else (0, 0)


def test_foundry_is_judged_by_what_is_read_not_by_what_it_answers() -> None:
    foundry = Foundry()
    with foundry.agent:
        _, done = move(foundry.agent, "ruckus_icx", Move("swp4", 203))
        assert done is not None
        assert done.now.ports["swp4"].vlan == 203


def test_exos_by_rows_of_commands() -> None:
    agent = QBridgeAgent(Bridge.of(8), Quirks(pvid_moves=True))
    agent.bridge.ports = {port: f"1:{port}" for port in agent.bridge.ports}
    for vlan, row in ((1, 1000), (10, 1001), (203, 1002)):
        agent.extra[(*oids.EXOS_VLAN_ID, row)] = number(vlan)
    rows = {1001: 10, 1002: 203}

    def apply(binds: list[tuple[tuple[int, ...], Any]]) -> tuple[int, int]:
        agent.sets.append(binds)
        values = {oid[:-2]: value for oid, value in binds}
        vlan, ports = rows[binds[0][0][-2]], bytes(values[oids.EXOS_CONTROL_PORTS])
        for port in agent.bridge.ports:
            if (port - 1) // 8 < len(ports) and ports[(port - 1) // 8] & 0x80 >> (port - 1) % 8:
                members = agent.bridge.vlans[vlan]
                if int(values[oids.EXOS_CONTROL_OPERATION]) == 3:
                    members.egress.discard(port)
                    members.untagged.discard(port)
                else:
                    members.egress.add(port)
                    members.untagged.add(port)
                    agent.bridge.pvid[port] = vlan
        return 0, 0

    agent._set = apply  # type: ignore[method-assign]
    with agent:
        _, done = move(agent, "extreme_exos", Move("1:4", 203))
        assert done is not None
        assert done.now.ports["1:4"].vlan == 203
        assert "no way of saving" in done.caution


# -- recorded switches, where a checkout of them lies beside this one -------------------------------------------


def recorded() -> list[Any]:
    files = sorted(DATA.glob("*.snmprec"))
    if not files:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no recordings in {DATA}"))]
    return [pytest.param(path, id=path.stem) for path in files]


def replay(path: Path) -> QBridgeAgent:
    """An agent that answers what was recorded (the format of snmpsim: OID|tag|value, hexadecimal with an x)."""
    agent = QBridgeAgent(Bridge({}, {}, {}), Quirks())
    kinds = {"2": number, "65": rfc1902.Counter32, "66": rfc1902.Unsigned32, "67": rfc1902.TimeTicks}
    table: dict[tuple[int, ...], Any] = {}
    for line in path.read_text(errors="replace").splitlines():
        oid, _, rest = line.partition("|")
        tag, _, value = rest.partition("|")
        if not oid or tag.rstrip("x") not in {*kinds, "4", "6"}:
            continue
        try:
            key = tuple(int(arc) for arc in oid.strip(".").split("."))
            if tag == "4x":
                table[key] = rfc1902.OctetString(hexValue=value)
            elif tag == "4":
                table[key] = rfc1902.OctetString(value.encode())
            elif tag == "6":
                table[key] = rfc1902.ObjectIdentifier(value.strip("."))
            else:
                table[key] = kinds[tag](int(value))
        except ValueError:
            continue
    agent.table = lambda: table  # type: ignore[method-assign]
    order = sorted(table)
    following = agent._next

    def quick(rows: Any, asked: Any, many: int) -> Any:
        import bisect

        found = []
        for oid in asked:
            place = bisect.bisect_right(order, oid)
            found += [(one, table[one]) for one in order[place : place + many]]
            if place + many > len(order):
                found += following({}, [oid], 1)
        return found

    agent._next = quick  # type: ignore[method-assign]
    return agent


@pytest.mark.parametrize("path", recorded())
def test_recorded_switches_are_recognised_and_read(path: Path) -> None:
    async def read(port: int) -> tuple[SwitchState | DeviceError, Survey]:
        snmp = SnmpSettings("127.0.0.1", port=port, max_octets=1400, timeout=0.5, retries=1)
        opened = await open_switch(SwitchSettings("127.0.0.1", via="snmp"), snmp)
        try:
            try:
                state: SwitchState | DeviceError = await opened.control.read()
            except DeviceError as error:
                state = error
            return state, await opened.control.survey()
        finally:
            await opened.control.close()

    with replay(path) as agent:
        state, survey = asyncio.run(read(agent.port))
    if isinstance(state, SwitchState):
        assert state.ports
        for port in state.ports.values():
            assert not port.untagged & port.tagged
            assert port.vlan is None or (port.vlan in port.untagged and port.mode is PortMode.ACCESS)
    else:
        # The one way not to be read: it does not say which interface its bridge ports are.
        assert "does not tell over SNMP" in str(state)
    for neighbour in survey.neighbours:
        assert neighbour.port
    for station in survey.stations:
        assert len(station.mac) == 17
