"""Transactions of the history, told to people and programs: by `log`, `show @NUMBER` and `blame`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from clusto_core.records import history
from clusto_core.records.history import Change, Entry
from clusto_core.records.searching import Touched
from clusto_core.store.reader import Reader


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


def record(reader: Reader, entry: Entry, touched: Touched | None = None, *, detailed: bool) -> dict[str, Any]:
    """A transaction for programs."""
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
        found["changes"] = [
            {"name": change.name, "lines": list(history.told(change, set()))}
            for change in _changes(reader, entry, touched)
        ]
    return found


def instant(entry: Entry) -> str:
    """The moment in UTC, as ISO 8601."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(entry.time, UTC).isoformat()


def _changes(reader: Reader, entry: Entry, touched: Touched | None) -> Iterator[Change]:
    for change in history.changes(reader, entry.id):
        narrowed = change if touched is None else touched.of(change)
        if narrowed is not None:
            yield narrowed
