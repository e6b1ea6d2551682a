"""Asking a store: an expression in, Things out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from clusto_core.model.things import Thing, in_order
from clusto_core.query import vain
from clusto_core.query.binding import bind
from clusto_core.query.compiler import Compiler, questions
from clusto_core.query.keys_asked import keys_asked
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


class Streamed(NamedTuple):
    """As `Found`, but Things come as they are read."""

    things: Iterator[Thing]
    notes: list[str]


def find(reader: Reader, wanted: str | Node | Pairs, how: Match | None = None, *, allow_unknown: bool = False) -> Found:
    """All that an expression selects, or that has the pairs of keys and values in one of the ways of `Match`.

    Raises Malformed, NotFound as `parser.parse`, `matching.matching` and `binding.bind` do.
    """
    asked = tree_of(wanted, how)
    with reader.database.about(keys_asked(asked)):
        bound = bind(reader, asked, allow_unknown=allow_unknown)
        sql, parameters = Compiler(reader).compile(bound.tree, COLUMNS)
        rows = reader.database.rows(sql, parameters)
        rows.sort(key=lambda row: natural_key(row[1]))
        return Found([Thing(*row) for row in rows], [*bound.notes, *vain.notes(reader, bound.tree)])


def count(reader: Reader, wanted: str | Node, *, allow_unknown: bool = False) -> int:
    """How many Things and parts an expression selects. Raises as `find` does."""
    bound = bind(reader, tree_of(wanted), allow_unknown=allow_unknown)
    compiler = Compiler(reader)
    selects = "\nUNION ALL ".join(compiler.select(question, part, ("id",)) for question, part in questions(bound.tree))
    sql = compiler.statement.text(f"SELECT COUNT(*) FROM ({selects}) selected")
    found: int = reader.database.rows(sql, compiler.statement.parameters)[0][0]
    return found


def stream(reader: Reader, wanted: str | Node, *, allow_unknown: bool = False) -> Streamed:
    """The same as it is read, the first Things at once, however many there are: nothing may be written meanwhile, nor
    the reader closed. Raises as `find` does."""
    asked = tree_of(wanted)
    with reader.database.about(keys_asked(asked)):
        bound = bind(reader, asked, allow_unknown=allow_unknown)
        found = [_ordered(reader, question, part) for question, part in questions(bound.tree)]
        notes = [*bound.notes, *vain.notes(reader, bound.tree)]
    every = merge(*found, key=lambda thing: natural_key(thing.name)) if len(found) > 1 else chain(*found)
    return Streamed(iter(every), notes)


def _ordered(reader: Reader, question: Node, part: bool) -> Iterable[Thing]:
    """What satisfies a question of whole Things, or of parts, in natural order."""
    in_their_order = Compiler(reader).compile_in_order(question, part, COLUMNS)
    if in_their_order is not None:
        found = (Thing(*row) for row in reader.database.lazily(*in_their_order))
        return _by_owner(found) if part else found
    compiler = Compiler(reader)
    sql = compiler.statement.text(compiler.select(question, part, COLUMNS))
    return in_order(Thing(*row) for row in reader.database.rows(sql, compiler.statement.parameters))


def _by_owner(parts: Iterable[Thing]) -> Iterator[Thing]:
    """Parts in natural order, which come in that of their owners."""
    return chain.from_iterable(in_order(each) for _, each in groupby(parts, attrgetter("owner_id")))


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
