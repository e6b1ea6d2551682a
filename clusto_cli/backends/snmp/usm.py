"""SNMP version 3 (user-based security, RFC 3414, 3826, 7860) through pysnmp's engine.

The engine is used below pysnmp's high-level interface: that one imports a MIB compiler and an HTTP client, 130 ms of
start-up, to look up names that clusto never uses. One engine serves every device of the same user and keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakKeyDictionary

from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Unreachable
from clusto_cli.backends.snmp.message import Kind, Tag, Varbind
from clusto_cli.backends.snmp.settings import SnmpSettings
from clusto_cli.backends.telling import tell

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
_BLUMENTHAL = "-BLUMENTHAL"
_SILENT_COPIES = 4
"""Unanswered copies after which the other way to extend a key is tried."""
_TIMER_RESOLUTION = 0.05

_Address = tuple[Any, ...]

_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str | None, ...], _Engine]] = WeakKeyDictionary()


class _Ears:
    """Stands between the sockets and the engine: what comes from strangers, or is no message, goes no further.

    pysnmp's decoder and state machine raise all sorts of exceptions for what no agent should send; in a callback of the
    event loop they would be printed as a traceback, and are as good as a datagram lost. The engine knows a device by
    the address that it answers from. `believed` is the device whose answers may come from any address.
    """

    def __init__(self) -> None:
        self.heard: dict[_Address, bool] = {}
        """The addresses of devices, and whether anything came from there."""
        self.stranger: str | None = None
        """Another address from which something came."""
        self.believed: _Address | None = None

    def guard(self, transport: Any) -> Any:
        """The transport, which passes on what it should."""

        def take(datagram: bytes, sender: _Address) -> None:
            address = sender[:2] if sender[:2] in self.heard else self.believed
            if address is None:
                self.stranger = str(sender[0])
                return
            self.heard[address] = True
            with contextlib.suppress(Exception):
                transport._callback_function(transport, address, datagram)

        transport.datagram_received = take
        return transport


@dataclass
class _Engine:
    engine: SnmpEngine
    targets: itertools.count[int]
    ears: _Ears
    links: int = 0


class UserLink:
    """One device under version 3. The engine discovers the device's engine and clock with the first request.

    AES with keys longer than the hash extends them in one of two ways, Blumenthal's or Reeder's (which Cisco and many
    others took), and a device drops without a word what it cannot decrypt. One that answers discovery and nothing else
    is therefore asked the other way once.
    """

    overhead = 150

    def __init__(self, settings: SnmpSettings) -> None:
        self._settings = settings
        self._target: str | None = None
        self._shared: _Engine | None = None
        self._generator: Any = None
        self._waiting: dict[int, asyncio.Future[tuple[Any, Any]]] = {}
        self._unanswered = 0
        self._answered = False
        self._alive = False
        self._asked_as: str | None = None
        self._address: _Address = ()

    @property
    def alive(self) -> bool:
        """Whether something has come from the device."""
        if self._shared is not None and self._shared.ears.heard.get(self._address):
            self._alive = True
        return self._alive

    @property
    def hint(self) -> str | None:
        """What is known of a silence: answers come from elsewhere, or not to what is encrypted."""
        settings = self._settings
        if self._shared is not None and not self.alive and self._shared.ears.stranger:
            asked = "not from where it was asked: snmp.any_source=true takes that"
            return f"something answers from {self._shared.ears.stranger}, {asked}"
        if self._answered or not settings.priv_key or not self.alive:
            return None
        tried = f"{self._asked_as} or {settings.priv_protocol}" if self._asked_as else settings.priv_protocol
        return f"it answers, but not what is encrypted with {tried}: another snmp.priv_key, or snmp.priv_protocol"

    async def attempt(
        self, request_id: int, kind: int, varbinds: Sequence[Varbind], first: int, second: int, timeout: float
    ) -> tuple[int, int, Sequence[Varbind]] | None:
        """As CommunityLink.attempt; raises AuthenticationFailed when the device rejects user or keys."""
        if self._target is None:
            await self._open()
        assert self._shared is not None
        answer: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer

        def answered(_engine: object, _handle: object, problem: Any, pdu: Any, _context: object) -> None:
            # An answer to an earlier copy is one to the request; that such a copy had none is no news.
            waiting = self._waiting.get(request_id)
            if waiting is not None and not waiting.done() and not _is_silence(problem):
                waiting.set_result((problem, pdu))

        pdu = _build_pdu(request_id, kind, varbinds, first, second)
        context = self._settings.context.encode()
        self._generator.send_pdu(self._shared.engine, self._target, None, context, pdu, answered, None)
        try:
            problem, response = await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            self._note_silence()
            return None
        finally:
            del self._waiting[request_id]
        self._unanswered = 0
        if problem is not None:
            self._reject(problem)
        self._note_answer()
        try:
            return _read(response)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise DeviceError(f"{self._settings.where}: its answer is malformed ({type(error).__name__})") from error

    def close(self) -> None:
        if self._shared is None:
            return
        shared, self._shared, self._target = self._shared, None, None
        shared.links -= 1
        if not shared.links:
            shared.engine.close_dispatcher()
            engines = _engines[asyncio.get_running_loop()]
            for key in [key for key, value in engines.items() if value is shared]:
                del engines[key]

    def _note_silence(self) -> None:
        self._unanswered += 1
        settings = self._settings
        if self._unanswered < _SILENT_COPIES or self._answered or self._asked_as or not self.alive:
            return
        other = _other_extension(settings.priv_protocol)
        if other is not None:
            self.close()
            self._asked_as, self._settings = settings.priv_protocol, replace(settings, priv_protocol=other)

    def _note_answer(self) -> None:
        if not self._answered and self._asked_as:
            settings = self._settings
            takes = f"{settings.where} encrypts with {settings.priv_protocol}, not {self._asked_as}"
            tell(f"{takes}: set snmp.priv_protocol")
        self._answered = True

    def _reject(self, problem: Any) -> NoReturn:
        """Raises what the device's complaint means."""
        from pysnmp.proto import errind

        settings = self._settings
        authentication = (
            *(errind.AuthenticationError, errind.UnknownUserName, errind.UnsupportedSecurityLevel, errind.WrongDigest),
            *(errind.AuthenticationFailure, errind.DecryptionError, errind.UnknownSecurityName, errind.NotInTimeWindow),
        )
        if isinstance(problem, authentication):
            raise AuthenticationFailed(f"{settings.where}: user {settings.user} or a key was not accepted ({problem})")
        raise DeviceError(f"{settings.where}: {problem}")

    async def _open(self) -> None:
        from pysnmp.carrier.asyncio.dgram import udp, udp6
        from pysnmp.entity import config
        from pysnmp.entity.rfc3413.cmdgen import CommandGenerator

        settings = self._settings
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(settings.host, settings.port, proto=17)
        except OSError as error:
            told = f"{settings.where}: {error.strerror or error}: set snmp.host to its name or address"
            raise Unreachable(told) from error
        address = found[0][4][:2]
        domain = udp6 if ":" in str(address[0]) else udp
        name = domain.SNMP_UDP6_DOMAIN if domain is udp6 else domain.SNMP_UDP_DOMAIN
        if self._target is not None:
            return
        shared = _engine_for(settings)
        if shared.engine.transport_dispatcher is None or config.get_transport(shared.engine, name) is None:
            transport = domain.Udp6AsyncioTransport() if domain is udp6 else domain.UdpAsyncioTransport()
            config.add_transport(shared.engine, name, shared.ears.guard(transport).open_client_mode())
            shared.engine.transport_dispatcher.set_timer_resolution(_TIMER_RESOLUTION)
        target = f"target{next(shared.targets)}"
        config.add_target_address(shared.engine, target, name, address, "user", settings.patience * 100, 0)
        shared.links += 1
        self._address = address
        shared.ears.heard.setdefault(address, False)
        shared.ears.believed = address if settings.any_source else None
        self._shared, self._target, self._generator = shared, target, CommandGenerator()


