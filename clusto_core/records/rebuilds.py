"""Rebuilds as the store knows them: what was begun, how far it has come, and what was heard from where.

Several processes write here: the command that rebuilds, the server that is called back, the hook of a TFTP server. Each
reads what the others wrote, so that a rebuild outlives the command that began it. The history (`clusto log`) gets
what a rebuild changed of the machine; this is what happened on the way.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from clusto_core.config import Settings
from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.model.things import Thing
from clusto_core.store.database import Database, Row
from clusto_core.store.reader import Reader

WAITING, ARMING, OFF = "waiting", "arming", "off"
BOOTING, INSTALLING, STARTING = "booting", "installing", "starting"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)
"""The phases: its turn has not come; boot files are written; power is off; it was turned on; the installer runs; the
new system comes up."""

CALLBACK, FETCH, CONSOLE, PROBE, CLUSTO = "callback", "fetch", "console", "probe", "clusto"
"""Where something is heard from; CLUSTO is what the command itself says."""
STARTED, FINISHED, UP, FETCHED, PROGRESS = "started", "finished", "up", "fetched", "progress"
ONCE = (STARTED, FINISHED, UP, FAILED)
"""The call-backs that are taken once; `progress` may come any number of times."""
_MESSAGE = 4096
"""Characters that are kept of what a machine says."""
_MOST = 1000
"""Call-backs that are kept of one rebuild; what an installer has to say once is taken beyond that."""
KEPT_DAYS = 90
"""Days for which what was heard of a rebuild that has ended is kept."""
_TOKEN = 43
"""Characters of a token: 256 bits, URL-safe."""


class Rebuild(NamedTuple):
    """One reinstallation; times are in seconds since 1970, UTC. plan: what it set out to do."""

    id: int
    thing_id: int
    name: str
    began: float
    who: str
    phase: str
    changed: float
    plan: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.phase in ENDED


class Event(NamedTuple):
    """Something heard of a rebuild; `time` is in seconds since 1970, UTC."""

    id: int
    rebuild_id: int
    time: float
    source: str
    event: str
    message: str | None


class Heard(NamedTuple):
    """An event that is to be written down; with `phase`, the rebuild is in that phase from now on.

    time: when it was heard, in seconds since 1970, UTC; None for now.
    """

    rebuild_id: int
    source: str
    event: str
    message: str | None = None
    phase: str | None = None
    time: float | None = None


class NotTaken(Refused):
    """What a machine calls back is not taken, now or later: it has been, or the rebuild has ended."""


_REBUILD = "SELECT b.id, b.thing_id, b.name, b.began, b.who, b.phase, b.changed, b.plan FROM rebuilds b"
_LATEST = (
    _REBUILD
    + """
    JOIN (SELECT MAX(n.id) AS id FROM rebuilds n GROUP BY n.thing_id) l ON l.id = b.id WHERE b.thing_id IN (:ids)"""
)
_REBUILD_COLUMNS = ("id", "thing_id", "name", "began", "who", "phase", "changed", "token", "plan")
_NOT_ENDED = "phase NOT IN ('{}')".format("', '".join(ENDED))
_NEW_PHASE = f"UPDATE rebuilds SET phase = :phase, changed = :now WHERE {_NOT_ENDED}"
_PHASES = "SELECT b.id, b.phase FROM rebuilds b WHERE b.id IN (:ids)"
_ONCE = "SELECT e.rebuild_id, e.once FROM rebuild_events e WHERE e.once IS NOT NULL AND e.rebuild_id IN (:ids)"
_COUNTED = (
    "SELECT e.rebuild_id, COUNT(*) FROM rebuild_events e WHERE e.source = 'callback' AND e.rebuild_id IN (:ids)"
    " GROUP BY e.rebuild_id"
)
_ENDED_LONG_AGO = "SELECT b.id FROM rebuilds b WHERE b.phase IN ('{}') AND b.changed < :then".format("', '".join(ENDED))
_EVENT_COLUMNS = ("id", "rebuild_id", "time", "source", "event", "message", "once")
_OLD = "{} FROM rebuild_events WHERE id <> :last AND rebuild_id IN (:ids)"
_EVENT = "SELECT e.id, e.rebuild_id, e.time, e.source, e.event, e.message FROM rebuild_events e"


def latest(reader: Reader, things: Iterable[Thing]) -> dict[int, Rebuild]:
    """The last rebuild of each of these, by the Thing's id; nothing for those that never had one."""
    ids = [thing.id for thing in things]
    return {row[1]: _rebuild(row) for row in reader.database.rows_in(_LATEST, ids)}


