"""A store on another host is reached over TLS that proves who it is, before any password is sent; or not at all."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.store import database
from clusto_core.store.opening import create
from clusto_core.store.reaching import is_local, mariadb_servers, postgresql_arguments
from tests import servers
from tests.security.certificates import Authority

PASSWORD = "pass#word/with?signs@all"
ENCODED = "pass%23word%2Fwith%3Fsigns%40all"


class Site(NamedTuple):
    """Servers with and without a good certificate, as seen from elsewhere: by the name of this host."""

    kind: str
    host: str
    trusted: Path
    urls: dict[str, str]
    """By what is wrong with the server: `good`, `stranger`, `other name`, `plain`."""
    accepted: Callable[[str], int]
    """How many clients that server has taken a login from."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _elsewhere() -> str:
    """A name of this host that does not say so."""
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        pytest.skip("the name of this host has no address")
    return name


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    host = _elsewhere()
    ours = Authority(tmp_path_factory.mktemp("ca"), "ours")
    theirs = Authority(tmp_path_factory.mktemp("ca"), "theirs")
    pairs = {"good": ours.issue(host), "stranger": theirs.issue(host), "other name": ours.issue("db2.example.net")}
    start = _postgresql if request.param == "postgresql" else _mariadb
    running = {}
    try:
        for name, pair in {**pairs, "plain": None}.items():
            running[name] = start(pair)
            if running[name] is None:
                pytest.skip(f"{request.param} is not installed")
        urls = {name: f"{request.param}://ann:{ENCODED}@{host}:{port}/inventory" for name, (_, port) in running.items()}
        count = _postgresql_logins if request.param == "postgresql" else _mariadb_logins
        yield Site(request.param, host, ours.certificate, urls, lambda name: count(running[name][0]))
    finally:
        for found in running.values():
            if found is not None:
                found[0].stop()


def _install(pair: tuple[bytes, bytes] | None) -> Callable[[Path], None]:
    def prepare(directory: Path) -> None:
        owner = directory.stat()
        for name, content in zip(("server.crt", "server.key"), pair or (), strict=False):
            path = directory / name
            path.write_bytes(content)
            path.chmod(0o600)
            os.chown(path, owner.st_uid, owner.st_gid)
        hba = directory / "data" / "pg_hba.conf"
        if hba.exists():
            hba.write_text("local all all trust\nhost all all all scram-sha-256\n")

    return prepare


def _postgresql(pair: tuple[bytes, bytes] | None) -> tuple[servers.PostgreSQL, int] | None:
    port = _free_port()
    settings = ["listen_addresses=*", "log_connections=on", "logging_collector=on", "log_filename=log"]
    if pair:
        settings += ["ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key"]
    server = servers.start_postgresql(
        *(word for each in settings for word in ("-c", each)), prepare=_install(pair), port=port
    )
    if server is None:
        return None
    server.run(f"CREATE ROLE ann LOGIN PASSWORD '{PASSWORD}'")
    server.run("CREATE DATABASE inventory OWNER ann")
    return server, port


def _postgresql_logins(server: servers.Server) -> int:
    return (server.directory / "data" / "log" / "log").read_text().count('connection authenticated: identity="ann"')


def _mariadb(pair: tuple[bytes, bytes] | None) -> tuple[servers.MariaDB, int] | None:
    port = _free_port()
    more = ["--skip-networking=0", "--userstat=1", f"--port={port}", "--bind-address=*"]
    more += ["--ssl-cert={}/server.crt", "--ssl-key={}/server.key"] if pair else ["--skip-ssl"]
    server = servers.start_mariadb(*more, prepare=_install(pair))
    if server is None:
        return None
    server.run(f"CREATE USER ann@'%' IDENTIFIED BY '{PASSWORD}'")
    server.run("CREATE DATABASE inventory")
    server.run("GRANT ALL ON inventory.* TO ann@'%'")
    return server, port


def _mariadb_logins(server: servers.Server) -> int:
    """Those that came so far as to send their name; a TLS handshake that the client broke off does not."""
    import pymysql

    connection = pymysql.connect(user="root", unix_socket=f"{server.directory}/socket")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(SUM(total_connections + denied_connections), 0)"
            " FROM information_schema.user_statistics WHERE user = 'ann'"
        )
        [(count,)] = cursor.fetchall()
    connection.close()
    return int(count)


def _with(url: str, *options: str) -> str:
    return f"{url}?{'&'.join(options)}"


def _authority(site: Site) -> str:
    return f"{'sslrootcert' if site.kind == 'postgresql' else 'ssl_ca'}={site.trusted}"


