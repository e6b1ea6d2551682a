"""Mirrors: a copy of a store in an SQLite file, for a laptop or a site that may be cut off, which is only read.

What differs is told by the seals: of the inventory, the ranges of ids whose digest is another one; of the history,
which only grows, whatever comes after the last of its transactions here. So a first copy, one that goes on where it was
interrupted and one that brings an hour's changes are the same.

A first copy is made beside its place, portion by portion, and is there once it is whole. A later one is one
transaction: who reads meanwhile sees the mirror as it was.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from clusto_core.config import masked
from clusto_core.drivers import registry
from clusto_core.drivers.parts import FrontPort, RearPort
from clusto_core.errors import Malformed, NotFound, Refused, StoreBroken
from clusto_core.store import database as databases
from clusto_core.store import opening, seals
from clusto_core.store.database import Database, Row
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

_INVENTORY = (("connections", "cable_id"), ("attributes", "id"), ("things", "id"))
_HISTORY = (("transactions", ("id",)), ("changes", ("transaction_id", "thing_id")), ("rebuild_events", ("id",)))
_WHOLE = ("store", "locks", "sources")
_OF_SOURCES = ("source_facts", "source_objects")
_AT_ONCE = 64
# Ranges of ids that are asked for at once.
_PAGE = 5000
# Rows of the history that are.
_MARK = "CREATE TABLE mirror (id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, taken INTEGER NOT NULL)"

Progress = Callable[[str, int], None]
"""Told what is copied, and how many rows that were until now."""


class Mirrored(NamedTuple):
    """What a mirror was brought: whether it is new, the rows that were copied, and its last transaction before and
    now."""

    new: bool
    rows: int
    before: int
    now: int


def mirror(source: str, target: str, progress: Progress) -> Mirrored:
    """Makes the SQLite file at the URL `target` a mirror of the store at the URL `source`, or brings it up to date.

    Raises Malformed for a target that is no SQLite file; Refused for one that is another store, and where the mirror
    knows of transactions that the store does not have; NotFound and StoreBroken as `database.connect`.
    """
    if not target.startswith("sqlite"):
        raise Malformed("a mirror is an SQLite file: write a path")
    path = databases.sqlite_path(target)
    with contextlib.closing(databases.connect(source)) as reading, opening.explained(target):
        made = None if os.path.exists(path) else _made(reading, source, path, progress)
        return made or _brought_up(reading, source, target, progress)


def _made(reading: Database, source: str, path: str, progress: Progress) -> Mirrored | None:
    """A mirror where none was: what an interrupted one has left is gone on with, as far as it is of this store. None
    where another command has made it meanwhile."""
    part = f"{path}.part"
    with _alone(f"{part}.lock"):
        if os.path.exists(path):
            return None
        try:
            if not _is_begun(reading, source, part):
                _unlink(part)
                opening.create(f"sqlite:///{part}")
            return _filled(reading, source, part, path, progress)
        except Exception as error:
            if any(words in str(error).lower() for words in ("disk is full", "no space left")):
                # Of what has no room, nothing is to take the room of others.
                _unlink(part)
            raise


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """Holds a lock, which is a file for as long, or waits for whoever holds it. Raises Refused when that is too long,
    StoreBroken where there can be no such file."""
    until = time.monotonic() + databases.BUSY_SECONDS
    while (held := _locked(path)) is None:
        if time.monotonic() > until:
            raise Refused(f"another command has been making this mirror for {databases.BUSY_SECONDS} s: try again")
        time.sleep(0.1)
    try:
        yield
    finally:
        os.unlink(path)
        os.close(held)


def _locked(path: str) -> int | None:
    """The descriptor that holds the lock; None where another command has it, or has just given it up with its file."""
    import fcntl

    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreBroken(f"cannot make the mirror {path.removesuffix('.part.lock')}: {error.strerror}") from None
    with contextlib.suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.stat(path), os.fstat(held)):
            return held
    os.close(held)
    return None


def _is_begun(reading: Database, source: str, part: str) -> bool:
    """Whether a file is what was copied of this store, as far as that went."""
    try:
        with contextlib.closing(databases.connect(f"sqlite:///{part}")) as left:
            _check_history(reading, source, left, part)
            return databases.mirror_of(left) is not None
    except (Refused, StoreBroken, NotFound):
        return False


def _filled(reading: Database, source: str, part: str, path: str, progress: Progress) -> Mirrored:
    with contextlib.closing(_opened(f"sqlite:///{part}")) as writing:
        # Nobody else fills it meanwhile.
        writing.execute("PRAGMA locking_mode = EXCLUSIVE")
        writing.execute("BEGIN IMMEDIATE")
        if databases.mirror_of(writing) is None:
            writing.execute(_MARK)
        _mark(writing, source, 0)
        copying = _Copying(reading, writing, progress, _commit_and_go_on)
        taken = time.time_ns() // 1000
        copying.run()
        _mark(writing, source, taken)
        seals.seal_schema(writing)
        writing.commit()
        writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _put(part, path)
    return Mirrored(True, copying.rows, 0, copying.now)


def _commit_and_go_on(writing: Database) -> None:
    writing.commit()
    writing.execute("BEGIN IMMEDIATE")


def _put(part: str, path: str) -> None:
    """Has the file at its place once it is on the disk."""
    file = os.open(part, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    try:
        os.link(part, path)
    except FileExistsError:
        raise Refused(f"there is something now where the mirror was to be: {path}") from None
    _unlink(part)


def _unlink(part: str) -> None:
    for leftover in (part, f"{part}-wal", f"{part}-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(leftover)


def _brought_up(reading: Database, source: str, target: str, progress: Progress) -> Mirrored:
    with contextlib.closing(_opened(target)) as found:
        if databases.mirror_of(found) is None:
            raise Refused(f"not a mirror, but a store of its own: {databases.sqlite_path(target)}")
    opening.upgrade(target, lambda line: None)
    with contextlib.closing(_opened(target)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        _check_history(reading, source, writing, databases.sqlite_path(target))
        before = _last(writing)
        copying = _Copying(reading, writing, progress, lambda writing: None)
        taken = time.time_ns() // 1000
        copying.run()
        _mark(writing, source, taken)
        seals.seal_schema(writing)
        writing.commit()
    return Mirrored(False, copying.rows, before, copying.now)


def _opened(url: str) -> Database:
    """An SQLite store to write in. Rows come table by table: in between, some refer to what is not there yet."""
    found = databases.connect_to_write(url)
    found.execute("PRAGMA foreign_keys = OFF")
    return found


def _mark(writing: Database, source: str, taken: int) -> None:
    writing.execute("DELETE FROM mirror")
    writing.insert("mirror", ("id", "origin", "taken"), [(1, masked(source), taken)])


def _last(database: Database) -> int:
    return int(database.rows("SELECT MAX(x.id) FROM transactions x")[0][0] or 0)


def _check_history(reading: Database, source: str, mirror: Database, path: str) -> None:
    """Raises Refused unless the last transaction of a mirror is in the history of the store, as it is there."""
    number = _last(mirror)
    digest = "SELECT s.digest FROM transaction_seals s WHERE s.transaction_id = :id"
    if number and mirror.rows(digest, {"id": number}) != reading.rows(digest, {"id": number}):
        raise Refused(
            f"the mirror {path} knows of transactions that {masked(source)} does not have (its last one is {number},"
            f" that store's is {_last(reading)}): that server is behind, has lost some, or is another store; keep this"
            " mirror, and mirror to another file"
        )


class _Copying:
    """What brings a store to be as another: both databases are in a transaction, of which `portion` may commit the one
    that is written in."""

    def __init__(
        self, reading: Database, writing: Database, progress: Progress, portion: Callable[[Database], None]
    ) -> None:
        from clusto_core.store.schema import metadata

        self._reading = reading
        self._writing = writing
        self._progress = progress
        self._portion = portion
        self._columns = {table.name: [column.name for column in table.columns] for table in metadata.sorted_tables}
        self.rows = 0
        """How many rows were copied."""
        self.now = _last(reading)
        """The last transaction of what is read."""

    def run(self) -> None:
        """Copies all that differs. Raises StoreBroken, and sqlite3's own errors."""
        different = self._different()
        passing = self._passing(different)
        self._forget(different)
        self._take_inventory(different)
        self._retrace(passing | self._passing(different))
        for table, key in _HISTORY:
            self._take_later(table, key)
        self._take_rebuilds()
        self._take_sealed_history()
        self._take_sources()
        for table in _WHOLE:
            self._take_whole(table)

    # --- the inventory, by ranges of ids -----------------------------------------------------------------------------

    def _different(self) -> list[int]:
        """The ranges of ids in which something is otherwise."""
        sealed = "SELECT s.id, s.digest FROM seals s WHERE s.id >= 0"
        there, here = (set(database.iterate(sealed)) for database in (self._reading, self._writing))
        return sorted({id for id, _ in there ^ here})

    def _forget(self, ranges: list[int]) -> None:
        """Takes out what is here in these ranges, all before any row comes: a name, or a port, may have passed on."""
        for portion in _portions(ranges):
            for table, id in (*_INVENTORY, ("seals", "")):
                self._writing.execute(f"DELETE FROM {table} AS x WHERE {_within(id, portion)}")

    def _take_inventory(self, ranges: list[int]) -> None:
        for portion in _portions(ranges):
            for table, id in (*reversed(_INVENTORY), ("seals", "")):
                self._take(table, f"WHERE {_within(id, portion)}")
            self._portion(self._writing)

    def _passing(self, ranges: list[int]) -> set[int]:
        """The parts of patch panels that are in these ranges, or that cables in them end at."""
        names = "', '".join([*registry.under(FrontPort), *registry.under(RearPort)])
        panels = f"SELECT t.id FROM things t WHERE t.driver IN ('{names}')"
        found: set[int] = set()
        for portion in _portions(ranges):
            own = f"SELECT x.id FROM things x WHERE ({_within('id', portion)}) AND x.id IN ({panels})"
            cabled = f"SELECT x.part_id FROM connections x WHERE ({_within('cable_id', portion)})"
            for sql in (own, f"{cabled} AND x.part_id IN ({panels})"):
                found.update(row[0] for row in self._writing.rows(sql))
        return found

    def _retrace(self, parts: set[int]) -> None:
        """Works out again where paths end that go through these parts: the seals do not tell, since that follows from
        cables, and cables far from what has changed may be of one path with it."""
        remaining = iter(sorted(parts))
        while portion := list(islice(remaining, _PAGE)):
            UnitOfWork(Reader(self._writing)).retrace(portion)

    # --- what is beside it -------------------------------------------------------------------------------------------

    def _take_later(self, table: str, key: tuple[str, ...]) -> None:
        """What came after the last row here, of a table that only grows, page by page."""
        order = ", ".join(f"x.{column}" for column in key)
        last = f"SELECT {order} FROM {table} x ORDER BY {', '.join(f'x.{column} DESC' for column in key)} LIMIT 1"
        first, second = f"x.{key[0]}", f"x.{key[-1]}"
        while True:
            here = self._writing.rows(last)
            later = ""
            if here:
                later = f"WHERE {first} > {here[0][0]}"
                if len(key) > 1:
                    later = f"WHERE {first} >= {here[0][0]} AND ({first} > {here[0][0]} OR {second} > {here[0][1]})"
            if self._take(table, f"{later} ORDER BY {order} LIMIT {_PAGE}") < _PAGE:
                return
            self._portion(self._writing)

    def _take_sealed_history(self) -> None:
        """The seals of transactions, last: with them a transaction is here."""
        self._take_later("transaction_seals", ("transaction_id",))

    def _take_rebuilds(self) -> None:
        """Reinstallations that have changed since."""
        since = self._writing.rows("SELECT COALESCE(MAX(x.changed), 0) FROM rebuilds x")[0][0]
        changed = f"WHERE x.changed >= {since}"
        ids = [row[0] for row in self._reading.rows(f"SELECT x.id FROM rebuilds x {changed}")]
        self._writing.execute_in("DELETE FROM rebuilds WHERE id IN (:ids)", ids)
        self._take("rebuilds", changed)

    def _take_sources(self) -> None:
        """What sources said last, all of it, where any of them was synced."""
        state = f"SELECT {self._listed('sources')} FROM sources x ORDER BY x.id"
        size = "SELECT COUNT(*), MAX(x.id), SUM(x.transaction_id), SUM(x.gone) FROM source_objects x"
        one, other = (
            (database.rows(state), [int(each or 0) for each in database.rows(size)[0]])
            for database in (self._reading, self._writing)
        )
        if one != other:
            for table in _OF_SOURCES:
                self._take_whole(table)

    def _take_whole(self, table: str) -> None:
        self._writing.execute(f"DELETE FROM {table}")
        self._take(table, "")

    def _take(self, table: str, condition: str) -> int:
        """Copies the rows of a table that meet a condition; gives how many."""
        rows = self._reading.iterate(f"SELECT {self._listed(table)} FROM {table} x {condition}")
        counted = _Counted(rows)
        self._writing.insert(table, self._columns[table], counted)
        self.rows += counted.number
        self._progress(table, self.rows)
        return counted.number

    def _listed(self, table: str) -> str:
        return ", ".join(f"x.{column}" for column in self._columns[table])


class _Counted:
    """Rows, and how many there were."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.number += 1
            yield row


def _portions(ranges: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ranges[start : start + _AT_ONCE] for start in range(0, len(ranges), _AT_ONCE))


def _within(id: str, ranges: Sequence[int]) -> str:
    """A condition: the row's id is in one of these ranges; of seals, which are numbered as ranges are, by no name."""
    if not id:
        return f"x.id IN ({', '.join(map(str, ranges))})"
    return " OR ".join(
        f"x.{id} BETWEEN {first * seals.RANGE} AND {last * seals.RANGE + seals.RANGE - 1}"
        for first, last in _runs(ranges)
    )


def _runs(ranges: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each row of numbers that follow each other."""
    starts = [each for each, before in zip(ranges, chain((None,), ranges), strict=False) if before != each - 1]
    ends = [each for each, after in zip(ranges, chain(ranges[1:], (None,)), strict=False) if after != each + 1]
    return zip(starts, ends, strict=True)
