"""What a device says of itself over SNMP, and what it has resolved: its name, its serial number, its addresses.

SNMPv2-MIB (RFC 3418): sysName, sysObjectID. ENTITY-MIB (RFC 6933): the one chassis that is in no
other. IF-MIB (RFC 2863): ifPhysAddress. IP-MIB (RFC 4293): ipNetToPhysicalTable, where an agent has no more
than the older ipNetToMediaTable that one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import NamedTuple

from clusto_cli.backends.machine import macs_of
from clusto_cli.backends.snmp import Oid, SnmpDevice, Value, parse_oid
from clusto_cli.backends.switch.directory import text_of
from clusto_cli.discovery.evidence import Identity, Resolved

SYS_OBJECT_ID = parse_oid("1.3.6.1.2.1.1.2.0")
SYS_NAME = parse_oid("1.3.6.1.2.1.1.5.0")
_PHYSICAL = "1.3.6.1.2.1.47.1.1.1.1"
CONTAINED_IN, CLASS, SERIAL, MAKER, MODEL = (parse_oid(f"{_PHYSICAL}.{column}") for column in (4, 5, 11, 12, 13))
IF_PHYS_ADDRESS = parse_oid("1.3.6.1.2.1.2.2.1.6")
NET_TO_MEDIA = parse_oid("1.3.6.1.2.1.4.22.1.2")
NET_TO_PHYSICAL = parse_oid("1.3.6.1.2.1.4.35.1.4")

_CHASSIS = 3
_ENTITIES = 20_000
_OCTETS = {1: 4, 2: 16}
"""InetAddressType (RFC 4001): octets of ipv4 and ipv6."""


class Chassis(NamedTuple):
    """What ENTITY-MIB has of a device as a whole."""

    serial: str = ""
    maker: str = ""
    model: str = ""


async def identity(device: SnmpDevice, at: str, address: str) -> Identity:
    """What the device says of itself. Raises DeviceError where it does not answer."""
    got = await device.get_many([SYS_NAME, SYS_OBJECT_ID], value_octets=60)
    chassis, macs = await asyncio.gather(_chassis(device), _macs(device))
    return Identity(at, address, text_of(got[SYS_NAME])[:255], *chassis, macs)


async def resolved(device: SnmpDevice, at: str) -> list[Resolved]:
    """The addresses that it has resolved."""
    newer = await device.walk(NET_TO_PHYSICAL, value_octets=8)
    rows = newer or await device.walk(NET_TO_MEDIA, value_octets=8)
    pairs = ((_address(oid, bool(newer)), _mac(value)) for oid, value in rows.items())
    return [Resolved(at, address, mac) for address, mac in pairs if address and mac]


async def _chassis(device: SnmpDevice) -> Chassis:
    classes = await device.walk(CLASS, value_octets=3, most=_ENTITIES)
    whole = [oid[-1] for oid, kind in classes.items() if kind == _CHASSIS]
    inside = await device.get_many([(*CONTAINED_IN, index) for index in whole], value_octets=5)
    outermost = [index for index in whole if inside[(*CONTAINED_IN, index)] not in whole]
    if len(outermost) != 1:
        # A stack has no serial number of its own, and one of several chassis is not the device's.
        return Chassis()
    (index,) = outermost
    wanted = [(*column, index) for column in (SERIAL, MAKER, MODEL)]
    got = await device.get_many(wanted, value_octets=32)
    return Chassis(*(text_of(got[oid])[:100] for oid in wanted))


async def _macs(device: SnmpDevice) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_each(await device.walk(IF_PHYS_ADDRESS, value_octets=8))))


def _each(column: Mapping[Oid, Value]) -> Iterator[str]:
    return (mac for value in column.values() if (mac := _mac(value)))


def _mac(value: Value) -> str:
    """An Ethernet address; empty for what is none."""
    found = macs_of([value.hex()]) if isinstance(value, bytes) and len(value) == 6 else ()
    return found[0] if found else ""


def _address(oid: Oid, newer: bool) -> str:
    """The address that a row of either table is of: `ifIndex.1.4.10.0.0.1`, or `ifIndex.10.0.0.1`."""
    if newer:
        index = oid[len(NET_TO_PHYSICAL) :]
        if len(index) < 3 or _OCTETS.get(index[1]) != index[2] or len(index) != 3 + index[2]:
            return ""
        octets = index[3:]
    else:
        octets = oid[-4:]
    if any(not 0 <= each <= 255 for each in octets):
        return ""
    return str(ip_address(bytes(octets)))
