"""IP and MAC addresses: how they are recognised, spelled and claimed."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from clusto_core.errors import Malformed
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address, IPv6Address

# Compiled when they are first needed: most words are no address.
_MAYBE_IP = r"[0-9a-fA-F:.]{2,45}"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_MAC = r"(?i)(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}"
_BARE_MAC = "[0-9a-fA-F]{12}"

SHARED = ("anycast", "carp", "glbp", "hsrp", "vip", "vrrp")
"""Why several may hold one address at once: what NetBox calls the roles of an address, without those of one holder."""
_BEYOND = "~"
# Sorts behind whatever a claim goes on with.


@cache
def _v4() -> Callable[[str], re.Match[str] | None]:
    """Whether text is a v4 address as they are spelled: nearly all are, and making an object of each takes ten times as
    long."""
    return re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}").fullmatch


class Assigned(NamedTuple):
    """An address with what a claim to it depends on; as text `10.0.0.1`, `10.0.0.1@blue`, `10.0.0.1+vrrp@blue`.

    `space` is the name of a VRF: None where nothing is said, "" for the space that has no name (`10.0.0.1@`). `shared`
    is one of SHARED where several may hold the address.
    """

    address: str
    space: str | None = None
    shared: str | None = None

    def __str__(self) -> str:
        shared = f"+{self.shared}" if self.shared else ""
        return f"{self.address}{shared}" if self.space is None else f"{self.address}{shared}@{self.space}"


def assigned(text: str) -> Assigned:
    """What `ADDRESS[+SHARED][@VRF]` means, the address in its one spelling. Raises Malformed."""
    if _v4()(text):
        return Assigned(text)
    before, at, space = text.partition("@")
    address, plus, shared = before.partition("+")
    if plus and shared not in SHARED:
        raise Malformed(f"{text[:60]!a}: an address is shared as one of {', '.join(SHARED)}, not as {shared[:20]!a}")
    return Assigned(canonical(address), space if at else None, shared if plus else None)


def spelled(text: str) -> str:
    """`ADDRESS[+SHARED][@VRF]` in its one spelling. Raises Malformed."""
    return text if _v4()(text) else str(assigned(text))


def sought(text: str) -> Assigned | None:
    """The address that `text` means when it may be anything: `ADDRESS` or `ADDRESS@VRF`; None when it is none."""
    before, at, space = text.partition("@")
    address = parse(before)
    return None if address is None else Assigned(str(address), space if at else None)


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address that `text` is, or None when it is none."""
    if ("." not in text and ":" not in text) or re.fullmatch(_MAYBE_IP, text) is None:
        return None
    from ipaddress import ip_address

    try:
        return ip_address(text)
    except ValueError:
        return None


def canonical(text: str) -> str:
    """The one spelling of an address that the store keeps (RFC 5952 for v6). Raises Malformed."""
    if _v4()(text):
        return text
    address = parse(text)
    if address is None:
        raise Malformed(f"not an IP address: {text[:60]!r}")
    return str(address)


@lru_cache(50_000)
def claim_of(text: str) -> str | None:
    """The claim of an address as the store spells it; None for what is no address."""
    if _v4()(text):
        return f"ip4:{bytes(map(int, text.split('.'))).hex()}"
    address = parse(text)
    return claim(address) if address else None


def claim(address: IPv4Address | IPv6Address) -> str:
    """What makes an address one Thing's alone; claims of one version sort as their addresses do."""
    return f"ip{address.version}:{int(address):0{8 if address.version == 4 else 32}x}"


def claimed(claim: str, space: int | None, shared: int | None = None) -> str:
    """The claim of an address within an address space, by the id of its VRF; where it is shared, with what tells one
    holder's from the next one's. All claims of an address lie from its own to `last_claim` of it."""
    found = claim if space is None else f"{claim}@{space}"
    return found if shared is None else f"{found}+{shared}"


def last_claim(claim: str) -> str:
    """What sorts behind the claims of an address in all address spaces."""
    return claim + _BEYOND


def parse_mac(text: str, *, bare: bool = False) -> str | None:
    """The twelve hexadecimal digits, in lower case, of a MAC spelled with colons, hyphens or dots; else None.

    With `bare` also of one without any mark.
    """
    if re.fullmatch(_MAC, text) is None and not (bare and re.fullmatch(_BARE_MAC, text)):
        return None
    return re.sub("[^0-9a-f]", "", text.lower())


def mac_spellings(digits: str) -> list[str]:
    """The usual spellings of a MAC given as twelve digits: colons, hyphens, dots, none; lower and upper case."""
    pairs = [digits[at : at + 2] for at in range(0, 12, 2)]
    fours = [digits[at : at + 4] for at in range(0, 12, 4)]
    lower = [":".join(pairs), "-".join(pairs), ".".join(fours), digits]
    return lower + [spelling.upper() for spelling in lower]
