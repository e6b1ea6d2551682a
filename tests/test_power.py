"""The verb `power` on simulated PDUs over real UDP: what it does to relays, what it says, and whether that is true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lab.agent import Manners
from lab.pdu import Outlet
from lab.room import Room

from clusto_cli.backends.base import Relay
from clusto_cli.backends.power import profile as profiles
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key, string
from clusto_core.model.reserved import POWER_PROFILE
from clusto_core.rules import values
from tests import before, configured
from tests.conftest import Run
from tests.packages import installed
from tests.power_room import apc_delayed, record_room

QUICK = (("lab", "snmp.timeout", 0.2), ("lab", "snmp.retries", 9))
"""Attributes that make tests wait less for silence, and bear a bad network for as long."""
DEAF = (("lab", "snmp.timeout", 0.1), ("lab", "snmp.retries", 2))


FEEDS = 'server1 {0}\n  psu1: pdu1a:1 {0} ("server1")\n  psu2: pdu1b:1 {0} ("server1")\n'
"""What is told of one target that was switched."""


@pytest.fixture
def power(here: Run) -> Run:
    """Runs `clusto power ...` in this process."""
    return partial(here, "power")


@pytest.fixture
def inventory(sqlite_url: str) -> Inventory:
    return Inventory(Settings(sqlite_url))


@contextmanager
def room_in(inventory: Inventory, room: Room, extra: Any = QUICK) -> Iterator[Room]:
    with room.running():
        record_room(inventory, room, extra)
        yield room


def off_outlets(room: Room) -> list[str]:
    return [
        f"{pdu.name}:{name}" for pdu in room.pdus for name, each in pdu.pdu.outlets.items() if each.relay is Relay.OFF
    ]


def sent(room: Room) -> int:
    return sum(len(outlet.commands) for pdu in room.pdus for outlet in pdu.outlets)


def outlet(room: Room, place: str) -> Outlet:
    name, number = place.split(":")
    return room[name].outlets[int(number) - 1]


def test_off_status_on(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(moves_after=0.05)) as room:
        assert power("status", "server1") == (0, "server1 on\n", "")
        assert power("off", "server1", "--yes") == (0, FEEDS.format("off"), "")
        assert off_outlets(room) == ["pdu1a:1", "pdu1b:1"]
        assert power("status", "server1").out == "server1 off\n"
        table = power("status", "server1", "server9", "-v").lines
        assert table == [
            *("server1 off", '  psu1: pdu1a:1 off ("server1")', '  psu2: pdu1b:1 off ("server1")'),
            *("server9 on", '  psu1: pdu2a:1 on ("server9")', '  psu2: pdu2b:1 on ("server9")'),
        ]
        assert power("on", "server1") == (0, FEEDS.format("on"), "")
        assert off_outlets(room) == []
        # What is so already is not commanded again.
        before = sent(room)
        assert power("on", "server1").lines[0] == "server1 on"
        assert sent(room) == before


def test_a_single_outlet_and_a_single_inlet(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()) as room:
        assert power("off", "pdu1a:3", "--yes").lines[0] == "pdu1a:3 off"
        assert power("off", "server4:psu2", "--yes").lines[0] == "server4:psu2 off"
        assert off_outlets(room) == ["pdu1a:3", "pdu1b:4"]
        assert power("status", "server[3-4]").lines == [
            "server3  partly   pdu1a:3 off, pdu1b:3 on",
            "server4  partly   pdu1a:4 on, pdu1b:4 off",
        ]


@pytest.mark.parametrize("families", [("apc-rpdu2",), ("eaton-epdu", "servertech-sentry3", "digipower", "raritan-px2")])
def test_a_cycle_takes_all_feeds_down_before_any_comes_up(
    inventory: Inventory, power: Run, families: tuple[str, ...]
) -> None:
    with room_in(inventory, Room(families=families, moves_after=0.05)) as room:
        result = power("cycle", "server[1-12]", "--yes", "--pause", "0.1")
        assert (result.code, sorted(result.lines)) == (0, sorted(f"server{n} on" for n in range(1, 13)))
        for server in range(1, 13):
            pair, number = ("1", server) if server <= 8 else ("2", server - 8)
            (a_off, a_on), (b_off, b_on) = (outlet(room, f"pdu{pair}{side}:{number}").commands for side in "ab")
            assert [a_off[1], a_on[1], b_off[1], b_on[1]] == [False, True, False, True]
            assert min(a_on[0], b_on[0]) - max(a_off[0], b_off[0]) >= 0.1 + 0.05
        assert off_outlets(room) == []


def test_a_relay_that_lies_is_reported_and_the_others_are_done(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()) as room:
        outlet(room, "pdu1b:2").stuck = True
        result = power("off", "server[1-3]", "--yes", "--settle", "0.2", "-m", "moving out")
        assert result.code == 5
        assert sorted(result.lines[:2]) == ["server1 off", "server3 off"]
        assert result.lines[2].startswith("server2 partly: pdu1b:2: acknowledged, still on after")
        assert len(outlet(room, "pdu1b:2").commands) == 1
    entry = subprocess_log(inventory)
    assert "moving out; power off: 2 done; server2 failed: pdu1b:2: acknowledged, still on" in entry


def test_the_history_is_kept_though_a_target_was_removed_meanwhile(inventory: Inventory, power: Run) -> None:
    def remove(relay: Outlet, on: bool) -> float:
        relay.waits = lambda relay, on: 0.0
        with inventory.change() as change:
            change.remove("server1")
        return 0.0

    with room_in(inventory, Room()) as room:
        outlet(room, "pdu1a:1").waits = remove
        assert power("off", "server[1-2]", "--yes").code == 0
    assert subprocess_log(inventory) == "power off: 2 done"
    with inventory.read() as reader:
        assert reader.get("server1") is None
        [last] = [
            each for each in reader.attributes(reader.resolve("server2").id) if each.key == Key("_power", None, "last")
        ]
    assert json.loads(last.value.text)["after"] == {"pdu1a:2": "off", "pdu1b:2": "off"}


def subprocess_log(inventory: Inventory) -> str:
    from clusto_core.records.history import entries

    with inventory.read() as reader:
        return next(iter(entries(reader))).message or ""


def test_a_cycle_that_does_not_get_dark_comes_back_whole(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()) as room:
        outlet(room, "pdu1b:2").stuck = True
        result = power("cycle", "server2", "--yes", "--settle", "0.2", "--pause", "30")
        assert (result.code, off_outlets(room)) == (5, [])
        assert result.out.startswith("server2 on: pdu1b:2: acknowledged, still on")


def test_what_speaks_against_it_is_named_and_nothing_is_sent(inventory: Inventory, power: Run) -> None:
    extra = (*QUICK, ("server1", "protected", True), ("rack2", "protected", True))
    with room_in(inventory, Room(families=("vertiv-mph",)), extra) as room:
        refused = power("off", "server[1-2]", "--yes")
        assert (refused.code, refused.out) == (4, "")
        assert refused.err == "clusto: error: server1 is protected (--force goes ahead)\n"
        assert "server9 is protected by rack2" in power("cycle", "server9", "--yes").err
        assert "not confirmed: power off server2, 2 outlets?" in power("off", "server2").err
        assert sent(room) == 0
        assert power("on", "server1").code == 0
        assert power("off", "server1", "--yes", "--force").lines[0] == "server1 off"


def test_locks_are_respected_before_anything_is_sent(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(families=("vertiv-mph",))) as room:
        outlet(room, "pdu1b:2").locked = True
        result = power("off", "server[1-2]", "--yes")
        assert result.code == 4
        assert result.lines == ["server1 off", "server2 on: refused, pdu1b:2: control lock"]
        assert sent(room) == 2
        forced = power("off", "server2", "--yes", "--force", "--settle", "0.2")
        assert forced.code == 5
        assert "server2 partly: pdu1b:2: acknowledged, still on" in forced.out
        # Reported, never tried again.
        assert len(outlet(room, "pdu1b:2").commands) == 1


def test_an_outlet_that_only_measures_cannot_be_forced(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(families=("eaton-epdu",))) as room:
        outlet(room, "pdu1a:1").switchable = False
        result = power("off", "server1", "--yes", "--force")
        assert (result.code, sent(room)) == (4, 0)
        assert "pdu1a:1: metered only, not switchable" in result.out


@pytest.mark.parametrize("label", ["server2", "server2-psu1", "SERVER2 left", "server2:psu2"])
def test_a_label_that_names_another_thing_stops_it(inventory: Inventory, power: Run, label: str) -> None:
    with room_in(inventory, Room()) as room:
        outlet(room, "pdu1a:1").label = label
        result = power("off", "server1", "--yes")
        assert (result.code, sent(room)) == (4, 0)
        assert f"its label on the device is {label!r}, and server2 is another Thing" in result.out
        assert power("off", "server1", "--yes", "--force").lines[0] == "server1 off"


@pytest.mark.parametrize("label", ["", "Outlet 1", "server1", "server1-psu1", "server1 / blade", "rack row 7"])
def test_a_label_that_names_nothing_else_is_no_contradiction(inventory: Inventory, power: Run, label: str) -> None:
    with room_in(inventory, Room()) as room:
        outlet(room, "pdu1a:1").label = label
        assert power("off", "server1", "--yes").lines[0] == "server1 off"


def test_an_outlet_that_feeds_another_thing_too(inventory: Inventory, power: Run) -> None:
    """One socket under two names (a Y cable), and a server that stands in another."""
    extra = (*QUICK, ("pdu1a:2", "power.outlet", 1))
    with room_in(inventory, Room(), extra) as room:
        result = power("off", "server1", "--yes")
        assert (result.code, sent(room)) == (4, 0)
        assert "also feeds server2" in result.err
        with inventory.change() as change:
            change.add("VirtualServer", "vm1", parents=["server3"])
        assert "also feeds vm1" in power("off", "server3", "--yes").err


def test_impact_follows_chains_of_pdus(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(2, 8)), inventory.change() as change:
        change.add("PDU", "strip", part_counts={"outlet": 4, "inlet": 1})
        change.add("Server", "web1", part_counts={"inlet": 1})
        change.add("Server", "web2", part_counts={"inlet": 2})
        change.disconnect("server8:psu1")
        change.connect("strip:psu1", "pdu1a:8")
        change.connect("web1:psu1", "strip:1")
        change.connect("web2:psu1", "strip:2")
        change.connect("web2:psu2", "strip:3")
        change.disconnect("server7:psu2")
        change.disconnect("server6:psu2")
        change.connect("server6:psu2", "strip:4")
    lines = power("impact", "pdu1a").lines
    assert {"strip dark", "web1 dark", "web2 dark", "server7 dark", "server6 dark"} <= set(lines)
    assert "server1 loses pdu1a:1, keeps pdu1b:1" in lines
    assert power("impact", "strip:3").lines == ["web2 loses strip:3, keeps strip:2"]
    assert power("impact", "strip", "-o", "names").lines == ["server6", "strip", "web1", "web2"]


def test_an_inlet_without_a_recorded_feed_is_said(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()):
        with inventory.change() as change:
            change.disconnect("server1:psu2")
            change.add("Server", "lonely")
        assert power("off", "server1", "--yes").out == "server1 off (psu2: no recorded feed)\n"
        nothing = power("off", "lonely", "--yes")
        assert (nothing.code, nothing.out) == (4, "")
        assert "lonely has no recorded power feed and no management controller" in nothing.err


def test_a_dead_pdu_delays_nobody_and_half_of_a_server_is_not_switched(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(), DEAF) as room:
        room["pdu1a"].agent.manners.dead = True
        result = power("off", "server[1-10]", "--yes")
        assert result.code == 5
        assert sorted(result.lines[:2]) == ["server10 off", "server9 off"]
        assert all("no answer in 0.3 s" in line and "nothing was sent" in line for line in result.lines[2:])
        assert off_outlets(room) == ["pdu2a:1", "pdu2a:2", "pdu2b:1", "pdu2b:2"]


def test_a_pdu_that_dies_half_way(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(moves_after=0.1), DEAF) as room:
        power("status", "server1")
        for requests in range(2, 8):
            manners = room["pdu1b"].agent.manners
            manners.dead, manners.dies_after = False, requests
            result = power("off", "server1", "-o", "json", "--yes")
            manners.dead, manners.dies_after = False, None
            record = result.json[0]
            told = {feed["outlet"]: feed["state"] for feed in record["feeds"]}
            for place, state in told.items():
                assert state == "unknown" or (place in off_outlets(room)) == (state == "off")
            assert record["done"] == (set(told.values()) == {"off"})
            assert result.code == (0 if record["done"] else 5)
            assert power("on", "server1").code == 0


@pytest.mark.parametrize("seed", range(4))
def test_on_a_bad_network_every_outcome_reported_is_true(inventory: Inventory, power: Run, seed: int) -> None:
    """20 % of datagrams lost each way, duplicates, late answers, small requests only, two lying relays."""
    manners = Manners(loss=0.2, duplicates=0.1, late=0.1, late_by=0.3, max_varbinds=5, latency=0.001, seed=seed)
    families = ("apc-rpdu2", "digipower", "schleifenbauer", "eaton-epdu")
    extra = (("lab", "snmp.timeout", 0.15), ("lab", "snmp.retries", 7))
    with room_in(inventory, Room(families=families, manners=manners, moves_after=0.05), extra) as room:
        outlet(room, "pdu1a:5").stuck = outlet(room, "pdu2b:6").stuck = True
        for action, state in (("off", "off"), ("on", "on"), ("cycle", "on")):
            arguments = ("--pause", "0.1") if action == "cycle" else ()
            result = power(
                action,
                "server[1-16]",
                "-o",
                "json",
                "--settle",
                "0.6",
                *(("--yes",) if action != "on" else ()),
                *arguments,
            )
            off = off_outlets(room)
            for record in result.json:
                for feed in record["feeds"]:
                    if feed["state"] in ("on", "off"):
                        assert (feed["outlet"] in off) == (feed["state"] == "off"), (action, record)
                if record["done"]:
                    assert record["state"] == state
                    assert all((feed["outlet"] in off) == (state == "off") for feed in record["feeds"])
            if action == "off":
                assert {"server5", "server14"} <= {record["name"] for record in result.json if not record["done"]}


def test_interrupted_it_sends_nothing_more_and_says_what_is_so(inventory: Inventory, sqlite_url: str) -> None:
    with room_in(inventory, Room(2, 8, moves_after=0.2)) as room:
        command = [
            sys.executable,
            "-m",
            "clusto_cli.main",
            "power",
            "on",
            "server[1-8]",
            "--stagger",
            "0.5",
            "-o",
            "json",
        ]
        for pdu in room.pdus:
            for each in pdu.outlets:
                each.on = False
        process = subprocess.Popen(
            command, env={**os.environ, "CLUSTO_DB": sqlite_url}, stdout=subprocess.PIPE, text=True
        )
        while sent(room) < 4:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 130
        at_interrupt = sent(room)
        assert at_interrupt < 16
        records = json.loads(out)
        assert len(records) == 8
        unsent = [record for record in records if not record["asked"]]
        assert unsent
        assert all("interrupted before it was sent" in str(record["failures"]) for record in unsent)
        time.sleep(0.3)
        assert sent(room) == at_interrupt
        for record in records:
            if record["done"]:
                assert not {feed["outlet"] for feed in record["feeds"]} & set(off_outlets(room))


def test_servers_on_one_pdu_come_up_one_after_the_other(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(2, 4)) as room:
        power("off", "server[1-4]", "--yes")
        assert power("on", "server[1-4]", "--stagger", "0.15").code == 0
        for pdu in room.pdus:
            times = [each.commands[-1][0] for each in pdu.outlets]
            assert all(later - earlier >= 0.14 for earlier, later in pairwise(times))


def test_one_feed_at_a_time_and_never_the_last(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(moves_after=0.02)) as room:
        for wanted in ("A", "psu1", "pdu1a"):
            assert power("feed", "cycle", "server1", "--feed", wanted, "--pause", "0", "--yes").lines[0] == "server1 on"
        assert (len(outlet(room, "pdu1a:1").commands), len(outlet(room, "pdu1b:1").commands)) == (6, 0)
        assert power("feed", "cycle", "server2", "--pause", "0.05", "--yes").code == 0
        (_, a_on), (b_off, _) = outlet(room, "pdu1a:2").commands, outlet(room, "pdu1b:2").commands
        assert a_on[0] < b_off[0]
        outlet(room, "pdu1b:3").on = False
        last = power("feed", "cycle", "server3", "--feed", "A", "--yes")
        assert (last.code, outlet(room, "pdu1a:3").commands) == (4, [])
        assert "the last feed that is on" in last.out
        unknown = power("feed", "cycle", "server1", "--feed", "C", "--yes")
        assert unknown.code == 3
        assert "server1 has no feed C: it has psu1 on pdu1a:1, psu2 on pdu1b:1" in unknown.err


def test_revert_puts_back_what_was(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()) as room:
        outlet(room, "pdu1b:1").on = False
        assert power("off", "server[1-2]", "--yes").code == 0
        assert power("revert", "server[1-2]", "--yes").code == 0
        assert off_outlets(room) == ["pdu1b:1"]
        assert power("revert", "server1", "--yes").code == 0
        assert off_outlets(room) == ["pdu1a:1", "pdu1b:1"]
        never = power("revert", "server5", "--yes")
        assert (never.code, never.err) == (3, "clusto: error: no power action on server5 is recorded\n")


@pytest.fixture
def site_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a site keeps profiles of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    configured.write(tmp_path)
    directory = tmp_path / "clusto" / "profiles" / "power"
    directory.mkdir(parents=True)
    return directory


@pytest.mark.parametrize(
    ("family", "delay"), [("servertech-sentry4", 1), ("servertech-sentry3", 1), ("raritan-px2", 800)]
)
def test_outlets_that_the_device_turns_on_one_after_the_other_are_waited_for(
    inventory: Inventory, power: Run, site_profiles: Path, family: str, delay: int
) -> None:
    text = Path(profiles.__file__).parents[1].joinpath(f"profiles/power/{family}.toml").read_text()
    text = text.replace("settle = 15\n", "").replace("[command]\n", "[command]\nsettle = 0.2\n")
    (site_profiles / f"{family}.toml").write_text(text)
    with room_in(inventory, Room(2, 4, families=(family,))) as room:
        for pdu in room.pdus:
            for each in pdu.outlets:
                each.delays[True] = delay
        assert power("off", "server[1-3]", "--yes").code == 0
        told = power("on", "server[1-3]", "-o", "json")
        assert told.code == 0
        assert all(record["done"] for record in told.json)
        # The last of them came long after what the family itself may take.
        assert max(record["seconds"] for record in told.json) > 1.5
        assert off_outlets(room) == []


def test_an_outlets_own_delay_holds_up_no_other(inventory: Inventory, power: Run, site_profiles: Path) -> None:
    (site_profiles / "apc-delayed.toml").write_text(apc_delayed())
    extra = (*QUICK, ("lab", "power.profile", "apc-delayed"))
    with room_in(inventory, Room(2, 4, families=("apc-delayed",)), extra) as room:
        outlet(room, "pdu1a:1").delays[False] = 2
        outlet(room, "pdu1a:2").stuck = True
        result = power("off", "server[1-3]", "--yes", "-o", "json")
        assert result.code == 5
        records = {record["name"]: record for record in result.json}
        assert [records[f"server{number}"]["done"] for number in (1, 2, 3)] == [True, False, True]
        assert records["server2"]["seconds"] < records["server1"]["seconds"]
        assert "acknowledged, still" in str(records["server2"]["failures"])


def test_what_a_device_is_set_never_to_do_is_refused_and_not_waited_for(
    inventory: Inventory, power: Run, site_profiles: Path
) -> None:
    (site_profiles / "apc-delayed.toml").write_text(apc_delayed())
    extra = (*QUICK, ("lab", "power.profile", "apc-delayed"))
    with room_in(inventory, Room(2, 4, families=("apc-delayed",)), extra) as room:
        outlet(room, "pdu1b:1").delays[True] = -1
        # A cycle would leave the outlet dark.
        cycled = power("cycle", "server1", "--yes", "--force")
        assert (cycled.code, sent(room)) == (4, 0)
        reason = "pdu1b:1: the device is set never to turn it on (its delay is -1)"
        assert cycled.lines == [f"server1 on: refused, {reason}"]
        # Off is another matter, and so is on while it is on.
        assert power("on", "server1").lines[0] == "server1 on"
        assert power("off", "server1", "--yes").lines[0] == "server1 off"
        on = power("on", "server1")
        assert (on.code, on.lines) == (4, [f"server1 off: refused, {reason}"])
        assert power("feed", "cycle", "server2", "--feed", "A", "--pause", "0", "--yes").code == 0


def test_a_wrong_community_fails_its_own_servers_and_says_so(inventory: Inventory, power: Run) -> None:
    extra = (*DEAF, ("pdu1a", "snmp.community", "wrong"), ("pdu1a", "snmp.write_community", "wrong"))
    with room_in(inventory, Room(), extra) as room:
        result = power("off", "server[1-9]", "--yes", "-o", "json")
        assert result.code == 5
        records = {record["name"]: record for record in result.json}
        assert records["server9"]["done"]
        for number in range(1, 9):
            failures = str(records[f"server{number}"]["failures"])
            assert "no answer in 0.3 s (down, filtered, or another community); nothing was sent" in failures
        assert off_outlets(room) == ["pdu2a:1", "pdu2b:1"]
        text = power("status", "server1")
        assert text.code == 5
        assert text.lines[0].startswith("server1 unknown: pdu1a:1: ")
        assert "another community" in text.out


def test_a_wrong_write_community_is_told_from_a_dead_device(inventory: Inventory, power: Run) -> None:
    extra = (*DEAF, ("pdu1a", "snmp.write_community", "wrong"))
    with room_in(inventory, Room(), extra) as room:
        result = power("off", "server[1-2]", "server9", "--yes", "--settle", "0.1")
        assert result.code == 5
        assert result.lines[0] == "server9 off"
        reason = "no answer to a write in 0.3 s, while it answers reads (another write community?)"
        assert sorted(line.partition(": ")[0] for line in result.lines[1:]) == ["server1 partly", "server2 partly"]
        assert all(reason in line for line in result.lines[1:])
        assert off_outlets(room) == ["pdu1b:1", "pdu1b:2", "pdu2a:1", "pdu2b:1"]
        assert not any(each.commands for each in room["pdu1a"].outlets)
        assert power("status", "server9").out == "server9 off\n"


def test_a_community_that_may_only_read_is_refused_by_the_device(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(), (*DEAF, ("pdu1a", "snmp.write_community", "public"))) as room:
        result = power("off", "server1", "server9", "--yes", "--settle", "0.1")
        assert (result.code, result.lines[0]) == (5, "server9 off")
        assert "answered noAccess" in result.lines[1]
        assert "is the community read-only?" in result.lines[1]
        assert off_outlets(room) == ["pdu1b:1", "pdu2a:1", "pdu2b:1"]


def test_dry_run_shows_every_step_and_sends_none(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(families=("apc-rpdu2", "eaton-epdu")), DEAF) as room:
        result = power("cycle", "server2", "--dry-run")
        assert result.lines == [
            "server2  pdu1a:2  on  1.3.6.1.4.1.318.1.1.26.9.2.4.1.5.2 = INTEGER 2",
            "server2  pdu1b:2  on  1.3.6.1.4.1.534.6.6.7.6.6.1.3.0.2 = INTEGER 0",
            "server2  pdu1a:2  on  1.3.6.1.4.1.318.1.1.26.9.2.4.1.5.2 = INTEGER 1",
            "server2  pdu1b:2  on  1.3.6.1.4.1.534.6.6.7.6.6.1.4.0.2 = INTEGER 0",
        ]
        room["pdu1a"].agent.manners.dead = True
        dead = power("off", "server1", "--dry-run")
        assert (dead.code, "pdu1a:1: 127.0.0.1" in dead.out) == (5, True)
        assert sent(room) == 0


@pytest.mark.parametrize("action", ["off", "on", "cycle", "revert"])
def test_a_dry_run_says_and_ends_as_the_real_run(inventory: Inventory, power: Run, action: str) -> None:
    """What only the device knows: a lock, a relay that is not switchable, an outlet that is not there."""
    with room_in(inventory, Room(families=("vertiv-mph",))) as room:
        power("off", "server[1-4]", "--yes")
        if action == "off":
            power("on", "server[1-4]")
        outlet(room, "pdu1b:2").locked = True
        outlet(room, "pdu1a:3").switchable = False
        with inventory.change() as change:
            change.add("Outlet", "pdu1a:99")
            change.disconnect("server4:psu1")
            change.connect("server4:psu1", "pdu1a:99")
        before = sent(room)
        for targets in (["server1"], ["server2"], ["server3"], ["server4"], ["server[1-4]"]):
            options = ["--pause", "0"] if action == "cycle" else []
            dry = power(action, *targets, "--dry-run", *options)
            told = power(action, *targets, "--dry-run", "-o", "json", *options).json
            assert sent(room) == before
            real = power(action, *targets, "--yes", "-o", "json", *options)
            before = sent(room)
            assert dry.code == real.code
            expected = {record["name"]: (record["refused"], record["failures"]) for record in real.json}
            assert {record["name"]: (record["refused"], record["failures"]) for record in told} == expected
            asked = {record["name"] for record in real.json if record["asked"]}
            assert {record["name"] for record in told if record["steps"]} == asked


def test_one_without_a_feed_does_not_take_the_answers_of_the_others(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()) as room:
        with inventory.change() as change:
            change.add("Server", "lonely")
        status = power("status", "server1", "lonely")
        assert status.code == 4
        assert status.lines[0] == "server1  on       pdu1a:1 on, pdu1b:1 on"
        assert "lonely has no recorded power feed" in status.lines[1]
        off = power("off", "server1", "lonely", "--yes", "-o", "json")
        assert (off.code, [record["done"] for record in off.json]) == (4, [True, False])
        assert off_outlets(room) == ["pdu1a:1", "pdu1b:1"]
        feed = power("feed", "cycle", "server2", "lonely", "--pause", "0", "--yes", "-o", "json")
        assert (feed.code, [record["done"] for record in feed.json]) == (4, [True, False])
        revert = power("revert", "server1", "server3", "--yes", "-o", "json")
        assert (revert.code, [record["done"] for record in revert.json]) == (4, [True, False])
        alone = power("off", "lonely", "--yes")
        assert (alone.code, alone.out, "lonely has no recorded power feed" in alone.err) == (4, "", True)


def test_settings_that_cannot_be_fail_their_own_target(inventory: Inventory, power: Run) -> None:
    """Each with exit code 2 or 5 and the setting's name, and the others go on."""
    wrong = {
        "long": (("snmp.version", "3"), ("snmp.user", "u" * 33), ("snmp.auth_key", "authentic")),
        "short": (("snmp.version", "3"), ("snmp.user", "u"), ("snmp.auth_key", "üüü")),
        "source": (),
        "nowhere": (),
    }
    named = {"long": "snmp.user", "short": "snmp.auth_key", "source": "snmp.any_source", "nowhere": "snmp.host"}
    with room_in(inventory, Room()):
        with inventory.change() as change:
            for name, attributes in wrong.items():
                change.add("PDU", name, attributes=list(attributes))
            before.has(change, change.resolve("source"), "snmp.any_source", "sometimes")
        for name, setting in named.items():
            alone = power("status", f"{name}:1")
            assert alone.code in (2, 5)
            assert name in alone.out + alone.err
            assert setting in alone.out + alone.err
        result = power("status", "server1", *(f"{name}:1" for name in wrong), "-o", "json")
        assert result.code == 5
        assert [record["state"] for record in result.json] == ["on", *["unknown"] * 4]
        for record in result.json[1:]:
            assert named[record["name"].partition(":")[0]] in str(record["failures"])


