"""Names with an owner and a rest, free addresses in spans, on every database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from clusto_core.config import Settings
from clusto_core.errors import NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model import reserving
from clusto_core.records.revert import revert
from clusto_core.resources import ipam, naming, vlans
from tests.conftest import Run

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time that names come back at, the last of the list."""
    times = [START]
    monkeypatch.setattr(reserving, "now", lambda: times[-1])
    return times


def fill(inventory: Inventory, **more: object) -> None:
    with inventory.change() as change:
        change.add("NameRange", "labels", attributes={"pattern": "l[1-3]", **more})
        change.add("NameRange", "others", attributes={"pattern": "l[2-5]"})
        change.add("Server", "s1")


def give(inventory: Inventory, number: int = 1, **more: object) -> list[str]:
    with inventory.change("allocate") as change:
        owner = change.resolve(str(more.pop("owner"))) if "owner" in more else None
        return naming.allocate(change, change.resolve("labels"), number, owner=owner, **more)  # type: ignore[arg-type]


def owners(inventory: Inventory) -> dict[str, str | None]:
    with inventory.read() as reader:
        return {each.name: each.owner and each.owner.name for each in naming.given_out(reader)}


def test_a_name_is_its_owners_and_comes_back_with_it(inventory: Inventory, clock: list[datetime]) -> None:
    fill(inventory, cooldown="2d")
    assert give(inventory, owner="s1") == ["l1"]
    with inventory.change() as change:
        change.rename("s1", "db1")
    assert owners(inventory) == {"l1": "db1"}
    with inventory.change() as removal:
        removal.remove("db1")
    assert owners(inventory) == {}
    assert give(inventory) == ["l2"]
    with inventory.change() as change:
        naming.release(change, "l2")
        revert(change.unit, removal.id or 0)
    assert owners(inventory) == {"l1": "db1"}
    assert give(inventory) == ["l3"]
    with pytest.raises(Refused, match="1 wanted, 0 names of labels are free, 1 came back too recently"):
        give(inventory)
    clock.append(START + timedelta(days=2, seconds=1))
    assert give(inventory) == ["l2"]


def test_the_cooldown_that_is_asked_for_counts_instead(inventory: Inventory, clock: list[datetime]) -> None:
    fill(inventory)
    assert give(inventory) == ["l1"]
    with inventory.change() as change:
        naming.release(change, "l1")
    assert give(inventory, cooldown=60) == ["l2"]
    assert give(inventory, cooldown=0) == ["l1"]
    with pytest.raises(NotFound), inventory.change() as change:
        naming.release(change, "l3")


def test_an_address_that_came_back_rests(inventory: Inventory, clock: list[datetime]) -> None:
    with inventory.change() as change:
        change.add("Network", "net", attributes={"cidr": "10.0.0.0/29", "cooldown": "2d"})
        for name in ("s1", "s2"):
            change.add("Server", name)
        given = [ipam.allocate(change, change.resolve("net"), change.resolve(name)) for name in ("s1", "s2")]
    assert given == ["10.0.0.1", "10.0.0.2"]

    def address(**more: int) -> str:
        with inventory.change(dry_run=True) as change:
            ipam.release(change, "10.0.0.2")
            return ipam.allocate(change, change.resolve("net"), change.resolve("s1"), **more)

    with inventory.change() as change:
        ipam.release(change, "s1")
    assert [address(), address(cooldown=0)] == ["10.0.0.3", "10.0.0.1"]
    with inventory.read() as reader:
        unused = ipam.unused(reader, ipam.block_of(reader, reader.resolve("net")))
        assert list(map(str, unused)) == ["10.0.0.3-10.0.0.6"]
    with inventory.change() as change:
        assert ipam.give(change, "10.0.0.1", change.resolve("s1"))
        ipam.release(change, "s1")
    clock.append(datetime.now(UTC) + timedelta(days=2, seconds=1))
    with inventory.read() as reader:
        assert str(next(ipam.free(reader, ipam.block_of(reader, reader.resolve("net"))))) == "10.0.0.1"


def test_a_name_that_a_thing_has_comes_back_when_it_is_removed(inventory: Inventory, clock: list[datetime]) -> None:
    fill(inventory)
    assert give(inventory, 2) == ["l1", "l2"]
    with inventory.change() as change:
        change.add("Server", "l1")
    assert owners(inventory) == {"l1": "l1", "l2": None}
    with inventory.change() as change:
        change.remove("l1")
        change.add("Server", "l1")
    assert owners(inventory) == {"l1": "l1", "l2": None}
    with inventory.change() as change:
        change.remove("l1")
    assert owners(inventory) == {"l2": None}


