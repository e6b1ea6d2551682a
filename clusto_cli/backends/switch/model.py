"""A switch's ports and VLANs as clusto sees them, and a change to them as one object.

A port's *membership* is three things that a switch keeps apart (IEEE 802.1Q, RFC 4363): the VLAN given to untagged
frames that come in (PVID), the VLANs whose frames leave untagged, and those whose frames leave tagged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from clusto_cli.backends.errors import Refused

VLAN_MIN, VLAN_MAX = 1, 4094
VLANS = range(VLAN_MIN, VLAN_MAX + 1)


class PortMode(StrEnum):
    """What a port is set up to be; a trunk that is down is a trunk, a tunnel wraps its frames in a VLAN (QinQ)."""

    ACCESS = "access"
    TRUNK = "trunk"
    HYBRID = "hybrid"
    TUNNEL = "tunnel"
    ROUTED = "routed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PortState:
    """One port as its switch describes it; `name` is the switch's own name for it.

    `untagged` and `tagged` are VLAN ids whose frames leave that way; `voice` the VLAN of a telephone, also counted in
    `tagged`; `lag` the aggregate that the port is a member of; `link` None where the switch does not say. `note` is
    the switch's own word for the mode, `description` what somebody wrote there, `fault` what of its answer is not
    understood, `untold` that the switch does not say which VLANs it carries tagged.
    """

    name: str
    mode: PortMode
    pvid: int | None
    untagged: frozenset[int] = frozenset()
    tagged: frozenset[int] = frozenset()
    voice: int | None = None
    lag: str | None = None
    link: bool | None = None
    note: str = ""
    description: str = ""
    fault: str = ""
    untold: bool = False

    @property
    def vlan(self) -> int | None:
        """The one VLAN of an access port whose PVID and membership agree, else None."""
        if self.mode is PortMode.ACCESS and not self.tagged and self.pvid and self.untagged == {self.pvid}:
            return self.pvid
        return None


def access_port(name: str, vlan: int) -> PortState:
    """The state of a port that is in `vlan`, untagged, and in no other."""
    return PortState(name, PortMode.ACCESS, vlan, frozenset({vlan}))


def describe(state: PortState) -> str:
    """A port's mode and VLANs in a few words: `access 10`, `trunk, native 1, tagged 10,20-22`."""
    if state.vlan is not None:
        return f"access {state.vlan}"
    if state.mode is PortMode.ROUTED and state.note:
        return f"routed ({state.note})"
    words = [str(state.mode)]
    if state.pvid is not None:
        words.append(f"{'native' if state.mode is PortMode.TRUNK else 'PVID'} {state.pvid}")
    if state.mode is PortMode.UNKNOWN and state.note and not state.untagged and not state.tagged:
        return f"{', '.join(words)} ({state.note})"
    if state.untagged != {state.pvid}:
        words.append(f"untagged {ranges(state.untagged) or 'nowhere'}")
    if state.tagged:
        words.append(f"tagged {ranges(state.tagged)}")
    elif state.untold:
        words.append("tagged in VLANs that are not told")
    return ", ".join(words)


def ranges(vlans: frozenset[int]) -> str:
    """VLAN ids as switches write them: `1,10-12`."""
    runs: list[tuple[int, int]] = []
    for vlan in sorted(vlans):
        if runs and vlan == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], vlan)
        else:
            runs.append((vlan, vlan))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


@dataclass(frozen=True)
class SwitchState:
    """What was read: ports by the name that was asked for (the switch's own when all were), VLAN ids with names.

    `off` are VLANs that are there and whose frames are not passed on, with the switch's word for that.
    """

    ports: Mapping[str, PortState]
    vlans: Mapping[int, str]
    off: Mapping[int, str] = field(default_factory=dict, kw_only=True)


class Step(Protocol):
    """One request or line that a switch takes whole or rejects."""

    def lines(self) -> tuple[str, ...]:
        """What it sets, as a dry run prints it."""
        ...


@dataclass(frozen=True)
class Plan:
    """A change to one switch: exactly what is sent, for a dry run and for the change alike.

    `order` names the way in which membership is moved, for switches that accept only some.
    """

    order: str
    goals: Mapping[str, PortState]
    steps: tuple[Step, ...]
    save: tuple[Step, ...] = ()

    def lines(self) -> list[str]:
        """Each OID and value, or each line, in the order in which they are sent, saving included."""
        return [line for step in (*self.steps, *self.save) for line in step.lines()]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What LLDP or CDP says is on a port, which is empty where the switch does not tell; texts as they were sent.

    `passes_on`: it says that it is a bridge, and so passes on frames of others; None where nothing is said of that.
    """

    port: str
    system: str
    remote_port: str = ""
    remote_description: str = ""
    chassis: str = ""
    passes_on: bool | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """A MAC address (lower case, colons) that a switch has learned, and on which port; `vlan` None where unknown."""

    mac: str
    port: str
    vlan: int | None = None


@dataclass(frozen=True)
class Survey:
    """Who is on which port. `missing` says in words what the switch could not be asked, `faults` what it answered and
    nobody understands.
    """

    neighbours: tuple[Neighbour, ...] = ()
    stations: tuple[Station, ...] = ()
    missing: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class SwitchSettings:
    """Where a switch is and how to speak to it. Secrets are the values themselves, already resolved.

    `via` is `snmp`, `ssh` or empty for what the profile prefers; `order` an order of SETs that worked before.
    `legacy`: it speaks none but old algorithms over ssh.
    Times are in seconds.
    """

    host: str
    profile: str = ""
    via: str = ""
    order: str = ""
    bridge: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    enable: str = field(default="", repr=False)
    key_file: str = ""
    known_hosts: str = ""
    ssh_port: int = 22
    legacy: bool = False
    timeout: float = 10.0

    @property
    def ssh_address(self) -> str:
        """Where its command line is, as messages have it."""
        return f"{self.host} port {self.ssh_port}"


class CannotSave(Refused):
    """There is no way of saving that is known for this switch over the way it is spoken to."""


class Rejected(Refused):
    """The switch rejected a request.

    where: its address, as messages have it; said: its words, and what it was asked; again: whether the same end may be
    reached by other requests.
    """

    def __init__(self, where: str, said: str, *, again: bool = False) -> None:
        super().__init__(f"{where}: {said}")
        self.where, self.said, self.again = where, said, again
