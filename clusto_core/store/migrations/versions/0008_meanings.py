"""Values in the one spelling that their key has: TRUE as true, 2U as 2, a MAC without marks with colons.

A value keeps its id, and stays the same value in other words: history has nothing to tell of it. What cannot be read
without guessing stays, and is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from clusto_core.errors import Malformed
from clusto_core.model import keys
from clusto_core.model.attributes import HEAD, Key, Value
from clusto_core.model.keys import Declared
from clusto_core.model.things import Thing

revision = "0008"
down_revision = "0007"

_THINGS = sa.table("things", *map(sa.column, ("id", "name", "driver", "owner_id", "number")))
_ATTRIBUTES = sa.table(
    "attributes",
    *map(
        sa.column,
        ("id", "thing_id", "key", "number", "subkey", "type", "head", "rest", "integer_value", "float_value", "ref_id"),
    ),
)


def upgrade() -> None:
    """Rewrites what is unambiguous; what is left goes to whoever asked for the upgrade."""
    told = context.config.attributes.setdefault("told", [])
    connection = op.get_bind()
    changed: list[dict[str, Any]] = []
    naming = keys.references()
    for key, declared in keys.every().items():
        if key in naming:
            continue
        counts: dict[tuple[str, Key], int] = {}
        for id, thing, numbered, value in _under(connection, key):
            if not declared.governs(numbered, thing.kind):
                continue
            counts[thing.name, numbered] = counts.get((thing.name, numbered), 0) + 1
            try:
                changed += _respelled(id, declared, thing, numbered, value)
            except Malformed as error:
                told.append(str(error))
        if not declared.several:
            many = ((name, numbered, count) for (name, numbered), count in counts.items() if count > 1)
            told += [f"{name} has {count} values under {numbered}, which has one" for name, numbered, count in many]
    told += keys.case_clashes(str(Key(key, None, subkey)) for key, subkey in _spelled(connection))
    for row in changed:
        connection.execute(sa.update(_ATTRIBUTES).where(_ATTRIBUTES.c.id == row.pop("id")).values(row))


def _under(connection: sa.Connection, key: Key) -> Iterator[tuple[int, Thing, Key, Value]]:
    here, things = _ATTRIBUTES.c, _THINGS.c
    found = sa.select(here.id, here.number, here.type, here.head, here.rest, *things)
    found = found.join(_THINGS, things.id == here.thing_id).where(here.key == key.key, here.subkey == key.subkey)
    rows = connection.execute(found.where(here.type != "relation").order_by(here.id)).all()
    for id, number, type, head, rest, *thing in rows:
        yield id, Thing(*thing), Key(key.key, number, key.subkey), Value(type, (head or "") + (rest or ""))


def _respelled(id: int, declared: Declared, thing: Thing, key: Key, value: Value) -> Iterator[dict[str, Any]]:
    """The columns of a value in its one spelling, where it has another. What names a Thing is left to whoever knows
    which. Raises Malformed."""
    (kept,) = keys.checked(declared, thing, key, [value])
    if kept != value and kept.type != "relation":
        yield {
            "id": id,
            "type": kept.type,
            "head": kept.text[:HEAD],
            "rest": kept.text[HEAD:] or None,
            "integer_value": kept.integer,
            "float_value": kept.float,
        }


def _spelled(connection: sa.Connection) -> Iterator[tuple[str, str | None]]:
    here = _ATTRIBUTES.c
    yours = ~here.key.startswith("_", autoescape=True)
    for row in connection.execute(sa.select(here.key, here.subkey).where(yours).distinct()):
        yield row.key, row.subkey
