"""`clusto network` as an operator runs it, against switches that are agents over real UDP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pysnmp.proto import rfc1902

from clusto_cli.backends.switch import oids, profiles
from clusto_cli.backends.switch.cli import CliSwitch
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.main import invoke
from clusto_cli.network.devices import Device
from clusto_core.store.opening import create
from tests import before
from tests.backends.switch.agent import Bridge, QBridgeAgent, Quirks, Vlan
from tests.backends.switch.clilab import Lab
from tests.backends.switch.test_modes import Printed
from tests.backends.switch.test_snmp_tables import Cisco
from tests.backends.switch.useragent import AUTH_KEY, PRIV_KEY, USER, UserAgent
from tests.conftest import Run

MACS = {number: f"52:54:00:00:00:{number:02x}" for number in range(1, 9)}
# server1: eth0 on port 1, eth1 on port 2 through a panel; server2: eth0 on 3; server3 is not wired; sw2 is an uplink.
COMMANDS = """
add Switch sw1 sw2
add Server server[1-3]
add PatchPanel pp1 --parts port=4
add VLAN vlan203 --attr vid=203
connect server1:eth0 sw1:1
connect server1:eth1 pp1:2
connect pp1:rear2 sw1:2
connect server2:eth0 sw1:3
connect sw2:1 sw1:8
attr set mac 52:54:00:00:00:01 -t server1:eth0
attr set mac 52:54:00:00:00:03 -t server2:eth0
attr set switch.profile qbridge -t sw1 -t sw2
attr set snmp.community private -t sw1 -t sw2
attr set snmp.host 127.0.0.1 -t sw1 -t sw2
attr set snmp.timeout 0.3 -t sw1 -t sw2
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "clusto.db"
    create(f"sqlite:///{path}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLUSTO_DB", f"sqlite:///{path}")
        for line in COMMANDS.strip().splitlines():
            assert invoke(line.split()) == 0, line
    return path


@pytest.fixture
def sqlite_url(template: Path, tmp_path: Path) -> str:
    """A store of the test's own, with the site in it."""
    return f"sqlite:///{shutil.copy(template, tmp_path / 'clusto.db')}"


@pytest.fixture
def run(here: Run) -> Run:
    return here


@pytest.fixture
def agent(run: Run) -> Iterator[QBridgeAgent]:
    learned = {(10, MACS[1]): 1, (10, MACS[3]): 3}
    with QBridgeAgent(Bridge.of(8, learned=learned)) as served:
        assert run("attr", "set", "snmp.port", str(served.port), "-t", "sw1").code == 0
        yield served


def vlan(agent: QBridgeAgent, port: int) -> tuple[int, set[int], set[int]]:
    untagged = {number for number, one in agent.bridge.vlans.items() if port in one.untagged}
    egress = {number for number, one in agent.bridge.vlans.items() if port in one.egress}
    return agent.bridge.pvid[port], untagged, egress


IN_203, IN_10 = (203, {203}, {203}), (10, {10}, {10})


def test_setvlan_moves_verifies_records_and_is_taken_back(run: Run, agent: QBridgeAgent) -> None:
    result = run("network", "setvlan", "server1", "eth1", "vlan203")
    assert (result.code, result.out) == (0, "server1:eth1 -> access 203 on sw1 swp2 (was access 10)\n")
    assert (vlan(agent, 2), vlan(agent, 1)) == (IN_203, IN_10)
    assert "vlan203" in run("attr", "get", "vlan", "-t", "server1:eth1").out
    assert "swp2" in run("attr", "get", "label", "-t", "sw1:2").out
    assert "clusto network setvlan server1 eth1 vlan203" in run("log", "server1").out
    again = run("network", "setvlan", "server1:eth1", "203")
    assert (again.code, again.out) == (0, "server1:eth1 -> already access 203 on sw1 swp2\n")
    back = run("network", "undo", "server1:eth1")
    assert (back.code, back.out) == (0, "server1:eth1 -> access 10 on sw1 swp2 (was access 203)\n")
    assert vlan(agent, 2) == IN_10
    assert run("network", "undo").out == "server1:eth1 -> access 203 on sw1 swp2 (was access 10)\n"
    assert vlan(agent, 2) == IN_203


