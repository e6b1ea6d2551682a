"""A server's own power switch behind its management controller, over IPMI 2.0, by the program ipmitool.

The password goes to ipmitool in its environment (`-E`, IPMI_PASSWORD), never on its command line.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from clusto_cli.backends.base import (
    AuthenticationFailed,
    DeviceError,
    OutletReading,
    Refused,
    Relay,
    Step,
    Unreachable,
)
from clusto_cli.backends.program import run_program

_STATES = {"Chassis Power is on": Relay.ON, "Chassis Power is off": Relay.OFF}
_SILENCE = ("Unable to establish", "timeout", "Get Device ID command failed")
_DENIED = ("RAKP 2 HMAC is invalid", "RAKP 2 message indicates an error", "Invalid user name", "unauthorized name")


class IpmiPower:
    """One server. There is one outlet, whatever it is called: the server itself.

    Without a `cipher_suite` ipmitool asks the controller for the best one, which controllers that keep silent about
    it make long.
    """

    def __init__(
        self,
        host: str,
        user: str,
        password: str,
        *,
        port: int = 623,
        cipher_suite: int | None = None,
        timeout: float = 20.0,
        settle: float = 60.0,
    ) -> None:
        self._where = f"{host}:{port}"
        self._argv = ["ipmitool", "-I", "lanplus", "-H", host, "-p", str(port), "-U", user, "-E", "-N", "1", "-R", "4"]
        if cipher_suite is not None:
            self._argv += ["-C", str(cipher_suite)]
        self._environment = {**os.environ, "IPMI_PASSWORD": password}
        self._timeout = timeout
        self._settle = settle

    async def __aenter__(self) -> IpmiPower:
        return self

    async def __aexit__(self, *exception: object) -> None:
        return None

    async def outlets(self) -> list[OutletReading]:
        return [await self._status("server")]

    async def read(self, outlets: Sequence[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        return {outlet: await self._status(outlet) for outlet in outlets}

    async def steps(self, outlets: Sequence[str], on: bool) -> dict[str, list[Step]]:
        what = f"chassis power {'on' if on else 'off'}"
        return {outlet: [Step(outlet, f"ipmi {self._where}", what)] for outlet in outlets}

    async def switch(self, outlets: Sequence[str], on: bool) -> dict[str, DeviceError]:
        failures: dict[str, DeviceError] = {}
        for outlet in outlets:
            try:
                await self._ipmitool("on" if on else "off")
            except Refused as error:
                failures[outlet] = error
        return failures

    async def settle_times(self, outlets: Sequence[str], on: bool) -> dict[str, float]:
        return dict.fromkeys(outlets, self._settle)

    async def _status(self, outlet: str) -> OutletReading:
        said = (await self._ipmitool("status")).strip()
        return OutletReading(outlet, _STATES.get(said, Relay.UNKNOWN), said)

    async def _ipmitool(self, verb: str) -> str:
        try:
            return await run_program([*self._argv, "chassis", "power", verb], self._timeout, self._environment)
        except Refused as error:
            text = f"{self._where}: {error}"
            if any(mark in text for mark in _DENIED):
                raise AuthenticationFailed(text) from None
            if any(mark in text for mark in _SILENCE):
                raise Unreachable(text) from None
            raise Refused(text) from None
