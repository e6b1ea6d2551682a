"""A place and rack units that say the same, one more exactly than the other: by verbs, in files, on each database."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence

import pytest

from clusto_core.errors import ClustoError, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.records.integrity import problems
from clusto_core.records.revert import revert
from clusto_core.transfer.formats import yaml
from clusto_core.transfer.importer import load

PLACES = ("dc1", "room1", "rack1")
"""Each in the one before; rack2 is in dc2."""


@pytest.fixture
def site(inventory: Inventory) -> Inventory:
    """server1, and racks of two datacenters."""
    with inventory.change() as change:
        for datacenter, room, rack in (PLACES, ("dc2", "room2", "rack2")):
            change.add("Datacenter", datacenter)
            change.add("Room", room, parents=[datacenter])
            change.add("Rack", rack, parents=[room])
        change.add("Server", "server1")
    return inventory


def put(place: str) -> tuple[str, str]:
    return ("put", place)


def mount(unit: str) -> tuple[str, str]:
    return ("connect", unit)


def do(change: Transaction, steps: Sequence[tuple[str, str]]) -> None:
    for verb, where in steps:
        getattr(change, verb)("server1", where)


def standing(inventory: Inventory) -> list[str]:
    """What server1 is directly in, with its rack units."""
    with inventory.read() as reader:
        assert list(problems(reader)) == []
        thing = reader.resolve("server1")
        places = [each.value.text for each in reader.attributes(thing.id) if str(each.key) == "_in"]
        return places + [link.other.name for link in reader.links(thing.id) if link.kind == "position"]


@pytest.mark.parametrize("place", ["dc1", "room1"])
@pytest.mark.parametrize("together", [True, False])
def test_the_rack_units_are_kept_in_any_order(site: Inventory, place: str, together: bool) -> None:
    for steps in itertools.permutations([put(place), mount("rack1:RU3")]):
        if together:
            with site.change() as change:
                do(change, steps)
        else:
            for step in steps:
                with site.change() as change:
                    do(change, [step])
        assert standing(site) == ["rack1:RU3"]
        with site.change() as change:
            assert not change.put("server1", place)
            change.disconnect("server1", "rack1")


@pytest.mark.parametrize(
    "steps",
    [
        [put("dc2"), mount("rack1:RU3")],
        [mount("rack1:RU3"), put("dc2")],
        [mount("rack1:RU3"), put("rack2")],
        [put("rack2"), mount("rack1:RU3")],
        [put("dc1"), put("room2")],
    ],
)
def test_a_contradiction_is_refused(site: Inventory, steps: Sequence[tuple[str, str]]) -> None:
    with pytest.raises(Refused, match=r"take it out first"), site.change() as change:
        do(change, steps)
    assert standing(site) == []


def test_a_mounting_that_fails_leaves_the_place(site: Inventory) -> None:
    with site.change() as change:
        change.put("server1", "dc1")
        with pytest.raises(Refused, match="has no RU99"):
            change.connect("server1", "rack1:RU99")
    assert standing(site) == ["dc1"]


def test_a_grouping_is_no_place(site: Inventory) -> None:
    with site.change() as change:
        change.add("Pool", "pool1")
        change.put("rack1", "pool1")
        do(change, [mount("rack1:RU3"), put("pool1")])
    assert standing(site) == ["pool1", "rack1:RU3"]


def test_mounting_is_undone_to_the_place(site: Inventory) -> None:
    with site.change() as change:
        change.put("server1", "dc1")
    with site.change() as change:
        change.connect("server1", "rack1:RU3")
    assert change.id is not None
    with site.change(reverts=change.id) as undoing:
        revert(undoing.unit, change.id)
    assert standing(site) == ["dc1"]


# --- files -----------------------------------------------------------------------------------------------------------

THINGS = {
    "server1": "{name: server1, driver: Server, in: %s, at: '%s'}",
    "rack1": "{name: rack1, driver: Rack, in: room1}",
    "room1": "{name: room1, driver: Room, in: dc1}",
    "dc1": "{name: dc1, driver: Datacenter}",
    "dc2": "{name: dc2, driver: Datacenter}",
    "pool1": "{name: pool1, driver: Pool}",
}


def imported(inventory: Inventory, order: Sequence[str], place: str, at: str = "rack1:RU3") -> bool:
    """Imports the Things in an order; whether anything was changed."""
    lines = (THINGS[name] % (place, at) if name == "server1" else THINGS[name] for name in order)
    text = "things:\n" + "".join(f"- {line}\n" for line in lines)
    with inventory.change() as change:
        load(change, yaml.read(io.StringIO(text), "site.yaml"))
        return bool(list(change.unit.changes()))


@pytest.mark.parametrize("order", [list(THINGS), list(reversed(THINGS))], ids=["outwards", "inwards"])
@pytest.mark.parametrize("place", ["dc1", "room1", "[pool1, dc1]"])
def test_a_file_may_say_both_and_says_nothing_new_twice(inventory: Inventory, order: list[str], place: str) -> None:
    assert imported(inventory, order, place)
    assert standing(inventory) == (["pool1"] if "pool1" in place else []) + ["rack1:RU3"]
    assert not imported(inventory, order, place)
    assert imported(inventory, order, place, "rack1:RU7")
    assert standing(inventory)[-1] == "rack1:RU7"


def test_a_file_may_say_where_the_rack_of_what_is_mounted_is(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("Rack", "rack1")
        change.add("Server", "server1")
        do(change, [mount("rack1:RU3")])
    assert imported(inventory, list(THINGS), "dc1")
    assert standing(inventory) == ["rack1:RU3"]


def test_a_file_that_contradicts_itself_is_refused(inventory: Inventory) -> None:
    with pytest.raises(ClustoError, match="server1 is in rack1 already: take it out first"):
        imported(inventory, list(THINGS), "dc2")