def test_what_has_no_power_of_its_own_says_what_to_type(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()):
        rack, pdu = power("status", "rack1"), power("off", "pdu1a", "--yes")
        assert (rack.code, pdu.code) == (4, 4)
        assert "--where 'driver:Server in name:rack1'" in rack.err
        assert "'pdu1a:[1-8]'" in pdu.err
        assert "--where 'driver:Server connected to name:pdu1a'" in pdu.err
        assert power("status", "--where", "driver:Server in name:rack1").code == 0
        assert power("status", "pdu1a:[1-8]").code == 0
        assert power("status", "--where", "driver:Server connected to name:pdu1a").code == 0


def test_outlets_beside_the_inventory(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()) as room:
        outlet(room, "pdu1a:2").label = "server7"
        outlet(room, "pdu1a:3").locked = True
        with inventory.change() as change:
            change.disconnect("server4:psu1")
            change.add("Outlet", "pdu1a:9")
            change.remove("pdu1a:4")
        result = power("outlets", "pdu1a")
        assert result.code == 0
        lines = [" ".join(line.split()) for line in result.lines]
        assert lines[0] == '1 on "server1" server1:psu1'
        assert lines[1].endswith("! its label on the device is 'server7', and server7 is another Thing")
        assert lines[3].endswith("! the inventory has no such outlet")
        assert lines[8] == "9 - - - ! the device has no such outlet"
        records = power("outlets", "pdu1a", "-o", "json").json
        assert [record["name"] for record in records] == [str(number) for number in range(1, 10)]


