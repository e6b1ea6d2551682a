"""A switch over SNMP: SwitchControl on whatever table its platform keeps its VLANs in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.snmp import SnmpDevice
from clusto_cli.backends.switch import oids, saving, snmp_survey, sockets
from clusto_cli.backends.switch.cisco import VmVlan, switchports
from clusto_cli.backends.switch.directory import Directory, read_directory
from clusto_cli.backends.switch.exos import Exos
from clusto_cli.backends.switch.model import VLANS, CannotSave, Plan, PortState, Survey, SwitchState
from clusto_cli.backends.switch.profiles import Profile, SnmpRules
from clusto_cli.backends.switch.requests import send
from clusto_cli.backends.switch.tables import CISCO_SB, COMWARE, DELL_N, Foundry, QBridge, SnmpState, Table

# Orders that write every list outright, and so undo whatever another one left behind.
RESTORING = ("leave-join", "single")
MANUAL = "manual"


def table_for(rules: SnmpRules) -> Table:
    """The table that a profile names."""
    match rules.membership:
        case "vmvlan":
            return VmVlan()
        case "foundry":
            return Foundry()
        case "exos":
            return Exos()
        case "delln":
            return QBridge(rules.keep_vlans, DELL_N)
        case "ciscosb":
            return QBridge(rules.keep_vlans, CISCO_SB)
        case "comware":
            return QBridge(rules.keep_vlans, COMWARE)
        case "qbridge":
            return QBridge(rules.keep_vlans)


class SnmpSwitch:
    """SwitchControl over SNMP; `order` is what worked on this switch before, and is tried first.

    `login` names the settings with which a switch could be changed that can only be read this way.
    """

    def __init__(
        self, profile: Profile, rules: SnmpRules, device: SnmpDevice, order: str = "", login: str = ""
    ) -> None:
        self._profile, self._rules, self._device, self._login = profile, rules, device, login
        self._table = table_for(rules)
        self._directory: Directory | None = None
        self._orders = (
            (order, *(one for one in rules.orders if one != order)) if order in rules.orders else rules.orders
        )

    @property
    def experimental(self) -> str:
        return self._rules.experimental

    @property
    def orders(self) -> tuple[str, ...]:
        return self._orders or ("none",)

    @property
    def restoring(self) -> tuple[str, ...]:
        if not isinstance(self._table, QBridge):
            return self.orders
        return tuple(dict.fromkeys((*self.orders, *RESTORING)))

    async def read(self, ports: Sequence[str] = ()) -> SwitchState:
        directory = await self._read_directory(ports)
        if ports:
            return await self._table.read(self._device, directory, {port: directory.find(port) for port in ports})
        among = directory.switchports or directory.bridge_port
        if not among:
            raise Refused("it does not tell over SNMP which interface its bridge ports are: name the port")
        found = await sockets.read_sockets(self._device, directory)
        indexes = {directory.name(index): index for index in sorted({*among, *found.indexes})}
        state = await self._table.read(self._device, directory, indexes)
        named = {name: found.described(port, indexes[name], directory) for name, port in state.ports.items()}
        return replace(state, ports=named)

    def plan(
        self,
        now: SwitchState,
        goals: Mapping[str, PortState],
        *,
        order: str,
        create: Mapping[int, str] | None = None,
        drop: Sequence[int] = (),
    ) -> Plan:
        assert isinstance(now, SnmpState)
        if not self._rules.orders:
            why = self._rules.why_not or f"{self._profile.title} takes no VLANs over SNMP: switch.via=ssh"
            raise Refused(f"{why}, with {self._login}" if self._login else why)
        steps = self._table.steps(now, goals, order, create or {}, drop)
        save = saving.steps("" if self._rules.save == MANUAL else self._rules.save)
        return Plan(order, dict(goals), tuple(steps), save)

    async def apply(self, plan: Plan) -> None:
        await send(self._device, plan.steps)

    async def save(self, plan: Plan) -> None:
        if self._rules.save == MANUAL:
            raise CannotSave("no way of saving over SNMP is known for it: save on the switch itself")
        await send(self._device, plan.save)

    async def survey(self) -> Survey:
        directory = await self._read_directory(())
        neighbours, stations = await asyncio.gather(
            snmp_survey.neighbours(self._device, directory), snmp_survey.stations(self._device, directory)
        )
        portless = sorted({neighbour.system for neighbour in neighbours if not neighbour.port})
        missing = [f"LLDP does not say on which port {', '.join(portless)} is"] if portless else []
        if self._rules.vlan_context and all(station.vlan is None for station in stations):
            # Asked without a VLAN, such a switch shows VLAN 1 alone.
            found, unasked = await snmp_survey.stations_by_vlan(self._device, directory, await self._used_vlans())
            stations, missing = found or stations, [*missing, *unasked]
        return Survey(neighbours, stations, tuple(missing))

    async def close(self) -> None:
        await self._device.__aexit__(None, None, None)

    async def _read_directory(self, wanted: Sequence[str]) -> Directory:
        if self._directory is None or any(not self._knows(port) for port in wanted):
            self._directory = await read_directory(self._device, wanted)
        bare = not wanted or any(port.isdigit() for port in wanted)
        if bare and isinstance(self._table, VmVlan) and not self._directory.switchports:
            self._directory = replace(self._directory, switchports=await switchports(self._device))
        return self._directory

    def _knows(self, port: str) -> bool:
        try:
            return self._directory is not None and self._directory.find(port) > 0
        except DeviceError:
            return False

    async def _used_vlans(self) -> list[int]:
        rows = await self._device.walk(oids.VM_VLAN, value_octets=3)
        natives = await self._device.walk(oids.TRUNK_NATIVE, value_octets=3)
        return sorted({vlan for vlan in (*rows.values(), *natives.values()) if isinstance(vlan, int) and vlan in VLANS})
