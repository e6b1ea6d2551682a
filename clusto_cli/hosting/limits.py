"""How much of a server one client, and all clients together, may take: connections, bytes, time, lines of the log.

A client is an address. Where all together are too many, those of one IPv6 network (/64) count as one, since whoever has
one address there has them all.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, cast


class Limits(NamedTuple):
    """What is too much. Seconds and bytes; `ask` is the time until a request is whole, `idle` that between two."""

    connections: int = 4096
    per_client: int = 64
    ask: float = 20.0
    idle: float = 30.0
    bytes_asked: int = 256 << 10
    lines_per_second: float = 50.0
    lines_at_once: int = 1000
    client_lines_per_second: float = 5.0
    client_lines_at_once: int = 200
    wrong_tokens_per_second: float = 1.0
    wrong_tokens_at_once: int = 20


def client_of(address: str | None) -> str:
    """Who a peer is: its address, that of an IPv4 one spelled so even where it comes by an IPv6 socket."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    return str(found.ipv4_mapped or found) if found.version == 6 else str(found)


def _network_of(client: str) -> str:
    return str(ipaddress.ip_network((client, 64), strict=False)) if ":" in client else client


class Buckets:
    """So many at once for each client, and so many a second. It remembers some thousands, the latest."""

    def __init__(self, rate: float, burst: int, *, remembered: int = 4096) -> None:
        self._rate, self._burst, self._remembered = rate, burst, remembered
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> bool:
        """Whether this one more is not too much."""
        left = self._now(client)
        self._left[client] = (max(left - 1, 0.0) if left >= 1 else left, time.monotonic())
        self._left.move_to_end(client)
        while len(self._left) > self._remembered:
            self._left.popitem(last=False)
        return left >= 1

    def full(self, client: str) -> bool:
        """Whether one more would be too much; it is not counted."""
        return self._now(client) < 1

    def _now(self, client: str) -> float:
        left, at = self._left.get(client, (float(self._burst), 0.0))
        return min(left + (time.monotonic() - at) * self._rate, float(self._burst))


class Log:
    """Lines for people, of each client and of all so many a second; how many more there were is told."""

    def __init__(self, say: Callable[[str], None], limits: Limits) -> None:
        self._say = say
        self._all = Buckets(limits.lines_per_second, limits.lines_at_once)
        self._each = Buckets(limits.client_lines_per_second, limits.client_lines_at_once)
        self._left_out = 0
        self._told = time.monotonic()

    def tell(self, line: str, client: str = "") -> None:
        """One line, about a client if one is named."""
        if (client and not self._each.take(client)) or not self._all.take(""):
            self._left_out += 1
        else:
            self._say(line)
        if self._left_out and time.monotonic() - self._told > 10.0:
            self.sum_up()

    def sum_up(self) -> None:
        """Says how many lines were left out since that was last said."""
        if self._left_out:
            self._say(f"{self._left_out} more lines were left out: there were too many")
        self._left_out, self._told = 0, time.monotonic()


class Gate:
    """Lets connections in, and ends those that take too much."""

    def __init__(self, limits: Limits, tell: Callable[[str, str], None]) -> None:
        self.limits = limits
        self.tell = tell
        self._clients: dict[str, dict[Guard, None]] = {}
        self._networks: dict[str, dict[Guard, None]] = {}
        self._count = 0
        self._by_transport: dict[asyncio.BaseTransport, Guard] = {}

    def guarding(self, protocol: Callable[[], asyncio.BaseProtocol]) -> Callable[[], asyncio.Protocol]:
        """A factory of protocols that are guarded."""
        return lambda: Guard(self, cast(asyncio.Protocol, protocol()))

    def guard_of(self, transport: asyncio.BaseTransport | None) -> Guard | None:
        """What guards a connection; None for one that is gone."""
        return self._by_transport.get(transport) if transport is not None else None

    def admit(self, guard: Guard, transport: asyncio.Transport) -> bool:
        """Whether a connection may come in: in place of an idle one of its client's, where that has its fill, or of the
        busiest client's where all have theirs.
        """
        own = self._clients.get(guard.client, {})
        if len(own) >= self.limits.per_client and not _end_idle(own):
            self.tell(f"{guard.client} has {len(own)} connections under way: no more", guard.client)
            return False
        if self._count >= self.limits.connections and not _end_idle(max(self._networks.values(), key=len)):
            self.tell(f"{self._count} connections are under way: no more", guard.client)
            return False
        self._clients.setdefault(guard.client, {})[guard] = None
        self._networks.setdefault(_network_of(guard.client), {})[guard] = None
        self._count += 1
        self._by_transport[transport] = guard
        return True

    def leave(self, guard: Guard, transport: asyncio.BaseTransport) -> None:
        """A connection has ended."""
        if self._by_transport.pop(transport, None) is not None:
            self._count -= 1
            for groups, name in ((self._clients, guard.client), (self._networks, _network_of(guard.client))):
                del groups[name][guard]
                if not groups[name]:
                    del groups[name]


def _end_idle(guards: dict[Guard, None]) -> bool:
    """Ends the connection of these that has waited longest for a request; whether there was one."""
    idle = next((guard for guard in guards if guard.idle), None)
    if idle is None:
        return False
    idle.end()
    return True


class Guard(asyncio.Protocol):
    """One connection: passes everything on, and ends it where a request takes too long to come, or is too large."""

    def __init__(self, gate: Gate, inner: asyncio.Protocol) -> None:
        self._gate, self._inner = gate, inner
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked = 0
        self._admitted = False
        self.idle = True
        self.client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.client = client_of(peer[0] if peer else None)
        self._admitted = self._gate.admit(self, self._transport)
        if not self._admitted:
            self._transport.abort()
            return
        self._wait(self._gate.limits.ask)
        self._inner.connection_made(transport)

    def began(self) -> None:
        """The request is whole, but for what it brings."""
        self.idle = False
        if self._timer is not None:
            self._timer.cancel()

    def ended(self) -> None:
        """It is answered; another one may come."""
        self.idle, self._asked = True, 0
        self._wait(self._gate.limits.idle)

    def end(self) -> None:
        """Ends the connection at once."""
        if self._transport is not None:
            self._gate.leave(self, self._transport)
            self._transport.abort()

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end)

    def data_received(self, data: bytes) -> None:
        if not self._admitted:
            return
        self._asked += len(data)
        if self._asked > self._gate.limits.bytes_asked:
            self._gate.tell(f"{self.client} asks with more than {self._gate.limits.bytes_asked} bytes", self.client)
            self.end()
            return
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._admitted else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._admitted:
            return
        if self._transport is not None:
            self._gate.leave(self, self._transport)
        self._inner.connection_lost(error)
