"""Servers behind management controllers: OpenIPMI's simulator over IPMI 2.0, sushy-tools' emulator over Redfish."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from lab.room import Room

from clusto_cli.main import invoke
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests.power_room import record_room

USER, PASSWORD = "operator", "s3cret-pass"
CHASSIS = """#!/bin/sh
# What OpenIPMI's simulator calls to move the chassis: get NAME..., set NAME VALUE...
[ -e {state} ] || echo 1 >{state}
verb=$1; shift
case $verb in
  get) for name; do if [ "$name" = power ]; then echo "power:$(cat {state})"; else echo "$name:0"; fi; done ;;
  set) while [ $# -gt 0 ]; do [ "$1" = power ] && echo "$2" >{state}; shift 2; done ;;
esac
"""
LAN = """name "lab"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis}"
user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
EMULATION = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
Power = Callable[..., tuple[int, str, str]]


@pytest.fixture
def power(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Power:
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)
    monkeypatch.setenv("BMC_PASSWORD", PASSWORD)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["clusto", "power", *arguments])
        capsys.readouterr()
        code = invoke(["power", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def inventory(sqlite_url: str) -> Inventory:
    return Inventory(Settings(sqlite_url))


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def ipmi(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A simulated controller: its UDP port, and the file that holds 1 while the chassis is on."""
    for program, package in (("ipmi_sim", "openipmi"), ("ipmitool", "ipmitool")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian package {package})")
    state, chassis, port = tmp_path / "state", tmp_path / "chassis", free_port(socket.SOCK_DGRAM)
    chassis.write_text(CHASSIS.format(state=state))
    chassis.chmod(0o755)
    (tmp_path / "lan.conf").write_text(LAN.format(port=port, chassis=chassis, user=USER, password=PASSWORD))
    (tmp_path / "emulation").write_text(EMULATION)
    command = [
        "ipmi_sim",
        "-c",
        str(tmp_path / "lan.conf"),
        "-f",
        str(tmp_path / "emulation"),
        "-s",
        str(tmp_path),
        "-n",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=tmp_path)
    try:
        time.sleep(1)
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield port, state
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def redfish(directory: Path, *names: str) -> Iterator[int]:
    """An emulated controller of these systems; its TCP port."""
    program = shutil.which("sushy-emulator", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("sushy-tools is not installed (pip install sushy-tools)")
    systems = [
        {"uuid": f"{number}" * 8, "name": name, "power_state": "On", "external_notifier": False, "nics": []}
        for number, name in enumerate(names, 1)
    ]
    port = free_port(socket.SOCK_STREAM)
    config = directory / "emulator.conf"
    config.write_text(f"SUSHY_EMULATOR_FAKE_SYSTEMS = {systems!r}\nSUSHY_EMULATOR_STATE_DIR = {str(directory)!r}\n")
    command = [program, "--fake", "-i", "127.0.0.1", "-p", str(port), "--config", str(config)]
    with (directory / "emulator.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/redfish/v1/Systems", timeout=2):
                    break
            except OSError:
                assert process.poll() is None, (directory / "emulator.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def record(inventory: Inventory, *attributes: tuple[str, object]) -> None:
    shared = [("bmc.user", USER), ("bmc.password", "env:BMC_PASSWORD"), ("bmc.settle", 30), ("bmc.cipher_suite", 3)]
    with inventory.change() as change:
        change.add("Server", "server1", attributes=[*shared, *attributes])


def test_ipmi(inventory: Inventory, power: Power, ipmi: tuple[int, Path]) -> None:
    port, state = ipmi
    record(inventory, ("bmc.host", "127.0.0.1"), ("bmc.port", port))
    assert power("status", "server1")[1].startswith("server1 on")
    code, out, _ = power("off", "server1", "--yes")
    assert (code, out.split()[:2], state.read_text().strip()) == (0, ["server1", "off"], "0")
    code, out, _ = power("cycle", "server1", "--yes", "--pause", "0.1")
    assert (code, out.split()[:2], state.read_text().strip()) == (0, ["server1", "on"], "1")
    assert "chassis power off" in power("off", "server1", "--dry-run")[1]
    assert state.read_text().strip() == "1"


def test_ipmi_that_does_not_answer(inventory: Inventory, power: Power) -> None:
    if shutil.which("ipmitool") is None:
        pytest.skip("ipmitool is not installed (Debian package ipmitool)")
    port = free_port(socket.SOCK_DGRAM)
    record(inventory, ("bmc.host", "127.0.0.1"), ("bmc.port", port), ("bmc.timeout", 3))
    code, out, _ = power("off", "server1", "--yes")
    assert code == 5
    assert out.startswith("server1 unknown")
    assert PASSWORD not in out


def test_redfish(inventory: Inventory, power: Power, tmp_path: Path) -> None:
    with redfish(tmp_path, "node-1") as port:
        record(inventory, ("bmc.host", f"http://127.0.0.1:{port}"), ("bmc.protocol", "redfish"))
        assert power("status", "server1")[1].startswith("server1 on")
        code, out, _ = power("off", "server1", "--yes")
        assert (code, out.split()[:2]) == (0, ["server1", "off"])
        with urlopen(f"http://127.0.0.1:{port}/redfish/v1/Systems/11111111") as answer:
            assert json.load(answer)["PowerState"] == "Off"
        code, out, _ = power("on", "server1")
        assert (code, out.split()[:2]) == (0, ["server1", "on"])
        assert "POST http://127.0.0.1" in power("off", "server1", "--dry-run")[1]


def test_redfish_with_several_systems(inventory: Inventory, power: Power, tmp_path: Path) -> None:
    with redfish(tmp_path, "node-1", "node-2") as port:
        record(inventory, ("bmc.host", f"http://127.0.0.1:{port}"), ("bmc.protocol", "redfish"))
        code, out, _ = power("off", "server1", "--yes")
        assert code == 5
        assert "which system? it has node-1, node-2 (set bmc.system)" in out
        with inventory.change() as change:
            from clusto_core.attributes import Key

            change.add_values(change.resolve("server1"), Key.parse("bmc.system"), ["node-2"])
        code, out, _ = power("off", "server1", "--dry-run")
        assert (code, "/redfish/v1/Systems/22222222/Actions/ComputerSystem.Reset = ResetType ForceOff" in out) == (
            0,
            True,
        )


def test_via_chooses_between_outlets_and_controller(inventory: Inventory, power: Power, ipmi: tuple[int, Path]) -> None:
    port, state = ipmi
    room = Room(2, 2)
    with room.running():
        controller = (("bmc.host", "127.0.0.1"), ("bmc.port", port), ("bmc.user", USER), ("bmc.password", PASSWORD))
        controller += (("bmc.cipher_suite", 3),)
        record_room(inventory, room, [("server1", key, value) for key, value in controller])
        assert power("off", "server1", "--yes", "--via", "bmc")[:2] == (0, "server1 off\n")
        assert state.read_text().strip() == "0"
        assert power("status", "server1")[1] == "server1 on\n"
        assert power("off", "server1", "--yes")[:2] == (0, "server1 off\n")
        code, _, err = power("off", "server2", "--yes", "--via", "bmc")
        assert code == 4
        assert "server2 has no management controller (bmc.host is not set)" in err
        # A password typed as an attribute is in no output, and on no other program's command line.
        assert PASSWORD not in power("off", "server1", "--via", "bmc", "--dry-run")[1]
