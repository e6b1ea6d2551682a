"""A hosts file: every address with the name of what holds it, and with its name in its domain where one is known.

Source of the format: hosts(5); of what a host name is: RFC 952, RFC 1123 section 2.1. The first v4 and the first v6
address of a Thing have its name, other addresses of a part the name of the Thing and the part: `server1-eth1`. The
domain is the inherited attribute `dns.domain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

from clusto_core.answers.view import View, views
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.leaving import SAFE, Leaving, comment

DOMAIN = "dns.domain"

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_THIS_MACHINE = ("localhost", "ip6-localhost", "ip6-loopback")
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the addresses of the Things; a name that is no host name is told in a comment instead."""
    for view in views(reader, things):
        for thing in view.things:
            _write_thing(view, thing, out)


def _write_thing(view: View, thing: Thing, out: TextIO) -> None:
    domain = view.setting(thing, DOMAIN) or ""
    named: set[bool] = set()
    for part, address in view.addresses(thing):
        version = ":" in address
        name = thing.name if version not in named else _with_part(thing, part)
        named.add(version)
        if _HOST.fullmatch(name) is None or len(name) > 253 or name.lower().split(".")[0] in _THIS_MACHINE:
            out.write(comment(f"{address}\t{name} is no host name"))
            continue
        names = [name]
        if _HOST.fullmatch(f"{name}.{domain}") and len(f"{name}.{domain}") <= 253:
            names.insert(0, f"{name}.{domain}")
        out.write(f"{address}\t{' '.join(names)}\n")


def _with_part(thing: Thing, part: Thing | None) -> str:
    return thing.name if part is None else f"{thing.name}-{re.sub('[^A-Za-z0-9]+', '-', part.part_name).strip('-')}"
