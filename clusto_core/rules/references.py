"""Names that are values: under a key that names a Thing or a part, text is looked up and kept as a relation, by id.

So the value follows a rename, and what it names is not removed unnoticed. What only some Things have the key for keeps
its text on the others: `rebuild.nic` of a Pool names a card of each machine in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from clusto_core.drivers import registry
from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.model import keys
from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import OwnPart, Relation
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.rules import lookup
from clusto_core.spelling import suggest
from clusto_core.store.unit import UnitOfWork


def linked(
    unit: UnitOfWork, thing: Thing, key: Key, grammar: Relation | OwnPart, values: Iterable[Value]
) -> Iterable[Value]:
    """The values as they are kept under a key of a Thing: names as relations.

    Raises NotFound for a name that is nothing's, Malformed for a Thing that is of another kind.
    """
    if isinstance(grammar, OwnPart):
        return [found for value in values for found in _parts(unit, thing, key, grammar, value)]
    return [_related(unit, thing, key, grammar, value) for value in values]


def of_parts_present(unit: UnitOfWork, thing: Thing, attributes: Mapping[Key, Value]) -> Iterator[tuple[Key, Value]]:
    """Attributes that a model gives a part of a Thing, without the names of parts that this Thing was made without."""
    for key, value in attributes.items():
        declared = keys.references().get(key)
        names_part = declared is not None and isinstance(declared.grammar, OwnPart) and value.type == "string"
        if not names_part or _part(unit, thing, value.text) is not None:
            yield key, value


def _related(unit: UnitOfWork, thing: Thing, key: Key, grammar: Relation, value: Value) -> Value:
    named = grammar.read(value)
    if named is None:
        raise Malformed(f"{key} of {thing.name} is {grammar.expects}, not {value.text[:40]!r}")
    kinds = (grammar.to,) if grammar.to else ()
    found = unit.by_id(value.ref) if value.ref is not None else unit.get(named.text)
    if found is None:
        guess = suggest(named.text, [each.name for each in unit.reader.all(kinds)])
        kind = grammar.to or "thing"
        raise NotFound(f"{key} of {thing.name}: no such {kind}: {named.text[:80]}{did_you_mean(guess)}")
    return _of_kind(found, thing, key, kinds)


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
    if kinds and not _is_one_of(found, kinds):
        raise Malformed(f"{key} of {thing.name} is a {' or '.join(kinds)}, and {found.name} is a {found.driver}")
    return Value("relation", found.name, found.id)


def _is_one_of(thing: Thing, kinds: tuple[str, ...]) -> bool:
    return any(thing.is_a(registry.get(kind)) for kind in kinds)
