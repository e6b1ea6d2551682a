"""Seals: digests that tell whether what is stored is still what was written, byte for byte.

Rows of the inventory are sealed by their ids, RANGE at a time: Things, attributes and cables take theirs from one
counter, so that what was made together lies together. A change seals anew the ranges that it touched. The history is a
chain: each transaction's seal is over its own rows, those of its changes, and the seal before it.

The text that is hashed is put together by the database, and spelled alike by all three, so that a copy on another one
has the same seals. Columns that follow from others are left out: `db check` proves those by their meaning. A digest is
BLAKE2b of 128 bits (RFC 7693), in hexadecimal: it is held against damage, not against forgery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from clusto_core.store.database import Database
from clusto_core.tuples import NamedTuple

try:
    # What hashlib gives under the same name, without the OpenSSL that it loads: two milliseconds of every write.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

RANGE = 512
"""Ids that are sealed together: enough to hash 2.4 million rows in two seconds, few enough for a change to one."""

_PORTION = 100
_SCHEMA = -1
# Where the seal of SQLite's schema is, which is no range of ids.
_UNIT, _NONE, _END = "\x1f", "\x1e", "\x1d"
_SEALED = (
    ("things", "id", ("id", "name", "driver", "owner_id", "number"), ""),
    (
        "attributes",
        "id",
        ("id", "thing_id", "key", "number", "subkey", "type", "head", "rest", "ref_id", "space_id"),
        "",
    ),
    (
        "connections",
        "cable_id",
        ("cable_id", "kind", "part_id", "thing_id", "other_part_id", "other_thing_id", "slot"),
        " AND x.side = 0",
    ),
)
_TRANSACTION = ("id", "time", "user", "host", "command", "message", "reverts")
_CHANGE = ("thing_id", "name", "before", "after")


class Touched:
    """The ranges of ids in which one transaction changes rows."""

    def __init__(self) -> None:
        self._ranges: set[int] = set()

    def add(self, ids: Iterable[int]) -> None:
        """These rows are written, or taken out."""
        self._ranges.update(id // RANGE for id in ids)

    def seal(self, database: Database) -> None:
        """Seals them as they are now, when all is written. Raises the driver's own errors."""
        ranges = sorted(self._ranges)
        self._ranges.clear()
        database.execute_in("DELETE FROM seals WHERE id IN (:ids)", ranges)
        database.insert(
            "seals", ("id", "digest"), ((id, digest) for id, digest in _digests(database, ranges) if digest)
        )


def seal_transaction(database: Database, number: int) -> None:
    """Adds a transaction of which all is written to the chain. Raises the driver's own errors."""
    before = "SELECT s.digest FROM transaction_seals s WHERE s.transaction_id < :id"
    before += " ORDER BY s.transaction_id DESC LIMIT 1"
    own = f"SELECT {_line(database, _TRANSACTION)}, ({before}) FROM transactions x WHERE x.id = :id"
    [[(entry, digest_before)]] = database.batches(own, {"id": number})
    digest = _linked(database, number, entry, digest_before or "")
    database.insert("transaction_seals", ("transaction_id", "digest"), [(number, digest)])
    database.sealed = (number, digest)


class State(NamedTuple):
    """How far a history is: the number of its last transaction, 0 where there is none, and the seal of that, which is
    another one in a store that was put back to an older copy and has gone another way since."""

    number: int
    seal: str


def state(database: Database) -> State:
    """How far the history is."""
    sql = (
        "SELECT x.id, s.digest FROM transactions x LEFT JOIN transaction_seals s ON s.transaction_id = x.id "
        "ORDER BY x.id DESC LIMIT 1"
    )
    rows = database.rows(sql)
    return State(rows[0][0], rows[0][1] or "") if rows else State(0, "")


def seal_of(database: Database, number: int) -> str:
    """The seal of a transaction; nothing where there is none."""
    sql = "SELECT s.digest FROM transaction_seals s WHERE s.transaction_id = :id"
    rows = database.rows(sql, {"id": number})
    return rows[0][0] if rows else ""


def seal_all(database: Database) -> None:
    """Seals a store whose rows were written without: the inventory as it is, and transactions that have no seal."""
    database.execute("DELETE FROM seals")
    seal_schema(database)
    everything = Touched()
    everything.add(range(0, _next_id(database), RANGE))
    everything.seal(database)
    unsealed = (
        "SELECT x.id FROM transactions x LEFT JOIN transaction_seals s ON s.transaction_id = x.id "
        "WHERE s.transaction_id IS NULL ORDER BY x.id"
    )
    for (number,) in database.rows(unsealed):
        seal_transaction(database, number)


def seal_schema(database: Database) -> None:
    """Seals what SQLite reads its rows by, which is text in the file; the others have no file that one could read."""
    if database.dialect == "sqlite":
        database.execute("DELETE FROM seals WHERE id = :id", {"id": _SCHEMA})
        database.insert("seals", ("id", "digest"), [(_SCHEMA, _schema(database))])


