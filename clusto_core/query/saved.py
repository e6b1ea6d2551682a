"""Saved expressions: names for expressions, used as `@NAME` and asked afresh each time.

One is a Thing of driver Query, named `@NAME` so that it takes no name away, and so is exported, logged and reverted as
all else is. Expressions never select it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from clusto_core.drivers.resources import Query
from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.model.attributes import Key
from clusto_core.model.names import suggest
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader

if TYPE_CHECKING:
    from clusto_core.inventory import Transaction

EXPRESSION = Key("_expression")
"""What the expression is kept under; reserved, so that only `query save` writes it."""

_NAME = re.compile(r"@\w[\w.+-]{0,99}").fullmatch


class SavedQuery(NamedTuple):
    """A saved expression; `name` is without the `@`."""

    name: str
    expression: str


def checked_name(name: str) -> str:
    """The name, with its `@`, itself. Raises Malformed when no saved expression can be called so."""
    if _NAME(name) is None:
        raise Malformed(f"malformed name of a saved expression: {name[:60]!r} (write @ and letters, digits, . _ - +)")
    return name


def expression_of(reader: Reader, name: str) -> str:
    """The text of a saved expression. Raises NotFound with a suggestion."""
    thing = reader.get(f"@{name}")
    if thing is not None:
        return _text(reader, thing)
    guess = suggest(name, [each.name[1:] for each in _all(reader)])
    raise NotFound(f"no such saved expression: @{name}{did_you_mean(guess and f'@{guess}')} (clusto query list)")


def saved(reader: Reader) -> list[SavedQuery]:
    """All saved expressions, in natural order."""
    return [SavedQuery(thing.name[1:], _text(reader, thing)) for thing in _all(reader)]


def save(change: Transaction, name: str, text: str, *, allow_unknown: bool = False) -> bool:
    """Gives an expression a name, or a name another expression; False when it had that one. Expressions that it uses
    must have been saved before.

    Raises Malformed for a name or an expression that cannot be, NotFound as `binding.bind` does.
    """
    from clusto_core.query.binding import bind, expand
    from clusto_core.query.parser import parse

    name = checked_name(f"@{name.removeprefix('@')}")[1:]
    reader = change.unit.reader
    node = parse(text)
    expand(reader, node, (name,))
    bind(reader, node, allow_unknown=allow_unknown)
    thing = change.unit.get(f"@{name}")
    if thing is None:
        change.add(Query, f"@{name}", attributes=[(EXPRESSION, text)])
        return True
    return change.set_values(thing, EXPRESSION, [text])


def delete(change: Transaction, name: str) -> None:
    """Forgets a saved expression. Raises NotFound; Refused while another saved expression uses it."""
    from clusto_core.errors import Refused
    from clusto_core.query.parser import parse
    from clusto_core.query.tree import Saved

    name = name.removeprefix("@")
    reader = change.unit.reader
    expression_of(reader, name)
    users = [each.name for each in saved(reader) if Saved(name) in parse(each.expression).walk()]
    users = [user for user in users if user != name]
    if users:
        raise Refused(f"@{name} is used by {', '.join(f'@{user}' for user in users)}")
    change.remove(f"@{name}")


def _all(reader: Reader) -> list[Thing]:
    return in_order(reader.all([Query.__name__]))


def _text(reader: Reader, thing: Thing) -> str:
    for attribute in reader.attributes(thing.id):
        if attribute.key == EXPRESSION:
            return attribute.value.text
    raise NotFound(f"the saved expression {thing.name} has lost its text: save it again")