def test_outlets_that_the_device_names_in_its_own_way(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(2, 4, families=("servertech-sentry3", "vertiv-mph"))):
        assert [record["part"] for record in power("outlets", "pdu1a", "-o", "json").json] == [
            f"pdu1a:{number}" for number in range(1, 5)
        ]
        assert " ".join(power("outlets", "pdu1b").lines[2].split()) == '1.1.3 on "server3" server3:psu2'


def test_what_a_pdu_was_recognised_as_is_kept_and_can_be_overridden(inventory: Inventory, power: Run) -> None:
    def kept() -> list[str]:
        with inventory.read() as reader:
            attributes = reader.attributes(reader.resolve("pdu1a").id)
            return [each.value.text for each in attributes if each.key == Key("_power", None, "profile")]

    with room_in(inventory, Room()) as room:
        power("on", "server1")
        assert kept() == ["apc-rpdu2"]
        before = room.requests
        power("status", "server1")
        assert room.requests - before <= 8
        with inventory.change() as change:
            change.add_values(change.resolve("pdu1a"), Key.parse("power.profile"), ["apc-rpdu"])
        wrong = power("status", "server1")
        assert (wrong.code, "apc-rpdu has no state for it" in wrong.out) == (5, True)
        with inventory.change() as change:
            change.set_values(change.resolve("pdu1a"), Key.parse("power.profile"), ["nonesuch"])
        assert power("status", "server1").code == 2
        with inventory.change() as change:
            change.delete_values(change.resolve("pdu1a"), Key.parse("power.profile"))
            values.keep(change.unit, change.resolve("pdu1a"), POWER_PROFILE, [string("gude-epc/43")])
        assert power("status", "server1").out == "server1 on\n"
        power("on", "server1")
        assert kept() == ["apc-rpdu2"]


