"""Address spaces: the same addresses several times, each once in its VRF; and addresses that several hold at once."""

from __future__ import annotations

import io
import json
from random import Random

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.addresses import SHARED, Assigned, assigned, claim_of, claimed, last_claim
from clusto_core.model.things import Thing
from clusto_core.records.integrity import problems
from clusto_core.records.revert import revert
from clusto_core.resources import ipam
from clusto_core.transfer import importer
from clusto_core.transfer.formats import reader_of, writer_of
from clusto_core.transfer.leaving import Leaving
from tests.conftest import Run

CIDR = "10.0.0.0/29"


def site(change: Transaction) -> None:
    """Three Networks of one block, in two VRFs and in the space without a name, and machines."""
    for name in ("red", "blue"):
        change.add("VRF", name)
        change.add("Network", f"{name}-net", attributes={"cidr": CIDR, "vrf": name})
    change.add("Network", "net", attributes={"cidr": CIDR})
    for number in range(1, 5):
        change.add("Server", f"s{number}")


@pytest.fixture
def spaces(inventory: Inventory) -> Inventory:
    with inventory.change() as change:
        site(change)
    return inventory


def held(inventory: Inventory) -> list[str]:
    with inventory.read() as reader:
        assert list(problems(reader)) == []
        return [f"{each.assigned} {each.holder.name}" for each in ipam.held(reader)]


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.1@", "10.0.0.1@blue", "10.0.0.1+vrrp", "2001:db8::1+anycast@b-1"])
def test_an_address_is_read_as_it_is_written(text: str) -> None:
    assert str(assigned(text)) == text


