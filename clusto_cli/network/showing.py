"""What `network vlan` and `network ports` show: the inventory and the switch, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clusto_cli.backends.errors import NO_SESSION, DeviceError
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.model import Neighbour, PortState, Station, Survey, SwitchState, describe
from clusto_cli.backends.switch.names import may_mean, same_port
from clusto_cli.network.asking import ask
from clusto_cli.network.devices import Device, devices
from clusto_cli.network.jobs import NOT_ASKED, Job, by_switch, port_names
from clusto_core.answers.network import VLAN_KEY, cables_of, meant_vlan, nics_by_mac
from clusto_core.drivers.equipment import Switch
from clusto_core.drivers.parts import Port
from clusto_core.errors import Malformed, NotFound
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

_MOST_MACS = 3
"""A port with more is told by their number: behind it is another switch."""


@dataclass
class VlanRow:
    """One NIC: the VLAN that the inventory wants (id; None where it says nothing), and the port on its switch."""

    nic: str
    switch: str
    port: str
    wanted: int | None
    wanted_name: str
    state: PortState | None = None
    vlan_name: str = ""
    failure: str = ""
    """Why the switch did not say; NOT_ASKED where it has already failed for another NIC."""

    @property
    def differs(self) -> bool:
        return self.wanted is not None and self.state is not None and self.state.vlan != self.wanted

    def record(self) -> dict[str, Any]:
        return {
            "name": self.nic,
            "switch": self.switch,
            "port": self.state.name if self.state else self.port,
            "inventory": self.wanted,
            "on_switch": self.state.vlan if self.state else None,
            "vlan_name": self.vlan_name or None,
            "state": describe(self.state) if self.state else None,
            "differs": self.differs,
            "error": self.failure or None,
        }


def vlan_rows(reader: Reader, jobs: Sequence[Job], parallel: int) -> tuple[list[VlanRow], list[str]]:
    """A row for each NIC, in order; and notes."""
    grouped = by_switch(jobs)
    known = {device.name: device for device in devices(reader, [job.wired.switch for job in jobs]).values()}

    async def read(control: SwitchControl, device: Device) -> dict[str, PortState | str]:
        found: dict[str, PortState | str] = {}
        for job in grouped[device.name]:
            try:
                state = await control.read([job.port])
                found[job.nic] = state.ports[job.port]
                names.setdefault(device.name, {}).update(state.vlans)
            except DeviceError as error:
                found[job.nic] = str(error)
                if isinstance(error, NO_SESSION):
                    break
        return found

    names: dict[str, dict[int, str]] = {}
    asked = ask([known[name] for name in grouped], read, parallel)
    rows = []
    for name, of in grouped.items():
        answers = asked.answers.get(name) or {of[0].nic: asked.failures.get(name, "")}
        for job in of:
            wanted, wanted_name = _wanted(reader, job.wired.nic)
            row = VlanRow(job.nic, name, job.port, wanted, wanted_name)
            answer = answers.get(job.nic, NOT_ASKED)
            if isinstance(answer, PortState):
                row.state = answer
                row.vlan_name = names.get(name, {}).get(answer.pvid or 0, "")
            else:
                row.failure = answer
            rows.append(row)
    return rows, asked.notes


def vlan_lines(rows: Iterable[VlanRow]) -> list[str]:
    """`server1:eth1  switch2a GigabitEthernet0/4  inventory 203 (vlan203)  switch access 10  DIFFERS`."""
    table = [("NIC", "SWITCH PORT", "INVENTORY", "SWITCH", "")]
    for row in rows:
        wanted = (
            "-" if row.wanted is None else f"{row.wanted} ({row.wanted_name})" if row.wanted_name else f"{row.wanted}"
        )
        said = describe(row.state) if row.state else NOT_ASKED if row.failure == NOT_ASKED else "?"
        if row.state and row.vlan_name:
            said += f" ({row.vlan_name})"
        port = row.state.name if row.state else row.port
        table.append((row.nic, f"{row.switch} {port}", wanted, said, "DIFFERS" if row.differs else ""))
    return columns(table)


def _wanted(reader: Reader, nic: Thing) -> tuple[int | None, str]:
    for attribute in reader.attributes(nic.id):
        if attribute.key == VLAN_KEY:
            try:
                meant = meant_vlan(reader, attribute.value.text)
            except (NotFound, Malformed):
                return None, attribute.value.text
            return meant.id, meant.name
    return None, ""


def port_rows(reader: Reader, switch: Thing) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """A record for each port of a switch, those of the inventory that the switch does not show included; notes; and
    what it answered that nobody understands.

    Raises Malformed for what is no switch, DeviceError.
    """
    if not switch.is_a(Switch):
        raise Malformed(f"{switch.name} is no switch")
    device = devices(reader, [switch])[switch.id]

    async def look(control: SwitchControl, device: Device) -> tuple[SwitchState, Survey]:
        return await control.read(), await control.survey()

    asked = ask([device], look, 1)
    if switch.name in asked.failures:
        raise DeviceError(f"{switch.name}: {asked.failures[switch.name]}")
    state, survey = asked.answers[switch.name]
    ports: dict[str, PortState | None] = {**state.ports, **_elsewhere(state, survey)}
    parts = [part for part in reader.parts(switch.id) if part.is_a(Port)]
    names, cables = port_names(reader, parts), cables_of(reader, switch)
    part_of = _match(parts, names, list(ports))
    owners = nics_by_mac(reader, {station.mac for station in survey.stations})
    rows = []
    for name, port in ports.items():
        part = part_of.get(name)
        wired = cables.get(part.id) if part else None
        macs = [station for station in survey.stations if same_port(station.port, name)]
        near = [neighbour for neighbour in survey.neighbours if same_port(neighbour.port, name)]
        rows.append(_port_record(name, part, port, macs, near, wired, owners))
    shown = {part.id for part in part_of.values()}
    for part in parts:
        wired = cables.get(part.id)
        if part.id not in shown and wired is not None:
            rows.append(_port_record(names[part.id], part, None, [], [], wired, owners))
    faults = [f"{port.name}: {port.fault}" for port in state.ports.values() if port.fault]
    return rows, asked.notes + [f"{switch.name}: {text}" for text in survey.missing], [*faults, *survey.faults]


def _elsewhere(state: SwitchState, survey: Survey) -> dict[str, None]:
    """Ports that neighbours announce themselves on and that are not among those that the switch lists."""
    seen = {neighbour.port for neighbour in survey.neighbours if neighbour.port}
    return {port: None for port in sorted(seen) if not any(same_port(port, name) for name in state.ports)}


def _match(parts: Sequence[Thing], names: dict[int, str], ports: Sequence[str]) -> dict[str, Thing]:
    """Which part stands for which of the switch's ports: by label or name, else by the one port of that number."""
    found: dict[str, Thing] = {}
    for part in parts:
        wanted = names[part.id]
        same = [port for port in ports if same_port(port, wanted)]
        same = same or [port for port in ports if may_mean(wanted, port)]
        if len(same) == 1:
            found.setdefault(same[0], part)
    return found