def test_what_only_asks_leaves_no_trace_in_the_history(inventory: Inventory, power: Run) -> None:
    def transactions() -> int:
        with inventory.read() as reader:
            return int(reader.database.rows("SELECT count(*) FROM transactions")[0][0])

    with room_in(inventory, Room()):
        before = transactions()
        for words in (
            ("status", "server[1-4]"),
            ("outlets", "pdu1a"),
            ("impact", "pdu1a"),
            ("off", "server1", "--dry-run"),
            ("profiles",),
        ):
            assert power(*words).code == 0, words
            assert transactions() == before, words
        assert power("on", "server1").code == 0
        assert transactions() == before + 1


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("snmp.version", "4", "snmp.version of pdu1a is one of 1, 2c, 3, not '4'"),
        ("snmp.port", "x", "snmp.port of pdu1a is a whole number from 1 to 65535, not 'x'"),
        ("snmp.timeout", "soon", "snmp.timeout of pdu1a is a number from 0.001 to 86399 in s, not 'soon'"),
        ("power.driver", "magic", "unknown power driver 'magic'"),
        ("snmp.community", "env:CLUSTO_NOT_SET", "CLUSTO_NOT_SET is not set"),
    ],
)
def test_settings_that_cannot_be(inventory: Inventory, power: Run, key: str, value: str, message: str) -> None:
    with room_in(inventory, Room(2, 2)):
        with inventory.change() as change:
            before.has(change, change.resolve("pdu1a"), key, value)
        result = power("status", "server1")
        assert result.code in (2, 3)
        assert message in result.err


