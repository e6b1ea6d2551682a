"""What an expression ranges over: whole Things, unless a conjunction names a part.

A test names parts when only parts can satisfy it: `driver:NIC`, `part:eth*`, `name:server1:eth0`, `free`. Written out
as a disjunction of conjunctions, each conjunction that holds such a test ranges over parts, and each other one over
whole Things. Both trees that come of it are evaluated plainly, one for each sort of candidate.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from clusto_core.drivers import Part
from clusto_core.query.patterns import Literal, Range
from clusto_core.query.tree import NOTHING, Among, And, DriverIs, Name, Node, Not, Or, PartName, Wired


class Named(IntEnum):
    """Whether the conjunctions of a tree name parts: none of them, some, all."""

    NEVER = 0
    SOMETIMES = 1
    ALWAYS = 2


class Scope(NamedTuple):
    """What is asked of whole Things and of parts; None where none is asked for."""

    whole: Node | None
    parts: Node | None


def scope(node: Node) -> Scope:
    """The two questions that an expression is."""
    if isinstance(node, Among):
        return Scope(node, node)
    positive = normal(node)
    named = names_parts(positive)
    return Scope(
        None if named is Named.ALWAYS else positive,
        None if named is Named.NEVER else for_parts(positive),
    )


def normal(node: Node, negated: bool = False) -> Node:
    """The tree with `not` at its leaves only, and conjunctions and disjunctions flat."""
    if isinstance(node, Not):
        return normal(node.item, not negated)
    if isinstance(node, (And, Or)):
        kind = Or if isinstance(node, And) == negated else And
        items: list[Node] = []
        for item in node.items:
            found = normal(item, negated)
            items.extend(found.items if isinstance(found, kind) else [found])
        return items[0] if len(items) == 1 else kind(*items)
    return Not(node) if negated else node


def names_parts(node: Node) -> Named:
    """Whether the conjunctions of a tree in normal form name parts."""
    if isinstance(node, And):
        return max((names_parts(item) for item in node.items), default=Named.NEVER)
    if isinstance(node, Or):
        found = [names_parts(item) for item in node.items]
        if not found or all(each is Named.NEVER for each in found):
            return Named.NEVER
        return Named.ALWAYS if all(each is Named.ALWAYS for each in found) else Named.SOMETIMES
    return Named.ALWAYS if is_of_parts(node) else Named.NEVER


def is_of_parts(node: Node) -> bool:
    """Whether a test names parts."""
    if isinstance(node, PartName):
        return True
    if isinstance(node, Wired):
        return node.kind is None
    if isinstance(node, DriverIs):
        return all(issubclass(driver, Part) for driver in node.drivers)
    if isinstance(node, Name):
        if isinstance(node.pattern, Literal):
            return ":" in node.pattern.text
        if isinstance(node.pattern, Range):
            return all(":" in text for text in node.pattern.texts)
        return node.pattern.holds(":")
    return False


def for_parts(node: Node) -> Node:
    """The tree that a part must satisfy: a conjunction that holds, and names parts."""
    named = names_parts(node)
    if named is Named.ALWAYS:
        return node
    if named is Named.NEVER:
        return NOTHING
    items = node.children
    claims = [for_parts(item) for item in items if names_parts(item) is not Named.NEVER]
    claimed = claims[0] if len(claims) == 1 else Or(*claims)
    return And(*items, claimed) if isinstance(node, And) else claimed
