"""Transactions of the history, told to people and programs: by `log`, `show @NUMBER` and `blame`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from clusto_core.records import history
from clusto_core.records.history import Change, Entry
from clusto_core.records.searching import Touched
from clusto_core.store.reader import Reader

MOST = 1000
"""Things, of those that a transaction changed, that are told to somebody elsewhere: one may have changed all."""
FEW = 1000
"""So many Things are looked for in what a transaction did; of more, all that it did is read."""


def when(entry: Entry) -> str:
    """The moment in local time, with its zone."""
    from datetime import datetime

    return datetime.fromtimestamp(entry.time).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def first_line(message: str | None) -> str:
    """Of a message the line that stands for it."""
    return (message or "").partition("\n")[0]


def short(entry: Entry) -> str:
    """One line: number, moment, user, and why."""
    return f"{entry.id} {when(entry)[:16]} {entry.user}: {first_line(entry.message) or entry.command}"


def lines(reader: Reader, entries: Iterable[Entry], touched: Touched | None = None, *, detailed: bool) -> Iterator[str]:
    """Transactions as git tells commits; `detailed` with what they did, to all or to what is meant."""
    for place, entry in enumerate(entries):
        if place:
            yield ""
        yield from _head(entry)
        if detailed:
            yield ""
            cables: set[int] = set()
            for change in _changes(reader, entry, touched):
                yield from (f"    {line}" for line in history.told(change, cables))


def _head(entry: Entry) -> Iterator[str]:
    known = f" (database: {entry.database_user})" if entry.database_user else ""
    yield f"transaction {entry.id}"
    yield f"User:    {entry.user}@{entry.host}{known}"
    yield f"Date:    {when(entry)}"
    yield f"Command: {entry.command}"
    if entry.reverts is not None:
        yield f"Reverts: transaction {entry.reverts}"
    if entry.message:
        yield ""
        yield from (f"    {line}".rstrip() for line in entry.message.splitlines())


def record(
    reader: Reader, entry: Entry, touched: Touched | None = None, *, detailed: bool, most: int | None = None
) -> dict[str, Any]:
    """A transaction for programs; of what it did, with `most` no more than that, and how much is left out."""
    found: dict[str, Any] = {
        "transaction": entry.id,
        "time": instant(entry),
        "user": entry.user,
        "host": entry.host,
        "database_user": entry.database_user,
        "command": entry.command,
        "message": entry.message,
        "reverts": entry.reverts,
    }
    if detailed:
        changes = _changes(reader, entry, touched)
        found["changes"] = [
            {"name": change.name, "lines": list(history.told(change, set()))} for change in islice(changes, most)
        ]
        if most is not None and len(found["changes"]) == most:
            every = history.size(reader, entry.id) if touched is None else most + sum(1 for _ in changes)
            if every > most:
                found["left_out"] = every - most
    return found


def instant(entry: Entry) -> str:
    """The moment in UTC, as ISO 8601."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(entry.time, UTC).isoformat()


def _changes(reader: Reader, entry: Entry, touched: Touched | None) -> Iterator[Change]:
    ids = None if touched is None else touched.things | touched.owners
    few = ids is not None and len(ids) <= FEW
    for change in history.changes_among(reader, entry.id, ids or ()) if few else history.changes(reader, entry.id):
        narrowed = change if touched is None else touched.of(change)
        if narrowed is not None:
            yield narrowed
