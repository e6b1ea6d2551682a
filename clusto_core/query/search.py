"""Asking a store: an expression in, Things out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clusto_core.model.things import Thing
from clusto_core.query import vain
from clusto_core.query.binding import bind
from clusto_core.query.compiler import Compiler
from clusto_core.query.parser import parse
from clusto_core.query.tree import Node
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

if TYPE_CHECKING:
    from clusto_core.query.matching import Match, Pairs

COLUMNS = ("id", "name", "driver", "owner_id", "number")


class Found(NamedTuple):
    """What an expression selected, in natural order, and what its author should know: values that nothing has."""

    things: list[Thing]
    notes: list[str]


def find(reader: Reader, wanted: str | Node | Pairs, how: Match | None = None, *, allow_unknown: bool = False) -> Found:
    """All that an expression selects, or that has the pairs of keys and values in one of the ways of `Match`.

    Raises Malformed, NotFound as `parser.parse`, `matching.matching` and `binding.bind` do.
    """
    bound = bind(reader, tree_of(wanted, how), allow_unknown=allow_unknown)
    sql, parameters = Compiler(reader).compile(bound.tree, COLUMNS)
    rows = reader.database.rows(sql, parameters)
    rows.sort(key=lambda row: natural_key(row[1]))
    return Found([Thing(*row) for row in rows], [*bound.notes, *vain.notes(reader, bound.tree)])


def matches(
    reader: Reader,
    thing: Thing,
    wanted: str | Node | Pairs,
    how: Match | None = None,
    *,
    allow_unknown: bool = False,
) -> bool:
    """Whether that Thing or part is among what `find` gives. Raises as `find` does."""
    bound = bind(reader, tree_of(wanted, how), allow_unknown=allow_unknown)
    sql, parameters = Compiler(reader).compile_one(bound.tree, thing)
    return bool(reader.database.rows(sql, parameters))


def tree_of(wanted: str | Node | Pairs, how: Match | None = None) -> Node:
    """The tree of an expression, or of pairs. Raises Malformed."""
    if isinstance(wanted, Node):
        return wanted
    if isinstance(wanted, str):
        return parse(wanted)
    from clusto_core.query.matching import Match, matching

    return matching(wanted, how or Match.HAS)
