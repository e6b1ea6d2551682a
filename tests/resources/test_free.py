"""`clusto free`: parts by kind, rack units in runs, addresses; one idea of what is free, whoever asks."""

from __future__ import annotations

import ipaddress
import itertools
import json
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.drivers import registry
from clusto_core.errors import ClustoError
from clusto_core.inventory import Inventory
from clusto_core.model import wiring
from clusto_core.query.search import find
from clusto_core.resources import ipam
from clusto_core.resources.vacancies import vacancies
from clusto_core.rules import claims, sockets
from clusto_core.spelling import natural_key
from tests.conftest import Run
from tests.query.conftest import fill
from tests.query.expressions import build, wipe


@pytest.fixture
def run(clusto: Run, sqlite_url: str) -> Run:
    with Inventory.open(sqlite_url).change() as change:
        fill(change)
        change.add("Network", "net", attributes=[("cidr", "10.2.0.0/28"), ("gateway", "10.2.0.14")])
        change.add("PatchPanel", "pp3", part_counts={"port": 2})
    return clusto


def test_parts_are_told_by_kind_and_units_with_their_height(run: Run) -> None:
    told = [" ".join(line.split()) for line in run("free", "sw1", "pdu1", "rack1", "pp3").out.splitlines()]
    assert told == [
        "sw1 5 ports [4-8]",
        "sw1 1 serial port console",
        "sw1 1 NIC mgmt",
        "sw1 2 inlets psu[1-2]",
        "pdu1 4 outlets [5-8]",
        "pdu1 1 NIC mgmt",
        "rack1 7 units RU3-8 (6), RU10",
        "pp3 2 ports [1-2]",
        "pp3 2 rear ports rear[1-2]",
    ]
    assert run("free", "rack1", "--height", "5").out == "rack1  6 units  RU3-8 (6)\n"
    assert run("free", "rack1", "--height", "5", "-o", "names").out == "rack1:RU3\nrack1:RU4\n"
    assert run("free", "sw1", "--kind", "network", "-o", "names").out.split() == [
        *(f"sw1:{number}" for number in range(4, 9)),
        "sw1:mgmt",
    ]


def test_heights_in_halves(clusto: Run) -> None:
    clusto("add", "Rack", "r1", "--parts", "ru=5")
    clusto("add", "Server", "s1", "s2", "s3", "s4", "--attr", "height=0.5")
    for name, unit in (("s1", "RU1.0"), ("s2", "RU3.5"), ("s3", "RU4/rear")):
        assert clusto("connect", name, f"r1:{unit}").code == 0
    assert clusto("free", "r1").out == "r1  2 units  RU2, RU5\n"
    assert clusto("free", "r1", "--height", "0.5").out == "r1  3.5 units  RU1.5-3.0 (2), RU4.5-5.5 (1.5)\n"
    assert clusto("free", "r1", "--height", "1.5", "-o", "names").out.split() == ["r1:RU1.5", "r1:RU2.0", "r1:RU4.5"]
    assert clusto("free", "r1", "--height", "2.5").out == "r1 -> nothing free\n"
    assert clusto("free", "r1", "--height", "1.5", "--count").out == "3.5\n"
    assert json.loads(clusto("free", "r1", "--height", "1.5", "-o", "json").out)[0]["runs"][1] == {
        "first": "RU4.5",
        "last": "RU5.5",
        "count": 1.5,
    }
    assert clusto("free", "r1", "--height", "1.3").code == 2
    (taken, *_) = clusto("free", "r1", "--height", "0.5", "-o", "names").out.split()
    assert clusto("connect", "s4", taken).code == 0
    assert taken not in clusto("free", "r1", "--height", "0.5", "-o", "names").out.split()


def test_addresses_are_those_that_may_be_given_out(run: Run) -> None:
    told = "10.2.0.5-10.2.0.13"
    assert run("free", "net").out == f"net  9 addresses  {told}\n"
    assert run("free", "10.2.0.0/28").out == f"10.2.0.0/28  9 addresses  {told}\n"
    assert run("free", "10.2.0.8/29", "--count").out == "6\n"
    assert run("free", "net", "-o", "names").out.split()[:2] == ["10.2.0.5", "10.2.0.6"]
    assert run("ip", "allocate", "net", "db1").out == "db1\t10.2.0.5\n"
    assert run("free", "net", "--count").out == "8\n"


def test_what_is_not_there_and_what_has_nothing(run: Run) -> None:
    found = run("free", "10.9.0.0/24")
    assert (found.code, found.out) == (3, "")
    assert "10.9.0.0/24 is in no Network" in found.err
    assert run("free", "sw9").code == 3
    assert run("free").code == 2
    assert run("free", "sw1:1", "web-pool", "pdu1", "--kind", "power").out.splitlines() == [
        "pdu1  4 outlets  [5-8]",
        "sw1:1 -> nothing free",
        "web-pool -> nothing free",
    ]


