"""What the three roles of a shared database can and cannot do, on the databases themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from clusto_core.store import database as stores
from clusto_core.store.opening import create
from clusto_core.store.roles import READER, WRITER, statements
from tests import servers
from tests.conftest import Run

WHO = ("reader", "writer", "operator")


class Site(NamedTuple):
    """A shared store with an inventory, and its URL for a login of each role, and for one of none."""

    owner: str
    urls: dict[str, str]
    clusto: Run


@pytest.fixture(params=["postgresql", "mariadb"])
def site(request: pytest.FixtureRequest, clusto: Run) -> Iterator[Site]:
    server = request.getfixturevalue(request.param)
    if server is None:
        pytest.skip(f"{request.param} is not installed")
    owner = server.new()
    create(owner)
    prefix = f"r{id(request):x}"
    for words in ("add Switch switch1", "add Server server1", "attr set a 1 -t server1"):
        assert clusto("--db", owner, *words.split()).code == 0
    done = clusto("--db", owner, "db", "roles", "--prefix", prefix, "--apply")
    assert done.code == 0, done.err
    assert clusto("--db", owner, "db", "roles", "--prefix", prefix, "--apply").code == 0
    urls = {}
    for who in (*WHO, "nobody"):
        login = f"{prefix}_{who}_login"
        if isinstance(server, servers.PostgreSQL):
            server.run(f"CREATE ROLE {login} LOGIN")
            urls[who] = owner.replace("clusto@", f"{login}@")
        else:
            server.run(f"CREATE USER {login}@localhost")
            urls[who] = owner.replace("root@", f"{login}@")
        if who != "nobody":
            for line in _memberships(server, f"{prefix}_{who}", login):
                server.run(line)
    return Site(owner, urls, clusto)


def _memberships(server: servers.Server, role: str, login: str) -> list[str]:
    if isinstance(server, servers.PostgreSQL):
        return [f"GRANT {role} TO {login}"]
    return [f"GRANT {role} TO {login}@localhost", f"SET DEFAULT ROLE {role} FOR {login}@localhost"]


READS = ["show server1", "find driver:Server", "log", "db check", "export"]
WRITES = [
    "attr set status used -t server1",
    "attr del a -t server1",
    "connect server1:eth0 switch1:4",
    "disconnect server1:eth0",
    "put server1 --in pool1",
]
OPERATES = ["add Server server2", "rename server1 server9", "remove switch1 --yes"]


def outcome(site: Site, who: str, words: str) -> tuple[int, str]:
    done = site.clusto("--db", site.urls[who], *words.split())
    return done.code, done.err


def test_each_role_does_its_own_and_no_more(site: Site) -> None:
    assert site.clusto("--db", site.owner, "add", "Pool", "pool1").code == 0
    for words in READS:
        assert outcome(site, "reader", words) == (0, ""), words
    assert outcome(site, "nobody", READS[0])[0] in (1, 4)
    for words in WRITES:
        code, said = outcome(site, "reader", words)
        assert (code, "may not do that" in said) == (4, True), (words, said)
        code, said = outcome(site, "writer", words)
        assert code == 0, (words, said)
    for words in OPERATES:
        for who in ("reader", "writer"):
            code, said = outcome(site, who, words)
            assert (code, "may not do that" in said) == (4, True), (who, words, said)
        code, said = outcome(site, "operator", words)
        assert code == 0, (words, said)


FORBIDDEN = [
    "UPDATE transactions SET message = 'x'",
    "DELETE FROM changes",
    "DELETE FROM transactions",
    "UPDATE changes SET name = 'x'",
    "UPDATE things SET name = 'x'",
    "INSERT INTO things (id, name, driver) VALUES (99999, 'x', 'Server')",
    "UPDATE rebuilds SET phase = 'x'",
    "DELETE FROM rebuild_events",
    "DELETE FROM locks",
    "UPDATE store SET id = 1",
    "UPDATE alembic_version SET version_num = '0001'",
    "DROP TABLE changes",
    "CREATE TABLE x (y INTEGER)",
    "ALTER TABLE things ADD COLUMN x INTEGER",
    "INSERT INTO transactions (id, time, {user}, host, command, database_user) VALUES (9, 1, 'x', 'x', 'x', 'root')",
]


@pytest.mark.parametrize("who", [READER, WRITER])
def test_no_program_gets_round_it(site: Site, who: str) -> None:
    connection = stores.connect_to_write(site.urls[who])
    quoted = "`user`" if connection.dialect == "mariadb" else '"user"'
    for statement in FORBIDDEN:
        with pytest.raises(Exception, match=r"denied|owner") as caught:
            connection.execute(statement.format(user=quoted))
        assert stores.is_of_driver(caught.value)
        assert stores.forbidden(str(caught.value.args[-1])), (statement, caught.value)
        connection.connection.rollback()
    connection.close()


def test_history_has_whom_the_database_knows(site: Site) -> None:
    assert outcome(site, "writer", "attr set b 2 -t server1")[0] == 0
    [entry, *_] = json.loads(site.clusto("--db", site.urls["reader"], "log", "-o", "json").out)
    login = site.urls["writer"].partition("://")[2].partition("@")[0]
    assert entry["database_user"].partition("@")[0] == login
    assert f" (database: {login}" in site.clusto("--db", site.owner, "log", "-n", "1").out


def test_a_copy_keeps_whom_the_database_knew(site: Site, tmp_path: object) -> None:
    target = f"sqlite:///{tmp_path}/copy.db"
    assert outcome(site, "writer", "attr set b 2 -t server1")[0] == 0
    assert site.clusto("--db", site.urls["reader"], "db", "copy", target).code == 0
    [entry, *_] = json.loads(site.clusto("--db", target, "log", "-o", "json").out)
    assert "writer_login" in entry["database_user"]


def test_what_is_printed_is_what_is_done(site: Site) -> None:
    printed = site.clusto("--db", site.owner, "db", "roles", "--prefix", "shown").out.splitlines()
    connection = stores.connect_to_write(site.owner)
    assert printed == [f"{statement};" for statement in statements(connection, "shown")]
    connection.close()
    refused = site.clusto("--db", site.urls["writer"], "db", "roles", "--prefix", "shown", "--apply")
    assert (refused.code, "does not let this user" in refused.err) == (4, True), refused


def test_sqlite_has_none(clusto: Run) -> None:
    clusto("add", "Server", "server1")
    done = clusto("db", "roles")
    assert (done.code, "no roles" in done.err) == (4, True)
    assert json.loads(clusto("log", "-o", "json").out)[0]["database_user"] is None
    assert clusto("db", "roles", "--prefix", "x; DROP").code == 2


def test_each_role_sees_the_past(site: Site) -> None:
    """A writer may put back attributes, but no Things; a reader nothing."""
    for words in ("attr set a 2 -t server1", "add Server server2", "rename server1 server9"):
        assert site.clusto("--db", site.owner, *words.split()).code == 0
    for who in WHO:
        done = site.clusto("--db", site.urls[who], "attr", "get", "a", "-t", "server1", "--at", "3")
        assert (done.code, done.out.split(), done.err) == (0, ["1"], ""), who
    assert site.clusto("--db", site.urls["reader"], "show", "server9").code == 0
