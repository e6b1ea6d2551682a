"""References: names that are values follow what they name, and nothing that is named goes unnoticed."""

from __future__ import annotations

import contextlib
import io
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model import keys
from clusto_core.query import saving
from clusto_core.query.search import find
from clusto_core.records.integrity import problems
from clusto_core.records.revert import revert
from clusto_core.store import database, opening
from clusto_core.transfer import importer
from clusto_core.transfer.formats import reader_of, writer_of
from tests.conftest import Run

NAMED = {
    "type": ("s1", "acme/box1", "acme/box9", "net1"),
    "vrf": ("net1", "blue", "green", "s1"),
    "discover.names": ("net1", "names", "more", "s1"),
    "inlet": ("pdu1:1", "psu1", "feedA", "pdu1:2"),
    "parent": ("s1:eth0", "eth1", "bond0", "s1:psu1"),
    "lag": ("s1:eth0", "eth1", "bond0", "s1:psu1"),
    "rebuild.nic": ("s1", "eth1", "lan0", "s1:psu1"),
}
"""For each key: what has it, what it names, how that is called later, and what is of another kind."""
WHOLE = {"type", "vrf", "discover.names"}
"""Which of them name whole Things."""
NEWER = {"vrf", "discover.names"}
"""Which no store had that is older than references."""
WRITTEN_BY_VERBS = {"pool", "requires", "role", "service"}


@pytest.fixture
def room(inventory: Inventory) -> Inventory:
    with inventory.change() as change:
        fill(change)
    return inventory


def fill(change: Transaction) -> None:
    change.add("DeviceType", "acme/box1", attributes={"definition": {"driver": "Server", "attrs": {}, "parts": []}})
    change.add("VRF", "blue")
    change.add("NameRange", "names", attributes={"pattern": "n[1-9]"})
    change.add("Network", "net1", attributes={"cidr": "10.0.0.0/24"})
    change.add("PDU", "pdu1", part_counts={"outlet": 2, "inlet": 1})
    change.add("Server", "s1")


def texts(inventory: Inventory, holder: str, key: str) -> list[str]:
    with inventory.read() as reader:
        return [each.value.text for each in reader.attributes(reader.resolve(holder).id) if str(each.key) == key]


def test_every_key_that_names_something_is_tried() -> None:
    assert set(NAMED) == set(map(str, keys.references())) - WRITTEN_BY_VERBS


@pytest.mark.parametrize("key", NAMED)
def test_what_is_named_is_followed_and_not_removed(room: Inventory, key: str) -> None:
    holder, name, new, _ = NAMED[key]
    owner = holder.partition(":")[0]
    target = name if key in WHOLE else f"{owner}:{name}"
    with room.change() as change:
        change.set_values(holder, key, name)
    with pytest.raises(Refused, match=f"{holder} names it"), room.change() as change:
        change.remove(target)
    with room.change() as change:
        change.rename(target, new)
    renamed = new if key in WHOLE else f"{owner}:{new}"
    sort = "driver:Part and " if ":" in holder else ""
    assert texts(room, holder, key) == [renamed]
    with room.read() as reader:
        assert list(problems(reader)) == []
        assert [thing.name for thing in find(reader, f"{sort}attr:{key},{renamed}").things] == [holder]
    number = change.id
    assert number is not None
    with room.change(reverts=number) as change:
        revert(change.unit, number)
    assert texts(room, holder, key) == [target]


@pytest.mark.parametrize("key", NAMED)
def test_what_is_not_there_or_of_another_kind_is_refused(room: Inventory, key: str) -> None:
    holder, _, _, wrong = NAMED[key]
    with pytest.raises(NotFound), room.change() as change:
        change.set_values(holder, key, "nosuch")
    with pytest.raises(Malformed), room.change() as change:
        change.set_values(holder, key, change.resolve(wrong))
    with pytest.raises(ClustoError), room.change() as change:
        change.set_values(holder, key, 17)
    assert texts(room, holder, key) == []


@pytest.mark.parametrize("key", NAMED)
@pytest.mark.parametrize("format", ["yaml", "jsonl", "csv"])
def test_files_name_it(room: Inventory, empty_url: str, key: str, format: str) -> None:
    holder, name, _, _ = NAMED[key]
    with room.change() as change:
        change.set_values(holder, key, name)
    out = io.StringIO()
    with room.read() as reader:
        writer_of(format)(reader, reader.all(), out)
    other = Inventory(Settings(empty_url))
    with other.change() as change:
        importer.load(change, reader_of(format)(io.StringIO(out.getvalue()), "x"))
    assert texts(other, holder, key) == texts(room, holder, key)
    with other.read() as reader:
        assert list(problems(reader)) == []


def test_a_setting_that_is_inherited_stays_text(room: Inventory) -> None:
    with room.change() as change:
        change.add("Pool", "pool1", attributes={"rebuild.nic": "eth0, eth1"})
        change.set_values("s1", "rebuild.nic", "eth0, eth1")
    assert texts(room, "pool1", "rebuild.nic") == ["eth0, eth1"]
    assert texts(room, "s1", "rebuild.nic") == ["s1:eth0", "s1:eth1"]