def is_schema_broken(database: Database) -> bool:
    """Whether SQLite reads rows by another schema than that which they were written by."""
    sealed = database.rows("SELECT s.digest FROM seals s WHERE s.id = :id", {"id": _SCHEMA})
    return database.dialect == "sqlite" and sealed != [(_schema(database),)]


def _schema(database: Database) -> str:
    described = "CAST(m.type || ' ' || m.name || ' ' || m.tbl_name || ' ' || COALESCE(m.sql, '') AS BLOB)"
    # What SQLite makes for itself, statistics for instance, is not ours to seal.
    ours = f"SELECT {described} FROM sqlite_master m WHERE m.name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    return _digest(sorted(row[0] for row in chain.from_iterable(database.batches(ours))))


def broken_ranges(database: Database) -> Iterator[tuple[int, int]]:
    """The first and last id of each range in which something is not as it was written."""
    sealed: dict[int, str] = dict(database.rows("SELECT s.id, s.digest FROM seals s WHERE s.id >= 0"))
    last = max(_next_id(database) // RANGE, *sealed, 0)
    for id, digest in _digests(database, range(last + 1)):
        if sealed.get(id, "") != digest:
            yield id * RANGE, (id + 1) * RANGE - 1


def broken_transactions(database: Database) -> Iterator[int]:
    """The numbers of transactions of which the history does not have what was written, or whose predecessor is gone."""
    sealed: dict[int, str] = dict(database.rows("SELECT s.transaction_id, s.digest FROM transaction_seals s"))
    before = ""
    own = f"SELECT x.id, {_line(database, _TRANSACTION)} FROM transactions x ORDER BY x.id"
    for number, entry in list(chain.from_iterable(database.batches(own))):
        if _linked(database, number, entry, before) != sealed.get(number):
            yield number
        before = sealed.pop(number, "")
    yield from sorted(sealed)


def _digests(database: Database, ranges: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Of each range, the digest of all rows in it; an empty one where there is none."""
    if database.dialect == "mariadb":
        database.execute("SET SESSION group_concat_max_len = 4294967295")
    texts = ", ".join(_text_of(database, *each) for each in _SEALED)
    remaining = iter(ranges)
    while portion := list(islice(remaining, _PORTION)):
        numbers = " UNION ALL ".join(f"SELECT {number} AS n" for number in portion)
        portion_of = f"SELECT r.n, {texts} FROM ({numbers}) r"
        for number, *found in chain.from_iterable(database.batches(portion_of)):
            yield number, _digest(found) if any(each is not None for each in found) else ""


def _text_of(database: Database, table: str, id: str, columns: tuple[str, ...], condition: str) -> str:
    """A subquery: the lines of all rows of a table in the range `r.n`, in the order of their ids."""
    line = _line(database, columns)
    joined = {
        # SQLite has no order in here, and goes through the primary key, as the condition says.
        "sqlite": f"CAST(group_concat({line}, '{_END}') AS BLOB)",
        "postgresql": f"string_agg({line}, '{_END}' ORDER BY x.{id})",
        "mariadb": f"GROUP_CONCAT({line} ORDER BY x.{id} SEPARATOR '{_END}')",
    }[database.dialect]
    within = f"x.{id} >= r.n * {RANGE} AND x.{id} < (r.n + 1) * {RANGE}"
    return f"(SELECT {joined} FROM {table} x WHERE {within}{condition})"


def _line(database: Database, columns: tuple[str, ...]) -> str:
    """An expression: the columns of a row of `x` as one text, which tells NULL from the empty text."""
    if database.dialect == "sqlite":
        # In half the time that it takes to put the columns together one after the other.
        values = ", ".join(f"COALESCE(x.\"{column}\", '{_NONE}')" for column in columns)
        return f"CAST(printf('{_UNIT.join(['%s'] * len(columns))}', {values}) AS BLOB)"
    spelled = "CAST(x.{} AS TEXT)" if database.dialect == "postgresql" else "x.{}"
    quote = "`" if database.dialect == "mariadb" else '"'
    each = (f"COALESCE({spelled.format(f'{quote}{column}{quote}')}, '{_NONE}')" for column in columns)
    return f" || '{_UNIT}' || ".join(each)


def _linked(database: Database, number: int, entry: str | bytes, before: str) -> str:
    """A transaction's seal: over the one before it, its own row, and those of its changes."""
    lines = f"SELECT {_line(database, _CHANGE)} FROM changes x WHERE x.transaction_id = :id ORDER BY x.thing_id"
    changes = (row[0] for row in chain.from_iterable(database.batches(lines, {"id": number})))
    return _digest(chain((before, entry), changes))


def _digest(texts: Iterable[str | bytes | None]) -> str:
    digest = blake2b(digest_size=16)
    for text in texts:
        digest.update(text.encode() if isinstance(text, str) else text or b"")
        digest.update(b"\x1c")
    return digest.hexdigest()


def _next_id(database: Database) -> int:
    found: int = database.rows("SELECT s.next_id FROM store s")[0][0]
    return found
