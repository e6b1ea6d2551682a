"""From the inventory's way to a console to one that can be opened: profile, method, settings, secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from clusto_cli.backends import errors
from clusto_cli.backends.console.access import CONSOLE_SETTINGS, Access
from clusto_cli.backends.console.profile import BadProfile, Method, Profile, UnknownProfile, load
from clusto_cli.backends.console.values import Values
from clusto_cli.backends.reasons import roles
from clusto_cli.backends.settings import boolean, number
from clusto_core.answers.consoles import CONTROLLER, ConsoleWay, check_reachable
from clusto_core.boundary.permissions import insecure
from clusto_core.config import config_path
from clusto_core.errors import Malformed, NotFound, Refused

T = TypeVar("T")
BMC_SETTINGS = roles("bmc", "host", "port", "user", "password", cipher="bmc.cipher_suite")
_IPMI_PORT = 623
_TEXTS = {
    "uri": "console.uri",
    "path": "console.path",
    "cipher": "console.cipher",
    "speed": "console.speed",
}
_CLEAR = ("raw", "rfc2217", "telnet")
"""Transports on which whoever listens reads what is typed."""


def profile_folders() -> tuple[Path, ...]:
    """Where a site keeps console profiles of its own; they go before clusto's."""
    own = Path(os.path.dirname(config_path())) / "profiles" / "console"
    return (own, Path("/etc/clusto/profiles/console"))


def access_of(way: ConsoleWay, method: str | None = None, *, port: bool = True) -> Access:
    """How this way is opened. Nothing is connected to yet, but everything that can be wrong before that is found;
    without `port`, it is the console server as a whole that is to be asked something.

    Raises NotFound for a profile that there is not or that is not set, and for a port that cannot be; Malformed for
    values that cannot be.
    """
    profile = profile_of(way)
    # A controller is not one of the console servers that the site has set a method for.
    configured = way.settings.get("console.method") if way.kind != CONTROLLER else None
    try:
        chosen = profile.method(method or configured)
    except UnknownProfile as error:
        raise NotFound(f"{_owner(way)}: {error}") from None

    def make() -> Access:
        values = _values(way, chosen)
        if values.secret is not None and chosen.transport in _CLEAR:
            insecure("telnet-clear", f"console.password goes over the network in clear ({chosen.transport})", "use ssh")
        settings = BMC_SETTINGS if way.kind == CONTROLLER else CONSOLE_SETTINGS
        access = Access(profile, chosen, values, settings, boolean(way.settings, "ssh.legacy") or False)
        if port:
            # Made and thrown away: it raises what is missing.
            _ = access.command
        return access

    return _told(way, make)


def profile_of(way: ConsoleWay) -> Profile:
    """The profile of a way. Raises NotFound when there is none or none is set, Malformed when its file is wrong."""
    name = check_reachable(way)
    try:
        return load(name, profile_folders())
    except UnknownProfile as error:
        raise NotFound(f"{_owner(way)}: {error}") from None
    except BadProfile as error:
        raise Malformed(str(error)) from None


def _values(way: ConsoleWay, method: Method) -> Values:
    settings = way.settings
    texts = {name: value for name, key in _TEXTS.items() if (value := settings.get(key)) is not None}
    texts["host"] = way.host
    group = "bmc" if way.kind == CONTROLLER else "console"
    user = settings.get(f"{group}.user")
    # The other password is not for this address, and is not asked for.
    secret = settings.get(f"{group}.password")
    own_port, begins_at = way.own.get("console.port"), number(settings, "console.base")
    if way.kind == CONTROLLER:
        texts["host"], begins_at = _controller(settings)
        if (cipher := settings.get("bmc.cipher_suite")) is not None:
            texts["cipher"] = cipher
    elif own_port is None and begins_at is None and method.port.isdecimal():
        # A server that has one port for all its consoles: where that port is, is set on the server.
        begins_at = number(settings, "console.port")
    if way.kind != CONTROLLER:
        user = user or settings.get("ssh.user")
    if user is not None:
        texts["user"] = user
    if way.thing != way.device:
        texts["name"] = way.label or way.thing.name
    return Values(
        number=way.number,
        texts=texts,
        tcp_port=number(way.own, "console.port"),
        base=begins_at,
        secret=secret,
    )


def _controller(settings: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of a controller's IPMI, which it has beside Redfish too."""
    from urllib.parse import urlsplit

    from clusto_cli.backends.endpoint import endpoint
    from clusto_cli.backends.power import controller_endpoint

    try:
        if settings.get("bmc.protocol") == "redfish":
            host = settings["bmc.host"]
            name = urlsplit(host).hostname if "://" in host else None
            return name or endpoint("bmc.host", host).host, _IPMI_PORT
        where = controller_endpoint(settings, _IPMI_PORT)
    except ValueError as error:
        raise errors.Refused(str(error)) from None
    return where.host, where.port or _IPMI_PORT


def _owner(way: ConsoleWay) -> str:
    return way.device.name if way.device is not None else way.thing.name


def _told(way: ConsoleWay, make: Callable[[], T]) -> T:
    try:
        return make()
    except errors.NoSuchPort as error:
        raise NotFound(f"{way.thing.name}: {error}") from None
    except errors.DeviceError as error:
        raise Malformed(f"{way.thing.name}, {way.words}: {error}") from None


def as_outcome(error: errors.DeviceError, name: str) -> Exception:
    """The error whose exit code is that of every vendor's console: no such port 3, busy 4, anything else 5."""
    said = f"{name}: {error}"
    if isinstance(error, errors.NoSuchPort):
        return NotFound(said)
    if isinstance(error, errors.Busy):
        return Refused(f"{said} (--wait waits, --read-only looks on, --force takes it over)")
    error.args = (said,)
    return error


def title(way: ConsoleWay) -> str:
    """`server1: port 12 on cs1`; and why it is not by cable, where it is not."""
    return f"{way.thing.name}: {way.words}" + (f" ({way.why})" if way.why else "")
