"""Each recorded cable held against what switches see: LLDP neighbours and learned addresses.

LLDP names both ends. A learned address only says that frames come in there: on a port towards another switch that is
every address behind it, so addresses count on ports that no switch or router is on and that few were learned on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.model import Neighbour, Station, Survey
from clusto_cli.backends.switch.names import is_aggregate, may_mean, same_port
from clusto_cli.context import App
from clusto_cli.network.asking import Asked, ask
from clusto_cli.network.devices import Device, devices
from clusto_cli.network.jobs import NOT_ASKED, port_names
from clusto_cli.network.record import name_port
from clusto_core.answers.network import (
    MAC_KEY,
    cables_of,
    is_uplink,
    loose_nics,
    nics_by_mac,
    nics_of,
    recorded_mac,
    switches_around,
    things_announced,
    wired,
)
from clusto_core.drivers.equipment import Switch
from clusto_core.drivers.parts import NIC, Port
from clusto_core.errors import NotFound, Refused
from clusto_core.model.things import Thing
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

CONFIRMED, CONTRADICTED, NOT_SEEN = "confirmed", "contradicted", "not seen"
_EDGE_MACS = 2
"""A port that more addresses were learned on leads to more than one machine."""


class Sighting(NamedTuple):
    """A NIC seen on a switch port: by LLDP or by its address."""

    nic: Thing
    switch: Thing
    port: str
    how: str
    mac: str = ""


@dataclass
class Verdict:
    """One recorded cable, and what the switches say of it."""

    nic: Thing
    port: Thing
    switch: Thing
    called: str
    status: str = NOT_SEEN
    how: str = ""
    seen: Sighting | None = None

    def line(self) -> str:
        """The verdict for people."""
        tail = f" ({self.how})" if self.how else ""
        return f"{self.nic.name} -> {self.port.name}: {self.status}{tail}"

    def record(self) -> dict[str, Any]:
        return {
            "name": self.nic.name,
            "port": self.port.name,
            "status": self.status,
            "how": self.how or None,
            "seen_on": f"{self.seen.switch.name} {self.seen.port}" if self.seen else None,
        }


@dataclass
class Verified:
    """What came of a verification."""

    verdicts: list[Verdict] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    edge: dict[str, list[Station]] = field(default_factory=dict)
    """By switch: the addresses on ports that lead to one machine."""

    def macs_on(self, sighting: Sighting) -> set[str]:
        """The addresses that were learned where a NIC was seen."""
        stations = self.edge.get(sighting.switch.name, [])
        return {station.mac for station in stations if same_port(station.port, sighting.port)}

    @property
    def judged(self) -> list[Verdict]:
        """The verdicts on cables that somebody looked at: a switch that does not answer is told once, as a failure."""
        return [verdict for verdict in self.verdicts if verdict.status != NOT_ASKED]

    @property
    def contradicted(self) -> bool:
        return any(verdict.status == CONTRADICTED for verdict in self.verdicts)


def verify_cables(reader: Reader, things: Sequence[Thing], parallel: int) -> Verified:
    """The cables of these Things: all of a switch's, those of a server to switches. Their switches are asked; for cards
    with an address and no recorded cable, those around, one of which may see them.
    """
    verdicts = _recorded(reader, things)
    switches = {verdict.switch for verdict in verdicts} | {thing for thing in things if thing.is_a(Switch)}
    loose = [thing for thing in things if not thing.is_a(Switch) and loose_nics(reader, thing)]
    switches |= set(switches_around(reader, loose)) if loose else set()
    asked = ask(list(devices(reader, switches).values()), _survey, parallel)
    return _judged(reader, verdicts, switches, asked)


def judge_cables(reader: Reader, switches: Sequence[Thing], asked: Asked[Survey]) -> Verified:
    """The recorded cables of switches that somebody has asked."""
    return _judged(reader, _recorded(reader, switches), switches, asked)


def _judged(reader: Reader, verdicts: list[Verdict], switches: Iterable[Thing], asked: Asked[Survey]) -> Verified:
    result = Verified(verdicts, failures=sorted(asked.failures.items()), notes=list(asked.notes))
    for name, survey in sorted(asked.answers.items()):
        result.notes += [f"{name}: {text}" for text in survey.missing]
        result.failures += [(name, text) for text in survey.faults]
    by_name = {switch.name: switch for switch in switches}
    for name, survey in asked.answers.items():
        result.edge[name] = _edge_stations(reader, by_name[name], survey)
        result.sightings += _sightings(reader, by_name[name], survey, result.edge[name])
    others = _announced(reader, asked.answers)
    for verdict in verdicts:
        _judge(verdict, result.sightings, others.get(verdict.switch.name, []))
        if verdict.status == NOT_SEEN and verdict.switch.name in asked.failures:
            verdict.status = NOT_ASKED
    return result


async def _survey(control: SwitchControl, device: Device) -> Survey:
    return await control.survey()


def _recorded(reader: Reader, things: Sequence[Thing]) -> list[Verdict]:
    found: dict[int, Verdict] = {}
    for thing in things:
        if thing.is_a(Switch):
            parts = {part.id: part for part in reader.parts(thing.id)}
            names = port_names(reader, parts.values())
            for port_id, far in cables_of(reader, thing).items():
                if far.is_part and parts[port_id].is_a(Port):
                    found.setdefault(port_id, Verdict(far, parts[port_id], thing, names[port_id]))
            continue
        for nic in nics_of(reader, thing):
            try:
                place = wired(reader, nic)
            except (NotFound, Refused):
                # No cable, or one to something else than a switch: nothing to verify here.
                continue
            called = port_names(reader, [place.port])[place.port.id]
            found.setdefault(place.port.id, Verdict(nic, place.port, place.switch, called))
    return sorted(found.values(), key=lambda verdict: (natural_key(verdict.nic.name), natural_key(verdict.port.name)))


def _sightings(reader: Reader, switch: Thing, survey: Survey, edge: Sequence[Station]) -> list[Sighting]:
    found = []
    things = things_announced(reader, {neighbour.system for neighbour in survey.neighbours})
    for neighbour in survey.neighbours:
        thing = things.get(neighbour.system)
        nic = _nic_named(reader, thing, neighbour) if thing and neighbour.port else None
        if nic is not None:
            found.append(Sighting(nic, switch, neighbour.port, "LLDP"))
    nics = nics_by_mac(reader, {station.mac for station in edge})
    found += [Sighting(nics[one.mac], switch, one.port, "MAC", one.mac) for one in edge if one.mac in nics]
    return found


def _nic_named(reader: Reader, thing: Thing, neighbour: Neighbour) -> Thing | None:
    """The NIC that announces itself: by its name in the description or id of the port, or by its address."""
    told = {neighbour.remote_port.casefold(), neighbour.remote_description.casefold()} - {""}
    parts = [part for part in reader.parts(thing.id) if part.is_a(NIC) or part.is_a(Port)]
    labels = port_names(reader, parts)
    for part in parts:
        if {part.part_name.casefold(), labels[part.id].casefold()} & told:
            return part
    for part in parts:
        if any(same_port(labels[part.id], text) for text in told) or recorded_mac(reader, part) in told:
            return part
    return None


def _edge_stations(reader: Reader, switch: Thing, survey: Survey) -> list[Station]:
    """The addresses on ports that lead to one machine."""
    parts = {part.id: part for part in reader.parts(switch.id)}
    names = port_names(reader, parts.values())
    uplinks = [names[id] for id, far in cables_of(reader, switch).items() if is_uplink(reader, far)]
    announced = {neighbour.system for neighbour in survey.neighbours}
    things = things_announced(reader, announced)
    for neighbour in survey.neighbours:
        thing = things.get(neighbour.system)
        if thing is not None and neighbour.port and is_uplink(reader, thing):
            uplinks.append(neighbour.port)
    by_port: dict[str, set[str]] = {}
    for station in survey.stations:
        by_port.setdefault(station.port, set()).add(station.mac)
    edge = {
        port
        for port, macs in by_port.items()
        if len(macs) <= _EDGE_MACS and not any(may_mean(uplink, port) for uplink in uplinks)
    }
    return list({(one.mac, one.port): one for one in survey.stations if one.port in edge}.values())


def _announced(reader: Reader, surveys: dict[str, Survey]) -> dict[str, list[tuple[str, str]]]:
    """By switch: on which port which Thing announces itself."""
    found = {}
    for name, survey in surveys.items():
        things = things_announced(reader, {neighbour.system for neighbour in survey.neighbours})
        found[name] = [
            (one.port, things[one.system].name) for one in survey.neighbours if one.port and one.system in things
        ]
    return found


def _judge(verdict: Verdict, sightings: Sequence[Sighting], announced: Sequence[tuple[str, str]]) -> None:
    own = [one for one in sightings if one.nic == verdict.nic]
    here = [one for one in own if one.switch == verdict.switch and _is_port(verdict, one.port)]
    # An address on an aggregate is behind one of its members, and which that is the table does not say.
    behind = [one for one in own if one not in here and one.how == "MAC" and is_aggregate(one.port)]
    there = [one for one in own if one not in here and one not in behind]
    others = sorted({name for port, name in announced if _is_port(verdict, port) and name != verdict.nic.owner_name})
    # LLDP says more than an address, which stays in a table for minutes after a cable was moved.
    strong = [one for one in there if one.how == "LLDP"]
    if any(one.how == "LLDP" for one in here) or (here and not strong and not others):
        verdict.status, verdict.seen = CONFIRMED, here[0]
        verdict.how = " and ".join(dict.fromkeys(one.how for one in here))
    elif there:
        seen = (strong or there)[0]
        verdict.status, verdict.seen = CONTRADICTED, seen
        verdict.how = f"{seen.how} sees it on {seen.switch.name} {seen.port}"
    elif others:
        verdict.status = CONTRADICTED
        verdict.how = f"LLDP sees {', '.join(others)} there"
    elif behind:
        verdict.how = f"its address is learned on the aggregate {behind[0].port} of {behind[0].switch.name}"


def _is_port(verdict: Verdict, port: str) -> bool:
    return may_mean(verdict.called, port) or same_port(verdict.port.part_name, port)


class Proposal(NamedTuple):
    """A cable that is not recorded: a NIC, and the port of a switch that it was seen on."""

    nic: Thing
    port: Thing
    how: str

    @property
    def line(self) -> str:
        """The command that records it."""
        return f"clusto connect {self.nic.name} {self.port.name}  # seen by {self.how}"


def proposals(reader: Reader, result: Verified) -> list[Proposal]:
    """Cables for NICs that were seen on a port while none of either is recorded."""
    found: dict[tuple[Thing, Thing], Proposal] = {}
    for one in _unrecorded(reader, result.sightings):
        part = _part_called(reader, one.switch, one.port)
        if part is not None and not reader.links_of_parts(part.id):
            found.setdefault((one.nic, part), Proposal(one.nic, part, one.how))
    return list(found.values())


def certain(proposed: Sequence[Proposal]) -> list[Proposal]:
    """Those of a NIC that was seen on one port alone, on which no other was seen."""
    nics, ports = Counter(one.nic for one in proposed), Counter(one.port for one in proposed)
    return [one for one in proposed if nics[one.nic] == 1 and ports[one.port] == 1]


def connect(app: App, proposed: Sequence[Proposal], message: str | None) -> list[Proposal]:
    """Records the cables that are certain, in one transaction; those that are not, are told."""
    sure = certain(proposed)
    for one in proposed:
        if one not in sure:
            app.say(f"{one.nic.name} -> {one.port.name}: seen elsewhere too, or not alone; not recorded")
    if sure:
        with app.changing(message) as change:
            for one in sure:
                change.connect(one.nic, one.port)
    return sure


def _unrecorded(reader: Reader, sightings: Iterable[Sighting]) -> list[Sighting]:
    linked = {link.part for link in reader.links_of_parts(*{one.nic.id for one in sightings})}
    return sorted(
        (one for one in sightings if one.nic not in linked), key=lambda one: (natural_key(one.nic.name), one.how)
    )


def _part_called(reader: Reader, switch: Thing, port: str) -> Thing | None:
    parts = [part for part in reader.parts(switch.id) if part.is_a(Port)]
    names = port_names(reader, parts)
    same = [part for part in parts if same_port(names[part.id], port)]
    same = same or [part for part in parts if may_mean(names[part.id], port)]
    return same[0] if len(same) == 1 else None


def learn_from(app: App, result: Verified, message: str | None) -> None:
    """Records the addresses of NICs that LLDP confirmed, and the switches' names of ports that were confirmed."""
    confirmed = [verdict for verdict in result.verdicts if verdict.status == CONFIRMED and verdict.seen is not None]
    if not confirmed:
        return
    learned = 0
    with app.changing(message) as change:
        for verdict in confirmed:
            assert verdict.seen is not None
            port, nic = change.resolve(verdict.port.name), change.resolve(verdict.nic.name)
            learned += name_port(change, port, verdict.seen.port)
            macs = result.macs_on(verdict.seen)
            known = [each for each in change.unit.attributes(nic) if each.key == MAC_KEY]
            if len(macs) == 1 and not known:
                learned += change.set_values(nic, MAC_KEY, sorted(macs))
    app.say(f"learned {learned} MAC addresses and labels")
