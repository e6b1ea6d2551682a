"""What of a switch has a socket, in VLANs or not: management ports, members of aggregates, routed ports."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from clusto_cli.backends.snmp import Oid, SnmpDevice, Value
from clusto_cli.backends.switch import oids
from clusto_cli.backends.switch.directory import Directory, texts
from clusto_cli.backends.switch.model import PortState

# IANAifType-MIB: what is no port though it says that a connector is there, and what has one where nothing says so.
_VIRTUAL = frozenset({1, 24, 53, 54, 131, 135, 136, 150, 161, 209})
_ETHERNET = frozenset({6, 62, 69, 117})
_PRESENT = 1


@dataclass(frozen=True)
class Sockets:
    """The ifIndex of all that has a socket, what somebody wrote on each, and the aggregate that each is below."""

    indexes: frozenset[int]
    descriptions: Mapping[int, str]
    above: Mapping[int, int]

    def described(self, port: PortState, index: int, directory: Directory) -> PortState:
        """The port with its description, and its aggregate where only the stack of interfaces tells that."""
        above = self.above.get(index)
        lag = directory.name(above) if above and not port.lag and index not in directory.bridge_port else port.lag
        return replace(port, lag=lag, description=self.descriptions.get(index, ""))


async def read_sockets(device: SnmpDevice, directory: Directory) -> Sockets:
    """IF-MIB's ifConnectorPresent, else ifType; where neither is told, the ports that speak LLDP."""
    columns = (oids.IF_TYPE, oids.IF_CONNECTOR, oids.IF_ALIAS, oids.IF_STACK_STATUS, oids.LLDP_LOCAL_ID)
    kinds, connectors, aliases, stack, local = await asyncio.gather(*(device.walk(column) for column in columns))
    kind, connector = _numbers(kinds), _numbers(connectors)
    speaking = {index for index in directory.names if index not in kind} & _called(directory, texts(local))
    found = {index for index in {*kind, *connector} if _is_socket(kind.get(index), connector.get(index))}
    return Sockets(frozenset(found | speaking), texts(aliases), _above(stack, kind, directory))


def _is_socket(kind: int | None, connector: int | None) -> bool:
    if kind in _VIRTUAL:
        return False
    return connector == _PRESENT if connector is not None else kind in _ETHERNET


def _called(directory: Directory, local: Mapping[int, str]) -> set[int]:
    """The interfaces that LLDP's own table of local ports names, by their name or their number."""
    names = set(local.values())
    return {index for index, name in directory.names.items() if name in names}


def _above(stack: Mapping[Oid, Value], kind: Mapping[int, int], directory: Directory) -> dict[int, int]:
    """Lower interface -> the aggregate above it (ifStackTable: higher, lower)."""
    found = {}
    for oid in stack:
        higher, lower = oid[-2:]
        aggregate = kind.get(higher) in (54, 161) or (higher in directory.bridge_port and kind.get(higher) is None)
        if higher and lower and aggregate:
            found[lower] = higher
    return found


def _numbers(column: Mapping[Oid, Value]) -> dict[int, int]:
    return {oid[-1]: value for oid, value in column.items() if isinstance(value, int)}