def test_undo_of_what_was_changed_since_is_refused(run: Run, agent: QBridgeAgent) -> None:
    run("network", "setvlan", "server1", "eth1", "203")
    agent.bridge.vlans[203].egress.discard(2)
    agent.bridge.vlans[203].untagged.discard(2)
    agent.bridge.vlans[1].egress.add(2)
    agent.bridge.vlans[1].untagged.add(2)
    agent.bridge.pvid[2] = 1
    result = run("network", "undo", "server1")
    assert result.code == 4
    assert "it was changed since: it is access 1, not access 203" in result.err
    assert run("network", "undo", "server1", "--force", "--yes").code == 0
    assert vlan(agent, 2) == IN_10
    assert run("network", "undo", "server2").code == 3


def test_a_dry_run_prints_each_oid_and_touches_nothing(run: Run, agent: QBridgeAgent) -> None:
    before = run("log", "-o", "json").out
    result = run("network", "setvlan", "server1", "eth1", "vlan203", "--dry-run")
    assert result.code == 0
    assert "server1:eth1 -> would be access 203 on sw1 swp2" in result.out
    assert "  1.3.6.1.2.1.17.7.1.4.5.1.1.2 u 203" in result.out
    assert agent.sets == []
    assert run("log", "-o", "json").out == before
    told = json.loads(run("network", "setvlan", "server1", "eth1", "vlan203", "--dry-run", "-o", "json").out)
    assert [record["name"] for record in told] == ["server1:eth1"]


def test_a_dry_run_refuses_what_is_protected(run: Run, agent: QBridgeAgent) -> None:
    run("attr", "set", "protected", "true", "-t", "server1")
    words = ("network", "setvlan", "server1", "eth1", "vlan203")
    dry, real = run(*words, "--dry-run"), run(*words, "--yes")
    assert (dry.code, dry.err) == (real.code, real.err) == (4, dry.err)
    assert "server1 is protected" in dry.err
    assert run(*words, "--dry-run", "--force").code == 0
    run("attr", "del", "protected", "-t", "server1")


def test_what_is_refused_and_why(run: Run, agent: QBridgeAgent) -> None:
    agent.bridge.vlans[203].egress.add(2)
    agent.bridge.learned[(10, MACS[3])] = 1
    for words, code, why in (
        (("server1", "eth1", "203"), 4, "it carries VLAN 203 tagged"),
        (("server1", "eth0", "203"), 4, f"the MAC address of server2:eth0, {MACS[3]}, is learned on it"),
        (("server2", "eth0", "203"), 4, f"the MAC address of server2:eth0, {MACS[3]}, is learned on swp1"),
        (("sw2", "1", "203"), 4, "it is an uplink: sw2 is wired there"),
        (("server1", "eth0", "999", "--force", "--yes"), 3, "there is no VLAN 999 on it"),
        (("server3", "eth0", "203"), 3, "server3:eth0 is not connected"),
        (("server1", "eth7", "203"), 3, "no such part: server1:eth7"),
        (("server1", "eth0", "vln203"), 3, "no such VLAN: vln203 (did you mean vlan203?)"),
        (("server1", "eth0", "4095"), 2, "an id from 1 to 4094, not 4095"),
        (("server1", "psu1", "203"), 2, "server1:psu1 is no network interface"),
        (("server1", "203"), 2, "write NAME NIC VLAN"),
    ):
        result = run("network", "setvlan", *words)
        assert (result.code, why in result.err) == (code, True), (words, result)
    assert agent.sets == []
    asked = run("network", "setvlan", "server1", "eth1", "203", "--force")
    assert asked.code == 4
    assert "not confirmed: setvlan of what is no plain access port: server1:eth1 on sw1 2?" in asked.err
    assert run("network", "setvlan", "server1", "eth1", "203", "--force", "--yes").code == 0
    assert vlan(agent, 2) == IN_203


def test_protected_things_want_force(run: Run, agent: QBridgeAgent) -> None:
    run("attr", "set", "protected", "true", "-t", "server1")
    result = run("network", "setvlan", "server1", "eth1", "203")
    assert (result.code, "server1 is protected" in result.err, agent.sets) == (4, True, [])


def test_many_at_once_with_failures_last(run: Run, agent: QBridgeAgent) -> None:
    agent.bridge.vlans[203].egress.add(3)
    result = run("network", "setvlan", "server[1-2]", "eth0", "203", "-o", "json")
    rows = json.loads(result.out)
    assert result.code == 4
    assert [(row["name"], row["status"]) for row in rows] == [("server1:eth0", "moved"), ("server2:eth0", "refused")]
    assert (vlan(agent, 1), agent.bridge.pvid[3]) == (IN_203, 10)


