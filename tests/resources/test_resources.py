"""Addresses, VLAN ids and names: given out once, refused when taken, kept apart among many at once."""

from __future__ import annotations

from itertools import islice

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.resources import ipam, naming, vlans
from tests.at_once import at_once
from tests.conftest import Run


def network(change: Transaction, name: str, cidr: str, **attributes: object) -> None:
    change.add("Network", name, attributes=[("cidr", cidr), *attributes.items()])


def free(change: Transaction, name: str, number: int = 3) -> list[str]:
    block = ipam.block_of(change.unit.reader, change.resolve(name))
    return [str(address) for address in islice(ipam.free(change.unit.reader, block), number)]


@pytest.mark.parametrize(
    ("cidr", "attributes", "expected"),
    [
        ("10.0.0.0/29", {}, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]),
        ("10.0.0.0/29", {"gateway": "10.0.0.1", "reserved": "10.0.0.3-10.0.0.5"}, ["10.0.0.2", "10.0.0.6"]),
        ("10.0.0.0/29", {"reserved": "10.0.0.0/30", "gateway": "10.0.0.2"}, ["10.0.0.4", "10.0.0.5", "10.0.0.6"]),
        ("10.0.0.0/31", {}, ["10.0.0.0", "10.0.0.1"]),
        ("10.0.0.9/32", {}, ["10.0.0.9"]),
        ("2001:db8::/126", {"gateway": "2001:db8::1"}, ["2001:db8::2", "2001:db8::3"]),
        ("2001:db8::/127", {}, ["2001:db8::", "2001:db8::1"]),
    ],
)
def test_what_a_network_has_to_give(
    sqlite_url: str, cidr: str, attributes: dict[str, object], expected: list[str]
) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        network(change, "net", cidr, **attributes)
    with Inventory(Settings(sqlite_url)).change(dry_run=True) as change:
        assert free(change, "net", 100) == expected


def test_addresses_are_given_and_taken_back(inventory: Inventory) -> None:
    with inventory.change() as change:
        network(change, "site", "10.0.0.0/8")
        network(change, "net", "10.0.0.0/29", gateway="10.0.0.1")
        network(change, "net6", "2001:db8::/64")
        for name in ("s1", "s2"):
            change.add("Server", name)
    with inventory.change() as change:
        net, eth0 = change.resolve("net"), change.resolve("s1:eth0")
        assert [ipam.allocate(change, net, eth0) for _ in range(2)] == ["10.0.0.2", "10.0.0.3"]
        assert ipam.allocate(change, change.resolve("net6"), eth0) == "2001:db8::1"
        assert ipam.give(change, "10.0.0.5", change.resolve("s2"))
        assert not ipam.give(change, "10.0.0.5", change.resolve("s2"))
    with inventory.change() as change:
        assert free(change, "net") == ["10.0.0.4", "10.0.0.6"]
        assert free(change, "site", 1) == ["10.0.0.8"], "those of a Network within it are not its to give"
        ipam.allocate(change, change.resolve("net"), change.resolve("s2"))
        for address, problem in (
            ("10.0.0.2", "10.0.0.2 is taken: s1:eth0"),
            ("10.0.0.4", "is taken: s2"),
            ("192.0.2.1", "outside every Network"),
            ("10.0.0.0", "the address of net"),
            ("10.0.0.7", "broadcast address of net"),
        ):
            with pytest.raises(Refused, match=problem):
                ipam.give(change, address, change.resolve("s1"))
        with pytest.raises(Malformed, match="not an IP address"):
            ipam.give(change, "banana", change.resolve("s2"))
        ipam.allocate(change, change.resolve("net"), change.resolve("s2"))
        with pytest.raises(Refused, match=r"no address of net \(10.0.0.0/29\) is free"):
            ipam.allocate(change, change.resolve("net"), change.resolve("s2"))
    with inventory.read() as reader:
        held = ipam.held(reader, ipam.block_of(reader, reader.resolve("net")))
        assert [(each.address, each.holder.name) for each in held] == [
            ("10.0.0.2", "s1:eth0"),
            ("10.0.0.3", "s1:eth0"),
            ("10.0.0.4", "s2"),
            ("10.0.0.5", "s2"),
            ("10.0.0.6", "s2"),
        ]
        assert len(ipam.held(reader)) == 6
    with inventory.change() as change:
        assert [each.address for each in ipam.release(change, "10.0.0.3")] == ["10.0.0.3"]
        assert {each.address for each in ipam.release(change, "s1")} == {"10.0.0.2", "2001:db8::1"}
        with pytest.raises(NotFound, match="nothing holds"):
            ipam.release(change, "10.0.0.3")
    with inventory.change() as change:
        assert free(change, "net", 2) == ["10.0.0.2", "10.0.0.3"]


