"""Which transaction gave a Thing each of its values, parts and cables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from clusto_core.model.mounting import aside
from clusto_core.model.things import Link, Thing, link_order
from clusto_core.records import history
from clusto_core.records.history import Entry
from clusto_core.store.net import last_transaction
from clusto_core.store.reader import Reader


class Blamed(NamedTuple):
    """Something that is so now, and by which transaction; None where the history does not go back so far."""

    kind: str
    """`thing`, `part`, `attribute` or `cable`."""
    name: str
    """The Thing or part that it is of."""
    what: str
    """In words: `status=broken`, `server1:eth0 -- switch2a:4`."""
    by: Entry | None


class _Row(NamedTuple):
    table: str
    id: int
    kind: str
    name: str
    what: str


def blame(reader: Reader, thing: Thing) -> list[Blamed]:
    """Name and driver, values, memberships and cables of a Thing and its parts, or of one part, as they are in that
    store. Parts that came with the Thing are not told."""
    rows = list(_rows(reader, thing))
    numbers = _origins(reader, thing.entity_id, {(row.table, row.id) for row in rows})
    entries = {entry.id: entry for entry in history.numbered(reader, sorted(set(numbers.values())))}
    own = numbers.get(("things", thing.id))
    return [
        Blamed(row.kind, row.name, row.what, entries.get(numbers.get((row.table, row.id), 0)))
        for row in rows
        if row.kind != "part" or row.id == thing.id or numbers.get((row.table, row.id)) != own
    ]


def _rows(reader: Reader, thing: Thing) -> Iterator[_Row]:
    parts = [] if thing.is_part else reader.parts(thing.id)
    named = {each.id: each.name for each in (thing, *parts)}
    yield from (
        _Row("things", each.id, "part" if each.is_part else "thing", each.name, f"{each.driver} {each.name}")
        for each in (thing, *parts)
    )
    for attribute in reader.attributes(thing.id) + reader.attributes_of_parts(thing.id):
        name, text = named[attribute.thing_id], attribute.value.text
        what = f"in {text}" if str(attribute.key) == "_in" else f"{attribute.key}={attribute.shown}"
        yield _Row("attributes", attribute.id, "attribute", name, what)
    for link in sorted(reader.links_of(thing), key=link_order):
        yield _Row("cables", link.cable_id, "cable", *_told(thing, link))


def _told(thing: Thing, link: Link) -> tuple[str, str]:
    name = link.part.name if link.part is not None else thing.name
    return name, f"{name} -- {link.other.name}{aside(link.slot)}"


def _origins(reader: Reader, entity: int, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """The last transaction that put in each of these rows, given by table and id."""
    found: dict[tuple[str, int], int] = {}
    left = set(wanted)
    last = last_transaction(reader.database)
    for number, _, after in reader.later_changes(entity, 0):
        if not left:
            break
        if number > last:
            continue
        document: dict[str, list[list[Any]]] = json.loads(after) if after else {}
        for table, rows in document.items():
            for row in rows:
                if (table, row[0]) in left:
                    left.discard((table, row[0]))
                    found[table, row[0]] = number
    return found
