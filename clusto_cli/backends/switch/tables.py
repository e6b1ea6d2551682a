"""The tables in which switches keep who is in which VLAN, over SNMP: read into states, and goals into requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from clusto_cli.backends.errors import NoSuchPort, Refused
from clusto_cli.backends.snmp import Oid, SnmpDevice, Value
from clusto_cli.backends.switch import oids, orders
from clusto_cli.backends.switch.directory import Directory, text_of
from clusto_cli.backends.switch.model import VLAN_MAX, VLAN_MIN, PortMode, PortState, Step, SwitchState
from clusto_cli.backends.switch.orders import Lists
from clusto_cli.backends.switch.portlist import form_of, with_ports
from clusto_cli.backends.switch.requests import SetRequest, integer, octets, together

TAGGED_ONLY = 2
_NO_MEMBERS = "it tells no members of VLANs over SNMP"


@dataclass(frozen=True)
class SnmpState(SwitchState):
    """What was read, and under which numbers: ifIndex and bridge port of each port, and the lists of every VLAN.

    `vlan_rows` are the interface numbers of VLANs where those index a table; `vlans_made_here` is false on a switch
    that takes its VLANs from another.
    """

    indexes: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    lists: Lists = field(default_factory=lambda: Lists({}, {}, writable=False))
    vlan_rows: Mapping[int, int] = field(default_factory=dict)
    vlans_made_here: bool = True


class Table(Protocol):
    """One way of keeping membership."""

    async def read(self, device: SnmpDevice, directory: Directory, indexes: Mapping[str, int]) -> SnmpState:
        """The state of these ports (name -> ifIndex)."""
        ...

    def steps(
        self, now: SnmpState, goals: Mapping[str, PortState], order: str, create: Mapping[int, str], drop: Sequence[int]
    ) -> list[Step]:
        """The requests that lead to the goals. Refused."""
        ...


@dataclass(frozen=True)
class ModeColumn:
    """Where a vendor keeps a port's mode, and what its numbers mean; `vlan` the column of an access port's VLAN."""

    mode: Oid
    values: Mapping[PortMode, int]
    by: Literal["ifIndex", "bridge port"]
    vlan: Oid | None = None

    def index(self, state: SnmpState, port: str) -> int:
        return state.indexes[port] if self.by == "ifIndex" else state.numbers[port]


DELL_N = ModeColumn(
    oids.DELL_MODE,
    {PortMode.ACCESS: 1, PortMode.TRUNK: 2, PortMode.HYBRID: 3},
    "bridge port",
    oids.DELL_ACCESS_VLAN,
)
CISCO_SB = ModeColumn(
    oids.SB_MODE, {PortMode.HYBRID: 10, PortMode.ACCESS: 11, PortMode.TRUNK: 12}, "ifIndex", oids.SB_ACCESS_VLAN
)
COMWARE = ModeColumn(oids.H3C_MODE, {PortMode.TRUNK: 1, PortMode.ACCESS: 2, PortMode.HYBRID: 3}, "ifIndex")


class QBridge:
    """Q-BRIDGE-MIB: a list of egress ports and one of untagged ports for every VLAN, and a PVID for every port."""

    def __init__(self, keep: Sequence[int] = (), mode: ModeColumn | None = None) -> None:
        self._keep, self._mode = keep, mode

    async def read(self, device: SnmpDevice, directory: Directory, indexes: Mapping[str, int]) -> SnmpState:
        numbers = {port: directory.bridge(index) for port, index in indexes.items() if index in directory.bridge_port}
        scalars = [
            column for number in numbers.values() for column in ((*oids.Q_PVID, number), (*oids.Q_FRAME_TYPES, number))
        ]
        for port, index in indexes.items():
            scalars += [(*oids.LAG_ATTACHED, index), (*oids.IF_OPER_STATUS, index)]
            if self._mode and (self._mode.by == "ifIndex" or port in numbers):
                scalars.append((*self._mode.mode, index if self._mode.by == "ifIndex" else numbers[port]))
        got, (lists, vlans) = await asyncio.gather(device.get_many(scalars), _read_lists(device))
        if not directory.bridge_port and indexes:
            directory.bridge(next(iter(indexes.values())))
        bare = SnmpState({}, vlans, dict(indexes), numbers, lists)
        ports = {port: self._port(directory, bare, port, got) for port in indexes}
        return SnmpState(ports, vlans, dict(indexes), numbers, lists)

    def _port(self, directory: Directory, bare: SnmpState, port: str, got: Mapping[Oid, Value]) -> PortState:
        index = bare.indexes[port]
        name, lag, link = directory.name(index), lag_name(directory, got, index), link_of(got, index)
        number = bare.numbers.get(port)
        if number is None:
            note = f"a member of {lag}" if lag else "no port of the bridge"
            return PortState(name, PortMode.UNKNOWN if lag else PortMode.ROUTED, None, lag=lag, link=link, note=note)
        untagged, tagged = bare.lists.members(number)
        pvid = _number(got.get((*oids.Q_PVID, number)))
        if not bare.lists.egress and not bare.lists.untagged:
            return PortState(name, PortMode.UNKNOWN, pvid, lag=lag, link=link, note=_NO_MEMBERS)
        mode, note = (PortMode.TRUNK if tagged else PortMode.ACCESS), ""
        if got.get((*oids.Q_FRAME_TYPES, number)) == TAGGED_ONLY:
            mode, note = PortMode.TRUNK, "takes tagged frames only"
        if self._mode is not None:
            value = got.get((*self._mode.mode, self._mode.index(bare, port)))
            known = {number: mode for mode, number in self._mode.values.items()}
            if isinstance(value, int):
                mode, note = known.get(value, PortMode.UNKNOWN), f"mode {value}"
        return PortState(name, mode, pvid, untagged, tagged, lag=lag, link=link, note=note)

    def steps(
        self, now: SnmpState, goals: Mapping[str, PortState], order: str, create: Mapping[int, str], drop: Sequence[int]
    ) -> list[Step]:
        _must_have_bridge_ports(now, goals)
        lists = orders.with_new(now.lists, create)
        if order == "access-table":
            moves = self._access_table(now, goals)
        elif order == "port-table":
            moves = self._port_table(now, goals, lists)
        else:
            pvids = {port: now.ports[port].pvid for port in goals}
            mode = self._modes(now, goals)
            moves = [*mode, *orders.steps(order, lists, now.numbers, pvids, goals, self._keep)]
        return [*orders.creation(create), *moves, *orders.removal(drop)]

    def _modes(self, now: SnmpState, goals: Mapping[str, PortState]) -> list[Step]:
        if self._mode is None:
            return []
        column = self._mode
        return together(
            integer((*column.mode, column.index(now, port)), column.values[goal.mode])
            for port, goal in goals.items()
            if goal.mode is not now.ports[port].mode and goal.mode in column.values
        )

    def _access_table(self, now: SnmpState, goals: Mapping[str, PortState]) -> list[Step]:
        assert self._mode is not None
        assert self._mode.vlan is not None
        written = [
            integer((*self._mode.vlan, self._mode.index(now, port)), goal.pvid)
            for port, goal in goals.items()
            if goal.mode is PortMode.ACCESS and goal.pvid is not None
        ]
        return [*self._modes(now, goals), *together(written)]

    def _port_table(self, now: SnmpState, goals: Mapping[str, PortState], lists: Lists) -> list[Step]:
        """Comware moves an access port when it appears in a VLAN's list of its own, whose bits are reversed."""
        by_vlan: dict[int, set[int]] = {}
        for port, goal in goals.items():
            if goal.mode is not PortMode.ACCESS or goal.pvid is None:
                raise Refused(f"{goal.name} cannot be made a {goal.mode} port by this table")
            by_vlan.setdefault(goal.pvid, set()).add(now.numbers[port])
        written = [
            octets((*oids.H3C_PORTS, vlan), _reversed(with_ports(lists.untagged.get(vlan, b""), ports, ())))
            for vlan, ports in by_vlan.items()
        ]
        return [*self._modes(now, goals), *together(written)]


