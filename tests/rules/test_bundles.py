"""Cables that join more than two parts: breakout cables with their legs, trunks between sockets of several fibres."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests.conftest import Run


@pytest.fixture
def row(clusto: Run) -> Run:
    clusto("add", "Server", "srv[1-6]")
    clusto("add", "Switch", "tor1", "--parts", "port=[1-2],48,49")
    return clusto


LEGS = "".join(f"connected tor1:49/{number} to srv{number}:eth0\n" for number in range(1, 5))


def picture(run: Run) -> str:
    return run("export", "--format", "jsonl").out


@pytest.mark.parametrize(
    ("one", "other"), [("tor1:49", "srv[1-4]:eth0"), ("tor1:49", "srv[1-4]"), ("tor1:49/[1-4]", "srv[1-4]:eth0")]
)
def test_one_port_to_several(row: Run, one: str, other: str) -> None:
    assert row("connect", one, other, "--breakout").out == LEGS
    assert row("locate", "srv3").out == "srv3 -> connected to port 49/3 on tor1\n"
    assert row("attr", "get", "occupied", "-t", "tor1:49").out == "broken out into 49/[1-4]\n"
    assert row("attr", "get", "parent", "-t", "tor1:49/2").out == "@tor1:49\n"
    assert row("find", "driver:Server connected to name:tor1").out == "srv1\nsrv2\nsrv3\nsrv4\n"
    behind = "driver:Server connected to (driver:Port and attr:parent,tor1:49)"
    assert row("find", behind).out == "srv1\nsrv2\nsrv3\nsrv4\n"
    assert row("trace", "tor1:49").out.count("-- srv") == 4
    assert row("locate", "tor1:49").out.count("connected to NIC eth0 on srv") == 4
    assert "occupied: broken out into 49/[1-4]" in row("show", "tor1").out
    assert row("connect", "srv5", "tor1:49").code == 4
    assert row("connect", "srv5", "tor1").out == "connected srv5:eth0 to tor1:1\n"
    assert row("db", "check").out == "the store is sound\n"


def test_the_port_may_be_named_last(row: Run) -> None:
    assert row("connect", "srv[1-2]:eth0", "tor1:49", "--breakout").out == (
        "connected srv1:eth0 to tor1:49/1\nconnected srv2:eth0 to tor1:49/2\n"
    )


@pytest.mark.parametrize(
    ("port", "legs"), [("et-0/0/48", "et-0/0/48:[0-1]"), ("swp49", "swp49s[0-1]"), ("Ethernet49", "Ethernet49/[1-2]")]
)
def test_legs_are_called_as_their_makers_do(row: Run, port: str, legs: str) -> None:
    row("add", "Port", f"tor1:{port}")
    assert row("connect", f"tor1:{port}", "srv[1-2]", "--breakout").code == 0
    assert row("attr", "get", "occupied", "-t", f"tor1:{port}").out == f"broken out into {legs}\n"


def test_a_port_is_whole_again_when_its_cable_goes(row: Run) -> None:
    before = picture(row)
    row("connect", "tor1:49", "srv[1-4]:eth0", "--breakout")
    assert row("disconnect", "srv2:eth0").out == "disconnected srv2:eth0 from tor1:49/2\n"
    assert row("connect", "srv6", "tor1:49/2").code == 0
    assert row("disconnect", "tor1:49", "srv1").out == "disconnected tor1:49/1 from srv1:eth0\n"
    assert row("disconnect", "tor1:49", "srv1").code == 4
    assert row("disconnect", "tor1:49").out.count("disconnected tor1:49/") == 3
    assert picture(row) == before
    assert row("connect", "srv5", "tor1:49").code == 0


def test_what_is_known_of_a_leg_keeps_it(row: Run) -> None:
    row("connect", "tor1:49", "srv[1-2]:eth0", "--breakout")
    row("attr", "set", "label", "Ethernet49/2", "-t", "tor1:49/2")
    row("attr", "set", "vlan", "7", "-t", "tor1:49/1")
    row("disconnect", "tor1")
    assert row("find", "driver:Port and attr:kind,leg").out == "tor1:49/1\n"
    assert row("attr", "get", "occupied", "-t", "tor1:49").out == "broken out into 49/1\n"
    assert row("connect", "srv1:eth0", "tor1:49/1").code == 0
    row("attr", "del", "vlan", "-t", "tor1:49/1")
    row("disconnect", "tor1:49")
    assert row("attr", "get", "occupied", "-t", "tor1:49").code == 3


def test_it_comes_back_by_revert_and_by_files(row: Run, tmp_path: Path) -> None:
    before = picture(row)
    row("connect", "tor1:49", "srv[1-4]:eth0", "--breakout")
    joined = picture(row)
    row("disconnect", "tor1:49")
    last = json.loads(row("log", "-o", "json").out)[0]["transaction"]
    assert row("revert", str(last)).code == 0
    assert picture(row) == joined
    assert row("revert", str(last - 1)).code == 0
    assert picture(row) == before
    assert row("revert", str(last + 2)).code == 0
    assert picture(row) == joined
    assert row("db", "check").out == "the store is sound\n"
    (tmp_path / "site.jsonl").write_text(joined)
    other = f"sqlite:///{tmp_path}/other.db"
    Inventory(Settings(other))
    assert row("--db", other, "import", str(tmp_path / "site.jsonl")).code == 0
    assert row("--db", other, "export", "--format", "jsonl").out == joined
    assert row("--db", other, "disconnect", "tor1:49").code == 0
    assert row("--db", other, "export", "--format", "jsonl").out == before


def test_things_go_with_their_cables(row: Run) -> None:
    row("connect", "tor1:49", "srv[1-4]:eth0", "--breakout")
    assert "names it" in row("remove", "--yes", "tor1:49").err
    assert row("remove", "--yes", "srv1").code == 0
    assert row("locate", "tor1:49/1").out == "tor1:49/1 -> not connected\n"
    assert row("remove", "--yes", "tor1").code == 0
    assert row("db", "check").out == "the store is sound\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tor1:49", "srv[1-2]:eth0"], "--breakout joins one port to several"),
        (["tor1:[1-2]", "srv[1-3]:eth0"], "tor1:[1-2] means 2 and srv[1-3]:eth0 3"),
        (["tor1:[1-2]", "srv[1-3]:eth0", "--breakout"], "a cable joins two"),
        (["srv1:psu1", "srv[2-3]:eth0", "--breakout"], "srv1:psu1 is no network port"),
        (["tor1", "srv[2-3]:eth0", "--breakout"], "tor1 is no network port"),
        (["tor1:48", "srv[2-3]:eth0", "--breakout"], "tor1:48 is connected to srv6:eth1: disconnect it first"),
        (["tor1:2", "srv[2-3]:eth0", "--breakout"], "tor1:2 is occupied: circuit"),
        (["tor1:49", "srv[1-2]:psu1", "--breakout"], "does not fit"),
        (["tor1:49/[1-2]", "srv[1-2]:eth0"], "no such part: tor1:49/1"),
        (["tor1:7/[1-2]", "srv[1-2]:eth0", "--breakout"], "no such part: tor1:7/1"),
        (["tor1:49x[1-2]", "srv[1-2]:eth0", "--breakout"], "no such part: tor1:49x1"),
    ],
)
def test_what_is_no_breakout_changes_nothing(row: Run, words: list[str], message: str) -> None:
    row("connect", "tor1:48", "srv6:eth1")
    row("attr", "set", "occupied", "circuit", "-t", "tor1:2")
    before = picture(row)
    refused = row("connect", *words)
    assert (refused.code in (3, 4), message in refused.err) == (True, True), refused.err
    assert picture(row) == before


def test_free_legs_are_taken_again(row: Run) -> None:
    row("connect", "tor1:49", "srv[1-4]:eth0", "--breakout")
    row("disconnect", "srv[2-3]:eth0")
    assert row("connect", "tor1:49", "srv[5-6]:eth0", "--breakout").out == (
        "connected tor1:49/2 to srv5:eth0\nconnected tor1:49/3 to srv6:eth0\n"
    )
    assert "has 4 legs, 0 of them free: 2 are needed" in row("connect", "tor1:49", "srv[5-6]", "--breakout").err


def test_a_port_is_cabled_when_a_leg_is_and_free_when_none_is(row: Run) -> None:
    def asked(test: str) -> list[str]:
        return row("find", f"{test} and name:tor1:49*").out.split()

    legs = [f"tor1:49/{number}" for number in range(1, 5)]
    row("connect", "tor1:49", "srv[1-4]:eth0", "--breakout")
    assert (asked("cabled"), asked("free")) == (["tor1:49", *legs], [])
    assert "tor1:49" in asked("cabled(network)")
    row("disconnect", "srv[1-3]:eth0")
    assert (asked("cabled"), asked("free")) == (["tor1:49", legs[3]], legs[:3])
    row("disconnect", "srv4:eth0")
    assert (asked("cabled"), asked("free")) == ([], ["tor1:49", *legs])
    assert "tor1:49" in row("free", "tor1", "-o", "names").out.split()
    row("attr", "set", "note", "kept", "-t", legs[0])
    # What is known of a leg keeps it, and with it the breakout cable.
    assert "is occupied: broken out into 49/1 " in row("connect", "tor1:49", "srv1:eth0").err
    row("attr", "del", "note", "-t", legs[0])
    assert row("connect", "tor1:49", "srv1:eth0").out == "connected tor1:49 to srv1:eth0\n"
    assert (asked("cabled"), asked("free")) == (["tor1:49"], [])
    assert row("db", "check").out == "the store is sound\n"


def test_ranges_are_joined_one_to_one(row: Run) -> None:
    assert row("connect", "srv[1-2]:eth1", "tor1:[1-2]").out == (
        "connected srv1:eth1 to tor1:1\nconnected srv2:eth1 to tor1:2\n"
    )
    assert row("disconnect", "srv[1-2]", "tor1:[1-2]").out.count("disconnected") == 2


CASSETTE = """\
manufacturer: a
model: cassette
front-ports:
- {name: LC 1, type: lc}
- {name: LC 2, type: lc}
- {name: LC 3, type: lc}
- {name: LC 4, type: lc}
rear-ports:
- {name: MPO-A, type: mpo, positions: 2}
- {name: MPO-B, type: mpo, positions: 2}
port-mappings:
- {front_port: LC 1, rear_port: MPO-A, rear_port_position: 1}
- {front_port: LC 2, rear_port: MPO-A, rear_port_position: 2}
- {front_port: LC 3, rear_port: MPO-B, rear_port_position: 1}
- {front_port: LC 4, rear_port: MPO-B, rear_port_position: 2}
"""


@pytest.fixture
def panels(clusto: Run, tmp_path: Path) -> Run:
    (tmp_path / "c.yaml").write_text(CASSETTE)
    clusto("import", "--device-type", str(tmp_path / "c.yaml"))
    clusto("add", "PatchPanel", "m[1-2]", "--type", "a/cassette")
    clusto("add", "PatchPanel", "p1")
    return clusto


def test_a_trunk_is_one_command(panels: Run) -> None:
    assert panels("connect", "m1:MPO-A", "m2:MPO-B").out == (
        "connected m1:rear1 to m2:rear3\nconnected m1:rear2 to m2:rear4\n"
    )
    assert panels("trace", "m1:MPO-A").out.count("-- m2:") == 2
    again = panels("connect", "m1:MPO-A", "m2:MPO-A")
    assert (again.code, "m1:rear1 is connected to m2:rear3" in again.err) == (4, True)
    assert panels("connect", "m1:MPO-B", "p1:rear1").err == (
        "clusto: error: m1:MPO-B means 2 and p1:rear1 1: --breakout joins one port to several\n"
    )
    assert panels("connect", "m1:MPO-B", "p1:rear[1-2]").code == 0
    assert panels("disconnect", "m1:MPO-A").out.count("disconnected") == 2
    assert panels("disconnect", "m1:MPO-A").code == 4
    assert panels("connect", "m1:MPO-C", "m2:MPO-A").code == 3
    assert panels("trace", "m1:MPO-C").code == 3
    assert panels("db", "check").out == "the store is sound\n"
