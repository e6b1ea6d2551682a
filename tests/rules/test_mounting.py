"""Equipment in halves and faces of rack units: on every way in, told, exported, undone, on each database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from clusto_core.answers.location import locate
from clusto_core.answers.overview import elevation, free_units, overview
from clusto_core.config import Settings
from clusto_core.errors import ClustoError, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.mounting import WHOLE
from clusto_core.records.integrity import problems
from clusto_core.records.revert import revert
from clusto_core.store import opening
from clusto_core.store.database import sqlite_path
from clusto_core.store.rows import CONNECTIONS, THINGS
from clusto_core.transfer.documents import parse
from clusto_core.transfer.exporter import documents
from clusto_core.transfer.importer import load
from tests.conftest import Run
from tests.examples import few_on_servers


@pytest.fixture
def site(inventory: Inventory) -> Inventory:
    with inventory.change() as change:
        change.add("Rack", "r1", part_counts={"ru": 10})
        for name, attributes in {
            "half1": {"height": 0.5},
            "half2": {"height": 0.5},
            "tall": {"height": 2.5},
            "shallow1": {"full_depth": False},
            "shallow2": {"full_depth": False},
            "deep": {"full_depth": True},
            "plain1": {},
            "plain2": {},
        }.items():
            change.add("Server", name, attributes=attributes)
    return inventory


def refused(site: Inventory, device: str, where: str, words: str) -> None:
    with pytest.raises(Refused, match=words), site.change() as change:
        change.connect(device, where)


def at(site: Inventory, name: str) -> str | None:
    with site.read() as reader:
        assert list(problems(reader)) == []
        return overview(reader, reader.resolve(name)).at


@pytest.mark.parametrize(
    ("mounted", "then", "words"),
    [
        ([("half1", "r1:RU3"), ("half2", "r1:RU3.5")], ("plain1", "r1:RU3"), "RU3 in r1, lower half is taken by half1"),
        ([("tall", "r1:RU3"), ("half1", "r1:RU5.5")], ("half2", "r1:RU5"), "RU5 in r1, lower half is taken by tall"),
        ([("tall", "r1:RU3.5"), ("half1", "r1:RU3")], ("plain1", "r1:RU5"), "RU5 in r1 is taken by tall"),
        ([("shallow1", "r1:RU3"), ("shallow2", "r1:RU3/rear")], ("deep", "r1:RU3"), "RU3 in r1, front is taken by"),
        ([("plain1", "r1:RU3/front"), ("plain2", "r1:RU3/rear")], ("shallow1", "r1:RU3/rear"), "taken by plain2"),
        ([("deep", "r1:RU3/rear")], ("shallow1", "r1:RU3"), "RU3 in r1, rear is taken by deep"),
        ([("plain1", "r1:RU3")], ("shallow1", "r1:RU3/rear"), "RU3 in r1 is taken by plain1"),
        ([("half1", "r1:RU3"), ("plain1", "r1:RU4")], ("half2", "r1:RU4.5"), "RU4 in r1 is taken by plain1"),
    ],
)
def test_devices_share_units(
    site: Inventory, mounted: list[tuple[str, str]], then: tuple[str, str], words: str
) -> None:
    for device, where in mounted:
        with site.change() as change:
            change.connect(device, where)
    refused(site, *then, words)
    assert all(at(site, device) is not None for device, _ in mounted)


@pytest.mark.parametrize(
    ("device", "where", "words"),
    [
        ("tall", "r1:RU3-4", "tall is 2.5 units high, RU3-4 are 2"),
        ("half1", "r1:RU3-3", "half1 is 0.5 units high, RU3 are 1"),
        ("tall", "r1:RU9", "r1 has no RU11"),
        ("tall", "r1:RU0", "r1 has no RU0"),
    ],
)
def test_what_does_not_fit_is_refused(site: Inventory, device: str, where: str, words: str) -> None:
    refused(site, device, where, words)


def test_how_it_is_told(site: Inventory) -> None:
    with site.change() as change:
        change.connect("half1", "r1:RU3.5")
        change.connect("shallow2", "r1:RU7/rear")
        change.connect("deep", "r1:RU8/rear")
        change.connect("shallow1", "r1:RU7")
    assert [at(site, name) for name in ("half1", "shallow1", "shallow2", "deep")] == [
        "r1:RU3.5", "r1:RU7/front", "r1:RU7/rear", "r1:RU8/rear",
    ]  # fmt: skip
    with site.read() as reader:
        told = {name: [each.words for each in locate(reader, reader.resolve(name))] for name in ("half1", "r1:RU7")}
        units = {unit.number: unit for unit in elevation(reader, reader.resolve("r1"))}
    assert told == {
        "half1": ["connected to RU3 in r1, upper half"],
        "r1:RU7": ["connected to shallow1, front", "connected to shallow2, rear"],
    }
    assert [thing and thing.name for thing in units[3].at(WHOLE)] == [None, "half1"]
    assert units[7].thing is not None
    assert units[7].thing.name == "shallow1"


def test_first_free_places(site: Inventory) -> None:
    with site.change() as change:
        for device in ("half1", "tall", "half2", "plain1"):
            change.connect(device, "r1")
    assert [at(site, device) for device in ("half1", "tall", "half2", "plain1")] == [
        "r1:RU1.0", "r1:RU1.5-3", "r1:RU4.0", "r1:RU5",
    ]  # fmt: skip
    with site.read() as reader:
        rack = reader.resolve("r1")
        assert free_units(reader, rack, 5) == [6]
        assert free_units(reader, rack, 0.5)[:2] == [4.5, 6]


def test_size_stays_true_while_mounted(site: Inventory) -> None:
    with site.change() as change:
        change.connect("half1", "r1:RU3")
        change.connect("plain1", "r1:RU4/front")
    for key, value, words in (("height", 1, "half1 is in 0.5 rack units"), ("full_depth", True, "one face")):
        with pytest.raises(Refused, match=words), site.change() as change:
            change.set_values("half1" if key == "height" else "plain1", key, value)


def test_devices_of_a_type_are_deep_unless_it_says_otherwise(site: Inventory) -> None:
    types = [
        {"name": f"m/{name}", "driver": "DeviceType", "attrs": {"definition": {"json": {"driver": "Server",
         "attrs": attrs, "parts": []}}}}
        for name, attrs in {"deep": {"height": 1}, "shallow": {"height": 1.5, "full_depth": False}}.items()
    ]  # fmt: skip
    things = [
        {"name": "t1", "driver": "Server", "type": "m/deep", "at": "r1:RU1/rear"},
        {"name": "t2", "driver": "Server", "type": "m/shallow", "at": "r1:RU2/rear"},
        {"name": "t3", "driver": "Server", "type": "m/shallow", "at": "r1:RU2.5"},
    ]
    with site.change() as change:
        load(change, [parse(each, "f", line) for line, each in enumerate([*types, *things], 1)])
    assert [at(site, name) for name in ("t1", "t2", "t3")] == ["r1:RU1/rear", "r1:RU2-3.0/rear", "r1:RU2.5-3/front"]
    refused(site, "shallow1", "r1:RU1", "RU1 in r1, rear is taken by t1")


# --- any series of mounting, on every way: sound, exported and imported as the same, undone --------------------------


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
@few_on_servers(3)
def test_any_series_keeps_one_device_to_a_cell(site: Inventory, seed: int) -> None:
    random = Random(seed)
    numbers: list[int] = []
    before = picture(site)
    for _ in range(12):
        with site.change("step") as change:
            step(change, random)
        if change.id is not None:
            numbers.append(change.id)
    found = picture(site)
    with site.read() as reader:
        assert list(problems(reader)) == []
        every = list(documents(reader, reader.all()))
    with site.change() as change:
        load(change, every)
    assert picture(site) == found
    for number in reversed(numbers):
        with site.change(f"revert {number}", reverts=number) as change:
            revert(change.unit, number)
    assert picture(site) == before


def step(change: Transaction, random: Random) -> None:
    device = random.choice(["half1", "half2", "tall", "shallow1", "shallow2", "deep", "plain1", "plain2"])
    low = random.choice(["", ":RU1", ":RU2", ":RU2.5", ":RU3", ":RU3.0", ":RU3.5"])
    where = f"r1{low}" + (random.choice(["", "/front", "/rear"]) if low else "")
    try:
        if random.random() < 0.3:
            change.disconnect(device)
        elif random.random() < 0.4 and low:
            load(change, [parse({"name": device, "at": where}, "f", 1)])
        else:
            change.connect(device, where)
    except ClustoError:
        change.unit.failed = None


def picture(site: Inventory) -> list[tuple[int, str, int]]:
    with site.read() as reader:
        units = elevation(reader, reader.resolve("r1"))
        return sorted((unit.number, thing.name, cells) for unit in units for thing, cells in unit.mounted)


def test_the_database_keeps_one_device_to_a_cell(site: Inventory) -> None:
    if "mysql" in site.settings.url or "mariadb" in site.settings.url:
        pytest.skip("MariaDB has no index of some rows only")
    with site.change() as change:
        change.connect("half1", "r1:RU3")
        change.connect("half2", "r1:RU3.5")
    engine = opening.engine_for(site.settings.url)
    takes_more = text("UPDATE connections SET slot = 15 WHERE part_id IS NOT NULL AND slot & 1 <> 0")
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(takes_more)
    engine.dispose()


def test_db_check_finds_two_in_one_cell(sqlite_url: str, clusto: Run) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        change.add("Rack", "r1", part_counts={"ru": 3})
        for name, where in (("a", "r1:RU1/front"), ("b", "r1:RU1/rear")):
            change.add("Server", name)
            change.connect(name, where)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as store, store:
        for cell in (1, 2, 4, 8):
            store.execute(f"DROP INDEX ux_connections_cell{cell}")
        store.execute("UPDATE connections SET slot = 15 WHERE slot = 3")
    code, out, _ = clusto("db", "check")
    assert (code, out.splitlines()[-1]) == (1, "r1:RU1 has two devices in one place")


def test_db_check_finds_what_is_deeper_than_its_place(sqlite_url: str, clusto: Run) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        change.add("Rack", "r1", part_counts={"ru": 3})
        change.add("Server", "deep", attributes={"full_depth": True})
        change.connect("deep", "r1:RU1")
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as store, store:
        store.execute("UPDATE connections SET slot = 3 WHERE slot = 15")
    code, out, _ = clusto("db", "check")
    assert (code, out.splitlines()[-1]) == (1, "deep takes both faces of its rack units, and is in one of them")


def test_a_rack_is_drawn_from_both_sides(sqlite_url: str, clusto: Run) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        change.add("Rack", "r1", part_counts={"ru": 3})
        for name, where in (("a", "r1:RU1.0"), ("b", "r1:RU1.5"), ("c", "r1:RU2/front"), ("d", "r1:RU2-3/rear")):
            change.add("Server", name)
            change.connect(name, where)
    lines = [line.replace("-", "").split() for line in clusto("show", "r1").out.splitlines()]
    drawn = [line for line in lines if line[:1] and line[0][:1].isdigit()]
    assert drawn == [
        ["3", "|", "|"], ["2", "|", "c", "(Server)", "|"], ["1.5", "|", "b", "(Server)", "|"],
        ["1.0", "|", "a", "(Server)", "|"],
    ]  # fmt: skip
    assert "front view  3 units, 2 in use; 1 more at the rear: --rear" in clusto("show", "r1").out
    rear = clusto("show", "r1", "--rear").out
    assert "rear view  3 units, 3 in use; 1 more at the front: --front" in rear
    assert "c (Server)" not in rear
    (shown,) = json.loads(clusto("show", "r1", "-o", "json").out)
    assert shown["units"][1] == {"number": 2, "name": "c", "front": ["c", "c"], "rear": ["d", "d"]}
    assert json.loads(clusto("show", "d", "-o", "json").out)[0]["at"] == "r1:RU2-3/rear"


def test_an_old_store_has_whole_units_but_for_the_half_of_the_highest(empty_url: str) -> None:
    """r1 of ten units; tall (2.5) in RU3-5, plain in RU7, as a store from before halves and faces has them."""
    migrate(empty_url, before())
    things = [(1, "r1", "Rack", None, None), (2, "tall", "Server", None, None), (3, "plain", "Server", None, None)]
    things += [(10 + number, f"r1:RU{number}", "RackUnit", 1, number) for number in range(1, 11)]
    cables = [(number, device, 10 + number) for number, device in ((3, 2), (4, 2), (5, 2), (7, 3))]
    engine = opening.engine_for(empty_url)
    with engine.begin() as connection:
        for thing in things:
            insert(connection, "things", THINGS, thing)
        height = (1, 2, "height", "float", "2.5", 2.5)
        insert(connection, "attributes", ("id", "thing_id", "key", "type", "head", "float_value"), height)
        for number, device, unit in cables:
            for side, ends in enumerate(((None, device, unit, 1, unit, 1), (unit, 1, None, device, None, device))):
                insert(connection, "connections", CONNECTIONS[:-1], (50 + number, side, "position", *ends))
        connection.execute(text("UPDATE store SET next_id = 100"))
    engine.dispose()
    opening.upgrade(empty_url, lambda line: None)
    site = Inventory(Settings(empty_url))
    assert [at(site, name) for name in ("tall", "plain")] == ["r1:RU3-5.0", "r1:RU7"]
    with site.change() as change:
        change.add("Server", "half", attributes={"height": 0.5})
        change.connect("half", "r1:RU5.5")


def insert(connection: Connection, table: str, columns: Sequence[str], row: Sequence[object]) -> None:
    marks = ", ".join(f":p{place}" for place in range(len(row)))
    names = ", ".join(quoted(connection, column) for column in columns)
    values = {f"p{place}": value for place, value in enumerate(row)}
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def quoted(connection: Connection, column: str) -> str:
    return connection.dialect.identifier_preparer.quote(column)


def scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
    return config


def before() -> str:
    """The revision before halves and faces."""
    found = ScriptDirectory.from_config(scripts()).get_revision("0006")
    assert isinstance(found.down_revision, str)
    return found.down_revision


def migrate(url: str, revision: str) -> None:
    if url.startswith("sqlite"):
        Path(sqlite_path(url)).touch(0o600)
    config = scripts()
    engine = opening.engine_for(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