async def _read_lists(device: SnmpDevice) -> tuple[Lists, dict[int, str]]:
    names, egress, untagged = await asyncio.gather(
        device.walk(oids.Q_NAME, value_octets=16),
        device.walk(oids.Q_EGRESS, value_octets=32),
        device.walk(oids.Q_UNTAGGED, value_octets=32),
    )
    writable = bool(egress)
    if not writable:
        # Some agents list only ports whose link is up among the current members, so that comes second.
        egress, untagged = await asyncio.gather(
            device.walk(oids.Q_CURRENT_EGRESS, value_octets=32), device.walk(oids.Q_CURRENT_UNTAGGED, value_octets=32)
        )
    columns = [_lists(column) for column in (egress, untagged)]
    form = form_of([*columns[0].values(), *columns[1].values()])
    vlans = dict.fromkeys(columns[0], "") | {oid[-1]: text_of(name) for oid, name in names.items()}
    vlans = {vlan: name for vlan, name in vlans.items() if VLAN_MIN <= vlan <= VLAN_MAX}
    return Lists(columns[0], columns[1], form, writable), vlans


def _lists(column: Mapping[Oid, Value]) -> dict[int, bytes]:
    return {oid[-1]: value for oid, value in column.items() if isinstance(value, bytes)}


def lag_name(directory: Directory, got: Mapping[Oid, Value], index: int) -> str | None:
    """The aggregate that a port is attached to (dot3adAggPortAttachedAggID): 0 for none, itself on some agents."""
    attached = got.get((*oids.LAG_ATTACHED, index))
    return directory.name(attached) if isinstance(attached, int) and attached not in (0, index) else None


