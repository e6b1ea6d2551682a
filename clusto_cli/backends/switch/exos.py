"""EXOS over SNMP (EXTREME-VLAN-MIB): a row that tells one slot's ports to join a VLAN or to leave it.

Reading is Q-BRIDGE-MIB's. The rows are indexed by the VLAN's interface number and the slot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from clusto_cli.backends.errors import Refused
from clusto_cli.backends.snmp import SnmpDevice
from clusto_cli.backends.switch import oids
from clusto_cli.backends.switch.directory import Directory
from clusto_cli.backends.switch.model import PortState, Step
from clusto_cli.backends.switch.portlist import with_ports
from clusto_cli.backends.switch.requests import SetRequest, integer, octets
from clusto_cli.backends.switch.tables import QBridge, SnmpState

_ADD_TAGGED, _ADD_UNTAGGED, _DELETE = 1, 2, 3
_CREATE_AND_GO = 4
_SLOT_AND_PORT = re.compile(r"(?:(\d+):)?(\d+)")


class Exos:
    """Membership by commands in rows; VLANs themselves are not made this way."""

    async def read(self, device: SnmpDevice, directory: Directory, indexes: Mapping[str, int]) -> SnmpState:
        state = await QBridge().read(device, directory, indexes)
        ids = await device.walk(oids.EXOS_VLAN_ID, value_octets=3)
        return replace(state, vlan_rows={vlan: oid[-1] for oid, vlan in ids.items() if isinstance(vlan, int)})

    def steps(
        self, now: SnmpState, goals: Mapping[str, PortState], order: str, create: Mapping[int, str], drop: Sequence[int]
    ) -> list[Step]:
        if create or drop:
            raise Refused("VLANs are not made over SNMP on this platform: use switch.via=ssh")
        made: list[Step] = []
        for port, goal in goals.items():
            state = now.ports[port]
            wanted, there = goal.untagged | goal.tagged, state.untagged | state.tagged
            made += [self._row(now, state.name, vlan, _DELETE) for vlan in sorted(there - wanted)]
            for vlan in sorted((goal.untagged - state.untagged) | (goal.tagged - state.tagged)):
                how = _ADD_UNTAGGED if vlan in goal.untagged else _ADD_TAGGED
                made.append(self._row(now, state.name, vlan, how))
        return made

    def _row(self, now: SnmpState, name: str, vlan: int, operation: int) -> Step:
        found = _SLOT_AND_PORT.fullmatch(name)
        if not found or vlan not in now.vlan_rows:
            raise Refused(f"it does not tell over SNMP which row is port {name} in VLAN {vlan}")
        row = (now.vlan_rows[vlan], int(found[1] or 1))
        return SetRequest(
            (
                octets((*oids.EXOS_CONTROL_PORTS, *row), with_ports(b"", [int(found[2])], ())),
                integer((*oids.EXOS_CONTROL_OPERATION, *row), operation),
                integer((*oids.EXOS_CONTROL_STATUS, *row), _CREATE_AND_GO),
            )
        )
