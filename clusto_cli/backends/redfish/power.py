"""A server's own power switch and boot override behind its management controller, over Redfish (DMTF DSP0266): the
action ComputerSystem.Reset and the object Boot of a ComputerSystem (DSP0268).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from clusto_cli.backends.base import BootDevice, BootOverride, OutletReading, Relay, Step
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.redfish.document import Document, link, listing, mapping, text, texts
from clusto_cli.backends.redfish.system import System

_RESET = "#ComputerSystem.Reset"
_ALLOWED = "ResetType@Redfish.AllowableValues"
_STATES = {
    "On": Relay.ON,
    "Off": Relay.OFF,
    "PoweringOn": Relay.CHANGING,
    "PoweringOff": Relay.CHANGING,
}
_TYPES = {True: ("On", "ForceOn"), False: ("ForceOff",)}
_GRACEFUL = ("GracefulShutdown",)
_ENABLED, _TARGET, _MODE = "BootSourceOverrideEnabled", "BootSourceOverrideTarget", "BootSourceOverrideMode"
_TARGETS = {BootDevice.NETWORK: "Pxe", BootDevice.DISK: "Hdd", BootDevice.DEFAULT: "None"}
_DEVICES = {target: device for device, target in _TARGETS.items()}


class RedfishPower:
    """One server. efi says whether a boot override is for UEFI or a legacy BIOS; None leaves that as it is. settle is
    in seconds.
    """

    def __init__(self, system: System, *, efi: bool | None = None, settle: float = 60.0) -> None:
        self._system = system
        self._url = system.url
        self._mode = None if efi is None else "UEFI" if efi else "Legacy"
        self._settle = settle

    async def __aenter__(self) -> RedfishPower:
        await self._system.service.open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._system.service.close()

    async def outlets(self) -> list[OutletReading]:
        return [await self._status("server")]

    async def read(self, outlets: Sequence[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        return {outlet: await self._status(outlet) for outlet in outlets}

    async def steps(self, outlets: Sequence[str], on: bool) -> dict[str, list[Step]]:
        return await self._reset_steps(outlets, _TYPES[on])

    async def graceful_steps(self, outlets: Sequence[str]) -> dict[str, list[Step]]:
        return await self._reset_steps(outlets, _GRACEFUL)

    async def switch(self, outlets: Sequence[str], on: bool) -> dict[str, DeviceError]:
        return await self._reset(outlets, _TYPES[on])

    async def shutdown_gracefully(self, outlets: Sequence[str]) -> dict[str, DeviceError]:
        return await self._reset(outlets, _GRACEFUL)

    async def settle_times(self, outlets: Sequence[str], on: bool) -> dict[str, float]:
        return dict.fromkeys(outlets, self._settle)

    async def _reset_steps(self, outlets: Sequence[str], types: Sequence[str]) -> dict[str, list[Step]]:
        async with self._system.in_time():
            system = await self._system.found()
            what = f"ResetType {(await self._reset_types(system, types))[0]}"
        return {outlet: [Step(outlet, f"POST {self._url}{self._target(system)}", what)] for outlet in outlets}

    async def _reset(self, outlets: Sequence[str], types: Sequence[str]) -> dict[str, DeviceError]:
        async with self._system.in_time():
            system = await self._system.found()
            for kind in await self._reset_types(system, types):
                try:
                    await self._system.change("POST", self._target(system), {"ResetType": kind}, self._system.path)
                    return {}
                except Refused as error:
                    refusal = error
        return dict.fromkeys(outlets, refusal)

    async def boot_override(self) -> BootOverride:
        async with self._system.in_time():
            _, boot = await self._boot()
        return _override(boot)

    async def set_boot_override(self, device: BootDevice, *, once: bool) -> None:
        """Services differ in what they take and some acknowledge what they do not do, so ways of asking are tried, and
        judged by reading.
        """
        async with self._system.in_time():
            await self._set_boot_override(device, once)

    async def _set_boot_override(self, device: BootDevice, once: bool) -> None:
        place, boot = await self._boot()
        allowed = texts(boot.get(f"{_TARGET}@Redfish.AllowableValues"))
        if device is not BootDevice.DEFAULT and allowed and _TARGETS[device] not in allowed:
            raise Refused(f"{self._url}: it does not offer to boot from {_TARGETS[device]}, only {', '.join(allowed)}")
        mode = self._mode or text(boot.get(_MODE))
        refusals = []
        acknowledged = False
        for request in _requests(device, once, text(boot.get(_MODE)), mode):
            try:
                await self._system.change("PATCH", place, {"Boot": request}, place)
            except Refused as error:
                refusals.append(error)
                continue
            acknowledged = True
            _, boot = await self._boot()
            if _override(boot).device == device and (device is BootDevice.DEFAULT or boot.get(_MODE) == mode):
                return
        if not acknowledged:
            raise refusals[0]

    async def _boot(self) -> tuple[str, Document]:
        """Where the boot override is written, and all that is known of it there.

        iDRAC 10 and AMI's MegaRAC keep it in the resource of settings to come that the system names (DSP0266,
        `@Redfish.Settings`); other services name one that knows nothing of it.
        """
        system = await self._system.found()
        boot = dict(mapping(system.get("Boot")))
        settings = link(mapping(system.get("@Redfish.Settings")).get("SettingsObject"))
        if settings is not None:
            with contextlib.suppress(Refused):
                to_come = mapping((await self._system.service.get(settings)).get("Boot"))
                if _TARGET in to_come:
                    return settings, boot | dict(to_come)
        if _ENABLED not in boot:
            raise Refused(f"{self._url}: it has no boot override")
        return self._system.path, boot

    async def _status(self, outlet: str) -> OutletReading:
        async with self._system.in_time():
            state = text((await self._system.found()).get("PowerState")) or "no PowerState"
        return OutletReading(outlet, _STATES.get(state, Relay.UNKNOWN), state)

    async def _reset_types(self, system: Document, wanted: Sequence[str]) -> list[str]:
        """Those of the wanted kinds of reset that the system offers. Raises Refused where it offers none of them."""
        action = mapping(mapping(system.get("Actions")).get(_RESET))
        allowed = texts(action.get(_ALLOWED)) or await self._action_info(text(action.get("@Redfish.ActionInfo")))
        offered = [kind for kind in wanted if kind in allowed] if allowed else list(wanted)
        if not offered:
            hint = " (--graceful asks its system)" if {*_GRACEFUL} & {*allowed} and wanted == _TYPES[False] else ""
            only = ", ".join(allowed[:12])
            raise Refused(f"{self._url}: it does not offer {' or '.join(wanted)}, only {only}{hint}")
        return offered

    async def _action_info(self, path: str | None) -> list[str]:
        """The kinds of reset as newer services tell them (DSP0266, ActionInfo)."""
        if path is None:
            return []
        with contextlib.suppress(Refused):
            for parameter in map(mapping, listing((await self._system.service.get(path)).get("Parameters"))):
                if parameter.get("Name") == "ResetType":
                    return texts(parameter.get("AllowableValues"))
        return []

    def _target(self, system: Document) -> str:
        """Where to post a reset. Raises Refused where that is not at this controller."""
        action = mapping(mapping(system.get("Actions")).get(_RESET))
        return self._system.service.path_of(
            text(action.get("target")) or f"{self._system.path}/Actions/ComputerSystem.Reset"
        )


def _override(boot: Document) -> BootOverride:
    enabled, target = text(boot.get(_ENABLED)), text(boot.get(_TARGET)) or "nothing"
    device = "default" if enabled == "Disabled" else str(_DEVICES.get(target, target))
    code = ", ".join(said for name in (_ENABLED, _TARGET, _MODE) if (said := text(boot.get(name))))
    return BootOverride(device, enabled == "Once" and device != "default", code)


def _requests(device: BootDevice, once: bool, mode_now: str | None, mode: str | None) -> list[dict[str, str]]:
    """Ways to ask for a boot override, the usual one first.

    The mode (`UEFI`, `Legacy`) is left out while it may be: HPE's iLO does not let it be written. Others want it with
    every request, or fall back to a mode of their own (Supermicro). To take an override back, iLO wants no target.
    """
    if device is BootDevice.DEFAULT:
        ways = [{_ENABLED: "Disabled", _TARGET: "None"}, {_ENABLED: "Disabled"}]
    else:
        ways = [{_ENABLED: "Once" if once else "Continuous", _TARGET: _TARGETS[device]}]
    with_mode = [{**ways[0], _MODE: mode}] if mode else []
    return with_mode if device is not BootDevice.DEFAULT and mode != mode_now else ways + with_mode
