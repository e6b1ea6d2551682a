"""The ordinary changes of a source, each one against what an inventory made anew from the source would be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.store.opening import create
from tests.transfer.sync.sites import State, exported, site, sync


def _renamed(state: State) -> None:
    state["s1"]["name"] = "srv1-new"


_ALL_PARTS = {"nic": 0, "port": 0, "inlet": ["psu1", "psu2"], "serial": ["console"]}


def _names_swapped(state: State) -> None:
    state["s1"]["name"], state["s2"]["name"] = "srv2", "srv1"
    state["s1"]["attrs"]["peer"] = {"ref": "srv1"}


def _ports_swapped(state: State) -> None:
    state["s1"]["connect"], state["s2"]["connect"] = {"eth0": "sw1:Gi2"}, {"eth0": "sw1:Gi1"}


def _moved(state: State) -> None:
    state["s1"]["at"] = "R2:RU3"


def _places_swapped(state: State) -> None:
    state["s1"]["at"], state["s2"]["at"] = state["s2"]["at"], state["s1"]["at"]


def _re_roled(state: State) -> None:
    state["s1"]["in"] = ["db"]


def _another_driver(state: State) -> None:
    """One that gives a Thing the same parts by itself."""
    state["s1"]["driver"] = "Firewall"
    state["s1"]["parts"] = {**_ALL_PARTS, "port": state["s1"]["parts"]["nic"]}


def _server_to_switch(state: State) -> None:
    """Its interfaces are ports then."""
    data = state["s1"]
    data["driver"], data["parts"] = "Switch", {**_ALL_PARTS, "port": data["parts"]["nic"]}


def _site_renamed(state: State) -> None:
    state["dc"]["name"] = "Main"
    for rack in ("r1", "r2"):
        state[rack]["in"] = ["Main"]


def _rack_renamed(state: State) -> None:
    state["r1"]["name"] = "R1b"
    for data in state.values():
        if "at" in data:
            data["at"] = data["at"].replace("R1:", "R1b:")


def _cable_deleted(state: State) -> None:
    del state["s1"]["connect"]


def _cable_moved(state: State) -> None:
    state["s1"]["connect"] = {"eth0": "sw1:Gi3"}


def _cable_from_its_other_end(state: State) -> None:
    state["sw"]["connect"] = {"Gi1": "srv1:eth0"}
    del state["s1"]["connect"]


def _cable_in_another_machine(state: State) -> None:
    state["s2"]["connect"] = {"eth0": "sw1:Gi1"}
    del state["s1"]["connect"]


def _value_changed(state: State) -> None:
    state["s1"]["attrs"]["status"] = "staged"


def _value_emptied(state: State) -> None:
    del state["s1"]["attrs"]["status"]


def _tag_removed(state: State) -> None:
    state["s1"]["attrs"]["tag"] = ["y"]


def _relation_removed(state: State) -> None:
    del state["s1"]["attrs"]["peer"]


def _part_value_emptied(state: State) -> None:
    del state["s1"]["part_attrs"]["eth0"]["label"]


def _last_address_removed(state: State) -> None:
    del state["s1"]["ip"]


def _address_moved(state: State) -> None:
    state["sw"]["ip"] = [{"Gi3": ["10.0.0.1"]}]
    del state["s1"]["ip"]


def _addresses_swapped(state: State) -> None:
    state["s1"]["ip"], state["s2"]["ip"] = state["s2"]["ip"], state["s1"]["ip"]


def _out_of_its_rack(state: State) -> None:
    del state["s1"]["at"]
    state["s1"]["in"] = ["web", "DC"]


def _into_the_rack(state: State) -> None:
    del state["s1"]["at"]
    state["s1"]["in"] = ["web", "R2"]


def _device_added(state: State) -> None:
    state["s3"] = {"name": "srv3", "driver": "Server", "at": "R1:RU1", "connect": {"eth0": "sw1:Gi3"}}


def _device_deleted(state: State) -> None:
    del state["s1"]


def _device_replaced(state: State) -> None:
    """A new object has the name, the place and the cable of an old one."""
    state["s9"] = {**state.pop("s1"), "part_ids": {"eth0": 91, "eth1": 92}}
    state["s9"]["attrs"] = {"status": "active", "height": 1}


def _rack_deleted(state: State) -> None:
    """And what was in it stands in another."""
    del state["r1"]
    for id in ("sw", "s1", "s2"):
        state[id]["at"] = state[id]["at"].replace("R1:", "R2:")


def _height_changed(state: State) -> None:
    state["s1"]["attrs"]["height"], state["s1"]["at"] = 2, "R1:RU5-6"


def _half_a_unit_up(state: State) -> None:
    state["s1"]["attrs"]["height"], state["s1"]["at"] = 0.5, "R1:RU10.5"


def _to_the_rear(state: State) -> None:
    state["s1"]["at"] = "R1:RU10/rear"


def _deeper(state: State) -> None:
    """It takes both faces of its unit, or one."""
    state["s1"]["attrs"]["full_depth"] = False


def _part_renamed(state: State) -> None:
    data = state["s1"]
    data["parts"]["nic"] = ["eno1", "eth1"]
    data["part_ids"] = {"eno1": 21, "eth1": 22}
    data["part_attrs"] = {"eno1": data["part_attrs"]["eth0"]}
    data["connect"], data["ip"] = {"eno1": "sw1:Gi1"}, [{"eno1": ["10.0.0.1"]}]


def _parts_swapped(state: State) -> None:
    """Each of two parts has the name of the other; the cable stays in the same socket."""
    data = state["s1"]
    data["part_ids"] = {"eth0": 22, "eth1": 21}
    data["part_attrs"] = {"eth1": data["part_attrs"]["eth0"]}
    data["connect"], data["ip"] = {"eth1": "sw1:Gi1"}, [{"eth1": ["10.0.0.1"]}]


def _part_deleted(state: State) -> None:
    """With its cable, its address and its values."""
    data = state["s1"]
    data["parts"]["nic"], data["part_ids"] = ["eth1"], {"eth1": 22}
    del data["part_attrs"], data["connect"], data["ip"]


def _part_deleted_that_was_named(state: State) -> None:
    """A relation leads to another one then."""
    state["s2"]["attrs"]["uplink"] = {"ref": "srv1:eth0"}


def _part_added(state: State) -> None:
    state["sw"]["parts"]["port"].append("Gi4")
    state["sw"]["part_ids"]["Gi4"] = 14


def _part_made_anew(state: State) -> None:
    """Of the same name, and another identity."""
    state["s1"]["part_ids"] = {"eth0": 29, "eth1": 22}


def _typed(state: State, type_name: str = "acme/box") -> None:
    """Device types that the source has too, and a server made after one of them."""
    for id, name, height, ports in (("t1", "acme/box", 1, ["eth0", "eth1"]), ("t2", "acme/tall", 2, ["eth0", "lan9"])):
        parts = [{"kind": "interface", "name": port, "attrs": {"connector": "1000base-t"}} for port in ports]
        definition = {"driver": "Server", "attrs": {"height": height}, "parts": parts}
        state[id] = {"name": name, "driver": "DeviceType", "attrs": {"definition": {"json": definition}}}
    state["s3"] = {
        "name": "srv3",
        "driver": "Server",
        "type": type_name,
        "at": "R2:RU5",
        "connect": {"eth0": "sw1:Gi3"},
    }


def _type_renamed(state: State) -> None:
    state["t1"]["name"] = state["s3"]["type"] = "acme/crate"


def _type_changed(state: State) -> None:
    """Which is higher, and has another port."""
    state["s3"] |= {"type": "acme/tall", "at": "R2:RU5-6"}


def _type_redefined(state: State) -> None:
    """And the machines of it have the part that it has now."""
    state["t1"]["attrs"]["definition"] = copy.deepcopy(state["t2"]["attrs"]["definition"])
    state["s3"] |= {"at": "R2:RU5-6", "connect": {"lan9": "sw1:Gi3"}}


def _type_lost(state: State) -> None:
    """The type stays, the server is made after none."""
    del state["s3"]["type"]


def _parent_changed(state: State) -> None:
    state["r2"]["in"] = ["DC2"]


def _everything_at_once(state: State) -> None:
    for change in (
        _height_changed,
        _names_swapped,
        _parts_swapped,
        _addresses_swapped,
        _device_added,
        _site_renamed,
        _rack_renamed,
        _value_emptied,
        _tag_removed,
        _parent_changed,
    ):
        change(state)


CHANGES: list[Callable[[State], None]] = [
    content for name, content in list(globals().items()) if name.startswith("_") and callable(content)
    and getattr(content, "__annotations__", {}).keys() == {"state", "return"}
]  # fmt: skip


def _anew(state: State, path: Any) -> dict[str, Any]:
    url = f"sqlite:///{path}"
    create(url)
    fresh = Inventory(Settings(url))
    assert sync(fresh, state).in_step
    return exported(fresh)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_what_changed_in_the_source_is_so_here(change: Callable[[State], None], sqlite_url: str, tmp_path: Any) -> None:
    """There and back: the inventory is that which the source alone would make."""
    inventory = Inventory(Settings(sqlite_url))
    before, after = site(), site()
    if change in (_type_renamed, _type_changed, _type_redefined, _type_lost):
        _typed(before)
        _typed(after)
    if change is _part_deleted_that_was_named:
        before["s2"]["attrs"]["uplink"] = {"ref": "srv1:eth1"}
        after["s1"]["parts"]["nic"] = ["eth0"]
        del after["s1"]["part_ids"]["eth1"]
    change(after)
    sync(inventory, before)
    there = sync(inventory, copy.deepcopy(after), prune=True)
    assert (there.conflicts, there.held, there.kept, there.gone) == ([], [], [], [])
    assert exported(inventory) == _anew(after, tmp_path / "after.db")
    again = sync(inventory, copy.deepcopy(after), prune=True)
    assert (again.changed, again.transaction) == (0, None)
    back = sync(inventory, before, prune=True)
    assert (back.conflicts, back.held, back.kept) == ([], [], [])
    assert exported(inventory) == _anew(before, tmp_path / "before.db")
