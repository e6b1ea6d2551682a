"""What somebody sees who does not see all: a store of its own, with nothing in it but what an expression selects.

Whatever is asked of it is answered as of any store, so that nothing has to be left out anywhere: far ends of cables,
places, settings of what Things are in, counts, suggestions and the history are of what is in it. A cable is in it when
both its ends are, a value that names a Thing when that is. Of the history there are the changes to what is in it; what
was typed is told where a transaction changed nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from clusto_core.errors import Refused
from clusto_core.query.search import find
from clusto_core.records import history
from clusto_core.store import opening, rows, seals
from clusto_core.store.database import Database, connect_to_write
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

KEPT = 16
"""So many sights are kept at a time, those that were used last."""
_HIDDEN = "****"

_THINGS = "SELECT t.id, t.name, t.driver, t.owner_id, t.number FROM things t WHERE {} IN (:ids)"
_OF_ATTRIBUTES = ", ".join(f"a.{column}" for column in rows.ATTRIBUTES)
_ATTRIBUTES = f"SELECT {_OF_ATTRIBUTES} FROM attributes a WHERE a.thing_id IN (:ids)"
_OF_CONNECTIONS = ", ".join(f"c.{column}" for column in rows.CONNECTIONS)
_CONNECTIONS = f"SELECT {_OF_CONNECTIONS} FROM connections c WHERE c.thing_id IN (:ids)"
_CHANGES = "SELECT c.transaction_id, c.thing_id, c.name, c.before, c.after FROM changes c WHERE c.thing_id IN (:ids)"
_COUNTS = "SELECT c.transaction_id, COUNT(*) FROM changes c WHERE c.transaction_id IN (:ids) GROUP BY c.transaction_id"
_OF_TRANSACTIONS = ", ".join(f"x.{column}" for column in rows.TRANSACTIONS)
_TRANSACTIONS = f"SELECT {_OF_TRANSACTIONS} FROM transactions x WHERE x.id IN (:ids)"


class Sight:
    """One: of which state of the whole it is, where it is, and `digest`, which is another one when other Things are in
    it, or when another transaction of the same number was the last one that touched them."""

    def __init__(self, scope: str, state: seals.State, directory: str) -> None:
        self.scope, self.state = scope, state
        self.path = os.path.join(directory, "sight.db")
        self.url = f"sqlite:///{self.path}"
        self.digest = ""
        self.users = 0
        self.things: frozenset[int] = frozenset()
        """The ids of the whole Things in it."""

    @contextlib.contextmanager
    def scratch(self) -> Iterator[str]:
        """A copy in which something can be tried."""
        with tempfile.TemporaryDirectory(prefix="clusto-sight-") as directory:
            url = f"sqlite:///{shutil.copy(self.path, directory)}"
            with contextlib.closing(connect_to_write(url)) as copy:
                # It is read while it is written to.
                copy.rows("PRAGMA journal_mode = WAL")
            yield url

    def check(self, unit: UnitOfWork, before: Reader) -> None:
        """Raises Refused where a change to the whole store touches what is not in sight, before it or after it, or
        brings into sight what it does not touch."""
        touched = {each.thing_id for each in history.pending(unit)}
        after = {thing.id for thing in find(unit.reader, self.scope, allow_unknown=True).things}
        beyond = set(before.by_ids(touched)) - self.things or set(unit.reader.by_ids(touched)) - after
        if beyond or not after <= self.things | touched:
            raise Refused("it touches more than is seen")


class Sights:
    """Those of one store: each is made when it is first asked for, and anew when the store has changed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._known: OrderedDict[str, Sight] = OrderedDict()
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._made = 0

    @contextlib.contextmanager
    def of(self, whole: Reader, scope: str) -> Iterator[Sight]:
        """What an expression selects of the store as a reader has it. Raises as `find` does."""
        state = seals.state(whole.database)
        with self._lock:
            making = self._making.setdefault(scope, threading.Lock())
        with making:
            with self._lock:
                sight = self._taken(scope, state)
            if sight is None:
                sight = self._make(whole, scope, state)
        try:
            yield sight
        finally:
            with self._lock:
                self._left(sight)

    def _taken(self, scope: str, state: seals.State) -> Sight | None:
        sight = self._known.get(scope)
        if sight is None or sight.state != state:
            return None
        self._known.move_to_end(scope)
        sight.users += 1
        return sight

    def _make(self, whole: Reader, scope: str, state: seals.State) -> Sight:
        sight = Sight(scope, state, self._new_directory())
        fill(whole, sight)
        with self._lock:
            old = self._known.pop(scope, None)
            self._known[scope] = sight
            sight.users = 1
            gone = [old] if old is not None else []
            while len(self._known) > KEPT:
                gone.append(self._known.popitem(last=False)[1])
            for each in gone:
                self._left(each, by=0)
        return sight

    def _new_directory(self) -> str:
        with self._lock:
            if self._directory is None:
                self._directory = tempfile.TemporaryDirectory(prefix="clusto-sights-")
                opening.create(f"sqlite:///{self._directory.name}/empty.db")
            self._made += 1
            made = os.path.join(self._directory.name, str(self._made))
            os.mkdir(made, 0o700)
            shutil.copy(os.path.join(self._directory.name, "empty.db"), os.path.join(made, "sight.db"))
            return made

    def _left(self, sight: Sight, by: int = 1) -> None:
        """One that nobody uses, and that is not kept, is gone."""
        sight.users -= by
        if sight.users <= 0 and self._known.get(sight.scope) is not sight:
            shutil.rmtree(os.path.dirname(sight.path), ignore_errors=True)

    def close(self) -> None:
        """Ends with all of them."""
        with self._lock:
            self._known.clear()
            if self._directory is not None:
                self._directory.cleanup()
                self._directory = None


