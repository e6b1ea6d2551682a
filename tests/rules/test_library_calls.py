"""A program may call whatever it likes: what the rules let through is sound, and an export of it can be imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clusto_core.errors import ClustoError, StoreBroken
from clusto_core.inventory import Transaction
from clusto_core.model.attributes import Key, Value, structure
from clusto_core.query import saving
from clusto_core.records.integrity import problems
from clusto_core.records.revert import revert
from clusto_core.resources import ipam, naming, vlans
from clusto_core.rules import categories, claims, services
from clusto_core.transfer.faults import Faulty
from tests import inventories
from tests.transfer.test_transfer_round_trip import PROFILE, exported, import_bytes, two_stores

NAMES = [
    *("dc", "rack1", "rack2", "s1", "s2", "sw1", "pdu1", "panel", "lb1", "pool1", "role1", "class1", "www", "net1"),
    *("range1", "acme/box1", "@q1", "@q2", "vlan1"),
]
PARTS = [
    *("s1:eth0", "s2:eth0", "sw1:1", "sw1:2", "panel:1", "panel:2", "panel:rear1", "panel:rear2", "rack1:RU1"),
    *("rack2:RU2", "pdu1:1", "s1:psu1", "s1:psu2", "lb1:vip1", "s1:console"),
]
ODD = [
    "",
    "new1",
    "new2",
    "a b",
    "nowhere",
    "10.0.0.1",
    "s1:",
    ":x",
    "s1:new",
    "rack1:RU1-2",
    "rack1:RU3",
    "@new",
    "x/y",
]
KEYS: list[Any] = [
    *("status", "height", "type", "protected", "port", "role", "service", "pool", "requires", "cidr", "pattern"),
    *("definition", "label", "_in", "_ip", "_given", "_expression", "_power.last", "_nobody", "a b", "", "mac"),
    *(Key("a b"), Key("a.b"), Key("x", 3, "y"), Key("_in"), 5, None),
]
ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.0", "10.0.0.7", "2001:db8::1", "2001:DB8:0::1", "10.1.2", "x"]

names = st.sampled_from(NAMES + PARTS + ODD)
keys = st.sampled_from(KEYS)
scalars = st.one_of(
    inventories.values,
    st.sampled_from(
        [0, 1, 2, 3, True, "acme/box1", "10.0.0.0/29", "n[1-3]", "driver:Server", "n1", None, b"x", {"a": 1}]
    ),
    st.sampled_from([Value("relation", name) for name in (*NAMES, "nowhere")]),
    st.sampled_from([Value("integer", "007"), Value("json", "{"), Value("teapot", "x"), Value("string", "x", 7)]),
    st.sampled_from([structure({"parts": [{"kind": "interface", "name": "a b"}], "attrs": {}}), structure([])]),
)
several = st.one_of(scalars, st.lists(scalars, max_size=3), st.sampled_from([{"x", "y"}, range(3), object()]))

CALLS: dict[str, Callable[[Transaction, str, str, Any, Any], object]] = {
    "add": lambda c, one, other, key, value: c.add("Server", one, parents=other, attributes=[(key, value)]),
    "add rack": lambda c, one, other, key, value: c.add("Rack", one, parents=[other], part_counts={"ru": 4}),
    "add typed": lambda c, one, other, key, value: c.add("Server", one, device_type="acme/box1"),
    "add type": lambda c, one, other, key, value: c.add("DeviceType", one, attributes={"definition": value}),
    "add part": lambda c, one, other, key, value: c.add("NIC", one, attributes={"mac": value}),
    "add rear": lambda c, one, other, key, value: c.add("RearPort", one),
    "add counted": lambda c, one, other, key, value: c.add("Server", one, part_counts={"nic": value}),
    "remove": lambda c, one, other, key, value: c.remove(one),
    "force": lambda c, one, other, key, value: c.remove_all([one, other], force=True),
    "rename": lambda c, one, other, key, value: c.rename(one, other),
    "set": lambda c, one, other, key, value: c.set_values(one, key, value),
    "more": lambda c, one, other, key, value: c.add_values(one, key, value),
    "refer": lambda c, one, other, key, value: c.add_values(one, key, c.resolve(other)),
    "delete": lambda c, one, other, key, value: c.delete_values(one, key),
    "delete one": lambda c, one, other, key, value: c.delete_values([c.resolve(one), c.resolve(other)], key, value),
    "put": lambda c, one, other, key, value: c.put(one, other),
    "take": lambda c, one, other, key, value: c.take(one, other),
    "connect": lambda c, one, other, key, value: c.connect(one, other),
    "connect by": lambda c, one, other, key, value: c.connect(one, other, key),
    "disconnect": lambda c, one, other, key, value: c.disconnect(one),
    "hold": lambda c, one, other, key, value: claims.hold(c.unit, c.resolve(one), ADDRESSES[len(one) % 9]),
    "give": lambda c, one, other, key, value: ipam.give(c, ADDRESSES[len(other) % 9], c.resolve(one)),
    "ip": lambda c, one, other, key, value: ipam.allocate(c, c.resolve("net1"), c.resolve(one)),
    "free ip": lambda c, one, other, key, value: ipam.release(c, one),
    "name": lambda c, one, other, key, value: naming.allocate(c, c.resolve("range1")),
    "free name": lambda c, one, other, key, value: naming.release(c, "n1"),
    "vlan": lambda c, one, other, key, value: vlans.allocate(c, one, 2, 4),
    "free vlan": lambda c, one, other, key, value: vlans.free(c, one),
    "require": lambda c, one, other, key, value: categories.require(c.unit, c.resolve(one), c.resolve(other)),
    "serve": lambda c, one, other, key, value: services.add(c.unit, c.resolve("www"), c.resolve(one)),
    "serve behind": lambda c, one, other, key, value: services.add(
        c.unit, c.resolve("www"), c.resolve(one), services.vip_named(c.unit, "lb1:vip1")
    ),
    "serve no more": lambda c, one, other, key, value: services.remove(c.unit, c.resolve("www"), c.resolve(one)),
    "service": lambda c, one, other, key, value: services.create(c.unit, one, 80, c.resolve(other)),
    "save": lambda c, one, other, key, value: saving.save(c.unit, one, other, allow_unknown=True),
    "forget": lambda c, one, other, key, value: saving.delete(c.unit, one),
    "undo": lambda c, one, other, key, value: revert(c.unit, 1 + len(one) % 5),
}
Call = tuple[str, str, str, Any, Any]
calls = st.tuples(st.sampled_from(sorted(CALLS)), names, names, keys, several)
# What is of some use comes as often as what is odd.
likely = st.tuples(
    st.sampled_from(
        ["connect", "put", "take", "remove", "rename", "set", "more", "refer", "disconnect", "force", "undo"]
    ),
    st.sampled_from(NAMES + PARTS),
    st.sampled_from(NAMES + PARTS),
    st.sampled_from(["status", "height", "x", "protected", "type"]),
    st.sampled_from([1, 2, "y", "acme/box1", True]),
)
transactions = st.lists(st.lists(calls | likely, min_size=1, max_size=12), min_size=1, max_size=6)


def fill(change: Transaction) -> None:
    for driver, name in (("Datacenter", "dc"), ("Pool", "pool1"), ("Role", "role1"), ("Class", "class1")):
        change.add(driver, name)
    for driver, name, counts in (
        ("Rack", "rack1", {"ru": 4}),
        ("Rack", "rack2", {"ru": 4}),
        ("Server", "s1", {"nic": 2}),
        ("Server", "s2", {"nic": 1, "inlet": 1}),
        ("Switch", "sw1", {"port": 3}),
        ("PDU", "pdu1", {"outlet": 2}),
        ("PatchPanel", "panel", {"port": 2}),
        ("LoadBalancer", "lb1", {"vip": 1}),
    ):
        change.add(driver, name, part_counts=counts)
    services.create(change.unit, "www", 443)
    change.add("Network", "net1", attributes={"cidr": "10.0.0.0/29"})
    change.add("NameRange", "range1", attributes={"pattern": "n[1-3]"})
    change.add("DeviceType", "acme/box1", attributes={"definition": structure(inventories._DEFINITION)})
    saving.save(change.unit, "q1", "driver:Server")
    vlans.allocate(change, "vlan1", 2, 4)


@hypothesis_settings(PROFILE, max_examples=150)
@given(wanted=transactions)
def test_any_calls_leave_a_sound_store_whose_export_can_be_imported(
    sqlite_template: Path, wanted: list[list[Call]]
) -> None:
    with two_stores(sqlite_template) as (one, other):
        with one.change() as change:
            fill(change)
        for calls in wanted:
            try:
                with one.change() as change:
                    for name, *arguments in calls:
                        try:
                            CALLS[name](change, *arguments)
                        except StoreBroken:
                            raise
                        except ClustoError:
                            continue
            except StoreBroken:
                raise
            except ClustoError:
                continue
        with one.read() as reader:
            assert list(problems(reader)) == []
        text = exported(one, "jsonl")
        try:
            import_bytes(other, text, "jsonl")
        except Faulty as error:
            pytest.fail("; ".join(map(str, error.faults)))
        assert inventories.content(other) == inventories.content(one)
        assert import_bytes(one, text, "jsonl") is None
