"""Machines of the lab are reinstalled by hand: boot files, power, and what comes of it."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pexpect
import pytest
from lab.alive import alive
from lab.bmc import Bmc
from lab.vm import Machine, UserNetwork

from tests.console.lab import find, until
from tests.rebuild.lab import BootDirectory, WebServer

MAC = "52:54:00:aa:bb:01"


@pytest.fixture
def machine(tmp_path: Path, boot: BootDirectory) -> Machine:
    return Machine("server1", tmp_path / "server1", MAC, UserNetwork(boot.folder))


def ipmitool(bmc: Bmc, *words: str) -> list[str]:
    """The command line that asks the controller."""
    access = ["-I", "lanplus", "-C", "3", "-H", "127.0.0.1", "-p", str(bmc.port), "-U", bmc.user, "-P", bmc.password]
    return [find("ipmitool", "ipmitool"), *access, *words]


def ask(bmc: Bmc, *words: str) -> str:
    return subprocess.run(ipmitool(bmc, *words), capture_output=True, text=True, check=True, timeout=20).stdout


def installed(machine: Machine, image: bytes) -> bool:
    """Whether the disk begins with all of this image."""
    return machine.disk_image.read_bytes()[: len(image)] == image


def test_behind_a_controller(machine: Machine, boot: BootDirectory, web: WebServer, image: bytes) -> None:
    find("ipmi_sim", "openipmi")
    bmc = Bmc(machine)
    with alive(machine, bmc):
        boot.install(MAC)
        assert ask(bmc, "chassis", "power", "status") == "Chassis Power is off\n"
        ask(bmc, "chassis", "bootdev", "pxe")
        assert "Force PXE" in ask(bmc, "chassis", "bootparam", "get", "5")
        console = pexpect.spawn(ipmitool(bmc, "sol", "activate")[0], ipmitool(bmc, "sol", "activate")[1:], timeout=60)
        console.expect_exact("SOL Session operational")
        ask(bmc, "chassis", "power", "on")
        assert "No override" in ask(bmc, "chassis", "bootparam", "get", "5")
        web.wait("started")
        boot.local(MAC)
        for line in ("started", "writing", "written", "finished", "rebooting"):
            console.expect_exact(f"clusto-installer: {line}")
        console.expect_exact("\r\nserver1 login: ")
        console.send("root")
        console.expect_exact("root")
        assert ask(bmc, "chassis", "power", "status") == "Chassis Power is on\n"
        bmc.stop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
            port.bind(("127.0.0.1", bmc.port))
        assert machine.powered
    assert not machine.powered
    assert web.told == ["started", "finished"]
    assert machine.said.count("clusto-installer: started") == 1
    assert installed(machine, image)
