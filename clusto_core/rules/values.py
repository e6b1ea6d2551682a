"""Attributes: which values a Thing may have under which keys, and how they are written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.model import attributes, reserved, reserving
from clusto_core.model.attributes import NEXT_NUMBER, Key, Value, from_python
from clusto_core.model.things import Attribute, Thing
from clusto_core.rules import declared, kinds
from clusto_core.rules.declared import relation as relation
from clusto_core.rules.declared import same as same
from clusto_core.rules.lookup import resolve
from clusto_core.store.rows import remembered_attribute
from clusto_core.store.unit import UnitOfWork

Pairs = Sequence[tuple[Key, Value]]

if TYPE_CHECKING:
    from datetime import date

    Scalar = str | int | float | date | Value | Thing | Mapping[str, Any]
    """What one value is given as; a mapping is JSON."""

S = TypeVar("S", bound="Scalar")


def parse(unit: UnitOfWork, given: Scalar | list[S] | tuple[S, ...]) -> list[Value]:
    """The values that a caller means: those in a list or tuple, or else the one. A relation has the id of the Thing
    that it names.

    Raises Malformed for what is no value, NotFound for a relation that leads nowhere.
    """
    several: Sequence[object] = given if type(given) is list or type(given) is tuple else (given,)
    return list(dict.fromkeys(_value(unit, each) for each in several))


def _value(unit: UnitOfWork, given: object) -> Value:
    if given is None:
        raise Malformed("no value is given (write [] to take all values out)")
    if isinstance(given, Thing):
        return relation(resolve(unit, given))
    found = attributes.checked(given) if isinstance(given, Value) else from_python(given)
    if found.type != "relation":
        return found
    target = resolve(unit, found.text) if found.ref is None else unit.find(found.ref)
    if target is None:
        raise NotFound(f"no such thing: {found.text}")
    return relation(target)


# --- values under any key, as verbs and files write them -------------------------------------------------------------


def put(unit: UnitOfWork, thing: Thing, key: Key, values: Iterable[Value]) -> bool:
    """Makes the values under a key exactly these; False when they were. Values that stay are not touched.

    Raises Malformed for a reserved key: see `keep`.
    """
    return _put(unit, thing, reserved.writable(key), values)


def add(unit: UnitOfWork, thing: Thing, key: Key, values: Iterable[Value]) -> bool:
    """Adds values under a key to those there are; False when all were there. Raises Malformed for a reserved key."""
    return _add(unit, thing, reserved.writable(key), values)


def delete(unit: UnitOfWork, things: Sequence[Thing], key: Key, value: Value | None = None) -> int:
    """Takes all values under a key, or the one, out of some Things; gives how many there were.

    Raises NotFound when there were none, Malformed for a reserved key.
    """
    count = sum(_delete(unit, thing, reserved.writable(key), value) for thing in things)
    if not count:
        said = None if value is None else Attribute(0, 0, key, value)
        what = str(key) if said is None or key.secret else str(said)
        raise NotFound(f"no such attribute: {what} on {', '.join(thing.name for thing in things[:5])}")
    return count


def delete_under(
    unit: UnitOfWork, things: Sequence[Thing], key: Key, value: Value | None = None
) -> list[tuple[Thing, Key]]:
    """As `delete` for all keys that one means (see `Key.meant`): gives each with the Thing that had it.

    Raises Refused where a Thing has the key itself and numbers of it besides, so that either could be meant; NotFound,
    Malformed as `delete`.
    """
    found = []
    for thing in things:
        present = [each.key for each in unit.attributes(thing)]
        # What has subkeys alone is a group of settings, no table: that is taken out when it is said ('snmp.*').
        meant = [each for each in key.meant(present) if key.covers(each) or each.number is not None]
        numbered = [each for each in dict.fromkeys(present) if key.above(each) and each.number != key.number]
        if value is None and key in meant and numbered:
            raise Refused(
                f"{thing.name} has {key} and {', '.join(map(str, numbered[:3]))}: write {key}#*.* or {key}#* for those,"
                f" or take out a value of {key} by naming it"
            )
        found += [(thing, each) for each in meant if _delete(unit, thing, reserved.writable(each), value)]
    if not found:
        delete(unit, things, key, value)
    return found


def next_number(unit: UnitOfWork, thing: Thing, key: str) -> int:
    """The number behind the highest that a Thing has under a key, or had so recently that it is not given again (see
    `Declared.cooldown`); 0 where there is none."""
    known = declared.of(unit, Key(key))
    back = _taken_out(unit, thing, known.cooldown) if known is not None and known.cooldown else ()
    numbers = (each.key.number for each in (*unit.attributes(thing), *back) if each.key.key == key)
    return max((number for number in numbers if number is not None), default=-1) + 1


def _taken_out(unit: UnitOfWork, thing: Thing, seconds: float) -> Iterator[Attribute]:
    """What was taken out of a Thing in the last seconds, by this transaction and by others."""
    since = reserving.now().timestamp() - seconds
    yield from (each for each in unit.gone_attributes() if each.thing_id == thing.id)
    for document in unit.reader.taken_out_of(thing.entity_id, int(since * 1_000_000)):
        remembered = map(remembered_attribute, json.loads(document).get("attributes", ()))
        yield from (each for each in remembered if each.thing_id == thing.id)


def numbered(unit: UnitOfWork, thing: Thing, given: Pairs) -> Pairs:
    """Values by keys with a number for each `#+`: a table's values that are given first are of one number, its second
    ones of the next. A number that has all of them already is that one, so that a file may be imported again."""
    if not any(key.number == NEXT_NUMBER for key, _ in given):
        return given
    numbers: dict[tuple[str, int], int] = {}
    for table in {key.key: None for key, _ in given if key.number == NEXT_NUMBER}:
        for place, row in enumerate(_rows(given, table)):
            taken = {number for (name, _), number in numbers.items() if name == table}
            same = (number for number in _having(unit, thing, table, row) if number not in taken)
            behind = max([next_number(unit, thing, table) - 1, *taken]) + 1
            numbers[table, place] = next(same, behind)
    seen: Counter[Key] = Counter()
    found = []
    for key, value in given:
        if key.number == NEXT_NUMBER:
            place, seen[key] = seen[key], seen[key] + 1
            found.append((key._replace(number=numbers[key.key, place]), value))
        else:
            found.append((key, value))
    return found


def _rows(given: Pairs, table: str) -> list[dict[str | None, Value]]:
    """By subkey, the values of a table that are given first, second, and so on."""
    columns: dict[str | None, list[Value]] = {}
    for key, value in given:
        if (key.key, key.number) == (table, NEXT_NUMBER):
            columns.setdefault(key.subkey, []).append(value)
    longest = max(map(len, columns.values()))
    return [
        {subkey: column[place] for subkey, column in columns.items() if place < len(column)} for place in range(longest)
    ]


def _having(unit: UnitOfWork, thing: Thing, table: str, row: Mapping[str | None, Value]) -> list[int]:
    """The numbers under which a Thing has all of these values."""
    own = [each for each in unit.attributes(thing) if each.key.key == table and each.key.number is not None]
    found = []
    for number in sorted({each.key.number for each in own if each.key.number is not None}):
        keys = {subkey: Key(table, number, subkey) for subkey in row}
        wanted = ((keys[subkey], declared.likened(unit, thing, keys[subkey], value)) for subkey, value in row.items())
        if all(
            value and any(each.key == key and _comparison(unit, key)(each.value, value) for each in own)
            for key, value in wanted
        ):
            found.append(number)
    return found


# --- values under reserved keys, which only clusto's own code writes -------------------------------------------------


def keep(unit: UnitOfWork, thing: Thing, key: Key, values: Iterable[Value]) -> bool:
    """As `put`, under a reserved key. Raises Malformed for a value of another type than is kept there."""
    return _put(unit, thing, key, _kept(thing, key, values))


def keep_more(unit: UnitOfWork, thing: Thing, key: Key, values: Iterable[Value]) -> bool:
    """As `add`, under a reserved key. Raises Malformed for a value of another type than is kept there."""
    return _add(unit, thing, key, _kept(thing, key, values))


def forget(unit: UnitOfWork, thing: Thing, key: Key, value: Value | None = None) -> int:
    """Takes all values under a reserved key, or the one, out of a Thing; gives how many there were."""
    return _delete(unit, thing, key, value)


def _kept(thing: Thing, key: Key, values: Iterable[Value]) -> list[Value]:
    wanted = reserved.type_of(key)
    if (kind := reserved.HOLDERS.get(key)) is not None:
        kinds.checked(thing, kind)
    found = list(values)
    for value in found:
        if key == reserved.KEY_DEFINITION:
            declared.check_told(thing, value)
        if value.type != wanted:
            raise Malformed(f"{key} has values of the type {wanted}, not {value.type}: {value.text[:40]!a}")
    return found


# --- rows ------------------------------------------------------------------------------------------------------------


def _comparison(unit: UnitOfWork, key: Key) -> Callable[[Value, Value], bool]:
    """How values under a key are compared: secrets, for whoever may not see them, are never found to be the same, so
    that nothing that is said or done tells whether one was guessed."""
    return _differ if unit.reader.discreet and key.secret else same


def _differ(one: Value, other: Value) -> bool:
    return False


def _put(unit: UnitOfWork, thing: Thing, key: Key, values: Iterable[Value]) -> bool:
    wanted = list(declared.checked(unit, thing, key, values))
    if len(wanted) > 1:
        wanted = list(dict.fromkeys(wanted))
        declared.check_number(unit, thing, key, len(wanted))
    present = [each for each in unit.attributes(thing) if each.key == key]
    if present:
        alike = _comparison(unit, key)
        gone = [each for each in present if not any(alike(each.value, value) for value in wanted)]
        wanted = [value for value in wanted if not any(alike(each.value, value) for each in present)]
        for attribute in gone:
            unit.delete_attribute(attribute)
        present = gone
    for value in wanted:
        unit.insert_attribute(Attribute(unit.new_id(), thing.id, key, value))
    return bool(present or wanted)


def _add(unit: UnitOfWork, thing: Thing, key: Key, values: Iterable[Value]) -> bool:
    present = [each.value for each in unit.attributes(thing) if each.key == key]
    if present and unit.reader.discreet and key.secret:
        raise Refused(f"{thing.name} has secrets under {key} already: attr set replaces them, by all there are to be")
    found = dict.fromkeys(declared.checked(unit, thing, key, values))
    new = [value for value in found if not any(same(value, each) for each in present)]
    if new:
        declared.check_number(unit, thing, key, len(present) + len(new))
    for value in new:
        unit.insert_attribute(Attribute(unit.new_id(), thing.id, key, value))
    return bool(new)


def _delete(unit: UnitOfWork, thing: Thing, key: Key, value: Value | None) -> int:
    if value is not None and unit.reader.discreet and key.secret:
        raise Refused(f"{key} holds secrets: all of them can be taken out here, none by what it is")
    value = declared.likened(unit, thing, key, value)
    gone = [each for each in unit.attributes(thing) if each.key == key and (value is None or same(each.value, value))]
    for attribute in gone:
        unit.delete_attribute(attribute)
    return len(gone)
