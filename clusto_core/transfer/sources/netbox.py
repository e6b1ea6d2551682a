"""A NetBox that answers: read by its REST API, all of it the first time, and then what its log of changes names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from clusto_core.errors import Malformed, Refused
from clusto_core.model.origins import Origin
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sources.protocol import Declared, Last, Progress, Setting, Source, same, whole

if TYPE_CHECKING:
    from clusto_core.store.reader import Reader
    from clusto_core.transfer.netbox.client import Client
    from clusto_core.transfer.netbox.fetching import Copy
    from clusto_core.transfer.netbox.translation import Translation

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
    return Client(
        address, declared.secret("token", to=address), verify=verify and (declared.text("ca") or True),
        timeout=float(declared.settings.get("timeout", TIMEOUT)),
    )  # fmt: skip


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
        copy, changed = self._copy(asking, path, progress)
        self.state = _state(copy)
        if not changed and last.state == self.state and not last.again:
            self.complete = False
            return
        self.complete = True
        if changed:
            keeping.save(path, copy)
        yield from self._documents(copy, last)

    def _copy(self, asking: Client, path: str, progress: Progress) -> tuple[Copy, bool]:
        from clusto_core.transfer.netbox import fetching, keeping

        version = asking.version()
        copy = keeping.load(path, asking.address)
        if copy is None or copy.version != version:
            copy = fetching.read_all(asking, progress)
            copy.version = version
            return copy, True
        return copy, fetching.bring_up(asking, copy, progress)

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
        stamps = last.stamps
        for name, data in translation.things.items():
            origin, parts = translation.origins[name], translation.part_origins.get(name, {})
            stamp = _digest(data, parts)
            if stamps.get(origin) == stamp:
                yield same(origin)
            else:
                called = translation.called.get(name, "")
                yield whole(
                    data, origin, parts, called=called, stamp=stamp, where=(_page_of(translation, name, where), 1)
                )
        notes = [*copy.notes, *remarks(translation)]
        yield Document("", where, 1, notes=tuple(f"{self.declared.name}: {note}" for note in notes))


def _sites(declared: Declared) -> list[str]:
    """The sites that are wanted; none for all. Raises Malformed."""
    given = declared.settings.get("filter") or {}
    sites = given.get("site", [])
    if set(given) - {"site"} or not isinstance(sites, list) or not all(isinstance(each, str) for each in sites):
        raise Malformed(f'{declared.file}: source.{declared.name}.filter is a table: site = ["SLUG", ...]')
    return sites


def _state(copy: Copy) -> str:
    """Tells this reading from others: how far the log was read, and a digest of when everything was changed."""
    if copy.feed is None:
        times = hashlib.blake2b(digest_size=16)
        for model, table in sorted(copy.tables.items()):
            for pk, row in sorted(table.items()):
                times.update(f"{model} {pk} {row.get('last_updated')}\n".encode())
        return json.dumps({"times": times.hexdigest()})
    return json.dumps({"address": copy.address, "change": copy.feed.last})


def _digest(data: Mapping[str, Any], parts: Mapping[str, Origin]) -> str:
    text = json.dumps((data, parts), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _page_of(translation: Translation, name: str, address: str) -> str:
    """Where people see the object: NetBox's page of it."""
    from clusto_core.transfer.netbox.models import MODELS

    kind, id = translation.origins[name]
    return f"{address.rstrip('/')}/{MODELS[kind].path}/{id}/"
