"""`clusto bmc` before machines behind Redfish: what it says, what it proves, and how failures stay apart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from clusto_cli.bmc import actions
from clusto_core.inventory import Inventory
from tests.bmc.conftest import Clusto, Start
from tests.bmc.mockup import CHASSIS, LOG, MANAGER, ROOT, SYSTEM, Mockup, mac, machine
from tests.redfish.service import RESET, Reply
from tests.redfish.test_verb import BROKEN


@pytest.mark.parametrize("expands", [False, True])
def test_facts_are_the_same_page_by_page_and_at_once(start: Start, clusto: Clusto, expands: bool) -> None:
    service = start(mockup=Mockup(expands=expands))
    run = clusto("bmc", "facts", "server1", "-o", "json")
    assert (run.code, run.err) == (0, "")
    (said,) = json.loads(run.out)
    facts = said["facts"]
    assert (facts["vendor"], facts["model"], facts["serial"], facts["bios"]) == ("ACME", "Box 1000", "S1", "2.1")
    assert [cpu["cores"] for cpu in facts["processors"]] == [32, 32]
    assert ([each["serial"] for each in facts["modules"]], facts["memory_mib"]) == (["S1-M1", "S1-M2"], 131072)
    assert [(disk["slot"], disk["serial"]) for disk in facts["disks"]] == [("Bay 0", "S1-D0"), ("Bay 1", "S1-D1")]
    card, others = facts["cards"]
    assert (card["slot"], card["model"]) == ("NIC1", "X710")
    assert [port["macs"] for port in (*card["ports"], *others["ports"])] == [[mac("S1", n)] for n in (1, 2, 3)]
    assert card["ports"][0]["names"] == ["NIC.1", "eth0", "NIC1 1"]
    assert facts["bmc_macs"] == [mac("S1", 9)]
    assert facts["unread"] == []
    assert (len(service.asked("GET", "$expand")) > 0) is expands
    assert len(service.requests) < (25 if expands else 45)


def test_facts_for_people(start: Start, clusto: Clusto) -> None:
    start()
    lines = clusto("bmc", "facts", "server1").out.splitlines()
    assert lines[:4] == ["server1", "  vendor      ACME", "  model       Box 1000", "  serial      S1"]
    assert "  disk        Bay 0: 960 GB, SSD, PM883, serial S1-D0" in lines
    assert f"  port        NIC.1: {mac('S1', 1)}, eth0, NIC1 1" in lines


def test_what_cannot_be_read_is_told_and_the_rest_is_there(start: Start, clusto: Clusto) -> None:
    service = start()
    del service.resources[f"{SYSTEM}/Memory"]
    (said,) = json.loads(clusto("bmc", "facts", "server1", "-o", "json").out)
    assert said["facts"]["disks"]
    assert "404" in said["facts"]["unread"][0]


def test_what_an_answer_lacks_is_told(start: Start, clusto: Clusto) -> None:
    service = start()
    del service.resources[f"{CHASSIS}/Thermal"]
    run = clusto("bmc", "sensors", "server1")
    assert (run.code, "PSU 1" in run.out) == (0, True)
    assert "not read: " in run.err
    assert f"{CHASSIS}/Thermal" in run.err
    # A log that cannot be read is none that is empty.
    del service.resources[f"{LOG}/Entries"]
    for words in ([], ["--clear", "--yes"]):
        run = clusto("bmc", "log", "server1", *words)
        assert (run.code, f"{LOG}/Entries" in run.err) == (5, True)
    assert not service.asked("POST")


def test_sensors(start: Start, clusto: Clusto) -> None:
    start()
    lines = [line.split() for line in clusto("bmc", "sensors", "server1").out.splitlines()]
    assert lines == [
        ["system", "-", "ok", "(Enabled)"],
        ["Inlet", "24", "Cel", "ok"],
        ["Exhaust", "71", "Cel", "warning"],
        ["Fan", "1", "0", "RPM", "critical"],
        ["Fan", "2", "-", "absent"],
        ["12V", "12.1", "V", "ok"],
        ["PSU", "1", "180", "W", "ok"],
        ["Total", "350", "W", "ok"],
    ]
    (said,) = json.loads(clusto("bmc", "sensors", "server1", "--bad", "-o", "json").out)
    assert [(each["name"], each["state"]) for each in said["sensors"]] == [
        ("Exhaust", "warning"),
        ("Fan 1", "critical"),
    ]


def test_the_log_is_told_oldest_first(start: Start, clusto: Clusto) -> None:
    start()
    lines = clusto("bmc", "log", "server1").out.splitlines()
    assert lines[0] == "2026-11-29T00:00:00Z  ok        SEL 1  Powered on."
    assert [line.split()[1] for line in lines] == ["ok", "warning", "critical"]
    assert clusto("bmc", "log", "server1", "--last", "1").out.splitlines() == lines[-1:]
    assert clusto("bmc", "log", "server1", "--log", "audit").out == ""
    refused = clusto("bmc", "log", "server1", "--log", "nothing")
    assert refused.code == 5
    assert "no log nothing: it has SEL, Audit" in refused.err


def test_a_cleared_log_is_shown_and_read_back(start: Start, clusto: Clusto, inventory: Inventory) -> None:
    service = start()
    refused = clusto("bmc", "log", "server1", "--clear")
    assert (refused.code, "3 entries" in refused.err) == (4, True)
    assert not service.asked("POST")
    planned = clusto("bmc", "log", "server1", "--clear", "--dry-run")
    assert (planned.code, planned.out.splitlines()[-1]) == (0, "would clear the log of server1")
    assert not service.asked("POST")
    run = clusto("bmc", "log", "server1", "--clear", "--yes")
    assert run.code == 0
    assert [line.split("  ")[-1] for line in run.out.splitlines()] == [
        "Powered on.",
        "Fan 1 is slow.",
        "Fan 1 stands still.",
        "server1 cleared, 3 entries",
    ]
    assert len(service.asked("POST", "ClearLog")) == 1
    with inventory.read() as reader:
        kept = {str(each.key): each.plain for each in reader.attributes(reader.resolve("server1").id)}
    assert (kept["_bmc.last"]["action"], kept["_bmc.last"]["done"]) == ("log --clear", True)
    assert clusto("bmc", "log", "server1").out == ""


def test_a_log_that_only_says_it_is_cleared(start: Start, clusto: Clusto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "SLOW", 0.1)
    service = start()
    service.clear = lambda: None  # type: ignore[method-assign]
    run = clusto("bmc", "log", "server1", "--clear", "--yes")
    assert (run.code, "3 of 3 entries are still there" in run.err) == (5, True)


@pytest.mark.parametrize("name", ["LocationIndicatorActive", "IndicatorLED"])
def test_the_light(start: Start, clusto: Clusto, name: str) -> None:
    service = start()
    if name == "IndicatorLED":
        del service.resources[SYSTEM]["LocationIndicatorActive"]
        service.resources[CHASSIS][name] = "Off"
    for words, code, said in ((["on"], 0, "on"), ([], 0, "on"), (["off"], 0, "off"), ([], 0, "off")):
        run = clusto("bmc", "identify", "server1", *words)
        assert (run.code, run.out, run.err) == (code, f"server1 light {said}\n", "")
    assert len(service.asked("PATCH")) == 2


def test_words_behind_names(start: Start, clusto: Clusto) -> None:
    service = start()
    assert clusto("bmc", "identify", "on", "--where", "driver:Server").out == "server1 light on\n"
    assert service.resources[SYSTEM]["LocationIndicatorActive"] is True
    assert clusto("bmc", "boot", "--where", "driver:Server", "network", "--dry-run").out.endswith("network, once\n")
    completed = clusto("completion", "bash", "--line", "clusto bmc boot server1 ne").out.split()
    assert [word for word in completed if word.startswith("network")] != []
    assert "network" not in clusto("completion", "bash", "--line", "clusto bmc boot ne").out


def test_a_light_that_only_says_it_is_on(start: Start, clusto: Clusto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "SLOW", 0.1)
    start().habit = lambda _, request: Reply(204) if request.method == "PATCH" else None
    run = clusto("bmc", "identify", "server1", "on")
    assert (run.code, "its light is still off" in run.err) == (5, True)


def test_lights_for_a_time(start: Start, clusto: Clusto) -> None:
    services = [start(f"server{n}") for n in (1, 2)]
    # One at a time, and all are on at once for all that.
    run = clusto("bmc", "identify", "server[1-2]", "--for", "300ms", "--parallel", "1")
    assert run.code == 0
    assert run.out.splitlines() == [f"server{n} light {state}" for state in ("on", "off") for n in (1, 2)]
    for service in services:
        assert [request.body for request in service.asked("PATCH")] == [
            {"LocationIndicatorActive": True},
            {"LocationIndicatorActive": False},
        ]
    assert clusto("bmc", "identify", "server1", "on", "--for", "1m").code == 2
    assert clusto("bmc", "identify", "server1", "--for", "soon").code == 2


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_light_goes_off_at_an_interrupt(start: Start, inventory: Inventory, ending: signal.Signals) -> None:
    service = start()
    command = [sys.executable, "-m", "clusto_cli.main", "bmc", "identify", "server1", "--for", "10m"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        while not service.resources[SYSTEM]["LocationIndicatorActive"]:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(ending)
        said = process.communicate(timeout=20)[0]
    assert process.returncode == 130
    assert said.splitlines()[-1] == "server1 light off"
    assert service.resources[SYSTEM]["LocationIndicatorActive"] is False


def test_an_interrupt_waits_for_nobody(start: Start, inventory: Inventory) -> None:
    """However long a controller may take for an answer."""
    service = start(timeout=600)
    service.habit = lambda *_: Reply(octets=b" " * 60_000, drip=0.1)
    command = [sys.executable, "-m", "clusto_cli.main", "bmc", "facts", "server1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        while not service.requests:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    assert (process.returncode, "interrupted before it had answered" in said) == (130, True)


def test_the_log_is_followed(start: Start, inventory: Inventory) -> None:
    service = start()
    command = [sys.executable, "-m", "clusto_cli.main", "bmc", "log", "server1", "--follow", "--every", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(3)]
        path = f"{LOG}/Entries/9"
        service.resources[path] = {"Id": "9", "Created": "2026-11-29T09:00:00Z", "Message": "A door was opened."}
        service.resources[f"{LOG}/Entries"]["Members"].append({"@odata.id": path})
        new = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=20)[0]
    assert first[-1].endswith("Fan 1 stands still.\n")
    assert new.endswith("A door was opened.\n")
    assert (process.returncode, rest) == (130, "")


def test_firmware_side_by_side(start: Start, clusto: Clusto) -> None:
    start("server1")
    start("server2")
    start("server3").resources[f"{ROOT}/UpdateService/FirmwareInventory/Installed-1"]["Version"] = "7.2"
    lines = [line.split() for line in clusto("bmc", "firmware", "server[1-3]").out.splitlines()]
    assert lines == [
        ["BIOS", "2.1", "server[1-3]"],
        ["BMC", "5.10", "server[1-3]"],
        ["Raid", "7.1", "!", "server[1-2]"],
        ["Raid", "7.2", "!", "server3"],
    ]
    run = clusto("bmc", "firmware", "--where", "driver:Server", "--differing")
    assert [line.split()[1] for line in run.out.splitlines()] == ["7.1", "7.2"]


def test_a_controller_starts_anew(start: Start, clusto: Clusto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_POLLS", 0.05)
    service = start()
    assert clusto("bmc", "reset", "server1").code == 4
    assert clusto("bmc", "reset", "server1", "--dry-run").out == "server1 would restart the controller\n"
    assert not service.asked("POST")
    run = clusto("bmc", "reset", "server1", "--yes")
    assert (run.code, run.out) == (0, "server1 restarted, answers again after 0 s\n")
    assert [request.body for request in service.asked("POST")] == [{"ResetType": "GracefulRestart"}]


def test_a_controller_that_does_not_start_anew(start: Start, clusto: Clusto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_POLLS", 0.05)
    monkeypatch.setattr(actions, "_GOING", 0.2)
    service = start()
    service.restart = lambda: None  # type: ignore[method-assign]
    (said,) = json.loads(clusto("bmc", "reset", "server1", "--yes", "-o", "json").out)
    assert (said["verified"], said["failure"]) == (False, None)

    def silent() -> None:
        service.habit = lambda *_: Reply(503, None, {"Retry-After": "60"})

    service.restart = silent  # type: ignore[method-assign]
    run = clusto("bmc", "reset", "server1", "--yes", "--wait", "300ms")
    assert (run.code, "it has not answered again" in run.err) == (5, True)


def test_what_is_protected_is_left_alone(start: Start, clusto: Clusto) -> None:
    service = start()
    assert clusto("attr", "set", "protected", "true", "-t", "server1").code == 0
    for words in (
        ["boot", "server1", "network"],
        ["reset", "server1", "--yes"],
        ["log", "server1", "--clear", "--yes"],
    ):
        run = clusto("bmc", *words)
        assert (run.code, "protected" in run.err) == (4, True), words
    assert not [request for request in service.requests if request.method != "GET"]
    assert clusto("bmc", "log", "server1", "--clear", "--yes", "--force").code == 0


@pytest.mark.parametrize("verb", ["facts", "sensors", "log", "firmware", "identify", "boot"])
def test_broken_controllers_leave_the_others_alone(start: Start, clusto: Clusto, verb: str) -> None:
    for name, habit in BROKEN.items():
        start(name, timeout=0.5).habit = habit
    good = start("good")
    good.resources[SYSTEM]["Boot"] = {"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"}
    run = clusto("bmc", verb, *BROKEN, "good", "-o", "json")
    said: dict[str, Any] = {each["name"]: each for each in json.loads(run.out)}
    assert said["good"]["failure"] is None
    assert run.code == 5
    assert list(said) == [*BROKEN, "good"]
    assert all(said[name]["failure"] for name in ("malformed", "deep", "large", "drip", "elsewhere", "terminal"))
    assert "\x1b" not in run.err + run.out


def test_machines_without_a_controller(start: Start, clusto: Clusto, inventory: Inventory) -> None:
    start()
    with inventory.change() as change:
        change.add("Server", "bare")
        change.add("Server", "half", attributes=[("bmc.host", "10.0.0.1")])
    run = clusto("bmc", "facts", "bare")
    assert (run.code, "bmc.host is not set" in run.err) == (4, True)
    run = clusto("bmc", "facts", "half")
    assert (run.code, "bmc.user is not set" in run.err) == (2, True)
    run = clusto("bmc", "facts", "bare", "half", "server1")
    assert (run.code, run.out.splitlines()[0]) == (4, "server1")
    assert len(run.err.splitlines()) == 2
    assert clusto("bmc", "facts").code == 2


def test_boot_is_told_once_and_read_back(start: Start, clusto: Clusto) -> None:
    service = start()
    boot = {"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"}
    service.resources[SYSTEM]["Boot"] = boot

    def patched(_: Any, request: Any) -> Reply | None:
        if request.method != "PATCH":
            return None
        boot.update(request.body["Boot"])
        return Reply(204)

    service.habit = patched
    assert clusto("bmc", "boot", "server1").out == "server1 boots from default\n"
    assert clusto("bmc", "boot", "server1", "network", "--dry-run").out == "server1 would boot from network, once\n"
    assert boot["BootSourceOverrideEnabled"] == "Disabled"
    assert clusto("bmc", "boot", "server1", "network").out == "server1 boots from network, once\n"
    (said,) = json.loads(clusto("bmc", "boot", "server1", "-o", "json").out)
    assert (said["device"], said["once"]) == ("network", True)
    assert clusto("bmc", "boot", "server1", "default").out == "server1 boots from default\n"


def test_a_boot_that_was_not_taken_as_told(start: Start, clusto: Clusto) -> None:
    service = start()
    boot = {"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"}
    service.resources[SYSTEM]["Boot"] = boot

    def always(_: Any, request: Any) -> Reply | None:
        if request.method != "PATCH":
            return None
        boot.update(request.body["Boot"] | {"BootSourceOverrideEnabled": "Continuous"})
        return Reply(204)

    service.habit = always
    run = clusto("bmc", "boot", "server1", "network")
    assert (run.code, "every time, not once" in run.err) == (5, True)


def test_no_machine_is_reset_by_any_of_it(start: Start, clusto: Clusto) -> None:
    """What concerns power is another verb's."""
    service = start()
    for words in (["facts"], ["sensors"], ["log"], ["firmware"], ["identify"]):
        assert clusto("bmc", words[0], "server1").code == 0
    assert {request.method for request in service.requests} == {"GET"}
    assert not service.asked("POST", RESET)


def test_the_password_is_said_nowhere(start: Start, clusto: Clusto, tmp_path: Path) -> None:
    start("server1", password="hush-hush-1")
    run = clusto("bmc", "facts", "server1")
    assert run.code == 5
    assert "hush-hush-1" not in run.out + run.err
    assert "bmc.password" in run.err


def test_machine_of_the_mockup_is_whole() -> None:
    """Each reference of the mockup leads somewhere, so that what is not read is the program's doing."""
    resources = machine()

    def links(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["@odata.id"]] if isinstance(value.get("@odata.id"), str) else []
            return own + [link for each in value.values() for link in links(each)]
        return [link for each in value for link in links(each)] if isinstance(value, list) else []

    for document in resources.values():
        for link in links(document):
            assert link in resources, link
    assert MANAGER in resources