def test_vlan_ids(inventory: Inventory) -> None:
    with inventory.change() as change:
        for name in ("dc1", "dc2"):
            change.add("Datacenter", name)
        change.add("VLAN", "default", attributes=[("vid", 1)])
        change.add("VLAN", "web", attributes=[("vid", 200)])
        change.add("VLAN", "db", parents=["dc1"], attributes=[("vid", 201)])
    with inventory.change() as change:
        dc1, dc2 = change.resolve("dc1"), change.resolve("dc2")
        assert vlans.allocate(change, "a", *vlans.parse_range("200-203"))[1] == 202
        assert vlans.allocate(change, "b", 200, 203)[1] == 203
        with pytest.raises(Refused, match="no VLAN id from 200 to 203 is free"):
            vlans.allocate(change, "c", 200, 203)
        assert vlans.allocate(change, "d", *vlans.parse_range(None))[1] == 2
        assert vlans.allocate(change, "e", 1002, 1006)[1] == 1006
        assert vlans.allocate(change, "f", 200, 300, dc2)[1] == 201, "which is taken in dc1 only"
        assert vlans.allocate(change, "g", 200, 300, dc1)[1] == 204
        with pytest.raises(Refused, match="the name is taken: web"):
            vlans.allocate(change, "web", 300, 400)
    with inventory.read() as reader:
        assert [each.id for each in vlans.numbered(reader)][:3] == [1, 2, 200]
    for text in ("x", "5", "9-5", "0-5", "1-4095"):
        with pytest.raises(Malformed):
            vlans.parse_range(text)


def test_names_of_a_range(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add("NameRange", "names", attributes=[("pattern", "s[01-05]")])
        change.add("NameRange", "none")
        change.add("Pool", "s02")
    with inventory.change() as change:
        assert naming.allocate(change, change.resolve("names"), 2) == ["s01", "s03"]
        assert naming.allocate(change, change.resolve("names")) == ["s04"]
        with pytest.raises(Malformed, match="has no pattern"):
            naming.allocate(change, change.resolve("none"))
        with pytest.raises(Malformed, match="is a Pool, not a NameRange"):
            naming.allocate(change, change.resolve("s02"))
    with inventory.change() as change:
        change.add("Pool", "s01")
        with pytest.raises(Refused, match="2 wanted, 1 names of names are free"):
            naming.allocate(change, change.resolve("names"), 2)
    with inventory.read() as reader:
        assert [(each.name, each.used) for each in naming.given_out(reader)] == [
            ("s01", True),
            ("s03", False),
            ("s04", False),
        ]
    with inventory.change() as change:
        naming.release(change, "s03")
        with pytest.raises(NotFound, match="was not given out: s05"):
            naming.release(change, "s05")
        assert naming.allocate(change, change.resolve("names"), 2) == ["s03", "s05"]


def test_the_commands(clusto: Run) -> None:
    clusto("add", "Network", "net", "--attr", "cidr=10.0.0.0/29", "--attr", "gateway=10.0.0.1")
    clusto("add", "Server", "s[1-2]")
    assert clusto("ip", "allocate", "net", "s[1-2]:eth0").out == "s1:eth0\t10.0.0.2\ns2:eth0\t10.0.0.3\n"
    assert clusto("ip", "allocate", "10.0.0.6", "s1").out == "s1\t10.0.0.6\n"
    taken = clusto("ip", "allocate", "10.0.0.6", "s2")
    assert (taken.code, taken.err) == (4, "clusto: error: 10.0.0.6 is taken: s1 holds it\n")
    assert clusto("ip", "list", "net").out == "10.0.0.2\ts1:eth0\n10.0.0.3\ts2:eth0\n10.0.0.6\ts1\n"
    assert clusto("find", "driver:Server and _ip:10.0.0.2").out == "s1\n"
    assert clusto("ip", "free", "10.0.0.3", "s1").code == 0
    assert clusto("ip", "list", "-o", "json").out == "[]\n"
    assert clusto("vlan", "allocate", "cust[1-2]", "--range", "200-299").out == "cust1\t200\ncust2\t201\n"
    assert clusto("vlan", "free", "cust1").out == "freed cust1\n"
    assert clusto("vlan", "list").out == "201\tcust2\n"
    clusto("add", "NameRange", "names", "--attr", "pattern=web[01-09]")
    assert clusto("name", "allocate", "names", "--count", "2").out == "web01\nweb02\n"
    assert clusto("name", "list").out == "web01\tnames\tfree to use\nweb02\tnames\tfree to use\n"
    assert clusto("name", "free", "web01").out == "freed web01 of names\n"
    assert clusto("name", "allocate", "names", "--count", "9").code == 4


PROCESSES = 20


def _take(url: str) -> tuple[object, ...]:
    with Inventory(Settings(url)).change() as change:
        address = ipam.allocate(change, change.resolve("net"), change.resolve("s1"))
        number = vlans.allocate(change, f"v{address}", 100, 200)[1]
        return address, number, naming.allocate(change, change.resolve("names"))[0]


def test_many_at_once_get_different_ones(store_url: str) -> None:
    inventory = Inventory(Settings(store_url))
    with inventory.change() as change:
        network(change, "net", "10.0.0.0/27")
        change.add("Server", "s1")
        change.add("NameRange", "names", attributes=[("pattern", "n[1-20]")])
    found = at_once(PROCESSES, _take, store_url)
    assert not [each for each in found if not isinstance(each, tuple)]
    for which in range(3):
        assert len({each[which] for each in found}) == PROCESSES
