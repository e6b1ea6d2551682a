"""`clusto bmc` over IPMI, before OpenIPMI's simulator with sensors, FRU data and an event log, and before a controller
of our own that has a light.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusto_cli.backends.ipmi.machine import _entry
from clusto_cli.backends.ipmi.words import of_words
from clusto_cli.backends.machine import State
from clusto_cli.bmc import actions
from clusto_core.inventory import Inventory
from tests import controllers
from tests.bmc import equipment
from tests.bmc.conftest import Clusto
from tests.bmc.equipment import CELSIUS, FAN, POWER_SUPPLY, RPM, TEMPERATURE

EQUIPMENT = "".join(
    (
        equipment.sensor(1, "CPU Temp", TEMPERATURE, CELSIUS, 40),
        equipment.sensor(2, "Inlet, front", TEMPERATURE, CELSIUS, 85),
        equipment.sensor(3, "Fan 1", FAN, RPM, 95),
        equipment.discrete(4, "PS1 Status", POWER_SUPPLY, [0, 1]),
        equipment.discrete(5, "PS2 Status", POWER_SUPPLY, [0]),
        equipment.fru("ACME", "Box 1000", "PSN-1", "TAG-1"),
        equipment.event(2, 7, reading=85, threshold=80),
        equipment.event(2, 9, reading=95, threshold=90),
    )
)


@pytest.mark.parametrize(
    ("line", "time", "state"),
    [
        (
            "1a,11/30/2026,12:00:00,Temperature Inlet,Upper Critical going high,Asserted",
            "2026-11-30T12:00:00Z",
            "critical",
        ),
        ("2,11/30/26,12:00:00 UTC,Fan Fan 1,Lower Non-critical going low,Asserted", "2026-11-30T12:00:00Z", "warning"),
        ("3,11/30/2026,12:00:00,Fan Fan 1,Lower Critical going low,Deasserted", "2026-11-30T12:00:00Z", "ok"),
        ("4, Pre-Init ,0000025659,Event Logging Disabled SEL,Log area reset/cleared,Asserted", None, "warning"),
    ],
)
def test_times_of_events(line: str, time: str | None, state: str) -> None:
    """As ipmitool 1.8.18 and 1.8.19 print them."""
    found = _entry(line)
    assert found is not None
    assert (found.time, found.state, found.id) == (time, state, line.partition(",")[0])


def record(inventory: Inventory, name: str, port: int) -> None:
    settings = {"host": "127.0.0.1", "port": port, "user": controllers.USER, "password": controllers.PASSWORD}
    with inventory.change() as change:
        pairs = [(f"bmc.{key}", value) for key, value in (settings | {"cipher_suite": 3, "timeout": 5}).items()]
        change.add("Server", name, attributes=pairs)


@pytest.fixture
def machine(tmp_path: Path, inventory: Inventory) -> Iterator[None]:
    with controllers.ipmi_sim(tmp_path, controllers.chassis(tmp_path), equipment=EQUIPMENT) as port:
        record(inventory, "server1", port)
        yield


@pytest.mark.usefixtures("machine")
def test_a_machine_over_ipmi(clusto: Clusto) -> None:
    """One simulator for all that only asks: it takes a moment to start."""
    lines = [line.split() for line in clusto("bmc", "sensors", "server1").out.splitlines()]
    assert lines == [
        ["CPU", "Temp", "40", "Cel", "ok"],
        ["Inlet,", "front", "85", "Cel", "warning"],
        ["Fan", "1", "95", "RPM", "critical"],
        ["PS1", "Status", "-", "critical", "(Presence", "detected,", "Failure", "detected)"],
        ["PS2", "Status", "-", "ok", "(Presence", "detected)"],
    ]
    (said,) = json.loads(clusto("bmc", "log", "server1", "-o", "json").out)
    assert [(entry["id"], entry["time"], entry["state"]) for entry in said["entries"]] == [
        ("1", None, "warning"),
        ("2", None, "critical"),
    ]
    assert "Inlet" in said["entries"][0]["text"]
    (said,) = json.loads(clusto("bmc", "facts", "server1", "-o", "json").out)
    facts = said["facts"]
    known = ("vendor", "model", "serial", "asset", "firmware", "bmc_macs")
    assert [facts[key] for key in known] == ["ACME", "Box 1000", "PSN-1", "TAG-1", "9.08", []]
    assert facts["unread"] == ["over IPMI: no processors, memory, disks and cards"]
    assert clusto("bmc", "firmware", "server1").out.split() == ["BMC", "9.08"]
    assert clusto("bmc", "log", "server1", "--log", "iml").code == 5
    run = clusto("bmc", "facts", "server1", "--learn")
    assert (run.code, run.out) == (0, "wrote server1 serial=PSN-1\n")


@pytest.mark.usefixtures("machine")
def test_a_log_is_cleared_and_a_controller_starts_anew(clusto: Clusto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_POLLS", 0.05)
    monkeypatch.setattr(actions, "_GOING", 0.2)
    run = clusto("bmc", "log", "server1", "--clear", "--yes")
    assert (run.code, run.out.splitlines()[-1]) == (0, "server1 cleared, 2 entries")
    assert clusto("bmc", "log", "server1").out == ""
    run = clusto("bmc", "reset", "server1", "--yes")
    # The simulator is back sooner than anybody can look.
    assert (run.code, run.out) == (0, "server1 acknowledged, and was not seen to stop answering\n")
    run = clusto("attr", "set", "bmc.password", "wrong", "-t", "server1")
    run = clusto("bmc", "log", "server1")
    assert (run.code, "RAKP 2 HMAC is invalid" in run.err) == (5, True)


def test_the_light(tmp_path: Path, inventory: Inventory, clusto: Clusto) -> None:
    with controllers.ipmi_bmc(tmp_path, controllers.chassis(tmp_path)) as port:
        record(inventory, "server1", port)
        for words, said in ((["on"], "on"), ([], "on"), (["off"], "off"), (["--for", "200ms"], "on off"), ([], "off")):
            run = clusto("bmc", "identify", "server1", *words)
            assert (run.code, [line.split()[-1] for line in run.out.splitlines()]) == (0, said.split()), words
        assert clusto("bmc", "boot", "server1", "network").out == "server1 boots from network, once\n"


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("Presence detected", State.OK),
        ("Presence detected, Failure detected", State.CRITICAL),
        ("Presence detected, Predictive failure", State.WARNING),
        ("Power Supply AC lost", State.CRITICAL),
        ("Fully Redundant", State.OK),
        ("Redundancy Lost", State.WARNING),
        ("Drive Present, Drive Fault", State.CRITICAL),
        ("Uncorrectable ECC", State.CRITICAL),
        ("Correctable ECC", State.WARNING),
        ("Upper Non-critical going high", State.WARNING),
        ("Upper Critical going high", State.CRITICAL),
        ("Limit Not Exceeded", State.OK),
        ("Limit Exceeded", State.CRITICAL),
        ("General Chassis intrusion", State.WARNING),
        ("State Deasserted", State.OK),
        ("Device Present", State.OK),
        ("", State.OK),
    ],
)
def test_how_grave_words_are(words: str, state: State) -> None:
    assert of_words(words) is state
