"""A management controller over IPMI 2.0 that keeps boot flags as the specification has it (28.12 and 28.13).

It stands beside OpenIPMI's simulator, which keeps the boot device alone and says of any that its flags are not valid.
Sessions and messages are pyghmi's. The chassis is moved by the command that OpenIPMI's simulator would call too:
`COMMAND get power`, `COMMAND set power 1`, `COMMAND set boot pxe`.
"""

from __future__ import annotations

import argparse
import math
import shlex
import subprocess
import time
from typing import Any

from pyghmi.ipmi.bmc import Bmc

VALID, PERSISTENT = 0x80, 0x40
DEVICES = {0: "none", 1: "pxe", 2: "default", 5: "cdrom", 6: "bios"}
"""Boot device selectors, in the words of OpenIPMI's simulator."""
NOT_SUPPORTED, INVALID_DATA = 0x80, 0xCC
CHASSIS, CHASSIS_STATUS, CHASSIS_IDENTIFY = 0x00, 0x01, 0x04
"""Network function and commands (IPMI 2.0, appendix G)."""


class Controller(Bmc):
    """Flags lose their validity `expiry` seconds after they are set or the chassis is told something (table 28-14)."""

    def __init__(self, port: int, user: str, password: str, chassis: str, devices: list[str], expiry: float | None):
        super().__init__({user: password}, port=port, address="127.0.0.1")
        self.chassis = shlex.split(chassis)
        self.devices = devices
        self.expiry = expiry
        self.clearing = 0
        self.acknowledge = bytearray(2)
        self.flags = bytearray(5)
        self.touched = time.monotonic()
        self.light: float = 0
        """Until when the light is on, or for ever."""

    def handle_raw_request(self, request: dict[str, Any], session: Any) -> None:
        """pyghmi knows no light (28.5, Chassis Identify)."""
        if request["netfn"] == CHASSIS and request["command"] == CHASSIS_IDENTIFY:
            seconds, forced = [*request["data"], 15][0], bytes(request["data"][1:2]) == b"\x01"
            self.light = math.inf if forced else time.monotonic() + seconds
            session.send_ipmi_response()
        else:
            super().handle_raw_request(request, session)

    def get_chassis_status(self, session: Any) -> None:
        lit = 0x20 if self.light == math.inf else 0x10 if self.light > time.monotonic() else 0
        session.send_ipmi_response(data=[self.get_power_state(), 0, 0x40 | lit])

    def get_power_state(self) -> int:
        command = [*self.chassis, "get", "power"]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split(":")[1])

    def power_off(self) -> None:
        self.set("power", "0")

    def power_shutdown(self) -> None:
        """The system behind it heeds at once."""
        self.set("soft", "1")
        self.set("power", "0")

    def power_on(self) -> None:
        self.set("power", "1")
        # The firmware has now seen the flags.
        if not self.flags[0] & PERSISTENT:
            self.flags[0] &= ~VALID

    def set(self, name: str, value: str) -> None:
        self.touched = time.monotonic()
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*self.chassis, "set", name, value], check=True, **streams)

    def set_system_boot_options(self, request: dict[str, Any], session: Any) -> None:
        parameter, data = request["data"][0], bytearray(request["data"][1:])
        code = 0
        if parameter == 3 and self.expiry is not None:
            self.clearing = data[0]
        elif parameter == 4:
            self.acknowledge = data
        elif parameter == 5:
            device = DEVICES.get(data[1] >> 2 & 0x0F)
            if device in self.devices:
                self.flags = data
                self.set("boot", device)
            else:
                code = INVALID_DATA
        elif parameter != 0:
            code = NOT_SUPPORTED
        session.send_ipmi_response(code=code)

    def get_system_boot_options(self, request: dict[str, Any], session: Any) -> None:
        parameter = request["data"][0]
        kept = self.expiry is None or self.clearing & 0x08
        if not kept and time.monotonic() > self.touched + self.expiry:
            self.flags[0] &= ~VALID
        data = {4: self.acknowledge, 5: self.flags}.get(parameter)
        if data is None:
            session.send_ipmi_response(code=NOT_SUPPORTED)
        else:
            session.send_ipmi_response(data=[1, parameter, *data])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("--chassis", required=True, metavar="COMMAND")
    parser.add_argument("--devices", nargs="+", default=list(DEVICES.values()), help="the boot devices it takes")
    parser.add_argument("--expiry", type=float, help="seconds; without it flags never expire, nor can that be set")
    Controller(**vars(parser.parse_args())).listen()


if __name__ == "__main__":
    main()
