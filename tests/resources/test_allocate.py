"""Allocation: what is picked, what is said when there is not enough, and many doing it at once."""

from __future__ import annotations

import pytest

from clusto_core.config import Settings
from clusto_core.drivers.equipment import PDU, Rack
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.attributes import Key
from clusto_core.resources.allocation import Wanted, allocate
from tests.at_once import at_once
from tests.conftest import Run

STATUS = Key("status")
SPARE = "driver:Server and attr:status,spare"


def fill(change: Transaction, racks: int = 4, servers: int = 3) -> None:
    """Racks of spare servers; each rack has a PDU, and shares another one with its neighbour."""
    change.add("Datacenter", "dc1")
    change.add("Datacenter", "dc2")
    change.add("Pool", "web-pool")
    for rack in range(1, racks + 1):
        change.add("Rack", f"rack{rack}", parents=["dc1"], part_counts={"ru": 10})
        change.add("PDU", f"pdu{rack}", part_counts={"outlet": 24})
    number = 0
    for rack in range(1, racks + 1):
        for place in range(1, servers + 1):
            number += 1
            change.add("Server", f"s{number}", attributes=[("status", "spare")])
            change.connect(f"s{number}", f"rack{rack}:RU{place}")
            change.connect(f"s{number}:psu1", f"pdu{rack}")
            change.connect(f"s{number}:psu2", f"pdu{rack % racks + 1}")
    change.add("Server", "loose", attributes=[("status", "spare")])


@pytest.fixture
def farm(sqlite_url: str) -> Inventory:
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        fill(change)
    return inventory


def pick(inventory: Inventory, number: int, where: str = SPARE, **wanted: object) -> list[str]:
    with inventory.change(dry_run=True) as change:
        if "within" in wanted:
            wanted["within"] = change.resolve(str(wanted["within"]))
        return [thing.name for thing in allocate(change, Wanted(number, where, **wanted)).things]  # type: ignore[arg-type]


def test_the_first_ones_in_natural_order(farm: Inventory) -> None:
    assert pick(farm, 3) == ["loose", "s1", "s2"]
    assert pick(farm, 3, within="rack2") == ["s4", "s5", "s6"]
    assert pick(farm, 13) == ["loose", *(f"s{number}" for number in range(1, 13))]


def test_each_in_a_rack_of_its_own(farm: Inventory) -> None:
    assert pick(farm, 4, spread=[Rack]) == ["s1", "s4", "s7", "s10"]
    with pytest.raises(Refused, match="5 wanted, 13 found, on 4 different Racks, 1 of them in none"):
        pick(farm, 5, spread=[Rack])


def test_different_racks_and_then_feeds_as_different_as_can_be(farm: Inventory) -> None:
    # Neighbouring racks share a PDU: racks 1 and 3 do not.
    assert pick(farm, 2, spread=[Rack, PDU]) == ["s1", "s7"]
    assert len(pick(farm, 3, spread=[Rack, PDU])) == 3


def test_no_feed_in_common_is_found_where_it_can_be(farm: Inventory) -> None:
    assert pick(farm, 2, spread=[PDU], prefer="name:s4") in (["s4", "s10"], ["s4", "s11"], ["s4", "s12"])
    with pytest.raises(Refused, match="3 wanted, 13 found, on 4 different PDUs"):
        pick(farm, 3, spread=[PDU])


def test_a_greedy_start_is_not_the_end() -> None:
    """Taking a middle one first would leave no second one: a and b lie apart, c overlaps both."""
    from clusto_core.model.things import Thing
    from clusto_core.resources.allocation import _Picker

    things = [Thing(number, name, "Server") for number, name in enumerate("cab")]
    picker = _Picker(None, Wanted(2, "", spread=[PDU]), set())  # type: ignore[arg-type]  # it reads nothing here
    picker.groups = [{0: frozenset({"x", "y"}), 1: frozenset({"w", "x"}), 2: frozenset({"y", "z"})}]
    assert [thing.name for thing in picker._choose(things) or []] == ["a", "b"]


