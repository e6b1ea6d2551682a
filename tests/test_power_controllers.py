"""Servers behind management controllers: OpenIPMI's simulator over IPMI 2.0, sushy-tools' emulator over Redfish."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
from lab.room import Room

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests import controllers
from tests.conftest import Run
from tests.controllers import PASSWORD, USER, free_port, redfish_emulator
from tests.power_room import record_room


@pytest.fixture
def power(here: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CLUSTO_BMC_PASSWORD", PASSWORD)
    return partial(here, "power")


@pytest.fixture
def inventory(sqlite_url: str) -> Inventory:
    return Inventory(Settings(sqlite_url))


@pytest.fixture
def ipmi(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A simulated controller: its UDP port, and the file that holds 1 while the chassis is on."""
    with controllers.ipmi_sim(tmp_path, controllers.chassis(tmp_path)) as port:
        yield port, tmp_path / "power"


def record(inventory: Inventory, *attributes: tuple[str, object]) -> None:
    password = ("bmc.password", "env:CLUSTO_BMC_PASSWORD")
    shared = [("bmc.user", USER), password, ("bmc.settle", 30), ("bmc.cipher_suite", 3)]
    with inventory.change() as change:
        change.add("Server", "server1", attributes=[*shared, *attributes])


def test_ipmi(inventory: Inventory, power: Run, ipmi: tuple[int, Path]) -> None:
    port, state = ipmi
    record(inventory, ("bmc.host", "127.0.0.1"), ("bmc.port", port))
    assert power("status", "server1")[1].startswith("server1 on")
    code, out, _ = power("off", "server1", "--yes")
    assert (code, out.split()[:2], state.read_text().strip()) == (0, ["server1", "off"], "0")
    code, out, _ = power("cycle", "server1", "--yes", "--pause", "0.1")
    assert (code, out.split()[:2], state.read_text().strip()) == (0, ["server1", "on"], "1")
    assert "chassis power off" in power("off", "server1", "--dry-run")[1]
    assert state.read_text().strip() == "1"


def test_off_is_told_when_a_slow_chassis_is_off(inventory: Inventory, power: Run, tmp_path: Path) -> None:
    state = tmp_path / "power"
    with controllers.ipmi_sim(tmp_path, controllers.chassis(tmp_path, delay=2)) as port:
        record(inventory, ("bmc.host", "127.0.0.1"), ("bmc.port", port))
        code, out, _ = power("off", "server1", "--yes", "--settle", "0.1")
        assert (code, "still on" in out, state.read_text().strip()) == (5, True, "1")
        code, out, _ = power("off", "server1", "--yes")
        assert (code, out.split()[:2], state.read_text().strip()) == (0, ["server1", "off"], "0")


def test_ipmi_with_a_wrong_password(
    inventory: Inventory, power: Run, ipmi: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(inventory, ("bmc.host", "127.0.0.1"), ("bmc.port", ipmi[0]))
    monkeypatch.setenv("CLUSTO_BMC_PASSWORD", "another")
    code, out, _ = power("off", "server1", "--yes")
    assert (code, "RAKP 2 HMAC is invalid" in out, ipmi[1].read_text().strip()) == (5, True, "1")


def test_ipmi_that_does_not_answer(inventory: Inventory, power: Run) -> None:
    if shutil.which("ipmitool") is None:
        pytest.skip("ipmitool is not installed (Debian package ipmitool)")
    port = free_port(socket.SOCK_DGRAM)
    record(inventory, ("bmc.host", "127.0.0.1"), ("bmc.port", port), ("bmc.timeout", 3))
    code, out, _ = power("off", "server1", "--yes")
    assert code == 5
    assert out.startswith("server1 unknown")
    assert PASSWORD not in out


def test_redfish(inventory: Inventory, power: Run, tmp_path: Path) -> None:
    with redfish_emulator(tmp_path, "node-1") as port:
        record(inventory, ("bmc.host", f"http://127.0.0.1:{port}"), ("bmc.protocol", "redfish"))
        assert power("status", "server1")[1].startswith("server1 on")
        code, out, _ = power("off", "server1", "--yes")
        assert (code, out.split()[:2]) == (0, ["server1", "off"])
        with urlopen(f"http://127.0.0.1:{port}/redfish/v1/Systems/11111111") as answer:
            assert json.load(answer)["PowerState"] == "Off"
        code, out, _ = power("on", "server1")
        assert (code, out.split()[:2]) == (0, ["server1", "on"])
        assert "POST http://127.0.0.1" in power("off", "server1", "--dry-run")[1]


def test_redfish_with_several_systems(inventory: Inventory, power: Run, tmp_path: Path) -> None:
    with redfish_emulator(tmp_path, "node-1", "node-2") as port:
        record(inventory, ("bmc.host", f"http://127.0.0.1:{port}"), ("bmc.protocol", "redfish"))
        code, out, _ = power("off", "server1", "--yes")
        assert code == 5
        assert "which system? it has node-1, node-2 (set bmc.system)" in out
        with inventory.change() as change:
            from clusto_core.model.attributes import Key

            change.add_values(change.resolve("server1"), Key.parse("bmc.system"), ["node-2"])
        code, out, _ = power("off", "server1", "--dry-run")
        assert (code, "/redfish/v1/Systems/22222222/Actions/ComputerSystem.Reset = ResetType ForceOff" in out) == (
            0,
            True,
        )


def test_via_chooses_between_outlets_and_controller(inventory: Inventory, power: Run, ipmi: tuple[int, Path]) -> None:
    port, state = ipmi
    room = Room(2, 2)
    with room.running():
        controller = (("bmc.host", "127.0.0.1"), ("bmc.port", port), ("bmc.user", USER), ("bmc.password", PASSWORD))
        controller += (("bmc.cipher_suite", 3),)
        record_room(inventory, room, [("server1", key, value) for key, value in controller])
        assert power("off", "server1", "--yes", "--via", "bmc")[:2] == (0, "server1 off\n")
        assert state.read_text().strip() == "0"
        assert power("status", "server1")[1] == "server1 on\n"
        code, out, _ = power("off", "server1", "--yes")
        assert (code, out.splitlines()[0]) == (0, "server1 off")
        code, _, err = power("off", "server2", "--yes", "--via", "bmc")
        assert code == 4
        assert "server2 has no management controller (bmc.host is not set)" in err
        # A password typed as an attribute is in no output, and on no other program's command line.
        assert PASSWORD not in power("off", "server1", "--via", "bmc", "--dry-run")[1]
