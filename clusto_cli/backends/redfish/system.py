"""The one system of a Redfish service (DMTF DSP0266) that is meant, what hangs on it, and how any of it is changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from clusto_cli.backends.errors import NoSuchPort, Unreachable
from clusto_cli.backends.redfish.document import Document, link, listing, text
from clusto_cli.backends.redfish.service import Service, VersionWanted

_SYSTEMS = "/redfish/v1/Systems"
_NAMED = ("Id", "Name", "UUID", "SerialNumber", "SKU")
"""What a system may be called by; Dell has its service tag under SKU."""
_PAGES, _MEMBERS = 32, 512
"""The most of a collection that is read."""
FEW = 3.0
"""What an operation of a few answers may take in all, in times of what one answer may."""


class System:
    """A system of a service: the one that is called `name` (an Id, a Name, a UUID or a serial number), or the only one
    that there is. timeout: seconds for one answer.
    """

    def __init__(self, service: Service, name: str | None = None, *, timeout: float = 20.0) -> None:
        self.service = service
        self.url = service.url
        self._name = name
        self._timeout = timeout
        self._path: str | None = None

    @property
    def path(self) -> str:
        """Where it is, once it was found."""
        return str(self._path)

    @contextlib.asynccontextmanager
    async def in_time(self, answers: float = FEW) -> AsyncIterator[None]:
        """Bounds an operation of several answers, each of which may come as late as it can."""
        limit = answers * self._timeout
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError:
            raise Unreachable(f"{self.url}: not done in {limit:g} s, answer after answer") from None

    async def found(self) -> Document:
        """The system's resource, as it is now. Raises NoSuchPort where it is not clear which one is meant."""
        if self._path is not None:
            return await self.service.get(self._path)
        paths = [path async for path in self.members(_SYSTEMS)]
        if self._name is None and len(paths) == 1:
            self._path = paths[0]
            return await self.service.get(paths[0])
        matching, names = [], []
        # The likeliest first: most services have the Id in the path.
        for path in sorted(paths, key=lambda path: path.rstrip("/").rpartition("/")[2] != self._name):
            system = await self.service.get(path)
            if _is_called(system, self._name):
                matching.append((path, system))
                if system.get("Id") == self._name:
                    break
            names.append(text(system.get("Name")) or text(system.get("Id")) or path)
        if matching and (len(matching) == 1 or matching[-1][1].get("Id") == self._name):
            self._path = matching[-1][0]
            return matching[-1][1]
        have = f"it has {', '.join(names[:6])}" if names else "it has none"
        several = f"{len(matching)} are called {self._name}, " if matching else ""
        raise NoSuchPort(f"{self.url}: which system? {several}{have} (set bmc.system)")

    async def members(self, path: str) -> AsyncIterator[str]:
        """The paths of a collection's members, page after page."""
        seen: dict[str, None] = {}
        async for page in self.pages(path):
            for member in listing(page.get("Members")):
                place = link(member)
                if place is not None and place not in seen and len(seen) < _MEMBERS:
                    seen[place] = None
                    yield place

    async def pages(self, path: str, most: int = _PAGES) -> AsyncIterator[Document]:
        """The pages of a collection (DSP0266, `Members@odata.nextLink`)."""
        pages = {path}
        page: str | None = path
        while page is not None:
            collection = await self.service.get(page)
            yield collection
            page = text(collection.get("Members@odata.nextLink")) or text(collection.get("@odata.nextLink"))
            if page in pages or len(pages) >= most:
                return
            pages.add(page or "")

    async def change(self, method: str, path: str, body: Mapping[str, object], resource: str) -> None:
        """Changes a resource; where the service wants to be told which version of it, the one that it has now."""
        try:
            await self.service.send(method, path, body)
        except VersionWanted as refusal:
            for tag in await self._tags(resource):
                with contextlib.suppress(VersionWanted):
                    await self.service.send(method, path, body, tag)
                    return
            raise refusal

    async def _tags(self, path: str) -> list[str]:
        """What may name the version of a resource: its ETag as given, and strong, since no weak one ever matches
        (RFC 9110, 13.1.1) and some services quote theirs twice or not at all; and last, any version.
        """
        answer = await self.service.send("GET", path)
        given = [answer.headers.get("etag"), text(answer.error.get("@odata.etag"))]
        tags = [tag for tag in given if tag and tag.isascii() and tag.isprintable()]
        strong = ['"{}"'.format(tag.removeprefix("W/").strip('"')) for tag in tags]
        return list(dict.fromkeys([*tags, *strong, "*"]))


def _is_called(system: Document, name: str | None) -> bool:
    return name is not None and name.casefold() in {
        said.casefold() for key in _NAMED if (said := text(system.get(key))) is not None
    }
