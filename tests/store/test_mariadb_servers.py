"""Several MariaDBs in one URL: the first that answers, and takes writes; and those of a Galera cluster."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Malformed, Refused, StoreBroken
from clusto_core.inventory import Inventory
from clusto_core.store import database
from clusto_core.store.opening import create
from clusto_core.store.reaching import mariadb_servers
from tests import servers
from tests.store import writers

LONG = bool(os.environ.get("CLUSTO_LONG_TESTS"))


def free_port() -> int:
    """A port of the loopback address that nothing listens on, as the three after it; none that connections get."""
    while True:
        port = random.randrange(15_000, 30_000, 10)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for each in range(port, port + 4):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", each))
            return port


def url_of(*ports: int, name: str = "inventory") -> str:
    return f"mariadb://root@{','.join(f'127.0.0.1:{port}' for port in ports)}/{name}"


def test_hosts_of_a_url() -> None:
    first, second, third = mariadb_servers("mariadb://ann:p%40w@db1:3307,[::1],localhost/n?connect_timeout=3")
    assert (first["host"], first["port"], "ssl" in first) == ("db1", 3307, True)
    assert (second["host"], "port" in second, "ssl" in second) == ("::1", False, False)
    assert (third["host"], third["user"], third["password"], third["connect_timeout"]) == ("localhost", "ann", "p@w", 3)


@pytest.mark.parametrize("url", ["mariadb://a,,b/n", "mariadb://a,b:x/n", "mariadb://a,b/n?unix_socket=/s"])
def test_hosts_that_are_none(url: str) -> None:
    with pytest.raises(Malformed, match="URL of the store"):
        mariadb_servers(url)


@pytest.fixture(scope="module")
def server() -> Iterator[servers.MariaDB]:
    port = free_port()
    running = servers.start_mariadb("--skip-networking=0", "--bind-address=127.0.0.1", f"--port={port}")
    if running is None:
        pytest.skip("mariadb is not installed (Debian: mariadb-server)")
    running.port = port
    running.run("CREATE DATABASE inventory")
    yield running
    running.stop()


def test_the_first_that_answers_and_takes_writes(server: servers.MariaDB) -> None:
    url = url_of(free_port(), server.port)
    create(url)
    inventory = Inventory(Settings(url))
    with inventory.change() as change:
        change.add("Pool", "pool1")
    server.run("SET GLOBAL read_only = 1")
    try:
        with inventory.read() as reader:
            assert reader.get("pool1") is not None
        refused = pytest.raises(
            StoreBroken, match=r"none of its servers takes writes .*refused.*; .*session is read-only"
        )
        with refused, inventory.change() as change:
            change.add("Pool", "pool2")
    finally:
        server.run("SET GLOBAL read_only = 0")


def test_who_is_not_let_in_is_told_so_at_once(server: servers.MariaDB) -> None:
    with pytest.raises(StoreBroken, match="Access denied"):
        database.connect(url_of(server.port, free_port()).replace("root", "nobody"))


def test_a_change_that_another_server_overtook_is_refused(
    server: servers.MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pymysql

    create(url_of(server.port))

    def overtaken(self: object) -> None:
        raise pymysql.err.OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction")

    monkeypatch.setattr(database.Database, "commit", overtaken)
    refused = pytest.raises(Refused, match="took a change at the same time: nothing was changed; try again")
    with refused, Inventory(Settings(url_of(server.port))).change() as change:
        change.add("Pool", "pool3")


@pytest.mark.skipif(not LONG, reason="CLUSTO_LONG_TESTS=1")
@pytest.mark.parametrize("one_first", [True, False])
def test_nothing_is_lost_with_a_server_of_a_cluster(
    one_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All ask the same one first, or each another one; one is killed halfway."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ports = [free_port() for _ in range(3)]
    with contextlib.ExitStack() as stack:
        cluster = servers.start_galera(ports)
        for node in cluster:
            stack.callback(node.stop)
        if len(cluster) < 3:
            pytest.skip("galera is not installed (Debian: galera-4, rsync)")
        cluster[0].run("CREATE DATABASE inventory")
        url = url_of(*ports)
        create(url)
        names = writers.names((*writers.LIBRARY, *writers.COMMANDS), 1)
        writers.furnish(url, names, 2000)
        urls = [url if one_first else url_of(*ports[n % 3 :], *ports[: n % 3]) for n in range(len(names))]
        writing = stack.enter_context(writers.Writers(dict(zip(names, urls, strict=True)), tmp_path))
        writing.write_on(5)
        servers.kill(cluster[0])
        writing.write_on(5)
        told = writing.ended()
        overtaken = () if one_first else ("at the same time",)
        for port in ports[1:]:
            writers.hold_against(url_of(port), told, ("went away", "cannot open the store", *overtaken))