def test_what_a_switch_refused_is_in_the_history(run: Run, agent: QBridgeAgent) -> None:
    agent.bridge.vlans[203].egress.add(3)
    why = json.loads(run("network", "setvlan", "server[1-2]", "eth0", "203", "-o", "json").out)[1]["message"]
    (entry,) = json.loads(run("log", "server2:eth0", "-n", "1", "-o", "json").out)
    assert entry["message"] == f"server1:eth0 to 203; server2:eth0 refused: {why}"
    (kept,) = json.loads(run("attr", "get", "_network.tried", "-t", "server2:eth0", "-o", "json").out)
    assert (kept["value"]["status"], kept["value"]["vlan"], kept["value"]["message"]) == ("refused", 203, why)
    agent.bridge.vlans[203].egress.discard(3)
    assert run("network", "setvlan", "server2", "eth0", "203").code == 0
    assert run("attr", "get", "_network.tried", "-t", "server2:eth0").out == ""


def test_create_makes_the_vlan_with_the_name_of_its_thing(run: Run, agent: QBridgeAgent) -> None:
    run("add", "VLAN", "lab", "--attr", "vid=300")
    assert run("network", "setvlan", "server1", "eth1", "lab").code == 3
    assert run("network", "setvlan", "server1", "eth1", "lab", "--create").code == 0
    assert agent.bridge.vlans[300].name == "lab"


def test_a_device_that_does_not_do_it(run: Run, agent: QBridgeAgent) -> None:
    agent.quirks.first_only = True
    agent.quirks.deaf_after = 1
    result = run("network", "setvlan", "server1", "eth1", "203")
    assert result.code == 5
    assert "error: server1:eth1 on sw1 swp2: " in result.err
    agent.quirks.lose = 1
    silent = run("network", "setvlan", "server1", "eth1", "203")
    assert (silent.code, "no answer" in silent.err) == (5, True)


def test_vlan_side_by_side(run: Run, agent: QBridgeAgent) -> None:
    run("network", "setvlan", "server1", "eth1", "vlan203")
    agent.bridge.pvid[2] = 10
    result = run("network", "vlan", "server1")
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[1] == ["server1:eth0", "sw1", "swp1", "-", "access", "10", "(vlan10)"]
    assert lines[2][:5] == ["server1:eth1", "sw1", "swp2", "203", "(vlan203)"]
    assert lines[2][-1] == "DIFFERS"
    rows = json.loads(run("network", "vlan", "server1", "eth1", "-o", "json").out)
    assert (rows[0]["inventory"], rows[0]["on_switch"], rows[0]["differs"]) == (203, None, True)


def test_ports_beside_what_is_wired(run: Run, agent: QBridgeAgent) -> None:
    agent.bridge.link[4] = False
    rows = {row["port"]: row for row in json.loads(run("network", "ports", "sw1", "-o", "json").out)}
    assert (rows["swp1"]["name"], rows["swp1"]["wired"], rows["swp1"]["seen"]) == (
        "sw1:1",
        "server1:eth0",
        ["server1:eth0"],
    )
    assert (rows["swp2"]["wired"], rows["swp8"]["wired"]) == ("server1:eth1", "sw2:1")
    assert (rows["swp4"]["link"], rows["swp4"]["state"]) == (False, "access 10")
    text = run("network", "ports", "sw1")
    assert text.out.splitlines()[1].split() == ["swp1", "1", "up", "access", "10", "server1:eth0", "server1:eth0"]
    assert run("network", "ports", "server1").code == 2


def test_verify_by_learned_addresses(run: Run, agent: QBridgeAgent) -> None:
    result = run("network", "verify", "sw1")
    assert result.code == 0
    assert result.out.splitlines() == [
        "server1:eth0 -> sw1:1: confirmed (MAC)",
        "server1:eth1 -> sw1:2: not seen",
        "server2:eth0 -> sw1:3: confirmed (MAC)",
        "sw2:1 -> sw1:8: not seen",
    ]
    agent.bridge.learned = {(10, MACS[3]): 1, (10, MACS[1]): 3}
    result = run("network", "verify", "server1")
    assert result.code == 4
    assert "server1:eth0 -> sw1:1: contradicted (MAC sees it on sw1 swp3)" in result.out
    # Frames of many come through an uplink; what is behind it is not on it.
    agent.bridge.learned = {(10, MACS[1]): 8}
    assert run("network", "verify", "server1").code == 0


