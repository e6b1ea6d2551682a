"""An SNMP v1/v2c agent over UDP whose network and manners can be as bad as those of real equipment."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from clusto_cli.backends.snmp.message import (
    Kind,
    MalformedMessage,
    Message,
    Oid,
    Tag,
    Varbind,
    decode,
    encode,
    varbind_octets,
)

SNMP_IN_PKTS: Oid = (1, 3, 6, 1, 2, 1, 11, 1, 0)
"""How many datagrams have come (RFC 3418); the one variable that every agent has of its own."""
TOO_BIG, NO_SUCH_NAME, READ_ONLY, GEN_ERR, NO_ACCESS, NOT_WRITABLE = 1, 2, 4, 5, 6, 17


class Variables(Protocol):
    """What an agent serves."""

    def names(self) -> Sequence[Oid]:
        """The names of all variables, in ascending order."""

    def read(self, oid: Oid) -> Varbind | None: ...

    def write(self, varbinds: Sequence[Varbind]) -> tuple[int, int]:
        """Writes all or nothing: (0, 0), or an error status (RFC 3416) and the index, from 1, of the variable at
        fault.
        """


@dataclass
class Manners:
    """How an agent and the network before it behave; fractions are of the datagrams of one direction."""

    latency: float = 0.0
    """Seconds of the agent's time that a request takes. It does one after the other, as such equipment does."""
    loss: float = 0.0
    duplicates: float = 0.0
    late: float = 0.0
    late_by: float = 0.5
    """Seconds by which a late answer is late."""
    max_octets: int = 1472
    """A longer answer is not sent; tooBig is."""
    max_varbinds: int = 1000
    """A request of more variables is answered genErr."""
    deaf_over: int = 65535
    """A request of more octets is not answered at all."""
    dead: bool = False
    dies_after: int | None = None
    """It falls silent after so many more requests."""
    seed: int = 0
    dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def happens(self, fraction: float) -> bool:
        return fraction > 0 and self.dice.random() < fraction


class Agent(asyncio.DatagramProtocol):
    """Serves `variables`. The communities are those for reading and for writing; a wrong one gets silence."""

    def __init__(
        self, variables: Variables, *, read: str = "public", write: str = "private", manners: Manners | None = None
    ) -> None:
        self.variables = variables
        self.manners = manners or Manners()
        self.requests = 0
        self._read = read.encode()
        self._write = write.encode()
        self._busy_until = 0.0
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listens; the port it listens on."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._transport = transport
        bound: int = transport.get_extra_info("sockname")[1]
        return bound

    def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        manners = self.manners
        self.requests += 1
        if manners.dies_after is not None:
            manners.dies_after -= 1
            manners.dead = manners.dead or manners.dies_after < 0
        if manners.dead or len(data) > manners.deaf_over:
            return
        for _ in range(2 if manners.happens(manners.duplicates) else 1):
            if not manners.happens(manners.loss):
                self._take(data, addr)

    def _take(self, data: bytes, addr: Any) -> None:
        loop = asyncio.get_running_loop()
        self._busy_until = max(self._busy_until, loop.time()) + self.manners.latency
        loop.call_at(self._busy_until, self._answer, data, addr)

    def _answer(self, data: bytes, addr: Any) -> None:
        try:
            request = decode(data)
        except MalformedMessage:
            return
        allowed = (self._write,) if request.kind == Kind.SET else (self._read, self._write)
        if request.community not in (self._read, self._write):
            return
        status, index, varbinds = GEN_ERR, 0, request.varbinds
        if len(request.varbinds) <= self.manners.max_varbinds:
            if request.community in allowed:
                status, index, varbinds = self._handle(request)
            else:
                status, index = (NO_ACCESS if request.version else NO_SUCH_NAME), 1
        answer = encode(
            Message(request.version, request.community, Kind.RESPONSE, request.request_id, status, index, varbinds)
        )
        if len(answer) > self.manners.max_octets:
            answer = encode(
                Message(request.version, request.community, Kind.RESPONSE, request.request_id, TOO_BIG, 0, ())
            )
        manners = self.manners
        for _ in range(2 if manners.happens(manners.duplicates) else 1):
            if not manners.happens(manners.loss):
                delay = manners.late_by if manners.happens(manners.late) else 0.0
                asyncio.get_running_loop().call_later(delay, self._send, answer, addr)

    def _send(self, data: bytes, addr: Any) -> None:
        if self._transport is not None and not self.manners.dead:
            self._transport.sendto(data, addr)

    def _handle(self, request: Message) -> tuple[int, int, Sequence[Varbind]]:
        if request.kind == Kind.SET:
            status, index = self.variables.write(request.varbinds)
            if status == NOT_WRITABLE and request.version == 0:
                status = NO_SUCH_NAME
            return status, index, request.varbinds
        if request.kind == Kind.GET_BULK:
            return 0, 0, self._bulk(request)
        answer = []
        for position, varbind in enumerate(request.varbinds, 1):
            found = self._next(varbind.oid) if request.kind == Kind.GET_NEXT else self._read_one(varbind.oid)
            if found is None:
                if request.version == 0:
                    return NO_SUCH_NAME, position, request.varbinds
                tag = Tag.END_OF_MIB_VIEW if request.kind == Kind.GET_NEXT else Tag.NO_SUCH_INSTANCE
                found = Varbind(varbind.oid, tag)
            answer.append(found)
        return 0, 0, answer

    def _read_one(self, oid: Oid) -> Varbind | None:
        return Varbind(oid, Tag.COUNTER32, self.requests) if oid == SNMP_IN_PKTS else self.variables.read(oid)

    def _next(self, oid: Oid) -> Varbind | None:
        names = self.variables.names()
        place = bisect_right(names, oid)
        return self.variables.read(names[place]) if place < len(names) else None

    def _bulk(self, request: Message) -> list[Varbind]:
        """Row by row, as RFC 3416 section 4.2.3 has it, as far as a message holds them."""
        room = self.manners.max_octets - 60
        answer: list[Varbind] = []
        last = [start.oid for start in request.varbinds]
        for _ in range(request.error_index):
            row = [self._next(oid) or Varbind(oid, Tag.END_OF_MIB_VIEW) for oid in last]
            for found in row:
                room -= varbind_octets(found)
                if room < 0:
                    return answer
                answer.append(found)
            last = [found.oid for found in row]
            if not any(found.exists for found in row):
                break
        return answer
