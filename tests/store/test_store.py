"""The store: made, refused when it is none, migrated, copied, written by several at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Refused, StoreBroken
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.records import integrity
from clusto_core.store import database, opening
from clusto_core.store.database import EmptyStore
from tests.conftest import Run


def test_migrations_make_the_schema_that_the_code_declares(empty_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from clusto_core.store import migrations
    from clusto_core.store.schema import PARTIAL, metadata

    opening.create(empty_url)
    engine = opening.engine_for(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        different = [
            each
            for each in compare_metadata(context, metadata)
            # Alembic keeps its own table, and reads partial indexes back without what they are limited to.
            if not (each[0] == "remove_table" and each[1].name == "alembic_version")
            and not (each[0] == "add_index" and each[1].name in PARTIAL and engine.dialect.name == "mariadb")
        ]
    engine.dispose()
    assert different == []
    assert ScriptDirectory(os.path.dirname(migrations.__file__)).get_current_head() == database.REVISION


def test_a_new_store_is_private_and_keeps_a_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "below" / "clusto.db"
    opening.create(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_reading_makes_no_store(empty_url: str) -> None:
    with pytest.raises(EmptyStore, match="there is no inventory"), Inventory(Settings(empty_url)).read():
        pass
    if empty_url.startswith("sqlite"):
        assert not os.path.exists(database.sqlite_path(empty_url))


def test_writing_makes_the_store_and_says_so(empty_url: str) -> None:
    said: list[str] = []
    inventory = Inventory(Settings(empty_url))
    with inventory.change(notify=said.append) as change:
        change.add("Pool", "pool1")
    assert len(said) == 1
    assert said[0].startswith("made a new inventory: ")
    with inventory.read() as reader:
        assert reader.get("pool1") is not None


def _file(path: Path, kind: str) -> None:
    if kind == "text":
        path.write_text("not a database " * 1000)
    elif kind == "torn":
        opening.create(f"sqlite:///{path}")
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 3])
    else:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
            if kind == "newer":
                connection.execute("INSERT INTO alembic_version VALUES ('9999')")
            elif kind == "foreign migrations":
                connection.execute("INSERT INTO alembic_version VALUES ('ae1027a6acf')")
            else:
                connection.execute("DROP TABLE alembic_version")
                connection.execute("CREATE TABLE songs (title TEXT)")
            connection.commit()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("text", "is not an SQLite database"),
        ("torn", "malformed"),
        ("foreign", "not a clusto store"),
        ("foreign migrations", "not a clusto store"),
        ("newer", r"the store is of a newer clusto \(schema 9999"),
    ],
)
def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / "file"
    _file(path, kind)
    before = path.read_bytes()
    inventory = Inventory(Settings(f"sqlite:///{path}"))
    with pytest.raises(StoreBroken, match=message), inventory.read() as reader:
        reader.all()
    with pytest.raises(StoreBroken), inventory.change() as change:
        change.add("Pool", "pool1")
    assert path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"), reason="root may write everywhere")
def test_a_read_only_store_is_read_and_not_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    directory = tmp_path / "ro"
    directory.mkdir()
    path = directory / "clusto.db"
    with Inventory(Settings(f"sqlite:///{path}")).change() as change:
        change.add("Pool", "pool1")
    path.chmod(0o444)
    directory.chmod(0o555)
    program = (
        "import sys; sys.dont_write_bytecode = True; from clusto_cli.main import invoke; sys.argv[0] = 'clusto';"
        "print([invoke(['locate', 'pool1']), invoke(['add', 'Pool', 'pool2'])])"
    )
    for parent in [tmp_path, *tmp_path.parents][:4]:
        with contextlib.suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o055)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*nobody, sys.executable, "-c", program],
        env={**os.environ, "CLUSTO_DB": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    directory.chmod(0o755)
    if "Permission denied" in done.stderr and "clusto" not in done.stderr:
        pytest.skip("the account nobody cannot reach this Python")
    assert done.stdout == "pool1 -> not connected\n[0, 4]\n", done.stderr
    assert "the store is read-only" in done.stderr


def test_two_commands_may_make_the_store_at_once(empty_url: str) -> None:
    program = [sys.executable, "-m", "clusto_cli.main", "--db", empty_url, "add", "Pool"]
    running = [
        subprocess.Popen([*program, f"pool{number}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    for each in running:
        _, err = each.communicate(timeout=120)
        assert each.returncode == 0, err
    with Inventory(Settings(empty_url)).read() as reader:
        assert sorted(thing.name for thing in reader.all()) == ["pool0", "pool1", "pool2", "pool3"]
        assert list(integrity.problems(reader)) == []


def test_writers_take_turns_and_none_overwrites_another(store_url: str) -> None:
    with Inventory(Settings(store_url)).change() as change:
        change.add("PDU", "pdu1", part_counts={"outlet": 40})
        for number in range(40):
            change.add("Appliance", f"box{number}")
    program = (
        "import sys\n"
        "from clusto_core.config import Settings\n"
        "from clusto_core.errors import Refused\n"
        "from clusto_core.inventory import Inventory\n"
        "inventory, start = Inventory(Settings(sys.argv[1])), int(sys.argv[2])\n"
        "for number in range(start, start + 10):\n"
        "    with inventory.change() as change:\n"
        "        change.connect(f'box{number}:psu1', 'pdu1')\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, store_url, str(start)], stderr=subprocess.PIPE, text=True)
        for start in range(0, 40, 10)
    ]
    for each in running:
        _, err = each.communicate(timeout=120)
        assert each.returncode == 0, err
    with Inventory(Settings(store_url)).read() as reader:
        links = reader.links(reader.resolve("pdu1").id)
        assert len(links) == 40
        assert len({link.other.name for link in links}) == 40
        assert list(integrity.problems(reader)) == []


def test_a_store_is_copied_whole_to_any_database(sqlite_url: str, empty_url: str, tmp_path: Path) -> None:
    source = Inventory(Settings(sqlite_url))
    with source.change("clusto add", "why") as change:
        server = change.add("Server", "server1", attributes=[("serial", "007"), ("notes", "long " * 100)])
        change.connect(server, change.add("Switch", "sw1"))
    with source.change("clusto attr") as change:
        change.set_values(change.resolve("server1"), Key.parse("load"), [1.5])
    opening.copy(sqlite_url, empty_url, lambda table, rows: None)
    back = f"sqlite:///{tmp_path}/back.db"
    opening.copy(empty_url, back, lambda table, rows: None)
    for table in ("things", "attributes", "connections", "transactions", "changes", "store"):
        with database_of(sqlite_url) as one, database_of(back) as other:
            assert sorted(one.rows(f"SELECT * FROM {table}"), key=repr) == sorted(
                other.rows(f"SELECT * FROM {table}"), key=repr
            )
    with pytest.raises(Refused, match="not empty"):
        opening.copy(sqlite_url, empty_url, lambda table, rows: None)
    with Inventory(Settings(empty_url)).change() as change:
        change.add("Server", "server2")


@pytest.fixture
def old_url(empty_url: str) -> str:
    """A store as the first clusto made it."""
    from alembic import command
    from alembic.config import Config

    if empty_url.startswith("sqlite"):
        Path(database.sqlite_path(empty_url)).touch(0o600)
    config = Config()
    config.set_main_option("script_location", os.path.join(os.path.dirname(opening.__file__), "migrations"))
    engine = opening.engine_for(empty_url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    return empty_url


def test_an_older_store_is_upgraded(old_url: str, clusto: Run) -> None:
    """SQLite by whatever command comes first, after a copy beside it; a shared one only when told to."""
    first = clusto("--db", old_url, "add", "Pool", "pool1")
    if old_url.startswith("sqlite"):
        assert first.code == 0, first.err
        [copy] = Path(database.sqlite_path(old_url)).parent.glob("empty.db.*.backup")
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert f"kept a copy of the store as it was: {copy}" in first.err
        read = clusto("--db", f"sqlite:///{copy}", "locate", "pool1")
        assert read.code == 3
        assert "upgraded the schema" in read.err
    else:
        assert first.code == 1
        assert "run clusto db upgrade" in first.err
        assert clusto("--db", old_url, "locate", "pool1").code == 1
        assert clusto("--db", old_url, "db", "upgrade").code == 0
        assert clusto("--db", old_url, "add", "Pool", "pool1").code == 0
    assert clusto("--db", old_url, "locate", "pool1").out == "pool1 -> not connected\n"
    assert clusto("--db", old_url, "db", "upgrade").err == f"clusto: the schema is current: {database.REVISION}\n"


def database_of(url: str) -> contextlib.AbstractContextManager[database.Database]:
    return contextlib.closing(database.connect(url))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DELETE FROM connections WHERE side = 1", "is told differently at its two ends"),
        ("UPDATE connections SET kind = 'power' WHERE kind = 'network'", "as power"),
        ("UPDATE connections SET far_part_id = 1, far_thing_id = 1 WHERE side = 0", "where"),
        ("UPDATE things SET name = 'other:eth0' WHERE name = 'server1:eth0'", "is not named after the Thing"),
        ("DELETE FROM things WHERE name = 'server1'", "not there"),
        ("UPDATE store SET next_id = 1", "has an id that will be given out again"),
        (
            "UPDATE attributes SET head = '3', integer_value = 3, float_value = 3 WHERE key = 'height'",
            "is higher or lower",
        ),
        (
            "INSERT INTO attributes (id, thing_id, key, type, ref_id) SELECT 9999, p.id, '_in', 'relation', c.id "
            "FROM things p, things c WHERE p.name = 'dc1' AND c.name = 'rack1'",
            "is in itself",
        ),
        (
            "INSERT INTO attributes (id, thing_id, key, type, head) SELECT 9999, t.id, 'kind', 'string', 'lag' "
            "FROM things t WHERE t.name = 'server1:eth0'",
            "server1:eth0 has a cable in it, and is a link aggregation",
        ),
        (
            "INSERT INTO attributes (id, thing_id, key, type, ref_id) SELECT 9999, t.id, 'parent', 'relation', p.id "
            "FROM things t, things p WHERE t.name = 'server1:eth0' AND p.name = 'sw1:2'",
            "server1:eth0 has sw1:2 as its parent",
        ),
    ],
)
def test_check_finds_what_no_constraint_forbids(sqlite_url: str, damage: str, words: str, clusto: Run) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        change.add("Datacenter", "dc1")
        change.add("Rack", "rack1", parents=["dc1"])
        change.add("Server", "server1", attributes=[("height", 2)])
        change.add("Switch", "sw1")
        change.add("PatchPanel", "pp1")
        change.connect("server1:eth0", "pp1:1")
        change.connect("sw1:1", "pp1:rear1")
        change.connect("server1", "rack1:RU1")
    assert clusto("db", "check") == (0, "the store is sound\n", "")
    with contextlib.closing(sqlite3.connect(database.sqlite_path(sqlite_url))) as connection:
        connection.execute(damage)
        connection.commit()
    code, out, _ = clusto("db", "check")
    assert code == 1
    assert words in out


def test_values_of_an_older_store_are_converted_or_told(old_url: str, clusto: Run) -> None:
    with contextlib.closing(database.connect_to_write(old_url)) as writing:
        things = [(1001, "s1", "Server", None, None), (1002, "s2", "Server", None, None)]
        things += [(1003, "n1", "Network", None, None), (1004, "s1:eth0", "NIC", 1001, 0)]
        writing.insert("things", ("id", "name", "driver", "owner_id", "number"), things)
        texts = [
            (1001, "protected", None, "TRUE"),
            (1001, "height", None, "2U"),
            (1001, "rebuild", "autolock", "yes"),
            (1001, "Serial", None, "S1"),
            (1001, "snmp", "port", "161"),
            (1002, "protected", None, "maybe"),
            (1002, "height", None, "2"),
            (1002, "height", None, "1"),
            (1003, "cidr", None, "10.9.0.1/24"),
            (1003, "gateway", None, "2001:DB8::1"),
            (1004, "mac", None, "005056ABCDEE"),
        ]
        rows = [(2000 + at, thing, key, subkey, "string", text) for at, (thing, key, subkey, text) in enumerate(texts)]
        writing.insert("attributes", ("id", "thing_id", "key", "subkey", "type", "head"), rows)
        writing.execute("UPDATE store SET next_id = 3000")
        writing.connection.commit()
    told = clusto("--db", old_url, "db", "upgrade").err
    for left in (
        "left as it is: protected of s2 is true or false, not 'maybe'",
        "left as it is: s2 has 2 values under height, which has one",
        "left as it is: 10.9.0.1/24 is an address within a block: write 10.9.0.0/24",
        "left as it is: the key Serial differs from serial in case alone",
        "4 values cannot be read as the key has them: clusto db check",
    ):
        assert f"clusto: {left}\n" in told
    with database_of(old_url) as reading:
        found = reading.rows("SELECT a.thing_id, a.key, a.type, a.head, a.integer_value FROM attributes a")
    assert {
        (1001, "protected", "boolean", "true", None),
        (1001, "height", "integer", "2", 2),
        (1001, "rebuild", "boolean", "true", None),
        (1001, "snmp", "integer", "161", 161),
        (1002, "protected", "string", "maybe", None),
        (1003, "cidr", "string", "10.9.0.1/24", None),
        (1003, "gateway", "string", "2001:db8::1", None),
        (1004, "mac", "string", "00:50:56:ab:cd:ee", None),
    } <= set(map(tuple, found))
    checked = clusto("--db", old_url, "db", "check")
    assert checked.code == 1
    assert "protected of s2 is true or false, not 'maybe'\n" in checked.out
    assert "TRUE" not in checked.out
