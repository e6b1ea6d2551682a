"""What is remembered of sources: which object of one is which Thing, and what it said of it when it was read last.

Things that are removed are still remembered here, so that what somebody removed is told from what the source has new.
None of it is history; but what a sync changed together with a Thing is undone with it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

from clusto_core.errors import Refused
from clusto_core.model.origins import Origin
from clusto_core.records import history
from clusto_core.store.database import Database
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

IN_STEP, CONFLICTS, FAILED = "in step", "conflicts", "failed"
"""How a sync ended."""

_COLUMNS = ("id", "source_id", "kind", "identity", "thing_id", "name", "stamp", "gone", "held", "kept")
_OBJECTS = f"SELECT {', '.join(f'o.{column}' for column in _COLUMNS)} FROM source_objects o WHERE o.source_id = :source"
_FACTS = "SELECT f.object_id, f.facts FROM source_facts f WHERE f.object_id IN (:ids)"
_SOURCES = "SELECT s.id, s.name, s.state, s.taken, s.seen, s.ended, s.who, s.outcome, s.message FROM sources s"
_TOUCHED = "SELECT DISTINCT c.thing_id FROM changes c WHERE c.transaction_id > :seen"
_UNDONE = "SELECT o.id, o.source_id FROM source_objects o WHERE o.transaction_id = :number"
_UNNUMBER = "UPDATE source_objects SET transaction_id = NULL WHERE transaction_id = :number"
_OF_THINGS = "SELECT o.id, o.source_id FROM source_objects o WHERE o.thing_id IN (:ids)"


@dataclass(slots=True)
class Remembered:
    """One object of a source. thing: the id of its Thing, which may be gone; None for one that was never taken in.
    name: what the source's Document called it. gone: since when the source has it no more, in microseconds since 1970,
    UTC. held: why it was held back last; kept: what is otherwise here than there."""

    id: int
    origin: Origin
    thing: int | None
    name: str
    stamp: str = ""
    gone: int | None = None
    held: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


class Summary(NamedTuple):
    """How a source stands; times are in seconds since 1970, UTC, None for never.

    taken: when it was last taken in. ended: when it was last tried. message: how the last try failed.
    """

    id: int
    name: str
    state: str
    taken: float | None
    seen: int
    ended: float | None
    who: str
    outcome: str
    message: str


class Ledger:
    """What is remembered of one source, as a store has it. Also what a source is given as `protocol.Last`.

    `settings` are the source's, in whatever spelling: when they are others than last time, everything is read again.
    """

    def __init__(self, database: Database | None, name: str, settings: str = "") -> None:
        self._database = database
        self.name = name
        self._settings = blake2b(settings.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        found = [each for each in summaries(database) if each.name == name] if database is not None else []
        self.summary = found[0] if found else Summary(0, name, "", None, 0, None, "", "", "")

    @property
    def state(self) -> str:
        """See `protocol.Last`."""
        return self.summary.state.partition("\n")[2] if self._as_before else ""

    @property
    def _as_before(self) -> bool:
        return self.summary.state.partition("\n")[0] == self._settings

    def state_to_keep(self, state: str) -> str:
        """What a source wants to know next time, with the settings that it was read with."""
        return f"{self._settings}\n{state}"

    @property
    def time(self) -> float | None:
        """See `protocol.Last`."""
        return self.summary.taken

    @cached_property
    def objects(self) -> dict[Origin, Remembered]:
        """All its objects by identity."""
        if self._database is None or not self.summary.id:
            return {}
        found = {}
        for row in self._database.iterate(_OBJECTS, {"source": self.summary.id}):
            id, _, kind, identity, thing, name, stamp, gone, held, kept = row
            origin = Origin(kind, identity)
            each = found[origin] = Remembered(id, origin, thing, name, stamp, gone)
            if held or kept:
                each.held, each.kept = _texts(held), _texts(kept)
        return found

    @cached_property
    def stamps(self) -> Mapping[Origin, str]:
        """See `protocol.Last`."""
        every = self.objects.items() if self._as_before else ()
        return {origin: each.stamp for origin, each in every if each.stamp and not each.held and each.gone is None}

    @cached_property
    def names(self) -> Mapping[Origin, str]:
        """See `protocol.Last`."""
        return {origin: each.name for origin, each in self.objects.items() if each.name}

    @cached_property
    def again(self) -> frozenset[Origin]:
        """See `protocol.Last`."""
        return frozenset(origin for origin, each in self.objects.items() if each.held)

    def facts(self, ids: Sequence[int]) -> dict[int, Any]:
        """What was said of these objects, by their ids, as JSON has it."""
        if self._database is None:
            return {}
        return {id: json.loads(text) for id, text in self._database.rows_in(_FACTS, ids)}

    def load(self) -> None:
        """Reads all that a source may ask for, so that the store need not stay open while it is read."""
        _ = self.objects
        self._database = None

    def current(self, database: Database) -> Ledger:
        """The same in a transaction. Raises Refused when it is not the same any more."""
        ledger = Ledger(database, self.name)
        ledger._settings = self._settings
        if ledger.summary != self.summary:
            raise Refused(f"another sync of {self.name} was done meanwhile: nothing was changed, run it again")
        ledger.objects = self.objects
        return ledger


def summaries(database: Database) -> list[Summary]:
    """All sources that were ever tried."""
    found = []
    for id, name, state, taken, seen, ended, *rest in database.rows(_SOURCES):
        found.append(Summary(id, name, state, _seconds(taken), seen, _seconds(ended), *rest))
    return found


def touched_since(reader: Reader, seen: int) -> set[int]:
    """The Things that any transaction after that one changed."""
    return {row[0] for row in reader.database.rows(_TOUCHED, {"seen": seen})}


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1_000_000


def _texts(stored: str | None) -> tuple[str, ...]:
    return tuple(json.loads(stored)) if stored else ()


# --- writing ---------------------------------------------------------------------------------------------------------


class Writing:
    """What a sync writes here, within the transaction of a unit of work."""

    def __init__(self, unit: UnitOfWork, ledger: Ledger) -> None:
        self.unit = unit
        self.database = unit.database
        self.ledger = ledger
        self.number = unit.next_transaction if unit.changed else None

    def summary(self, outcome: str, message: str = "", state: str | None = None) -> int:
        """How a sync ended; `state` where it was taken in. Gives the source's number in the store."""
        now = time.time_ns() // 1000
        taken = now if state is not None else None
        seen = self.number or self.unit.next_transaction - 1
        return note(self.unit, self.ledger.summary, outcome, message, now, state, taken, seen)

    def begin(self) -> None:
        """Has the source be one that was tried, where it never was, so that objects of it can be written."""
        if not self.ledger.summary.id:
            now = time.time_ns() // 1000
            id = note(self.unit, self.ledger.summary, "", "", now)
            self.ledger.summary = self.ledger.summary._replace(id=id)

    def unnumber(self, number: int) -> None:
        """Nothing was changed in the end: what is remembered since is undone with no transaction."""
        self.database.execute(_UNNUMBER, {"number": number})

    def objects(self, source_id: int, every: Iterable[tuple[Remembered, str | None]]) -> None:
        """Objects that are new or otherwise than they were, each with its facts as JSON, None where they stay."""
        self.unit.noted = True
        changed = list(every)
        for each, _ in changed:
            if not each.id:
                each.id = self.unit.new_id()
        known = {each.id for each in self.ledger.objects.values()}
        rewritten = [each.id for each, _ in changed if each.id in known]
        kept = self._kept_facts([each.id for each, facts in changed if facts is None and each.id in known])
        self._drop(rewritten)
        rows = (self._row(source_id, each) for each, _ in changed)
        self.database.insert("source_objects", (*_COLUMNS, "transaction_id"), rows)
        facts = ((each.id, said if said is not None else kept.get(each.id)) for each, said in changed)
        self.database.insert("source_facts", ("object_id", "facts"), (row for row in facts if row[1] is not None))

    def _kept_facts(self, ids: Sequence[int]) -> dict[int, str]:
        return dict(self.database.rows_in(_FACTS, ids))

    def forget(self, every: Iterable[Remembered]) -> None:
        """Objects that neither the source nor the inventory has any more."""
        ids = [each.id for each in every]
        if ids:
            self.unit.noted = True
            self._drop(ids)

    def _drop(self, ids: Sequence[int]) -> None:
        self.database.execute_in("DELETE FROM source_facts WHERE object_id IN (:ids)", ids)
        self.database.execute_in("DELETE FROM source_objects WHERE id IN (:ids)", ids)

    def _row(self, source_id: int, each: Remembered) -> tuple[Any, ...]:
        return (*_stored(source_id, each), self.number)


