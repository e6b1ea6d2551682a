"""Cobbler as a boot server, over its XML-RPC interface: a system's "netboot enabled" is what decides.

Cobbler knows the machine as a system of the same name, and makes boot files and answers by its own profiles whenever
the system is saved. It is told to have the machine install, and below which URL the installer says how far it is: as
the kernel argument `clusto.event`, and as the variable `clusto_event` of Cobbler's templates.

Source: cobbler/remote.py, cobbler/actions/sync.py of Cobbler 3.3.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

from clusto_cli.backends.base import BootMachine, BootState, Step
from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, NotVerified, Refused, Unreachable
from clusto_cli.backends.provision.many import one_by_one
from clusto_cli.backends.provision.turns import Turns
from clusto_cli.backends.runner import attempt
from clusto_cli.visible import one_line

T = TypeVar("T")
_PATH = "/cobbler_api"
_INHERITED = "<<inherit>>"
_NOTHING = "~"
"""What Cobbler says for a system that there is not: it has no null."""
_OPTION, _VARIABLE = "clusto.event", "clusto_event"
_OCTETS = 4 << 20
"""The largest answer that is read: one system or profile has some kilobytes."""
_AGAIN = 0.05
_FAULT = re.compile(r"<class '[^']*'>:'?(.*?)'?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CobblerSettings:
    """Where Cobbler is and how to get in.

    verify: a certificate authority's file, or whether the system's are trusted. profile: the one to install by, where
    it is not the system's own already. timeout: seconds for each answer.
    """

    url: str
    user: str
    password: str = field(repr=False)
    profile: str = ""
    verify: bool | str = True
    timeout: float = 60.0


def cobbler_settings(settings: Mapping[str, str]) -> CobblerSettings:
    """Out of the settings of the group `cobbler`. Raises ValueError."""
    from clusto_cli.backends.settings import seconds, trust

    for key in ("cobbler.url", "cobbler.user", "cobbler.password"):
        if not settings.get(key):
            raise ValueError(f"{key} is not set")
    url = settings["cobbler.url"]
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(f"cobbler.url is {url[:80]!a}: write it as https://HOST/cobbler_api")
    return CobblerSettings(
        url=url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}{_PATH}",
        user=settings["cobbler.user"],
        password=settings["cobbler.password"],
        profile=settings.get("cobbler.profile") or "",
        verify=trust(settings, "cobbler.verify"),
        timeout=seconds(settings, "cobbler.timeout", 60.0),
    )


class CobblerProvisioner:
    """Each method is a session of its own, since a token ends after an hour, and a rebuild may last longer."""

    def __init__(self, settings: CobblerSettings) -> None:
        self._settings = settings
        self._where = urlsplit(settings.url).netloc
        self._turns = Turns()

    async def __aenter__(self) -> CobblerProvisioner:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None

    async def check(self, machine: BootMachine) -> str:
        return await self._in_session(machine, lambda session: self._check(session, machine))

    async def state(self, machine: BootMachine) -> BootState:
        return await self._in_session(machine, lambda session: _state(session.system(machine.name)))

    async def install(self, machine: BootMachine) -> None:
        await self._in_session(machine, lambda session: self._install(session, machine))

    async def local(self, machine: BootMachine, *, keep_answers: bool = False) -> None:
        await self._in_session(machine, lambda session: _set(session, machine.name, enabled=False, events=None))

    async def local_many(self, machines: Sequence[BootMachine]) -> dict[str, DeviceError]:
        return await one_by_one(machines, self.local)

    async def steps(self, machine: BootMachine, install: bool) -> list[Step]:
        changes = {"netboot_enabled": str(install).lower()}
        if install and self._settings.profile:
            changes["profile"] = self._settings.profile
        if install and machine.events:
            changes |= {"kernel_options": f"{_OPTION}={machine.events}"}
        where = f"{self._settings.url} system {machine.name}"
        return [Step(machine.name, where, f"{key} = {value}") for key, value in changes.items()]

    def _check(self, session: _Session, machine: BootMachine) -> str:
        system = session.system(machine.name)
        if system is None:
            raise Refused(f"{self._where} has no system {machine.name}")
        interfaces = map(_mapping, _mapping(system.get("interfaces")).values())
        known = {str(each.get("mac_address", "")).lower() for each in interfaces}
        if not known & set(machine.macs):
            raise Refused(
                f"{self._where}: system {machine.name} has {_short(', '.join(sorted(known - {''}))) or 'no MAC'}, "
                f"and the machine {', '.join(machine.macs)}"
            )
        profile = self._settings.profile or str(system.get("profile") or "")
        if session.call("get_profile", profile) == _NOTHING:
            raise Refused(f"{self._where} has no profile {_short(profile)}")
        return f"{self._where} knows {machine.name}, and installs it by {_short(profile)}"

    def _install(self, session: _Session, machine: BootMachine) -> None:
        try:
            _set(session, machine.name, enabled=True, events=machine.events, profile=self._settings.profile)
        except DeviceError as error:
            try:
                _set(session, machine.name, enabled=False, events=None)
            except DeviceError as further:
                raise DeviceError(f"{error}; and it may still install ({further})") from error
            raise

    async def _in_session(self, machine: BootMachine, act: Callable[[_Session], T]) -> T:
        def session() -> T:
            with _Session.opened(self._settings, self._where) as opened:
                return act(opened)

        return await attempt(self._turns.run(machine.name, session))


class _Session:
    """One login. Raises DeviceError."""

    def __init__(self, proxy: xmlrpc.client.ServerProxy, where: str, transport: _Transport) -> None:
        self._proxy, self._where, self._transport = proxy, where, transport
        self.token = ""

    @classmethod
    @contextmanager
    def opened(cls, settings: CobblerSettings, where: str) -> Iterator[_Session]:
        transport = _Transport(settings)
        session = cls(xmlrpc.client.ServerProxy(settings.url, transport, allow_none=True), where, transport)
        try:
            try:
                session.token = session.text("login", settings.user, settings.password)
            except Refused as error:
                raise AuthenticationFailed(f"{error} (see cobbler.user and cobbler.password)") from None
            yield session
            with suppress(DeviceError):
                session.call("logout", session.token)
        finally:
            transport.close()

    def system(self, name: str) -> dict[str, Any] | None:
        found = self.call("get_system", name)
        return found if isinstance(found, dict) else None

    def text(self, method: str, *arguments: object) -> str:
        """What it answers, where that must be a text."""
        found = self.call(method, *arguments)
        if not isinstance(found, str):
            raise DeviceError(f"{self._where}: what it answers to {method} is no text")
        return found

    def call(self, method: str, *arguments: object) -> Any:
        try:
            with self._transport.in_time():
                return getattr(self._proxy, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            said = _FAULT.sub(r"\1", str(fault.faultString)).strip().splitlines()
            # Of a traceback the last line tells, and the first what was asked for.
            words = "; ".join(dict.fromkeys(line.strip() for line in [*said[:1], *said[-2:]] if line.strip()))
            raise Refused(f"{self._where}: {one_line(words)[:400] or fault.faultCode}") from fault
        except xmlrpc.client.ProtocolError as error:
            raise Unreachable(f"{self._where}: HTTP {error.errcode} {_short(error.errmsg)}") from error
        except ssl.SSLError as error:
            raise AuthenticationFailed(f"{self._where}: {error.reason or error} (see cobbler.verify)") from error
        except TimeoutError as error:
            raise Unreachable(f"{self._where}: no answer in time (see cobbler.url and cobbler.timeout)") from error
        except (OSError, http.client.HTTPException) as error:
            why = _short(getattr(error, "strerror", None) or error)
            raise Unreachable(f"{self._where}: {why} (see cobbler.url)") from error
        except DeviceError:
            raise
        except Exception as error:
            # Python's XML-RPC raises whatever its conversions do.
            why = _short(" ".join(str(error).split())) or type(error).__name__
            raise DeviceError(f"{self._where}: what it answers is no XML-RPC ({why})") from error


def _set(session: _Session, name: str, *, enabled: bool, events: str | None, profile: str = "") -> None:
    """What the system is to do at its next boot from the network, read back."""
    system = session.system(name)
    if system is None:
        raise Refused(f"there is no system {name}")
    handle = session.text("get_system_handle", name, session.token)
    changes: dict[str, object] = {"profile": profile} if profile else {}
    for key, entry in (("kernel_options", _OPTION), ("autoinstall_meta", _VARIABLE)):
        changes[key] = _with(system.get(key), entry, events)
    changes["netboot_enabled"] = enabled
    for key, value in changes.items():
        session.call("modify_system", handle, key, value, session.token)
    session.call("save_system", handle, session.token)
    found = session.system(name) or {}
    if bool(found.get("netboot_enabled")) is not enabled or (profile and found.get("profile") != profile):
        raise NotVerified(
            f"system {name} has netboot_enabled={_short(found.get('netboot_enabled'))} and "
            f"profile={_short(found.get('profile'))} "
            f"after {enabled} and {profile or 'the same'} were set"
        )


def _with(own: object, entry: str, value: str | None) -> object:
    """A system's own options with this one, or without it: what is not its own, it inherits."""
    options = dict(own) if isinstance(own, dict) else {}
    options.pop(entry, None)
    if value is not None:
        options[entry] = value
    return options or _INHERITED


