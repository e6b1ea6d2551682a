"""History and revert, on each database."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from clusto_core.errors import ClustoError, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key
from clusto_core.records import history, integrity
from clusto_core.records.revert import revert
from clusto_core.rules import claims
from tests.records.changing import picture, step


def undo(inventory: Inventory, number: int) -> None:
    with inventory.change(f"revert {number}", reverts=number) as change:
        revert(change.unit, number)


@pytest.fixture
def site(inventory: Inventory) -> Inventory:
    """Transaction 1: a rack, two servers, a switch, a panel; transaction 2: their cables."""
    with inventory.change("make", "because") as change:
        change.add("Rack", "rack1")
        change.add("Server", "server1", attributes=[("tag", "x"), ("tag", "y"), ("ram", 64)])
        change.add("Server", "server2")
        change.add("Switch", "sw1")
        change.add("PatchPanel", "pp1")
    with inventory.change("wire") as change:
        change.connect("server1:eth0", "pp1:1")
        change.connect("pp1:rear1", "sw1:1")
        change.connect("server1", "rack1:RU1")
    return inventory


def test_every_change_is_recorded_with_its_command(site: Inventory) -> None:
    with site.read() as reader:
        entries = list(history.entries(reader))
        assert [(entry.id, entry.command, entry.message) for entry in entries] == [
            (2, "wire", None),
            (1, "make", "because"),
        ]
        assert [entry.id for entry in history.entries(reader, history.things_called(reader, "server2"))] == [1]
        names = {change.name for change in history.changes(reader, 2)}
        assert names == {"server1", "pp1", "sw1", "rack1"}
        with pytest.raises(NotFound, match="no such transaction: 3"):
            history.entry(reader, 3)


def test_what_changes_nothing_is_not_recorded(site: Inventory) -> None:
    with site.change() as change:
        change.set_values(change.resolve("server1"), Key.parse("ram"), [64])
        change.add("Pool", "gone")
        change.remove("gone")
    assert change.id is None
    with site.change(dry_run=True) as change:
        change.remove("server2")
    with site.read() as reader:
        assert len(list(history.entries(reader))) == 2
        assert reader.get("server2") is not None


def test_revert_of_a_removal_brings_everything_back(site: Inventory) -> None:
    before = picture(site)
    with site.change() as change:
        change.remove("server1")
    assert picture(site) != before
    undo(site, 3)
    assert picture(site) == before
    undo(site, 4)
    undo(site, 5)
    assert picture(site) == before


def test_revert_of_everything_in_turn_leaves_nothing(site: Inventory) -> None:
    with site.change() as change:
        change.rename("server1", "web1")
        change.set_values(change.resolve("web1"), Key.parse("tag"), ["y", "z"])
        change.add("Pool", "pool1")
        change.put("web1", "pool1")
    for number in (3, 2, 1):
        undo(site, number)
    assert picture(site) == []
    with site.read() as reader:
        assert list(integrity.problems(reader)) == []


@pytest.mark.parametrize(
    ("later", "number", "message"),
    [
        ("set", 1, r"ram of server1 is not now as it was then \(transaction 3 is in the way: set\)"),
        ("added value", 1, r"server2 has new=1 now \(transaction 3"),
        ("rename", 1, r"server2 is not there now as it was then \(transaction 3"),
        ("new part", 1, r"server2:eth9 is there now \(transaction 3"),
        ("put", 1, r"late names rack1 now \(transaction 3"),
        ("moved", 2, r"server1:eth0 and pp1:1 are not connected now as they were then \(transaction 3"),
    ],
)
def test_a_later_change_in_the_way_is_named(site: Inventory, later: str, number: int, message: str) -> None:
    def apply(change: Transaction) -> None:
        if later == "set":
            change.set_values(change.resolve("server1"), Key.parse("ram"), [128])
        elif later == "added value":
            change.set_values(change.resolve("server2"), Key.parse("new"), [1])
        elif later == "rename":
            change.rename("server2", "other")
        elif later == "new part":
            change.add("NIC", "server2:eth9")
        elif later == "put":
            change.put(change.add("Switch", "late"), "rack1")
        else:
            change.disconnect("server1:eth0")

    with site.change(later) as change:
        apply(change)
    if number == 1:
        undo(site, 2)
    before = picture(site)
    with pytest.raises(Refused, match=message):
        undo(site, number)
    assert picture(site) == before


@pytest.mark.parametrize("later", ["name", "part", "holder"])
def test_what_cannot_be_put_back_is_refused(site: Inventory, later: str) -> None:
    with site.change("first") as change:
        if later == "holder":
            change.set_values(change.resolve("server2"), Key.parse("note"), ["x"])
        else:
            change.remove("server1")
    if later == "holder":
        with site.change("second") as change:
            change.delete_values(change.resolve("server2"), Key.parse("note"))
        with site.change("third") as change:
            change.remove("server2")
        message, number = r"\(transaction 5 is in the way: third\)", 4
    else:
        with site.change("second") as change:
            if later == "name":
                change.add("Pool", "server1")
            else:
                change.connect("server2", "rack1:RU1")
        message, number = r"\(transaction 4 is in the way: second\)", 3
    before = picture(site)
    with pytest.raises(Refused, match=message):
        undo(site, number)
    assert picture(site) == before


def _stand_elsewhere(change: Transaction) -> None:
    change.put("server1", change.add("Rack", "rack2"))


def _grow(change: Transaction) -> None:
    change.set_values("server1", "height", 2)


def _feed(change: Transaction) -> None:
    change.connect(change.add("PDU", "pdu1").name + ":1", "pp1:rear1")


def _pair(change: Transaction) -> None:
    change.add("RearPort", "pp1:back8")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (lambda change: change.disconnect("server1", "rack1"), _stand_elsewhere, "server1 is in rack2, not in rack1"),
        (lambda change: change.disconnect("server1", "rack1"), _grow, "server1 is in 1 rack unit"),
        (lambda change: change.disconnect("pp1:rear1") and change.disconnect("pp1:1"), _feed, "which do not fit"),
        (lambda change: change.remove("pp1:rear8"), _pair, "pp1:back8 has the number 8 on that side"),
    ],
)
def test_what_the_rules_forbid_now_is_not_put_back(
    site: Inventory,
    first: Callable[[Transaction], object],
    second: Callable[[Transaction], object],
    message: str,
) -> None:
    with site.change("first") as change:
        first(change)
    with site.change("second") as later:
        second(later)
    before = picture(site)
    with pytest.raises(Refused, match=message):
        undo(site, change.id or 0)
    assert picture(site) == before


def test_an_address_that_changed_hands_goes_back(site: Inventory) -> None:
    with site.change() as change:
        claims.hold(change.unit, change.resolve("server1"), "10.0.0.1")
    before = picture(site)
    with site.change() as change:
        claims.release(change.unit, change.resolve("server1"))
        claims.hold(change.unit, change.resolve("server2"), "10.0.0.1")
    undo(site, change.id or 0)
    assert picture(site) == before


def test_swapped_names_are_swapped_back(site: Inventory) -> None:
    before = picture(site)
    with site.change() as change:
        change.rename("server1", "aside")
        change.rename("server2", "server1")
        change.rename("aside", "server2")
    with site.read() as reader:
        assert [link.kind for link in reader.links(reader.resolve("server2").id)] != []
    undo(site, 3)
    assert picture(site) == before


@pytest.mark.parametrize("seed", range(6))
def test_any_series_of_changes_is_undone_backwards(inventory: Inventory, seed: int) -> None:
    """Random changes, a picture after each; reverted one by one, every picture comes back."""
    random_ = random.Random(seed)
    pictures = [picture(inventory)]
    numbers = []
    while len(numbers) < 12:
        try:
            with inventory.change() as change:
                for _ in range(random_.randint(1, 6)):
                    step(change, random_)
        except ClustoError:
            assert picture(inventory) == pictures[-1]
            continue
        if change.id is not None:
            numbers.append(change.id)
            pictures.append(picture(inventory))
    with inventory.read() as reader:
        assert list(integrity.problems(reader)) == []
    for number in reversed(numbers):
        assert picture(inventory) == pictures.pop()
        undo(inventory, number)
    assert picture(inventory) == pictures.pop() == []