def test_a_policy_is_broken_by_cables_that_a_switch_sees_elsewhere(run: Run, agent: QBridgeAgent) -> None:
    assert run("policy", "enable", "cables").code == 0
    assert run("remove", "sw2", "--yes", "--force").code == 0
    assert (run("check").code, run("check").out) == (0, "")
    agent.bridge.learned = {(10, MACS[3]): 1, (10, MACS[1]): 3}
    done = run("check", "--policy", "cables", "-o", "json")
    assert done.code == 4
    assert [(row["name"], row["message"]) for row in json.loads(done.out)] == [
        ("server1:eth0", "not at sw1:1: MAC sees it on sw1 swp3"),
        ("server2:eth0", "not at sw1:3: MAC sees it on sw1 swp1"),
    ]
    assert [row["name"] for row in json.loads(run("check", "name:server1", "-o", "json").out)] == ["server1:eth0"]


def test_what_a_switch_does_not_say_is_not_known_to_hold(run: Run, agent: QBridgeAgent) -> None:
    assert run("policy", "enable", "cables").code == 0
    agent.bridge.learned = {(10, MACS[3]): 1, (10, MACS[1]): 3}
    done = run("check", "-o", "json")
    assert done.code == 5
    told = {row["name"]: row for row in json.loads(done.out)}
    assert (told["sw2"]["known"], told["server1:eth0"]["known"]) == (False, True)
    assert told["sw2"]["message"].startswith("not known: ")
    assert "sw2: " in done.err
    assert run("check", "name:server3").code == 5
    unit = run("check", "-o", "junit")
    assert unit.code == 5
    assert 'failures="2" errors="1"' in unit.out
    assert '<error message="not known: ' in unit.out
    then = run("check", "--at", "now")
    assert (then.code, then.out.split("\t")[0]) == (5, "%cables")


def test_legs_of_a_breakout_cable_are_ports_as_others(run: Run, agent: QBridgeAgent) -> None:
    agent.bridge.ports |= {5: "Ethernet48/1", 6: "Ethernet48/2"}
    assert run("connect", "sw1:48", "server[2-3]:eth1", "--breakout").code == 0
    run("attr", "set", "mac", MACS[6], "-t", "server3:eth1")
    agent.bridge.learned[(10, MACS[6])] = 6
    assert "server3:eth1 -> sw1:48/2: confirmed (MAC)" in run("network", "verify", "sw1").out
    moved = run("network", "setvlan", "server3", "eth1", "vlan203")
    assert (moved.code, moved.out) == (0, "server3:eth1 -> access 203 on sw1 Ethernet48/2 (was access 10)\n")
    assert (vlan(agent, 6), vlan(agent, 5)) == (IN_203, IN_10)
    assert run("disconnect", "sw1:48").code == 0
    assert run("attr", "get", "occupied", "-t", "sw1:48").code == 3


def test_propose_and_learn(run: Run, agent: QBridgeAgent) -> None:
    run("attr", "set", "mac", MACS[5], "-t", "server3:eth0")
    agent.bridge.learned[(10, MACS[5])] = 5
    result = run("network", "verify", "sw1", "--propose", "--learn")
    assert "clusto connect server3:eth0 sw1:5  # seen by MAC" in result.out
    assert "swp1" in run("attr", "get", "label", "-t", "sw1:1").out
    assert run(*["connect", "server3:eth0", "sw1:5"]).code == 0
    assert "server3:eth0 -> sw1:5: confirmed (MAC)" in run("network", "verify", "sw1").out


def test_a_new_machine_finds_its_cable(run: Run, agent: QBridgeAgent) -> None:
    """By the address that its controller told, at the switches around: nobody needs to know which."""
    assert run("network", "verify", "server3").out == ""
    run("attr", "set", "mac", MACS[5], "-t", "server3:eth0")
    assert run("network", "verify", "server3", "--connect").out == ""
    agent.bridge.learned[(10, MACS[5])] = 5
    result = run("network", "verify", "server3", "--connect", "-m", "plugged in")
    # The other switch of the site does not answer, which is told.
    assert (result.code, "sw2" in result.err) == (5, True)
    assert result.out == "server3:eth0 -> sw1:5: connected (seen by MAC)\n"
    assert "server3:eth0 -> sw1:5: confirmed (MAC)" in run("network", "verify", "server3").out
    assert "plugged in" in run("log", "server3", "-n", "1").out