def test_two_ranges_never_give_one_name(inventory: Inventory) -> None:
    fill(inventory)
    assert give(inventory, 2) == ["l1", "l2"]
    with inventory.change() as change:
        assert naming.allocate(change, change.resolve("others"), 1) == ["l3"]
        assert naming.allocate(change, change.resolve("others"), 1) == ["l4"]


def test_a_vlan_id_that_came_back_rests(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("Room", "room1", attributes={"cooldown": "1h"})
        change.add("Room", "room2")
        for name, vid in (("a", 200), ("b", 201)):
            change.add("VLAN", name, attributes={"vid": vid})
    with inventory.change() as change:
        change.remove("a")

    def next_id(change: Transaction, place: str | None = None, cooldown: int | None = None) -> int:
        where = change.resolve(place) if place is not None else None
        return vlans.allocate(change, "new", 200, 202, where, cooldown=cooldown)[1]

    for place, cooldown, given in (
        (None, None, 200),
        (None, 3600, 202),
        ("room1", 0, 200),
        ("room1", None, 202),
        ("room2", None, 200),
    ):
        with inventory.change(dry_run=True) as change:
            assert next_id(change, place, cooldown) == given
    with inventory.change(dry_run=True) as change:
        change.set_values("b", "vid", 202)
        with pytest.raises(Refused, match="came back too recently"):
            next_id(change, cooldown=3600)


def test_a_number_of_a_table_that_was_taken_out_rests(inventory: Inventory, clock: list[datetime]) -> None:
    clock.append(datetime.now(UTC))
    with inventory.change() as change:
        change.define_key("disk", {"cooldown": 3600})
        for name in ("s1", "s2"):
            change.add("Server", name)
            change.set_values(name, "disk#0.serial", "x")
            change.set_values(name, "disk#1.serial", "y")
            change.set_values(name, "slot#0.serial", "y")
    with inventory.change() as change:
        change.delete_values("s1", "disk#1.serial")
        assert change.next_number("s1", "disk") == 2
        change.delete_values("s1", "slot#0.serial")
    with inventory.change() as change:
        assert [change.next_number(name, "disk") for name in ("s1", "s2")] == [2, 2]
        assert change.next_number("s1", "slot") == 0
        change.delete_values("s2", "disk#0.serial")
        assert change.next_number("s2", "disk") == 2
    clock.append(clock[-1] + timedelta(hours=2))
    with inventory.change() as change:
        assert change.next_number("s1", "disk") == 1


def test_what_is_free_of_networks(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("VRF", "blue")
        change.add("Network", "n1", attributes={"cidr": "10.0.0.0/29", "reserved": "10.0.0.3"})
        change.add("Network", "n2", attributes={"cidr": "10.0.0.0/30", "vrf": "blue"})
        change.add("Network", "n6", attributes={"cidr": "2001:db8::/64"})
        change.add("Server", "s1")
        ipam.allocate(change, change.resolve("n1"), change.resolve("s1"))
    with inventory.read() as reader:
        found = [each for block in ipam.blocks(reader) for each in ipam.unused(reader, block)]
    assert [(str(each), each.size) for each in found] == [
        ("10.0.0.2", 1),
        ("10.0.0.4-10.0.0.6", 3),
        ("10.0.0.1-10.0.0.2@blue", 2),
        ("2001:db8::1-2001:db8::ffff:ffff:ffff:ffff", 2**64 - 1),
    ]


def test_the_verbs(sqlite_url: str, clusto: Run) -> None:
    fill(Inventory(Settings(sqlite_url)))
    clusto("add", "Network", "n1", "--attr", "cidr=10.0.0.0/29")
    assert clusto("ip", "next", "n1", "--count", "2").out.split() == ["10.0.0.1", "10.0.0.2"]
    assert clusto("ip", "next", "n1", "--count", "9").code == 4
    assert clusto("ip", "next", "s1").code == 2
    assert clusto("ip", "list").out == ""
    assert clusto("ip", "list", "n1", "--free").out == "10.0.0.1-10.0.0.6\t6\tn1\n"
    assert clusto("ip", "list", "--free", "-o", "names").out == "10.0.0.1-10.0.0.6\n"
    [record] = json.loads(clusto("ip", "list", "--free", "-o", "json").out)
    assert (record["address"], record["last"], record["count"]) == ("10.0.0.1", "10.0.0.6", 6)
    assert clusto("name", "allocate", "labels", "--to", "s1", "--cooldown", "30d").out == "l1\n"
    assert clusto("name", "allocate", "labels", "--cooldown", "soon").code == 2
    assert clusto("name", "list").out == "l1\tlabels\tof s1\n"
    assert json.loads(clusto("name", "list", "-o", "json").out)[0]["owner"] == "s1"
    assert clusto("remove", "s1", "--yes").code == 0
    assert clusto("name", "allocate", "labels", "--cooldown", "30d").out == "l2\n"
