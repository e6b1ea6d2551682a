"""Who changed what, when, by which command: recorded with every change, told by `log`, undone by `revert`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

from clusto_core.errors import NotFound
from clusto_core.model.attributes import Key, Value
from clusto_core.model.mounting import aside
from clusto_core.store.database import Row
from clusto_core.store.net import last_transaction
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork
from clusto_core.tuples import NamedTuple

Rows = dict[str, list[list[Any]]]
"""By table, the rows that a change took out or put in: see `UnitOfWork.changes`."""


class Entry(NamedTuple):
    """One transaction; `time` is in seconds since 1970, UTC."""

    id: int
    time: float
    user: str
    host: str
    command: str
    message: str | None
    reverts: int | None
    database_user: str | None
    """Whom the database knows the writer as, which nobody but an operator of the database can forge; None on SQLite."""


class Signature(NamedTuple):
    """Who did something elsewhere, and when, which is only written down here: an entry of another inventory's own
    history. `time` is in seconds since 1970, UTC, and not before that of the entry before it."""

    time: float
    user: str
    host: str
    command: str
    message: str


class Change(NamedTuple):
    """What a transaction did to one Thing."""

    thing_id: int
    name: str
    before: Rows
    after: Rows


_ENTRY = "SELECT x.id, x.time, x.user, x.host, x.command, x.message, x.reverts, x.database_user FROM transactions x"
_TOUCHED = "SELECT DISTINCT c.transaction_id FROM changes c WHERE c.thing_id IN (:ids)"
_SINCE = "SELECT c.name, c.transaction_id FROM changes c WHERE c.transaction_id > :number AND c.thing_id IN (:ids)"
_CHANGES_OF = """
    SELECT c.thing_id, c.name, c.before, c.after, c.transaction_id FROM changes c
    WHERE c.transaction_id IN (:ids)"""
_NAMES = "SELECT c.transaction_id, c.name FROM changes c WHERE c.transaction_id IN (:ids)"
_CHANGE = "SELECT c.thing_id, c.name, c.before, c.after FROM changes c"
_PAGE = _CHANGE + " WHERE c.transaction_id = :number AND c.thing_id > :last ORDER BY c.thing_id LIMIT :size"
_SIZE = "SELECT count(*) FROM changes c WHERE c.transaction_id = :number"


class Author(NamedTuple):
    """For whom this program does something: a user that it knows by other means than the system's, and his host."""

    user: str
    host: str


def record(
    unit: UnitOfWork,
    command: str,
    message: str | None,
    reverts: int | None,
    signed: Signature | None = None,
    author: Author | None = None,
) -> int:
    """Writes the history of all that a unit of work is about to change; gives the transaction's number. It is ours and
    of now, for the user of this program or an `author`, unless it is `signed` by somebody else."""
    from clusto_core.store import rows
    from clusto_core.store.seals import seal_transaction

    number = unit.new_transaction_id()
    author = author or Author(user(), os.uname().nodename)
    signed = signed or Signature(time.time_ns() / 1_000_000_000, *author, command, message or "")
    moment = int(signed.time * 1_000_000)
    who, host, command, said = map(_writable, signed[1:])
    entry = (number, moment, who[:100], host[:255], command, said or None, reverts)
    database = unit.database
    database.insert("transactions", rows.TRANSACTIONS, [entry])
    database.insert("changes", rows.CHANGES, ((number, *told) for told in unit.told()))
    seal_transaction(database, number)
    return number


def _writable(text: str) -> str:
    """A text of the environment, or of a command line, as far as a store can hold it."""
    return text.encode(errors="replace").decode().replace("\0", "?")


_NAMED = ("LOGNAME", "USER", "LNAME", "USERNAME")
"""Where Python's getpass looks, which imports terminals and passwords besides."""


