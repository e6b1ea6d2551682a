"""Who asks: a token, somebody whom a trusted proxy names, somebody on this machine; and what he may."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from clusto_cli.hosting.limits import client_of
from clusto_cli.web.answering import Forbidden, Misdirected, Unknown
from clusto_core.errors import Malformed
from clusto_core.records.tokens import READER, ROLES

if TYPE_CHECKING:
    from aiohttp import web

    from clusto_core.store.reader import Reader

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_FORWARDED = ("forwarded", "x-forwarded-", "x-real-ip", "x-client-ip", "true-client-ip", "cf-", "via")
"""What headers of proxies begin with."""
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]]+)(?::[0-9]{0,5})?")
"""What a Host header may be (RFC 9110, 7.2)."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="clusto: a token as the password", charset="UTF-8", Bearer'}


class Caller(NamedTuple):
    """Who asks. `scope` is the expression that selects all that he sees; None for everything."""

    name: str
    role: str = READER
    scope: str | None = None

    def may(self, role: str) -> bool:
        """Whether he has this role, or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Doors(NamedTuple):
    """How one comes in beside tokens: by the header `header` of a proxy at one of the addresses `proxies`, which names
    a user of the role `proxied`; `anonymous` whether who is on this machine needs nothing, to read. `names` are those
    that the server is reached by, in small letters; `*.example` for all that are one step below that."""

    header: str | None = None
    proxies: Sequence[Network] = ()
    proxied: str = READER
    anonymous: bool = True
    names: frozenset[str] = frozenset()


class Credentials(NamedTuple):
    """What a request brings: a token; or a caller who is known without the inventory; or neither, and why not."""

    token: str | None
    caller: Caller | None
    reason: str = ""


def networks(texts: Sequence[str]) -> list[Network]:
    """Addresses and blocks. Raises Malformed."""
    try:
        return [ipaddress.ip_network(text) for text in texts]
    except ValueError as error:
        raise Malformed(f"malformed address of a proxy: {error}") from None


def credentials(request: web.BaseRequest, doors: Doors) -> Credentials:
    """What a request brings. A token is the password of Basic, or a Bearer's."""
    authorization = request.headers.getall("Authorization", [])
    if authorization:
        token = _token(authorization[0]) if len(authorization) == 1 else None
        return Credentials(token, None, "" if token else "the Authorization header has no token")
    client = client_of(request.remote)
    if doors.header is not None and is_among(client, doors.proxies):
        named = request.headers.getall(doors.header, [])
        if len(named) == 1 and (name := named[0].strip()) and name.isprintable() and len(name) <= 100:
            return Credentials(None, Caller(name, doors.proxied))
        return Credentials(None, None, f"the proxy names nobody by {doors.header}")
    if doors.anonymous and is_here(client) and not _is_passed_on(request):
        if not is_local_name(request.host):
            return Credentials(None, None, "name this machine localhost, or bring a token")
        return Credentials(None, Caller("anonymous"))
    return Credentials(None, None, "bring a token (clusto serve token create)")


def _is_passed_on(request: web.BaseRequest) -> bool:
    """Whether a proxy seems to be between, which asks from this machine for somebody elsewhere: it says so, or speaks
    HTTP/1.0, as nginx does that is not told otherwise."""
    return request.version < (1, 1) or any(name.lower().startswith(_FORWARDED) for name in request.headers)


def _token(authorization: str) -> str | None:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return text.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


def identify(reader: Reader, brought: Credentials) -> Caller:
    """Who it is. Raises Unknown."""
    if brought.caller is not None:
        return brought.caller
    if brought.token is not None:
        from clusto_core.records import tokens

        if (token := tokens.known(reader, brought.token)) is not None:
            return Caller(token.name, token.role, token.scope)
    raise unknown(brought.reason or "nobody has this token")


def unknown(reason: str) -> Unknown:
    """What is answered to who is nobody."""
    error = Unknown(reason)
    error.headers = _CHALLENGE
    return error


def check_site(request: web.BaseRequest) -> None:
    """Raises Forbidden for what a page of another site has a browser ask, unless somebody follows its link here: it
    could not read the answer, and could keep the server busy or time it."""
    headers = request.headers
    followed = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
    if headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and not followed:
        raise Forbidden("a page of another site asks for this")


def check_origin(request: web.BaseRequest) -> None:
    """Raises Forbidden for what a page of another site has a browser send, which brings what the browser knows."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in ("none", "same-origin") or (origin is not None and origin.partition("://")[2] != request.host):
        raise Forbidden("a page of another site asks for this")


def is_here(client: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def check_host(request: web.BaseRequest, names: Collection[str]) -> None:
    """Raises Misdirected for what names another server. A page elsewhere may have a name of its own lead here (DNS
    rebinding), and would be of this site for a browser; an address leads where it says. What old proxies and probes
    ask by HTTP/1.0, without a name, is asked by no browser."""
    hosts = request.headers.getall("Host", [])
    if not hosts and request.version < (1, 1):
        return
    name = name_in(hosts[0]) if len(hosts) == 1 else ""
    if not (name in _LOCAL_NAMES or is_address(name) or name in names or f"*.{name.partition('.')[2]}" in names):
        raise Misdirected(f"this server is not known as {name[:255] or 'nothing'} (clusto serve --name NAME)")


def name_in(host: str) -> str:
    """The name or address in a Host header, in small letters; nothing for what is none."""
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").lower().rstrip(".") if found else ""


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_local_name(host: str) -> bool:
    """Whether a Host header names this machine itself."""
    name = name_in(host)
    return name in _LOCAL_NAMES or is_here(name)


def is_among(client: str, proxies: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    return any(address in each for each in proxies)
