"""Giving names to expressions, and forgetting them."""

from __future__ import annotations

from clusto_core.drivers.resources import Query
from clusto_core.errors import NotFound, Refused
from clusto_core.model.attributes import string
from clusto_core.model.reserved import EXPRESSION
from clusto_core.model.things import Thing
from clusto_core.query.binding import bind, expand
from clusto_core.query.parser import parse
from clusto_core.query.saved import every, expression_of
from clusto_core.query.tree import Saved
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
    return values.keep(unit, thing, EXPRESSION, [string(text)])


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
    """Raises Refused while another saved expression uses this one, which would leave it meaningless."""
    users = []
    for other in every(unit.reader):
        if other != thing and (present := unit.find(other.id)) is not None:
            texts = [each.value.text for each in unit.attributes(present) if each.key == EXPRESSION]
            if any(Saved(thing.name[1:]) in parse(text).walk() for text in texts):
                users.append(present.name)
    if users:
        raise Refused(f"{thing.name} is used by {', '.join(users)}")
