"""How a database server is reached: what a URL says, as its driver takes it, and TLS that proves who answers.

A server on this machine (a unix socket, `localhost`, a loopback address) needs no TLS. Any other is spoken to only over
TLS whose certificate is verified, its name included, before the password is sent; a URL turns that off in so many words
(`sslmode=disable`, `ssl_disabled=true`). Every option of a URL is passed on or refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from clusto_core.errors import Malformed

AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
)
"""Where systems keep the certificates that they trust: Debian, Red Hat, Alpine and BSD, SUSE."""


def is_local(host: str) -> bool:
    """Whether a host, as URLs and drivers have it, is this machine; a path is a unix socket's."""
    if not host or host.startswith(("/", "@")) or host.lower() == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def postgresql_arguments(given: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The parameters for libpq: those `given` by the URL, and for a server elsewhere `sslmode=verify-full`, by the
    authorities that this system trusts, unless the URL or libpq's own environment says otherwise.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS; libpq itself refuses others.
    """
    found: dict[str, Any] = {"connect_timeout": 10, **given}
    if _is_local_postgresql(found, environment) or "sslmode" in found or environment.get("PGSSLMODE"):
        return found
    found["sslmode"] = "verify-full"
    own = os.path.expanduser("~/.postgresql/root.crt")
    if "sslrootcert" not in found and not environment.get("PGSSLROOTCERT") and not os.path.exists(own):
        found["sslrootcert"] = next(filter(os.path.exists, AUTHORITIES), "system")
    return found


def _is_local_postgresql(given: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Whether all hosts are this machine. Where a service file says which they are, they may be anywhere."""
    if given.get("service") or environment.get("PGSERVICE"):
        return False
    hosts = given.get("host") or environment.get("PGHOST") or ""
    places = given.get("hostaddr") or environment.get("PGHOSTADDR") or hosts
    return all(map(is_local, places.split(",")))


# --- MariaDB ---------------------------------------------------------------------------------------------------------


def _boolean(text: str) -> bool:
    found = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower())
    if found is None:
        raise Malformed("write true or false")
    return found


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 100_000):
        raise Malformed("write a number of seconds")
    return int(text)


_OPTIONS: dict[str, Callable[[str], Any]] = {
    "unix_socket": str,
    "bind_address": str,
    "connect_timeout": _seconds,
    "read_timeout": _seconds,
    "write_timeout": _seconds,
    "ssl_ca": str,
    "ssl_cert": str,
    "ssl_key": str,
    "ssl_disabled": _boolean,
    "ssl_verify_cert": _boolean,
    "ssl_verify_identity": _boolean,
}
"""The options of a MariaDB URL: those of PyMySQL's `connect` that are about the way to the server."""


def mariadb_servers(url: str) -> list[dict[str, Any]]:
    """What PyMySQL's `connect` is given for each of the servers of `mariadb://user:password@host:port,host/name`.

    Raises Malformed for an option that there is not, and for a URL that is none; says nothing of its password.
    """
    hosts, arguments, options = _mariadb_parts(url)
    if len(hosts) > 1 and options.get("unix_socket"):
        raise Malformed("unix_socket in the URL of the store names one server, and the URL several")
    tls = {name: options.pop(name) for name in list(options) if name.startswith("ssl_")}
    return [
        {
            "connect_timeout": 10,
            **host,
            **arguments,
            **options,
            **_mariadb_tls(dict(tls), _is_local_mariadb(host, options)),
        }
        for host in hosts
    ]


def tried(arguments: Mapping[str, Any], error: Exception) -> str:
    """A line for a server that was not the one: as libpq has them."""
    place = f'connection to server at "{arguments["host"]}", port {arguments.get("port", 3306)} failed'
    return f"{place}: {str(error.args[-1]).strip().partition(chr(10))[0]}"


def _is_local_mariadb(host: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    return bool(options.get("unix_socket")) or is_local(host["host"])


def _mariadb_parts(url: str) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """The hosts, what else the URL says before its `?`, and its options."""
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url)
        hosts = list(map(_mariadb_host, _places(parts.netloc)))
    except ValueError:
        raise Malformed(_UNREADABLE) from None
    if parts.fragment or url.endswith("#") or ("@" not in parts.netloc and "@" in parts.path):
        raise Malformed(_UNREADABLE)
    arguments: dict[str, Any] = {"database": unquote(parts.path.lstrip("/"))}
    if parts.username:
        arguments["user"] = unquote(parts.username)
    if parts.password:
        arguments["password"] = unquote(parts.password)
    return hosts, arguments, _mariadb_options(parts.query)


