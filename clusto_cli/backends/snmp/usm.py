"""SNMP version 3 (user-based security, RFC 3414, 3826, 7860) through pysnmp's engine.

The engine is used below pysnmp's high-level interface: that one imports a MIB compiler and an HTTP client, 130 ms of
start-up, to look up names that clusto never uses. One engine serves every device of the same user and keys.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from clusto_cli.backends.base import AuthenticationFailed, DeviceError, Unreachable
from clusto_cli.backends.snmp.message import Kind, Tag, Varbind
from clusto_cli.backends.snmp.settings import SnmpSettings

if TYPE_CHECKING:
    from pysnmp.entity.engine import SnmpEngine

_AUTH = {
    "MD5": "USM_AUTH_HMAC96_MD5",
    "SHA": "USM_AUTH_HMAC96_SHA",
    "SHA-224": "USM_AUTH_HMAC128_SHA224",
    "SHA-256": "USM_AUTH_HMAC192_SHA256",
    "SHA-384": "USM_AUTH_HMAC256_SHA384",
    "SHA-512": "USM_AUTH_HMAC384_SHA512",
}
_PRIV = {
    "DES": "USM_PRIV_CBC56_DES",
    "3DES": "USM_PRIV_CBC168_3DES",
    "AES": "USM_PRIV_CFB128_AES",
    "AES-192": "USM_PRIV_CFB192_AES",
    "AES-256": "USM_PRIV_CFB256_AES",
    "AES-192-BLUMENTHAL": "USM_PRIV_CFB192_AES_BLUMENTHAL",
    "AES-256-BLUMENTHAL": "USM_PRIV_CFB256_AES_BLUMENTHAL",
}
_TIMER_RESOLUTION = 0.05

_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str | None, ...], _Engine]] = WeakKeyDictionary()


@dataclass
class _Engine:
    engine: SnmpEngine
    targets: itertools.count[int]
    links: int = 0


class UserLink:
    """One device under version 3. The engine discovers the device's engine and clock with the first request."""

    overhead = 150

    def __init__(self, settings: SnmpSettings) -> None:
        self._settings = settings
        self._target: str | None = None
        self._shared: _Engine | None = None
        self._generator: Any = None

    async def attempt(
        self, request_id: int, kind: int, varbinds: Sequence[Varbind], first: int, second: int, timeout: float
    ) -> tuple[int, int, Sequence[Varbind]] | None:
        """As CommunityLink.attempt; raises AuthenticationFailed when the device rejects user or keys."""
        if self._target is None:
            await self._open()
        assert self._shared is not None
        answer: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

        def answered(_engine: object, _handle: object, problem: Any, pdu: Any, _context: object) -> None:
            if not answer.done():
                answer.set_result((problem, pdu))

        pdu = _build_pdu(request_id, kind, varbinds, first, second)
        self._generator.send_pdu(self._shared.engine, self._target, None, self._settings.context, pdu, answered, None)
        try:
            problem, response = await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            return None
        if problem is not None:
            self._raise_unless_silence(problem)
            return None
        from pysnmp.proto.api import v2c

        parsed = [_parse(name, value) for name, value in v2c.apiPDU.get_varbinds(response)]
        return int(v2c.apiPDU.get_error_status(response)), int(v2c.apiPDU.get_error_index(response)), parsed

    def close(self) -> None:
        if self._shared is None:
            return
        shared, self._shared = self._shared, None
        shared.links -= 1
        if not shared.links:
            shared.engine.close_dispatcher()
            engines = _engines[asyncio.get_running_loop()]
            for key in [key for key, value in engines.items() if value is shared]:
                del engines[key]

    def _raise_unless_silence(self, problem: Any) -> None:
        from pysnmp.proto import errind

        if isinstance(problem, errind.RequestTimedOut):
            return
        text = f"{self._settings.where}: {problem}"
        authentication = (
            *(errind.AuthenticationError, errind.UnknownUserName, errind.UnsupportedSecurityLevel, errind.WrongDigest),
            *(errind.AuthenticationFailure, errind.DecryptionError, errind.UnknownSecurityName, errind.NotInTimeWindow),
        )
        if isinstance(problem, authentication):
            user = self._settings.user
            raise AuthenticationFailed(f"{self._settings.where}: user {user} or a key was not accepted ({problem})")
        raise DeviceError(text)

    async def _open(self) -> None:
        from pysnmp.carrier.asyncio.dgram import udp, udp6
        from pysnmp.entity import config
        from pysnmp.entity.rfc3413.cmdgen import CommandGenerator

        settings = self._settings
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(settings.host, settings.port, proto=17)
        except OSError as error:
            raise Unreachable(f"{settings.where}: {error.strerror or error}") from error
        address = found[0][4][:2]
        domain = udp6 if ":" in str(address[0]) else udp
        name = domain.SNMP_UDP6_DOMAIN if domain is udp6 else domain.SNMP_UDP_DOMAIN
        if self._target is not None:
            return
        shared = _engine_for(settings)
        if shared.engine.transport_dispatcher is None or config.get_transport(shared.engine, name) is None:
            transport = domain.Udp6AsyncioTransport() if domain is udp6 else domain.UdpAsyncioTransport()
            config.add_transport(shared.engine, name, transport.open_client_mode())
            shared.engine.transport_dispatcher.set_timer_resolution(_TIMER_RESOLUTION)
        target = f"target{next(shared.targets)}"
        config.add_target_address(shared.engine, target, name, address, "user", settings.timeout * 100, 0)
        shared.links += 1
        self._shared, self._target, self._generator = shared, target, CommandGenerator()