# --- saved expressions -----------------------------------------------------------------------------------------------

EXPRESSIONS: list[tuple[str, Callable[[Transaction], object], str]] = [
    ("driver:Server in name:r1", lambda change: change.rename("r1", "r9"), "driver:Server and in name:r9"),
    ("name:web[1-2]", lambda change: change.rename("web2", "db2"), "name:web1 or name:db2"),
    ("not name:web1 and driver:Server", lambda c: c.rename("web1", "x"), "not name:x and driver:Server"),
    ("name:web1:eth0 or name:r1", lambda change: change.rename("web1", "x"), "name:x:eth0 or name:r1"),
    ("name:web1:eth0", lambda change: change.rename("web1:eth0", "lan"), "name:web1:lan"),
    ("attr:type,acme/box1", lambda change: change.rename("acme/box1", "acme/b"), "attr:type,acme/b"),
    ("count(connected to name:web1) > 0", lambda c: c.rename("web1", "x"), "count(connected to name:x) > 0"),
]


@pytest.fixture
def racks(inventory: Inventory) -> Inventory:
    with inventory.change() as change:
        change.add("Rack", "r1")
        change.add("DeviceType", "acme/box1", attributes={"definition": {"driver": "Server", "attrs": {}, "parts": []}})
        for name in ("web1", "web2"):
            change.add("Server", name, attributes={"type": "acme/box1"})
        change.connect("web1", "r1:RU3")
    return inventory


def saved(inventory: Inventory) -> str:
    from clusto_core.query.saved import expression_of

    with inventory.read() as reader:
        return expression_of(reader, "q")


@pytest.mark.parametrize(("text", "rename", "after"), EXPRESSIONS)
def test_a_saved_expression_follows_a_rename(
    racks: Inventory, text: str, rename: Callable[[Transaction], object], after: str
) -> None:
    with racks.change() as change:
        saving.save(change.unit, "q", text)
    with racks.read() as reader:
        before = {thing.id for thing in find(reader, "@q").things}
    with racks.change() as change:
        rename(change)
    with racks.read() as reader:
        assert {thing.id for thing in find(reader, "@q").things} == before
    assert saved(racks) == after
    assert change.id is not None
    with racks.change(reverts=(number := change.id)) as change:
        revert(change.unit, number)
    assert saved(racks) == text


def test_a_saved_expression_never_means_a_later_thing_of_that_name(racks: Inventory) -> None:
    with racks.change() as change:
        saving.save(change.unit, "q", "name:web[1-2]")
        saving.save(change.unit, "later", "name:web3 or name:web1", allow_unknown=True)
    with racks.change() as change:
        change.remove("web2")
    removed = change.id
    with racks.change() as change:
        change.add("Server", "web2")
        change.add("Server", "web3")
    with racks.read() as reader:
        with pytest.raises(NotFound, match="@q names what is not there any more: web2"):
            find(reader, "@q or name:web1")
        assert list(problems(reader)) == ["@q names what is not there any more: clusto query save"]
        assert [thing.name for thing in find(reader, "@later").things] == ["web1", "web3"]
    assert removed is not None
    with racks.change() as change:
        saving.save(change.unit, "q", "name:web[1-2]")
    with racks.read() as reader:
        assert [thing.name for thing in find(reader, "@q").things] == ["web1", "web2"]
        assert list(problems(reader)) == []


def test_an_imported_expression_follows_too(racks: Inventory, empty_url: str) -> None:
    with racks.change() as change:
        saving.save(change.unit, "q", "driver:Server in name:r1")
    out = io.StringIO()
    with racks.read() as reader:
        writer_of("yaml")(reader, reader.all(), out)
    other = Inventory(Settings(empty_url))
    with other.change() as change:
        importer.load(change, reader_of("yaml")(io.StringIO(out.getvalue()), "x"))
    with other.change() as change:
        change.rename("r1", "r9")
    assert saved(other) == "driver:Server and in name:r9"


# --- stores from before ----------------------------------------------------------------------------------------------