def test_a_cable_that_is_not_certain_is_not_recorded(run: Run, agent: QBridgeAgent) -> None:
    for nic, number in (("server3:eth0", 5), ("server3:eth1", 6)):
        run("attr", "set", "mac", MACS[number], "-t", nic)
        agent.bridge.learned[(10, MACS[number])] = 5
    result = run("network", "verify", "server3", "--connect")
    assert (result.out, result.err.count("not recorded")) == ("", 2)


def test_a_switch_that_does_not_answer_fails_alone(run: Run, agent: QBridgeAgent) -> None:
    with QBridgeAgent(Bridge.of(8), Quirks(lose=1)) as dead:
        run("attr", "set", "snmp.port", str(dead.port), "-t", "sw2")
        result = run("network", "verify")
    assert result.code == 5
    assert "error: sw2: " in result.err
    assert "server1:eth0 -> sw1:1: confirmed (MAC)" in result.out


def test_who_could_not_be_looked_for_is_said(run: Run, tmp_path: Path) -> None:
    lab = Lab(tmp_path, "huawei_vrp")
    settings = {
        "switch.profile": "huawei_vrp",
        "switch.via": "ssh",
        "ssh.host": "127.0.0.1",
        "ssh.port": str(lab.server.port),
        "ssh.user": lab.settings.user,
        "ssh.password": lab.settings.password,
        "ssh.known_hosts": lab.settings.known_hosts,
        "ssh.timeout": "4",
    }
    for key, value in settings.items():
        assert run("attr", "set", key, value, "-t", "sw1").code == 0
    assert run("attr", "set", "label", lab.port, "-t", "sw1:2").code == 0
    where = f"127.0.0.1 port {lab.server.port}"
    said = (
        f"clusto: sw1: not fully checked who is on the port: LLDP neighbours: {where}: it answered "
        "\"Error: Unrecognized command found at '^' position.\" to 'display lldp neighbor'; learned addresses: "
        f"{where}: it answered \"Error: Unrecognized command found at '^' position.\" to 'display mac-address'"
    )
    try:
        moved = run("network", "setvlan", "server1", "eth1", "203")
        assert (moved.code, moved.err.splitlines().count(said), lab.fake.port(lab.port).vlan) == (0, 1, 203)
        already = run("network", "setvlan", "server1", "eth1", "203")
        forced = run("network", "setvlan", "server1", "eth1", "10", "--force")
        assert (already.code, forced.code) == (0, 0)
        assert "checked" not in already.err + forced.err
    finally:
        lab.server.close()


def test_version_3_with_authentication_and_encryption(run: Run, agent: QBridgeAgent) -> None:
    run("attr", "del", "snmp.community", "-t", "sw1")
    with UserAgent(agent) as served:
        settings = {
            "snmp.version": "3",
            "snmp.port": str(served.port),
            "snmp.user": USER,
            "snmp.auth_protocol": "SHA-256",
            "snmp.auth_key": AUTH_KEY,
            "snmp.priv_protocol": "AES",
            "snmp.priv_key": PRIV_KEY,
        }
        for key, value in settings.items():
            assert run("attr", "set", key, value, "-t", "sw1").code == 0
        result = run("network", "setvlan", "server1", "eth1", "vlan203")
        assert (result.code, result.out) == (0, "server1:eth1 -> access 203 on sw1 swp2 (was access 10)\n"), result
        assert (vlan(agent, 2), vlan(agent, 1)) == (IN_203, IN_10)
        assert "server1:eth0 -> sw1:1: confirmed (MAC)" in run("network", "verify", "sw1").out
        for key in ("snmp.auth_key", "snmp.priv_key"):
            assert run("attr", "set", key, "not-the-key-at-all", "-t", "sw1").code == 0
            wrong = run("network", "setvlan", "server1", "eth1", "10")
            assert (wrong.code, vlan(agent, 2), wrong.err.count("\n")) == (5, IN_203, 1), wrong
            assert wrong.err.startswith("clusto: error: server1:eth1 on sw1 swp2: "), wrong
            assert f"user {USER} or a key was not accepted" in wrong.err
            assert "not-the-key" not in wrong.err
            assert run("attr", "set", key, settings[key], "-t", "sw1").code == 0


