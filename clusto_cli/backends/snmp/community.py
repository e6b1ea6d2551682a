"""SNMP v1 and v2c over UDP: one connected socket a device, any number of requests under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from clusto_cli.backends.base import Unreachable
from clusto_cli.backends.snmp.message import Kind, MalformedMessage, Message, Varbind, decode, encode
from clusto_cli.backends.snmp.settings import SnmpSettings


class CommunityLink(asyncio.DatagramProtocol):
    """Sends a request and waits for the answer that carries its number; what else arrives is not for us.

    A repeated request keeps its number: a late answer to the first copy answers it, a second answer is dropped. The
    socket is connected, so that only the device's own address is heard and "nothing listens there" (ICMP port
    unreachable) is known at once.
    """

    overhead = 40

    def __init__(self, settings: SnmpSettings) -> None:
        self._settings = settings
        self._version = 0 if settings.version == "1" else 1
        self._transport: asyncio.DatagramTransport | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Message]] = {}

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
        transport = await self._open()
        answer = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        try:
            transport.sendto(data)
            message = await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            return None
        finally:
            del self._waiting[request_id]
        return message.error_status, message.error_index, message.varbinds

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def _open(self) -> asyncio.DatagramTransport:
        async with self._opening:
            if self._transport is None:
                address = (self._settings.host, self._settings.port)
                loop = asyncio.get_running_loop()
                try:
                    transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=address)
                except OSError as error:
                    raise Unreachable(f"{self._settings.where}: {error.strerror or error}") from error
                self._transport = transport
            return self._transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            message = decode(data)
        except MalformedMessage:
            return
        answer = self._waiting.get(message.request_id)
        if answer is not None and not answer.done() and message.kind == Kind.RESPONSE:
            answer.set_result(message)

    def error_received(self, exc: Exception) -> None:
        reason = "nothing listens there" if isinstance(exc, ConnectionRefusedError) else str(exc)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unreachable(f"{self._settings.where}: {reason}"))
