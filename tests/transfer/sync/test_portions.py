"""First syncs of more than is in memory at a time: they come to what those do that are brought in at once."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory, Transaction
from clusto_core.records.integrity import problems
from clusto_core.records.revert import revert
from clusto_core.records.sources import Ledger
from clusto_core.transfer import pile
from tests.inventories import content
from tests.transfer.sync.sites import State, exported, site, sync

_MODEL = {
    "driver": "Server", "attrs": {"height": 1},
    "parts": [{"kind": "interface", "name": "nic1", "attrs": {"connector": "1000base-t"}}],
}  # fmt: skip
WIDE: State = {
    **site(),
    "type": {
        "name": "acme/one", "driver": "DeviceType",
        "attrs": {"definition": {"json": _MODEL}},
    },
    "typed": {"name": "typed1", "driver": "Server", "type": "acme/one", "at": "R2:RU1", "connect": {"nic1": "sw2:2"}},
    "sw2": {
        "name": "sw2", "driver": "Switch", "in": ["R2"], "parts": {"port": ["1", "2", "3"]},
        "part_attrs": {"3": {"label": "uplink"}}, "connect": {"1": "sw1:Gi3"},
    },
    "far": {"name": "far1", "driver": "Server", "in": ["DC2"], "connect": {"eth0": "sw2:3"}},
    "chassis": {
        "name": "chassis1", "driver": "Appliance", "in": ["DC"], "at": "R2:RU5", "attrs": {"peer": {"ref": "sw2"}},
    },
    "vrf": {"name": "red", "driver": "VRF"},
    "net": {"name": "net1", "driver": "Network", "attrs": {"cidr": "10.9.0.0/24", "vrf": {"ref": "red"}}},
    "held": {"name": "held1", "driver": "Server", "in": ["web"], "ip": [{"eth0": ["10.9.0.7"]}]},
}  # fmt: skip


@contextlib.contextmanager
def portions(size: int) -> Iterator[list[int]]:
    """Syncs of so many objects at a time; gives how often something was put away."""
    settled = [0]
    settle = Transaction.settle

    def counted(change: Transaction) -> None:
        settled[0] += 1
        settle(change)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pile, "BATCH", size)
        patch.setattr(pile, "FEW", size)
        patch.setattr(Transaction, "settle", counted)
        yield settled


def shuffled(state: State, seed: int) -> State:
    order = list(state)
    random.Random(seed).shuffle(order)
    return {each: state[each] for each in order}


@pytest.fixture
def fresh(tmp_path: Path, sqlite_template: Path) -> Callable[[], Inventory]:
    """Makes empty inventories."""
    numbers = iter(range(100))

    def made() -> Inventory:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copy(sqlite_template, path)
        return Inventory(Settings(f"sqlite:///{path}"))

    return made


@pytest.mark.parametrize(("size", "seed"), [(1, 0), (1, 1), (3, 2), (3, 3), (5, 4)])
def test_any_order_in_portions_comes_to_the_whole(fresh: Callable[[], Inventory], size: int, seed: int) -> None:
    """Which the next sync changes nothing of, a revert takes back wholly, and a sync does again."""
    whole = fresh()
    assert sync(whole, WIDE).in_step
    inventory = fresh()
    empty = content(inventory)
    with portions(size) as settled:
        report = sync(inventory, shuffled(WIDE, seed))
        assert settled[0] > len(WIDE) // size
        assert (report.in_step, report.kept, report.changed) == (True, [], len(WIDE))
        assert sorted(report.added) == sorted(data["name"] for data in WIDE.values())
        assert exported(inventory) == exported(whole)
        assert sync(inventory, shuffled(WIDE, seed + 1)).changed == 0
        with inventory.read() as reader:
            assert list(problems(reader)) == []
        with inventory.change("undone", reverts=1) as change:
            revert(change.unit, 1)
        assert content(inventory) == empty
        with inventory.read() as reader:
            assert Ledger(reader.database, "site").objects == {}
        again = sync(inventory, WIDE)
    assert (again.changed, sorted(again.added)) == (len(WIDE), sorted(report.added))
    assert exported(inventory) == exported(whole)


def _before(inventory: Inventory) -> None:
    """What people had here before: some of it as the source has it, some not."""
    with inventory.change() as change:
        for name in ("DC", "DC2"):
            change.add("Datacenter", name)
        change.add("Rack", "R1", parents=["DC"], part_counts={"ru": 20})
        change.add("Server", "srv1", attributes=[("tag", "z"), ("serial", "A1")], part_counts={"nic": ["eth0", "eth1"]})
        change.add("Server", "other2", attributes=[("status", "broken"), ("serial", "A2")])
        change.add("Server", "squatter", part_counts={"nic": ["eth0"]})
        change.connect("squatter", "R1:RU10")


def _wrong(state: State) -> State:
    """Objects at fault by themselves, or because of others, or of what is not there."""
    state["twin"] = {**state["dc2"], "attrs": {"city": "Bonn"}}
    state["odd"] = {"name": "odd1", "driver": "Sever"}
    state["lost"] = {"name": "lost1", "driver": "Server", "in": ["nowhere"]}
    state["after"] = {"name": "after1", "driver": "Server", "in": ["DC"], "attrs": {"peer": {"ref": "lost1"}}}
    state["same-port"] = {"name": "late1", "driver": "Server", "connect": {"eth0": "sw2:2"}}
    state["tall"] = {"name": "tall1", "driver": "Server", "attrs": {"height": 3}, "at": "R2:RU9-10"}
    return state


@pytest.mark.parametrize("seed", range(4))
def test_what_is_not_taken_is_told_as_of_the_whole(fresh: Callable[[], Inventory], seed: int) -> None:
    """Conflicts with what was here, what stays otherwise here, and what breaks a rule; nothing of it is left half
    done."""
    state = _wrong({key: dict(data) for key, data in WIDE.items()})
    found = []
    for size in (1000, 2):
        inventory = fresh()
        _before(inventory)
        with portions(size) as settled:
            report = sync(inventory, shuffled(state, seed))
            assert bool(settled[0]) == (size == 2)
        names = {each.name for each in (*report.conflicts, *report.held)}
        assert len(names & {"late1", "typed1"}) == 1  # they want one port
        found.append((names - {"late1", "typed1"}, sorted(report.kept), report.objects, report.changed))
        with inventory.read() as reader:
            assert list(problems(reader)) == []
        present = exported(inventory)
        assert {"odd1", "lost1", "after1", "tall1"}.isdisjoint(present)
        assert {"odd1", "lost1", "after1", "tall1", "srv1", "DC2"} <= names
    assert found[0] == found[1]


def test_much_that_is_new_beside_what_changed(fresh: Callable[[], Inventory]) -> None:
    """What the source had before is brought in with all that is left: names, places and addresses change hands with
    what is new, and a Thing of what is gone is that of a new object."""
    first = {key: site()[key] for key in ("dc", "dc2", "role", "role2", "r1", "r2", "sw", "s1")}
    first["s1"]["attrs"].pop("peer")
    first["old"] = {"name": "held1", "driver": "Server", "at": "R2:RU1", "ip": [{"eth0": ["10.9.0.7"]}]}
    then: State = {key: dict(data) for key, data in WIDE.items()}
    then["s1"] |= {"name": "srv1-new", "at": "R1:RU12", "ip": [], "connect": {}}
    then["new"] = {**site()["s1"], "attrs": {"height": 1}, "part_attrs": {}, "part_ids": {}}
    then["from-there"] = {"name": "sw3", "driver": "Switch", "in": ["R1"], "connect": {"1": "srv1-new:eth1"}}
    found = []
    for size in (1000, 2):
        inventory = fresh()
        assert sync(inventory, first).in_step
        with portions(size) as settled:
            report = sync(inventory, shuffled(then, size), prune=True)
            assert bool(settled[0]) == (size == 2)
        assert (report.conflicts, report.held, report.removed) == ([], [], [])
        found.append((exported(inventory), sorted(report.kept), sorted(report.added)))
        assert sync(inventory, then, prune=True).changed == 0
        with inventory.read() as reader:
            assert list(problems(reader)) == []
    assert found[0] == found[1]


def test_a_cable_goes_from_one_object_to_a_new_one(fresh: Callable[[], Inventory]) -> None:
    """Whichever of both says it, it is the cable that was there."""
    first = site()
    then = site()
    del then["s1"]["connect"]
    for number in range(4):
        then[f"new{number}"] = {"name": f"new{number}", "driver": "Pool"}
    then["says"] = {"name": "tap", "driver": "Server", "in": ["DC"], "connect": {"eth0": "srv1:eth0"}}
    first["tap"] = {"name": "x", "driver": "Pool"}
    then["tap"] = first["tap"]
    inventory = fresh()
    sync(inventory, first)
    with portions(2):
        report = sync(inventory, then)
    assert report.in_step
    with inventory.read() as reader:
        links = {link.part.name: link.other.name for link in reader.links(reader.resolve("srv1").id) if link.part}
        assert links["srv1:eth0"] == "tap:eth0"


def test_a_preference_is_followed_at_once(fresh: Callable[[], Inventory]) -> None:
    """What is preferred may take something from another object: all is in memory then, and comes to the same."""
    found = []
    for size in (1000, 2):
        inventory = fresh()
        _before(inventory)
        with portions(size) as settled:
            sync(inventory, WIDE, prefer="here")
            assert not settled[0]
        found.append(exported(inventory))
    assert found[0] == found[1]
