"""A management controller: OpenIPMI's simulator before a machine in QEMU, with its power, boot device and console."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from lab import chassis
from lab.vm import Machine

PROGRAM = "ipmi_sim"
_LAN = """name "{name}"
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
  sol "tcp:127.0.0.1:{console}" 115200
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
_EMULATION = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""


@dataclass
class Bmc:
    """IPMI 2.0 over LAN (cipher suite 3) at the UDP port `port` of 127.0.0.1; `start` it after its machine.

    What it says of a boot override lacks two bits: it is never marked valid, and it is always for once.
    """

    machine: Machine
    user: str = "admin"
    password: str = "secret"
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Raises OSError when the simulator is not installed or does not listen."""
        folder = self.machine.folder / "bmc"
        (folder / "state").mkdir(parents=True, exist_ok=True)
        if not self.port:
            self.port = _free_port()
        lan = _LAN.format(
            name=self.machine.name,
            port=self.port,
            chassis=f"{sys.executable} -SE {Path(chassis.__file__)} {self.machine.control}",
            console=self.machine.console_port,
            user=self.user,
            password=self.password,
        )
        (folder / "lan.conf").write_text(lan)
        (folder / "emulation").write_text(_EMULATION)
        argv = ["setpriv", "--pdeathsig", "KILL", "--", PROGRAM, "-n"]
        argv += ["-c", str(folder / "lan.conf"), "-f", str(folder / "emulation"), "-s", str(folder / "state")]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        deadline = time.monotonic() + 10
        while f":{self.port:04X} " not in Path("/proc/net/udp").read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"{PROGRAM} does not listen: {(folder / 'log').read_text().strip()}")
            await asyncio.sleep(0.02)

    def stop(self) -> None:
        """The controller falls silent; the machine goes on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
