"""What it means when reading a store fails as nothing should: the store may not be what was written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from clusto_core.errors import NotFound, StoreBroken
from clusto_core.store import seals
from clusto_core.store.database import DAMAGED, Database, connect

_TEXTS = {
    "things": ("name", "driver"),
    "attributes": ("key", "subkey", "type", "head", "rest", "claim"),
    "connections": ("kind",),
    "transactions": ("user", "host", "command", "message"),
    "changes": ("name", "before", "after"),
}


def mistyped(database: Database) -> Iterator[str]:
    """The tables in which text is no text: SQLite takes each value's type from the row, whatever the column says."""
    if database.dialect == "sqlite":
        for table, columns in _TEXTS.items():
            # A number in its place has other digits than were sealed; bytes have the same.
            wrong = " OR ".join(f"typeof(x.\"{column}\") = 'blob'" for column in columns)
            if database.rows(f"SELECT 1 FROM {table} x WHERE {wrong} LIMIT 1"):
                yield table


def broken_pages(database: Database) -> Iterator[str]:
    """What SQLite itself finds wrong with its file, indexes included: some lines of it."""
    if database.dialect == "sqlite":
        found: list[str] = [row[0] for row in database.rows("PRAGMA integrity_check(20)")]
        yield from found if found != ["ok"] else ()


def is_damaged(database: Database) -> bool:
    """Whether something in a store is not as it was written."""
    proofs: tuple[Callable[[Database], Iterator[object]], ...]
    proofs = (mistyped, seals.broken_ranges, seals.broken_transactions, broken_pages)
    try:
        return seals.is_schema_broken(database) or any(True for proof in proofs for _ in proof(database))
    except (StoreBroken, ValueError, TypeError):
        return True


@contextlib.contextmanager
def explained(database: Database) -> Iterator[None]:
    """Raises StoreBroken for what no sound store makes fail, where the store is damaged. What was changed is taken back
    then: it is not sealed."""
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        database.rollback()
        if is_damaged(database):
            raise StoreBroken(DAMAGED) from error
        raise


def is_damaged_at(url: str) -> bool:
    """Whether there is a store at that place that is not as it was written."""
    try:
        with contextlib.closing(connect(url)) as database:
            return is_damaged(database)
    except NotFound:
        return False
    except StoreBroken:
        return True
