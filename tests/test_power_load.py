"""The verb `power load` on simulated PDUs over real UDP: racks with two feeds, PDUs, servers, dead devices."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator

import pytest
from lab.agent import Manners
from lab.meter import Meter
from lab.room import Room

from clusto_cli.backends.base import LoadReading
from clusto_cli.power.loads import FeedLoad, PduLoad
from clusto_cli.power.redundancy import Hung, Socket, alone_on, failing
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from tests.conftest import Run
from tests.power_room import record_room

QUICK = (("lab", "snmp.timeout", 0.2), ("lab", "snmp.retries", 5))


@pytest.fixture
def clusto(here: Run) -> Run:
    return here


@pytest.fixture
def inventory(sqlite_url: str) -> Inventory:
    return Inventory(Settings(sqlite_url))


@pytest.fixture
def room(inventory: Inventory) -> Iterator[Room]:
    """Two racks with two PDUs and eight servers each: A feeds draw 200 W a server, B feeds 160 W."""
    room = Room()
    for place, each in enumerate(room.pdus):
        Meter(each.pdu, lambda outlet, watts=160.0 if place % 2 else 200.0: watts, limit=10)
    with room.running():
        record_room(inventory, room, QUICK)
        yield room


def test_a_rack_is_told_by_its_feeds_and_what_each_carries_when_the_other_fails(room: Room, clusto: Run) -> None:
    assert clusto("power", "load", "rack1") == (
        0,
        "rack1 2.9 kW\nrack1 A 1.6 kW of 2.3, B fails -> 2.9: over\nrack1 B 1.3 kW of 2.3, A fails -> 2.9: over\n",
        "",
    )
    assert clusto("power", "load").lines == clusto("power", "load", "lab").lines
    found = clusto("power", "load", "rack2", "-o", "json").json[0]
    assert (found["name"], found["kind"], found["watts"], found["exact"], found["partial"]) == (
        *("rack2", "rack", 2880, True, False),
    )
    assert [(feed["feed"], feed["watts"], feed["limit_watts"], feed["fails"]) for feed in found["feeds"]] == [
        ("A", 1600, 2300, {"feed": "B", "watts": 2880, "over": True}),
        ("B", 1280, 2300, {"feed": "A", "watts": 2880, "over": True}),
    ]


def test_a_pdu_tells_inlets_phases_and_banks_and_with_v_its_outlets(room: Room, clusto: Run) -> None:
    told = clusto("power", "load", "pdu1a").lines
    assert told == [
        "pdu1a 1.6 kW of 2.3, 12 kWh",
        "  inlet 1  1600 W, 1600 VA, pf 1, 12 kWh, ok",
        "  phase 1  1600 W, 1600 VA, 7 A of 10, 230 V, pf 1, ok",
        "  bank 1  7 A of 10, ok",
    ]
    assert clusto("power", "load", "pdu1a", "-v").lines == [
        *told,
        *(f"  outlet {number}  200 W, 0.9 A, 12 kWh, ok" for number in range(1, 9)),
    ]


def test_the_load_of_a_server_is_the_sum_of_its_feeds(room: Room, clusto: Run) -> None:
    assert clusto("power", "load", "server1", "server9:psu1").lines == [
        *("server1 360 W", "  psu1: pdu1a:1 200 W, 0.9 A, 12 kWh, ok", "  psu2: pdu1b:1 160 W, 0.7 A, 12 kWh, ok"),
        *("server9:psu1 200 W", "  psu1: pdu2a:1 200 W, 0.9 A, 12 kWh, ok"),
    ]
    room["pdu1b"].outlets[0].on = False
    assert clusto("power", "load", "server1").lines[0] == "server1 200 W"
    assert clusto("power", "load", "--where", "driver:Server in name:rack1", "-o", "names").lines == [
        f"server{number}" for number in range(1, 9)
    ]


def test_a_rating_of_the_inventory_that_is_less_is_the_limit(room: Room, clusto: Run, inventory: Inventory) -> None:
    with inventory.change("rate") as change:
        change.add_values(change.resolve("pdu1a"), Key("rating"), [3600])
        change.add_values(change.resolve("pdu1b"), Key("rating"), [1500])
    assert clusto("power", "load", "rack1").lines[1:] == [
        *("rack1 A 1.6 kW of 2.3, B fails -> 2.9: over", "rack1 B 1.3 kW of 1.5, A fails -> 2.9: over"),
    ]


def test_what_a_dead_pdu_would_say_is_missing_and_the_rest_is_told(room: Room, clusto: Run) -> None:
    room["pdu1b"].agent.manners = Manners(dead=True)
    dead = clusto("power", "load", "rack1", "rack2", "server1")
    assert dead.code == 5
    assert dead.lines[0].startswith("rack1 at least 1.6 kW: pdu1b: ")
    assert dead.lines[1:3] == ["rack1 A 1.6 kW of 2.3", "rack1 B unknown"]
    assert dead.lines[3] == "rack2 2.9 kW"
    assert dead.lines[6:8] == ["server1 at least 200 W", "  psu1: pdu1a:1 200 W, 0.9 A, 12 kWh, ok"]
    assert dead.lines[8].startswith("  psu2: pdu1b:1 unknown: ")
    assert "no answer" in dead.lines[8]
    found = clusto("power", "load", "rack1", "-o", "json").json[0]
    assert found["partial"]
    assert [pdu["failure"] is None for pdu in found["pdus"]] == [True, False]


def test_families_that_measure_nothing_or_no_outlets_say_so(inventory: Inventory, clusto: Run) -> None:
    room = Room(2, 4, families=("apc-masterswitch", "eaton-revelation"))
    Meter(room["pdu1b"].pdu)
    with room.running():
        record_room(inventory, room, QUICK)
        found = clusto("power", "load", "pdu1a")
        assert found.code == 4
        assert "apc-masterswitch measures nothing" in found.out
        assert clusto("power", "load", "server1").code == 4


def test_what_nobody_measures_is_refused(clusto: Run, inventory: Inventory) -> None:
    with inventory.change("things") as change:
        change.add("Rack", "rack1")
        change.add("Server", "server1")
    assert clusto("power", "load", "rack1", "server1").err == (
        "clusto: error: rack1, server1: no PDU is recorded there (`clusto connect` records what hangs on one)\n"
    )
    assert clusto("power", "load").code == 3
    assert clusto("power", "load", "rack1", "--watch", "5", "-o", "json").code == 2


def test_metrics_for_prometheus(room: Room, clusto: Run) -> None:
    told = clusto("power", "load", "rack1", "server1", "-o", "prometheus").lines
    assert 'clusto_pdu_answered{pdu="pdu1a"} 1' in told
    assert 'clusto_pdu_watts{pdu="pdu1b",of="outlet",name="3"} 160' in told
    assert 'clusto_load_watts{name="server1",kind="thing"} 360' in told
    assert 'clusto_feed_failover_watts{rack="rack1",feed="A"} 2880' in told
    kinds = [line.split()[2] for line in told if line.startswith("# TYPE")]
    assert len(kinds) == len(set(kinds))
    samples = [line.split("{")[0] for line in told if not line.startswith("#")]
    assert list(dict.fromkeys(samples)) == kinds


def test_watching_asks_again_until_it_is_interrupted(room: Room, clusto: Run) -> None:
    before = room.requests
    ends = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    ends.start()
    watched = clusto("power", "load", "rack1", "--watch", "0.1", "-o", "jsonl")
    ends.join()
    assert watched.code == 0
    told = [json.loads(line) for line in watched.lines]
    assert len(told) >= 2
    assert {each["watts"] for each in told} == {2880}
    assert room.requests - before >= 2 * len(told)


def test_bars(room: Room, clusto: Run) -> None:
    drawn = clusto("power", "load", "rack1", "pdu2a", "server1", "-o", "svg")
    assert drawn.code == 0
    assert drawn.out.startswith("<svg")
    for words in ("rack1", "1.6 kW of 2.3, B fails -&gt; 2.9: over", "1.6 kW of 2.3, 12 kWh", "pdu1b:1", "160 W"):
        assert words in drawn.out
    assert clusto("power", "load", "rack1", "--watch", "1", "-o", "svg").code == 2


def test_what_was_measured_is_kept_and_capacity_tells_it(room: Room, clusto: Run) -> None:
    assert clusto("power", "load", "rack1", "server1", "--record", "-m", "noon").code == 0
    assert clusto("attr", "get", "draw.measured", "-t", "server1").out == "360\n"
    assert clusto("attr", "get", "draw.measured", "-t", "pdu1a").out == "1600\n"
    assert clusto("attr", "get", "draw.measured_at", "-t", "server1").out.endswith("Z\n")
    assert clusto("log", "server1", "-n", "1").out.count("    noon") == 1
    assert clusto("attr", "get", "_power.profile", "-t", "pdu1a").out == "apc-rpdu2\n"
    assert clusto("capacity", "rack1", "-o", "json").json[0]["watts"]["measured"] == 2880


def test_of_several_feeds_the_others_share_what_the_worst_one_carried() -> None:
    feeds = [FeedLoad(name, [PduLoad(name, rating=3600)]) for name in "ABC"]
    assert failing(feeds) == {}
    drawn = {"A": 1000.0, "B": 3000.0, "C": 2000.0}
    feeds = [feed_of(name, watts) for name, watts in drawn.items()]
    assert {feed: (worst.feed, worst.watts, worst.over) for feed, worst in failing(feeds).items()} == {
        "A": ("B", 2500.0, False),
        "B": ("C", 4000.0, True),
        "C": ("B", 3500.0, False),
    }


def feed_of(name: str, watts: float, *outlets: float | None) -> FeedLoad:
    """A feed of one PDU that carries this, and measures these outlets, 1 and on."""
    measured = [LoadReading("inlet", "1", {"watts": watts})]
    measured += [
        LoadReading("outlet", f"{n}", {"watts": each}) for n, each in enumerate(outlets, 1) if each is not None
    ]
    return FeedLoad(name, [PduLoad(name, measured, rating=3600)])


def hung(name: str, *sockets: str) -> Hung:
    """`A1`: outlet 1 of the PDU of feed A; `c:A1`: of another PDU, c, on that feed."""
    found = []
    for socket in sockets:
        pdu, _, rest = socket.rpartition(":")
        found.append(Socket(pdu or rest[0], rest[1:], rest[0]))
    return Hung(name, tuple(found))


@pytest.mark.parametrize(
    ("feeds", "things", "expected"),
    [
        pytest.param(
            [feed_of("A", 1000, 600, 400), feed_of("B", 500, 300, 200)],
            [hung("s1", "A1", "B1"), hung("s2", "A2", "B2")],
            {"A": 1500, "B": 1500},
            id="all on both",
        ),
        pytest.param(
            [feed_of("A", 1000, 600, 400), feed_of("B", 300, 300)],
            [hung("s1", "A1", "B1"), hung("s2", "A2")],
            {"A": 1300, "B": 900},
            id="what hangs on one feed goes dark",
        ),
        pytest.param(
            [feed_of("A", 1000, 600, 400), feed_of("B", 0)],
            [hung("s1", "A1"), hung("s2", "A2")],
            {"A": 1000, "B": 0},
            id="nothing moves where all hang on one",
        ),
        pytest.param(
            [feed_of("A", 900, 900), feed_of("B", 300, 300), feed_of("C", 300, 300)],
            [hung("s1", "A1", "B1", "C1")],
            {"A": 1050, "B": 750, "C": 750},
            id="equal shares of several",
        ),
        pytest.param(
            [feed_of("A", 600, 600), feed_of("B", 200, 100, 100)],
            [hung("s1", "A1", "B1", "x:C1")],
            {"A": 650 + 100, "B": 500},
            id="half of it leaves the rack, and what is not recorded is taken to hang on all",
        ),
        pytest.param(
            [feed_of("A", 600, 600), feed_of("B", 0)],
            [hung("s1", "A1", "x:A2")],
            {"A": 600, "B": 0},
            id="another PDU of the same feed fails with it",
        ),
        pytest.param(
            [feed_of("A", 900), feed_of("B", 100, 100)],
            [hung("s1", "A1", "B1"), hung("s2", "A2"), hung("s3", "A3")],
            {"A": 1000, "B": 400},
            id="equal draws where no outlet is measured",
        ),
        pytest.param(
            [feed_of("A", 1000, 600, None), feed_of("B", 0)],
            [hung("s1", "A1"), hung("s2", "A2", "B1")],
            {"A": 1000, "B": 400},
            id="the rest is that of the outlets that are not measured",
        ),
    ],
)
def test_a_failing_feed_moves_what_hangs_on_others_too(
    feeds: list[FeedLoad], things: list[Hung], expected: dict[str, float]
) -> None:
    assert {feed: worst.watts for feed, worst in failing(feeds, things).items()} == expected


def test_what_hangs_on_one_feed_alone_is_named(room: Room, clusto: Run) -> None:
    assert clusto("disconnect", "server1:psu2").code == 0
    told = clusto("power", "load", "rack1")
    assert "rack1 A 1.6 kW of 2.3, " in told.out
    assert "; alone on it: server1\n" in told.out
    found = clusto("power", "load", "rack1", "-o", "json").json[0]
    assert {feed["feed"]: feed["alone"] for feed in found["feeds"]} == {"A": ["server1"], "B": []}
    assert found["feeds"][1]["fails"] == {"feed": "A", "watts": 2680.0, "over": True}
    assert alone_on("B", [hung("s1", "B1", "B2"), hung("s2", "A1", "B3")]) == ["s1"]
