"""Where a credential may be sent: hosts out of settings, and whether they are in a network or domain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

# Patterns are compiled where a credential goes out, and ipaddress is imported there: most commands send none.
_HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?"
_URL = (
    r"[a-z][a-z0-9+.-]*://(?:[A-Za-z0-9_.+$-]+@)?(?P<host>\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\]|[A-Za-z0-9_.-]*)"
    r"(?::[0-9]{1,5})?(?:/[^\s\\@]*)?"
)


def host_in(text: str) -> str | None:
    """The host that a setting means: a name, an address, `[v6]:port`, a URL. None for what programs may read as another
    one than we do; empty for a URL without a host, which is this computer."""
    if "://" in text:
        match = re.fullmatch(_URL, text)
        return None if match is None else match["host"].strip("[]").lower()
    bare = text[1 : text.index("]")] if text.startswith("[") and "]" in text else text
    if _address(bare) is not None:
        return bare.lower()
    name, colon, port = text.partition(":")
    if not re.fullmatch(_HOST, name) or (colon and not port.isdecimal()):
        return None
    return name.rstrip(".").lower()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    from ipaddress import ip_address

    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def permitted(host: str, allowed: Iterable[str]) -> bool:
    """Whether a host is in one of the networks (`10.0.0.0/8`, `10.1.2.3`), domains (`.example.com`, `*.example.com`) or
    among the names (`pdu1`, and `pdu*`, whose `*` does not pass a dot).

    A name is never looked up: who answers for it may say one thing now and another when it is used.
    """
    address = _address(host)
    return any(_in_network(address, each) if address is not None else _in_domain(host, each) for each in allowed)


def _in_network(address: IPv4Address | IPv6Address, network: str) -> bool:
    from ipaddress import ip_network

    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False


def _in_domain(host: str, pattern: str) -> bool:
    pattern = pattern.rstrip(".").lower()
    if pattern.startswith(("*.", ".")):
        return host.endswith(pattern.removeprefix("*")) and len(host) > len(pattern.removeprefix("*"))
    spelled = "[^.]*".join(map(re.escape, pattern.split("*")))
    return re.fullmatch(spelled, host) is not None


def listed(texts: Iterable[str]) -> list[str]:
    """The networks and domains in the values of an attribute, with commas or blanks between."""
    return [word for text in texts for word in re.split(r"[,\s]+", text) if word]