def unfinished(reader: Reader) -> list[Rebuild]:
    """The rebuilds that have not ended, oldest first."""
    return [_rebuild(row) for row in reader.database.rows(f"{_REBUILD} WHERE {_NOT_ENDED} ORDER BY b.id")]


def by_token(reader: Reader, token: str) -> Rebuild | None:
    """The rebuild whose machine calls back with this token."""
    if len(token) != _TOKEN:
        return None
    rows = reader.database.rows(f"{_REBUILD} WHERE b.token = :token", {"token": _digest(token)})
    return _rebuild(rows[0]) if rows else None


def events(reader: Reader, rebuild_ids: Iterable[int]) -> list[Event]:
    """What was heard of these rebuilds, in the order in which it was written down."""
    rows = reader.database.rows_in(f"{_EVENT} WHERE e.rebuild_id IN (:ids)", list(rebuild_ids))
    return sorted(map(_event, rows))


def events_after(reader: Reader, number: int) -> list[Event]:
    """What was heard of any rebuild since the event of that number."""
    return [_event(row) for row in reader.database.rows(f"{_EVENT} WHERE e.id > :id ORDER BY e.id", {"id": number})]


def last_event(reader: Reader) -> int:
    """The number of the newest event; 0 when there is none."""
    return int(reader.database.rows("SELECT COALESCE(MAX(e.id), 0) FROM rebuild_events e")[0][0])


def called_back(reader: Reader, rebuild_ids: Iterable[int]) -> dict[int, set[str]]:
    """What the machines of these rebuilds have called back of ONCE with the tokens they have now, by rebuild."""
    return _called_back(reader.database, list(rebuild_ids))


