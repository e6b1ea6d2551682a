"""SNMP version 3 in front of an agent of the tests: pysnmp's engine checks user, keys and clock, and encrypts."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1905
from pysnmp.proto.api import v2c

from .agent import QBridgeAgent

USER, AUTH_KEY, PRIV_KEY = "operator", "an-auth-key-of-tests", "a-priv-key-of-tests"


class UserAgent:
    """Serves what `agent` holds at 127.0.0.1 to one user, SHA-256 and AES, and to nobody without both keys."""

    def __init__(self, agent: QBridgeAgent) -> None:
        self.agent = agent
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> UserAgent:
        self._thread.start()
        assert self._ready.wait(10), "the agent did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        engine = SnmpEngine()
        listening = udp.UdpAsyncioTransport(loop=self._loop).open_server_mode(("127.0.0.1", self.port))
        config.add_transport(engine, udp.SNMP_UDP_DOMAIN, listening)
        config.add_v3_user(engine, USER, config.USM_AUTH_HMAC192_SHA256, AUTH_KEY, config.USM_PRIV_CFB128_AES, PRIV_KEY)
        _Responder(engine, context.SnmpContext(engine), self.agent)
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        engine.close_dispatcher()
        self._loop.close()


class _Responder(cmdrsp.CommandResponderBase):  # type: ignore[misc]
    SUPPORTED_PDU_TYPES = (
        rfc1905.GetRequestPDU.tagSet,
        rfc1905.GetNextRequestPDU.tagSet,
        rfc1905.GetBulkRequestPDU.tagSet,
        rfc1905.SetRequestPDU.tagSet,
    )

    def __init__(self, engine: SnmpEngine, contexts: Any, agent: QBridgeAgent) -> None:
        super().__init__(engine, contexts)
        self._agent = agent

    def handle_management_operation(self, engine: Any, reference: Any, name: Any, request: Any) -> None:
        level = engine.observer.get_execution_context("rfc3412.receiveMessage:request")["securityLevel"]
        status, index, binds = 16, 1, list(v2c.apiPDU.get_varbinds(request))
        if level == 3:
            status, index, binds = self._agent.respond(request, bytes(name).decode(), may_write=True)
        self.send_varbinds(engine, reference, status, index, binds)