def test_for_programs(run: Run) -> None:
    found = json.loads(run("free", "rack1", "net", "-o", "json").out)
    assert found == [
        {
            "name": "rack1",
            "kind": "ru",
            "joins": "position",
            "count": 7,
            "runs": [{"first": "RU3", "last": "RU8", "count": 6}, {"first": "RU10", "last": "RU10", "count": 1}],
        },
        {
            "name": "net",
            "kind": "address",
            "joins": "address",
            "count": 9,
            "runs": [{"first": "10.2.0.5", "last": "10.2.0.13", "count": 9}],
        },
    ]


PROBES = {"eth0": "NIC", "psu1": "Inlet", "console": "SerialPort"}


def test_what_is_free_is_what_find_finds_free_and_what_connect_takes(run: Run) -> None:
    free = run("free", "--where", "driver:Equipment", "-o", "names").out.split()
    assert sorted(free) == sorted(run("find", "free").out.split())
    server = next(name for name in free if name.startswith("db1:psu"))
    outlet = next(name for name in free if name.startswith("pdu"))
    assert run("connect", server, outlet).code == 0
    assert not {server, outlet} & set(run("free", "db1", "pdu1", "-o", "names").out.split())


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_one_idea_of_what_is_free(sqlite_url: str, seed: int) -> None:
    """`free`, the verb's and the expression's, whether a Thing has any, and the part that `connect` takes unasked."""
    inventory = Inventory(Settings(sqlite_url))
    wipe(inventory)
    with inventory.change() as change:
        things = build(change, Random(seed))
    for thing in [each for each in things if not each.is_part and each.name != "dc"]:
        with inventory.read() as reader:
            told = vacancies(reader, thing)
            free = [part for each in told for run in each.runs for part in run.parts]
            assert set(free) == set(find(reader, f"free and name:{thing.name}:*", allow_unknown=True).things)
        for kind, probe in (("network", "eth0"), ("power", "psu1"), ("console", "console")):
            of_kind = [part.name for part in free if wiring.taken_by(part.kind) == kind]
            with inventory.read() as reader:
                has = find(reader, f"free({kind}) and name:{thing.name}").things
            assert bool(has) == bool(of_kind)
            if thing.driver == "PatchPanel":
                continue  # what is at its other side says what it takes
            with inventory.change(dry_run=True) as change:
                fitting = [
                    name
                    for name in of_kind
                    if wiring.cable_kind(change.resolve(name).kind, registry.get(PROBES[probe])) is not None
                    and not sockets.is_management(change.unit, change.resolve(name))
                    # Legs come before the port that they are of: that takes another cable when it is named.
                    and not sockets.occupied(change.unit, change.resolve(name))
                ]
                change.add("Server", "probe")
                try:
                    change.connect(thing.name, f"probe:{probe}")
                except ClustoError:
                    assert not fitting
                else:
                    cable = change.unit.cable_of(change.resolve(f"probe:{probe}"))
                    taken = change.unit.by_id(cable.across(change.resolve(f"probe:{probe}").id))
                    assert taken.name == min(fitting, key=natural_key)


def test_on_every_database(inventory: Inventory) -> None:
    with inventory.change() as change:
        fill(change)
    with inventory.read() as reader:
        [outlets, nic] = vacancies(reader, reader.resolve("pdu1"))
        assert (outlets.kind, outlets.joins, outlets.size) == ("outlet", "power", 4)
        assert (nic.kind, nic.size) == ("nic", 1)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    held=st.sets(st.integers(1, 62), max_size=20),
    kept=st.lists(st.tuples(st.integers(0, 63), st.integers(0, 20)), max_size=4),
    inner=st.booleans(),
)
def test_spans_are_what_is_neither_held_nor_kept(
    tmp_path_factory: pytest.TempPathFactory, held: set[int], kept: list[tuple[int, int]], inner: bool
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('spans') / 'clusto.db'}"
    base = int(ipaddress.IPv4Address("10.0.0.0"))
    reserved = [
        f"{ipaddress.IPv4Address(base + low)}-{ipaddress.IPv4Address(base + min(63, low + more))}" for low, more in kept
    ]
    with Inventory(Settings(url)).change() as change:
        change.add("Network", "net", attributes=[("cidr", "10.0.0.0/26"), ("reserved", reserved)])
        if inner:
            change.add("Network", "inner", attributes=[("cidr", "10.0.0.16/28")])
        holder = change.add("Server", "holder")
        for number in held:
            claims.hold(change.unit, holder, str(ipaddress.IPv4Address(base + number)))
    taken = {0, 63, *held, *(each for low, more in kept for each in range(low, low + more + 1))}
    taken |= set(range(16, 32)) if inner else set()
    with Inventory(Settings(url)).read() as reader:
        block = ipam.block_of(reader, reader.resolve("net"))
        spans = list(ipam.spans(reader, block))
        assert [number - base for low, high in spans for number in range(low, high + 1)] == [
            number for number in range(64) if number not in taken
        ]
        assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(spans))