@pytest.mark.parametrize("version", ["2c", "3"])
def test_cisco_is_asked_for_the_addresses_of_each_vlan(run: Run, version: str) -> None:
    """By `community@VLAN`, or the context `vlan-N` of version 3."""
    cisco = Cisco()
    cisco.learn({10: {10101: MACS[1], 10102: MACS[3]}, 1: {10103: MACS[7]}})
    with cisco.agent as agent, UserAgent(agent) as served:
        settings = {"switch.profile": "cisco_ios", "snmp.version": version, "snmp.port": str(agent.port)}
        if version == "3":
            settings |= {"snmp.port": str(served.port), "snmp.user": USER}
            settings |= {"snmp.auth_key": AUTH_KEY, "snmp.priv_key": PRIV_KEY}
        for key, value in settings.items():
            assert run("attr", "set", key, value, "-t", "sw1").code == 0
        result = run("network", "verify", "server1", "server2")
        assert result.code == 4, result
        assert "server1:eth0 -> sw1:1: confirmed (MAC)" in result.out
        assert "server2:eth0 -> sw1:3: contradicted (MAC sees it on sw1 Gi1/0/2)" in result.out
        rows = {row["port"]: row for row in json.loads(run("network", "ports", "sw1", "-o", "json").out)}
        assert [rows[name]["macs"] for name in cisco.names.values()] == [[MACS[1]], [MACS[3]], [MACS[7]], []]
        assert (rows["Gi1/0/1"]["name"], rows["Gi1/0/1"]["seen"]) == ("sw1:1", ["server1:eth0"])
        refused = run("network", "setvlan", "server2", "eth0", "203")
        assert (refused.code, f"{MACS[3]}, is learned on Gi1/0/2" in refused.err) == (4, True), refused


