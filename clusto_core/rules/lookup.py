"""Which Thing a name means within a transaction."""

from __future__ import annotations

from clusto_core.errors import Malformed, NotFound
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.rules import parts
from clusto_core.store.unit import UnitOfWork


def resolve(unit: UnitOfWork, name: str | Thing) -> Thing:
    """The Thing or part that a name means, as things are in this transaction: see `Reader.resolve`. A Thing that was
    read elsewhere stands for the same one here.

    Raises NotFound, also for a Thing that is gone; Malformed.
    """
    if isinstance(name, Thing):
        present = unit.find(name.id)
        if present is None:
            raise NotFound(f"no such thing: {name.name}")
        return present
    if not isinstance(name, str):
        raise Malformed(f"a name is text, not a {type(name).__name__}")
    if (found := unit.get(name)) is not None:
        return found
    owner_name, part_name = split_part(name)
    if part_name is not None and (owner := unit.get(owner_name)) is not None and not owner.is_part:
        return parts.labelled(unit, owner, part_name)
    stored = unit.reader.resolve(name)
    present = unit.find(stored.id)
    # What the store still calls so was renamed or removed in this transaction.
    if present is None or stored.name == name:
        raise NotFound(f"no such thing: {name}")
    return present
