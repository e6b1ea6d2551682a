"""A server's own power switch and boot override behind its management controller, over Redfish (DMTF DSP0266): the
action ComputerSystem.Reset and the object Boot of a ComputerSystem (DSP0268).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from clusto_cli.backends.base import BootDevice, BootOverride, OutletReading, Relay, Step
from clusto_cli.backends.errors import DeviceError, NoSuchPort, Refused, Unreachable
from clusto_cli.backends.redfish.address import Origin
from clusto_cli.backends.redfish.document import Document, link, listing, mapping, text, texts
from clusto_cli.backends.redfish.service import Service, VersionWanted

_SYSTEMS = "/redfish/v1/Systems"
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
_NAMED = ("Id", "Name", "UUID", "SerialNumber", "SKU")
"""What a system may be called by; Dell has its service tag under SKU."""
_ENABLED, _TARGET, _MODE = "BootSourceOverrideEnabled", "BootSourceOverrideTarget", "BootSourceOverrideMode"
_TARGETS = {BootDevice.NETWORK: "Pxe", BootDevice.DISK: "Hdd", BootDevice.DEFAULT: "None"}
_DEVICES = {target: device for device, target in _TARGETS.items()}
_PAGES, _MEMBERS = 32, 512
"""The most of a collection that is read."""
_ANSWERS = 3.0
"""What an operation may take in all, in times of what one answer may."""


class RedfishPower:
    """One server. Its system is found by `system` (an Id, a Name, a UUID or a serial number), or is the only one the
    controller has.

    verify is False, True, or the path of the certificates to trust; pinned: the fingerprint of the controller's own
    certificate, which is then trusted alone. efi says whether a boot override is for UEFI or a legacy BIOS; None leaves
    that as it is. timeout and settle are in seconds.
    """

    def __init__(
        self,
        origin: Origin,
        user: str,
        password: str,
        *,
        system: str | None = None,
        verify: bool | str = True,
        pinned: str | None = None,
        efi: bool | None = None,
        timeout: float = 20.0,
        settle: float = 60.0,
    ) -> None:
        self._service = Service(origin, user, password, verify=verify, pinned=pinned, timeout=timeout)
        self._url = self._service.url
        self._system = system
        self._mode = None if efi is None else "UEFI" if efi else "Legacy"
        self._timeout = timeout
        self._settle = settle
        self._path: str | None = None

    async def __aenter__(self) -> RedfishPower:
        await self._service.open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._service.close()

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

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Bounds an operation of several answers, each of which may come as late as it can."""
        limit = _ANSWERS * self._timeout
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError:
            raise Unreachable(f"{self._url}: not done in {limit:g} s, answer after answer") from None

    async def _reset_steps(self, outlets: Sequence[str], types: Sequence[str]) -> dict[str, list[Step]]:
        async with self._in_time():
            system = await self._found()
            what = f"ResetType {(await self._reset_types(system, types))[0]}"
        return {outlet: [Step(outlet, f"POST {self._url}{self._target(system)}", what)] for outlet in outlets}

    async def _reset(self, outlets: Sequence[str], types: Sequence[str]) -> dict[str, DeviceError]:
        async with self._in_time():
            system = await self._found()
            for kind in await self._reset_types(system, types):
                try:
                    await self._change("POST", self._target(system), {"ResetType": kind}, str(self._path))
                    return {}
                except Refused as error:
                    refusal = error
        return dict.fromkeys(outlets, refusal)

    async def boot_override(self) -> BootOverride:
        async with self._in_time():
            _, boot = await self._boot()
        return _override(boot)

    async def set_boot_override(self, device: BootDevice, *, once: bool) -> None:
        """Services differ in what they take and some acknowledge what they do not do, so ways of asking are tried, and
        judged by reading.
        """
        async with self._in_time():
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
                await self._change("PATCH", place, {"Boot": request}, place)
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
        system = await self._found()
        boot = dict(mapping(system.get("Boot")))
        settings = link(mapping(system.get("@Redfish.Settings")).get("SettingsObject"))
        if settings is not None:
            with contextlib.suppress(Refused):
                to_come = mapping((await self._service.get(settings)).get("Boot"))
                if _TARGET in to_come:
                    return settings, boot | dict(to_come)
        if _ENABLED not in boot:
            raise Refused(f"{self._url}: it has no boot override")
        return str(self._path), boot

    async def _status(self, outlet: str) -> OutletReading:
        async with self._in_time():
            state = text((await self._found()).get("PowerState")) or "no PowerState"
        return OutletReading(outlet, _STATES.get(state, Relay.UNKNOWN), state)

    async def _found(self) -> Document:
        """The system's resource, as it is now."""
        if self._path is not None:
            return await self._service.get(self._path)
        paths = [path async for path in self._members(_SYSTEMS)]
        if self._system is None and len(paths) == 1:
            self._path = paths[0]
            return await self._service.get(paths[0])
        matching, names = [], []
        # The likeliest first: most services have the Id in the path.
        for path in sorted(paths, key=lambda path: path.rstrip("/").rpartition("/")[2] != self._system):
            system = await self._service.get(path)
            if _is_called(system, self._system):
                matching.append((path, system))
                if system.get("Id") == self._system:
                    break
            names.append(text(system.get("Name")) or text(system.get("Id")) or path)
        if matching and (len(matching) == 1 or matching[-1][1].get("Id") == self._system):
            self._path = matching[-1][0]
            return matching[-1][1]
        have = f"it has {', '.join(names[:6])}" if names else "it has none"
        several = f"{len(matching)} are called {self._system}, " if matching else ""
        raise NoSuchPort(f"{self._url}: which system? {several}{have} (set bmc.system)")

    async def _members(self, path: str) -> AsyncIterator[str]:
        """The paths of a collection's members, page after page (DSP0266, `Members@odata.nextLink`)."""
        seen: dict[str, None] = {}
        pages = {path}
        page: str | None = path
        while page is not None:
            collection = await self._service.get(page)
            for member in listing(collection.get("Members")):
                place = link(member)
                if place is not None and place not in seen and len(seen) < _MEMBERS:
                    seen[place] = None
                    yield place
            page = text(collection.get("Members@odata.nextLink")) or text(collection.get("@odata.nextLink"))
            if page in pages or len(pages) >= _PAGES:
                return
            pages.add(page or "")

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
            for parameter in map(mapping, listing((await self._service.get(path)).get("Parameters"))):
                if parameter.get("Name") == "ResetType":
                    return texts(parameter.get("AllowableValues"))
        return []

    def _target(self, system: Document) -> str:
        """Where to post a reset. Raises Refused where that is not at this controller."""
        action = mapping(mapping(system.get("Actions")).get(_RESET))
        return self._service.path_of(text(action.get("target")) or f"{self._path}/Actions/ComputerSystem.Reset")

    async def _change(self, method: str, path: str, body: Mapping[str, object], resource: str) -> None:
        """Changes a resource; where the service wants to be told which version of it, the one that it has now."""
        try:
            await self._service.send(method, path, body)
        except VersionWanted as refusal:
            for tag in await self._tags(resource):
                with contextlib.suppress(VersionWanted):
                    await self._service.send(method, path, body, tag)
                    return
            raise refusal

    async def _tags(self, path: str) -> list[str]:
        """What may name the version of a resource: its ETag as given, and strong, since no weak one ever matches
        (RFC 9110, 13.1.1) and some services quote theirs twice or not at all; and last, any version.
        """
        answer = await self._service.send("GET", path)
        given = [answer.headers.get("etag"), text(answer.error.get("@odata.etag"))]
        tags = [tag for tag in given if tag and tag.isascii() and tag.isprintable()]
        strong = ['"{}"'.format(tag.removeprefix("W/").strip('"')) for tag in tags]
        return list(dict.fromkeys([*tags, *strong, "*"]))


def _is_called(system: Document, name: str | None) -> bool:
    return name is not None and name.casefold() in {
        said.casefold() for key in _NAMED if (said := text(system.get(key))) is not None
    }


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