def test_an_older_store_is_converted_and_what_leads_nowhere_is_told(empty_url: str) -> None:
    """The rows are put back to how the schema before had them; then the step is taken again."""
    inventory = Inventory(Settings(empty_url))
    with inventory.change() as change:
        fill(change)
        change.add("Rack", "r1")
        change.add("Server", "s2", attributes={"rebuild.nic": "eth0,eth1"})
        for key, (holder, name, _, _) in NAMED.items():
            if key not in NEWER:
                change.set_values(holder, key, name)
        saving.save(change.unit, "q", "driver:Server in name:r1")
        saving.save(change.unit, "lost", "name:gone", allow_unknown=True)
        change.add("Pool", "p", attributes={"rebuild.nic": "eth7"})
        change.add("Server", "s3", attributes={"note": "nosuch/type"})
    with contextlib.closing(database.connect_to_write(empty_url)) as store:
        before(store)
        store.connection.commit()
    told: list[str] = []
    opening.upgrade(empty_url, told.append)
    assert "left as it is: type of s3 names what is not there: nosuch/type" in told
    assert "left as it is: @lost names what is not there: gone" in told
    for key, (holder, name, _, _) in NAMED.items():
        if key not in NEWER:
            expected = name if key == "type" else f"{holder.partition(':')[0]}:{name}"
            assert texts(inventory, holder, key) == [expected], key
    assert texts(inventory, "s2", "rebuild.nic") == ["s2:eth0", "s2:eth1"]
    assert texts(inventory, "p", "rebuild.nic") == ["eth7"]
    with inventory.change() as change:
        change.rename("r1", "r9")
    assert saved(inventory) == "driver:Server and in name:r9"
    with inventory.read() as reader:
        assert list(problems(reader)) == [
            "type of s3 is the name of a DeviceType, not 'nosuch/type'",
            "@lost names what is not there any more: clusto query save",
        ]


LATER = ("imported", "tokens", "transaction_seals", "seals", "source_facts", "source_objects", "sources")
"""The tables of later steps, those that refer to others first."""


def before(store: database.Database) -> None:
    """Takes the step back by hand: relations are text again, expressions name nothing, the column is gone."""
    column = "`key`" if store.dialect == "mariadb" else "key"
    store.execute(f"DELETE FROM attributes WHERE {column} = '_expression' AND subkey IS NOT NULL")
    rows = store.rows(
        "SELECT a.id, r.name, a.key, a.thing_id FROM attributes a JOIN things r ON r.id = a.ref_id "
        "WHERE a.key IN ('type', 'inlet', 'lag') OR a.key = 'rebuild' ORDER BY a.id"
    )
    seen: dict[tuple[str, int], int] = {}
    for id, name, key, thing in rows:
        text = name if key == "type" else name.partition(":")[2]
        known = {"id": seen.get((key, thing), id), "text": text}
        if (key, thing) in seen:
            store.execute("DELETE FROM attributes WHERE id = :id", {"id": id})
            known["text"] = f"eth0,{text}"
        seen.setdefault((key, thing), id)
        store.execute("UPDATE attributes SET type = 'string', ref_id = NULL, head = :text WHERE id = :id", known)
    store.execute(f"UPDATE attributes SET {column} = 'type' WHERE {column} = 'note'")
    if store.dialect == "mariadb":
        store.execute("ALTER TABLE attributes DROP FOREIGN KEY fk_attributes_space_id")
    store.execute(f"DROP INDEX ix_attributes_space{' ON attributes' if store.dialect == 'mariadb' else ''}")
    store.execute("ALTER TABLE attributes DROP COLUMN space_id")
    for index in ("ix_things_driver", "ix_things_order"):
        store.execute(f"DROP INDEX {index}{' ON things' if store.dialect == 'mariadb' else ''}")
    store.execute("CREATE INDEX ix_things_driver ON things (driver)")
    store.execute("ALTER TABLE things DROP COLUMN sort_key")
    for table in LATER:
        store.execute(f"DROP TABLE {table}")
    store.execute("UPDATE alembic_version SET version_num = '0006'")


def test_verbs_say_what_stands_in_the_way(clusto: Run, tmp_path: Path) -> None:
    (tmp_path / "pdu.yaml").write_text(
        "manufacturer: Acme\nmodel: P 2\nslug: acme-p-2\nu_height: 0\n"
        "power-ports:\n- {name: A, type: iec-60320-c20}\n- {name: B, type: iec-60320-c20}\n"
        "power-outlets:\n- {name: Outlet 1, type: iec-60320-c13, power_port: B}\n"
    )
    assert clusto("import", "--device-type", str(tmp_path / "pdu.yaml")).code == 0
    assert clusto("add", "PDU", "pdu1", "--type", "acme/p-2").code == 0
    refused = clusto("remove", "acme/p-2", "--yes")
    assert refused.code == 4
    assert "pdu1 names it: type=@acme/p-2" in refused.err
    assert clusto("rename", "acme/p-2", "acme/p-3").code == 0
    assert clusto("attr", "get", "type", "-t", "pdu1").out == "@acme/p-3\n"
    assert clusto("rename", "pdu1:B", "inB").code == 0
    assert clusto("attr", "get", "inlet", "-t", "pdu1:1").out == "@pdu1:inB\n"
    assert clusto("db", "check").code == 0


def test_a_dangling_name_of_before_is_told(sqlite_url: str) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        fill(change)
        change.set_values("s1", "type", "acme/box1")
    with contextlib.closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as store, store:
        store.execute("UPDATE attributes SET type = 'string', head = 'gone', ref_id = NULL WHERE key = 'type'")
    with Inventory(Settings(sqlite_url)).read() as reader:
        assert "type of s1 is the name of a DeviceType, not 'gone'" in list(problems(reader))
