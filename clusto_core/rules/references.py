"""Names that are values: under a key that names a Thing or a part, text is looked up and kept as a relation, by id.

So the value follows a rename, and what it names is not removed unnoticed. What only some Things have the key for keeps
its text on the others: `rebuild.nic` of a Pool names a card of each machine in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from clusto_core.drivers import registry
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import OwnPart, Relation
from clusto_core.model.keys import REFERENCES
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.rules import lookup
from clusto_core.spelling import suggest
from clusto_core.store.unit import UnitOfWork


def linked(unit: UnitOfWork, thing: Thing, key: Key, values: Iterable[Value]) -> Iterable[Value]:
    """The values as they are kept under a key of a Thing: names under a key that is one of REFERENCES as relations.

    Raises NotFound for a name that is nothing's, Malformed for a Thing that is of another kind.
    """
    declared = REFERENCES.get(key)
    if declared is None or not thing.is_a(declared.on) or thing.is_a(DeviceType):
        return values
    grammar = declared.grammar
    if isinstance(grammar, OwnPart):
        return [found for value in values for found in _parts(unit, thing, key, grammar, value)]
    assert isinstance(grammar, Relation)
    return [found for value in values for found in _things(unit, thing, key, grammar, value)]


def of_parts_present(unit: UnitOfWork, thing: Thing, attributes: Mapping[Key, Value]) -> Iterator[tuple[Key, Value]]:
    """Attributes that a model gives a part of a Thing, without the names of parts that this Thing was made without."""
    for key, value in attributes.items():
        declared = REFERENCES.get(key)
        names_part = declared is not None and isinstance(declared.grammar, OwnPart) and value.type == "string"
        if not names_part or _part(unit, thing, value.text) is not None:
            yield key, value


def _things(unit: UnitOfWork, thing: Thing, key: Key, grammar: Relation, value: Value) -> Iterator[Value]:
    if value.type not in ("string", "relation"):
        yield value
        return
    found = unit.by_id(value.ref) if value.ref is not None else unit.get(value.text)
    if found is None:
        guess = suggest(value.text, [each.name for each in unit.reader.all([grammar.to])])
        raise NotFound(f"{key} of {thing.name}: no such {grammar.to}: {value.text[:80]}{did_you_mean(guess)}")
    yield _of_kind(found, thing, key, (grammar.to,))


def _parts(unit: UnitOfWork, thing: Thing, key: Key, grammar: OwnPart, value: Value) -> Iterator[Value]:
    if value.type == "relation":
        yield _of_kind(unit.by_id(value.ref or 0), thing, key, grammar.of)
        return
    owner = unit.by_id(thing.entity_id)
    # Lists were one text, as a configuration file has them.
    for name in [value.text] if _part(unit, owner, value.text) else re.split(r"[\s,]+", value.text.strip()):
        found = _part(unit, owner, name)
        if found is None:
            names = [each.part_name for each in unit.parts(owner) if _is_one_of(each, grammar.of)]
            guess = did_you_mean(suggest(name, names))
            raise NotFound(f"{key} of {thing.name}: {owner.name} has no part {name[:80]}{guess}")
        yield _of_kind(found, thing, key, grammar.of)


def _part(unit: UnitOfWork, owner: Thing, name: str) -> Thing | None:
    """The part of that name, or that the device itself calls so; one of another Thing where its owner is said, as the
    members of a stack have it."""
    if (found := unit.part(owner, name)) is not None:
        return found
    if split_part(name)[1] is not None and (other := unit.get(name)) is not None and other.is_part:
        return other
    try:
        return lookup.resolve(unit, f"{owner.name}:{name}")
    except (NotFound, Malformed):
        return None


def _of_kind(found: Thing, thing: Thing, key: Key, kinds: tuple[str, ...]) -> Value:
    if not _is_one_of(found, kinds):
        raise Malformed(f"{key} of {thing.name} is a {' or '.join(kinds)}, and {found.name} is a {found.driver}")
    return Value("relation", found.name, found.id)


def _is_one_of(thing: Thing, kinds: tuple[str, ...]) -> bool:
    return any(thing.is_a(registry.get(kind)) for kind in kinds)
