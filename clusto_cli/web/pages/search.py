"""The first page: a search by the whole language of expressions, or by a name, an address, a MAC, a serial number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from clusto_cli import transactions
from clusto_cli.targets import is_written_as_expression
from clusto_cli.web.answering import HTML, JSON, Answer
from clusto_cli.web.asking import Asked
from clusto_cli.web.pages.rendering import Links, page
from clusto_cli.web.routing import Route
from clusto_core.answers import candidates
from clusto_core.drivers.equipment import Datacenter, Rack, Room
from clusto_core.drivers.resources import Network
from clusto_core.errors import ClustoError, NotFound
from clusto_core.model.things import Thing, in_order
from clusto_core.query import completing, search
from clusto_core.query.columns import Cell, Table, parse
from clusto_core.records import history
from clusto_core.store.reader import Reader

COLUMNS = ("driver", "in", "unit", "ip", "inherited:status")
_PAGE = 100
_RECENT = 10
_CANDIDATES = 20


def routes() -> Iterator[Route]:
    """The page, and what an unfinished search may become."""
    yield Route("/", _start)
    yield Route("/complete", _complete)


class Row(NamedTuple):
    """A Thing that was found, and what the columns say of it."""

    thing: Thing
    cells: Sequence[Sequence[Cell]]


def _start(asked: Asked) -> Answer:
    text = asked.request.query.get("q", "").strip()
    if not text:
        return page(asked, "start.html", title="Inventory", **_overview(asked.reader), live=True)
    if (thing := named(asked.reader, text)) is not None:
        return Answer(b"", HTML, 303, {"Location": Links(asked.moment).thing(thing.name)})
    try:
        count = search.count(asked.reader, text)
        found = search.stream(asked.reader, text)
    except ClustoError as error:
        answer = page(asked, "found.html", title="Search", q=text, fault=str(error), lines=error.details)
        return answer._replace(status=400)
    first = _number(asked.request.query.get("from", ""))
    some = list(islice(found.things, first, first + _PAGE))
    return page(
        asked,
        "found.html",
        title=f"{count} found",
        q=text,
        fault="",
        notes=found.notes,
        rows=_rows(asked.reader, some),
        columns=[name.rpartition(":")[2] for name in COLUMNS],
        count=count,
        first=first,
        after=first + _PAGE if first + _PAGE < count else None,
        before=max(0, first - _PAGE) if first else None,
        live=True,
    )


def named(reader: Reader, text: str) -> Thing | None:
    """The Thing or part that a search means by itself: it looks like no expression, and something is called so."""
    if is_written_as_expression(reader, text):
        return None
    try:
        return reader.resolve(text)
    except NotFound:
        return None


def _overview(reader: Reader) -> dict[str, object]:
    kinds = (Datacenter, Room, Rack, Network)
    # Asked for together: the database looks through all Things for them.
    found = in_order(reader.all([kind.__name__ for kind in kinds]))
    return {
        "places": [each for each in found if each.is_a(Datacenter) or each.is_a(Room)],
        "lists": [(kind.__name__, [each for each in found if each.is_a(kind)]) for kind in (Rack, Network)],
        "shown": _PAGE,
        "entries": history.entries(reader, limit=_RECENT),
        "when": transactions.when,
    }


def _rows(reader: Reader, things: Sequence[Thing]) -> list[Row]:
    table = Table(reader, things)
    columns = [table.column(parse(name)) for name in COLUMNS]
    return [Row(thing, [column[place] for column in columns]) for place, thing in enumerate(things)]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _complete(asked: Asked) -> Answer:
    """The texts that a search may become, as a list of JSON."""
    text = asked.request.query.get("q", "")
    found = completing.complete(asked.reader, text)
    if text and " " not in text and ":" not in text:
        found = [*candidates.things(asked.reader, text), *found]
    texts = list(dict.fromkeys(each.text for each in found))[:_CANDIDATES]
    return Answer(json.dumps(texts).encode(), JSON)
