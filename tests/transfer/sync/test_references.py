"""What a source says of address spaces, and of Things and parts that values name: kept by id, compared by id."""

from __future__ import annotations

from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.addresses import Assigned
from clusto_core.records.integrity import problems
from clusto_core.rules import claims
from tests.transfer.sync.sites import State, exported, sync


def _site() -> State:
    return {
        "red": {"name": "red", "driver": "VRF"},
        "blue": {"name": "blue", "driver": "VRF"},
        "net": {"name": "inner", "driver": "Network", "attrs": {"cidr": "10.1.0.0/16", "vrf": "red"}},
        "sw": {
            "name": "sw1", "driver": "Switch", "parts": {"port": ["Gi1", "Gi2"], "nic": ["Po1", "Po2"]},
            "part_attrs": {"Gi1": {"lag": "Po1"}}, "part_ids": {"Gi1": 11, "Gi2": 12, "Po1": 13, "Po2": 14},
        },
        "s1": {
            "name": "srv1", "driver": "Server", "parts": {"nic": ["eth0", "eth1"]},
            "ip": [{"eth0": ["10.0.0.1@red", "10.0.0.254+vrrp@red"], "eth1": ["10.1.0.7"]}],
            "part_ids": {"eth0": 21, "eth1": 22}, "attrs": {"rebuild.nic": "eth0"},
        },
        "s2": {
            "name": "srv2", "driver": "Server", "parts": {"nic": ["eth0"]}, "part_ids": {"eth0": 31},
            "ip": [{"eth0": ["10.0.0.1@blue", "10.0.0.254+vrrp@red"]}],
        },
    }  # fmt: skip


@pytest.fixture
def synced(sqlite_url: str) -> Inventory:
    """An inventory in step with a source of several address spaces."""
    inventory = Inventory(Settings(sqlite_url))
    report = sync(inventory, _site())
    assert (report.conflicts, report.held) == ([], [])
    return inventory


def _held(inventory: Inventory, part: str) -> list[str]:
    owner, name = part.split(":")
    found = exported(inventory)[owner].get("ip", [])
    return sorted(text for each in found for key, texts in each.items() if key == name for text in texts)


def _in_step(inventory: Inventory, state: State, **options: Any) -> None:
    for _ in range(2):
        report = sync(inventory, state, **options)
        assert (report.conflicts, report.held, report.kept) == ([], [], [])
    with inventory.read() as reader:
        assert list(problems(reader)) == []


def test_addresses_are_held_in_their_spaces(synced: Inventory) -> None:
    """Also where the Networks around say which one it is; and nothing is to be done the second time."""
    assert _held(synced, "srv1:eth0") == ["10.0.0.1@red", "10.0.0.254+vrrp@red"]
    assert _held(synced, "srv2:eth0") == ["10.0.0.1@blue", "10.0.0.254+vrrp@red"]
    with synced.read() as reader:
        assert [each.assigned for each in reader.holders(Assigned("10.1.0.7"))] == [Assigned("10.1.0.7", "red")]
    _in_step(synced, _site())


def test_address_spaces_may_be_exchanged_and_renamed(synced: Inventory) -> None:
    """Names of address spaces mean what the source calls so now."""
    state = _site()
    state["red"]["name"], state["blue"]["name"] = "blue", "crimson"
    state["net"]["attrs"]["vrf"] = "blue"
    state["s1"]["ip"] = [{"eth0": ["10.0.0.1@crimson", "10.0.0.254+vrrp@blue"], "eth1": ["10.1.0.7"]}]
    state["s2"]["ip"] = [{"eth0": ["10.0.0.1@blue"]}]
    _in_step(synced, state)
    assert _held(synced, "srv1:eth0") == ["10.0.0.1@crimson", "10.0.0.254+vrrp@blue"]
    assert _held(synced, "srv2:eth0") == ["10.0.0.1@blue"]


