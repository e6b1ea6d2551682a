"""Capacity: what is used, reserved and free, added up by hand, and which racks something fits into."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import clusto_core
from clusto_core.config import Settings
from clusto_core.drivers.equipment import Rack
from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Inventory
from clusto_core.resources import fitting, ipam
from clusto_core.resources.allocation import Wanted, allocate
from clusto_core.resources.capacity import Amount, Capacity, _runs, capacities, racks
from tests.conftest import Run


def fill(inventory: Inventory) -> None:
    """Two racks in a room: r1 with two PDUs on two feeds, a switch and two servers, r2 with a rating of its own."""
    with inventory.change() as change:
        change.add("Room", "room")
        for name, said in (("r1", {"max_weight": "500kg", "depth": 900}), ("r2", {"rating": "3kW"}), ("r3", {})):
            change.add("Rack", name, parents=["room"], part_counts={"ru": 8}, attributes=said)
        for name, feed, rating in (("pdu1", "A", 2000), ("pdu2", "B", "1.5kW")):
            pdu = {"height": 0, "feed": feed, "rating": rating}
            change.add("PDU", name, parents=["r1"], part_counts={"outlet": 4}, attributes=pdu)
        change.add("Switch", "sw1", part_counts={"port": 8}, attributes={"draw": 100, "weight": 5})
        change.add("Server", "s1", attributes={"draw": 400, "draw.measured": 250, "weight": "20kg", "height": 2})
        change.add("Server", "s2", attributes={"draw.nameplate": 700})
        change.add("Server", "s3")
        for name, unit in (("sw1", 1), ("s1", 3), ("s2", 5)):
            change.connect(name, f"r1:RU{unit}")
        change.connect("s3", "r2:RU8")
        for name in ("s1", "s2"):
            change.connect(f"{name}:psu1", "pdu1")
            change.connect(f"{name}:psu2", "pdu2")
            change.connect(f"{name}:eth0", "sw1")
        change.reserve(["r1:RU8", "pdu1:4", "sw1:8"], datetime.now(UTC) + timedelta(days=1), "shop")


def of(inventory: Inventory, *names: str) -> dict[str, Capacity]:
    with inventory.read() as reader:
        return {each.thing.name: each for each in capacities(reader, [reader.resolve(name) for name in names])}


def test_what_is_used_reserved_and_free(inventory: Inventory) -> None:
    fill(inventory)
    found = of(inventory, "room", "r1", "r2", "r3", "pdu1", "sw1")
    r1 = found["r1"]
    assert (r1.units, r1.runs) == (Amount(8, 4, 1), (2, 1))
    assert (r1.outlets, r1.ports, r1.feeds) == (Amount(8, 4, 1), Amount(8, 2, 1), Amount(2, 0))
    assert r1.watts == (1500, 1200, 1200, 250, 0)
    assert (r1.weight, r1.depth) == (Amount(500, 25), 900)
    assert found["r2"].watts == (3000, 0, 0, 0, 1)
    assert (found["r2"].units, found["r2"].runs) == (Amount(8, 1), (7,))
    assert (found["r3"].watts.limit, found["r3"].watts.free) == (None, None)
    assert found["room"].units == Amount(24, 5, 1)
    assert found["room"].watts == (None, 1200, 1200, 250, 1)
    assert found["pdu1"].watts[:2] == (2000, 550)
    assert (found["pdu1"].outlets, found["sw1"].ports) == (Amount(4, 2, 1), Amount(8, 2, 1))


def test_a_room_may_draw_what_its_racks_may_or_what_is_said_of_it(inventory: Inventory) -> None:
    fill(inventory)
    with inventory.change() as change:
        change.set_values("r3", "rating", 100)
    assert of(inventory, "room")["room"].watts.limit == 4600
    with inventory.change() as change:
        change.set_values("room", "rating", "4kW")
    assert of(inventory, "room")["room"].watts.limit == 4000


def test_draws_of_inlets_and_of_device_types_and_in_chassis(inventory: Inventory) -> None:
    fill(inventory)
    with inventory.change() as change:
        change.add("DeviceType", "acme/box", attributes={"draw": 60, "weight": 10.0, "weight_unit": "lb"})
        change.add("Server", "typed", parents=["r3"], attributes={"type": "acme/box"})
        change.add("Server", "fed", parents=["r3"])
        for inlet, draw in (("psu1", 30), ("psu2", 40)):
            change.set_values(f"fed:{inlet}", "allocated_draw", draw)
            change.set_values(f"fed:{inlet}", "maximum_draw", 2 * draw)
        change.add("Appliance", "chassis", parents=["r3"], attributes={"draw": 1000})
        change.add("Server", "blade", parents=["chassis"], part_counts={"inlet": 0}, attributes={"draw": 300})
    r3 = of(inventory, "r3")["r3"]
    assert (r3.watts.used, r3.watts.nameplate) == (60 + 70 + 1000, 60 + 140 + 1000)
    assert r3.weight.used == pytest.approx(4.5359237)


def test_addresses_of_networks(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("Network", "n1", attributes={"cidr": "10.0.0.0/29", "gateway": "10.0.0.1"})
        change.add("Server", "s1")
        ipam.allocate(change, change.resolve("n1"), change.resolve("s1"))
    assert of(inventory, "n1")["n1"].addresses == Amount(8, 1, 3)


def test_which_racks_have_room(inventory: Inventory) -> None:
    fill(inventory)

    def fits(text: str) -> tuple[list[str], list[str]]:
        with inventory.read() as reader:
            found = fitting.fitting(reader, fitting.need(text))
            return [each.thing.name for each in found.racks], [thing.name for thing, _ in found.unknown]

    assert fits("units=2") == (["r1", "r2", "r3"], [])
    assert fits("units=3") == (["r2", "r3"], [])
    assert fits("units=8") == (["r3"], [])
    assert fits("watts=250W") == (["r1", "r2"], ["r3"])
    assert fits("watts=0.3kW,units=1") == (["r1", "r2"], ["r3"])
    assert fits("watts=301") == (["r2"], ["r3"])
    assert fits("feeds=2,outlets=3,ports=5,weight=475,depth=900mm") == (["r1"], [])
    assert fits("outlets=4") == ([], [])


def test_allocation_heeds_room(inventory: Inventory) -> None:
    fill(inventory)
    with inventory.change(dry_run=True) as change:
        found = allocate(change, Wanted(1, "driver:Rack", fit={"units": 3, "watts": 100}))
        assert [thing.name for thing in found.things] == ["r2"]
    with inventory.change(dry_run=True) as change:
        found = allocate(change, Wanted(1, "driver:Server", fit={"units": 3, "watts": 100}))
        assert [thing.name for thing in found.things] == ["s3"]
        with pytest.raises(Refused, match=r"1 wanted, 0 found .*; only racks with that much room count"):
            allocate(change, Wanted(1, "driver:Server", fit={"units": 8}))


@given(st.sets(st.integers(1, 60)))
def test_runs_hold_all_units_and_no_gap(numbers: set[int]) -> None:
    found = list(_runs(numbers))
    assert sum(found) == len(numbers)
    assert len(found) == sum(number - 1 not in numbers for number in numbers)


@pytest.mark.parametrize("text", ["", "units", "units=", "units=-1", "units=two", "unit=2", "watts=2kg", "units=2,"])
def test_needs_that_cannot_be(text: str) -> None:
    with pytest.raises(Malformed):
        fitting.need(text)


def test_the_verb_and_the_library(sqlite_url: str, clusto: Run) -> None:
    fill(Inventory(Settings(sqlite_url)))
    assert clusto("capacity", "-o", "names").out.split() == ["r1", "r2", "r3"]
    assert clusto("capacity", "room", "pdu1", "-o", "names").out.split() == ["r1", "r2", "r3", "room", "pdu1"]
    line = "3 of 8 free, 1 reserved, 2 in a row  300 of 1500 free, 250 measured  3 of 8 free, 1 reserved"
    assert line in clusto("capacity", "r1", "r2").out
    [record] = json.loads(clusto("capacity", "r1", "-o", "json").out)
    assert (record["watts"]["free"], record["runs"], record["units"]["free"]) == (300, [2, 1], 3)
    done = clusto("capacity", "--for", "units=2,watts=100", "-o", "names")
    assert (done.code, done.out.split()) == (0, ["r1", "r2"])
    assert "r3 is left out: nobody said its limit of watts" in done.err
    assert clusto("capacity", "--for", "units=2", "r2", "-o", "names").out == "r2\n"
    assert clusto("allocate", "1", "--where", "driver:Rack", "--fit", "units=8", "--dry-run").out == "r3\n"
    inventory = clusto_core.open(sqlite_url)
    with inventory.change(dry_run=True) as change:
        assert [each.name for each in change.allocate(1, driver="Rack", fit="units=8")] == ["r3"]
    assert [each.thing.name for each in inventory.capacity()] == ["r1", "r2", "r3"]
    assert [each.thing.name for each in inventory.fitting("units=3", "room")] == ["r2", "r3"]


def test_racks_are_those_in_a_place(sqlite_url: str) -> None:
    fill(Inventory(Settings(sqlite_url)))
    with Inventory(Settings(sqlite_url)).read() as reader:
        assert [each.name for each in racks(reader, [reader.resolve("r1")])] == ["r1"]
        assert all(each.is_a(Rack) for each in racks(reader))