class Journal:
    """The writing side. Every method is a transaction of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def begin(self, plans: Sequence[tuple[Thing, Mapping[str, Any]]]) -> list[tuple[Rebuild, str]]:
        """Begins a rebuild of each of these; it, and the token that its machine calls back with, which is kept nowhere.

        An older rebuild of the same machine that had not ended is cancelled: whoever calls this holds its lock.
        """
        from clusto_core.records.history import user
        from clusto_core.store.opening import write_transaction

        now = _now()
        who = f"{user()}@{os.uname().nodename}"[:255]
        begun = []
        with write_transaction(self._settings, lambda line: None) as database:
            cancelled = {"phase": CANCELLED, "now": now}
            database.execute_in(f"{_NEW_PHASE} AND thing_id IN (:ids)", [thing.id for thing, _ in plans], cancelled)
            rows = []
            for number, (thing, plan) in enumerate(plans, _next(database, "rebuilds")):
                token = secrets.token_urlsafe(32)
                kept = json.dumps(dict(plan))
                rows.append((number, thing.id, thing.name, now, who, WAITING, now, _digest(token), kept))
                begun.append(
                    (Rebuild(number, thing.id, thing.name, now / 1e6, who, WAITING, now / 1e6, dict(plan)), token)
                )
            database.insert("rebuilds", _REBUILD_COLUMNS, rows)
        return begun

    def renew_token(self, rebuild: Rebuild, plan: Mapping[str, Any] | None = None) -> str:
        """A new token for a rebuild whose machine begins anew, by another plan if one is given: what it has called back
        may be called back again."""
        from clusto_core.store.opening import write_transaction

        token = secrets.token_urlsafe(32)
        with write_transaction(self._settings, lambda line: None) as database:
            new = {"id": rebuild.id, "token": _digest(token), "plan": json.dumps(dict(plan or rebuild.plan))}
            database.execute("UPDATE rebuilds SET token = :token, plan = :plan WHERE id = :id", new)
            database.execute("UPDATE rebuild_events SET once = NULL WHERE rebuild_id = :id", {"id": rebuild.id})
        return token

    def add(self, heard: Sequence[Heard]) -> list[Event]:
        """Writes these down, in order; phases of rebuilds that have ended stay."""
        from clusto_core.store.opening import write_transaction

        with write_transaction(self._settings, lambda line: None) as database:
            written = self._add(database, heard, [None] * len(heard))
            for each in heard:
                if each.phase is not None:
                    new = {"phase": each.phase, "now": _now(), "id": each.rebuild_id}
                    database.execute(f"{_NEW_PHASE} AND id = :id", new)
            return written

    def call_back(self, rebuild: Rebuild, event: str, message: str | None) -> Event:
        """Writes down what a machine called back.

        Raises Malformed for an event that there is not; NotTaken for one that was called back already, and for any when
        the rebuild has ended or the machine has said that it failed.
        """
        result = self.call_backs([(rebuild, event, message)])[0]
        if isinstance(result, ClustoError):
            raise result
        return result

    def call_backs(self, said: Sequence[tuple[Rebuild, str, str | None]]) -> list[Event | Malformed | NotTaken]:
        """The same of many machines, in one transaction: what was written down of each, or why it was not."""
        from clusto_core.store.opening import write_transaction

        ids = list({rebuild.id for rebuild, _, _ in said})
        # The store's write lock makes this the only one who looks and writes.
        with write_transaction(self._settings, lambda line: None) as database:
            phases: dict[int, str] = dict(database.rows_in(_PHASES, ids))
            before = {**{id: set() for id in ids}, **_called_back(database, ids)}
            counted: Counter[int] = Counter(dict(database.rows_in(_COUNTED, ids)))
            refusals = []
            for rebuild, event, _ in said:
                refusals.append(_refusal(rebuild, phases[rebuild.id], event, before[rebuild.id]))
                if refusals[-1] is None and event in ONCE:
                    before[rebuild.id].add(event)
                elif refusals[-1] is None and counted[rebuild.id] >= _MOST:
                    refusals[-1] = NotTaken(f"{rebuild.name} has called back {_MOST} times: no more is kept")
                counted[rebuild.id] += refusals[-1] is None
            taken = [each for each, refusal in zip(said, refusals, strict=True) if refusal is None]
            written = iter(
                self._add(
                    database,
                    [Heard(rebuild.id, CALLBACK, event, message) for rebuild, event, message in taken],
                    [event if event in ONCE else None for _, event, _ in taken],
                )
            )
        return [refusal or next(written) for refusal in refusals]

    def prune(self, days: float = KEPT_DAYS) -> int:
        """Forgets what was heard of rebuilds that ended more than so many days ago; how many events that were.

        The rebuilds stay, and so does the newest event of all, whose number the next one goes on from.
        """
        from clusto_core.store.opening import write_transaction

        with write_transaction(self._settings, lambda line: None) as database:
            [(last,)] = database.rows("SELECT COALESCE(MAX(e.id), 0) FROM rebuild_events e")
            then = _now() - int(days * 86400e6)
            ids = [row[0] for row in database.rows(_ENDED_LONG_AGO, {"then": then})]
            count = sum(int(row[0]) for row in database.rows_in(_OLD.format("SELECT COUNT(*)"), ids, {"last": last}))
            if count:
                database.execute_in(_OLD.format("DELETE"), ids, {"last": last})
        return count

    def _add(self, database: Database, heard: Sequence[Heard], once: Sequence[str | None]) -> list[Event]:
        now = _now()
        rows = []
        for number, (each, mark) in enumerate(zip(heard, once, strict=True), _next(database, "rebuild_events")):
            at = now if each.time is None else int(each.time * 1e6)
            rows.append((number, each.rebuild_id, at, each.source, each.event, _kept(each.message), mark))
        database.insert("rebuild_events", _EVENT_COLUMNS, rows)
        return [_event(row[:-1]) for row in rows]


def _refusal(rebuild: Rebuild, phase: str, event: str, before: set[str]) -> Malformed | NotTaken | None:
    """Why a call-back is not taken, after those `before` it."""
    if event not in (*ONCE, PROGRESS):
        return Malformed(f"no such event: {event[:40]!a} (there are {', '.join((*ONCE, PROGRESS))})")
    if phase in ENDED:
        return NotTaken(f"the rebuild of {rebuild.name} has ended: {phase}")
    if event in before:
        return NotTaken(f"{rebuild.name} has called back {event} already")
    if FAILED in before:
        return NotTaken(f"{rebuild.name} has called back that it failed")
    return None


def _called_back(database: Database, ids: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for rebuild_id, once in database.rows_in(_ONCE, ids):
        found.setdefault(rebuild_id, set()).add(once)
    return found


def _next(database: Database, table: str) -> int:
    """The next number in a table whose rows are never taken out, for whoever holds the store's write lock."""
    [(highest,)] = database.rows(f"SELECT COALESCE(MAX(x.id), 0) FROM {table} x")
    return int(highest) + 1


def _kept(message: str | None) -> str | None:
    """As much of what a machine said as is kept, without what no store can hold."""
    return message and message[:_MESSAGE].replace("\0", "?").encode(errors="replace").decode()


def _now() -> int:
    return time.time_ns() // 1000


def _digest(token: str) -> str:
    """What the store keeps of a token: whoever reads the store cannot call back."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _rebuild(row: Row) -> Rebuild:
    id, thing_id, name, began, who, phase, changed, plan = row
    return Rebuild(id, thing_id, name, began / 1e6, who, phase, changed / 1e6, json.loads(plan))


def _event(row: Row) -> Event:
    id, rebuild_id, at, source, event, message = row
    return Event(id, rebuild_id, at / 1e6, source, event, message)
