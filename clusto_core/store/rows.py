"""How records become rows of the store: tuples in the order of named columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from clusto_core.model import addresses, mounting
from clusto_core.model.attributes import HEAD, IP, Key, Value
from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.model.wiring import POSITION
from clusto_core.spelling import natural_key

THINGS = ("id", "name", "driver", "owner_id", "number")
"""What the history tells of a Thing."""
STORED_THINGS = (*THINGS, "sort_key")
"""What is stored of it."""
ATTRIBUTES = (
    *("id", "thing_id", "key", "number", "subkey", "type"),
    *("head", "rest", "integer_value", "float_value", "ref_id", "claim", "space_id"),
)
CONNECTIONS = (
    *("cable_id", "side", "kind", "part_id", "thing_id"),
    *("other_part_id", "other_thing_id", "far_part_id", "far_thing_id", "slot"),
)
TRANSACTIONS = ("id", "time", "user", "host", "command", "message", "reverts")
CHANGES = ("transaction_id", "thing_id", "name", "before", "after")

Row = tuple[Any, ...]

of_thing = attrgetter(*THINGS)
"""The row of a Thing, as the history tells it."""


RENAME = """
    UPDATE things SET name = :name, number = :number, driver = :driver, sort_key = :sort_key WHERE id = :id"""
"""Writes a row of `things` anew, given by the names of its columns; a part never passes to another owner."""


def stored(thing: Thing) -> Row:
    """The row of `things`."""
    return stored_as(thing.id, thing.name, thing.driver, thing.owner_id, thing.number)


def stored_as(id: int, name: str, driver: str, owner_id: int | None, number: int | None) -> Row:
    """The row of `things` for what the history tells."""
    return (id, name, driver, owner_id, number, sort_key(name, owner_id))


def sort_key(name: str, owner_id: int | None) -> str | None:
    """What sorts a whole Thing in the order of names; parts come with their owner, and have none."""
    return natural_key(name) if owner_id is None else None


def of_attribute(attribute: Attribute) -> Row:
    """The row of `attributes`."""
    id, thing_id, (key, number, subkey), (type, text, ref) = attribute
    if type == "string":
        rest = text[HEAD:] or None
        claim = claim_of(attribute) if key == IP else None
        return (id, thing_id, key, number, subkey, type, text[:HEAD], rest, None, None, None, claim, ref)
    if type == "relation":
        return (id, thing_id, key, number, subkey, type, None, None, None, None, ref, None, None)
    value = attribute.value
    rest = text[HEAD:] or None
    return (id, thing_id, key, number, subkey, type, text[:HEAD], rest, value.integer, value.float, ref, None, None)


def remembered_cable(row: Sequence[Any]) -> Cable:
    """A connection as the history tells it. What was taken of a unit never changes; histories from before halves and
    faces do not say it: all of the unit."""
    slot = row[8] if len(row) > 8 else mounting.WHOLE if row[1] == POSITION else 0
    return Cable(*row[:6])._replace(slot=slot)


def remembered_attribute(row: Sequence[Any]) -> Attribute:
    """An attribute as the history tells it."""
    id, thing_id, _, key, type, text, ref = row
    return Attribute(id, thing_id, Key.parse(key), Value(type, text, ref))


def claim_of(attribute: Attribute) -> str | None:
    """What no other Thing may hold besides: the claim of an address; None for attributes that claim nothing."""
    if (claim := address_claim(attribute)) is None or attribute.key.subkey is None:
        return claim
    return addresses.claimed(claim, None, attribute.id)


def address_claim(attribute: Attribute) -> str | None:
    """The claim of an address within its address space, shared or not; None for attributes that are none."""
    if attribute.key.key != IP or (claim := addresses.claim_of(attribute.value.text)) is None:
        return None
    return claim if attribute.value.ref is None else addresses.claimed(claim, attribute.value.ref)


def of_cable(cable: Cable, kind: str, far: Thing | None, near: Thing | None) -> Iterator[Row]:
    """The two rows of `connections`: the path's kind, and where it ends as seen from the first and second end."""
    id, _, part, thing, other_part, other_thing, slot = cable
    yield (id, 0, kind, part, thing, other_part, other_thing, *end(far), slot)
    yield (id, 1, kind, other_part, other_thing, part, thing, *end(near), slot)


def of_plain_cable(cable: Cable) -> tuple[Row, Row]:
    """The same for a cable that goes into no port of a panel: its path is itself."""
    id, kind, part, thing, other_part, other_thing, slot = cable
    return (
        (id, 0, kind, part, thing, other_part, other_thing, other_part, other_thing, slot),
        (id, 1, kind, other_part, other_thing, part, thing, part, thing, slot),
    )


def end(thing: Thing | None) -> tuple[int | None, int | None]:
    """The columns far_part_id and far_thing_id for the end of a path."""
    if thing is None:
        return (None, None)
    return (None, thing.id) if thing.owner_id is None else (thing.id, thing.owner_id)
