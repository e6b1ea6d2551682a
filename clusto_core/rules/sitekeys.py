"""Keys of the site: declared and forgotten, and what must hold when a transaction ends.

That no two Things have a value that is unique, that what must have a value has it, and that a declaration fits what is
there, needs all that a transaction does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from clusto_core.drivers.resources import SiteKey
from clusto_core.errors import NotFound, Refused
from clusto_core.model import reserved
from clusto_core.model.attributes import Key, structure
from clusto_core.model.keys import Declared
from clusto_core.model.things import Attribute, Thing
from clusto_core.rules import kinds, things, values
from clusto_core.rules.declared import STRICT, Misfit, declaration, misfits, of_site, same_words
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork

_OF_VALUES = frozenset(("type", "unit", "regex", "to", "of", "choices", "open", "low", "high", "unique"))
"""What a declaration says of the values themselves, and not of who has them."""
_FEW = 500
"""Values that are looked for one by one; of more, all are read."""


def define(unit: UnitOfWork, key: Key, data: Mapping[str, object], *, convert: bool = False) -> int:
    """Declares a key of the site; gives how many values were converted.

    Raises Malformed for a declaration that cannot be; Refused for a key of clusto's own and, with a line for each in
    its details, where values do not fit: with `convert` those alone that cannot be read.
    """
    declared = declaration(key, data)
    _check_discretion(unit, key, data)
    found = list(misfits(unit.reader, key, declared))
    left = [each for each in found if each.attribute is None or not convert]
    if left:
        raise _unfit(key, left)
    for each in found:
        assert each.attribute is not None
        assert each.kept is not None
        unit.load_attributes([each.attribute.thing_id])
        unit.delete_attribute(each.attribute)
        unit.insert_attribute(Attribute(unit.new_id(), each.attribute.thing_id, each.attribute.key, each.kept))
    _keep(unit, str(key), data)
    if convert and (left := list(misfits(unit.reader, key, declared))):
        raise _unfit(key, left)
    return len(found)


def _check_discretion(unit: UnitOfWork, key: Key, data: Mapping[str, object]) -> None:
    """Raises Refused for a declaration that would be held against values that are not shown: which of them fit would
    tell them by and by."""
    if unit.reader.discreet and key.secret:
        told = sorted(word for word in _OF_VALUES & data.keys() if data[word] not in (False, "any"))
        if told:
            raise Refused(
                f"{key} holds secrets: what its values may be ({', '.join(told)}) cannot be declared here, but where"
                " the inventory itself can be reached"
            )


def _unfit(key: Key, left: list[Misfit]) -> Refused:
    convertible = sum(each.attribute is not None for each in left)
    hint = f"; --convert would convert {convertible}" if convertible else ""
    several = "value does" if len(left) == 1 else "values do"
    error = Refused(f"{len(left)} {several} not fit {key}: nothing was changed{hint}")
    error.details = tuple(each.words for each in left[:100])
    return error


def _keep(unit: UnitOfWork, key: str, data: Mapping[str, object]) -> None:

    name = kinds.checked_name(f"={key}", SiteKey)
    thing = unit.get(name) or things.add(unit, SiteKey, name)
    values.keep(unit, thing, reserved.KEY_DEFINITION, [structure(dict(data))])


def set_strict(unit: UnitOfWork, strict: bool) -> None:
    """Has the store refuse new keys that nobody declared, or take them."""
    _keep(unit, STRICT, {"strict": strict})


def forget(unit: UnitOfWork, key: Key) -> None:
    """Takes a declaration away; the values stay. Raises NotFound."""

    thing = unit.get(f"={key}")
    if thing is None:
        raise NotFound(f"no such key is declared by the site: {key} (clusto key list)")
    things.remove(unit, thing)


# --- when all is done ------------------------------------------------------------------------------------------------


def check(unit: UnitOfWork) -> None:
    """Raises Refused for what a transaction leaves that does not fit what the site declared."""
    new, gone = unit.attributes_changed(reserved.KEY_DEFINITION)
    _check_kept_secret(unit, new, gone)
    fresh = set()
    for attribute in new:
        text = unit.by_id(attribute.thing_id).name[1:]
        if text != STRICT:
            key = Key.parse(text)
            fresh.add(key)
            data = json.loads(attribute.value.text)
            declared = declaration(key, data)
            _check_discretion(unit, key, data)
            if left := list(misfits(unit.reader, key, declared)):
                raise _unfit(key, left)
    for key, declared in of_site(unit.reader).items():
        if key not in fresh and (declared.unique or declared.required):
            _check_key(unit, key, declared)


def _check_kept_secret(unit: UnitOfWork, new: list[Attribute], gone: list[Attribute]) -> None:
    """Raises Refused where somebody who may not see secrets would have a key hold none any more."""
    if not unit.reader.discreet:
        return
    kept = {each.thing_id for each in new if json.loads(each.value.text).get("secret")}
    if any(json.loads(each.value.text).get("secret") and each.thing_id not in kept for each in gone):
        raise Refused(
            "a key that holds secrets is declared otherwise where the inventory itself can be reached, not here"
        )


def _check_key(unit: UnitOfWork, key: Key, declared: Declared) -> None:
    new, gone = unit.attributes_changed(key)
    if declared.unique and new and key.secret and unit.reader.discreet:
        raise Refused(
            f"{key} holds secrets of which no two are the same: they are set where the inventory itself can be reached,"
            " not here"
        )
    if declared.unique and new:
        _check_unique(unit.reader, key, new)
    if declared.required:
        for thing in unit.new_things():
            if issubclass(thing.kind, declared.on):
                _check_has(unit, key, thing)
        for id in {each.thing_id for each in gone if not unit.is_gone(each.thing_id)}:
            left = unit.find(id)
            if left is not None and issubclass(left.kind, declared.on):
                _check_has(unit, key, left)


def _check_has(unit: UnitOfWork, key: Key, thing: Thing) -> None:
    if not any(each.key == key for each in unit.attributes(thing)):
        raise Refused(f"{thing.name} must have {key} (a {thing.driver} has one: clusto key show {key})")


def _check_unique(reader: Reader, key: Key, new: list[Attribute]) -> None:
    if len(new) > _FEW:
        found = reader.attributes_under(key)
    else:
        found = [each for attribute in new for each in reader.attributes_with(key, attribute.value)]
    first: dict[tuple[str, str], int] = {}
    for each in found:
        other = first.setdefault((each.value.type, each.value.text), each.thing_id)
        if other != each.thing_id:
            names = [thing.name for thing in reader.by_ids([other, each.thing_id]).values()]
            raise Refused(same_words(key, each.value.text, sorted(names)))
