"""A room of racks: simulated PDUs on loopback ports, and the inventory that says which server hangs on which outlet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from clusto_cli.backends.base import Relay
from clusto_cli.backends.power import profile as profiles
from lab.agent import Agent, Manners
from lab.alive import alive
from lab.pdu import Outlet, Pdu
from lab.switch import Switch

READ, WRITE = "public", "private"


def mac_of(server: int) -> str:
    """The MAC address of a server's eth0 (locally administered, IEEE 802)."""
    return f"52:54:00:00:{server >> 8:02x}:{server & 255:02x}"


@dataclass
class RoomPdu:
    """One PDU of the room: what it is, how it behaves, and the port on which it listens."""

    name: str
    pdu: Pdu
    agent: Agent
    port: int = 0

    @property
    def outlets(self) -> list[Outlet]:
        return list(self.pdu.outlets.values())


@dataclass
class RoomSwitch:
    """One switch of the room, how it behaves, and the port on which it listens."""

    name: str
    switch: Switch
    agent: Agent
    port: int = 0


class Room:
    """PDUs in pairs, A and B; server n of a pair hangs with psu1 on outlet n of A and with psu2 on outlet n of B.

    With `switched`, each pair's servers are on a switch too: eth0 of server n on port n.
    """

    def __init__(
        self,
        pdus: int = 4,
        outlets: int = 8,
        *,
        families: Sequence[str] = ("apc-rpdu2",),
        manners: Manners | None = None,
        moves_after: float = 0.0,
        switched: bool = False,
    ) -> None:
        self.pdus: list[RoomPdu] = []
        self.switches: list[RoomSwitch] = []
        for number in range(pdus):
            name = f"pdu{number // 2 + 1}{'ab'[number % 2]}"
            pdu = Pdu(profiles.load(families[number % len(families)]), outlets, name=name)
            for outlet in pdu.outlets.values():
                outlet.moves_after = moves_after
            manner = replace(manners, seed=number + manners.seed) if manners else Manners()
            self.pdus.append(RoomPdu(name, pdu, Agent(pdu, read=READ, write=WRITE, manners=manner)))
        self._outlets = outlets
        for pair in range(pdus // 2 if switched else 0):
            hosts = {port: mac_of(pair * outlets + port) for port in range(1, outlets + 1)}
            switch = Switch(ports=max(24, outlets), hosts=hosts)
            manner = replace(manners, seed=100 + pair + manners.seed) if manners else Manners()
            agent = Agent(switch, read=READ, write=WRITE, manners=manner)
            self.switches.append(RoomSwitch(f"switch{pair + 1}", switch, agent))

    def __getitem__(self, name: str) -> RoomPdu:
        return next(pdu for pdu in self.pdus if pdu.name == name)

    @property
    def requests(self) -> int:
        """How many datagrams have reached the agents."""
        return sum(pdu.agent.requests for pdu in self.pdus)

    def powered(self, server: str) -> bool:
        """Whether one of a server's feeds is on."""
        pair, outlet = divmod(self.servers().index(server), self._outlets)
        return any(self.pdus[2 * pair + side].outlets[outlet].relay is not Relay.OFF for side in (0, 1))

    def feeds(self, label: str) -> bool:
        """Whether one of the outlets that are labelled so is on."""
        outlets = [outlet for pdu in self.pdus for outlet in pdu.outlets if outlet.label == label]
        return any(outlet.relay is not Relay.OFF for outlet in outlets)

    def servers(self) -> list[str]:
        return [f"server{number + 1}" for number in range(len(self.pdus) // 2 * self._outlets)]

    async def start(self, first_port: int = 0) -> None:
        """Listens on loopback: on ports from `first_port` up, or on free ones."""
        for place, device in enumerate((*self.pdus, *self.switches)):
            device.port = await device.agent.start(port=first_port + place if first_port else 0)

    def stop(self) -> None:
        for device in (*self.pdus, *self.switches):
            device.agent.stop()

    def inventory(self) -> Iterator[dict[str, Any]]:
        """The room as objects of clusto's transfer format."""
        settings = {"snmp.host": "127.0.0.1", "snmp.community": READ, "snmp.write_community": WRITE}
        # Each device has a port of its own, which is for these communities because they belong here.
        settings["snmp.hosts"] = "127.0.0.1"
        yield {"name": "lab", "driver": "Datacenter", "attrs": settings}
        for pair in range(len(self.pdus) // 2):
            yield {"name": f"rack{pair + 1}", "driver": "Rack", "in": ["lab"]}
        for place, pdu in enumerate(self.pdus):
            yield {
                "name": pdu.name,
                "driver": "PDU",
                "in": [f"rack{place // 2 + 1}"],
                "parts": {"outlet": self._outlets},
                "attrs": {**_listening(pdu.port), "feed": "AB"[place % 2]},
            }
        for number, name in enumerate(self.servers()):
            pair, outlet = divmod(number, self._outlets)
            feeds = [self.pdus[2 * pair + side] for side in (0, 1)]
            names = [list(feed.pdu.outlets)[outlet] for feed in feeds]
            for feed, text in zip(feeds, names, strict=True):
                feed.pdu.outlets[text].label = name
            cables = {f"psu{side + 1}": f"{feeds[side].name}:{outlet + 1}" for side in (0, 1)}
            server: dict[str, Any] = {"name": name, "driver": "Server", "in": [f"rack{pair + 1}"], "connect": cables}
            if self.switches:
                cables["eth0"] = f"{self.switches[pair].name}:{outlet + 1}"
                server["part_attrs"] = {"eth0": {"mac": mac_of(number + 1)}}
            yield server
        if self.switches:
            for vid, called in self.switches[0].switch.vlans.items():
                yield {"name": called, "driver": "VLAN", "attrs": {"vid": vid}}
        for number, device in enumerate(self.switches):
            yield {
                "name": device.name,
                "driver": "Switch",
                "in": [f"rack{number + 1}"],
                "parts": {"port": device.switch.ports},
                "attrs": {**_listening(device.port), "switch.profile": "qbridge"},
            }

    @contextmanager
    def running(self) -> Iterator[Room]:
        """The room alive in a thread of its own, for whoever is not asynchronous."""
        with alive(self):
            yield self


def _listening(port: int) -> dict[str, int]:
    """Where an agent is that runs; one that does not has no port yet."""
    return {"snmp.port": port} if port else {}
