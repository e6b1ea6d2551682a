"""Saved expressions: names for expressions, used as `@NAME` and asked afresh each time.

One is a Thing of driver Query, named `@NAME` so that it takes no name away, and so is exported, logged and reverted as
all else is. Expressions never select it.
"""

from __future__ import annotations

from typing import NamedTuple

from clusto_core.drivers.resources import Query
from clusto_core.errors import NotFound, did_you_mean
from clusto_core.model.reserved import EXPRESSION, EXPRESSION_GONE
from clusto_core.model.things import Thing, in_order
from clusto_core.spelling import suggest
from clusto_core.store.reader import Reader


class SavedQuery(NamedTuple):
    """A saved expression; `name` is without the `@`."""

    name: str
    expression: str


def expression_of(reader: Reader, name: str) -> str:
    """The text of a saved expression. Raises NotFound with a suggestion."""
    thing = reader.get(f"@{name}")
    if thing is not None:
        return _text(reader, thing)
    guess = suggest(name, [each.name[1:] for each in every(reader)])
    raise NotFound(f"no such saved expression: @{name}{did_you_mean(guess and f'@{guess}')} (clusto query list)")


def usable_expression(reader: Reader, name: str) -> str:
    """As `expression_of`. Raises NotFound also for one that names what is gone, whoever is called so now."""
    text = expression_of(reader, name)
    thing = reader.get(f"@{name}")
    own = reader.attributes(thing.id) if thing is not None else []
    if gone := [each.value.text for each in own if each.key == EXPRESSION_GONE]:
        told = f"@{name} names what is not there any more: {', '.join(gone)}"
        raise NotFound(f"{told} (clusto query save {name} EXPR; it was {text})")
    return text


def saved(reader: Reader) -> list[SavedQuery]:
    """All saved expressions, in natural order."""
    return [SavedQuery(thing.name[1:], _text(reader, thing)) for thing in every(reader)]


def every(reader: Reader) -> list[Thing]:
    """The Things that are saved expressions, in natural order."""
    return in_order(reader.all([Query.__name__]))


def _text(reader: Reader, thing: Thing) -> str:
    for attribute in reader.attributes(thing.id):
        if attribute.key == EXPRESSION:
            return attribute.value.text
    raise NotFound(f"the saved expression {thing.name} has lost its text: save it again")
