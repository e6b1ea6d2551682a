"""What happened: the transactions, one of them, and what differs between two moments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from clusto_cli import transactions
from clusto_cli.web.answering import Answer
from clusto_cli.web.asking import Asked
from clusto_cli.web.pages.rendering import page
from clusto_cli.web.routing import Route
from clusto_core.errors import NotFound
from clusto_core.records import history, moments
from clusto_core.records.between import between
from clusto_core.store.reader import Reader

_PAGE = 50
_LINES = 2000
_THINGS = 500


def routes() -> Iterator[Route]:
    """The list, one, and differences."""
    yield Route("/history", _history)
    yield Route("/history/{number}", _transaction)
    yield Route("/diff", _difference)


def _history(asked: Asked) -> Answer:
    until = _number(asked.request.query.get("until", "")) or asked.number
    name = asked.request.query.get("thing", "")
    entries = _touching(asked.reader, name, until) if name else history.page(asked.reader, 0, until, _PAGE)
    older = entries[-1].id - 1 if len(entries) == _PAGE else 0
    return page(
        asked,
        "history.html",
        title=f"History of {name}" if name else "History",
        entries=entries,
        older=older,
        thing=name,
        when=transactions.when,
        live=not name and until == asked.number,
    )


def _touching(reader: Reader, name: str, until: int) -> list[history.Entry]:
    ids = history.things_called(reader, name)
    if not ids:
        raise NotFound(f"no such thing: {name}")
    return [entry for entry in history.entries(reader, ids) if entry.id <= until][:_PAGE]


def _transaction(asked: Asked) -> Answer:
    text = asked.request.path["number"]
    if not _number(text):
        raise NotFound(f"no such transaction: {text}")
    entry = history.entry(asked.reader, _number(text))
    cables: set[int] = set()
    told = (
        (change.name, line)
        for change in history.changes(asked.reader, entry.id)
        for line in history.told(change, cables)
    )
    lines = list(islice(told, _LINES + 1))
    return page(
        asked,
        "transaction.html",
        title=f"Transaction {entry.id}",
        entry=entry,
        lines=lines[:_LINES],
        more=len(lines) > _LINES,
        when=transactions.when,
    )


def _difference(asked: Asked) -> Answer:
    """Between two moments, as `clusto diff` has them: transactions, dates, `2 days ago`; the second is now."""
    one, other = (asked.request.query.get(name, "").strip() for name in ("from", "to"))
    found = []
    if one:
        early, late = (moments.find(asked.reader, text) for text in (one, other or str(asked.number)))
        found = list(islice(between(asked.reader, early, late), _THINGS + 1))
    return page(
        asked,
        "difference.html",
        title="Differences",
        one=one,
        other=other,
        found=found[:_THINGS],
        more=len(found) > _THINGS,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