def test_together_on_as_few_racks_as_can_be(farm: Inventory) -> None:
    with farm.change() as change:
        for name in ("s1", "s2", "s5"):
            change.set_values(change.resolve(name), STATUS, ["used"])
    assert pick(farm, 2, pack=Rack) == ["s4", "s6"], "the smallest rack that has enough"
    racks = {(int(name[1:]) - 1) // 3 for name in pick(farm, 5, pack=Rack)}
    assert len(racks) == 2


def test_what_is_preferred_goes_first(farm: Inventory) -> None:
    assert pick(farm, 3, prefer="name:s1[0-2]") == ["s10", "s11", "s12"]
    assert pick(farm, 4, prefer="name:s1[0-2]") == ["loose", "s10", "s11", "s12"]
    assert pick(farm, 2, prefer="name:s1[0-2]", spread=[Rack]) == ["s1", "s10"]


def test_a_seed_repeats_its_choice(farm: Inventory) -> None:
    assert pick(farm, 4, seed=1) == pick(farm, 4, seed=1)
    assert len({tuple(pick(farm, 4, seed=seed)) for seed in range(10)}) > 3


def test_not_enough_says_which_condition_lacks(farm: Inventory) -> None:
    with pytest.raises(Refused) as error:
        pick(farm, 4, within="rack2")
    assert str(error.value) == (
        "not enough: 4 wanted, 3 found (driver:Server: 13, and attr:status,spare: 13, and in name:rack2: 3)"
    )
    with pytest.raises(NotFound, match="no such key"):
        pick(farm, 1, "attr:stauts,spare")
    with pytest.raises(Malformed):
        pick(farm, 1, "driver:Sever")


def test_all_or_nothing_in_one_transaction(inventory: Inventory) -> None:
    with inventory.change() as change:
        fill(change, racks=2)
    # The second one cannot be put there: it stands in a rack. The first is not marked either.
    with pytest.raises(Refused, match="s1 is in rack1 already"), inventory.change() as change:
        allocate(change, Wanted(2, SPARE), settings=[(STATUS, "used")], put=change.resolve("dc2"))
    assert inventory.find("attr:status,used", allow_unknown=True) == []
    with inventory.change() as change:
        first = allocate(change, Wanted(2, SPARE), settings=[(STATUS, "used")], put=change.resolve("web-pool"))
        second = allocate(change, Wanted(2, SPARE), settings=[(STATUS, "used")])
    assert not set(first.things) & set(second.things)
    assert [thing.name for thing in inventory.find("driver:Server in name:web-pool")] == ["loose", "s1"]
    assert len(inventory.find("attr:status,used")) == 4


def test_the_command(clusto: Run, sqlite_url: str) -> None:
    with Inventory.open(sqlite_url).change() as change:
        fill(change)
    arguments = ["--where", SPARE, "--in", "dc1", "--spread", "rack", "--set", "status=used", "--put", "web-pool"]
    assert clusto("allocate", "2", *arguments, "--dry-run").out == "s1\ns4\n"
    assert clusto("allocate", "2", *arguments).out == "s1\ns4\n"
    assert clusto("allocate", "2", *arguments, "-o", "jsonl").out.count("Server") == 2
    assert clusto("find", "attr:status,used and in name:web-pool").out == "s1\ns2\ns4\ns5\n"
    short = clusto("allocate", "9", *arguments)
    assert short.code == 4
    assert "not enough: 9 wanted, 8 found" in short.err
    assert clusto("allocate", "1", "--where", SPARE, "--spread", "Rack", "--pack", "Rack").code == 2
    assert clusto("allocate", "0", "--where", SPARE).code == 2
    assert clusto("allocate", "1").code == 2


PROCESSES = 50


def _take(url: str) -> list[str]:
    """What one of many processes does: picks two servers in different racks."""
    with Inventory(Settings(url)).change() as change:
        found = allocate(change, Wanted(2, SPARE, spread=[Rack]), settings=[(STATUS, "used")])
    return [thing.name for thing in found.things]


def test_fifty_at_once_never_get_one_twice(store_url: str) -> None:
    inventory = Inventory(Settings(store_url))
    with inventory.change() as change:
        for rack in range(1, 3):
            change.add("Rack", f"rack{rack}", part_counts={"ru": 1})
        for number in range(2 * PROCESSES):
            change.add("Server", f"s{number}", attributes=[("status", "spare")], part_counts={"nic": 0, "inlet": 0})
            change.put(f"s{number}", f"rack{number % 2 + 1}")
    found = at_once(PROCESSES, _take, store_url)
    assert not [each for each in found if not isinstance(each, list)], "none fails while servers are left"
    assert all({int(name[1:]) % 2 for name in names} == {0, 1} for names in found), "each in a rack of its own"
    taken = sorted(name for names in found for name in names)
    assert taken == sorted(f"s{number}" for number in range(2 * PROCESSES)), "and none twice"
    with pytest.raises(Refused, match="not enough"), inventory.change() as change:
        allocate(change, Wanted(1, SPARE))