def _engine_for(settings: SnmpSettings) -> _Engine:
    from pysnmp.entity import config
    from pysnmp.entity.engine import SnmpEngine

    engines = _engines.setdefault(asyncio.get_running_loop(), {})
    # Who answers from anywhere must be the only one that is asked.
    alone = settings.where if settings.any_source else None
    key = (settings.user, settings.auth_protocol, settings.auth_key, settings.priv_protocol, settings.priv_key, alone)
    if key not in engines:
        engine = SnmpEngine()
        level = "authPriv" if settings.priv_key else "authNoPriv" if settings.auth_key else "noAuthNoPriv"
        config.add_v3_user(
            engine,
            settings.user.encode(),
            getattr(config, _AUTH[settings.auth_protocol] if settings.auth_key else "USM_AUTH_NONE"),
            settings.auth_key.encode() if settings.auth_key else None,
            getattr(config, _PRIV[settings.priv_protocol] if settings.priv_key else "USM_PRIV_NONE"),
            settings.priv_key.encode() if settings.priv_key else None,
        )
        config.add_target_parameters(engine, "user", settings.user.encode(), level)
        engines[key] = _Engine(engine, itertools.count(), _Ears())
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


def _other_extension(protocol: str) -> str | None:
    """The same cipher with the other way to extend its key; None where keys are not extended."""
    other = protocol.removesuffix(_BLUMENTHAL) if protocol.endswith(_BLUMENTHAL) else protocol + _BLUMENTHAL
    return other if other in _PRIV else None


def _is_silence(problem: Any) -> bool:
    from pysnmp.proto import errind

    return isinstance(problem, errind.RequestTimedOut)


def _read(response: Any) -> tuple[int, int, Sequence[Varbind]]:
    """Error status, error index and variables of an answer."""
    from pysnmp.proto.api import v2c

    parsed = [_parse(name, value) for name, value in v2c.apiPDU.get_varbinds(response)]
    return int(v2c.apiPDU.get_error_status(response)), int(v2c.apiPDU.get_error_index(response)), parsed