COMMAND = """
import sys, pathlib
outlet, action, host = sys.argv[1:]
state = pathlib.Path(sys.path[0]) / f"outlet-{outlet}"
if outlet == "3":
    sys.exit("no such relay")
if action == "status":
    print("state:", state.read_text() if state.exists() else "on")
else:
    state.write_text(action)
"""


def test_a_sites_own_command(inventory: Inventory, power: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "switch it.py"
    program.write_text(COMMAND)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    configured.write(tmp_path, {"switch": [sys.executable, str(program), "{outlet}", "{action}", "{host}"]})
    with inventory.change() as change:
        change.add("PDU", "relay", attributes=[("power.command", "switch"), ("power.settle", 1)])
        change.add("Server", "server1", part_counts={"inlet": 1})
        change.add("Server", "server2", part_counts={"inlet": 1})
        change.connect("server1:psu1", "relay:2")
        change.connect("server2:psu1", "relay:3")
    assert power("status", "server1").out == "server1 on\n"
    assert power("off", "server1", "--yes").lines[0] == "server1 off"
    assert (tmp_path / "outlet-2").read_text() == "off"
    assert power("cycle", "server1", "--yes", "--pause", "0").lines[0] == "server1 on"
    failed = power("off", "server2", "--yes")
    assert failed.code == 5
    assert "no such relay" in failed.out


def test_several_thousand_octets_of_names_never_reach_the_terminal_raw(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room()) as room:
        outlet(room, "pdu1a:1").label = "\x1b]0;owned\x07" + "x" * 50
        assert "\x1b" not in power("status", "server1", "-v").out
        assert "\x1b" not in power("outlets", "pdu1a").out


def test_profiles_are_listed(power: Run) -> None:
    result = power("profiles", "-o", "names")
    assert {"apc-rpdu2", "eaton-epdu", "servertech-sentry4"} <= set(result.lines)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("clusto power st", ["status"]),
        ("clusto power feed c", ["cycle"]),
        ("clusto power off server1", ["server1", *(f"server1{digit}" for digit in range(7))]),
        ("clusto power off pdu1a:", [f"pdu1a:{number}" for number in (*range(1, 9), "mgmt")]),
        ("clusto power outlets pdu", ["pdu1a", "pdu1b", "pdu2a", "pdu2b"]),
        ("clusto power status --via ", ["outlet", "bmc"]),
        ("clusto attr set power.profile apc-r", ["apc-rpdu", "apc-rpdu2"]),
    ],
)
def test_what_completes(inventory: Inventory, sqlite_url: str, line: str, expected: list[str]) -> None:
    record_room(inventory, Room())
    command = [sys.executable, "-m", "clusto_cli.main", "completion", "fish", "--line", line]
    environment = {**os.environ, "CLUSTO_DB": sqlite_url}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert [each.partition("\t")[0] for each in done.stdout.splitlines()] == ["plain", *expected]


