"""Many resources of a Redfish service in few answers: whole collections at once, where a service does that (DSP0266,
the query parameter $expand), and with a bound on how many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from clusto_cli.backends.errors import Refused
from clusto_cli.backends.redfish.document import Document, link, listing, mapping
from clusto_cli.backends.redfish.service import ROOT
from clusto_cli.backends.redfish.system import System

_MOST = 2_000
"""The most members of a collection that are read."""
_PAGES = 200
_EXPAND = "$expand=."
_SHOWN = 120
"""Characters of a path that are told."""


class Tree:
    """The resources around one system. unread: what could not be read, and why, in the words for a person."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._expands: bool | None = None
        self.unread: list[str] = []

    async def get(self, reference: object) -> Document:
        """The resource that `{"@odata.id": ...}` leads to, with the path where it was found; what is there in whole
        already; nothing where it leads nowhere, or to nothing that can be read.
        """
        place = link(reference)
        if _whole(reference) or place is None:
            return mapping(reference)
        try:
            return {**await self._system.service.get(place), "@odata.id": place}
        except Refused as error:
            self._note(place, error)
            return {}

    async def each(self, reference: object, last: int | None = None) -> AsyncIterator[Document]:
        """The members of a collection; with `last`, of those that have to be asked for one by one only so many, the
        ones that are numbered highest.
        """
        members = await self._members(reference)
        singly = [member for member in members if not _whole(member)]
        if last is not None and len(singly) > last:
            kept = {id(member) for member in sorted(singly, key=_number)[-last:]}
            members = [member for member in members if _whole(member) or id(member) in kept]
        for member in members:
            found = await self.get(member)
            if found:
                yield found

    async def all(self, reference: object, last: int | None = None) -> list[Document]:
        """The same, as a list."""
        return [each async for each in self.each(reference, last)]

    def _note(self, place: str, error: Refused) -> None:
        self.unread.append(f"{error} ({place[:_SHOWN]!a})")

    async def _members(self, reference: object) -> list[Document]:
        """The members as the collection has them: links, or whole."""
        place = link(reference)
        if place is None:
            return []
        if await self._does_expand() and "?" not in place:
            # It says that it does, and may not do so here; or what comes is more than is taken.
            with contextlib.suppress(Refused):
                return await self._listed(f"{place}?{_EXPAND}")
        try:
            return await self._listed(place)
        except Refused as error:
            self._note(place, error)
            return []

    async def _listed(self, place: str) -> list[Document]:
        found: dict[str, Document] = {}
        async for page in self._system.pages(place, _PAGES):
            for member in listing(page.get("Members")):
                found.setdefault(link(member) or str(len(found)), mapping(member))
            if len(found) >= _MOST:
                self.unread.append(f"{self._system.url}: {place[:_SHOWN]!a} has more than {_MOST} members")
                break
            await asyncio.sleep(0)
        return list(found.values())[:_MOST]

    async def _does_expand(self) -> bool:
        """Whether the service root says so (DSP0268, ServiceRoot, ProtocolFeaturesSupported)."""
        if self._expands is None:
            features: Document = {}
            with contextlib.suppress(Refused):
                features = mapping((await self._system.service.get(ROOT)).get("ProtocolFeaturesSupported"))
            self._expands = mapping(features.get("ExpandQuery")).get("NoLinks") is True
        return self._expands


def _whole(member: object) -> bool:
    """Whether a member is there with more than where it is."""
    return any(not key.startswith("@") for key in mapping(member))


def _number(member: Document) -> tuple[int, str]:
    """The order of entries that say nothing but where they are: `Entries/117`."""
    name = (link(member) or "").rstrip("/").rpartition("/")[2]
    return (int(name[:18]) if name.isascii() and name.isdecimal() else 0), name