def fill(whole: Reader, sight: Sight) -> None:
    """Writes what is in sight into its store, which is empty. Raises as `find` does."""
    found = find(whole, sight.scope, allow_unknown=True).things
    sight.things = frozenset(thing.entity_id for thing in found)
    with contextlib.closing(connect_to_write(sight.url)) as target:
        # Nothing of it is to outlive the server.
        for setting in ("journal_mode = MEMORY", "synchronous = OFF", "foreign_keys = OFF"):
            target.rows(f"PRAGMA {setting}")
        target.execute("BEGIN")
        last = _Filling(whole.database, target, sorted(sight.things)).fill()
        target.commit()
    marks = (seals.seal_of(whole.database, last), *map(str, sorted(sight.things)))
    sight.digest = hashlib.sha256(",".join(marks).encode()).hexdigest()[:12]


class _Filling:
    def __init__(self, source: Database, target: Database, ids: list[int]) -> None:
        self._source, self._target, self._ids = source, target, ids
        self._seen: set[int] = set()

    def fill(self) -> int:
        """Things and parts, values, cables, and what has happened to them; ids stay as they are. Gives the number of
        the last transaction that is there."""
        for column in ("t.id", "t.owner_id"):
            things = self._noted(self._rows(_THINGS.format(column)))
            self._target.insert("things", rows.STORED_THINGS, (rows.stored_as(*row) for row in things))
        self._target.insert("attributes", rows.ATTRIBUTES, self._attributes())
        self._target.insert("connections", rows.CONNECTIONS, self._connections())
        last = self._history()
        self._target.execute("DELETE FROM store")
        counters = self._source.rows("SELECT s.id, s.next_id, s.next_transaction FROM store s")
        self._target.insert("store", ("id", "next_id", "next_transaction"), counters)
        return last

    def _rows(self, sql: str, ids: Collection[int] | None = None) -> Iterator[tuple[Any, ...]]:
        return self._source.rows_in(sql, list(self._ids if ids is None else ids))

    def _noted(self, things: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        for row in things:
            self._seen.add(row[0])
            yield row

    def _attributes(self) -> Iterator[tuple[Any, ...]]:
        reference = rows.ATTRIBUTES.index("ref_id"), rows.ATTRIBUTES.index("space_id")
        for row in self._rows(_ATTRIBUTES, self._seen):
            if all(row[place] is None or row[place] in self._seen for place in reference):
                yield row

    def _connections(self) -> Iterator[tuple[Any, ...]]:
        """A path that goes on to what is not seen ends where it leaves what is."""
        for row in self._rows(_CONNECTIONS, self._ids):
            *first, other_part, other_thing, far_part, far_thing, slot = row
            if other_thing in self._seen:
                far = (far_part, far_thing) if far_thing in self._seen else (None, None)
                yield (*first, other_part, other_thing, *far, slot)

    def _history(self) -> int:
        seen: dict[int, int] = {}
        whole: dict[int, bool] = {}
        self._target.insert("changes", rows.CHANGES, self._changes(seen, whole))
        self._target.insert("transactions", rows.TRANSACTIONS, self._transactions(seen, whole))
        return max(seen, default=0)

    def _changes(self, seen: dict[int, int], whole: dict[int, bool]) -> Iterator[tuple[Any, ...]]:
        """What has happened to what is seen; learns how often a transaction is seen, and whether all that is."""
        for number, thing_id, name, before, after in self._rows(_CHANGES):
            sides = [self._side(side) for side in (before, after)]
            whole[number] = whole.get(number, True) and [before, after] == sides
            seen[number] = seen.get(number, 0) + 1
            if any(sides):
                yield (number, thing_id, name, *sides)

    def _side(self, text: str | None) -> str | None:
        """The rows of a change that are of what is seen; the same text where all are."""
        if text is None:
            return None
        found: dict[str, list[list[Any]]] = json.loads(text)
        kept = {
            "things": found.get("things", []),
            # Owner, part, key, type, text and what it refers to: see `UnitOfWork.changes`.
            "attributes": [row for row in found.get("attributes", []) if row[6] is None or row[6] in self._seen],
            "cables": [row for row in found.get("cables", []) if row[3] in self._seen and row[5] in self._seen],
        }
        if found.keys() <= kept.keys() and all(len(kept[table]) == len(found[table]) for table in found):
            return text
        left = {table: rows_ for table, rows_ in kept.items() if rows_}
        return json.dumps(left) if left else None

    def _transactions(self, seen: dict[int, int], whole: dict[int, bool]) -> Iterable[tuple[Any, ...]]:
        counts = dict(self._rows(_COUNTS, seen))
        for number, moment, user, host, command, message, reverts in self._rows(_TRANSACTIONS, seen):
            if not whole[number] or counts[number] != seen[number]:
                command, message, reverts = _HIDDEN, None, None
            yield (number, moment, user, host, command, message, reverts)