def test_an_adapter_of_another_package(inventory: Inventory, power: Run, tmp_path: Path) -> None:
    """Found by its entry point, as an installed package declares it."""
    code = (
        "from clusto_cli.backends.power.command import CommandPower\n"
        "def control(name, address, settings):\n"
        "    return CommandPower(['echo', settings['power.says']], host=address, name=name)\n"
    )
    with inventory.change() as change:
        change.add("PDU", "strange", attributes=[("power.driver", "acme"), ("power.says", "off")])
        change.add("Server", "server1", part_counts={"inlet": 1})
        change.connect("server1:psu1", "strange:1")
    with installed(tmp_path, "acme_power", code, power="acme = acme_power:control"):
        assert power("status", "server1") == (0, "server1 off\n", "")


def test_no_more_devices_at_once_than_asked_for(inventory: Inventory, power: Run) -> None:
    with room_in(inventory, Room(6, 2, manners=Manners(latency=0.02))) as room:
        power("status", "server[1-6]")
        busy: list[int] = []
        for pdu in room.pdus:
            answer = pdu.agent._answer

            def counted(data: bytes, addr: Any, answer: Any = answer) -> None:
                loop_time = time.monotonic()
                busy.append(sum(each.agent._busy_until > loop_time - 0.001 for each in room.pdus))
                answer(data, addr)

            pdu.agent._answer = counted  # type: ignore[method-assign]
        assert power("status", "server[1-6]", "--parallel", "2").code == 0
        assert max(busy) <= 2