def test_addresses_follow_a_network_into_another_space(synced: Inventory) -> None:
    """Where the source says of the addresses no space, they are meant wherever they are."""
    state = _site()
    state["net"]["attrs"]["vrf"] = "blue"
    _in_step(synced, state)
    state["s1"]["attrs"]["tag"] = "x"
    _in_step(synced, state)
    with synced.change("move it here") as change:
        change.set_values("srv1", "tag", "y")
        change.rename("srv1", "mine")
    report = sync(synced, state)
    assert sorted(each.text.split()[0] for each in report.kept) == ["its", "tag"]


def test_a_space_that_is_no_vrf_holds_back_one_thing(synced: Inventory) -> None:
    """And a block that two Networks have in one space holds back the one that is new."""
    state = _site()
    state["s1"]["ip"] = [{"eth0": ["10.0.0.1@srv2"]}]
    state["again"] = {"name": "again", "driver": "Network", "attrs": {"cidr": "10.1.0.0/16", "vrf": "red"}}
    state["s2"]["attrs"] = {"tag": "x"}
    report = sync(synced, state)
    assert {each.name for each in report.held} == {"srv1", "again"}
    assert exported(synced)["srv2"]["attrs"] == {"tag": "x"}


def test_an_address_taken_here_is_a_conflict(synced: Inventory) -> None:
    """In its space alone; the source may be preferred, over who shares it otherwise, too."""
    with synced.change("by hand") as change:
        mine = change.add("Server", "mine")
        for text in ("10.0.0.9", "10.0.0.8+hsrp"):
            claims.hold(change.unit, mine, text, change.resolve("red"))
    state = _site()
    state["s2"]["ip"] = [{"eth0": ["10.0.0.1@blue", "10.0.0.9@blue"]}]
    _in_step(synced, state)
    state["s2"]["ip"] = [{"eth0": ["10.0.0.9@red", "10.0.0.8+vrrp@red"]}]
    assert {each.name for each in sync(synced, state).conflicts} == {"srv2"}
    _in_step(synced, state, prefer="source")
    assert _held(synced, "srv2:eth0") == ["10.0.0.8+vrrp@red", "10.0.0.9@red"]
    assert "ip" not in exported(synced)["mine"]


def test_references_are_compared_by_id(synced: Inventory) -> None:
    """What is renamed is no change of what names it, and names mean what the source calls so."""
    state = _site()
    sw = state["sw"]
    sw["parts"]["nic"] = ["Po2", "Po1"]
    sw["part_ids"] |= {"Po2": 13, "Po1": 14}
    sw["part_attrs"]["Gi1"]["lag"] = "Po2"
    before = exported(synced)["sw1"]["part_attrs"]["Gi1"]
    _in_step(synced, state)
    assert exported(synced)["sw1"]["part_attrs"]["Gi1"]["lag"] == {"ref": "sw1:Po2"} != before["lag"]
    with synced.change("rename it here") as change:
        change.set_values("sw1:Gi1", "lag", "Po1")
    assert ["lag" in each.text for each in sync(synced, state).kept] == [True]
    state["sw"]["part_attrs"]["Gi2"] = {"lag": "Po2"}
    assert ["lag of Gi1" in each.text for each in sync(synced, state).kept] == [True]
    assert exported(synced)["sw1"]["part_attrs"]["Gi1"]["lag"] == {"ref": "sw1:Po1"}
    state["sw"]["part_attrs"]["Gi1"] = {}
    assert ["lag" in each.text for each in sync(synced, state).conflicts] == [True]


def test_what_a_value_names_may_be_renamed_here(synced: Inventory) -> None:
    """A card, a VRF: the source goes on with its own names."""
    with synced.change("by hand") as change:
        change.rename("red", "rouge")
        change.rename("srv1:eth0", "lan0")
    state = _site()
    state["s1"]["attrs"]["tag"] = "x"
    state["net"]["attrs"]["tag"] = "x"
    report = sync(synced, state)
    assert (report.conflicts, report.held) == ([], [])
    assert all("name" in each.text for each in report.kept)
    now = exported(synced)
    assert now["inner"]["attrs"]["vrf"] == {"ref": "rouge"}
    assert now["srv1"]["attrs"]["rebuild.nic"] == {"ref": "srv1:lan0"}
    assert _held(synced, "srv1:lan0") == ["10.0.0.1@rouge", "10.0.0.254+vrrp@rouge"]