def _engine_for(settings: SnmpSettings) -> _Engine:
    from pysnmp.entity import config
    from pysnmp.entity.engine import SnmpEngine

    engines = _engines.setdefault(asyncio.get_running_loop(), {})
    key = (settings.user, settings.auth_protocol, settings.auth_key, settings.priv_protocol, settings.priv_key)
    if key not in engines:
        engine = SnmpEngine()
        level = "authPriv" if settings.priv_key else "authNoPriv" if settings.auth_key else "noAuthNoPriv"
        config.add_v3_user(
            engine,
            settings.user,
            getattr(config, _AUTH[settings.auth_protocol] if settings.auth_key else "USM_AUTH_NONE"),
            settings.auth_key,
            getattr(config, _PRIV[settings.priv_protocol] if settings.priv_key else "USM_PRIV_NONE"),
            settings.priv_key,
        )
        config.add_target_parameters(engine, "user", settings.user, level)
        engines[key] = _Engine(engine, itertools.count())
    return engines[key]


def _build_pdu(request_id: int, kind: int, varbinds: Sequence[Varbind], first: int, second: int) -> Any:
    from pysnmp.proto.api import v2c

    kinds = {
        Kind.GET: v2c.GetRequestPDU,
        Kind.GET_NEXT: v2c.GetNextRequestPDU,
        Kind.GET_BULK: v2c.GetBulkRequestPDU,
        Kind.SET: v2c.SetRequestPDU,
    }
    pdu = kinds[Kind(kind)]()
    interface = v2c.apiBulkPDU if kind == Kind.GET_BULK else v2c.apiPDU
    interface.set_defaults(pdu)
    interface.set_request_id(pdu, request_id)
    if kind == Kind.GET_BULK:
        interface.set_non_repeaters(pdu, first)
        interface.set_max_repetitions(pdu, second)
    interface.set_varbinds(pdu, [(varbind.oid, _build_value(varbind)) for varbind in varbinds])
    return pdu


def _build_value(varbind: Varbind) -> Any:
    from pysnmp.proto import rfc1902
    from pysnmp.proto.api import v2c

    if varbind.value is None:
        return v2c.null
    types = {
        Tag.INTEGER: rfc1902.Integer32,
        Tag.OCTET_STRING: rfc1902.OctetString,
        Tag.OBJECT_IDENTIFIER: rfc1902.ObjectIdentifier,
        Tag.IP_ADDRESS: rfc1902.IpAddress,
        Tag.COUNTER32: rfc1902.Counter32,
        Tag.GAUGE32: rfc1902.Gauge32,
        Tag.TIME_TICKS: rfc1902.TimeTicks,
        Tag.OPAQUE: rfc1902.Opaque,
        Tag.COUNTER64: rfc1902.Counter64,
    }
    return types[Tag(varbind.tag)](varbind.value)


def _parse(name: Any, value: Any) -> Varbind:
    outermost = value.tagSet[-1]
    tag = outermost.tagClass | outermost.tagId
    oid = tuple(name)
    if tag in (Tag.OCTET_STRING, Tag.IP_ADDRESS, Tag.OPAQUE):
        return Varbind(oid, tag, value.asOctets())
    if tag == Tag.OBJECT_IDENTIFIER:
        return Varbind(oid, tag, tuple(value))
    if tag == Tag.NULL or tag >= Tag.NO_SUCH_OBJECT:
        return Varbind(oid, tag)
    return Varbind(oid, tag, int(value))
