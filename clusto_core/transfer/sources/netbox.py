"""A NetBox that answers: read by its REST API, all of it the first time, and then what its log of changes names."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from clusto_core.errors import Malformed, Refused
from clusto_core.model.origins import Origin
from clusto_core.store import collector
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sources.protocol import Declared, Last, Progress, Setting, Source, same, whole

if TYPE_CHECKING:
    from clusto_core.store.reader import Reader
    from clusto_core.transfer.netbox.client import Client
    from clusto_core.transfer.netbox.fetching import Copy

SETTINGS = {
    "address": Setting("the URL of the NetBox: https://netbox.example.com", required=True),
    "token": Setting("a token of its API that may view everything", required=True, secret=True),
    "ca": Setting("the file with the certificates of your own authorities"),
    "verify": Setting("false takes any certificate", (bool,)),
    "timeout": Setting("seconds to wait for an answer, 60 without it", (int, float)),
    "filter": Setting('what is read: site = ["SLUG", ...], all sites without it', (dict,)),
    "push": Setting(
        'what `sync --push` writes back: outlets = true, cables = true, "os.installed" = CUSTOM FIELD', (dict,)
    ),
}


def source(declared: Declared) -> Source:
    """The NetBox of a declaration."""
    return NetBox(declared)


def client(declared: Declared) -> Client:
    """What asks the NetBox of a declaration. Raises Malformed, Refused and NotFound for what it cannot be."""
    from clusto_core.boundary.permissions import insecure
    from clusto_core.transfer.netbox.client import TIMEOUT, Client

    address = declared.text("address")
    verify: bool | str = declared.settings.get("verify", True)
    what = f"the token of source.{declared.name}"
    if address.startswith("http://"):
        insecure("http-clear", f"{what} is sent in clear", "say https:// in its address")
    elif verify is False:
        insecure(
            "unverified", f"{what} is sent to whoever answers", "say ca = FILE of your authorities in place of verify"
        )
    if verify:
        verify = os.path.expanduser(declared.text("ca")) or True
    timeout = float(declared.settings.get("timeout", TIMEOUT))
    return Client(address, declared.secret("token", to=address), verify=verify, timeout=timeout)


def push(declared: Declared, reader: Reader, *, dry_run: bool) -> Iterator[str]:
    """Writes back to the NetBox what it lacks, of what the setting `push` names; tells each, in a dry run alone.
    Raises Refused where nothing is named, or NetBox does not take it."""
    from clusto_core.transfer.netbox import pushing

    wanted = declared.settings.get("push") or {}
    where = f"source.{declared.name}.push"
    pushing.check(wanted, where)
    if not any(wanted.values()):
        raise Refused(f"{declared.file}: {where} names nothing to write back: outlets = true, cables = true, ...")
    asking = client(declared)
    for back in pushing.missing(reader, asking, declared.name, wanted):
        if not dry_run:
            pushing.write(asking, back)
        yield back.words


class NetBox:
    """See sources.protocol.Source."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.sites = _sites(declared)
        self.complete = True
        self.state = ""

    def read(self, last: Last, progress: Progress) -> Iterator[Document]:
        """Yields a Document for every object that is another one than last time, or `same`; nothing where NetBox has
        logged no change since, and nothing was held back."""
        from clusto_core.transfer.netbox import keeping

        asking = client(self.declared)
        path = keeping.path_of(self.declared.name)
        version = asking.version()
        if not last.again and self._is_in_step(asking, version, path, last):
            self.complete, self.state = False, last.state
            return
        copy = self._copy(asking, version, path, progress)
        self.state = _state(copy)
        if self.state == last.state and not last.again:
            self.complete = False
            return
        self.complete = True
        with collector.paused():
            yield from self._documents(copy, last)

    def _is_in_step(self, asking: Client, version: str, path: str, last: Last) -> bool:
        """Whether what was taken in last is the copy that is kept, and the log says that it is what NetBox has now."""
        from clusto_core.transfer.netbox import fetching, keeping

        head = keeping.load(path, asking.address, whole=False)
        if head is None or head.version != version or _state(head) != last.state:
            return False
        return fetching.is_as_it_was(asking, head.feed)

    def _copy(self, asking: Client, version: str, path: str, progress: Progress) -> Copy:
        """What the NetBox holds now; kept for the next time where it is not what was kept."""
        from clusto_core.transfer.netbox import fetching, keeping

        copy = keeping.load(path, asking.address)
        if copy is None or copy.version != version:
            copy = fetching.read_all(asking, progress)
            copy.version = version
            self._keep(copy, path)
            return copy
        kept = (copy.serial, copy.feed)
        fetching.bring_up(asking, copy, progress)
        if (copy.serial, copy.feed) != kept:
            self._keep(copy, path)
        return copy

    def _keep(self, copy: Copy, path: str) -> None:
        from clusto_core.transfer.netbox import keeping

        try:
            keeping.save(path, copy)
        except OSError as error:
            copy.notes.append(f"no copy is kept, all is read each time: {path}: {error.strerror or error}")

    def _documents(self, copy: Copy, last: Last) -> Iterator[Document]:
        from clusto_core.transfer.netbox.narrowing import narrowed
        from clusto_core.transfer.netbox.rest import dump_of
        from clusto_core.transfer.netbox.translating import remarks, translated

        where = self.declared.text("address")
        try:
            tables = narrowed(copy.tables, self.sites) if self.sites else copy.tables
            translation = translated(dump_of(tables))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed(f"{where} is no NetBox as expected: {type(error).__name__}: {error}") from None
        translation.counts = copy.counts
        notes = [f"{self.declared.name}: {note}" for note in (*copy.notes, *remarks(translation))]
        # What is made of the objects takes their place in memory, not room beside them.
        copy.tables.clear()
        translation.forget()
        stamps = last.stamps
        for name in list(translation.things):
            data, origin = translation.things.pop(name), translation.origins[name]
            parts = translation.part_origins.pop(name, {})
            stamp = _digest(data, parts)
            if stamps.get(origin) == stamp:
                yield same(origin)
            else:
                called = translation.called.get(name, "")
                yield whole(data, origin, parts, called=called, stamp=stamp, where=(_page_of(origin, where), 1))
        yield Document("", where, 1, notes=tuple(notes))


def _sites(declared: Declared) -> list[str]:
    """The sites that are wanted; none for all. Raises Malformed."""
    given = declared.settings.get("filter") or {}
    sites = given.get("site", [])
    if set(given) - {"site"} or not isinstance(sites, list) or not all(isinstance(each, str) for each in sites):
        raise Malformed(f'{declared.file}: source.{declared.name}.filter is a table: site = ["SLUG", ...]')
    return sites


def _state(copy: Copy) -> str:
    """Tells what was taken in: another one whenever a copy is, or what is made of it."""
    from clusto_core.transfer.netbox.translating import TRANSLATION

    return f"{copy.serial}/{TRANSLATION}"


def _digest(data: Mapping[str, Any], parts: Mapping[str, Origin]) -> str:
    text = json.dumps((data, parts), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _page_of(origin: Origin, address: str) -> str:
    """Where people see the object: NetBox's page of it."""
    from clusto_core.transfer.netbox.models import MODELS

    return f"{address.rstrip('/')}/{MODELS[origin.kind].path}/{origin.id}/"