def _stored(source_id: int, each: Remembered) -> tuple[Any, ...]:
    return (
        *(each.id, source_id, *each.origin, each.thing, each.name, each.stamp, each.gone),
        *(json.dumps(texts, ensure_ascii=False) if texts else None for texts in (each.held, each.kept)),
    )


def told_before(source_id: int, each: Remembered, facts: Any) -> tuple[Any, ...]:
    """A row of `sources` in the history: what was remembered of an object before a sync."""
    return (f"source {each.id}", *_stored(source_id, each), json.dumps(facts, separators=(",", ":")))


def note(
    unit: UnitOfWork,
    summary: Summary,
    outcome: str,
    message: str,
    now: int,
    state: str | None = None,
    taken: int | None = None,
    seen: int | None = None,
) -> int:
    """Writes how a sync ended; what is None stays as it was. Gives the source's number in the store."""
    unit.noted = True
    who = f"{history.user()}@{os.uname().nodename}"[:400]
    row: dict[str, object] = {"ended": now, "who": who, "outcome": outcome, "message": message}
    given = {"state": state, "taken": taken, "seen": seen}
    row |= {column: value for column, value in given.items() if value is not None}
    if summary.id:
        marks = ", ".join(f"{column} = :{column}" for column in row)
        unit.database.execute(f"UPDATE sources SET {marks} WHERE id = :id", {**row, "id": summary.id})
        return summary.id
    row = {"id": unit.new_id(), "name": summary.name, "state": "", "seen": 0, **row}
    unit.database.insert("sources", tuple(row), [tuple(row.values())])
    return int(str(row["id"]))


