"""A room of racks: simulated PDUs on loopback ports, and the inventory that says which server hangs on which outlet."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from clusto_cli.backends.base import Relay
from clusto_cli.backends.power import profile as profiles
from lab.agent import Agent, Manners
from lab.pdu import Outlet, Pdu

READ, WRITE = "public", "private"


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


class Room:
    """PDUs in pairs, A and B; server n of a pair hangs with psu1 on outlet n of A and with psu2 on outlet n of B."""

    def __init__(
        self,
        pdus: int = 4,
        outlets: int = 8,
        *,
        families: Sequence[str] = ("apc-rpdu2",),
        manners: Manners | None = None,
        moves_after: float = 0.0,
    ) -> None:
        self.pdus: list[RoomPdu] = []
        for number in range(pdus):
            name = f"pdu{number // 2 + 1}{'ab'[number % 2]}"
            pdu = Pdu(profiles.load(families[number % len(families)]), outlets, name=name)
            for outlet in pdu.outlets.values():
                outlet.moves_after = moves_after
            manner = replace(manners, seed=number + manners.seed) if manners else Manners()
            self.pdus.append(RoomPdu(name, pdu, Agent(pdu, read=READ, write=WRITE, manners=manner)))
        self._outlets = outlets

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

    def servers(self) -> list[str]:
        return [f"server{number + 1}" for number in range(len(self.pdus) // 2 * self._outlets)]

    async def start(self, first_port: int = 0) -> None:
        """Listens on loopback: on ports from `first_port` up, or on free ones."""
        for place, pdu in enumerate(self.pdus):
            pdu.port = await pdu.agent.start(port=first_port + place if first_port else 0)

    def stop(self) -> None:
        for pdu in self.pdus:
            pdu.agent.stop()

    def inventory(self) -> Iterator[dict[str, Any]]:
        """The room as objects of clusto's transfer format."""
        settings = {"snmp.host": "127.0.0.1", "snmp.community": READ, "snmp.write_community": WRITE}
        yield {"name": "lab", "driver": "Datacenter", "attrs": settings}
        for pair in range(len(self.pdus) // 2):
            yield {"name": f"rack{pair + 1}", "driver": "Rack", "in": ["lab"]}
        for place, pdu in enumerate(self.pdus):
            yield {
                "name": pdu.name,
                "driver": "PDU",
                "in": [f"rack{place // 2 + 1}"],
                "parts": {"outlet": self._outlets},
                "attrs": {"snmp.port": pdu.port, "feed": "AB"[place % 2]},
            }
        for number, name in enumerate(self.servers()):
            pair, outlet = divmod(number, self._outlets)
            feeds = [self.pdus[2 * pair + side] for side in (0, 1)]
            names = [list(feed.pdu.outlets)[outlet] for feed in feeds]
            for feed, text in zip(feeds, names, strict=True):
                feed.pdu.outlets[text].label = name
            yield {
                "name": name,
                "driver": "Server",
                "in": [f"rack{pair + 1}"],
                "connect": {f"psu{side + 1}": f"{feeds[side].name}:{outlet + 1}" for side in (0, 1)},
            }

    @contextmanager
    def running(self) -> Iterator[Room]:
        """The room alive in a thread of its own, for whoever is not asynchronous."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), loop).result(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(self.stop)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()
