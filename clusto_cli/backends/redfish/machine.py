"""What a controller tells of its machine over Redfish (DMTF DSP0266, schemas of DSP0268), and its light and restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clusto_cli.backends.errors import Refused
from clusto_cli.backends.machine import Component, Entry, Facts, Sensor, shortened
from clusto_cli.backends.redfish import logs, parts, sensing
from clusto_cli.backends.redfish.document import Document, mapping, text, texts
from clusto_cli.backends.redfish.service import ROOT
from clusto_cli.backends.redfish.system import System
from clusto_cli.backends.redfish.tree import Tree
from clusto_cli.backends.telling import tell

_MANY = 15.0
"""What an operation of many answers may take in all, in times of what one answer may."""
_TOLD = 3
"""How many of the things that could not be read are told."""
_ACTIVE, _LED = "LocationIndicatorActive", "IndicatorLED"
_RESET = "#Manager.Reset"
_RESTARTS = ("GracefulRestart", "ForceRestart")
_OTHERS = ("Previous-", "Available-")
"""How Dell begins the ids of firmware that is kept to go back to, or to go on to."""


class RedfishMachine:
    """The machine that is one system of a service."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._tree = Tree(system)

    async def __aenter__(self) -> RedfishMachine:
        await self._system.service.open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._system.service.close()

    @asynccontextmanager
    async def _said(self) -> AsyncIterator[Document]:
        """The system, for an operation of many answers."""
        async with self._system.in_time(_MANY):
            yield await self._system.found()

    async def light(self) -> bool | None:
        async with self._said() as system:
            _, resource, dell = await self._lamp(system)
            return _lit(resource, dell)

    async def set_light(self, on: bool) -> None:
        async with self._said() as system:
            place, resource, dell = await self._lamp(system)
            refusals = []
            for wanted in _wanted(resource, on, dell):
                try:
                    await self._system.change("PATCH", place, wanted, place)
                    return
                except Refused as error:
                    refusals.append(error)
            raise refusals[0]

    async def sensors(self) -> list[Sensor]:
        async with self._said() as system:
            found = await sensing.sensors_of(self._tree, system)
            self._tell_unread()
            return found

    async def log(self, which: str | None = None) -> list[Entry]:
        async with self._said() as system:
            meant = await logs.logs_of(self._system, self._tree, system, which)
            return await logs.entries_of(self._tree, meant)

    async def clear_log(self, which: str | None = None) -> None:
        async with self._said() as system:
            await logs.clear(self._system, await logs.logs_of(self._system, self._tree, system, which))

    async def facts(self) -> Facts:
        async with self._said() as system:
            return await parts.facts_of(self._tree, system)

    async def components(self) -> list[Component]:
        async with self._said() as system:
            root = await self._tree.get({"@odata.id": ROOT})
            service = await self._tree.get(root.get("UpdateService"))
            found = [
                Component(_name(each), shortened(text(each.get("Version"))) or "")
                for each in await self._tree.all(service.get("FirmwareInventory"))
                if not (text(each.get("Id")) or "").startswith(_OTHERS)
            ]
            manager = await parts.manager_of(self._tree, system)
            own = (("BIOS", system.get("BiosVersion")), ("BMC", manager.get("FirmwareVersion")))
            self._tell_unread()
        known = {component.version for component in found}
        found += [
            Component(name, version)
            for name, said in own
            if (version := shortened(text(said))) and version not in known
        ]
        return list(dict.fromkeys(found))

    async def restart(self) -> None:
        async with self._said() as system:
            manager = await parts.manager_of(self._tree, system)
            action = mapping(mapping(manager.get("Actions")).get(_RESET))
            place, target = text(manager.get("@odata.id")), text(action.get("target"))
            if place is None or target is None:
                raise Refused(f"{self._system.url}: its controller cannot be restarted")
            allowed = texts(action.get("ResetType@Redfish.AllowableValues"))
            kind = next((each for each in _RESTARTS if each in allowed), _RESTARTS[0])
            await self._system.change("POST", target, {"ResetType": kind}, place)

    async def awake(self) -> str:
        async with self._said() as system:
            manager = await parts.manager_of(self._tree, system)
        return text(manager.get("LastResetTime")) or ""

    def _tell_unread(self) -> None:
        """Says what an answer lacks that has no place for that itself."""
        reasons = self._tree.unread
        more = f" (and {len(reasons) - _TOLD} more)" if len(reasons) > _TOLD else ""
        if reasons:
            tell(f"not read: {'; '.join(reasons[:_TOLD])}{more}")

    async def _lamp(self, system: Document) -> tuple[str, Document, bool]:
        """Where the light is: at the system, or at what that stands in; and whether it is one of Dell's."""
        dell = (text(system.get("Manufacturer")) or "").startswith("Dell")
        candidates = [{**system, "@odata.id": self._system.path}, *await parts.chassis_of(self._tree, system)]
        for name in (_ACTIVE, _LED):
            for resource in candidates:
                place = text(resource.get("@odata.id"))
                if resource.get(name) is not None and place is not None:
                    return place, {name: resource[name]}, dell
        raise Refused(f"{self._system.url}: it has no light to find it by")


def _lit(resource: Document, dell: bool) -> bool | None:
    """Dell's lights are lit when nothing is the matter, and blink when they are to be found."""
    if _ACTIVE in resource:
        said = resource[_ACTIVE]
        return said if isinstance(said, bool) else None
    lit = {"Blinking": True, "Lit": not dell, "Off": False}
    return lit.get(resource[_LED]) if isinstance(resource[_LED], str) else None


def _wanted(resource: Document, on: bool, dell: bool) -> list[dict[str, object]]:
    """What is to be written, what most services take first: they differ in whether a light that is on blinks."""
    if _ACTIVE in resource:
        return [{_ACTIVE: on}]
    words = ("Blinking", "Lit") if on and dell else ("Lit", "Blinking") if on else ("Lit",) if dell else ("Off",)
    return [{_LED: word} for word in words]


def _name(said: Document) -> str:
    return shortened(text(said.get("Name"))) or shortened(text(said.get("Id"))) or "?"