def _port_record(
    name: str,
    part: Thing | None,
    port: PortState | None,
    macs: Sequence[Station],
    near: Sequence[Neighbour],
    wired: Thing | None,
    owners: dict[str, Thing],
) -> dict[str, Any]:
    return {
        "name": part.name if part else None,
        "port": name,
        "description": port.description or None if port else None,
        "state": describe(port) if port else "no port with VLANs" if near else "not on the switch",
        "mode": str(port.mode) if port else None,
        "pvid": port.pvid if port else None,
        "tagged": sorted(port.tagged) if port else [],
        "lag": port.lag if port else None,
        "link": port.link if port else None,
        "macs": [station.mac for station in macs],
        "seen": sorted({owners[station.mac].name for station in macs if station.mac in owners}),
        "neighbours": [f"{one.system} {one.remote_description or one.remote_port}".strip() for one in near],
        "wired": wired.name if wired else None,
    }


def port_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The records as a table for people."""
    table = [("PORT", "NAME", "LINK", "STATE", "SEES", "WIRED TO", "DESCRIPTION")]
    for row in rows:
        link = {True: "up", False: "down", None: "-"}[row["link"]]
        sees = row["neighbours"] or row["seen"] or row["macs"]
        told = ", ".join(sees[:_MOST_MACS]) if len(sees) <= _MOST_MACS else f"{len(sees)} addresses"
        lag = f" in {row['lag']}" if row["lag"] else ""
        part = row["name"].partition(":")[2] if row["name"] else "-"
        table.append(
            (row["port"], part, link, row["state"] + lag, told or "-", row["wired"] or "-", row["description"] or "")
        )
    return columns(table)


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns lined up."""
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
