"""What is read of very many Things: plain rows of a portion of them, with no record made of any.

Rows come as a database gives them; who needs an order sorts what he keeps. Parts and cables come by the equipment that
they belong to, so that an inventory is read by its whole Things.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from clusto_core.store.database import Database, Row

_VALUE = "a.id, a.key, a.number, a.subkey, a.type, a.head, a.rest, COALESCE(a.ref_id, a.space_id), r.name"
_JOINED = {
    "sqlite": "group_concat(t.driver || ' ' || t.name, char(10))",
    "postgresql": "string_agg(t.driver || ' ' || t.name, chr(10) ORDER BY t.name)",
    "mariadb": "GROUP_CONCAT(t.driver, ' ', t.name ORDER BY t.name SEPARATOR '\n')",
}
_PARTS = "SELECT t.owner_id, %s FROM things t WHERE t.owner_id IN (:ids) GROUP BY t.owner_id"
_VALUES = f"""
    SELECT a.thing_id, {_VALUE} FROM attributes a LEFT JOIN things r ON r.id = a.ref_id WHERE a.thing_id IN (:ids)"""
_VALUES_OF_PARTS = f"""
    SELECT t.name, {_VALUE} FROM things t JOIN attributes a ON a.thing_id = t.id
    LEFT JOIN things r ON r.id = a.ref_id WHERE t.owner_id IN (:ids)"""
_CABLES = """
    SELECT c.thing_id, c.kind, p.name, p.driver, o.name, o.driver, COALESCE(o.owner_id, o.id), o.number, c.slot
    FROM connections c LEFT JOIN things p ON p.id = c.part_id
    JOIN things o ON o.id = COALESCE(c.other_part_id, c.other_thing_id)
    WHERE c.thing_id IN (:ids) AND (c.kind <> 'position' OR c.part_id IS NULL)"""
_BUT_OF = " AND COALESCE(p.driver, '') NOT IN (%s)"
_WHOLE = "SELECT count(*) FROM things t WHERE t.owner_id IS NULL"


def parts(database: Database, ids: Sequence[int]) -> Iterator[Row]:
    """The parts of equipment: (owner's id, `DRIVER OWNER:NAME` of each part with line feeds between)."""
    return database.rows_in(_PARTS % _JOINED[database.dialect], ids)


def values(database: Database, ids: Sequence[int]) -> list[Row]:
    """The attributes of Things, in the order in which they were given: (Thing's id, id, key, number, subkey, type,
    head, rest, id of what a relation names or of an address's VRF, name of what a relation names)."""
    return sorted(database.rows_in(_VALUES, ids), key=itemgetter(1))


def values_of_parts(database: Database, ids: Sequence[int]) -> list[Row]:
    """The attributes of all parts of equipment, in the order in which they were given: the part's name, and from the id
    on as `values`."""
    return sorted(database.rows_in(_VALUES_OF_PARTS, ids), key=itemgetter(1))


def cables(database: Database, ids: Sequence[int], but_of: Sequence[str] = ()) -> Iterator[Row]:
    """The cables of equipment, but not what is in the units of a rack, nor those in parts of some drivers: (id, kind,
    own part's name and driver, name and driver of what is at the other end, id of the whole Thing there, number,
    slot)."""
    left_out = {f"d{place}": driver for place, driver in enumerate(but_of)}
    sql = _CABLES + (_BUT_OF % ", ".join(f":{name}" for name in left_out) if left_out else "")
    return database.rows_in(sql, ids, left_out)


def count(database: Database) -> int:
    """How many whole Things there are."""
    found: int = database.rows(_WHOLE)[0][0]
    return found
