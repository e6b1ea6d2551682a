"""What pages are told while they are looked at: which Things have changed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from clusto_cli.web.asking import Asked
from clusto_cli.web.routing import Events
from clusto_core.records import history

PATH = "/live"
_AT_ONCE = 100


def routes() -> Iterator[Events]:
    """One stream for all pages."""
    yield Events(PATH, _news)


def _news(asked: Asked, since: int) -> list[tuple[str, str, int]]:
    """A change each transaction: its number, who made it, the names of what it touched."""
    entries = history.following(asked.reader, since, _AT_ONCE)
    names: dict[int, list[str]] = {entry.id: [] for entry in entries}
    for number, change in history.changes_of(asked.reader, names):
        names[number].append(change.name)
    return [
        ("change", json.dumps({"number": each.id, "user": each.user, "names": names[each.id]}), each.id)
        for each in entries
    ]