def test_on_a_terminal_it_is_said_how_far_it_is_and_results_go_where_they_are_sent(
    inventory: Inventory, sqlite_url: str, tmp_path: Path
) -> None:
    import pexpect

    with room_in(inventory, Room(moves_after=2.0)) as room:
        environment = {**os.environ, "CLUSTO_DB": sqlite_url, "TERM": "xterm"}
        results = tmp_path / "results"
        line = f"{sys.executable} -m clusto_cli.main power off 'server[1-3]' | tee {results} >/dev/null"
        terminal = pexpect.spawn("/bin/sh", ["-c", line], env=environment, encoding="utf-8", dimensions=(24, 100))
        terminal.expect_exact("power off server[1-3], 6 outlets? [y/N] ")
        terminal.sendline("y")
        terminal.expect("[0-3]/3")
        terminal.expect(pexpect.EOF)
        assert sorted(results.read_text().splitlines()) == ["server1 off", "server2 off", "server3 off"]
        assert len(off_outlets(room)) == 6
        whole = pexpect.spawn(
            sys.executable, ["-m", "clusto_cli.main", "power", "on", "server[1-3]"], env=environment, encoding="utf-8"
        )
        whole.expect(pexpect.EOF)
        assert all(f"server{number} on" in whole.before for number in (1, 2, 3))
