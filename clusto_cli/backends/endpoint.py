"""Where a device listens, as people write it: a name or an address, with a port or without one."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,32}")


class Endpoint(NamedTuple):
    """A name, an IPv4 or an IPv6 address (with its zone, `fe80::1%eth0`), and a port where one is said."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        """As URLs and messages have it: `10.0.0.1:623`, `[fe80::1]:623`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def endpoint(key: str, text: str) -> Endpoint:
    """`bmc1`, `10.0.0.1`, `10.0.0.1:6230`, `fe80::1`, `[fe80::1]:623`. Raises ValueError, naming the setting `key`."""
    host, port = _parted(text)
    if not _is_host(host):
        raise ValueError(f"{key} is {text[:80]!r}: write a name or an address, HOST:PORT or [ADDRESS]:PORT")
    if port is None:
        return Endpoint(host)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{key} is {text[:80]!r}: {port[:20]!r} is no port from 1 to 65535")
    return Endpoint(host, int(port))


def _parted(text: str) -> tuple[str, str | None]:
    """The host and, where there is one, what stands in the port's place."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if bracket and (not rest or rest[0] == ":"):
            return host, rest[1:] or None if rest != ":" else ""
        return "", None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, None


def _is_host(host: str) -> bool:
    address, percent, zone = host.partition("%")
    if ":" in host:
        import ipaddress

        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            return False
        return not percent or bool(_ZONE.fullmatch(zone))
    return bool(_NAME.fullmatch(host))
