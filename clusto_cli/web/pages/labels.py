"""Labels to print: the name of each Thing, where it is, and a QR code that leads to its page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from clusto_cli.web.answering import Answer
from clusto_cli.web.asking import Asked
from clusto_cli.web.callers import is_local_name
from clusto_cli.web.pages.rendering import page
from clusto_cli.web.pages.search import named
from clusto_cli.web.routing import Route
from clusto_core.errors import Malformed, Refused
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.query.search import find
from clusto_core.store.reader import Reader

_MOST = 500
_BASE = re.compile(r"https?://[\w.:\[\]-]+(?:/[\w./~-]*)?", re.ASCII)
_SERIAL = Key("serial")


def routes() -> Iterator[Route]:
    """One page, to be printed."""
    yield Route("/labels", _labels)


class Label(NamedTuple):
    """What is on a label; `code` is an SVG."""

    thing: Thing
    place: str
    serial: str
    code: Any


def _labels(asked: Asked) -> Answer:
    text = asked.request.query.get("q", "").strip()
    base = (asked.request.query.get("base", "").strip() or _usual(asked)).rstrip("/")
    if not _BASE.fullmatch(base):
        raise Malformed("labels lead to an address as https://inventory.example")
    things = _wanted(asked.reader, text) if text else []
    if len(things) > _MOST:
        raise Malformed(f"{len(things)} labels at once: no more than {_MOST}, a rack or a room at a time")
    made = list(_made(asked.reader, things, base))
    return page(asked, "labels.html", title="Labels", q=text, base=base, labels=made)


def _wanted(reader: Reader, text: str) -> list[Thing]:
    thing = named(reader, text)
    return [thing] if thing is not None else find(reader, text).things


def _usual(asked: Asked) -> str:
    """The address by which this page was reached; beyond this machine it is taken to be one of HTTPS."""
    host = asked.request.headers.get("Host", "localhost")
    return f"{'http' if is_local_name(host) else 'https'}://{host}"


def _made(reader: Reader, things: Sequence[Thing], base: str) -> Iterator[Label]:
    serials = reader.values_under(_SERIAL, [thing.id for thing in things])
    units = reader.rack_units([thing.id for thing in things])
    racks = reader.by_ids({rack for rack, _ in units})
    places = {thing: f"{racks[rack].name} {spelled}" for (rack, thing), spelled in units.items()}
    for thing in things:
        serial = ", ".join(value.text for value in serials.get(thing.id, ()))
        yield Label(thing, places.get(thing.id, ""), serial, _code(f"{base}/things/{quote(thing.name, safe='')}"))


def _code(address: str) -> Any:
    """A QR code. Raises Refused where what makes it is missing."""
    from markupsafe import Markup

    try:
        import segno
    except ImportError:
        raise Refused("QR codes are made by segno, which is not here: pip install 'clusto[web]'") from None
    code = segno.make(address, micro=False, error="m")
    # Its own paths, with nothing of the text in them.
    return Markup(code.svg_inline(border=2, omitsize=True, svgclass="qr", lineclass=None))