@pytest.mark.parametrize("text", ["10.0.0.1+", "10.0.0.1+mine", "10.0.0@blue", "@blue", "+vrrp", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        assigned(text)


def test_all_claims_of_an_address_are_in_its_span_and_in_no_other() -> None:
    plain = [str(claim_of(text)) for text in ("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.255", "2001:db8::1")]
    for claim in plain:
        every = [claimed(claim, space, shared) for space in (None, 1, 10**12) for shared in (None, 2, 10**12)]
        assert len(set(every)) == len(every)
        assert all(len(each) <= 80 for each in every)
        for other in plain:
            assert all((other <= each < last_claim(other)) == (claim == other) for each in every)


def test_each_space_gives_out_its_own_addresses(spaces: Inventory) -> None:
    with spaces.change() as change:
        for network in ("net", "red-net", "blue-net"):
            for holder in ("s1", "s2"):
                ipam.allocate(change, change.resolve(network), change.resolve(holder))
    assert held(spaces) == [f"10.0.0.{number}{space} s{number}" for number in (1, 2) for space in ("", "@red", "@blue")]
    with spaces.read() as reader:
        assert [each.holder.name for each in ipam.held(reader, ipam.block_of(reader, reader.resolve("red-net")))] == [
            "s1",
            "s2",
        ]


def test_a_space_is_said_where_several_could_be_meant(spaces: Inventory) -> None:
    with spaces.change() as change:
        s1, s2 = change.resolve("s1"), change.resolve("s2")
        with pytest.raises(Malformed, match=r"in 3 address spaces: write 10.0.0.3@ or 10.0.0.3@blue or 10.0.0.3@red"):
            ipam.give(change, "10.0.0.3", s1)
        assert ipam.give(change, "10.0.0.3@", s1)
        assert ipam.give(change, "10.0.0.3@red", s2)
        assert not ipam.give(change, "10.0.0.3@red", s2)
        with pytest.raises(Refused, match="taken in the address space red: s2 holds it"):
            ipam.give(change, "10.0.0.3@red", s1)
    with spaces.read() as reader:
        assert reader.resolve("10.0.0.3@red").name == "s2"
        assert reader.resolve("10.0.0.3@").name == "s1"
        with pytest.raises(Malformed, match=r"several Things hold 10.0.0.3: s1 \(10.0.0.3\), s2 \(10.0.0.3@red\)"):
            reader.resolve("10.0.0.3")
    with spaces.change() as change, pytest.raises(Malformed, match="held in 2 address spaces"):
        ipam.release(change, "10.0.0.3")
    with spaces.change() as change:
        assert [str(each.assigned) for each in ipam.release(change, "10.0.0.3@red")] == ["10.0.0.3@red"]
    assert held(spaces) == ["10.0.0.3 s1"]


@pytest.mark.parametrize("shared", SHARED)
def test_a_shared_address_is_held_by_several_and_by_nobody_alone(spaces: Inventory, shared: str) -> None:
    with spaces.change() as change:
        things = [change.resolve(f"s{number}:eth0") for number in (1, 2)]
        given = ipam.allocate_to(change, change.resolve("red-net"), things, shared)
        assert given == Assigned("10.0.0.1", "red", shared)
        assert ipam.give(change, "10.0.0.1@red", change.resolve("s3"), shared)
        assert not ipam.give(change, "10.0.0.1@red", change.resolve("s3"), shared)
        other = next(each for each in SHARED if each != shared)
        for said in (None, other):
            with pytest.raises(Refused, match=f"is shared in the address space red as {shared}"):
                ipam.give(change, "10.0.0.1@red", change.resolve("s4"), said)
        ipam.give(change, "10.0.0.2@red", change.resolve("s4"))
        with pytest.raises(Refused, match="s4 holds it alone"):
            ipam.give(change, "10.0.0.2@red", change.resolve("s1"), shared)
        assert ipam.allocate(change, change.resolve("red-net"), change.resolve("s4")) == "10.0.0.3"
    assert held(spaces)[:3] == [f"10.0.0.1+{shared}@red {name}" for name in ("s1:eth0", "s2:eth0", "s3")]
    with spaces.change() as change:
        assert len(ipam.release(change, "10.0.0.1@red")) == 3
        assert ipam.give(change, "10.0.0.1@red", change.resolve("s4"))
    held(spaces)


def test_one_block_is_one_networks_in_a_space(spaces: Inventory) -> None:
    for attributes in ({"cidr": CIDR}, {"cidr": CIDR, "vrf": "red"}):
        with pytest.raises(Refused, match=f"are both {CIDR}"), spaces.change() as change:
            change.add("Network", "other", attributes=attributes)
    with pytest.raises(Refused, match="are both"), spaces.change() as change:
        change.set_values("net", "vrf", "red")
    with pytest.raises(Refused, match="red-net names it"), spaces.change() as change:
        change.remove("red")
    with spaces.change() as change:
        change.add("Network", "wider", attributes={"cidr": "10.0.0.0/24"})
        change.set_values("net", "cidr", "10.0.1.0/29")
        change.add("Network", "other", attributes={"cidr": CIDR})


def test_addresses_follow_their_network_into_another_space(spaces: Inventory) -> None:
    with spaces.change() as change:
        change.add("VRF", "green")
        change.add("Network", "inner", attributes={"cidr": "10.0.0.4/30"})
        for address, holder in (("10.0.0.1@", "s1"), ("10.0.0.5@", "s2"), ("10.0.0.1@red", "s3")):
            ipam.give(change, address, change.resolve(holder))
    with spaces.change() as change:
        change.set_values("net", "vrf", "green")
    moved = change.id
    assert moved is not None
    assert sorted(held(spaces)) == ["10.0.0.1@green s1", "10.0.0.1@red s3", "10.0.0.5 s2"]
    with spaces.change(reverts=moved) as change:
        revert(change.unit, moved)
    assert held(spaces) == ["10.0.0.1 s1", "10.0.0.1@red s3", "10.0.0.5 s2"]
    with spaces.change() as change:
        change.rename("red", "crimson")
    assert "10.0.0.1@crimson s3" in held(spaces)


@pytest.mark.parametrize("format", ["yaml", "jsonl", "csv"])
@pytest.mark.parametrize("seed", range(4))
def test_files_say_the_space_of_each_address(inventory: Inventory, empty_url: str, format: str, seed: int) -> None:
    """Whatever is held where: what is exported and imported into an empty inventory is held there."""
    random = Random(seed)
    with inventory.change() as change:
        site(change)
        if random.random() < 0.5:
            change.remove("net")
        for number in range(1, 6):
            holders = random.sample([change.resolve(f"s{each}{part}") for each in (1, 2) for part in ("", ":eth0")], 2)
            _give(change, f"10.0.0.{number}", holders, random)
    out = io.StringIO()
    with inventory.read() as reader:
        writer_of(format)(reader, reader.all(), out)
    other = Inventory(Settings(empty_url))
    with other.change() as change:
        importer.load(change, reader_of(format)(io.StringIO(out.getvalue()), "x"))
    assert sorted(held(other)) == sorted(held(inventory))


def _give(change: Transaction, address: str, holders: list[Thing], random: Random) -> None:
    from clusto_core.rules import claims

    for space in random.sample([None, change.resolve("red"), change.resolve("blue")], random.randint(0, 3)):
        if random.random() < 0.4:
            for holder in holders:
                claims.hold(change.unit, holder, f"{address}+{random.choice(SHARED[:1])}", space)
        else:
            claims.hold(change.unit, holders[0], address, space)


def test_a_file_of_addresses_takes_the_space_of_the_networks_around_them(inventory: Inventory) -> None:
    text = (
        "name,driver,cidr,vrf,ip\nblue,VRF,,,\nblue-net,Network,10.1.0.0/24,blue,\ns1,Server,,,10.1.0.9\n"
        "s2,Server,,,10.2.0.9\n"
    )
    with inventory.change() as change:
        importer.load(change, reader_of("csv")(io.StringIO(text), "x"))
    assert held(inventory) == ["10.1.0.9@blue s1", "10.2.0.9 s2"]


def test_exports_write_one_space(spaces: Inventory) -> None:
    with spaces.change() as change:
        for number, space in ((1, "@"), (2, "@red"), (3, "@blue")):
            ipam.give(change, f"10.0.0.1{space}", change.resolve(f"s{number}"))
        ipam.give(change, "10.0.0.2@red", change.resolve("s4"), "vrrp")
    with spaces.read() as reader:
        red = reader.resolve("red").id
        for ids, name in ((frozenset([None]), "s1"), (frozenset([red]), "s2")):
            out = io.StringIO()
            writer_of("hosts")(reader, reader.all(), out, Leaving(spaces=ids))
            assert [line for line in out.getvalue().splitlines() if not line.startswith("#")] == [f"10.0.0.1\t{name}"]
        assert "# 10.0.0.2 is shared (vrrp): s4 is not called by it" in out.getvalue()
        out = io.StringIO()
        writer_of("dnsmasq")(reader, reader.all(), out, Leaving(spaces=frozenset([red])))
        assert [line for line in out.getvalue().splitlines() if "dhcp-range" in line] == [
            "dhcp-range=set:red-net,10.0.0.0,static,255.255.255.248"
        ]


def test_verbs_tell_the_space(clusto: Run) -> None:
    for words in ("add VRF blue", "add Server a1 b1", f"add Network na --attr cidr={CIDR}"):
        assert clusto(*words.split()).code == 0
    refused = clusto("add", "Network", "nb", "--attr", f"cidr={CIDR}")
    assert refused.code == 4
    assert f"na and nb are both {CIDR}" in refused.err
    assert clusto("add", "Network", "nb", "--attr", f"cidr={CIDR}", "--attr", "vrf=blue").code == 0
    assert clusto("ip", "allocate", "na", "a1").out == "a1\t10.0.0.1\n"
    assert clusto("ip", "allocate", "nb", "b1").out == "b1\t10.0.0.1@blue\n"
    assert clusto("ip", "list", "na").out == "10.0.0.1\ta1\n"
    assert clusto("locate", "10.0.0.1").out == "10.0.0.1: a1 -> not connected\n10.0.0.1@blue: b1 -> not connected\n"
    assert clusto("find", "_ip:10.0.0.0/24@blue").out == "b1\n"
    assert clusto("find", "_ip:10.0.0.1@").out == "a1\n"
    assert json.loads(clusto("show", "b1", "-o", "json").out)[0]["addresses"] == [
        {"address": "10.0.0.1", "part": None, "vrf": "blue", "shared": None}
    ]
    assert clusto("add", "Server", "10.0.0.1").code == 0
    both = clusto("locate", "10.0.0.1")
    assert both.out == "10.0.0.1 -> not connected\n"
    assert both.err == "clusto: note: 10.0.0.1 is the name of a Server, and an address of a1, b1\n"