def _short(value: object) -> str:
    """As much of what it says as belongs into a message."""
    return str(value)[:200]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _state(system: Mapping[str, Any] | None) -> BootState:
    if system is None:
        return BootState.ABSENT
    return BootState.INSTALL if system.get("netboot_enabled") else BootState.LOCAL


class _Transport(xmlrpc.client.Transport):
    """Connections with a time limit, whose certificates are verified; answers of a bounded size."""

    accept_gzip_encoding = False

    def __init__(self, settings: CobblerSettings) -> None:
        super().__init__()
        self._settings = settings
        self._late = False
        self._socket: socket.socket | None = None

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """Ends the connection when a whole answer takes longer than one may: time limits of sockets begin anew with
        each octet. Raises TimeoutError then.
        """
        self._late = False
        done = threading.Event()
        threading.Thread(target=self._watch, args=[done], daemon=True).start()
        try:
            yield
        except Exception:
            if self._late:
                raise TimeoutError from None
            raise
        finally:
            done.set()

    def _watch(self, done: threading.Event) -> None:
        """Hangs up when it is late, and again and again: a connection may only just be being made."""
        if done.wait(self._settings.timeout):
            return
        self._late = True
        while not done.wait(_AGAIN):
            self._hang_up()

    def _hang_up(self) -> None:
        connection = self._connection[1]
        # A connection lets go of its socket while an answer without a length is still being read from it.
        known = connection.sock if connection is not None and connection.sock is not None else self._socket
        if known is not None:
            with suppress(OSError):
                known.shutdown(socket.SHUT_RDWR)

    def single_request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        """As Transport does, without reading what comes with a refusal."""
        try:
            connection = self.send_request(host, handler, request_body, verbose)
            self._socket = connection.sock
            response = connection.getresponse()
            if response.status == HTTPStatus.OK:
                return self.parse_response(response)
            raise xmlrpc.client.ProtocolError(self._settings.url, response.status, response.reason, {})
        except xmlrpc.client.Fault:
            raise
        except Exception:
            self.close()
            raise

    def parse_response(self, response: Any) -> Any:
        """As Transport does, of the octets as they come."""
        content = response.read(_OCTETS + 1)
        if len(content) > _OCTETS:
            raise ValueError(f"more than {_OCTETS >> 20} MiB")
        parser, unmarshaller = self.getparser()
        parser.feed(content)
        parser.close()
        return unmarshaller.close()

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        if self._connection and host == self._connection[0] and self._connection[1] is not None:
            return self._connection[1]
        settings = self._settings
        name, self._extra_headers, _ = self.get_host_info(host)
        if urlsplit(settings.url).scheme == "http":
            made = http.client.HTTPConnection(name, timeout=settings.timeout)
        else:
            made = _Connection(name, timeout=settings.timeout, context=_trust(settings.verify))
        self._connection = host, made
        return made


class _Connection(http.client.HTTPSConnection):
    """One whose socket is there to be shut down while TLS is still being agreed on."""

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock.do_handshake()


def _trust(verify: bool | str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
