"""What objects of files said what the inventory has, and after which transaction: digests of them, by the files."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

from clusto_core.drivers import Driver, Equipment, registry
from clusto_core.drivers.resources import VRF, Network, SiteKey
from clusto_core.model.attributes import IN
from clusto_core.model.names import split_part
from clusto_core.model.wiring import POSITION
from clusto_core.records.history import Change
from clusto_core.store.database import Database
from clusto_core.store.reader import Reader

KEPT = 16
"""Of how many sets of files it is known, those that were imported last."""
MANY = 10_000
"""So many changes of others are looked through; where there are more, everything may be otherwise."""
READ_BY: tuple[type[Driver], ...] = (SiteKey, VRF, Network)
"""The drivers of what anything may be read by: which values a key has, and which addresses are one."""

_PART = 4096
# Digests in a row.
_COLUMNS = ("files", "part", "transaction_id", "seal", "digests")
_OF_FILES = """
    SELECT i.transaction_id, i.digests FROM imported i
    LEFT JOIN transaction_seals s ON s.transaction_id = i.transaction_id
    WHERE i.files = :files AND i.seal = COALESCE(s.digest, '') ORDER BY i.part"""
_SEAL = "SELECT s.digest FROM transaction_seals s WHERE s.transaction_id = :number"
_EVERY = "SELECT i.files, MAX(i.transaction_id) AS last FROM imported i GROUP BY i.files ORDER BY last DESC, i.files"
_SINCE = """
    SELECT c.thing_id, c.name, c.before, c.after, c.transaction_id FROM changes c WHERE c.transaction_id > :number"""
_COUNT = "SELECT COUNT(*) FROM changes c WHERE c.transaction_id > :number"


class Imported(NamedTuple):
    """The digests of the objects that were in step after a transaction of that number; 0 where none is known."""

    number: int
    digests: frozenset[int]


NOTHING = Imported(0, frozenset())


def files_digest(names: Iterable[str], version: str) -> str:
    """What stands for some files, read by this version of clusto with the drivers that there are."""
    known = sorted(
        f"{each.__name__} {[base.__name__ for base in each.__mro__]} {each.parts} {each.within} {each.holds}"
        for each in registry
    )
    return blake2b(json.dumps([*names, version, known]).encode(errors="replace"), digest_size=16).hexdigest()


def of_files(database: Database, files: str) -> Imported:
    """What is known of files; nothing where the transaction has another seal than it had."""
    found = database.rows(_OF_FILES, {"files": files})
    try:
        digests = array("Q", bytes.fromhex("".join(row[1] for row in found)))
    except ValueError:
        return NOTHING
    return Imported(found[0][0] if found else 0, frozenset(digests))


def keep(database: Database, files: str, known: Imported) -> None:
    """Keeps it, and forgets what is known of files that were not imported for long."""
    others = [row[0] for row in database.rows(_EVERY) if row[0] != files]
    database.execute_in("DELETE FROM imported WHERE files IN (:ids)", [files, *others[KEPT - 1 :]])
    seal = "".join(row[0] for row in database.rows(_SEAL, {"number": known.number}))
    digests = sorted(known.digests)
    portions = (array("Q", digests[start : start + _PART]) for start in range(0, len(digests), _PART))
    rows = ((files, part, known.number, seal, each.tobytes().hex()) for part, each in enumerate(portions))
    database.insert("imported", _COLUMNS, rows)


def changed_since(reader: Reader, number: int) -> frozenset[str] | None:
    """The names, also former ones, of the whole Things that were changed after a transaction; None where anything may
    be otherwise for it: what others are read by, or stand in, or very much."""
    if reader.database.rows(_COUNT, {"number": number})[0][0] > MANY:
        return None
    changes = list(_changes(reader.database, number))
    present = reader.by_ids({change.thing_id for change in changes})
    names: set[str] = set()
    moved: set[int] = set()
    for change in changes:
        told = [row for rows in (change.before, change.after) for row in rows.get("things", ())]
        drivers = {row[2] for row in told if row[3] is None}
        if (thing := present.get(change.thing_id)) is not None:
            drivers.add(thing.driver)
        kinds = [registry.of(driver) for driver in drivers]
        if any(issubclass(kind, READ_BY) for kind in kinds):
            return None
        names.update((change.name, *(split_part(row[1])[0] for row in told)))
        if any(issubclass(kind, Equipment) for kind in kinds) and _is_moved(change):
            moved.add(change.thing_id)
    return None if reader.contents(moved, parts=False) else frozenset(names)


def _changes(database: Database, number: int) -> Iterator[Change]:
    for thing_id, name, before, after, _ in database.iterate(_SINCE, {"number": number}):
        yield Change(thing_id, name, json.loads(before or "{}"), json.loads(after or "{}"))


def _is_moved(change: Change) -> bool:
    """Whether a Thing of before is in something else."""
    if not change.before and any(row[0] == change.thing_id for row in change.after.get("things", ())):
        return False
    both = (change.before, change.after)
    put = any(row[3] == IN for rows in both for row in rows.get("attributes", ()))
    return put or any(
        row[1] == POSITION and row[3] == change.thing_id for rows in both for row in rows.get("cables", ())
    )
