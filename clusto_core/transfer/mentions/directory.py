"""Which Things the hosts are that a file mentions: by what the source knew last time, by name, or by address.

A host's name may be in its domain (`web1.example.net` is web1, unless its `dns.domain` is another one), differs not in
case, and may be that of one of its parts, as clusto's exports and many sites have it: `web1-eth1`, `web1-psu2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from clusto_core.answers.view import View, view_of
from clusto_core.drivers.equipment import Rack
from clusto_core.model import addresses
from clusto_core.model.attributes import Key
from clusto_core.model.origins import Origin
from clusto_core.model.things import Thing
from clusto_core.records.sources import Ledger
from clusto_core.store.reader import Reader
from clusto_core.transfer.mentions.mention import KIND, Far, Mention

DOMAIN = "dns.domain"
MAC = Key("mac")
_OTHER = re.compile("[^A-Za-z0-9]+")


class Host(NamedTuple):
    """A Thing, and the part of it that a name means; None where it means all of it."""

    thing: Thing
    part: Thing | None = None


class Directory:
    """The Things that the hosts of some mentions may be."""

    def __init__(self, reader: Reader, ledger: Ledger, mentions: Sequence[Mention]) -> None:
        self._reader = reader
        self._ledger = ledger
        names = {name for each in mentions for name in each.names}
        hosts = {each.rack for each in mentions if each.rack}
        hosts |= {host for each in mentions for far in each.ports for host in (far.host, far.address) if host}
        self._named = self._find(spelling for name in names | hosts for spelling in _spellings(name))
        known = [each.thing for each in ledger.objects.values() if each.thing is not None]
        self._known = {thing.id: thing for thing in reader.by_ids(known).values() if not thing.is_part}
        self._holders = self._holding(names | hosts)
        self._views: dict[int, View] = {}

    def host(self, mention: Mention) -> Host | None:
        """Who that is; None when nobody in the inventory is."""
        remembered = self._ledger.objects.get(Origin(KIND, mention.name))
        if remembered is not None and remembered.thing in self._known:
            thing = self._known[remembered.thing]
            named = self._of_part(mention.name)
            return named if named is not None and named.thing == thing else Host(thing)
        return next((found for name in mention.names if (found := self._called(name)) is not None), None)

    def device(self, far: Far) -> Thing | None:
        """The equipment that has a port, by its name or an address."""
        for text in filter(None, (far.host, far.address)):
            found = self._whole(text) or self._holders.get(text)
            if found is not None:
                return found
        return None

    def rack(self, name: str) -> Thing | None:
        """The rack of that name."""
        found = self._whole(name)
        return found if found is not None and found.is_a(Rack) else None

    def view(self, thing: Thing) -> View:
        """A Thing with what it has."""
        if thing.id not in self._views:
            self._views[thing.id] = view_of(self._reader, [thing])
        return self._views[thing.id]

    def prepare(self, things: Iterable[Thing]) -> None:
        """Reads what many Things have, at once."""
        view = view_of(self._reader, things)
        self._views.update((thing.id, view) for thing in view.things)

    def _find(self, candidates: Iterable[str]) -> dict[str, Thing]:
        return {name: each for name, each in self._reader.find_names(set(candidates)).items() if not each.is_part}

    def _holding(self, hosts: Iterable[str]) -> dict[str, Thing]:
        """By address or MAC, who has it."""
        claims = {text: claim for text in hosts if (claim := addresses.claim_of(text))}
        spelled = {text: addresses.mac_spellings(mac)[0] for text in hosts if (mac := addresses.parse_mac(text))}
        of_mac = self._reader.holding(MAC, spelled.values())
        found = {
            text: {each.holder.entity_id for each in self._reader.held(claim, claim)} for text, claim in claims.items()
        }
        found |= {text: {each.entity_id for each in of_mac.get(mac, ())} for text, mac in spelled.items()}
        ids = {text: min(owners) for text, owners in found.items() if len(owners) == 1}
        things = self._reader.by_ids(ids.values())
        return {text: things[id] for text, id in ids.items()}

    def _called(self, name: str) -> Host | None:
        whole = self._whole(name)
        if whole is None and name in self._holders:
            return Host(self._holders[name])
        return Host(whole) if whole is not None else self._of_part(name)

    def _whole(self, name: str) -> Thing | None:
        found = self._named.get(name) or self._named.get(name.lower())
        if found is not None:
            return found
        short, _, domain = name.partition(".")
        found = self._named.get(short) or self._named.get(short.lower()) if domain else None
        return found if found is not None and self._is_of(found, domain) else None

    def _is_of(self, thing: Thing, domain: str) -> bool:
        if addresses.parse(f"{thing.name}.{domain}") is not None:
            return False
        own = self.view(thing).setting(thing, DOMAIN)
        return own is None or own.lower().rstrip(".") == domain.lower().rstrip(".")

    def _of_part(self, name: str) -> Host | None:
        short, _, domain = name.partition(".")
        for text, of in ((name, ""), (short, domain)):
            for owner_name, rest in _splits(text):
                owner = self._named.get(owner_name) or self._named.get(owner_name.lower())
                if owner is not None and (not of or self._is_of(owner, of)):
                    found = part_called(self.view(owner).parts.get(owner.id, ()), rest)
                    if found is not None:
                        return Host(owner, found)
        return None


def part_called(parts: Iterable[Thing], text: str) -> Thing | None:
    """The one part whose name is that text, as far as a host's name can hold it: `gi0-1` is `Gi0/1`."""
    wanted = _plain(text)
    found = [part for part in parts if part.part_name == text] or [
        part for part in parts if _plain(part.part_name) == wanted
    ]
    return found[0] if len(found) == 1 else None


def _plain(text: str) -> str:
    return _OTHER.sub("-", text).strip("-").lower()


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """The name as that of a Thing and of its part, the longest name of a Thing first."""
    for at in reversed([found.start() for found in re.finditer("[-_]", name)][:8]):
        if 0 < at < len(name) - 1:
            yield name[:at], name[at + 1 :]


def _spellings(name: str) -> Iterator[str]:
    """The names that a Thing may have which a file calls so."""
    short = name.partition(".")[0]
    for text in (name, short):
        yield from (text, text.lower())
        for owner, _ in _splits(text):
            yield from (owner, owner.lower())
