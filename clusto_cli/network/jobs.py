"""What a command is to change, grouped by switch, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clusto_cli.backends.switch.model import PortMode, PortState, Survey, describe
from clusto_cli.backends.switch.refusal import Known, Move
from clusto_core.answers.network import (
    MeantVlan,
    Wired,
    is_uplink,
    nics_by_mac,
    port_labels,
    recorded_mac,
    things_announced,
)
from clusto_core.errors import NotFound
from clusto_core.model.things import Thing
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

MOVED, ALREADY, REFUSED, MISSING, FAILED, PLANNED = "moved", "already", "refused", "missing", "failed", "planned"
NOT_ASKED = "not asked"
"""Of a job whose switch has already failed for another one, which tells why."""


@dataclass
class Job:
    """One NIC on one switch port, and what becomes of it."""

    wired: Wired
    port: str
    vlan: MeantVlan | None = None
    status: str = ""
    text: str = ""
    before: PortState | None = None
    after: PortState | None = None
    unsaved: str = ""

    @property
    def nic(self) -> str:
        return self.wired.nic.name

    def fail(self, status: str, text: str) -> None:
        self.status, self.text = status, text

    def record(self) -> dict[str, Any]:
        """The job as plain values, for programs."""
        return {
            "name": self.nic,
            "switch": self.wired.switch.name,
            "port": self.before.name if self.before else self.port,
            "vlan": self.after.pvid if self.after else self.vlan.id if self.vlan else None,
            "before": self.before.pvid if self.before else None,
            "status": self.status,
            "message": self.text or None,
            "unsaved": self.unsaved or None,
        }

    def line(self) -> str:
        """The job as a line for people."""
        where = f"{self.wired.switch.name} {self.before.name if self.before else self.port}"
        if self.status == MOVED:
            assert self.after is not None
            assert self.before is not None
            return f"{self.nic} -> {describe(self.after)} on {where} (was {describe(self.before)})"
        if self.status == ALREADY:
            return f"{self.nic} -> already {describe(self.after) if self.after else 'there'} on {where}"
        if self.status == PLANNED:
            return f"{self.nic} -> would be {self.text} on {where}"
        return f"{self.nic} on {where}: {self.text or self.status}"


def port_names(reader: Reader, ports: Iterable[Thing]) -> dict[int, str]:
    """What each switch port is called when the switch is asked: its label, else its name in the inventory."""
    found = {port.id: port for port in ports}
    return {id: port.part_name for id, port in found.items()} | port_labels(reader, found.values())


def by_switch(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    """The jobs of each switch, by its name, in natural order."""
    found: dict[str, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: natural_key(job.nic)):
        found.setdefault(job.wired.switch.name, []).append(job)
    return dict(sorted(found.items(), key=lambda item: natural_key(item[0])))


def move_of(reader: Reader, job: Job) -> Move:
    """The move that the adapter is asked for, with what the inventory knows of the port."""
    assert job.vlan is not None
    nic = job.wired.nic
    uplink = nic.owner_name if is_uplink(reader, nic) else ""
    return Move(job.port, job.vlan.id, nic.name, recorded_mac(reader, nic), uplink)


def known_to(reader: Reader) -> Callable[[Survey], Known]:
    """What the inventory holds of those whom a switch sees."""

    def known(survey: Survey) -> Known:
        macs = nics_by_mac(reader, {station.mac for station in survey.stations})
        systems = things_announced(reader, {neighbour.system for neighbour in survey.neighbours})
        return Known(
            {mac: nic.name for mac, nic in macs.items()},
            {system.casefold().rstrip("."): thing.name for system, thing in systems.items()},
        )

    return known


# --- the last change of a port -----------------------------------------------------------------------------------


def kept(job: Job, nic_vlan: str | None) -> dict[str, Any]:
    """What is kept on a switch port about its last change, enough to take it back."""
    import time

    assert job.before is not None
    assert job.after is not None
    return {
        "time": time.time(),
        "nic": job.nic,
        "before": _plain(job.before),
        "after": _plain(job.after),
        "nic_vlan": nic_vlan,
    }


def tried(job: Job) -> dict[str, Any]:
    """What is kept on a NIC about a change that its switch refused or did not do."""
    import time

    return {
        "time": time.time(),
        "port": job.wired.port.name,
        "vlan": job.vlan.id if job.vlan is not None else None,
        "status": job.status,
        "message": job.text,
    }


@dataclass(frozen=True)
class LastChange:
    """The last change of a switch port: when (seconds since 1970), for which NIC, from what to what."""

    port: Thing
    time: float
    nic: str
    before: PortState
    after: PortState
    nic_vlan: str | None = None


_LAST = """
    SELECT t.id, t.name, t.driver, t.owner_id, t.number, a.head, a.rest
    FROM attributes a JOIN things t ON t.id = a.thing_id WHERE a.key = '_network' AND a.subkey = 'last'"""


def last_changes(reader: Reader, ports: Iterable[Thing] | None = None) -> list[LastChange]:
    """The last changes of these ports, or of all, the newest first."""
    if ports is None:
        rows = reader.database.rows(_LAST)
    else:
        rows = list(reader.database.rows_in(_LAST + " AND a.thing_id IN (:ids)", [port.id for port in ports]))
    found = []
    for row in rows:
        values = json.loads(row[5] if row[6] is None else row[5] + row[6])
        before, after = _state(values["before"]), _state(values["after"])
        found.append(LastChange(Thing(*row[:5]), values["time"], values["nic"], before, after, values.get("nic_vlan")))
    return sorted(found, key=lambda change: -change.time)


def last_change(reader: Reader, port: Thing) -> LastChange:
    """The last change of a port. Raises NotFound."""
    found = last_changes(reader, [port])
    if not found:
        raise NotFound(f"no change of {port.name} is recorded")
    return found[0]


def _plain(state: PortState) -> dict[str, Any]:
    return {
        "name": state.name,
        "mode": str(state.mode),
        "pvid": state.pvid,
        "untagged": sorted(state.untagged),
        "tagged": sorted(state.tagged),
        "voice": state.voice,
        "note": state.note,
    }


def _state(values: Mapping[str, Any]) -> PortState:
    return PortState(
        values["name"],
        PortMode(values["mode"]),
        values["pvid"],
        frozenset(values["untagged"]),
        frozenset(values["tagged"]),
        voice=values["voice"],
        note=values["note"],
    )
