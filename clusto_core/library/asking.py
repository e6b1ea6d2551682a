"""What is asked for: an expression as text or tree, or pairs, narrowed by driver and place; and what is picked."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from clusto_core.errors import Malformed
from clusto_core.library.source import Source
from clusto_core.model.things import Thing

if TYPE_CHECKING:
    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node
    from clusto_core.resources.allocation import Wanted
    from clusto_core.resources.fitting import Need


class UnknownValueWarning(UserWarning):
    """An expression asks for a value that nothing has: perhaps mistyped."""


def question(
    wanted: str | Node | Pairs | None, how: Match | None, driver: str | None = None, inside: Thing | None = None
) -> Node:
    """The tree of what is asked for. Raises Malformed."""
    from clusto_core.drivers import registry
    from clusto_core.query import tree
    from clusto_core.query.patterns import Literal
    from clusto_core.query.search import tree_of

    conditions: list[Node] = []
    if driver is not None:
        kind = registry.get(driver)
        conditions.append(tree.DriverIs(Literal(kind.__name__), (kind,)))
    if wanted is not None:
        conditions.append(tree_of(wanted, how))
    if inside is not None:
        conditions.append(tree.In(tree.Name(Literal(inside.name))))
    if not conditions:
        raise Malformed("nothing is asked for: give an expression, pairs, a driver, or what it is inside of")
    return conditions[0] if len(conditions) == 1 else tree.And(*conditions)


def find(source: Source, asked: Node, *, allow_unknown: bool = False) -> list[Thing]:
    """What satisfies it, in natural order. Raises Malformed, NotFound as `query.find` does."""
    from clusto_core.query.search import find

    with source.reading() as reader:
        found = find(reader, asked, allow_unknown=allow_unknown)
    if not allow_unknown:
        warn(found.notes)
    return found.things


def choice(
    number: int,
    asked: Node,
    spread: str | Sequence[str],
    pack: str | None,
    prefer: str | Node | None,
    seed: int | None,
    claim: str | None = None,
    fit: str | Need | None = None,
) -> Wanted:
    """What is to be picked, with drivers by name. Raises Malformed."""
    from clusto_core.drivers import registry
    from clusto_core.resources import fitting
    from clusto_core.resources.allocation import Wanted

    need = fitting.need(fit) if isinstance(fit, str) else fit
    apart = [spread] if isinstance(spread, str) else spread
    if apart and pack is not None:
        raise Malformed("spread and pack are contraries: give one of them")
    together = registry.get(pack) if pack is not None else None
    return Wanted(number, asked, None, [registry.get(each) for each in apart], together, prefer, seed, claim, need)


def warn(notes: Iterable[str]) -> None:
    """Tells whoever called what calls this module."""
    for note in notes:
        warnings.warn(note, UnknownValueWarning, stacklevel=4)
