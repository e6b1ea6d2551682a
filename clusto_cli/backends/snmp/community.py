"""SNMP v1 and v2c over UDP: one socket a device, any number of requests under way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from clusto_cli.backends.errors import Unreachable
from clusto_cli.backends.snmp.message import Kind, MalformedMessage, Message, Varbind, decode, encode
from clusto_cli.backends.snmp.settings import SnmpSettings

_LARGEST = 65_535
"""Octets of the largest datagram."""
_SILENT_COPIES = 4
"""Unanswered copies after which every other one is sent where answers of other addresses are heard."""


class CommunityLink:
    """Sends a request and waits for the answer that carries its number; what else arrives is not for us.

    A repeated request keeps its number: a late answer to the first copy answers it, a second answer is dropped (and
    told to `stray`). The socket is connected, so that only the device's own address is heard and "nothing listens
    there" (ICMP port unreachable) is known at once.

    A device of several addresses may answer from another one than was asked (RFC 1157 does not forbid it, and many
    implementations leave the choice to their routing table). When nothing has been heard for a while, copies also go
    out over a socket that is not connected, and `hint` says who answered there. With `any_source` that one is
    used throughout, and believed.
    """

    overhead = 40

    def __init__(self, settings: SnmpSettings, stray: Callable[[], None] = lambda: None) -> None:
        self.alive = False
        self.hint: str | None = None
        self._settings = settings
        self._version = 0 if settings.version == "1" else 1
        self._connected: socket.socket | None = None
        self._open_one: socket.socket | None = None
        self._peer: tuple[object, ...] = ()
        self._opening = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Message | None]] = {}
        self._stray = stray
        self._unanswered = 0

    async def attempt(
        self, request_id: int, kind: int, varbinds: Sequence[Varbind], first: int, second: int, timeout: float
    ) -> tuple[int, int, Sequence[Varbind]] | None:
        """One copy of a request: error status, error index and variables of the answer, or None after `timeout`
        seconds.

        Raises Unreachable when nothing listens there.
        """
        settings = self._settings
        community = settings.community
        if kind == Kind.SET and settings.write_community is not None:
            community = settings.write_community
        data = encode(Message(self._version, community.encode(), kind, request_id, first, second, varbinds))
        connected = self._connected or await self._open()
        loop = asyncio.get_running_loop()
        answer = self._waiting[request_id] = loop.create_future()
        expiry = loop.call_later(timeout, _expire, answer)
        try:
            self._send(connected, data)
            message = await answer
        finally:
            expiry.cancel()
            del self._waiting[request_id]
        self._unanswered = self._unanswered + 1 if message is None else 0
        return None if message is None else (message.error_status, message.error_index, message.varbinds)

    def close(self) -> None:
        for each in (self._connected, self._open_one):
            if each is not None:
                asyncio.get_running_loop().remove_reader(each)
                each.close()

    async def _open(self) -> socket.socket:
        async with self._opening:
            if self._connected is None:
                where = self._settings.where
                try:
                    connected = await _connect(self._settings.host, self._settings.port)
                except socket.gaierror as error:
                    raise Unreachable(f"{where}: {error.strerror}: set snmp.host to its name or address") from error
                except OSError as error:
                    raise Unreachable(f"{where}: {error.strerror or error}") from error
                asyncio.get_running_loop().add_reader(connected, self._receive, connected)
                self._peer, self._connected = connected.getpeername(), connected
            return self._connected

    def _send(self, connected: socket.socket, data: bytes) -> None:
        try:
            if self._settings.any_source or (self._unanswered >= _SILENT_COPIES and self._unanswered % 2 == 0):
                self._open_to_all(connected).sendto(data, self._peer)
            else:
                connected.send(data)
        except BlockingIOError:
            pass  # no room in the kernel: as good as lost on the way
        except OSError as error:
            self._fail(error)

    def _open_to_all(self, connected: socket.socket) -> socket.socket:
        if self._open_one is None:
            self._open_one = socket.socket(connected.family, connected.type, connected.proto)
            self._open_one.setblocking(False)
            asyncio.get_running_loop().add_reader(self._open_one, self._receive, self._open_one)
        return self._open_one

    def _receive(self, bound: socket.socket) -> None:
        try:
            data, sender = bound.recvfrom(_LARGEST)
            message = decode(data)
        except (BlockingIOError, MalformedMessage):
            return
        except OSError as error:
            self._fail(error)
            return
        if message.kind != Kind.RESPONSE or (bound is self._open_one and message.community not in self._communities()):
            return
        answer = self._waiting.get(message.request_id)
        self.alive = self.alive or bound is not self._open_one or self._settings.any_source
        if bound is self._open_one and sender[:2] != self._peer[:2] and not self._settings.any_source:
            if answer is not None:
                self.hint = f"it answers from {sender[0]}, not from where it was asked: snmp.any_source=true takes that"
        elif answer is None or answer.done():
            self._stray()
        else:
            answer.set_result(message)

    def _communities(self) -> tuple[bytes, ...]:
        settings = self._settings
        return settings.community.encode(), (settings.write_community or settings.community).encode()

    def _fail(self, error: OSError) -> None:
        """What the kernel says against the device is the answer to all that is waited for."""
        reason = "nothing listens there" if isinstance(error, ConnectionRefusedError) else str(error)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unreachable(f"{self._settings.where}: {reason}"))


async def _connect(host: str, port: int) -> socket.socket:
    """A socket that does not block and hears one address alone. Raises OSError."""
    try:
        # As octets: text is made a name of the DNS first, whose tables take longer to read than an answer.
        literal = host.encode() if host.isascii() else host
        found = socket.getaddrinfo(literal, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    for place, (family, kind, protocol, _, address) in enumerate(found, 1):
        connected = socket.socket(family, kind, protocol)
        connected.setblocking(False)
        try:
            connected.connect(address)
        except OSError:
            connected.close()
            if place == len(found):
                raise
        else:
            return connected
    raise AssertionError("a name without an address")


def _expire(answer: asyncio.Future[Message | None]) -> None:
    """No answer in time."""
    if not answer.done():
        answer.set_result(None)