def _user_of(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def user() -> str:
    """Who runs this program: `ann`; `ann (as root)` by way of sudo, which says so in SUDO_USER (sudo(8))."""
    name = next((named for each in _NAMED if (named := os.environ.get(each))), None) or _user_of(os.getuid())
    person = os.environ.get("SUDO_USER")
    return f"{person} (as {name})" if person and person != name else name


def newest(reader: Reader) -> float | None:
    """When the last transaction was, in seconds since 1970, UTC; None before the first."""
    found = reader.database.rows("SELECT MAX(x.time) FROM transactions x")[0][0]
    return None if found is None else int(found) / 1_000_000


def entry(reader: Reader, number: int) -> Entry:
    """One transaction. Raises NotFound."""
    last = reader.database.until
    rows = reader.database.rows(_ENTRY + " WHERE x.id = :id", {"id": number})
    if not rows or (last is not None and number > last):
        raise NotFound(f"no such transaction: {number}")
    return _entry(rows[0])


def things_called(reader: Reader, name: str) -> list[int]:
    """The ids of the Things that have that name, or had it once, of those that history knows."""
    sql = "SELECT DISTINCT c.thing_id FROM changes c WHERE c.name = :name AND c.transaction_id <= :last"
    rows = reader.database.rows(sql, {"name": name, "last": last_transaction(reader.database)})
    present = reader.get(name)
    return sorted({row[0] for row in rows} | ({present.entity_id} if present else set()))


def entries(reader: Reader, thing_ids: list[int] | None = None, limit: int | None = None) -> list[Entry]:
    """Transactions, newest first: all, or those that touched one of these Things; at most `limit`. Where the store is
    looked at as it was, those of until then."""
    last = reader.database.until
    if thing_ids is None:
        until = "" if last is None else f" WHERE x.id <= {int(last)}"
        sql = _ENTRY + until + " ORDER BY x.id DESC" + (f" LIMIT {int(limit)}" if limit is not None else "")
        return [_entry(row) for row in reader.database.rows(sql)]
    touched = {row[0] for row in reader.database.rows_in(_TOUCHED, thing_ids) if last is None or row[0] <= last}
    return numbered(reader, sorted(touched, reverse=True)[:limit])


def page(reader: Reader, after: int, until: int, size: int) -> list[Entry]:
    """At most so many transactions, newest first, of those after one number up to another."""
    sql = _ENTRY + " WHERE x.id > :after AND x.id <= :until ORDER BY x.id DESC LIMIT :size"
    return [_entry(row) for row in reader.database.rows(sql, {"after": after, "until": until, "size": size})]


def following(reader: Reader, after: int, size: int) -> list[Entry]:
    """At most so many transactions, oldest first, after the one of a number."""
    sql = _ENTRY + " WHERE x.id > :after ORDER BY x.id LIMIT :size"
    return [_entry(row) for row in reader.database.rows(sql, {"after": after, "size": size})]


def numbered(reader: Reader, numbers: Iterable[int]) -> list[Entry]:
    """The transactions that have these numbers, newest first."""
    found = map(_entry, reader.database.rows_in(_ENTRY + " WHERE x.id IN (:ids)", list(numbers)))
    return sorted(found, key=lambda entry: -entry.id)


def latest(reader: Reader) -> int:
    """The number of the last transaction; 0 where there is none."""
    rows = reader.database.rows("SELECT MAX(x.id) FROM transactions x")
    return rows[0][0] or 0


class Touch(NamedTuple):
    """A Thing, by its name then, and a transaction that changed it."""

    name: str
    transaction: int


def changed_since(reader: Reader, thing_ids: Iterable[int], number: int) -> Touch | None:
    """The first change to one of these Things after a transaction; None where there is none."""
    rows: list[Row] = list(reader.database.rows_in(_SINCE, sorted(thing_ids), {"number": number}))
    return min((Touch(*row) for row in rows), key=lambda touch: touch.transaction, default=None)


def changes_of(reader: Reader, numbers: Iterable[int]) -> Iterator[tuple[int, Change]]:
    """What many transactions did, each change with the number of its transaction."""
    return ((row[4], change(row)) for row in reader.database.rows_in(_CHANGES_OF, list(numbers)))


def changes_to(reader: Reader, thing_id: int, numbers: Iterable[int]) -> dict[int, Change]:
    """What transactions did to one Thing, by their numbers."""
    rows = reader.database.rows_in(_CHANGES_OF + " AND c.thing_id = :thing", list(numbers), {"thing": thing_id})
    return {row[4]: change(row) for row in rows}


def names_of(reader: Reader, numbers: Iterable[int]) -> Iterator[tuple[int, str]]:
    """The name of each Thing that transactions changed, with the number of the transaction."""
    return ((row[0], row[1]) for row in reader.database.rows_in(_NAMES, list(numbers)))


def changes(reader: Reader, number: int) -> Iterator[Change]:
    """What a transaction did, Thing by Thing, in the order of their ids."""
    sql = _CHANGE + " WHERE c.transaction_id = :id ORDER BY c.thing_id"
    return map(change, reader.database.iterate(sql, {"id": number}))


def pages(reader: Reader, number: int, size: int = 500) -> Iterator[list[Row]]:
    """The changes of a transaction, in the order of their ids: each page of (id and name of the Thing, what was before
    and after, as JSON) is read when it is asked for, and whatever is written meanwhile to other tables."""
    last = 0
    while page := reader.database.rows(_PAGE, {"number": number, "last": last, "size": size}):
        yield page
        last = page[-1][0]


def changes_among(reader: Reader, number: int, thing_ids: Iterable[int]) -> Iterator[Change]:
    """What a transaction did to some Things, in the order of their ids."""
    rows = reader.database.rows_in(
        _CHANGE + " WHERE c.transaction_id = :id AND c.thing_id IN (:ids)", list(thing_ids), {"id": number}
    )
    return map(change, sorted(rows, key=lambda row: row[0]))


def size(reader: Reader, number: int) -> int:
    """How many Things a transaction changed."""
    return int(reader.database.rows(_SIZE, {"number": number})[0][0])


def told(done: Change, cables: set[int]) -> Iterator[str]:
    """What happened to one Thing, in lines: `- ` what is gone, `+ ` what is new. Those of `cables`, by id, were told
    before, with the Thing at their other end; what is told now is added."""
    for sign, rows, other in (("-", done.before, done.after), ("+", done.after, done.before)):
        things = rows.get("things", [])
        whole = next((row for row in things if row[3] is None), None)
        if whole is not None:
            parts = len(things) - 1
            size = f" with {parts} parts" if parts and not other.get("things") else ""
            yield f"{sign} {whole[2]} {whole[1]}{size}"
        else:
            yield from (f"{sign} {row[2]} {row[1]}" for row in things)
        for _, _, part, key, type, text, ref in rows.get("attributes", []):
            name = done.name if part is None else f"{done.name}:{part}"
            shown = Value(type, text, ref).shown(Key.parse(key))
            yield f"{sign} {name} in {text}" if key == "_in" else f"{sign} {name} {key}={shown}"
        for row in rows.get("cables", []):
            if row[0] in cables:
                continue
            cables.add(row[0])
            ends = row[6:8] if row[6].partition(":")[0] == done.name else row[7:5:-1]
            yield f"{sign} {ends[0]} -- {ends[1]}{aside(row[8] if len(row) > 8 else 0)}"


def pending(unit: UnitOfWork) -> Iterator[Change]:
    """What a transaction that is still open has done so far, Thing by Thing."""
    for thing_id, name, *sides in unit.changes():
        before, after = ({table: list(map(list, rows)) for table, rows in side.items()} for side in sides)
        yield Change(thing_id, name, before, after)


def _entry(row: Row) -> Entry:
    return Entry(row[0], row[1] / 1_000_000, *row[2:])


def change(row: Row) -> Change:
    """A change as the history keeps it."""
    return Change(row[0], row[1], json.loads(row[2]) if row[2] else {}, json.loads(row[3]) if row[3] else {})
