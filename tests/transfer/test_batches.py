"""Imports of more than is in memory at a time: in whatever order Things come, and however few are worked on at once."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.errors import StoreBroken
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import IP, Key
from clusto_core.model.things import Attribute
from clusto_core.records import history, integrity
from clusto_core.records.revert import revert
from clusto_core.store.reader import Reader
from clusto_core.transfer import difference, importer
from clusto_core.transfer.documents import Document, parse
from clusto_core.transfer.faults import Faulty
from clusto_core.transfer.packing import packed, unpacked
from clusto_core.transfer.pile import Pile
from tests.inventories import content

RACKS: list[dict[str, Any]] = [
    {"name": "room1", "driver": "Room", "in": ["dc1"]},
    {"name": "dc1", "driver": "Datacenter"},
    {"name": "web-pool", "driver": "Pool", "in": ["every-pool"]},
    {"name": "every-pool", "driver": "Pool"},
    {"name": "rack1", "driver": "Rack", "in": "room1", "attrs": {"neighbour": {"ref": "sw1"}}},
    {"name": "sw1", "driver": "Switch", "at": "rack1:RU40", "parts": {"port": 8}, "part_attrs": {"3": {"label": "x"}}},
    {"name": "pdu1", "driver": "PDU", "in": ["rack1"], "attrs": {"height": 0}, "parts": {"outlet": 8}},
    {"name": "pp1", "driver": "PatchPanel", "in": ["rack1"], "parts": {"port": 2}, "connect": {"rear1": "sw1:8"}},
    {"name": "chassis1", "driver": "Appliance", "at": "rack1:RU20-23", "attrs": {"height": 4}},
    {"name": "blade1", "driver": "Server", "in": ["chassis1", "rack1"], "connect": {"eth0": "pp1:1"}},
    {"name": "acme/one-u", "driver": "DeviceType", "attrs": {"manufacturer": "Acme", "model": "One U"}},
]


def server(number: int) -> dict[str, Any]:
    """A server with an address, a position, a value that names another Thing, and cables."""
    return {
        "name": f"s{number}",
        "driver": "Server",
        "in": ["web-pool"],
        "at": f"rack1:RU{number}",
        "attrs": {"height": 1, "twin": {"ref": f"s{7 - number}"}, "serial": f"00{number}"},
        "ip": [{"eth0": [f"10.0.0.{number}"]}],
        "connect": {"eth0": f"sw1:{number}", "psu1": f"pdu1:{number}"},
    }


SITE = [*RACKS[:-1], *map(server, range(1, 7))]


def documents(objects: Sequence[Any], size: int, few: int = 0) -> Pile:
    return Pile((parse(each, "site", line) for line, each in enumerate(objects, 1)), size, few or size)


def load(inventory: Inventory, objects: Sequence[Any], size: int) -> int | None:
    with inventory.change("test") as change:
        importer.load(change, documents(objects, size))
    return change.id


def faults(inventory: Inventory, objects: Sequence[Any], size: int) -> list[str]:
    before = content(inventory)
    with pytest.raises(Faulty) as caught:
        load(inventory, objects, size)
    assert content(inventory) == before
    return [str(fault) for fault in caught.value.faults]


@pytest.fixture
def fresh(tmp_path: Path, sqlite_template: Path) -> Inventory:
    shutil.copy(sqlite_template, tmp_path / "fresh.db")
    return Inventory(Settings(f"sqlite:///{tmp_path}/fresh.db"))


@given(number=st.integers(0, 30), size=st.integers(1, 9), few=st.integers(1, 30), data=st.data())
def test_a_pile_keeps_documents_and_their_places(number: int, size: int, few: int, data: st.DataObject) -> None:
    """Those that few are, as one batch; more of them, in batches of the size that was said."""
    names = [f"s{each}" for each in range(number)]
    pile = documents([{"name": name} for name in names], size, few)
    assert len(pile) == number
    assert [each.name for each in pile] == names
    assert [pile.at(place).name for place in range(number)] == names
    assert max(map(len, pile.batches()), default=0) <= (few if number <= few else size)
    assert len(list(pile.batches())) == (min(number, 1) if number <= few else -(-number // size))
    chosen = sorted(data.draw(st.sets(st.sampled_from(names)) if names else st.just(set()), label="chosen"))
    places = sorted(map(names.index, chosen))
    found = [(place, each.name) for batch in pile.chosen(places) for place, each in batch]
    assert found == [(place, names[place]) for place in places]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(SITE), size=st.integers(1, 9))
def test_any_order_and_any_batch_come_to_the_same(
    sqlite_template: Path, tmp_path: Path, order: list[Any], size: int
) -> None:
    """Which the same again changes nothing of, and the history tells wholly."""
    found = []
    for each, number in ((SITE, len(SITE)), (order, size)):
        path = tmp_path / "one.db"
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(sqlite_template, path)
        inventory = Inventory(Settings(f"sqlite:///{path}"))
        empty = content(inventory)
        assert load(inventory, each, number) == 1
        found.append(content(inventory))
        with inventory.read() as reader:
            assert list(integrity.problems(reader)) == []
        assert load(inventory, order, size) is None
        with inventory.change("undone") as change:
            revert(change.unit, 1)
        assert content(inventory) == empty
    assert found[0] == found[1]


def test_what_changes_hands_does_so_across_batches(inventory: Inventory) -> None:
    """Addresses, positions, cables and names of what is put elsewhere, on each database."""
    load(inventory, SITE, 4)
    changed = [
        {**server(number), **{key: server(7 - number)[key] for key in ("at", "ip", "connect")}}
        for number in range(1, 7)
    ]
    whole = sorted(difference_of(inventory, changed, 100))
    assert sorted(difference_of(inventory, changed, 2)) == whole
    assert load(inventory, changed, 2) is not None
    with inventory.read() as reader:
        assert list(integrity.problems(reader)) == []
        assert {link.other.name for link in reader.links(reader.resolve("s1").id)} == {"rack1:RU6", "sw1:6", "pdu1:6"}
    assert load(inventory, changed, 2) is None


@pytest.mark.parametrize("size", [1, 3])
def test_an_address_is_in_the_space_of_a_network_that_comes_later(fresh: Inventory, size: int) -> None:
    """As in an import of one batch; the same again changes nothing."""
    networks = [
        {"name": "net1", "driver": "Network", "attrs": {"cidr": "10.0.0.0/24", "vrf": {"ref": "red"}}},
        {"name": "red", "driver": "VRF"},
    ]
    load(fresh, [*SITE, *networks], size)
    with fresh.read() as reader:
        assert {reader.by_ids([each.value.ref or 0])[each.value.ref or 0].name for each in _held(reader)} == {"red"}
    assert load(fresh, [*SITE, *networks], size) is None
    assert load(fresh, [*SITE, *networks], 100) is None


def _held(reader: Reader) -> list[Attribute]:
    return reader.attributes_under(Key(IP))


def difference_of(inventory: Inventory, objects: Sequence[Any], size: int) -> list[str]:
    with inventory.change(dry_run=True) as change:
        importer.load(change, documents(objects, size))
        return list(difference.lines(change.unit))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "s1", "driver": "Server"}, "s1 is on line 11 too"),
    ({"name": "t1", "driver": "Server", "in": ["rack9"]}, "no such thing: rack9"),
    ({"name": "t1", "driver": "Server", "at": "rack1:RU3"}, "RU3 in rack1 is taken by s3"),
    ({"name": "t1", "driver": "Server", "connect": {"eth0": "sw1:3"}}, "sw1:3 is connected to s3:eth0"),
    ({"name": "t1", "driver": "Server", "connect": {"eth7": "sw1:7"}}, "no such part: t1:eth7"),
    ({"name": "t1", "driver": "Server", "ip": ["10.0.0.3"]}, "10.0.0.3 is taken: s3:eth0 holds it"),
    ({"name": "t1", "driver": "Server", "attrs": {"height": 2}, "at": "rack1:RU30-32"}, "t1 is 2 units high"),
    ({"name": "t1", "driver": "Server", "type": "acme/none"}, "no such device type: acme/none"),
    ({"name": "t1"}, "say its driver if it is new"),
]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_what_is_wrong_is_told_as_of_the_whole(fresh: Inventory, size: int) -> None:
    """With the same words, at the same lines."""
    objects = [*SITE, *({**each, "name": f"{each['name']}-{n}" if n else "s1"} for n, (each, _) in enumerate(WRONG))]
    whole = faults(fresh, objects, len(objects))
    told = faults(fresh, objects, size)
    assert told == whole
    for line, (_, words) in enumerate(WRONG, len(SITE) + 1):
        said = words.replace("t1", f"t1-{line - len(SITE) - 1}")
        assert any(each.startswith(f"site:{line}: ") and said in each for each in whole), (line, said, whole)


def test_a_cable_that_two_documents_say_otherwise_names_the_other(fresh: Inventory) -> None:
    """Also where that is no longer in memory."""
    objects = [*SITE, {"name": "t1", "driver": "Server", "connect": {"eth0": "sw1:3"}}]
    line = 1 + next(place for place, each in enumerate(SITE) if each["name"] == "s3")
    (told,) = faults(fresh, objects, 2)
    assert told.endswith(f"(as line {line} says)")


def test_a_rule_that_is_looked_at_in_the_end_holds_for_what_was_forgotten(fresh: Inventory) -> None:
    """Heights of what is mounted; what a Role requires; keys that are unique, or must be had."""
    load(fresh, SITE, 3)
    with pytest.raises(Exception, match="s2 is in 1 rack unit"):
        load(fresh, [{"name": f"s{number}", "attrs": {"height": number}} for number in range(1, 7)], 2)
    with fresh.change() as change:
        change.define_key("asset", {"unique": True})
    with pytest.raises(Exception, match="asset"):
        load(fresh, [{"name": f"s{number}", "attrs": {"asset": "x"}} for number in range(1, 7)], 2)
    with fresh.change() as change:
        for number in range(1, 7):
            change.set_values(f"s{number}", "owner_name", "ann")
        for name in ("blade1",):
            change.set_values(name, "owner_name", "ann")
        change.define_key("owner_name", {"required": True, "on": ["Server"]})
    with pytest.raises(Exception, match="must have owner_name"):
        load(fresh, [{"name": f"new{number}", "driver": "Server"} for number in range(1, 7)], 2)


def test_a_document_is_the_same_out_of_the_file() -> None:
    """Whatever it says."""
    for each in (*SITE, {"name": 5}, "x", {**server(1), "id": 7, "part_ids": {"eth0": "a"}}):
        document = parse(each, "site", 3)
        assert unpacked(packed(document)) == document
    full = Document("a", "f", 1, new_driver="Rack", new_parts={"ru": 9}, implied=True, notes=("n",), if_there=True)
    assert unpacked(packed(full)) == full


def test_no_room_for_temporary_files_is_one_line(fresh: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is imported."""

    def full(**options: object) -> None:
        raise OSError(28, "No space left on device")

    before = content(fresh)
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(StoreBroken, match="no room for temporary files: No space left on device"):
        load(fresh, SITE, 2)
    assert content(fresh) == before


def test_what_is_told_of_a_transaction_is_in_the_order_of_ids_and_of_all_things(fresh: Inventory) -> None:
    """However often it was written down meanwhile."""
    shuffled = random.Random(1).sample(SITE, len(SITE))
    load(fresh, shuffled, 2)
    with fresh.read() as reader:
        told = list(history.changes(reader, 1))
        assert {each.name for each in told} == {each["name"] for each in SITE}
        cables = {row[0] for each in told for row in each.after.get("cables", [])}
        path = fresh.settings.url.removeprefix("sqlite:///")
        (kept,) = sqlite3.connect(path).execute("SELECT COUNT(DISTINCT cable_id) FROM connections").fetchone()
        assert len(cables) == kept
