"""RackTables, from a real MariaDB with its schema, and from dumps."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound
from clusto_core.inventory import Inventory
from clusto_core.transfer.racktables.tables import from_database, from_dump
from clusto_core.transfer.sources import racktables
from clusto_core.transfer.sources.file import FileSource
from clusto_core.transfer.sources.protocol import Declared
from tests import servers
from tests.transfer.sync.sites import exported, sync

SQL = Path(__file__).with_name("site.sql")


@pytest.fixture
def inventory(sqlite_url: str) -> Inventory:
    """An empty one."""
    return Inventory(Settings(sqlite_url))


@pytest.fixture
def database(mariadb: servers.MariaDB | None) -> str:
    """The URL of a RackTables."""
    if mariadb is None:
        pytest.skip("MariaDB is not installed (Debian: mariadb-server)")
    url = mariadb.new()
    for statement in SQL.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            _execute(mariadb, _name(url), statement)
    return url


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _execute(mariadb: servers.MariaDB, database: str, statement: str) -> None:
    import pymysql

    connection = pymysql.connect(
        unix_socket=f"{mariadb.directory}/socket", user="root", database=database, autocommit=True
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _from(text: str, tmp_path: Path) -> FileSource:
    path = tmp_path / "racktables.sql"
    path.write_text(text, encoding="utf-8")
    return FileSource((str(path),), "racktables")


def test_all_of_it(inventory: Inventory, tmp_path: Path) -> None:
    """Places, racks, equipment with its ports, cables, positions, attributes, tags, networks and addresses."""
    report = sync(inventory, {}, source=_from(SQL.read_text(encoding="utf-8"), tmp_path))
    assert report.in_step, report.held
    found = exported(inventory)
    server: dict[str, Any] = found["srv1"]
    assert (server["driver"], server["at"]) == ("Server", "R1:RU10-11")
    assert server["attrs"] == {
        "serial": "S-1", "model": "Dell PowerEdge R650", "os": "Debian 12",
        "hw_warranty_expiration": {"time": "2025-01-01"},
        "dram_mb": 65536, "max_power_watts": 350.5, "asset.tag": "A-1", "label": "front label", "problems": True,
        "comment": 'it\'s; "odd"\nlines', "tag": ["prod", "web"],
    }  # fmt: skip
    assert server["parts"] == {"nic": ["eth-1", "eth0"], "inlet": ["ps1"], "serial": ["com1"]}
    assert server["part_attrs"] == {
        "eth0": {"mac": "52:54:00:00:00:01", "label": "LAN 1"},
        "eth-1": {"wwn": "52540000000200FF", "label": "eth 1", "reservation": "kept"},
    }
    assert server["ip"] == [{"eth0": ["10.0.0.1"], "eth-1": ["2001:db8::1"]}]
    assert server["connect"] == {"eth0": "sw1:Gi1/0/1", "ps1": "pdu1:out1", "com1": "cs1:1"}
    assert (found["R1"]["in"], found["R1"]["attrs"]["row"]) == (["Hall-1"], "row A")
    assert (found["Hall-1"]["driver"], found["Hall-1"]["in"], found["Ulm"]["driver"]) == ("Room", ["Ulm"], "Datacenter")
    assert found["pdu1"]["in"] == ["R1"]
    assert {name for name in found if "srv2" in name} == {"srv2-server-11", "srv2-server-13"}
    assert (found["cluster-1"]["driver"], found["vm1"]["in"]) == ("Pool", ["cluster-1"])
    assert found["10.0.0.0-24"]["attrs"] == {"cidr": "10.0.0.0/24", "description": "servers", "tag": "prod"}
    blocks = {name: each["attrs"]["cidr"] for name, each in found.items() if each["driver"] == "Network"}
    assert blocks == {"10.0.0.0-24": "10.0.0.0/24", "2001-db8-64": "2001:db8::/64"}
    [note] = report.notes
    for what in ("2 ports that are none here", "1 cables", "1 positions in units", "2 addresses that are shared"):
        assert what in note


def test_the_database_says_what_the_dump_says(database: str, tmp_path: Path) -> None:
    """By the client's own dump, and by our SQL; text, bytes and numbers."""
    of_database = from_database(database)
    with SQL.open(encoding="utf-8") as file:
        ours = from_dump(file)
    assert [len(rows) for rows in of_database.values()] == [len(rows) for rows in ours.values()]
    program = shutil.which("mariadb-dump") or shutil.which("mysqldump") or pytest.skip("no mariadb-dump")
    socket = database.partition("unix_socket=")[2]
    for options in ([], ["--hex-blob", "--skip-extended-insert", "--complete-insert"]):
        command = [program, *options, "-u", "root", "-S", socket, _name(database)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
        text = done.stdout.decode("utf-8", "surrogateescape")
        dumped = from_dump(io.StringIO(text))
        assert _plain(dumped) == _plain(of_database)


def _plain(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[list[str]]]:
    """The columns that are read, as text, rows in one order."""
    from clusto_core.transfer.racktables.tables import WANTED

    def text(value: Any) -> str:
        if isinstance(value, str) and not value.isascii():
            value = value.encode("utf-8", "surrogateescape")
        return value.hex() if isinstance(value, bytes) else str(value).replace("\x00", "")

    return {
        table: sorted([text(row[name]) for name in columns.split()] for row in tables[table])
        for table, columns in WANTED.items() if not table.startswith("IPv6")
    }  # fmt: skip


def test_it_is_a_source(database: str, inventory: Inventory, mariadb: servers.MariaDB) -> None:
    """What changes there changes here: a name, a position, a cable; and the second time nothing does."""
    source = racktables.source(Declared("rt", "racktables", settings={"address": database}))
    assert sync(inventory, {}, source=source).in_step
    assert sync(inventory, {}, source=source).transaction is None
    for statement in (
        "UPDATE Object SET name = 'renamed' WHERE id = 10",
        "DELETE FROM Link WHERE porta = 100",
        "UPDATE RackSpace SET unit_no = unit_no + 4 WHERE object_id = 10",
        "DELETE FROM AttributeValue WHERE attr_id = 1",
    ):
        _execute(mariadb, _name(database), statement)
    assert sync(inventory, {}, source=source).in_step
    found = exported(inventory)
    assert "srv1" not in found
    assert (found["renamed"]["at"], "serial" in found["renamed"]["attrs"]) == ("R1:RU14-15", False)
    assert found["renamed"]["connect"] == {"ps1": "pdu1:out1", "com1": "cs1:1"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("CREATE TABLE `x` (\n  `id` int\n);\n", "1: no dump of RackTables 0.20 or later"),
        ("\nINSERT INTO `Object` VALUES (1);\n", "2: rows of Object before its columns"),
        ("\nINSERT INTO `Object` (`id`) VALUES (1,2);\n", "2: 2 values, and 1 columns"),
        ("INSERT INTO `Object` (`id`) VALUES (1", "1: a statement without an end"),
        ("INSERT INTO `Object` (`id`) VALUES ('a);\n", "1: a statement without an end"),
        ("INSERT INTO `Object` (`id`) VALUES (a b);\n", "1: malformed row"),
    ],
)
def test_a_dump_that_is_none(inventory: Inventory, tmp_path: Path, text: str, told: str) -> None:
    """One line, with the line of the file."""
    with pytest.raises(Malformed) as error:
        sync(inventory, {}, source=_from(text, tmp_path))
    assert f"racktables.sql:{told}" in str(error.value)


def test_a_source_has_one_place() -> None:
    """An address or a file."""
    with pytest.raises(NotFound, match="no address or file"):
        racktables.source(Declared("rt", "racktables"))
    with pytest.raises(Malformed, match="is a URL"):
        from_database("sqlite:///x")