def _places(authority: str) -> list[str]:
    found = authority.rpartition("@")[2].split(",")
    if len(found) > 1 and "" in found:
        raise ValueError(found)
    return found


def _mariadb_host(place: str) -> dict[str, Any]:
    """What `host:port` of a URL says. Raises ValueError."""
    from urllib.parse import urlsplit

    parts = urlsplit(f"//{place}")
    return {"host": parts.hostname or "localhost", **({"port": parts.port} if parts.port else {})}


_UNREADABLE = (
    "malformed URL of the store: write mariadb://USER@HOST:PORT/NAME, and what is special in a name or password as %XX"
    " (# as %23, / as %2F, ? as %3F, @ as %40)"
)


def _mariadb_options(query: str) -> dict[str, Any]:
    from urllib.parse import parse_qsl

    found: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        read = _OPTIONS.get(name)
        if read is None:
            raise Malformed(f"no such option in the URL of the store: {name[:40]!a} (there are {', '.join(_OPTIONS)})")
        try:
            found[name] = read(text)
        except Malformed as error:
            raise Malformed(f"{name} in the URL of the store: {error}") from None
    return found


def _mariadb_tls(options: dict[str, Any], local: bool) -> dict[str, Any]:
    """The arguments for TLS: a context of our own, since PyMySQL's verifies nothing where no authority is named."""
    if options.pop("ssl_disabled", False):
        return {"ssl_disabled": True}
    if local and not options:
        return {}
    import ssl

    try:
        context = ssl.create_default_context(cafile=options.get("ssl_ca"))
        if options.get("ssl_cert"):
            context.load_cert_chain(options["ssl_cert"], options.get("ssl_key"))
    except OSError as error:
        raise Malformed(f"cannot read what ssl_ca, ssl_cert or ssl_key name: {error.strerror or error}") from None
    # As PyMySQL's own: authorities of many sites lack what the strict rules of RFC 5280 ask for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    verified = options.get("ssl_verify_cert", True)
    context.check_hostname = verified and options.get("ssl_verify_identity", True)
    if not verified:
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def mariadb_connection(*, several_statements: bool = False, **arguments: Any) -> Any:
    """PyMySQL's connection; where TLS was asked for, it never goes on without, as versions before 1.2 do. With
    `several_statements`, one message may hold several."""
    from pymysql.constants import CLIENT
    from pymysql.err import OperationalError

    from clusto_core.store.unread import Connected

    class Encrypted(Connected):
        # Not in the stubs: what a connection does once it has the server's greeting.
        def _request_authentication(self) -> None:
            if arguments.get("ssl") and not self.server_capabilities & CLIENT.SSL:  # type: ignore[attr-defined]
                raise OperationalError(2026, "the server offers no TLS")
            super()._request_authentication()  # type: ignore[misc]

        def _create_ssl_ctx(self, options: Any) -> Any:
            if options:
                return super()._create_ssl_ctx(options)  # type: ignore[misc]
            # TLS if the server wants it, with anybody: PyMySQL loads all authorities for that, which takes 20 ms.
            import ssl

            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context

    return Encrypted(**arguments, client_flag=CLIENT.MULTI_STATEMENTS if several_statements else 0)


# --- what is said ----------------------------------------------------------------------------------------------------

_ABOUT_TLS = ("certificate", "ssl", "tls")


def is_about_tls(text: str) -> bool:
    """Whether an error of a driver is that TLS, or whoever answered, is not what it must be."""
    return any(word in text.lower() for word in _ABOUT_TLS)


def advice(dialect: str) -> str:
    """What one does about that."""
    authority, off = {
        "postgresql": ("sslrootcert=PATH", "sslmode=disable"),
    }.get(dialect, ("ssl_ca=PATH", "ssl_disabled=true"))
    return (
        f"nothing was sent to it; name the authority that signed its certificate by ?{authority} in the URL,"
        f" or do without TLS by ?{off}"
    )
