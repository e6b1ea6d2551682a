"""Import: what changes, what stays, what is refused, and how that is told; on each database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.records.history import entries
from clusto_core.records.revert import revert
from clusto_core.transfer import difference, importer
from clusto_core.transfer.documents import parse
from clusto_core.transfer.faults import Faulty
from clusto_core.transfer.importer import Counts
from tests.inventories import content

SITE: list[dict[str, Any]] = [
    {
        "name": "server1",
        "driver": "Server",
        "in": ["web-pool"],
        "at": "rack101:RU13-14",
        "attrs": {"status": "unallocated", "tag": ["x", "y"], "height": 2, "snmp.community": "s3cret"},
        "ip": ["10.0.0.9", {"eth0": ["10.0.0.1", "2001:DB8::1"]}],
        "connect": {"eth0": "switch2a:4", "psu1": "pdu3:7", "console": "cs1"},
        "part_attrs": {"eth0": {"mac": "52:54:00:00:00:01"}},
    },
    {"name": "server2", "driver": "server", "parts": {"nic": ["eno1", "eno2"]}, "connect": {"eno1": "switch2a:5"}},
    {"name": "rack101", "driver": "Rack", "in": "room1"},
    {"name": "switch2a", "driver": "NetworkSwitch", "part_attrs": {"4": {"label": "Gi0/4"}}, "at": "rack101:RU40"},
    {"name": "pdu3", "driver": "PDU", "in": ["rack101"], "attrs": {"height": 0, "feeds": {"ref": "rack101"}}},
    {"name": "cs1", "driver": "Console"},
    {"name": "web-pool", "driver": "Pool"},
    {"name": "room1", "driver": "Room"},
]


def load(inventory: Inventory, objects: Iterable[Any], **options: Any) -> tuple[Counts, int | None]:
    with inventory.change("test", **options) as change:
        counts = importer.load(change, [parse(each, "site", line) for line, each in enumerate(objects, 1)])
    return counts, change.id


def faults(inventory: Inventory, *objects: Any) -> list[str]:
    """What is wrong with the objects; that nothing of them is imported is proved besides."""
    before = content(inventory)
    with pytest.raises(Faulty) as caught:
        load(inventory, objects)
    assert content(inventory) == before
    return [str(fault) for fault in caught.value.faults]


def dry(inventory: Inventory, *objects: Any) -> list[str]:
    with inventory.change(dry_run=True) as change:
        importer.load(change, [parse(each, "site", line) for line, each in enumerate(objects, 1)])
        return sorted(difference.lines(change.unit))


@pytest.fixture
def site(inventory: Inventory) -> Inventory:
    assert load(inventory, SITE) == (Counts(8, 8), 1)
    return inventory


def test_things_come_in_any_order_and_the_same_file_twice_changes_nothing(site: Inventory) -> None:
    with site.read() as reader:
        server = reader.resolve("server1")
        told = {(link.part.name if link.part else "", link.other.name) for link in reader.links(server.id)}
        assert told == {
            ("server1:eth0", "switch2a:4"),
            ("server1:psu1", "pdu3:7"),
            ("server1:console", "cs1:1"),
            ("", "rack101:RU13"),
            ("", "rack101:RU14"),
        }
        assert reader.resolve("2001:db8:0:0::1") == server
        assert reader.resolve("10.0.0.9") == server
        assert [part.part_name for part in reader.parts(reader.resolve("server2").id)] == [
            "console",
            "eno1",
            "eno2",
            "psu1",
            "psu2",
        ]
    before = content(site)
    assert load(site, SITE) == (Counts(8, 0), None)
    assert content(site) == before
    with site.read() as reader:
        assert len(list(entries(reader))) == 1


def test_a_changed_file_changes_just_that(site: Inventory) -> None:
    told = dry(
        site,
        {"name": "server1", "attrs": {"status": "allocated", "tag": ["y", "z"], "snmp.community": "other"}},
        {"name": "pdu3", "attrs": {"feeds": [], "height": 0}, "in": ["rack101"]},
    )
    assert told == [
        "- pdu3 feeds=@rack101",
        "~ server1 snmp.community: **** -> ****",
        "~ server1 status: unallocated -> allocated",
        "~ server1 tag: x -> z",
    ]
    load(site, [{"name": "server1", "attrs": {"status": "allocated", "tag": ["y", "z"]}}])
    with site.read() as reader:
        values = [each.value.text for each in reader.attributes(reader.resolve("server1").id) if each.key == Key("tag")]
        assert values == ["y", "z"]


def test_a_cable_and_a_position_that_differ_replace_the_old_ones(site: Inventory) -> None:
    swapped = [
        {"name": "server1", "connect": {"eth0": "switch2a:5"}, "at": "rack101:RU14-15"},
        {"name": "switch2a", "connect": {"Gi0/4": "server2:eno1"}, "at": "rack101:RU13"},
    ]
    assert dry(site, *swapped) == [
        *("+ server1 -- rack101:RU14", "+ server1 -- rack101:RU15", "+ server1:eth0 -- switch2a:5"),
        *("+ switch2a -- rack101:RU13", "+ switch2a:4 -- server2:eno1"),
        *("- server1 -- rack101:RU13", "- server1 -- rack101:RU14", "- server1:eth0 -- switch2a:4"),
        *("- server2:eno1 -- switch2a:5", "- switch2a -- rack101:RU40"),
    ]
    load(site, swapped)
    assert load(site, swapped)[1] is None


def test_a_cable_is_not_taken_from_a_thing_that_the_file_does_not_name(site: Inventory) -> None:
    assert faults(site, {"name": "server2", "connect": {"eno2": "switch2a:4"}}) == [
        "site:1: server2: switch2a:4 is connected to server1:eth0: disconnect it first"
    ]


def test_one_cable_said_at_both_ends_is_one_and_said_twice_differently_is_refused(inventory: Inventory) -> None:
    both = [
        {"name": "a", "driver": "Server", "connect": {"eth0": "b:1"}},
        {"name": "b", "driver": "Switch", "connect": {"1": "a:eth0"}},
    ]
    load(inventory, both)
    assert load(inventory, both)[1] is None
    for order in (1, -1):
        wrong = [
            {"name": "a", "connect": {"eth0": "b:1"}},
            {"name": "b", "connect": {"1": "a:eth1"}},
        ][::order]
        (told,) = faults(inventory, *wrong)
        assert "connected to" in told


def test_addresses_change_hands_within_one_file_and_are_taken_from_nobody_else(site: Inventory) -> None:
    load(
        site,
        [
            {"name": "server2", "ip": [{"eno1": "10.0.0.1"}, "10.0.0.9"]},
            {"name": "server1", "ip": [{"eth0": "10.0.0.2"}, "10.0.0.10"]},
        ],
    )
    with site.read() as reader:
        assert reader.resolve("10.0.0.1").name == "server2"
        assert reader.held(*["ip6:20010db8000000000000000000000001"] * 2) == []
    assert faults(site, {"name": "switch2a", "ip": "10.0.0.10"}) == [
        "site:1: switch2a: 10.0.0.10 is taken: server1 holds it"
    ]
    twice = [{"name": name, "driver": "Server", "ip": "10.9.0.1"} for name in ("n1", "n2")]
    assert faults(site, *twice) == ["site:2: n2: 10.9.0.1 is taken: n1 holds it"]


def test_parts_become_those_of_the_file(site: Inventory) -> None:
    assert dry(site, {"name": "server2", "parts": {"nic": ["eno1", "eno3"], "inlet": 1}}) == [
        "+ NIC server2:eno3",
        "- Inlet server2:psu2",
        "- NIC server2:eno2",
    ]
    assert faults(site, {"name": "server2", "parts": {"nic": 1}}) == [
        "site:1: server2:eno1 is connected to switch2a:5: disconnect it first"
    ]


def test_a_device_type_may_be_in_the_same_file(inventory: Inventory) -> None:
    definition = {
        "driver": "Server",
        "attrs": {"height": 2, "vendor": "acme"},
        "parts": [
            {"kind": "interface", "name": "lan1", "attrs": {"label": "LAN 1"}},
            {"kind": "inlet", "name": "psu1"},
        ],
    }
    site = [
        {"name": "s1", "driver": "Server", "type": "acme/box", "parts": {"inlet": 3}, "attrs": {"vendor": "other"}},
        {"name": "sw", "driver": "Switch", "connect": {"1": "s1:LAN 1"}, "at": "r:RU2"},
        {"name": "acme/box", "driver": "DeviceType", "attrs": {"definition": {"json": definition}}},
        {"name": "r", "driver": "Rack"},
    ]
    site[1]["connect"] = {"1": "s1:lan1"}
    load(inventory, site)
    assert load(inventory, site)[1] is None
    with inventory.read() as reader:
        server = reader.resolve("s1")
        assert [part.part_name for part in reader.parts(server.id)] == ["lan1", "psu1", "psu2", "psu3"]
        values = {str(each.key): each.value.text for each in reader.attributes(server.id)}
        assert values == {"height": "2", "vendor": "other", "type": "acme/box"}
    assert faults(inventory, {"name": "s2", "driver": "Server", "type": "acme/bix"}) == [
        "site:1: s2: no such device type: acme/bix (did you mean acme/box?) (clusto import --device-type FILE)"
    ]


WRONG: list[tuple[dict[str, Any], str, type[Exception]]] = [
    ({"name": "new"}, "new is not in the inventory", NotFound),
    ({"name": "new", "driver": "Srever"}, "no such driver: Srever (did you mean Server?)", Malformed),
    ({"name": "new", "driver": "NIC"}, "a NIC is a part", Malformed),
    ({"name": "a/b", "driver": "Server"}, "malformed name 'a/b'", Malformed),
    ({"name": "-a", "driver": "Server"}, "it begins with '-'", Malformed),
    ({"name": "x" * 10_000, "driver": "Server"}, "it has 10000 characters", Malformed),
    ({"name": "a:b"}, "'a:b' is a part", Malformed),
    ({"name": "server1", "driver": "Switch"}, "server1 is a Server, not a Switch", Refused),
    ({"name": "server1", "colour": "red"}, "unknown key: 'colour'", Malformed),
    ({"name": "server1", "attrs": {"_in": "x"}}, "the key _in is reserved (say it under in)", Malformed),
    ({"name": "server1", "attrs": {"a": "x\x1b[31m"}}, "control character", Malformed),
    ({"name": "server1", "attrs": {"a": {"ref": "server3"}}}, "no such thing: server3", NotFound),
    ({"name": "server1", "attrs": {"a": None}}, "no value is given", Malformed),
    ({"name": "server1", "attrs": {"a": 2**63}}, "64 bits", Malformed),
    ({"name": "server1", "attrs": {"a": {"time": "2026-02-30"}}}, "no such date or time", Malformed),
    ({"name": "server1", "attrs": {"a b": 1}}, "malformed key", Malformed),
    ({"name": "server1", "in": ["rack1O1"]}, "no such thing: rack1O1", NotFound),
    ({"name": "server1", "in": ["rack101:RU1"]}, "only whole Things", Malformed),
    ({"name": "room1", "in": ["rack101"]}, "room1 (Room) cannot be in rack101", Refused),
    ({"name": "room1", "in": ["room1"]}, "cannot be in itself", Refused),
    ({"name": "server2", "at": "rack101"}, "malformed position", Malformed),
    ({"name": "server2", "at": "rack101:RU43"}, "rack101 has no RU43", Refused),
    ({"name": "server2", "at": "rack101:RU13"}, "RU13 in rack101 is taken by server1", Refused),
    ({"name": "server1", "at": "rack101:RU42"}, "rack101 has no RU43 (server1 is 2 units high)", Refused),
    ({"name": "server1", "at": "rack101:RU1-3"}, "server1 is 2 units high", Refused),
    ({"name": "pdu3", "at": "rack101:RU1"}, "takes no rack units", Refused),
    ({"name": "web-pool", "at": "rack101:RU1"}, "takes no rack units", Refused),
    (
        {"name": "server2", "connect": {"eno2": "pdu3:1"}},
        "server2:eno2 (a NIC) does not fit pdu3:1 (an Outlet)",
        Refused,
    ),
    ({"name": "server2", "connect": {"eno2": "server2:eno2"}}, "cannot be connected to itself", Refused),
    ({"name": "server2", "connect": {"eno9": "switch2a:9"}}, "no such part: server2:eno9", NotFound),
    ({"name": "server2", "connect": {"eno2": "switch2a:99"}}, "no such part: switch2a:99", NotFound),
    ({"name": "rack101", "connect": {"RU1": "server2"}}, "say at: rack101:RU1 of server2", Malformed),
    ({"name": "server2", "parts": {"nics": 3}}, "no such kind of part: nics (did you mean nic?)", Malformed),
    ({"name": "server2", "parts": {"nic": -1}}, "0 to 10000 parts", Malformed),
    ({"name": "server2", "parts": {"nic": ["a b"]}}, "malformed part name", Malformed),
    ({"name": "new", "driver": "Server", "parts": {"port": ["eth0"]}}, "two parts would be called eth0", Refused),
    ({"name": "server2", "part_attrs": {"eno7": {"mac": "x"}}}, "no such part: server2:eno7", NotFound),
    ({"name": "server2", "ip": "10.0.0.256"}, "not an IP address", Malformed),
    ({"name": "server2", "ip": {"eno7": "10.0.0.7"}}, "no such part: server2:eno7", NotFound),
]


def test_each_fault_is_told_with_its_place_and_changes_nothing(site: Inventory) -> None:
    before = content(site)
    for data, expected, kind in WRONG:
        with pytest.raises(Faulty) as caught:
            load(site, [{"name": "cs1"}, data])
        assert [fault.line for fault in caught.value.faults] == [2], (data, caught.value.faults)
        assert expected in str(caught.value.single), data
        assert isinstance(caught.value.single, kind), data
        assert str(caught.value.single).startswith("site:2: ")
    assert content(site) == before


def test_all_faults_of_all_lines_are_told_together_without_those_that_follow_from_others(site: Inventory) -> None:
    told = faults(
        site,
        {"name": "rackX", "driver": "Rack", "colour": "red"},
        {"name": "s9", "driver": "Server", "at": "rackX:RU1", "in": ["rackX"], "connect": {"eth0": "switch2a:4"}},
        {"name": "s10", "driver": "Server", "attrs": {"a b": 1, "c": {"ref": "rackX"}, "d": {"ref": "rackY"}}},
        {"name": "s10", "driver": "Server"},
        "s11",
    )
    assert [line.partition(" (")[0] for line in told] == [
        "site:1: unknown key: 'colour'",
        "site:2: s9: switch2a:4 is connected to server1:eth0: disconnect it first",
        "site:3: attrs: a b: malformed key: 'a b'",
        "site:4: s10 is on line 3 too",
        "site:5: expected an object with the name of a Thing, found text",
    ]


def test_an_import_is_undone_as_one_transaction(site: Inventory) -> None:
    before = content(site)
    change = json.loads(json.dumps(SITE))
    change[0] |= {"attrs": {"status": "gone"}, "connect": {"eth0": "switch2a:9"}, "at": "rack101:RU1-2"}
    number = load(site, [*change, {"name": "server3", "driver": "Server", "in": ["web-pool"]}])[1]
    assert number is not None
    assert content(site) != before
    with site.change() as undo:
        revert(undo.unit, number)
    assert content(site) == before


def test_progress_is_told(inventory: Inventory) -> None:
    told = []
    with inventory.change() as change:
        documents = [parse(each, "site", 1) for each in SITE]
        importer.load(change, documents, lambda what, done, total: told.append((what, done <= total)))
    assert {"things", "attributes", "cables"} <= {what for what, _ in told}
    assert all(right for _, right in told)
