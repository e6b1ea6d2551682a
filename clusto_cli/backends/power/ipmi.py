"""A server's own power switch and boot override behind its management controller, over IPMI 2.0, by the program
ipmitool.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from clusto_cli.backends.base import BootDevice, BootOverride, OutletReading, Relay, Step
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.ipmi import Ipmitool
from clusto_cli.visible import one_line

_STATES = {"Chassis Power is on": Relay.ON, "Chassis Power is off": Relay.OFF}
_LONGEST = 200
"""Characters of what a controller says that are handed on."""

_SELECTORS = {
    "No override": BootDevice.DEFAULT,
    "Force PXE": BootDevice.NETWORK,
    "Force Boot from default Hard-Drive": BootDevice.DISK,
}
"""The boot device selectors that a BootDevice stands for, in ipmitool's words."""
_SELECTOR_BITS = {BootDevice.DEFAULT: 0x00, BootDevice.NETWORK: 0x04, BootDevice.DISK: 0x08}
_VALID, _PERSISTENT, _EFI = 0x80, 0x40, 0x20
_VALID_BIT_CLEARING, _ACKNOWLEDGE, _BOOT_FLAGS = 3, 4, 5
"""Parameters of Set System Boot Options (IPMI 2.0, table 28-14)."""


class IpmiPower:
    """One server. There is one outlet, whatever it is called: the server itself.

    With `efi` a boot override says that the server is to boot by UEFI; there is no way to leave that open.
    """

    def __init__(self, tool: Ipmitool, *, efi: bool = False, settle: float = 60.0) -> None:
        self._tool = tool
        self._where = tool.where
        self._efi = efi
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
                await self._tool.run("chassis", "power", "on" if on else "off")
            except Refused as error:
                failures[outlet] = error
        return failures

    async def shutdown_gracefully(self, outlets: Sequence[str]) -> dict[str, DeviceError]:
        """By a soft shutdown, which is an overtemperature told to ACPI (IPMI 2.0, 28.3, Chassis Control)."""
        try:
            await self._tool.run("chassis", "power", "soft")
        except Refused as error:
            return dict.fromkeys(outlets, error)
        return {}

    async def graceful_steps(self, outlets: Sequence[str]) -> dict[str, list[Step]]:
        return {outlet: [Step(outlet, f"ipmi {self._where}", "chassis power soft")] for outlet in outlets}

    async def settle_times(self, outlets: Sequence[str], on: bool) -> dict[str, float]:
        return dict.fromkeys(outlets, self._settle)

    async def boot_override(self) -> BootOverride:
        """Flags that are not valid are left over from an earlier boot, whatever device they name."""
        said = (await self._tool.run("chassis", "bootparam", "get", str(_BOOT_FLAGS))).splitlines()
        flags = [line.strip().removeprefix("- ") for line in said if line.lstrip().startswith("- ")]
        named = dict(flag.split(" : ", 1) for flag in flags if " : " in flag)
        selector = named.get("Boot Device Selector")
        if selector is None:
            raise Refused(f"{self._where}: it does not tell its boot flags")
        code = one_line(", ".join([*(flag for flag in flags if " : " not in flag), selector]))[:_LONGEST]
        device = (
            _SELECTORS.get(selector, one_line(selector)[:_LONGEST])
            if "Boot Flag Valid" in flags
            else BootDevice.DEFAULT
        )
        once = device != BootDevice.DEFAULT and "Options apply to only next boot" in flags
        return BootOverride(str(device), once, code)

    async def set_boot_override(self, device: BootDevice, *, once: bool) -> None:
        """Octet by octet, since ipmitool's own `bootdev` ends well when the controller refuses, cannot take an
        override back (`none` leaves valid flags, for a legacy boot), and before 1.8.19 heeds one option alone.
        """
        flags = 0
        if device is not BootDevice.DEFAULT:
            flags = _VALID | (0 if once else _PERSISTENT) | (_EFI if self._efi else 0)
            # Else flags lose their validity 60 seconds after the last Chassis Control command, and a server with much
            # memory takes longer before it looks at them. Controllers that refuse this (OpenBMC) have no such limit.
            with contextlib.suppress(Refused):
                await self._set_option(_VALID_BIT_CLEARING, 0x08)
            # The firmware has not handled these flags yet; not all keep account of that.
            with contextlib.suppress(Refused):
                await self._set_option(_ACKNOWLEDGE, 0x01, 0x01)
        await self._set_option(_BOOT_FLAGS, flags, _SELECTOR_BITS[device], 0, 0, 0)

    async def _set_option(self, parameter: int, *data: int) -> None:
        """Set System Boot Options (IPMI 2.0, 28.12)."""
        await self._tool.run("raw", *(f"{octet:#04x}" for octet in (0x00, 0x08, parameter, *data)))

    async def _status(self, outlet: str) -> OutletReading:
        said = one_line(await self._tool.run("chassis", "power", "status"))[:_LONGEST]
        return OutletReading(outlet, _STATES.get(said, Relay.UNKNOWN), said)
