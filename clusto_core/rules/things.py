"""Things come, go and change their names: what must hold then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from clusto_core.drivers import Driver, Part, registry
from clusto_core.errors import Malformed, Refused
from clusto_core.model import reserved
from clusto_core.model.attributes import Key, Value, string
from clusto_core.model.interfaces import PARENT
from clusto_core.model.names import split_part, trailing_number
from clusto_core.model.things import Attribute, Thing
from clusto_core.rules import cabling, containment, kinds, parts, references, values
from clusto_core.rules.lookup import resolve
from clusto_core.store.unit import UnitOfWork

if TYPE_CHECKING:
    from clusto_core.rules import devicetypes

Pairs = Iterable[tuple[Key, Value]]

_PASSING = "\x01"
"""How names begin that Things have while theirs pass from one to another: no name that is given begins so."""


def add(
    unit: UnitOfWork,
    kind: type[Driver],
    name: str,
    attributes: Sequence[tuple[Key, Value]] = (),
    *,
    model: devicetypes.Model | None = None,
    parents: Sequence[Thing] = (),
) -> Thing:
    """A new whole Thing with the parts and attributes of its model, by default those of its driver, and further
    attributes instead of those.

    Raises Malformed for a name that cannot be, Refused for one that is taken and as `containment.put`.
    """
    name = kinds.checked_name(name, kind)
    _check_free(unit, name)
    for key, _ in attributes:
        reserved.writable(key)
    if model is None:
        from clusto_core.rules import devicetypes

        model = devicetypes.shape(unit, kind, {}, None)
    thing = Thing(unit.new_id(), name, kind.__name__)
    unit.insert_thing(thing)
    unit.insert_parts(thing, model.planned)
    for part in model.described:
        if part.attributes and (made := unit.part(thing, part.name)) is not None:
            _give(unit, made, references.of_parts_present(unit, thing, part.attributes))
    for part in model.described:
        if part.parent and (made := unit.part(thing, part.name)) and (parent := unit.part(thing, part.parent)):
            values.add(unit, made, PARENT, [values.relation(parent)])
    _give(unit, thing, attributes)
    given = {key for key, _ in attributes}
    _give(unit, thing, [(key, value) for key, value in model.attributes.items() if key not in given])
    try:
        for parent in parents:
            containment.put(unit, thing, parent)
    except Refused:
        _discard(unit, thing)
        raise
    return thing


def add_part(unit: UnitOfWork, kind: type[Part], name: str, attributes: Sequence[tuple[Key, Value]] = ()) -> Thing:
    """A part, named `owner:part`. Raises Malformed, Refused for a name that is taken, NotFound without its owner."""
    owner_name, part_name = split_part(name)
    if part_name is None:
        raise Malformed(f"a {kind.__name__} is a part: name its owner too, as {name[:40]}:{kind.kind}1")
    owner = resolve(unit, owner_name)
    _check_free(unit, f"{owner.name}:{part_name}")
    cabling.check_pairing(unit, owner, kind, part_name)
    for key, _ in attributes:
        reserved.writable(key)
    full = f"{owner.name}:{parts.checked_part_name(part_name)}"
    part = Thing(unit.new_id(), full, kind.__name__, owner.id, trailing_number(part_name))
    unit.insert_thing(part)
    _give(unit, part, attributes)
    return part


def _give(unit: UnitOfWork, thing: Thing, attributes: Pairs) -> None:
    for key, value in values.numbered(unit, thing, list(attributes)):
        values.add(unit, thing, key, [value])


def remove(unit: UnitOfWork, thing: Thing) -> None:
    """Takes a Thing out, with its parts, attributes and cables; or one part that has no cable.

    Raises Refused while something is in it or an attribute of another Thing names it, or the part is connected.
    """
    gone = [thing] if thing.is_part else [*unit.parts(thing), thing]
    _check_unconnected(unit, thing)
    ids = {each.id for each in gone}
    named: list[tuple[Thing, Attribute]] = []
    for attribute in unit.referring(ids):
        holder = unit.by_id(attribute.thing_id)
        if holder.id not in ids:
            if attribute.key == containment.IN_KEY:
                raise Refused(f"{thing.name} has {holder.name} in it: take it out first")
            if attribute.key == reserved.EXPRESSION_NAMES:
                named.append((holder, attribute))
                continue
            if attribute.value.type != "relation":
                raise Refused(f"{holder.name} holds {attribute.value.text} in it: clusto ip free {holder.name}")
            raise Refused(f"{holder.name} names it: {attribute}")
    for query, attribute in named:
        name = string(attribute.value.text)
        unit.delete_attribute(attribute)
        values.keep_more(unit, query, reserved.EXPRESSION_GONE, [name])
    _discard(unit, thing)


def _check_unconnected(unit: UnitOfWork, thing: Thing) -> None:
    if thing.is_part:
        if (cable := unit.cable_of(thing)) is not None:
            across = cable.across(thing.id)
            raise Refused(f"{thing.name} is connected to {unit.by_id(across or cable.thing).name}: disconnect it first")
        return
    for cable in unit.cables(thing):
        if cable.other_thing == thing.id and cable.part is None:
            raise Refused(f"{thing.name} has {unit.by_id(cable.thing).name} in it: take it out first")


def _discard(unit: UnitOfWork, thing: Thing) -> None:
    if not thing.is_part:
        for cable in unit.cables(thing):
            unit.delete_cable(cable)
    for each in [thing] if thing.is_part else [*unit.parts(thing), thing]:
        for attribute in list(unit.attributes(each)):
            unit.delete_attribute(attribute)
        unit.delete_thing(each)


def remove_all(unit: UnitOfWork, things: Iterable[Thing]) -> list[Thing]:
    """Takes several Things out, in an order in which what is in another of them goes first; gives them in that order.

    Raises Refused as `remove` when there is no such order.
    """
    removed: list[Thing] = []
    pending = list(dict.fromkeys(things))
    while pending:
        blocked = []
        problem = None
        for thing in pending:
            if unit.find(thing.id) is None:
                continue  # a part that went with its owner
            try:
                remove(unit, thing)
            except Refused as error:
                problem = problem or error
                blocked.append(thing)
            else:
                removed.append(thing)
        if problem is not None and len(blocked) == len(pending):
            raise problem
        pending = blocked
    return removed


def rename(unit: UnitOfWork, thing: Thing, new: str) -> None:
    """Gives a Thing, and with it its parts, or one part, another name. Raises Malformed, Refused."""
    rename_all(unit, [(thing, new)])


def rename_all(unit: UnitOfWork, pairs: Iterable[tuple[Thing, str]]) -> None:
    """Gives several Things or parts other names at once: a name may pass from one of them to another. Raises Malformed,
    Refused for a name that something else has, or two would have."""
    renamed = [each for thing, new in pairs for each in _renamed(unit, thing, new)]
    given_up = {thing.name for thing, _ in renamed}
    targets: set[str] = set()
    for _, name in renamed:
        if name in targets:
            raise Refused(f"two would be called {name}")
        targets.add(name)
        if name not in given_up:
            _check_free(unit, name)
    if not given_up.isdisjoint(targets):
        for thing, _ in renamed:
            unit.rename_thing(thing, f"{_PASSING}{thing.id}")
    for thing, name in renamed:
        unit.rename_thing(thing, name)


def _renamed(unit: UnitOfWork, thing: Thing, new: str) -> list[tuple[Thing, str]]:
    """What is called otherwise when a Thing or part gets a new name."""
    if thing.is_part:
        return [(thing, _part_renamed(unit, thing, new))]
    target = kinds.checked_name(new, thing.kind)
    return [(thing, target), *((part, f"{target}:{part.part_name}") for part in unit.parts(thing))]


def _part_renamed(unit: UnitOfWork, part: Thing, new: str) -> str:
    owner_name, part_name = split_part(new)
    if part_name is None:
        part_name = owner_name
    elif owner_name != part.owner_name:
        raise Refused(f"{part.name} belongs to {part.owner_name}, and stays there")
    target = f"{part.owner_name}:{parts.checked_part_name(part_name)}"
    if trailing_number(target) != part.number:
        cabling.check_number_is_free_to_change(unit, part)
        cabling.check_pairing(unit, unit.by_id(part.entity_id), registry.part(part.driver), target)
    return target


def _check_free(unit: UnitOfWork, name: str) -> None:
    if unit.get(name) is not None:
        raise Refused(f"the name is taken: {name}")