def undo(unit: UnitOfWork, number: int, before: Iterable[Sequence[Any]], removed: Sequence[int]) -> None:
    """Makes what the transaction of that number remembered what was remembered before it, so that the next sync sees
    what it saw. `before` are the rows of `sources` in its history, `removed` the Things that it had made."""
    database = unit.database
    written = [*database.rows(_UNDONE, {"number": number}), *database.rows_in(_OF_THINGS, removed)]
    restored = [list(row[1:]) for row in before]
    ids = {row[0] for row in written} | {row[0] for row in restored}
    if not ids:
        return
    unit.noted = True
    database.execute_in("DELETE FROM source_facts WHERE object_id IN (:ids)", ids)
    database.execute_in("DELETE FROM source_objects WHERE id IN (:ids)", ids)
    database.insert("source_objects", _COLUMNS, (tuple(row[:-1]) for row in restored))
    database.insert("source_facts", ("object_id", "facts"), ((row[0], row[-1]) for row in restored))
    affected = {row[1] for row in (*written, *restored)}
    # What was read up to now is to be read again.
    database.execute_in("UPDATE sources SET state = '', outcome = 'undone' WHERE id IN (:ids)", affected)


def every_object(reader: Reader, summary: Summary) -> Iterator[Remembered]:
    """The objects of a source, in no order."""
    yield from Ledger(reader.database, summary.name).objects.values()


def failed(unit: UnitOfWork, name: str, message: str) -> None:
    """Keeps that a sync came to nothing, and why."""
    ledger = Ledger(unit.database, name)
    note(unit, ledger.summary, FAILED, message, time.time_ns() // 1000)
