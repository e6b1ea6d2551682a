"""Asking a store: an expression in, Things out."""

from __future__ import annotations

from typing import NamedTuple

from clusto_core.names import natural_key
from clusto_core.query.binding import bind
from clusto_core.query.compiler import Compiler
from clusto_core.query.parser import parse
from clusto_core.query.tree import Node
from clusto_core.reader import Reader
from clusto_core.things import Thing

COLUMNS = ("id", "name", "driver", "owner_id", "number")


class Found(NamedTuple):
    """What an expression selected, in natural order, and what its author should know: values that nothing has."""

    things: list[Thing]
    notes: list[str]


def find(reader: Reader, expression: str | Node, *, allow_unknown: bool = False) -> Found:
    """All that an expression selects. Raises Malformed, NotFound as `parser.parse` and `binding.bind` do."""
    node = parse(expression) if isinstance(expression, str) else expression
    bound = bind(reader, node, allow_unknown=allow_unknown)
    sql, parameters = Compiler(reader).compile(bound.tree, COLUMNS)
    rows = reader.database.rows(sql, parameters)
    rows.sort(key=lambda row: natural_key(row[1]))
    return Found([Thing(*row) for row in rows], bound.notes)


def matches(reader: Reader, thing: Thing, expression: str | Node, *, allow_unknown: bool = False) -> bool:
    """Whether an expression selects that Thing or part. Raises as `find` does."""
    node = parse(expression) if isinstance(expression, str) else expression
    bound = bind(reader, node, allow_unknown=allow_unknown)
    sql, parameters = Compiler(reader).compile_one(bound.tree, thing)
    return bool(reader.database.rows(sql, parameters))
