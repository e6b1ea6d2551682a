"""Giving names to expressions, and forgetting them."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator, Mapping

from clusto_core.drivers.resources import Policy, Query
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.model.attributes import string
from clusto_core.model.keys import references
from clusto_core.model.reserved import EXPRESSION, EXPRESSION_GONE, EXPRESSION_NAMES
from clusto_core.model.things import Thing
from clusto_core.query.binding import bind, expand
from clusto_core.query.parser import parse
from clusto_core.query.patterns import Literal, Pattern, Range
from clusto_core.query.saved import every, expression_of
from clusto_core.query.tree import Attr, Compare, Name, Node, Or, Saved, rewrite
from clusto_core.rules import kinds, things, values
from clusto_core.store.unit import UnitOfWork


def save(unit: UnitOfWork, name: str, text: str, *, allow_unknown: bool = False) -> bool:
    """Gives an expression a name, or a name another expression; False when it had that one. Expressions that it uses
    must have been saved by an earlier transaction.

    Raises Malformed for a name or an expression that cannot be, NotFound as `binding.bind` does.
    """
    full = kinds.checked_name(f"@{name.removeprefix('@')}", Query)
    reader = unit.reader
    node = parse(text)
    expand(reader, node, (full[1:],))
    bind(reader, node, allow_unknown=allow_unknown)
    thing = unit.get(full) or things.add(unit, Query, full)
    was_gone = values.forget(unit, thing, EXPRESSION_GONE)
    return values.keep(unit, thing, EXPRESSION, [string(text)]) | link(unit, thing) | bool(was_gone)


def check(unit: UnitOfWork, exchanged: Container[int] = ()) -> None:
    """What is looked at when a transaction ends: expressions that are new name Things by id, and those that name what
    was renamed say its new name; not of what exchanged names, whose expressions mean whatever has the name now."""
    # First what was linked already: what is linked anew goes by the names that are told then.
    if names := {id: both for id, both in unit.renamed().items() if id not in exchanged}:
        for attribute in unit.referring(names):
            if attribute.key == EXPRESSION_NAMES:
                _follow(unit, unit.by_id(attribute.thing_id), dict(names.values()))
    new, _ = unit.changed_under({EXPRESSION})
    for attribute in new:
        if (query := unit.find(attribute.thing_id)) is not None:
            link(unit, query)


def link(unit: UnitOfWork, query: Thing) -> bool:
    """Keeps which Things an expression names; False when that was so. What nothing is called is left to be found by its
    name, as its author allowed."""
    names = dict.fromkeys(name for node in _tests(unit, query) for name in _named(node))
    found = [thing for name in names if (thing := unit.get(name)) is not None]
    return values.keep(unit, query, EXPRESSION_NAMES, map(values.relation, found))


def _tests(unit: UnitOfWork, query: Thing) -> Iterator[Node]:
    for attribute in list(unit.attributes(query)):
        if attribute.key == EXPRESSION:
            with contextlib.suppress(Malformed):
                yield from parse(attribute.value.text).walk()


def _named(node: Node) -> tuple[str, ...]:
    """The names of Things that a test says: of a Thing itself, or of what a key names by its meaning."""
    if isinstance(node, Name):
        pattern: Pattern = node.pattern
    elif isinstance(node, Attr) and node.key in references():
        pattern = node.pattern
    elif isinstance(node, Compare) and node.key in references():
        pattern = node.value
    else:
        return ()
    if isinstance(pattern, Literal):
        return (pattern.text,)
    return pattern.texts if isinstance(pattern, Range) else ()


def _follow(unit: UnitOfWork, query: Thing, names: dict[str, str]) -> None:
    """Writes an expression anew, with the new names of what it names."""
    for attribute in list(unit.attributes(query)):
        if attribute.key == EXPRESSION:
            node = parse(attribute.value.text)
            following = renamed(node, names)
            if following != node:
                values.keep(unit, query, EXPRESSION, [string(str(following))])


def renamed(node: Node, names: Mapping[str, str]) -> Node:
    """An expression with the new names of what it names."""
    change = {each: _renamed(each, names) for each in node.walk() if names.keys() & set(_named(each))}
    return rewrite(node, change) if change else node


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    said = [Literal(names.get(text, text)) for text in _named(node)]
    if isinstance(node, Name):
        every: list[Node] = [Name(each) for each in said]
    elif isinstance(node, Attr):
        every = [Attr(node.key, each, node.inherited) for each in said]
    else:
        assert isinstance(node, Compare)
        every = [Compare(node.key, node.sign, each, node.inherited) for each in said]
    return every[0] if len(every) == 1 else Or(*every)


def delete(unit: UnitOfWork, name: str) -> None:
    """Forgets a saved expression. Raises NotFound; Refused while another saved expression uses it, or it is named."""
    full = f"@{name.removeprefix('@')}"
    thing = unit.get(full)
    if thing is None:
        expression_of(unit.reader, full[1:])
        raise NotFound(f"no such saved expression: {full}")
    check_unused(unit, thing)
    things.remove(unit, thing)


def check_unused(unit: UnitOfWork, thing: Thing) -> None:
    """Raises Refused while another saved expression, or a policy, uses this one, which would leave it meaningless."""
    if thing.is_a(Policy):
        return
    users = []
    for other in [*every(unit.reader), *unit.reader.all([Policy.__name__])]:
        if other != thing and (present := unit.find(other.id)) is not None:
            texts = [each.value.text for each in unit.attributes(present) if each.key == EXPRESSION]
            if any(Saved(thing.name[1:]) in parse(text).walk() for text in texts):
                users.append(present.name)
    if users:
        raise Refused(f"{thing.name} is used by {', '.join(users)}")
