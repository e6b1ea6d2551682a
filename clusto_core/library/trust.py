"""What a server is told of who asks, and by what it is believed: each for the server that it was meant for alone.

CLUSTO_TOKEN goes to the server that the environment's CLUSTO_DB names, or else the configuration file's `db`; `token`
in the table `[server]` of that file to the server of its `db`; and that in `[server."https://HOST"]` to that one. An
address that somebody else says (`--db`, a script, a link) gets none of another's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from clusto_core.config import configured_url, section
from clusto_core.errors import Malformed, NotFound, Refused

TOKEN = "CLUSTO_TOKEN"
_PORTS = {"https": 443, "http": 80}


def token_for(url: str) -> str | None:
    """The token that a server is asked with; None for none. Raises Refused for one of the environment that is meant for
    another server; Malformed, NotFound for what the configuration file says."""
    given = os.environ.get(TOKEN)
    if given and _is_meant(url):
        return given
    table, where = _table(url)
    if "token" in table:
        return _resolved(table["token"], f"token in {where}")
    if given:
        raise Refused(
            f"{TOKEN} is for the server in CLUSTO_DB or in the configuration's db, and {url} is another one: name it"
            f' there, or have its token in [server."{url}"]'
        )
    return None


def authorities_for(url: str) -> str | None:
    """The file of the authorities by which a server is believed; None for the system's."""
    found = _table(url)[0].get("ca", section("server").get("ca"))
    return None if found is None else os.path.expanduser(str(found))


def _is_meant(url: str) -> bool:
    named = os.environ.get("CLUSTO_DB")
    meant = named if named and _origin(named) else configured_url()
    return bool(meant and _origin(url) == _origin(meant))


def _table(url: str) -> tuple[Mapping[str, Any], str]:
    """What the configuration file says of a server, and where. Raises Malformed."""
    whole = section("server")
    for name, table in whole.items():
        if _origin(name) == _origin(url):
            if not isinstance(table, dict):
                raise Malformed(f'[server."{name}"] is a table')
            return table, f'[server."{name}"]'
    named = configured_url()
    return (whole, "[server]") if named and _origin(named) == _origin(url) else ({}, "[server]")


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port (RFC 6454); None for what is no server's address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _resolved(reference: object, where: str) -> str:
    from clusto_core.boundary import permissions, references
    from clusto_core.secrecy import is_reference

    if not isinstance(reference, str) or not is_reference(reference):
        raise Malformed(f"{where} says where the token is: file:PATH or secret:NAME")
    if reference.startswith("file:"):
        return _own_file(os.path.expanduser(reference.removeprefix("file:")))
    return references.resolve(reference, where, permissions.in_force())


def _own_file(path: str) -> str:
    """What a file of the operator's own holds: the configuration names it, not an attribute."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(1000).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"no token in {path}: {getattr(error, 'strerror', None) or 'not text'}") from None
