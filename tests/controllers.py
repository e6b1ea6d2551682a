"""Servers' management controllers, as programs that run for the length of a `with`.

Over IPMI 2.0: OpenIPMI's simulator, which has serial over LAN but keeps no boot flags besides the device and calls
them invalid, and `ipmi_bmc.py` on pyghmi, which keeps all of them. Over Redfish: sushy-tools' emulator, which takes
every boot override for a continuous one. The chassis behind IPMI is a command: `COMMAND get power boot` prints
`power:1` and `boot:pxe` on lines, `COMMAND set power 1 boot default` moves it.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

USER, PASSWORD = "operator", "s3cret-pass"
CHASSIS = """#!/bin/sh
# What is set is in files of that name; the power moves {delay} seconds after it was told to.
cd {directory}
verb=$1; shift
case $verb in
  get) for name; do [ -e $name ] || echo 0 >$name; echo "$name:$(cat $name)"; done ;;
  set) while [ $# -gt 0 ]; do
         case $1 in
           power) (sleep {delay}; echo $2 >power) >/dev/null 2>&1 & ;;
           *) echo $2 >$1 ;;
         esac
         shift 2
       done ;;
esac
"""
LAN = """name "lab"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis}"
{sol}user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
EMULATION = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
{equipment}mc_enable 0x20
"""


def chassis(directory: Path, *, delay: float = 0) -> str:
    """The command of a chassis that is a file: 1 or 0 in `power`, a device in `boot`; it is on."""
    script = directory / "chassis"
    script.write_text(CHASSIS.format(directory=shlex.quote(str(directory)), delay=f"{delay:g}"))
    script.chmod(0o755)
    (directory / "power").write_text("1\n")
    (directory / "boot").write_text("default\n")
    return str(script)


@contextmanager
def ipmi_sim(directory: Path, command: str, *, serial: int | None = None, equipment: str = "") -> Iterator[int]:
    """OpenIPMI's simulator before a chassis and, with `serial`, a TCP port for serial over LAN; its UDP port.

    equipment: what is behind it besides, as commands of the simulator (ipmi_sim_commands(5)).
    """
    program = _program("ipmi_sim", "Debian package openipmi")
    _program("ipmitool", "Debian package ipmitool")
    port = free_port(socket.SOCK_DGRAM)
    sol = "" if serial is None else f'  sol "tcp:127.0.0.1:{serial}" 115200\n'
    lan, emulation = directory / "lan.conf", directory / "emulation"
    lan.write_text(LAN.format(port=port, chassis=command, sol=sol, user=USER, password=PASSWORD))
    emulation.write_text(EMULATION.format(equipment=equipment))
    argv = [program, "-c", str(lan), "-f", str(emulation), "-s", str(directory), "-n"]
    with _running(argv, directory, lambda: _listens(port)):
        yield port


@contextmanager
def ipmi_bmc(
    directory: Path, command: str, *, devices: Sequence[str] = (), expiry: float | None = None
) -> Iterator[int]:
    """`ipmi_bmc.py` before a chassis; its UDP port.

    `devices` are those it boots from (`pxe`, `default`, `none`), without it all; boot flags expire after `expiry`
    seconds unless it is told that they shall not, and never without it.
    """
    _program("ipmitool", "Debian package ipmitool")
    if importlib.util.find_spec("pyghmi") is None:
        pytest.skip("pyghmi is not installed (pip install pyghmi)")
    port = free_port(socket.SOCK_DGRAM)
    argv = [sys.executable, str(Path(__file__).with_name("ipmi_bmc.py")), str(port), USER, PASSWORD]
    argv += ["--chassis", command, *(["--devices", *devices] if devices else [])]
    argv += ["--expiry", str(expiry)] if expiry is not None else []
    with _running(argv, directory, lambda: _listens(port)):
        yield port


@contextmanager
def redfish_emulator(directory: Path, *names: str, password: str | None = None) -> Iterator[int]:
    """sushy-tools' emulator of these systems, which are on and boot from the disk; its TCP port.

    With a `password` it asks for that and the name USER.
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    program = _program("sushy-emulator", "pip install sushy-tools", path)
    systems = [
        {"uuid": f"{number}" * 8, "name": name, "power_state": "On", "external_notifier": False, "nics": []}
        for number, name in enumerate(names, 1)
    ]
    port = free_port(socket.SOCK_STREAM)
    settings = {"SUSHY_EMULATOR_FAKE_SYSTEMS": systems, "SUSHY_EMULATOR_STATE_DIR": str(directory)}
    if password is not None:
        import bcrypt

        users = directory / "htpasswd"
        users.write_text(f"{USER}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
        settings["SUSHY_EMULATOR_AUTH_FILE"] = str(users)
    config = directory / "emulator.conf"
    config.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    argv = [program, "--fake", "-i", "127.0.0.1", "-p", str(port), "--config", str(config)]

    def answers() -> bool:
        try:
            urlopen(f"http://127.0.0.1:{port}/redfish/v1/Systems", timeout=2).close()
        except HTTPError:
            return True
        except OSError:
            return False
        return True

    with _running(argv, directory, answers):
        yield port


def free_port(kind: socket.SocketKind) -> int:
    """A port of the loopback address that nobody uses: `SOCK_DGRAM` for UDP, `SOCK_STREAM` for TCP."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(argv: Sequence[str], directory: Path, ready: Callable[[], bool]) -> Iterator[None]:
    log = directory / f"{Path(argv[0]).name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory)
    try:
        deadline = time.monotonic() + 20
        while not ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    return any(f":{port:04X} " in Path(f"/proc/net/{table}").read_text() for table in ("udp", "udp6"))


def _program(name: str, source: str, path: str | None = None) -> str:
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is not installed ({source})")
    return found
