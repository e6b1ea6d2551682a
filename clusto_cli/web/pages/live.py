"""What pages are told while they are looked at: which Things have changed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from clusto_cli.web.asking import Asked
from clusto_cli.web.routing import Events
from clusto_core.records import history
from clusto_core.records.history import Entry

PATH = "/live"
_AT_ONCE = 100
_NAMES = 500


def routes() -> Iterator[Events]:
    """One stream for all pages."""
    yield Events(PATH, _news)


def _news(asked: Asked, since: int) -> list[tuple[str, str, int]]:
    """A change each transaction: its number, who made it, the names of what it touched; null for too many to tell."""
    entries = history.following(asked.reader, since, _AT_ONCE)
    names: dict[int, list[str]] = {entry.id: [] for entry in entries}
    for number, name in history.names_of(asked.reader, names):
        if len(names[number]) <= _NAMES:
            names[number].append(name)
    return [("change", _told(each, names[each.id]), each.id) for each in entries]


def _told(entry: Entry, names: list[str]) -> str:
    return json.dumps({"number": entry.id, "user": entry.user, "names": names if len(names) <= _NAMES else None})
