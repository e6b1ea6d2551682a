"""Who is on which port, over SNMP: LLDP and CDP neighbours, and forwarding tables."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.snmp import Oid, SnmpDevice, Value
from clusto_cli.backends.switch import oids
from clusto_cli.backends.switch.directory import Directory, text_of
from clusto_cli.backends.switch.model import Neighbour, Station

# LldpChassisIdSubtype macAddress(4) and LldpPortIdSubtype macAddress(3): octets, not text.
_CHASSIS_MAC, _PORT_MAC = 4, 3
# lldpRemTable's index (LLDP-MIB): a time mark, the local port number, a number. Some agents send less, RouterOS one
# number and TP-Link two: the entries are theirs, on a port that nobody knows.
_COLUMN, _INDEX = len(oids.LLDP_REMOTE["system"]), 3
# Per-VLAN tables are asked for one VLAN after the other, a few side by side.
_CONTEXTS_AT_ONCE = 4


async def neighbours(device: SnmpDevice, directory: Directory) -> tuple[Neighbour, ...]:
    """What LLDP says is on each port; where it says nothing, CDP."""
    columns = await asyncio.gather(*(device.walk(column, value_octets=20) for column in oids.LLDP_REMOTE.values()))
    remote = dict(zip(oids.LLDP_REMOTE, columns, strict=True))
    rows = sorted({oid[_COLUMN:] for column in columns for oid in column})
    if not rows:
        return await _cdp(device, directory)
    local = (oids.LLDP_LOCAL_SUBTYPE, oids.LLDP_LOCAL_ID, oids.LLDP_LOCAL_DESCRIPTION)
    kinds, ids, descriptions = await asyncio.gather(*(device.walk(column, value_octets=16) for column in local))
    found = []
    for row in rows:
        told = {name: column.get((*oids.LLDP_REMOTE[name], *row)) for name, column in remote.items()}
        number = row[1] if len(row) == _INDEX else None
        texts = []
        if number is not None:
            texts = [text_of(descriptions.get((*oids.LLDP_LOCAL_DESCRIPTION, number)))]
            if kinds.get((*oids.LLDP_LOCAL_SUBTYPE, number)) != _PORT_MAC:
                texts.insert(0, text_of(ids.get((*oids.LLDP_LOCAL_ID, number))))
        chassis = _id(told["chassis"], told["chassis_subtype"] == _CHASSIS_MAC)
        found.append(
            Neighbour(
                "" if number is None else _local_port(directory, number, texts),
                text_of(told["system"]) or chassis,
                _id(told["port"], told["port_subtype"] == _PORT_MAC),
                text_of(told["description"]),
                chassis,
                _passes_on(told["capabilities"]),
            )
        )
    return tuple(found)


async def stations(device: SnmpDevice, directory: Directory) -> tuple[Station, ...]:
    """Learned addresses by VLAN where the switch keeps them so, else without."""
    ports = await device.walk(oids.Q_FDB_PORT, value_octets=3)
    if not ports:
        return await _plain(device, directory, None)
    tables = await device.walk(oids.Q_CURRENT_FDB_ID, value_octets=5)
    # A forwarding database has a number of its own; where the switch does not tell, it is the VLAN's on most.
    vlan_of = {number: oid[-1] for oid, number in tables.items()}
    found = []
    for oid, number in ports.items():
        if isinstance(number, int) and number and len(oid) >= 7:
            vlan = vlan_of.get(oid[-7], oid[-7])
            found.append(Station(_mac(oid), directory.on_bridge_port(number), vlan if vlan <= 4094 else None))
    return tuple(found)


async def stations_by_vlan(
    device: SnmpDevice, directory: Directory, vlans: Iterable[int]
) -> tuple[tuple[Station, ...], list[str]]:
    """Cisco's forwarding tables, one a VLAN: `community@VLAN`, or the context `vlan-VLAN` of version 3.

    Also the VLANs that could not be asked, in words: version 3 needs the contexts allowed on the switch.
    """
    settings, gate = device.settings, asyncio.Semaphore(_CONTEXTS_AT_ONCE)
    missing: list[str] = []

    async def one(vlan: int) -> tuple[Station, ...]:
        if settings.version == "3":
            within = replace(settings, context=f"vlan-{vlan}")
        else:
            within = replace(settings, community=f"{settings.community}@{vlan}")
        async with gate, SnmpDevice(within) as scoped:
            if missing:
                # A switch that is silent about one VLAN is so about all; each would cost the whole patience.
                return ()
            try:
                numbers = await scoped.walk(oids.BASE_PORT_IF_INDEX, value_octets=5)
                bridge = {int(index): oid[-1] for oid, index in numbers.items() if isinstance(index, int)}
                return await _plain(scoped, replace(directory, bridge_port=bridge), vlan)
            except DeviceError as error:
                missing.append(f"learned addresses of VLAN {vlan}: {error}")
                return ()

    parts = await asyncio.gather(*(one(vlan) for vlan in vlans))
    return tuple(station for part in parts for station in part), missing


async def _plain(device: SnmpDevice, directory: Directory, vlan: int | None) -> tuple[Station, ...]:
    ports = await device.walk(oids.TP_FDB_PORT, value_octets=3)
    return tuple(
        Station(_mac(oid), directory.on_bridge_port(number), vlan)
        for oid, number in ports.items()
        if isinstance(number, int) and number
    )


async def _cdp(device: SnmpDevice, directory: Directory) -> tuple[Neighbour, ...]:
    devices, ports, capabilities = await asyncio.gather(
        device.walk(oids.CDP_DEVICE, value_octets=24),
        device.walk(oids.CDP_PORT, value_octets=20),
        device.walk(oids.CDP_CAPABILITIES, value_octets=6),
    )
    return tuple(
        Neighbour(
            directory.name(oid[-2]),
            text_of(name),
            text_of(ports.get((*oids.CDP_PORT, *oid[-2:]))),
            passes_on=_switches(capabilities.get((*oids.CDP_CAPABILITIES, *oid[-2:]))),
        )
        for oid, name in devices.items()
        if len(oid) == len(oids.CDP_DEVICE) + 2
    )


def _switches(capabilities: Value) -> bool | None:
    """Router, bridges, switch and repeater among cdpCacheCapabilities (CISCO-CDP-MIB)."""
    return bool(capabilities[-1] & 0x4F) if isinstance(capabilities, bytes) and capabilities else None


def _local_port(directory: Directory, number: int, texts: Iterable[str]) -> str:
    """The name of an LLDP local port: by what it calls itself, then as ifIndex, then as bridge port.

    Its number is not always the ifIndex (LLDP-MIB leaves it open).
    """
    told = [text for text in texts if text]
    for text in told:
        for table in (directory.names, directory.descriptions):
            for index, name in table.items():
                if name == text:
                    return directory.name(index)
    if number in directory.names or number in directory.descriptions:
        return directory.name(number)
    if number in directory.if_index:
        return directory.on_bridge_port(number)
    return told[0] if told else str(number)


def _passes_on(capabilities: Value) -> bool | None:
    """Bit 2 (bridge) of LldpSystemCapabilitiesMap, bit 0 being the first of the first octet."""
    return bool(capabilities[0] & 0x20) if isinstance(capabilities, bytes) and capabilities else None


def _id(value: Value, is_mac: bool) -> str:
    if is_mac and isinstance(value, bytes):
        return value.hex(":")
    return text_of(value)


def _mac(oid: Oid) -> str:
    return bytes(octet & 0xFF for octet in oid[-6:]).hex(":")
