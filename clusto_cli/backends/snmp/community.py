"""SNMP v1 and v2c over UDP: one connected socket a device, any number of requests under way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from clusto_cli.backends.base import Unreachable
from clusto_cli.backends.snmp.message import Kind, MalformedMessage, Message, Varbind, decode, encode
from clusto_cli.backends.snmp.settings import SnmpSettings

_LARGEST = 65_535
"""Octets of the largest datagram."""


class CommunityLink:
    """Sends a request and waits for the answer that carries its number; what else arrives is not for us.

    A repeated request keeps its number: a late answer to the first copy answers it, a second answer is dropped. The
    socket is connected, so that only the device's own address is heard and "nothing listens there" (ICMP port
    unreachable) is known at once.
    """

    overhead = 40

    def __init__(self, settings: SnmpSettings) -> None:
        self._settings = settings
        self._version = 0 if settings.version == "1" else 1
        self._socket: socket.socket | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Message | None]] = {}

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
        connected = self._socket or await self._open()
        loop = asyncio.get_running_loop()
        answer = self._waiting[request_id] = loop.create_future()
        expiry = loop.call_later(timeout, _expire, answer)
        try:
            self._send(connected, data)
            message = await answer
        finally:
            expiry.cancel()
            del self._waiting[request_id]
        return None if message is None else (message.error_status, message.error_index, message.varbinds)

    def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    async def _open(self) -> socket.socket:
        async with self._opening:
            if self._socket is None:
                try:
                    self._socket = await _connect(self._settings.host, self._settings.port)
                except OSError as error:
                    raise Unreachable(f"{self._settings.where}: {error.strerror or error}") from error
                asyncio.get_running_loop().add_reader(self._socket, self._receive, self._socket)
            return self._socket

    def _send(self, connected: socket.socket, data: bytes) -> None:
        try:
            connected.send(data)
        except BlockingIOError:
            pass  # no room in the kernel: as good as lost on the way
        except OSError as error:
            self._fail(error)

    def _receive(self, connected: socket.socket) -> None:
        try:
            message = decode(connected.recv(_LARGEST))
        except (BlockingIOError, MalformedMessage):
            return
        except OSError as error:
            self._fail(error)
            return
        answer = self._waiting.get(message.request_id)
        if answer is not None and not answer.done() and message.kind == Kind.RESPONSE:
            answer.set_result(message)

    def _fail(self, error: OSError) -> None:
        """What the kernel says against the device is the answer to all that is waited for."""
        reason = "nothing listens there" if isinstance(error, ConnectionRefusedError) else str(error)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unreachable(f"{self._settings.where}: {reason}"))


async def _connect(host: str, port: int) -> socket.socket:
    """A socket that does not block and hears one address alone. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
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
