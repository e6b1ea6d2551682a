"""What keys may have, held on every way in: those that clusto declares, and those of the site.

A value is read as it comes in; what is there already is held against a declaration when that is made, and by
`db check`.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from clusto_core import secrecy
from clusto_core.drivers import Part, registry
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.model import keys, reserved
from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import OwnPart, Relation, Text
from clusto_core.model.keys import Declared
from clusto_core.model.things import Attribute, Thing
from clusto_core.rules import references
from clusto_core.store.reader import Holding, Reader
from clusto_core.store.unit import UnitOfWork
from clusto_core.tuples import NamedTuple

STRICT = "*"
"""Stands for every key that nobody declared: whether a new one is refused is kept with it."""
_ALL_KEY = Key(STRICT)


class Misfit(NamedTuple):
    """What does not fit a declaration: words for a person; the attribute, and what it would be converted to."""

    words: str
    attribute: Attribute | None = None
    kept: Value | None = None


# --- what is known of keys -------------------------------------------------------------------------------------------


def of_site(reader: Reader) -> dict[Key, Declared]:
    """The keys of the site; those whose declaration this clusto cannot read (a driver that is gone) are left out."""
    found = {}
    for text, data in reader.definitions().items():
        with contextlib.suppress(Malformed):
            if text != STRICT:
                found[Key.parse(text)] = keys.declare(data, site=True)
    return found


def is_strict(reader: Reader) -> bool:
    """Whether the store refuses new keys that nobody declared."""
    return bool(reader.definitions().get(STRICT, {}).get("strict"))


def of(unit: UnitOfWork, key: Key) -> Declared | None:
    """What is known of a key, as things are in this transaction."""
    known = unit.declared
    if _ALL_KEY not in known:
        known[_ALL_KEY] = None
        known.update(of_site(unit.reader))
    if key not in known:
        bare = key if key.number is None else Key(key.key, None, key.subkey)
        known[key] = keys.of(bare) or known.get(bare)
    found: Declared | None = known[key]
    return found


def governing(unit: UnitOfWork, key: Key, driver: str) -> Declared | None:
    """What the values under a key are read by on Things of a driver, as the store names it; None for as they are. It is
    worked out once for all that are alike."""
    known = unit.declared
    if (key, driver) not in known:
        declared = None if key.reserved else of(unit, key)
        governs = declared is not None and declared.governs(key, registry.of(driver))
        known[key, driver] = declared if governs else None
    found: Declared | None = known[key, driver]
    return found


# --- values as they come in ------------------------------------------------------------------------------------------


def checked(unit: UnitOfWork, thing: Thing, key: Key, values: Iterable[Value]) -> Iterable[Value]:
    """The values as they are kept under a key of a Thing. Raises Malformed for what the key cannot have, NotFound for
    a relation that leads nowhere."""
    if (declared := governing(unit, key, thing.driver)) is None:
        return values
    if declared.site and not declared.fits(thing.kind):
        raise Malformed(f"{thing.name} is a {thing.driver}, and {key} is declared for {_drivers(declared)}")
    grammar = declared.grammar
    if isinstance(grammar, Relation | OwnPart):
        return references.linked(unit, thing, key, grammar, values)
    return keys.checked(declared, thing, key, values)


def _named(grammar: Relation, what: str, target: Thing) -> Value:
    if grammar.to and not target.is_a(registry.get(grammar.to)):
        raise Malformed(f"{what} is {grammar.expects}, and {target.name} is a {target.driver}")
    return relation(target)


def likened(unit: UnitOfWork, thing: Thing, key: Key, value: Value | None) -> Value | None:
    """A value that is looked for, spelled as one that was kept; as it is where the key cannot have it."""
    if value is None:
        return None
    with contextlib.suppress(ClustoError):
        return next(iter(checked(unit, thing, key, [value])))
    return value


def check_number(unit: UnitOfWork, thing: Thing, key: Key, count: int) -> None:
    """Raises Refused where a Thing would have several values under a key that has one."""
    if count > 1 and (declared := governing(unit, key, thing.driver)) is not None and not declared.several:
        raise Refused(f"{thing.name} would have {count} values under {key}, which has one: attr set replaces it")


def relation(thing: Thing) -> Value:
    """The value that names a Thing."""
    return Value("relation", thing.name, thing.id)


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal: of one type and text; relations by the Thing that they name."""
    if one.type != other.type:
        return False
    return one.ref == other.ref if one.type == "relation" else one.text == other.text


def _drivers(declared: Declared) -> str:
    return ", ".join(driver.__name__ for driver in declared.on)


# --- what is there, held against a declaration -----------------------------------------------------------------------


def misfits(reader: Reader, key: Key, declared: Declared) -> Iterator[Misfit]:
    """All that does not fit a declaration."""
    governed = {name for name in reader.drivers() if declared.governs(key, registry.of(name))}
    found = [each for each in reader.held_under(key) if each.driver in governed]
    fitting = {name for name in governed if declared.fits(registry.of(name))} if declared.site else governed
    for each in found:
        if each.driver in fitting and _is_kept(declared, each.value):
            continue
        if (misfit := _misfit(reader, declared, _holder(reader, each), each.attribute)) is not None:
            yield misfit
    if not declared.several:
        counts = Counter((each.id, each.number) for each in found)
        many = {at for at, count in counts.items() if count > 1} if len(counts) < len(found) else ()
        several = {(each.id, each.number): each for each in found if (each.id, each.number) in many}
        for at, each in several.items():
            told = f"{counts[at]} values under {each.attribute.key}"
            yield Misfit(f"{_holder(reader, each).name} has {told}, which has one")
    if declared.unique:
        yield from _shared(key, (each.attribute for each in found), reader.by_ids({each.id for each in found}))
    if declared.required:
        having = {each.id for each in found}
        drivers = [name for name in reader.drivers() if issubclass(registry.of(name), declared.on)]
        yield from (
            Misfit(f"{thing.name} has no {key}") for thing in reader.all(drivers or [""]) if thing.id not in having
        )


