"""The verb on simulated machines: the whole way, and everything that goes wrong on it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.lab import until
from tests.rebuild.site import Site, site


@pytest.fixture
def lab(tmp_path: Path, sqlite_url: str) -> Iterator[Site]:
    with site(tmp_path, sqlite_url) as found:
        found.serve()
        yield found


def test_a_machine_is_reinstalled_and_proved_to_be_up(lab: Site) -> None:
    code, out, err = lab.rebuild("server1")
    assert code == 0, out + err
    machine = lab.machines["server1"]
    assert (machine.installs, machine.installed != "old", lab.machines["server2"].installs) == (1, True, 0)
    assert lab.is_local("server1")
    assert out.splitlines()[-1].startswith("server1 installed in ")
    assert "(call-back, console" in out.splitlines()[-1]
    assert "server1 will be ERASED" in err
    assert lab.attribute("server1", "os.installed") == ["image images/system.img"]
    assert json.loads(lab.attribute("server1", "_rebuild.last")[0])["done"] is True
    status = lab.status("server1")
    assert (status["phase"], status["alive"]) == ("done", False)
    heard = lab.heard("server1")
    assert [event for source, event in heard if source == "clusto"] == [
        "arming",
        "off",
        "booting",
        "installing",
        "starting",
        "done",
    ]
    assert {("fetch", "fetched"), ("callback", "started"), ("callback", "finished"), ("console", "up")} <= set(heard)


def test_lost_call_backs_loop_nobody(lab: Site) -> None:
    lab.machines["server1"].faults.mute = True
    code, out, err = lab.rebuild("server1")
    assert code == 0, out + err
    assert lab.machines["server1"].installs == 1
    assert "(console, probe; not heard: call-back)" in out.splitlines()[-1]


def test_a_machine_of_which_nothing_is_heard_installs_once(lab: Site) -> None:
    """That its boot file was fetched is all that is known: loaders may read it twice, and then no more."""
    machine = lab.machines["server1"]
    machine.faults.mute = machine.faults.silent = True
    machine.installing = 13
    lab.set("lab", "rebuild.timeout", 18)
    first = lab.begin("rebuild", "server1", "--yes", "--pause", "0.2")
    until(lambda: machine.installs, "the installer runs")
    assert lab.is_armed("server1")
    until(lambda: lab.is_local("server1"), "the boot file is put back", 20)
    assert not machine.installed
    out, _ = first.communicate(timeout=60)
    assert first.returncode == 5
    assert "no sign of an installed system" in out
    assert machine.installs == 1


def test_the_call_back_that_says_finished_is_lost(lab: Site) -> None:
    lab.machines["server1"].faults.loses = frozenset(("finished",))
    lab.machines["server1"].faults.silent = True
    lab.set("lab", "rebuild.timeout", 6)
    code, out, _ = lab.rebuild("server1")
    # The probe alone is never believed.
    assert code == 5
    assert "server1 failed: not done in 6 s" in out
    assert lab.is_local("server1")
    assert lab.machines["server1"].installs == 1


@pytest.mark.parametrize("token", ["wrong", "A" * 43])
def test_a_wrong_token_is_no_call_back(lab: Site, token: str) -> None:
    machine = lab.machines["server1"]
    machine.faults.token = token
    code, out, err = lab.rebuild("server1")
    assert code == 0, out + err
    assert {status for _, status in machine.answers} == {403}
    assert "not heard: call-back" in out.splitlines()[-1]
    assert "callback" not in {source for source, _ in lab.heard("server1")}


def test_a_repeated_call_back_is_refused_and_harms_nobody(lab: Site) -> None:
    machine = lab.machines["server1"]
    machine.faults.repeats = True
    code, out, err = lab.rebuild("server1")
    assert code == 0, out + err
    assert [status for _, status in machine.answers] == [200, 409, 200, 409]
    assert lab.heard("server1").count(("callback", "started")) == 1


def test_a_boot_file_that_is_never_fetched(lab: Site) -> None:
    lab.machines["server1"].faults.fetches_nothing = True
    code, out, _ = lab.rebuild("server1")
    assert code == 5
    assert "the boot file was never fetched" in out
    assert "server1 login:" in out
    assert lab.machines["server1"].installed == "old"
    assert lab.is_local("server1")
    assert lab.attribute("server1", "os.installed") == []


def test_an_installer_that_fails_says_why(lab: Site) -> None:
    lab.machines["server1"].faults.fails = "no disk found"
    code, out, _ = lab.rebuild("server1")
    assert code == 5
    assert "server1 failed: the installer failed: no disk found" in out
    assert lab.is_local("server1")


def test_a_hanging_installer_runs_into_the_timeout_with_its_last_words(lab: Site) -> None:
    lab.machines["server1"].faults.hangs = True
    code, out, _ = lab.rebuild("server1", "--timeout", "4")
    assert code == 5
    assert "no sign of an installed system" in out
    assert "  console: clusto-installer: started" in out
    assert lab.is_local("server1")


def test_power_that_lies(lab: Site) -> None:
    lab.room["pdu1a"].outlets[0].stuck = True
    code, out, _ = lab.rebuild("server1")
    assert code == 5
    assert "power: pdu1a:1" in out
    assert lab.machines["server1"].installs == 0
    assert lab.is_local("server1")


def test_half_a_batch(lab: Site) -> None:
    lab.machines["server1"].faults.fails = "bad disk"
    code, out, err = lab.rebuild("server1", "server2", "-o", "json")
    assert code == 5, err
    outcomes = {outcome["name"]: outcome for outcome in json.loads(out)}
    assert (outcomes["server1"]["done"], outcomes["server2"]["done"]) == (False, True)
    assert lab.attribute("server2", "os.installed")


def test_nothing_happens_when_something_is_missing(lab: Site) -> None:
    lab.stop_serving()
    code, out, err = lab.rebuild("server1")
    assert (code, out) == (5, "")
    assert "call-back" in err
    assert "nothing was changed" in err.splitlines()[-1]
    lab.serve()
    with contextlib.closing(sqlite3.connect(lab.store.removeprefix("sqlite:///"))) as store, store:
        # From before the values of keys were read on their way in.
        store.execute("UPDATE attributes SET head = '52:54:00:00:00:zz/../../x' WHERE key = 'mac'")
    code, _, err = lab.rebuild("server1")
    assert code == 4
    assert "malformed MAC" in err
    assert lab.machines["server1"].boots == 1
    assert not list(lab.directory.glob("pxelinux.cfg/01*"))


def test_two_at_once(lab: Site) -> None:
    machine = lab.machines["server1"]
    machine.faults.hangs = True
    first = lab.begin("rebuild", "server1", "--yes", "--pause", "0.2")
    until(lambda: machine.installs, "the installer runs")
    code, _, err = lab.rebuild("server1")
    assert code == 4
    assert "server1 is being rebuilt by" in err
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 130
    assert machine.installs == 1


def test_an_interrupt_leaves_a_machine_to_be_resumed(lab: Site) -> None:
    machine = lab.machines["server1"]
    machine.installing = 3
    first = lab.begin("rebuild", "server1", "--yes", "--pause", "0.2")
    until(lambda: machine.answers, "it has called back")
    first.send_signal(signal.SIGINT)
    out, _ = first.communicate(timeout=30)
    assert first.returncode == 130
    assert "clusto rebuild --resume server1" in out
    assert lab.is_local("server1")
    code, out, err = lab.clusto("rebuild", "--resume", "server1")
    assert code == 0, out + err
    assert machine.installs == 1


@pytest.mark.parametrize("phase", ["arming", "off", "booting", "installing", "starting"])
def test_killed_in_each_phase_and_resumed(lab: Site, phase: str) -> None:
    machine = lab.machines["server1"]
    machine.firmware, machine.installing = 0.5, 0.5
    first = lab.begin("rebuild", "server1", "--yes", "--pause", "1", "-o", "jsonl")
    assert first.stdout is not None
    for line in first.stdout:
        event = json.loads(line)
        if event["kind"] == "event" and event["phase"] == phase:
            break
    first.kill()
    first.wait(10)
    until(lambda: not lab.is_armed("server1"), "the guardian puts the boot file back")
    code, out, err = lab.rebuild("--resume", "server1")
    assert code == 0, out + err
    assert lab.status("server1")["phase"] == "done"
    assert lab.is_local("server1")
    # What ran already is not begun anew.
    assert machine.installs == 1 if phase in ("installing", "starting") else machine.installs <= 2


def test_the_server_puts_the_boot_file_back_when_nobody_else_does(lab: Site) -> None:
    machine = lab.machines["server1"]
    machine.installing = 1
    machine.firmware = 1.5
    first = lab.begin("rebuild", "server1", "--yes", "--pause", "0.2")
    until(lambda: machine.boots == 2, "it boots again")
    # The command and its guardian both sleep.
    os.killpg(first.pid, signal.SIGSTOP)
    until(lambda: machine.installs, "the installer runs")
    until(lambda: lab.is_local("server1"), "the server has heard it")
    os.killpg(first.pid, signal.SIGCONT)
    out, _ = first.communicate(timeout=60)
    assert first.returncode == 0, out
    assert machine.installs == 1


def test_cancel_from_another_shell(lab: Site) -> None:
    lab.machines["server1"].faults.hangs = True
    first = lab.begin("rebuild", "server1", "--yes", "--pause", "0.2")
    until(lambda: lab.machines["server1"].installs, "the installer runs")
    code, out, err = lab.clusto("rebuild", "--cancel", "server1")
    assert (code, out) == (0, "server1 cancelled\n"), err
    out, _ = first.communicate(timeout=30)
    assert first.returncode == 5
    assert "cancelled by another command" in out
    assert lab.is_local("server1")
    # It may be said again, for a boot server that did not answer.
    assert lab.clusto("rebuild", "--cancel", "server1")[:2] == (0, "server1 cancelled\n")
    assert lab.clusto("rebuild", "--resume", "server1")[0] == 4


def test_cancel_before_its_turn_has_come(lab: Site) -> None:
    lab.machines["server1"].faults.hangs = True
    first = lab.begin("rebuild", "server1", "server2", "--yes", "--pause", "0.2", "--parallel", "1")
    until(lambda: lab.machines["server1"].installs, "the first one's installer runs", 20)
    assert lab.clusto("rebuild", "--cancel", "server2")[0] == 0
    assert lab.clusto("rebuild", "--cancel", "server1")[0] == 0
    out, _ = first.communicate(timeout=60)
    assert first.returncode == 5
    assert out.count("cancelled by another command") == 2
    assert lab.machines["server2"].boots == 1
    assert lab.machines["server2"].installed == "old"


def test_what_is_fetched_before_the_power_is_off_does_not_count(lab: Site) -> None:
    """A machine that finds nothing to boot asks for its boot file again and again."""
    machine = lab.machines["server1"]
    machine.faults.asks_again = True
    machine.firmware = 12
    first = lab.begin("rebuild", "server1", "--yes", "--pause", "2")
    until(lambda: machine.boots == 2, "it boots", 30)
    out, err = first.communicate(timeout=90)
    assert first.returncode == 0, out + err
    assert machine.installs == 1


def test_nobody_reads_what_it_prints(lab: Site) -> None:
    """The machine is rebuilt all the same."""
    machine = lab.machines["server1"]
    machine.installing = 2
    first = lab.begin("rebuild", "server1", "--yes", "--pause", "0.2")
    assert first.stdout is not None
    first.stdout.close()
    first.wait(60)
    assert lab.status("server1")["phase"] == "done"
    assert machine.installs == 1
    assert lab.is_local("server1")


@pytest.mark.parametrize("started_by_nohup", [False, True])
def test_a_closed_terminal_is_an_interrupt(lab: Site, started_by_nohup: bool) -> None:
    machine = lab.machines["server1"]
    machine.faults.hangs = not started_by_nohup
    machine.installing = 3
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if started_by_nohup else signal.SIG_DFL)
    try:
        first = lab.begin("rebuild", "server1", "--yes", "--pause", "0.2")
    finally:
        signal.signal(signal.SIGHUP, before)
    until(lambda: machine.installs, "the installer runs", 20)
    first.send_signal(signal.SIGHUP)
    assert first.wait(30) == (0 if started_by_nohup else 130)
    assert lab.is_local("server1")


def test_refusals(lab: Site) -> None:
    assert lab.clusto("rebuild", "server1")[0] == 4
    assert "--yes" in lab.clusto("rebuild", "server1")[2]
    code, _, err = lab.rebuild("server[1-2]")
    assert (code, "name each machine by itself" in err) == (4, True)
    code, _, err = lab.clusto("rebuild", "--where", "driver:Server", "--yes")
    assert (code, "--where" in err) == (4, True)
    lab.set("server1", "protected", True)
    lab.set("server1", "protected.reason", "holds the only copy")
    code, _, err = lab.rebuild("server1")
    assert (code, "server1 is protected (holds the only copy)" in err) == (4, True)
    lab.set("server2", "status", "allocated")
    code, _, err = lab.rebuild("server2")
    assert (code, "server2 is allocated" in err) == (4, True)
    assert lab.machines["server1"].boots == 1


def test_autolock(lab: Site) -> None:
    lab.set("lab", "rebuild.autolock", True)
    assert lab.rebuild("server1")[0] == 0
    assert lab.attribute("server1", "protected") == ["true"]
    assert lab.rebuild("server1")[0] == 4
