"""A server's own power switch behind its management controller, over Redfish (DMTF DSP0266, ComputerSystem.Reset)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clusto_cli.backends.base import (
    AuthenticationFailed,
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


class RedfishPower:
    """One server. Its system is found by `system` (an Id, a Name or a UUID), or is the only one the controller has.

    `verify` is False, True, or the path of the certificates to trust.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        system: str | None = None,
        verify: bool | str = True,
        timeout: float = 20.0,
        settle: float = 60.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._credentials = (user, password)
        self._system = system
        self._verify = verify
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
            base_url=self._url, auth=self._credentials, verify=verify, timeout=self._timeout, trust_env=False
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

    async def _request(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        import httpx

        if self._client is None:
            raise RuntimeError("not entered")
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise Unreachable(f"{self._url}: {str(error) or type(error).__name__}") from error
        if answer.status_code in (401, 403):
            raise AuthenticationFailed(f"{self._url}: {answer.status_code} {answer.reason_phrase}")
        if answer.status_code >= 400:
            raise Refused(f"{self._url}: {answer.status_code} {_message(answer)}")
        if answer.status_code == 204 or not answer.content:
            return {}
        try:
            document = answer.json()
        except ValueError:
            raise Refused(f"{self._url}: {path} is not JSON") from None
        if not isinstance(document, dict):
            raise Refused(f"{self._url}: {path} is not a Redfish resource")
        return document


def _target(system: dict[str, Any]) -> str:
    """Where to post a reset."""
    action = system.get("Actions", {}).get("#ComputerSystem.Reset", {})
    return str(action.get("target") or f"{system['@odata.id']}/Actions/ComputerSystem.Reset")


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
