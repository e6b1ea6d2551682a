"""What an expression asks in vain though each word of it is right: told to its author beside the answer."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_core.drivers import Part
from clusto_core.query.compiler import Compiler, questions
from clusto_core.query.relations import OWNERSHIP
from clusto_core.query.scope import Named, names_parts
from clusto_core.query.tree import And, Connected, DriverIs, Node, Not, Relation, Wired
from clusto_core.store.reader import Reader


def notes(reader: Reader, node: Node) -> list[str]:
    """What nothing can satisfy, with what may have been meant; `node` is bound, saved expressions written out.

    `not (connected to SET)` takes no part whose owner is in SET: a part is in its owner, and so connected to it. And
    nothing is both a part and a whole Thing.
    """
    found: dict[str, None] = {}
    for conjunction in _of_parts(node):
        found.update(dict.fromkeys(_strangers(conjunction)))
        found.update(dict.fromkeys(_owned(reader, conjunction)))
    return list(found)


def _of_parts(node: Node) -> Iterator[list[Node]]:
    """What is asked of parts, anywhere in an expression: a list of conditions each."""
    for question, part in questions(node):
        if part:
            yield from (_items(each) for each in _conjunctions(question))
    for relation in (each for each in node.walk() if isinstance(each, Relation)):
        yield from _of_parts(relation.target)


def _conjunctions(node: Node) -> Iterator[Node]:
    """The conjunctions that a tree in normal form is a disjunction of, as far as it is written as one."""
    if isinstance(node, And) or not node.children or isinstance(node, (Not, Relation)):
        yield node
    else:
        for child in node.children:
            yield from _conjunctions(child)


def _items(node: Node) -> list[Node]:
    return list(node.items) if isinstance(node, And) else [node]


def _strangers(items: list[Node]) -> Iterator[str]:
    for driver in items:
        if isinstance(driver, DriverIs) and not any(_may_be_part(each) for each in driver.drivers):
            for test in items:
                if names_parts(test) is Named.ALWAYS:
                    hint = f" ({test}(KIND) asks for Things that have such a part)" if isinstance(test, Wired) else ""
                    yield f"{test} is of parts, and {driver} is none: nothing satisfies both{hint}"


def _may_be_part(driver: type) -> bool:
    return issubclass(driver, Part) or issubclass(Part, driver)


def _owned(reader: Reader, items: list[Node]) -> Iterator[str]:
    for item in items:
        connected = item.item if isinstance(item, Not) else None
        if isinstance(connected, Connected) and connected.via is None:
            others = [each for each in items if each is not item]
            elsewhere = Not(Connected(connected.target, OWNERSHIP))
            if _any(reader, And(*others)) and not _any(reader, And(*others, elsewhere)):
                yield (
                    f"{item} takes none of these parts: a part is in its owner, and so connected to it"
                    " (free is a part without a cable; connected to SET via KIND counts cables only)"
                )


def _any(reader: Reader, node: Node) -> bool:
    compiler = Compiler(reader)
    select = compiler.select(node, True, ("id",))
    return bool(reader.database.rows(compiler.statement.text(f"{select} LIMIT 1"), compiler.statement.parameters))