def link_of(got: Mapping[Oid, Value], index: int) -> bool | None:
    status = got.get((*oids.IF_OPER_STATUS, index))
    return status == 1 if isinstance(status, int) else None


def _number(value: Value) -> int | None:
    return value if isinstance(value, int) and VLAN_MIN <= value <= VLAN_MAX else None


def _must_have_bridge_ports(now: SnmpState, goals: Mapping[str, PortState]) -> None:
    for port, goal in goals.items():
        if port not in now.numbers:
            raise NoSuchPort(f"{goal.name} is no port of the bridge")


def _reversed(octets: bytes) -> bytes:
    return bytes(int(f"{octet:08b}"[::-1], 2) for octet in octets)


class Foundry:
    """Rows of members, by VLAN and ifIndex; their answers are errors also when they are obeyed, so reading decides.

    An agent without that table is taken by its Q-BRIDGE-MIB.
    """

    _UNTAGGED, _TAGGED = 2, 1
    _DELETE, _CREATE = 3, 4

    async def read(self, device: SnmpDevice, directory: Directory, indexes: Mapping[str, int]) -> SnmpState:
        scalars = [
            oid for index in indexes.values() for oid in ((*oids.LAG_ATTACHED, index), (*oids.IF_OPER_STATUS, index))
        ]
        rows, names, got = await asyncio.gather(
            device.walk(oids.FOUNDRY_TAG_MODE, value_octets=3),
            device.walk(oids.Q_NAME, value_octets=16),
            device.get_many(scalars),
        )
        if not rows:
            return await QBridge().read(device, directory, indexes)
        vlans = {oid[-2]: "" for oid in rows} | {oid[-1]: text_of(name) for oid, name in names.items()}
        ports = {}
        for port, index in indexes.items():
            untagged = frozenset(oid[-2] for oid, how in rows.items() if oid[-1] == index and how == self._UNTAGGED)
            others = frozenset(oid[-2] for oid, how in rows.items() if oid[-1] == index and how != self._UNTAGGED)
            mode = PortMode.TRUNK if others else PortMode.ACCESS if untagged else PortMode.UNKNOWN
            ports[port] = PortState(
                directory.name(index),
                mode,
                min(untagged, default=None),
                untagged,
                others,
                lag=lag_name(directory, got, index),
                link=link_of(got, index),
            )
        return SnmpState(ports, vlans, dict(indexes))

    def steps(
        self, now: SnmpState, goals: Mapping[str, PortState], order: str, create: Mapping[int, str], drop: Sequence[int]
    ) -> list[Step]:
        if now.lists.egress:
            # A port is untagged in one VLAN on these, whatever table tells.
            return QBridge().steps(now, goals, "leave-join", create, drop)
        if create or drop:
            raise Refused("VLANs are not made over SNMP on this platform: use switch.via=ssh")
        made: list[Step] = []
        for port, goal in goals.items():
            index, state = now.indexes[port], now.ports[port]
            for vlan in sorted((state.untagged | state.tagged) - goal.untagged - goal.tagged):
                gone = integer((*oids.FOUNDRY_ROW_STATUS, vlan, index), self._DELETE)
                made.append(SetRequest((gone,), tolerant=True))
            for vlan in sorted((goal.untagged - state.untagged) | (goal.tagged - state.tagged)):
                how = self._UNTAGGED if vlan in goal.untagged else self._TAGGED
                tagging = integer((*oids.FOUNDRY_TAG_MODE, vlan, index), how)
                row = integer((*oids.FOUNDRY_ROW_STATUS, vlan, index), self._CREATE)
                made.append(SetRequest((tagging, row), tolerant=True))
        return made
