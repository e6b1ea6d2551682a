"""Cisco's tables over SNMP: an access port's one VLAN (vmVlan), trunks apart from it, VLANs made through VTP.

CISCO-VLAN-MEMBERSHIP-MIB: a trunk port is not in the table. CISCO-VTP-MIB: whether a port is a trunk is asked by its
administrative state, because a trunk whose link is down reports itself as not trunking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from clusto_cli.backends.errors import Refused
from clusto_cli.backends.snmp import Oid, SnmpDevice, Value
from clusto_cli.backends.switch import oids
from clusto_cli.backends.switch.directory import Directory, text_of
from clusto_cli.backends.switch.model import VLAN_MAX, VLAN_MIN, VLANS, PortMode, PortState, Step
from clusto_cli.backends.switch.requests import Await, SetRequest, integer, octets, together
from clusto_cli.backends.switch.tables import SnmpState, lag_name, link_of

_ETHERNET = 1
_OPERATIONAL, _SUSPENDED = 1, 2
_ON, _OFF, _DESIRABLE, _AUTO, _ON_NO_NEGOTIATE = 1, 2, 3, 4, 5
_STATES = {_ON: "on", _OFF: "off", _DESIRABLE: "desirable", _AUTO: "auto", _ON_NO_NEGOTIATE: "on, not negotiated"}
_TRUNKING = 1
_STATIC = 1
_VTP_CLIENT = 1
_COPY, _APPLY, _RELEASE = 2, 3, 4
_APPLIED, _APPLYING = 2, 1
_OWNER = b"clusto"


async def switchports(device: SnmpDevice) -> frozenset[int]:
    """The ifIndex of every port that is an access port or could be a trunk.

    The bridge's own list shows, asked without a VLAN, the ports of VLAN 1 alone.
    """
    rows = await device.walk(oids.VM_VLAN, oids.TRUNK_STATE, value_octets=3)
    return frozenset(oid[-1] for oid in rows)


class VmVlan:
    """One row a port that is an access port, and none for any other."""

    async def read(self, device: SnmpDevice, directory: Directory, indexes: Mapping[str, int]) -> SnmpState:
        wanted: list[Oid] = [oids.VTP_MODE]
        columns = (
            oids.VM_VLAN,
            oids.VM_VLAN_TYPE,
            oids.VM_VOICE,
            oids.TRUNK_STATE,
            oids.TRUNK_STATUS,
            oids.TRUNK_NATIVE,
        )
        for index in indexes.values():
            wanted += [(*column, index) for column in (*columns, oids.LAG_ATTACHED, oids.IF_OPER_STATUS)]
        got, states, types, names = await asyncio.gather(
            device.get_many(wanted),
            device.walk(oids.VTP_STATE, value_octets=3),
            device.walk(oids.VTP_TYPE, value_octets=3),
            device.walk(oids.VTP_NAME, value_octets=16),
        )
        called = {oid[-1]: text_of(name) for oid, name in names.items()}
        kinds = {oid[-1]: kind for oid, kind in types.items()}
        vlans = {
            oid[-1]: called.get(oid[-1], "")
            for oid, state in states.items()
            if state in (_OPERATIONAL, _SUSPENDED)
            and kinds.get(oid[-1], _ETHERNET) == _ETHERNET
            and VLAN_MIN <= oid[-1] <= VLAN_MAX
        }
        off = {oid[-1]: "suspended" for oid, state in states.items() if state == _SUSPENDED and oid[-1] in vlans}
        bare = {port: _port(directory, got, index) for port, index in indexes.items()}
        trunks = {port: indexes[port] for port, state in bare.items() if state.mode is PortMode.TRUNK}
        ports = {**bare, **await _with_vlans(device, bare, trunks)}
        return SnmpState(ports, vlans, dict(indexes), off=off, vlans_made_here=got.get(oids.VTP_MODE) != _VTP_CLIENT)

    def steps(
        self, now: SnmpState, goals: Mapping[str, PortState], order: str, create: Mapping[int, str], drop: Sequence[int]
    ) -> list[Step]:
        if create and not now.vlans_made_here:
            raise Refused("it is a VTP client: VLANs are made on its VTP server")
        for port, goal in goals.items():
            if goal.mode is not PortMode.ACCESS or now.ports[port].mode is not PortMode.ACCESS:
                raise Refused("Cisco lets access ports alone be moved over SNMP: use switch.via=ssh")
        moved = together(
            integer((*oids.VM_VLAN, now.indexes[port]), goal.pvid)
            for port, goal in goals.items()
            if goal.pvid is not None
        )
        return [*_edited(create, ()), *moved, *_edited({}, drop)]


async def _with_vlans(
    device: SnmpDevice, states: Mapping[str, PortState], trunks: Mapping[str, int]
) -> dict[str, PortState]:
    """The trunks with the VLANs that they carry: asked for apart, since the lists are long and most ports are none."""
    wanted = [(*column, index) for index in trunks.values() for column in oids.TRUNK_VLANS]
    got = await device.get_many(wanted, value_octets=128) if wanted else {}
    return {
        port: _carrying(states[port], [got[(*column, index)] for column in oids.TRUNK_VLANS])
        for port, index in trunks.items()
    }


def _carrying(state: PortState, lists: Sequence[Value]) -> PortState:
    """A trunk by its lists of bits, the lowest VLAN in the most significant; the native VLAN passes if it is listed."""
    if not isinstance(lists[0], bytes):
        return replace(state, untold=True)
    octets = b"".join((part if isinstance(part, bytes) else b"").ljust(128, b"\0") for part in lists)
    carried = frozenset(vlan for vlan in VLANS if octets[vlan // 8] & 0x80 >> vlan % 8)
    return replace(state, untagged=state.untagged & carried, tagged=carried - state.untagged)


def _port(directory: Directory, got: Mapping[Oid, Value], index: int) -> PortState:
    vlan = got.get((*oids.VM_VLAN, index))
    state, status = got.get((*oids.TRUNK_STATE, index)), got.get((*oids.TRUNK_STATUS, index))
    native = got.get((*oids.TRUNK_NATIVE, index))
    voice = got.get((*oids.VM_VOICE, index))
    lag = lag_name(directory, got, index)
    name, link = directory.name(index), link_of(got, index)
    told = _STATES.get(state, "") if isinstance(state, int) else ""
    negotiated = state not in (_ON, _OFF, _ON_NO_NEGOTIATE)
    if state in (_ON, _ON_NO_NEGOTIATE) or (negotiated and status == _TRUNKING):
        pvid = native if isinstance(native, int) and native else None
        untagged = frozenset({pvid} if pvid else ())
        return PortState(name, PortMode.TRUNK, pvid, untagged, lag=lag, link=link, note=f"trunking {told}".strip())
    if not isinstance(vlan, int):
        return PortState(name, PortMode.UNKNOWN, None, lag=lag, link=link, note="not in the table of access ports")
    kind = got.get((*oids.VM_VLAN_TYPE, index))
    if kind not in (None, _STATIC):
        note = "its VLAN is assigned dynamically"
        return PortState(name, PortMode.UNKNOWN, vlan or None, lag=lag, link=link, note=note)
    spoken = voice if isinstance(voice, int) and VLAN_MIN <= voice <= VLAN_MAX else None
    return PortState(
        name,
        PortMode.ACCESS,
        vlan or None,
        frozenset({vlan} if vlan else ()),
        frozenset({spoken} if spoken else ()),
        voice=spoken,
        lag=lag,
        link=link,
    )


def _edited(create: Mapping[int, str], drop: Sequence[int]) -> list[Step]:
    """Through VTP's edit buffer, which one manager owns at a time: copied, changed, applied, released."""
    if not create and not drop:
        return []
    steps: list[Step] = [
        SetRequest((integer(oids.VTP_OPERATION, _COPY),)),
        SetRequest((octets(oids.VTP_OWNER, _OWNER),)),
    ]
    for vlan, name in create.items():
        said = (100_000 + vlan).to_bytes(4, "big")
        steps.append(
            SetRequest(
                (
                    integer((*oids.VTP_EDIT_STATUS, vlan), 4),
                    integer((*oids.VTP_EDIT_TYPE, vlan), _ETHERNET),
                    octets((*oids.VTP_EDIT_NAME, vlan), (name or f"VLAN{vlan:04d}").encode("ascii", "replace")),
                    octets((*oids.VTP_EDIT_SAID, vlan), said),
                )
            )
        )
    steps += [SetRequest((integer((*oids.VTP_EDIT_STATUS, vlan), 6),)) for vlan in drop]
    return [
        *steps,
        SetRequest((integer(oids.VTP_OPERATION, _APPLY),)),
        Await(oids.VTP_APPLY_STATUS, (_APPLIED,), tuple(range(3, 16)), "changing its VLANs"),
        SetRequest((integer(oids.VTP_OPERATION, _RELEASE),)),
    ]
