"""What an expression is taken to mean, and how the store is asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clusto_core.query.binding import bind
from clusto_core.query.compiler import Compiler
from clusto_core.query.search import COLUMNS, tree_of
from clusto_core.query.tree import And, Count, Node, Not, Or, Relation
from clusto_core.store.reader import Reader


class Explanation(NamedTuple):
    """The tree as indented lines, the statement, its parameters, and the database's own plan for it."""

    tree: list[str]
    sql: str
    parameters: dict[str, object]
    plan: list[str]


def explain(reader: Reader, expression: str, *, allow_unknown: bool = False) -> Explanation:
    """How an expression is understood. Raises as `search.find` does."""
    bound = bind(reader, tree_of(expression), allow_unknown=allow_unknown)
    sql, parameters = Compiler(reader).compile(bound.tree, COLUMNS)
    # Parameters that were bound while the statement was weighed are no part of it.
    used = {name: value for name, value in parameters.items() if _named(name, sql)}
    prefix = "EXPLAIN QUERY PLAN " if reader.database.dialect == "sqlite" else "EXPLAIN "
    rows = reader.database.rows(prefix + sql, parameters)
    if reader.database.dialect == "sqlite":
        plan = [row[3] for row in rows]
    else:
        plan = [" ".join(str(value) for value in row if value is not None) for row in rows]
    return Explanation(list(outline(bound.tree)), sql, used, plan)


def _named(name: str, sql: str) -> bool:
    import re

    return re.search(rf":{name}\b", sql) is not None


def outline(node: Node, indent: int = 0) -> Iterator[str]:
    """A tree as lines, what is below a node indented under it."""
    text = "  " * indent
    if isinstance(node, (And, Or, Not)):
        yield text + type(node).__name__.lower()
    elif isinstance(node, Relation):
        yield text + str(node).partition(str(node.target))[0].rstrip("( ") + _via(node)
    elif isinstance(node, Count):
        yield f"{text}count {node.sign} {node.number}"
    else:
        yield text + str(node)
    for child in node.children:
        yield from outline(child, indent + 1)


def _via(node: Relation) -> str:
    via = getattr(node, "via", None)
    return f" via {via}" if via else ""
