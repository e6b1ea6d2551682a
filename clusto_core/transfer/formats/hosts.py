"""A hosts file: every address with the name of what holds it, and with its name in its domain where one is known.

Source of the format: hosts(5); of what a host name is: RFC 952, RFC 1123 section 2.1. The first v4 and the first v6
address of a Thing have its name, other addresses of a part the name of the Thing and the part: `server1-eth1`. The
domain is the inherited attribute `dns.domain`.

Read, it is the addresses of machines: held by the part that a name is of, else by the machine. Addresses that any
machine has, of the loop and of groups, say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import starmap
from typing import NamedTuple, TextIO

from clusto_core.answers.view import View, views
from clusto_core.model import addresses
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.store.spill import Spill
from clusto_core.transfer.collisions import collisions, others
from clusto_core.transfer.documents import Document
from clusto_core.transfer.leaving import SAFE, Leaving, comment
from clusto_core.transfer.mentions.mention import card, mention
from clusto_core.transfer.mentions.reading import BrokenAtError, told, uncommented

ADDRESSES = True
SOURCE = "hosts"
DOMAIN = "dns.domain"

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_THIS_MACHINE = ("localhost", "ip6-localhost", "ip6-loopback")
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class _Entry(NamedTuple):
    """One address, whose it is, its name and that with its domain."""

    address: str
    thing: str
    name: str
    full: str | None

    @property
    def usable(self) -> bool:
        """Whether the name is a host's, and not this machine's own."""
        own = self.name.lower().split(".")[0] in _THIS_MACHINE
        return _HOST.fullmatch(self.name) is not None and len(self.name) <= 253 and not own


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the addresses of the Things. A name that is no host name is told in a comment instead, and so are names
    that several Things would have: host names do not differ in case.
    """
    found = Spill()
    for view in views(reader, things, leaving.spaces):
        found.append([(*entry,) for thing in view.things for entry in _entries(view, thing)])
        for thing in view.things:
            for held in view.held(thing):
                if held.shared is not None:
                    out.write(comment(f"{held.address} is shared ({held.shared}): {thing.name} is not called by it"))
    alike = collisions((entry.name.casefold(), entry.thing) for entry in starmap(_Entry, found))
    shared = collisions((entry.address, entry.thing) for entry in starmap(_Entry, found))
    for entry in starmap(_Entry, found):
        if not entry.usable:
            out.write(comment(f"{entry.address}\t{entry.name} is no host name"))
        elif other := others(alike, entry.name.casefold(), entry.thing):
            out.write(comment(f"{entry.address}\t{entry.name}: left out, it would also be {other}"))
        else:
            if other := others(shared, entry.address, entry.thing):
                out.write(comment(f"{entry.address} is also that of {other}"))
            out.write(f"{entry.address}\t{' '.join(filter(None, (entry.full, entry.name)))}\n")


def _entries(view: View, thing: Thing) -> Iterator[_Entry]:
    domain = view.setting(thing, DOMAIN) or ""
    named: set[bool] = set()
    for part, address in view.addresses(thing):
        version = ":" in address
        name = thing.name if version not in named else _with_part(thing, part)
        named.add(version)
        full = f"{name}.{domain}"
        yield _Entry(address, thing.name, name, full if _HOST.fullmatch(full) and len(full) <= 253 else None)


def _with_part(thing: Thing, part: Thing | None) -> str:
    return thing.name if part is None else f"{thing.name}-{re.sub('[^A-Za-z0-9]+', '-', part.part_name).strip('-')}"


def read(file: TextIO, name: str) -> Iterator[Document]:
    """Whose addresses these are."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    for line, text in uncommented(file):
        address, *names = text.split()
        parsed = addresses.parse(address.partition("%")[0])
        if parsed is None or not names:
            raise BrokenAtError(line, f"expected an address and names, found {text[:60]!a}")
        if parsed.is_loopback or parsed.is_multicast or parsed.is_unspecified or parsed.is_reserved:
            continue
        found = mention(names[0], name, line)
        found.aliases = tuple(names[1:])
        found.cards = (card("", [str(parsed)]),)
        yield found