def _holder(reader: Reader, holding: Holding) -> Thing:
    return reader.by_ids([holding.id])[holding.id]


def _is_kept(declared: Declared, value: Value) -> bool:
    """Whether it shows at once that a key would have the value just so."""
    if isinstance(declared.grammar, Relation):
        return False
    try:
        kept = declared.grammar.read(value)
    except Malformed:
        return False
    return kept is not None and same(kept, value)


def _misfit(reader: Reader, declared: Declared, thing: Thing, attribute: Attribute) -> Misfit | None:
    key, value = attribute.key, attribute.value
    if declared.site and not declared.fits(thing.kind):
        return Misfit(f"{thing.name} is a {thing.driver}, and {key} is declared for {_drivers(declared)}")
    try:
        (kept,) = keys.checked(declared, thing, key, [value])
        if isinstance(declared.grammar, Relation) and kept.type == "relation":
            kept = _named(declared.grammar, f"{key} of {thing.name}", _target(reader, kept))
    except Malformed as error:
        return Misfit(str(error))
    except NotFound:
        return Misfit(keys.wrong(declared, key, thing.name, value))
    if same(kept, value):
        return None
    shown = "" if key.secret else f": {value.text[:40]!a} would be {kept.text[:40]}"
    return Misfit(f"{key} of {thing.name} is spelled otherwise{shown}", attribute, kept)


def _target(reader: Reader, value: Value) -> Thing:
    return reader.resolve(value.text) if value.ref is None else reader.by_ids([value.ref])[value.ref]


def _shared(key: Key, found: Iterable[Attribute], holders: Mapping[int, Thing]) -> Iterator[Misfit]:
    having: dict[tuple[str, str], set[int]] = {}
    for each in found:
        having.setdefault((each.value.type, each.value.text), set()).add(each.thing_id)
    for (_, text), ids in having.items():
        if len(ids) > 1:
            yield Misfit(same_words(key, text, [holders[id].name for id in sorted(ids)]))


def same_words(key: Key, text: str, names: list[str]) -> str:
    """What to say where Things have one value of a key that is unique."""
    shown = "" if key.secret else f" {text[:40]}"
    return f"{' and '.join(names[:3])} would have the same {key}{shown}, which is unique"


# --- what can be declared ---------------------------------------------------------------------------------------------


def declaration(key: Key, data: Mapping[str, object]) -> Declared:
    """What plain data says of a key of the site. Raises Malformed; Refused for a key of clusto's own."""
    reserved.writable(key)
    if key.number is not None:
        raise Malformed(f"a key is declared for all numbers at once: write {Key(key.key, None, key.subkey)}")
    if keys.of(key) is not None:
        raise Refused(f"clusto itself reads {key}, and declares it (clusto help keys {key})")
    for word, said in data.items():
        if word not in keys.WORDS or not _is_said(keys.WORDS[word], said):
            raise Malformed(f"{key}: this cannot be declared: {str(word)[:40]}={str(said)[:40]}")
    if data.get("secret") is True:
        # Before a value is told that does not fit.
        secrecy.propose(str(key))
    declared = keys.declare(data, site=True)
    if declared.type == "part":
        raise Malformed(f"{key}: parts are named by a relation: --type relation --to NIC")
    if isinstance(declared.grammar, Relation) and declared.grammar.to:
        registry.get(declared.grammar.to)
    if isinstance(declared.grammar, Text):
        declared.grammar.read(Value("string", ""))
    if declared.required and any(issubclass(driver, Part) for driver in declared.on):
        raise Malformed(f"{key}: whole Things must have a key, parts may")
    if declared.required and not declared.on:
        raise Malformed(f"{key}: say with --on what must have it, where it is required")
    if declared.type == "choice" and not declared.choices:
        raise Malformed(f"{key}: a choice needs --choices")
    return declared


def check_told(thing: Thing, value: Value) -> None:
    """Whether a value can be the declaration of the key that a Thing stands for. Raises Malformed, Refused."""
    data = value.python() if value.type == "json" else None
    if not isinstance(data, dict):
        raise Malformed(f'{thing.name}: a declaration is a JSON object: {{"type": "date"}}')
    if thing.name[1:] == STRICT:
        if set(data) != {"strict"} or not isinstance(data["strict"], bool):
            raise Malformed(f'{thing.name} says {{"strict": true}} or {{"strict": false}}')
    else:
        declaration(Key.parse(thing.name[1:]), data)


def _is_said(kind: type, said: object) -> bool:
    """Whether what a declaration says under a word is of the word's type; lists are of texts."""
    if kind is list:
        return isinstance(said, list) and all(isinstance(each, str) and each for each in said)
    if kind is float:
        return isinstance(said, int | float) and not isinstance(said, bool)
    return isinstance(said, kind)