def test_two_operators_at_once_both_keep_what_they_did(run: Run, agent: QBridgeAgent) -> None:
    """Every change writes whole lists back: without the lock, the later of two would undo the earlier."""
    codes: list[int] = []

    def operator(name: str, nic: str) -> None:
        words = [sys.executable, "-m", "clusto_cli.main", "network", "setvlan", name, nic, "203"]
        codes.append(subprocess.run(words, capture_output=True, check=False, timeout=60).returncode)

    targets = (("server1", "eth0"), ("server1", "eth1"), ("server2", "eth0"))
    threads = [threading.Thread(target=operator, args=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0, 0]
    assert [vlan(agent, port) for port in (1, 2, 3)] == [IN_203] * 3


def test_a_switch_that_is_locked_is_left_alone(run: Run, agent: QBridgeAgent) -> None:
    from clusto_core.config import settings
    from clusto_core.records.locks import Locks
    from clusto_core.store.reader import open_reader

    with open_reader(settings().url) as reader:
        switch = reader.resolve("sw1")
    with Locks(settings()).on([switch], wait=0):
        result = run("network", "setvlan", "server1", "eth1", "203", "--wait", "0")
    assert result.code == 4
    assert "sw1 is being changed by" in result.err
    assert agent.sets == []


def test_where_and_the_switches_of_the_lab(run: Run, tmp_path: Path) -> None:
    from lab.room import Room

    with Room(4, 3, switched=True).running() as room:
        site = tmp_path / "room.jsonl"
        site.write_text("".join(json.dumps(thing) + "\n" for thing in room.inventory()))
        run("remove", "server[1-3]", "sw1", "sw2", "pp1", "vlan203", "--yes")
        assert run("import", str(site)).code == 0
        result = run("network", "setvlan", "--where", "driver:Server in name:lab", "eth0", "vlan203", "-o", "json")
        assert (result.code, {row["status"] for row in json.loads(result.out)}) == (0, {"moved"}), result.err
        assert [device.switch.vlan(port) for device in room.switches for port in (1, 2, 3, 4)] == [203, 203, 203, 1] * 2
        assert run("network", "setvlan", "--where", "driver:Server in name:lab", "vlan203").code == 2
        verified = run("network", "verify", "--where", "driver:Server in name:lab")
        assert (verified.code, verified.out.count("confirmed (MAC)")) == (0, 6)


def test_the_order_that_worked_is_kept_and_tried_first(run: Run, agent: QBridgeAgent) -> None:
    agent.quirks.strict = True
    assert run("network", "setvlan", "server1", "eth1", "203").code == 0
    assert "leave-join" in run("attr", "get", "_switch.order", "-t", "sw1").out
    before = len(agent.sets)
    assert before > 1
    assert run("network", "setvlan", "server1", "eth1", "10").code == 0
    assert len(agent.sets) == before + 1


def test_the_name_that_was_found_is_kept_and_asked_for_the_next_time(run: Run, agent: QBridgeAgent) -> None:
    assert run("network", "setvlan", "server1", "eth1", "203").code == 0
    # The switch was renumbered: what ends in 2 is another port now, and the same name another ifIndex.
    agent.bridge.ports[2], agent.bridge.ports[5] = "swp5/2", "swp2"
    agent.bridge.offset = 900
    moved = run("network", "setvlan", "server1", "eth1", "203")
    assert (moved.code, moved.out) == (0, "server1:eth1 -> access 203 on sw1 swp2 (was access 10)\n"), moved
    assert (vlan(agent, 5), vlan(agent, 2)) == (IN_203, IN_203)
    assert run("network", "setvlan", "server1", "eth1", "10").code == 0
    assert (vlan(agent, 5), vlan(agent, 2)) == (IN_10, IN_203)


def test_completion_of_nics_and_vlans(run: Run) -> None:
    from click.shell_completion import ShellComplete

    from clusto_cli.main import main

    def completed(*words: str) -> list[str]:
        shell = ShellComplete(main, {}, "clusto", "_CLUSTO_COMPLETE")
        return [item.value for item in shell.get_completions(["network", *words[:-1]], words[-1])]

    assert completed("setvlan", "serv") == ["server1", "server2", "server3"]
    assert completed("setvlan", "server1", "eth") == ["eth0", "eth1"]
    assert completed("setvlan", "server1", "eth1", "v") == ["vlan203"]
    assert completed("vlan", "server1", "") == ["eth0", "eth1"]
    assert completed("") == ["ports", "setvlan", "undo", "verify", "vlan"]


def test_secrets_are_not_shown(run: Run, agent: QBridgeAgent) -> None:
    run("attr", "set", "snmp.community", "wr0ng-s3cret", "-t", "sw1")
    for words in (("setvlan", "server1", "eth1", "203"), ("--debug-not",), ("ports", "sw1")):
        result = run("network", *words)
        assert "wr0ng-s3cret" not in result.out + result.err


def test_a_vlan_that_leads_nowhere_is_a_warning_before(run: Run, agent: QBridgeAgent) -> None:
    warned = "clusto: warning: sw1: VLAN 203 is on none of its ports towards other switches (swp8)"
    for more in (["--dry-run"], []):
        result = run("network", "setvlan", "server1", "eth1", "203", *more)
        assert result.code == 0
        assert result.err.splitlines().count(warned) == 1
    for port in (8,):
        agent.bridge.vlans[203].egress.add(port)
    assert "warning" not in run("network", "setvlan", "server1", "eth0", "203").err


def test_a_vlan_that_is_suspended_is_a_warning_before(run: Run) -> None:
    cisco = Cisco()
    cisco.agent.extra[(*oids.VTP_STATE, 203)] = rfc1902.Integer32(2)
    with cisco.agent:
        for key, value in {"switch.profile": "cisco_ios", "snmp.port": str(cisco.agent.port)}.items():
            assert run("attr", "set", key, value, "-t", "sw1").code == 0
        result = run("network", "setvlan", "server1", "eth1", "203")
        assert (result.code, result.out) == (0, "server1:eth1 -> access 203 on sw1 Gi1/0/2 (was access 10)\n")
        assert "warning: sw1: VLAN 203 is suspended on it" in result.err


def test_check_path_asks_the_switches_above(run: Run, agent: QBridgeAgent) -> None:
    """sw1:8 goes up to sw2:1, and sw2:8 to a router."""
    assert run("add", "Router", "r1", "--parts", "port=2").code == 0
    assert run("connect", "sw2:8", "r1:1").code == 0
    agent.bridge.vlans[203].egress.add(8)
    command = ["network", "setvlan", "server1", "eth1", "203", "--check-path", "--dry-run"]
    with QBridgeAgent(Bridge.of(8, vlans=(1, 10))) as above:
        assert run("attr", "set", "snmp.port", str(above.port), "-t", "sw2").code == 0
        assert "warning: on the way up from sw1, sw2 has no VLAN 203" in run(*command).err
        above.bridge.vlans[203] = Vlan("vlan203")
        assert "warning: on the way up, sw2: VLAN 203 is not on its port towards sw1 (swp1)" in run(*command).err
        above.bridge.vlans[203].egress |= {1}
        assert "warning" not in run(*command).err
        assert above.sets == []
    assert "warning: the way up could not be followed on sw2: " in run(*command).err


def test_an_address_on_an_aggregate_contradicts_no_cable_to_a_member(run: Run, agent: QBridgeAgent) -> None:
    agent.bridge.ports[7] = "Trk1"
    agent.bridge.learned[(10, MACS[1])] = 7
    result = run("network", "verify", "server1")
    assert result.code == 0
    assert "server1:eth0 -> sw1:1: not seen (its address is learned on the aggregate Trk1 of sw1)" in result.out


def test_a_switch_that_does_not_answer_is_told_once(run: Run, agent: QBridgeAgent) -> None:
    assert run("attr", "set", "snmp.port", "9", "-t", "sw1").code == 0
    result = run("network", "verify")
    assert (result.code, result.out.count("sw1:1"), result.err.count("sw1: ")) == (5, 0, 1)
    records = {one["name"]: one["status"] for one in json.loads(run("network", "verify", "-o", "json").out)}
    assert records["server1:eth0"] == "not asked"


def test_what_nobody_understands_of_a_switch_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def odd(device: Device) -> Any:
        rules = profiles.load("cisco_ios")
        assert rules.ssh is not None
        device.recognised = "cisco_ios"
        answers = {
            "show vlan brief": "1    default                          active\n",
            "show interfaces switchport": (
                "Name: Gi1/0/1\nSwitchport: Enabled\nAdministrative Mode: quantum\n\n"
                "Name: Gi1/0/2\nSwitchport: Enabled\nAdministrative Mode: static access\nAccess Mode VLAN: 1 (x)\n"
            ),
            "show lldp neighbors detail": "",
            "show mac address-table": "  10    5254.0000.0001    MOVING     Gi1/0/4\n",
        }
        return CliSwitch(rules, rules.ssh, SwitchSettings("h"), Printed(answers, "% Invalid input"))

    monkeypatch.setattr(Device, "open", odd)
    result = run("network", "ports", "sw1")
    assert result.code == 5
    assert "Gi1/0/2  2     -     access 1" in result.out
    assert "error: sw1: Gi1/0/1: its answer is not understood: 'Administrative Mode: quantum'" in result.err
    assert "error: sw1: its learned addresses: its answer is not understood: '10    5254.0000.0001" in result.err
    assert run("network", "verify", "sw1").code == 5


@pytest.mark.parametrize(
    ("key", "value"),
    [("snmp.port", "9"), ("snmp.community", "env:CLUSTO_NO_SUCH_VARIABLE"), ("snmp.port", "none")],
    ids=["silent", "not allowed", "malformed"],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["real", "dry"])
def test_a_dead_switch_is_told_once_when_ports_are_moved(run: Run, key: str, value: str, dry: list[str]) -> None:
    assert run("connect", "server3:eth0", "sw1:4").code == 0
    before.had(os.environ["CLUSTO_DB"], "sw1", key, value)
    alone = run("network", "setvlan", "server2", "eth0", "203", *dry)
    words = ["network", "setvlan", "server[1-3]", "eth0", "203", *dry]
    result = run(*words)
    why = alone.err.partition("sw1 3: ")[2].strip()
    assert why
    assert result.code == alone.code
    assert result.err.count(why) == 1
    assert [line for line in result.err.splitlines() if "not asked" in line] == [
        "clusto: error: server2:eth0 on sw1 3: not asked",
        "clusto: error: server3:eth0 on sw1 4: not asked",
    ]
    first, *others = json.loads(run(*words, "-o", "json").out)
    assert first["message"] == why
    assert {(one["status"], one["message"]) for one in others} == {("not asked", None)}


@pytest.mark.parametrize(("key", "value"), [("snmp.port", "9"), ("snmp.port", "none")], ids=["silent", "malformed"])
def test_a_dead_switch_is_told_once_when_vlans_are_shown(run: Run, key: str, value: str) -> None:
    before.had(os.environ["CLUSTO_DB"], "sw1", key, value)
    result = run("network", "vlan", "server1")
    assert result.code == 5
    assert [line.partition(": ")[2][:19] for line in result.err.splitlines()] == ["error: server1:eth0"]
    assert [line.split()[0] for line in result.out.splitlines() if "not asked" in line] == ["server1:eth1"]
    first, second = json.loads(run("network", "vlan", "server1", "-o", "json").out)
    assert first["error"] in result.err
    assert second["error"] == "not asked"


def test_a_port_that_is_not_there_hides_no_other(run: Run, agent: QBridgeAgent) -> None:
    assert run("attr", "set", "label", "swp99", "-t", "sw1:1").code == 0
    result = run("network", "vlan", "server1")
    assert result.code == 5
    assert "server1:eth1  sw1 swp2" in result.out
    assert "not asked" not in result.out + result.err
