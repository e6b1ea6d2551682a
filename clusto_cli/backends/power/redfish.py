"""A server's own power switch and boot override behind its management controller, over Redfish (DMTF DSP0266): the
action ComputerSystem.Reset and the object Boot of a ComputerSystem (DSP0268).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clusto_cli.backends.base import (
    AuthenticationFailed,
    BootDevice,
    BootOverride,
    DeviceError,
    NoSuchPort,
    OutletReading,
    Refused,
    Relay,
    Step,
    Unreachable,
)

if TYPE_CHECKING:
    import httpx

_SYSTEMS = "/redfish/v1/Systems"
_STATES = {
    "On": Relay.ON,
    "Off": Relay.OFF,
    "PoweringOn": Relay.CHANGING,
    "PoweringOff": Relay.CHANGING,
}
_ENABLED, _TARGET, _MODE = "BootSourceOverrideEnabled", "BootSourceOverrideTarget", "BootSourceOverrideMode"
_TARGETS = {BootDevice.NETWORK: "Pxe", BootDevice.DISK: "Hdd", BootDevice.DEFAULT: "None"}
_DEVICES = {target: device for device, target in _TARGETS.items()}


class VersionWanted(Refused):
    """A resource is only changed by those who say which version of it they mean (HTTP 428), or it has another (412)."""


class RedfishPower:
    """One server. Its system is found by `system` (an Id, a Name or a UUID), or is the only one the controller has.

    `verify` is False, True, or the path of the certificates to trust. `efi` says whether a boot override is for UEFI
    or a legacy BIOS; None leaves that as it is.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        system: str | None = None,
        verify: bool | str = True,
        efi: bool | None = None,
        timeout: float = 20.0,
        settle: float = 60.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._credentials = (user, password)
        self._system = system
        self._verify = verify
        self._mode = None if efi is None else "UEFI" if efi else "Legacy"
        self._timeout = timeout
        self._settle = settle
        self._client: httpx.AsyncClient | None = None
        self._path: str | None = None

    async def __aenter__(self) -> RedfishPower:
        import ssl

        import httpx

        verify: bool | ssl.SSLContext = (
            ssl.create_default_context(cafile=self._verify) if isinstance(self._verify, str) else self._verify
        )
        self._client = httpx.AsyncClient(
            base_url=self._url,
            auth=self._credentials,
            verify=verify,
            timeout=self._timeout,
            trust_env=False,
            # Some services give a compressed answer an ETag of its own, which they do not take back.
            headers={"Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def outlets(self) -> list[OutletReading]:
        return [await self._status("server")]

    async def read(self, outlets: Sequence[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        return {outlet: await self._status(outlet) for outlet in outlets}

    async def steps(self, outlets: Sequence[str], on: bool) -> dict[str, list[Step]]:
        system = await self._found()
        what = f"ResetType {self._reset_type(system, on)}"
        return {outlet: [Step(outlet, f"POST {self._url}{_target(system)}", what)] for outlet in outlets}

    async def switch(self, outlets: Sequence[str], on: bool) -> dict[str, DeviceError]:
        system = await self._found()
        failures: dict[str, DeviceError] = {}
        for outlet in outlets:
            try:
                await self._request("POST", _target(system), {"ResetType": self._reset_type(system, on)})
            except Refused as error:
                failures[outlet] = error
        return failures

    async def settle_times(self, outlets: Sequence[str], on: bool) -> dict[str, float]:
        return dict.fromkeys(outlets, self._settle)

    async def boot_override(self) -> BootOverride:
        _, boot = await self._boot()
        return _override(boot)

    async def set_boot_override(self, device: BootDevice, *, once: bool) -> None:
        """Services differ in what they take and some acknowledge what they do not do, so ways of asking are tried, and
        judged by reading.
        """
        place, boot = await self._boot()
        allowed = boot.get(f"{_TARGET}@Redfish.AllowableValues")
        if device is not BootDevice.DEFAULT and allowed is not None and _TARGETS[device] not in allowed:
            raise Refused(f"{self._url}: it does not offer to boot from {_TARGETS[device]}, only {', '.join(allowed)}")
        mode = self._mode or boot.get(_MODE)
        refusals = []
        acknowledged = False
        for request in _requests(device, once, boot.get(_MODE), mode):
            try:
                await self._change(place, {"Boot": request})
            except Refused as error:
                refusals.append(error)
                continue
            acknowledged = True
            _, boot = await self._boot()
            if _override(boot).device == device and (device is BootDevice.DEFAULT or boot.get(_MODE) == mode):
                return
        if not acknowledged:
            raise refusals[0]

    async def _boot(self) -> tuple[str, dict[str, Any]]:
        """Where the boot override is written, and all that is known of it there.

        iDRAC 10 and AMI's MegaRAC keep it in the resource of settings to come that the system names (DSP0266,
        `@Redfish.Settings`); other services name one that knows nothing of it.
        """
        system = await self._found()
        boot = dict(system.get("Boot") or {})
        settings = system.get("@Redfish.Settings", {}).get("SettingsObject", {}).get("@odata.id")
        if settings is not None:
            with contextlib.suppress(Refused):
                to_come = (await self._request("GET", settings)).get("Boot") or {}
                if _TARGET in to_come:
                    return str(settings), boot | to_come
        if _ENABLED not in boot:
            raise Refused(f"{self._url}: it has no boot override")
        return str(self._path), boot

    async def _status(self, outlet: str) -> OutletReading:
        state = str((await self._found()).get("PowerState"))
        return OutletReading(outlet, _STATES.get(state, Relay.UNKNOWN), state)

    async def _found(self) -> dict[str, Any]:
        """The system's resource, as it is now."""
        if self._path is not None:
            return await self._request("GET", self._path)
        collection = await self._request("GET", _SYSTEMS)
        paths = [str(member["@odata.id"]) for member in collection.get("Members", [])]
        if self._system is None and len(paths) == 1:
            self._path = paths[0]
            return await self._request("GET", paths[0])
        names = []
        for path in paths:
            system = await self._request("GET", path)
            if self._system is not None and self._system in (system.get("Id"), system.get("Name"), system.get("UUID")):
                self._path = path
                return system
            names.append(str(system.get("Name") or system.get("Id")))
        have = f"it has {', '.join(names[:6])}" if names else "it has none"
        raise NoSuchPort(f"{self._url}: which system? {have} (set bmc.system)")

    def _reset_type(self, system: dict[str, Any], on: bool) -> str:
        action = system.get("Actions", {}).get("#ComputerSystem.Reset", {})
        allowed = action.get("ResetType@Redfish.AllowableValues")
        wanted = ["On", "ForceOn"] if on else ["ForceOff"]
        for kind in wanted:
            if allowed is None or kind in allowed:
                return kind
        raise Refused(f"{self._url}: it does not offer {' or '.join(wanted)}, only {', '.join(allowed)}")

    async def _change(self, path: str, body: dict[str, Any]) -> None:
        """Changes a resource; where the service wants to be told which version of it, the one that it has now."""
        try:
            await self._send("PATCH", path, body)
        except VersionWanted as refusal:
            for tag in await self._tags(path):
                with contextlib.suppress(VersionWanted):
                    await self._send("PATCH", path, body, tag)
                    return
            raise refusal

    async def _tags(self, path: str) -> list[str]:
        """What may name the version of a resource: its ETag as given, and strong, since no weak one ever matches
        (RFC 9110, 13.1.1) and some services quote theirs twice or not at all; and last, any version.
        """
        answer = await self._send("GET", path)
        given = [tag for tag in (answer.headers.get("ETag"), _document(answer).get("@odata.etag")) if tag]
        strong = ['"{}"'.format(tag.removeprefix("W/").strip('"')) for tag in given]
        return list(dict.fromkeys([*given, *strong, "*"]))

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return _document(await self._send(method, path, body))

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, tag: str | None = None
    ) -> httpx.Response:
        import httpx

        if self._client is None:
            raise RuntimeError("not entered")
        headers = {"If-Match": tag} if tag else None
        try:
            # Some services (iLO 4, Lenovo's IMM2) send those away to the same path with a slash behind it.
            answer = await self._client.request(
                method, path, json=body, headers=headers, follow_redirects=method == "GET"
            )
        except httpx.RequestError as error:
            raise Unreachable(f"{self._url}: {str(error) or type(error).__name__}") from error
        if answer.status_code in (401, 403):
            raise AuthenticationFailed(f"{self._url}: {answer.status_code} {answer.reason_phrase}")
        if answer.status_code >= 300:
            refusal = VersionWanted if answer.status_code in (412, 428) else Refused
            raise refusal(f"{self._url}: {answer.status_code} {_message(answer)}")
        return answer


def _override(boot: dict[str, Any]) -> BootOverride:
    enabled, target = str(boot.get(_ENABLED)), str(boot.get(_TARGET))
    device = "default" if enabled == "Disabled" else str(_DEVICES.get(target, target))
    code = ", ".join(str(boot[name]) for name in (_ENABLED, _TARGET, _MODE) if boot.get(name))
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


def _target(system: dict[str, Any]) -> str:
    """Where to post a reset."""
    action = system.get("Actions", {}).get("#ComputerSystem.Reset", {})
    return str(action.get("target") or f"{system['@odata.id']}/Actions/ComputerSystem.Reset")


def _document(answer: httpx.Response) -> dict[str, Any]:
    """The resource in an answer; none where it is empty. Raises Refused for what is no JSON object."""
    if answer.status_code == 204 or not answer.content:
        return {}
    try:
        document = answer.json()
    except ValueError:
        raise Refused(f"{answer.url}: not JSON") from None
    if not isinstance(document, dict):
        raise Refused(f"{answer.url}: not a Redfish resource")
    return document


def _message(answer: httpx.Response) -> str:
    """Why the service refused, in its words; they stand in the error itself or in its ExtendedInfo (DSP0266)."""
    try:
        error = answer.json()["error"]
        said = [info["Message"] for info in error.get("@Message.ExtendedInfo", []) if info.get("Message")]
        return "; ".join(said or [str(error["message"])])[:200]
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