def test_whoever_proves_who_he_is_is_given_the_password(site: Site) -> None:
    create(_with(site.urls["good"], _authority(site)))
    database.connect(_with(site.urls["good"], _authority(site))).close()
    assert site.accepted("good") >= 1


@pytest.mark.parametrize("server", ["stranger", "other name", "plain"])
def test_whoever_does_not_gets_nothing(site: Site, server: str) -> None:
    for url in (site.urls[server], _with(site.urls[server], _authority(site))):
        with pytest.raises(Refused) as caught:
            database.connect_to_write(url)
        assert "?ssl" in str(caught.value)
        assert PASSWORD not in str(caught.value)
        assert "ssl_disabled=true" in str(caught.value) or "sslmode=disable" in str(caught.value)
    assert site.accepted(server) == 0


def test_a_good_certificate_of_an_authority_that_nobody_named_is_a_stranger_s(site: Site) -> None:
    before = site.accepted("good")
    with pytest.raises(Refused):
        database.connect_to_write(site.urls["good"])
    assert site.accepted("good") == before


def test_it_is_turned_off_in_so_many_words(site: Site) -> None:
    off = "sslmode=disable" if site.kind == "postgresql" else "ssl_disabled=true"
    for server in ("good", "stranger", "plain"):
        database.connect_to_write(_with(site.urls[server], off)).close()
    unverified = "sslmode=require" if site.kind == "postgresql" else "ssl_verify_cert=false"
    database.connect_to_write(_with(site.urls["stranger"], unverified)).close()
    with pytest.raises(ClustoError):
        database.connect_to_write(_with(site.urls["plain"], unverified))


def test_an_option_that_there_is_not_is_refused(site: Site) -> None:
    with pytest.raises(ClustoError, match="ssl_veryfi"):
        database.connect_to_write(_with(site.urls["good"], _authority(site), "ssl_veryfi=true"))


HERE = ["", "localhost", "/run/postgresql", "127.0.0.1", "127.8.9.1", "::1"]
ELSEWHERE = ["db1", "10.0.0.1", "localhost.example.net", "127.0.0.1.example.net"]


@pytest.mark.parametrize("host", HERE + ELSEWHERE)
def test_what_is_this_machine(host: str) -> None:
    assert is_local(host) == (host in HERE)


@pytest.mark.parametrize(
    ("given", "environment", "mode"),
    [
        ({"host": "db1"}, {}, "verify-full"),
        ({"host": "/tmp,db1"}, {}, "verify-full"),
        ({"host": "localhost", "hostaddr": "10.0.0.1"}, {}, "verify-full"),
        ({}, {"PGHOST": "db1"}, "verify-full"),
        ({"service": "x"}, {}, "verify-full"),
        ({"host": "db1", "sslmode": "disable"}, {}, "disable"),
        ({"host": "db1"}, {"PGSSLMODE": "require"}, None),
        ({"host": "/tmp"}, {}, None),
        ({}, {}, None),
    ],
)
def test_when_postgresql_is_verified(given: dict[str, str], environment: dict[str, str], mode: str | None) -> None:
    assert postgresql_arguments(given, environment).get("sslmode") == mode


def test_every_option_of_a_mariadb_url_is_passed_on(tmp_path: Path) -> None:
    (found,) = mariadb_servers(
        "mariadb://u@localhost/n?unix_socket=/s&connect_timeout=3&read_timeout=4&bind_address=1.2.3.4"
    )
    assert found == {
        "host": "localhost", "user": "u", "database": "n", "unix_socket": "/s", "connect_timeout": 3,
        "read_timeout": 4, "bind_address": "1.2.3.4",
    }  # fmt: skip
    assert mariadb_servers("mariadb://db1/n?ssl_disabled=true")[0]["ssl_disabled"] is True
    assert mariadb_servers("mariadb://db1/n")[0]["ssl"].check_hostname
    assert mariadb_servers("mariadb://db1/n?ssl_ca=")[0]["ssl"].check_hostname
    assert not mariadb_servers("mariadb://db1/n?ssl_verify_identity=false")[0]["ssl"].check_hostname


MALFORMED = [
    "mariadb://u:p#w@db1/n",
    "mariadb://u:p/w@db1/n",
    "mariadb://u:p?w@db1/n",
    "mariadb://u:pw@db1:x/n",
    "mariadb://u@db1/n#",
    "mariadb://u@db1/n?ssl_ca=/none",
    "mariadb://u@db1/n?ssl_disabled=perhaps",
    "mariadb://u@db1/n?ssl=true",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_a_mariadb_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Malformed) as caught:
        mariadb_servers(url)
    assert "p#w" not in str(caught.value)
    assert "pw" not in str(caught.value)
