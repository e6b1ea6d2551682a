"""What speaks against moving a port to another VLAN: each reason in words, for the person who may insist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clusto_cli.backends.switch.model import Neighbour, PortMode, PortState, Survey, ranges
from clusto_cli.backends.switch.names import same_port


@dataclass(frozen=True, slots=True)
class Move:
    """A port to be put into a VLAN, and what the inventory knows of it.

    `port` is the name by which the switch is asked, `subject` what is wired there (`server1:eth1`), `mac` its address,
    `uplink` the switch or router that is wired there instead.
    """

    port: str
    vlan: int
    subject: str = ""
    mac: str = ""
    uplink: str = ""


@dataclass(frozen=True)
class Known:
    """What the inventory holds: MAC address -> NIC (`server2:eth0`); names in lower case -> the Thing that has them."""

    macs: Mapping[str, str] = field(default_factory=dict)
    systems: Mapping[str, str] = field(default_factory=dict)

    def thing(self, announced: str) -> str:
        """The Thing that goes by a name that was announced, with its domain or without; empty when none does."""
        name = announced.casefold().rstrip(".")
        return self.systems.get(name) or self.systems.get(name.partition(".")[0], "")


def reasons(move: Move, state: PortState, survey: Survey, known: Known) -> list[str]:
    """Why this port should be left alone; empty when nothing speaks against it."""
    return [*_of_the_port(move, state), *_of_the_wiring(move, state, survey, known)]


def _of_the_port(move: Move, state: PortState) -> list[str]:
    said = f" ({state.note})" if state.note else ""
    against = []
    if state.mode is PortMode.TRUNK:
        against.append(f"it is a trunk{said}")
    elif state.mode is PortMode.HYBRID:
        against.append(f"it is a hybrid port{said}")
    elif state.mode is PortMode.TUNNEL:
        against.append(f"it is a tunnel for other networks' VLANs{said}")
    elif state.mode is PortMode.ROUTED:
        against.append(f"it is a routed port{said}, whose addresses would be lost")
    elif state.mode is PortMode.UNKNOWN:
        against.append(f"its mode cannot be told{said}")
    if state.lag:
        against.append(f"it is a member of the aggregate {state.lag}")
    if state.voice is not None:
        against.append(f"it carries the voice VLAN {state.voice} tagged")
    if other := state.tagged - {state.voice}:
        against.append(f"it carries VLAN {ranges(other)} tagged")
    if len(state.untagged) > 1 and not state.tagged:
        against.append(f"it is untagged in more than one VLAN ({ranges(state.untagged)})")
    if move.uplink:
        against.append(f"it is an uplink: {move.uplink} is wired there")
    return against


def _of_the_wiring(move: Move, state: PortState, survey: Survey, known: Known) -> list[str]:
    against = []
    here = [station for station in survey.stations if _is(station.port, move, state)]
    if move.mac and not any(station.mac == move.mac for station in here):
        elsewhere = sorted({station.port for station in survey.stations if station.mac == move.mac})
        if elsewhere:
            against.append(f"the MAC address of {move.subject}, {move.mac}, is learned on {', '.join(elsewhere)}")
    owner = move.subject.partition(":")[0]
    for mac in sorted({station.mac for station in here}):
        other = known.macs.get(mac, "")
        if other and other != move.subject and other.partition(":")[0] != owner:
            against.append(f"the MAC address of {other}, {mac}, is learned on it")
    placed = [neighbour for neighbour in survey.neighbours if neighbour.port]
    on_it = [neighbour for neighbour in placed if _is(neighbour.port, move, state)]
    for neighbour in on_it:
        thing = known.thing(neighbour.system)
        if thing and thing != owner:
            against.append(f"{thing} announces itself on it over LLDP")
    if not on_it:
        for neighbour in placed:
            if known.thing(neighbour.system) == owner and _names_the_nic(neighbour, move):
                against.append(f"{move.subject} announces itself over LLDP on {neighbour.port}")
    return against


def _is(port: str, move: Move, state: PortState) -> bool:
    return port == move.port or same_port(port, state.name)


def _names_the_nic(neighbour: Neighbour, move: Move) -> bool:
    nic = move.subject.partition(":")[2].casefold()
    return bool(nic) and nic in {neighbour.remote_port.casefold(), neighbour.remote_description.casefold()}
