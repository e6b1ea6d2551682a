"""Which transactions are meant: by time, user, verb, key, words, and by the Things and parts that they touched."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from clusto_core.errors import NotFound
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.query.patterns import Regex
from clusto_core.records import history
from clusto_core.records.history import Change, Entry, Rows
from clusto_core.store.net import last_transaction
from clusto_core.store.reader import Reader

_PAGE = 500
_TOUCHING = "SELECT DISTINCT c.transaction_id FROM changes c WHERE c.thing_id IN (:ids)"
_OF_THING = "SELECT c.before, c.after FROM changes c WHERE c.thing_id IN (:ids)"
_WITH_VALUE = frozenset(("--db", "--config"))


class Touched(NamedTuple):
    """Things by their ids, with all that is theirs, and parts alone, with the Things that they are, or were, of."""

    things: frozenset[int]
    parts: frozenset[int] = frozenset()
    owners: frozenset[int] = frozenset()

    def of(self, change: Change) -> Change | None:
        """What a change did to them; None where it did nothing."""
        if change.thing_id in self.things:
            return change
        if change.thing_id not in self.owners:
            return None
        before, after = self._narrowed(change.before), self._narrowed(change.after)
        return change._replace(before=before, after=after) if before or after else None

    def _narrowed(self, rows: Rows) -> Rows:
        places = {"things": (0,), "attributes": (1,), "cables": (2, 4)}
        kept = {
            table: [row for row in rows.get(table, ()) if any(row[place] in self.parts for place in columns)]
            for table, columns in places.items()
        }
        return {table: every for table, every in kept.items() if every}


class Wanted(NamedTuple):
    """What transactions must be; what is None or empty does not matter."""

    after: int = 0
    """Later than that transaction."""
    until: int | None = None
    """That one, or earlier."""
    touched: Touched | None = None
    user: str | None = None
    verb: str | None = None
    key: str | None = None
    """A key as it is spelled; without subkey and number, with whatever it has of them."""
    text: Regex | None = None
    """In the command, or in the message."""


def touched_by_name(reader: Reader, name: str) -> Touched:
    """The Things, or the parts, that have that name, or had it once. Raises NotFound as `Reader.resolve`."""
    owner, part = split_part(name)
    things = history.things_called(reader, owner)
    if part is None:
        return Touched(frozenset(things)) if things else touched_things([reader.resolve(name)])
    gone = Touched(frozenset(), frozenset(_parts_called(reader, things, name)), frozenset(things))
    try:
        present = touched_things([reader.resolve(name)])
    except NotFound:
        if not gone.parts:
            raise
        return gone
    return Touched(*(one | other for one, other in zip(gone, present, strict=True)))


def touched_things(things: Iterable[Thing]) -> Touched:
    """Things with all that is theirs, and parts alone."""
    every = list(things)
    parts = [thing for thing in every if thing.is_part]
    return Touched(
        frozenset(thing.id for thing in every if not thing.is_part),
        frozenset(part.id for part in parts),
        frozenset(part.entity_id for part in parts),
    )


def _parts_called(reader: Reader, things: Iterable[int], name: str) -> Iterator[int]:
    for sides in reader.database.rows_in(_OF_THING, list(things)):
        for rows in (json.loads(side) for side in sides if side):
            yield from (row[0] for row in rows.get("things", ()) if row[1] == name and row[3] is not None)


def search(reader: Reader, wanted: Wanted, limit: int | None = None) -> Iterator[Entry]:
    """The transactions that are as wanted, newest first."""
    return islice(_search(reader, wanted), limit)


def _search(reader: Reader, wanted: Wanted) -> Iterator[Entry]:
    for entries in _pages(reader, wanted):
        fitting = [entry for entry in entries if _fits(entry, wanted)]
        if wanted.key is not None or (wanted.touched is not None and wanted.touched.parts):
            changing = _changing(reader, fitting, wanted)
            fitting = [entry for entry in fitting if entry.id in changing]
        yield from fitting


def _pages(reader: Reader, wanted: Wanted) -> Iterator[list[Entry]]:
    until = last_transaction(reader.database) if wanted.until is None else wanted.until
    if wanted.touched is None:
        while page := history.page(reader, wanted.after, until, _PAGE):
            yield page
            until = page[-1].id - 1
        return
    rows = reader.database.rows_in(_TOUCHING, list(wanted.touched.things | wanted.touched.owners))
    ids = sorted({row[0] for row in rows if wanted.after < row[0] <= until}, reverse=True)
    for start in range(0, len(ids), _PAGE):
        yield history.numbered(reader, ids[start : start + _PAGE])


def _fits(entry: Entry, wanted: Wanted) -> bool:
    if wanted.user is not None and wanted.user not in (
        entry.user,
        entry.user.partition(" (as ")[0],
        entry.database_user,
    ):
        return False
    if wanted.verb is not None and not _is_verb(entry.command, wanted.verb.split()):
        return False
    return wanted.text is None or any(wanted.text.matches(text) for text in (entry.command, entry.message or ""))


def _is_verb(command: str, verb: list[str]) -> bool:
    return verb_of(command)[: len(verb)] == verb


def verb_of(command: str) -> list[str]:
    """The words of a command from its verb on: without the program, and the options before the verb."""
    try:
        words = shlex.split(command)[1:]
    except ValueError:
        words = command.split()[1:]
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in _WITH_VALUE else 1 :]
    return words


def _changing(reader: Reader, entries: list[Entry], wanted: Wanted) -> set[int]:
    """Those of the transactions that changed a value under the key, or one of the parts."""
    found = set()
    wanted_key = wanted.key
    for number, change in history.changes_of(reader, [entry.id for entry in entries]):
        narrowed = wanted.touched.of(change) if wanted.touched is not None else change
        if narrowed is not None and (wanted_key is None or _has_key(narrowed, wanted_key)):
            found.add(number)
    return found


def _has_key(change: Change, key: str) -> bool:
    rows: list[list[Any]] = [*change.before.get("attributes", ()), *change.after.get("attributes", ())]
    return any(row[3] == key or row[3].startswith((f"{key}.", f"{key}#")) for row in rows)
