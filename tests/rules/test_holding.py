"""What may be in what, and the one chain of places: every pair of drivers on every way in, on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from clusto_core.answers.view import view_of
from clusto_core.config import Settings
from clusto_core.drivers import Category, Driver, Equipment, Registry, Resource, equipment, registry
from clusto_core.drivers.resources import DeviceType, Policy, Query, SheetMap, SiteKey
from clusto_core.errors import ClustoError, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model import holding
from clusto_core.model.attributes import IN, Key, Value
from clusto_core.model.things import Attribute
from clusto_core.query.memory import Memory
from clusto_core.query.parser import parse
from clusto_core.query.search import find
from clusto_core.records.integrity import problems
from clusto_core.transfer.documents import parse as document
from clusto_core.transfer.importer import load

PLACES = ("Datacenter", "Room", "Cage", "Rack")
GROUPINGS = ("Class", "Role", "Service", "Pool")
MOUNTED = (
    "Server", "Appliance", "Switch", "Router", "Firewall", "LoadBalancer", "ConsoleServer", "PDU", "PatchPanel",
)  # fmt: skip
HOLDERS = {
    "Datacenter": (),
    "Room": ("Datacenter", "Room"),
    "Cage": ("Datacenter", "Room"),
    "Rack": ("Datacenter", "Room", "Cage"),
    **dict.fromkeys(MOUNTED, (*PLACES, *MOUNTED)),
    "VirtualServer": ("Datacenter", "Room", *MOUNTED, "VirtualServer"),
    **dict.fromkeys(("Network", "VLAN", "VRF", "NameRange", *GROUPINGS), PLACES),
}
"""What each may be in besides groupings."""
DRIVERS = tuple(HOLDERS)
BLOCKS = (f"10.{high}.{low}.0/24" for high in range(256) for low in range(256))
NEEDED: dict[str, Callable[[], dict[str, object]]] = {
    "Network": lambda: {"cidr": next(BLOCKS)},
    "VLAN": lambda: {"vid": 9},
    "NameRange": lambda: {"pattern": "n[1-9]"},
}


def test_the_table_names_every_driver_of_whole_things() -> None:
    known = {
        driver.__name__
        for driver in registry
        if not driver.abstract() and issubclass(driver, (Equipment, Resource, Category))
    }
    assert known >= set(DRIVERS)
    assert {name for name in known - set(DRIVERS) if registry.of(name).__module__.startswith("clusto_core.")} == {
        DeviceType.__name__,
        Query.__name__,
        SiteKey.__name__,
        Policy.__name__,
        SheetMap.__name__,
    }


def ways(change: Transaction, child: str, parent: str) -> Iterator[bool]:
    """Whether a new Thing of one driver can be in one of the other, on every way in."""
    for way in ("put", "add", "import"):
        attributes = NEEDED.get(child, dict)()
        name = f"{child}-{parent}-{way}".lower()
        try:
            if way == "put":
                change.add(child, name, attributes=attributes)
                change.put(name, f"outer-{parent}")
            elif way == "add":
                change.add(child, name, attributes=attributes, parents=f"outer-{parent}")
            else:
                data = {"name": name, "driver": child, "attrs": attributes, "in": [f"outer-{parent}"]}
                load(change, [document(data, "f", 1)])
        except ClustoError as error:
            change.unit.failed = None
            yield "cannot be in" not in str(error) or "what it may be in is" not in str(error)
        else:
            yield True


@pytest.mark.parametrize("parent", DRIVERS)
def test_what_may_hold_what_on_every_way_in(sqlite_url: str, parent: str) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        change.add(parent, f"outer-{parent}", attributes=NEEDED.get(parent, dict)())
        for child in DRIVERS:
            wanted = parent in GROUPINGS or parent in HOLDERS[child]
            if child == "Role" and parent == "Class":
                continue
            assert set(ways(change, child, parent)) == {wanted}, (child, parent)


def test_db_check_names_what_was_put_where_it_cannot_be(inventory: Inventory) -> None:
    with inventory.change() as change:
        for driver, name in (("Rack", "rk1"), ("Rack", "rk2"), ("Server", "s1"), ("Network", "n1")):
            change.add(driver, name, attributes=NEEDED.get(driver, dict)())
        for child, parent in (("rk1", "rk2"), ("s1", "n1")):
            put_unchecked(change, child, parent)
    with inventory.read() as reader:
        assert list(problems(reader)) == [
            "rk1 (Rack) is in rk2 (Rack), which cannot be: clusto take rk1 --from rk2",
            "s1 (Server) is in n1 (Network), which cannot be: clusto take s1 --from n1",
        ]
    with inventory.change() as change:
        change.take("rk1", "rk2")
        change.take("s1", "n1")


def put_unchecked(change: Transaction, child: str, parent: str) -> None:
    """As a store from before has it."""
    thing, outer = change.resolve(child), change.resolve(parent)
    value = Value("relation", outer.name, outer.id)
    change.unit.insert_attribute(Attribute(change.unit.new_id(), thing.id, Key(IN), value))


class Sled(Equipment):
    """Of another package: it says itself what it may be in."""

    within: ClassVar[tuple[str, ...]] = ("Appliance",)


class Crate(equipment.Rack):
    """Of another package: it holds what does not know it."""

    holds: ClassVar[tuple[str, ...]] = ("Rack", "VirtualServer")


def test_drivers_of_other_packages_declare_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[type[Driver]] = [*registry, Sled, Crate]
    monkeypatch.setattr(holding, "registry", Registry(known))
    holding.may_hold.cache_clear()
    try:
        assert [holding.may_hold(outer, "Sled") for outer in ("Appliance", "Rack")] == [True, False]
        assert [holding.may_hold(outer, "Rack") for outer in ("Crate", "Rack")] == [True, False]
        assert holding.may_hold("Crate", "Server"), "what holds of a Rack holds of what is one"
        assert "Crate" in holding.allowed("VirtualServer")
    finally:
        holding.may_hold.cache_clear()


# --- one chain of places ----------------------------------------------------------------------------------------------


@pytest.fixture
def site(inventory: Inventory) -> Inventory:
    """A pool that belongs to dcZ, with a machine in cage7 of dcA; a chassis in rack1, and a rack elsewhere."""
    with inventory.change() as change:
        change.add("Datacenter", "dcZ", attributes={"site": "Z", "only": "Z"})
        change.add("Datacenter", "dcA", attributes={"site": "A"})
        change.add("Cage", "cage7", parents="dcA")
        for rack in ("rack1", "rack2"):
            change.add("Rack", rack, parents="cage7", part_counts={"ru": 10})
        change.add("Pool", "all", parents="dcZ")
        change.add("Pool", "web", parents="all", attributes={"team": "web"})
        change.add("Pool", "local", parents="rack1")
        change.add("Server", "r1", parents=["web", "cage7"])
        change.add("Server", "loose", parents=["web", "local"])
        change.add("Appliance", "chassis")
        change.connect("chassis", "rack1:RU3")
        for blade in ("blade1", "blade2"):
            change.add("Server", blade)
    return inventory


def test_a_pool_makes_no_place(site: Inventory) -> None:
    with site.read() as reader:
        thing = reader.resolve("r1")
        assert [each.name for each in reader.ancestors(thing)] == ["web", "cage7", "all", "dcA"]
        assert reader.setting(thing, "site") == "A"
        assert reader.setting(thing, "only") is None
        assert reader.setting(thing, "team") == "web"
        assert [each.name for each in view_of(reader, [thing]).ancestors(thing)] == ["web", "cage7", "all", "dcA"]
        # The pool itself belongs to its place, and has what is said there.
        assert reader.setting(reader.resolve("all"), "site") == "Z"
        assert reader.setting(reader.resolve("local"), "site") == "A"
        assert reader.setting(reader.resolve("web"), "site") is None


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("driver:Server in name:dcZ", []),
        ("name:* in name:dcZ", ["all"]),
        ("driver:Pool in driver:Datacenter", ["all", "local"]),
        ("driver:Pool in name:all", ["web"]),
        ("driver:Server in name:all", ["loose", "r1"]),
        ("driver:Server in name:dcA", ["r1"]),
        ("name:loose in name:rack1", []),
        ("name:local in name:dcA", ["local"]),
        ("count(in driver:Datacenter) = 0 and driver:Server", ["blade1", "blade2", "loose"]),
        ("count(in driver:Datacenter) >= 1 and driver:Pool", ["all", "local"]),
        ("driver:Server in (name:dcZ or name:all)", ["loose", "r1"]),
        ("attr:only,Z inherited", ["all", "dcZ"]),
        ("attr:site,A inherited and driver:Server", ["r1"]),
        ("attr:site,A inherited and driver:Pool", ["local"]),
        ("part:eth0 in name:dcZ", []),
    ],
)
def test_what_an_expression_says_of_it(site: Inventory, expression: str, found: list[str]) -> None:
    with site.read() as reader:
        assert [each.name for each in find(reader, expression, allow_unknown=True).things] == found
        assert [each.name for each in Memory.load(reader).select(parse(expression))] == found


def standing(site: Inventory, name: str) -> list[str]:
    with site.read() as reader:
        assert list(problems(reader)) == []
        return [each.name for each in reader.ancestors(reader.resolve(name)) if each.is_a(Equipment)]


def test_a_blade_is_where_its_chassis_is(site: Inventory) -> None:
    with site.change() as change:
        change.put("blade1", "chassis")
        # What the chassis says already, less exactly.
        assert not change.put("blade1", "rack1")
        assert not change.put("blade1", "dcA")
    assert standing(site, "blade1") == ["chassis", "rack1", "cage7", "dcA"]
    ways: list[Callable[[Transaction], object]] = [
        lambda change: change.put("blade1", "rack2"),
        lambda change: change.put("blade1", "dcZ"),
        lambda change: change.connect("blade1", "rack1:RU9"),
        lambda change: change.connect("blade1", "rack2:RU9"),
        lambda change: change.put("blade1", "r1"),
    ]
    for apart in ways:
        with pytest.raises(Refused, match="blade1 is in chassis"), site.change() as change:
            apart(change)
    with site.change() as change:
        change.connect("blade2", "rack1:RU7")
    with pytest.raises(Refused, match="blade2 is in rack1 already"), site.change() as change:
        change.put("blade2", "chassis")


def test_the_chassis_says_more_exactly_what_a_place_said(site: Inventory) -> None:
    with site.change() as change:
        change.put("blade1", "rack1")
        assert change.put("blade1", "chassis")
        change.put("blade2", "rack2")
    assert standing(site, "blade1") == ["chassis", "rack1", "cage7", "dcA"]
    with pytest.raises(Refused, match="blade2 is in rack2 already"), site.change() as change:
        change.put("blade2", "chassis")
    with site.change() as change:
        change.move("blade2", "chassis")
        change.move("blade1", "rack2:RU4")
    assert (standing(site, "blade2")[0], standing(site, "blade1")[0]) == ("chassis", "rack2")


def test_a_file_says_it_in_any_order(site: Inventory) -> None:
    things = [
        {"name": "vm1", "driver": "VirtualServer", "in": ["blade3", "cage7"]},
        {"name": "blade3", "driver": "Server", "in": ["rack2", "chassis3"]},
        {"name": "chassis3", "driver": "Appliance", "at": "rack2:RU5"},
    ]
    for order in (things, things[::-1]):
        with site.change(dry_run=order is things) as change:
            load(change, [document(each, "f", line) for line, each in enumerate(order, 1)])
    assert standing(site, "vm1") == ["blade3", "chassis3", "rack2", "cage7", "dcA"]


def test_db_check_names_what_stands_in_two_places(site: Inventory) -> None:
    with site.change() as change:
        for parent in ("chassis", "rack2"):
            put_unchecked(change, "blade1", parent)
    with site.read() as reader:
        assert list(problems(reader)) == ["blade1 is in 2 places"]


def test_names_of_drivers_are_drivers() -> None:
    for driver in registry:
        for name in (*driver.within, *driver.holds):
            assert issubclass(registry.get(name), (Equipment, Resource, Category))
    assert holding.may_hold("Gone", "Rack"), "nothing is known of a driver whose package is gone"
