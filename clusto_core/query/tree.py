"""The syntax tree of an expression: what a parser makes and what is compiled, matched and explained.

Nodes are equal by what they hold; `str` writes a node as an expression again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from clusto_core.drivers import Driver
from clusto_core.model.addresses import claim
from clusto_core.model.attributes import Key
from clusto_core.query.patterns import Literal, Pattern


class Node:
    """A part of an expression."""

    __slots__: ClassVar[tuple[str, ...]] = ()

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes right below."""
        return ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def __and__(self, other: Node) -> Node:
        return And(self, other)

    def __or__(self, other: Node) -> Node:
        return Or(self, other)

    def __invert__(self) -> Node:
        return Not(self)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((type(self).__name__, *(getattr(self, name) for name in self.__slots__)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


# --- tests of a Thing's own -------------------------------------------------------------------------------------------


class Name(Node):
    """`name:PATTERN`."""

    __slots__ = ("pattern",)

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern

    def __str__(self) -> str:
        return f"name:{self.pattern}"


class DriverIs(Node):
    """`driver:PATTERN`: of one of these drivers or of one below it in the tree."""

    __slots__ = ("drivers", "pattern")

    def __init__(self, pattern: Pattern, drivers: tuple[type[Driver], ...]) -> None:
        self.pattern = pattern
        self.drivers = drivers

    def __str__(self) -> str:
        return f"driver:{self.pattern}"


class PartName(Node):
    """`part:PATTERN`: a part that is called so on its owner."""

    __slots__ = ("pattern",)

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern

    def __str__(self) -> str:
        return f"part:{self.pattern}"


class Address(Node):
    """`_ip:ADDRESS`, a block or a span of addresses: held by the Thing or by one of its parts.

    `low` and `high` are claims: see `addresses.claim`. `space` is the name of the address space that is said, as in
    `_ip:10.2.0.0/16@blue`: empty for the one without a name, None for any.
    """

    __slots__ = ("high", "low", "space", "text")

    def __init__(self, text: str, low: str, high: str, space: str | None = None) -> None:
        self.text = text
        self.low = low
        self.high = high
        self.space = space

    def holds(self, text: str, space: str) -> bool:
        """Whether an address in the space of that name is among these."""
        from clusto_core.model.addresses import parse

        address = parse(text)
        if address is None or self.space not in (None, space):
            return False
        return self.low <= claim(address) <= self.high

    def __str__(self) -> str:
        return f"_ip:{self.text}"


class Attr(Node):
    """`attr:KEY,PATTERN`: some value under the key matches. `inherited`: also one in force from what it is in."""

    __slots__ = ("inherited", "key", "pattern")

    def __init__(self, key: Key, pattern: Pattern, inherited: bool = False) -> None:
        self.key = key
        self.pattern = pattern
        self.inherited = inherited

    def __str__(self) -> str:
        return f"attr:{self.key},{self.pattern}{_inherited(self.inherited)}"


class Compare(Node):
    """`attr:KEY<VALUE`: some value under the key compares so; `!=`: there are values, and none is equal."""

    __slots__ = ("inherited", "key", "sign", "value")

    def __init__(self, key: Key, sign: str, value: Literal, inherited: bool = False) -> None:
        self.key = key
        self.sign = sign
        self.value = value
        self.inherited = inherited

    def __str__(self) -> str:
        return f"attr:{self.key}{self.sign}{self.value}{_inherited(self.inherited)}"


class Exactly(Node):
    """`attr:KEY={A,B}`: the values under the key are exactly these."""

    __slots__ = ("inherited", "key", "values")

    def __init__(self, key: Key, values: tuple[Literal, ...], inherited: bool = False) -> None:
        self.key = key
        self.values = values
        self.inherited = inherited

    def __str__(self) -> str:
        return f"attr:{self.key}={{{','.join(map(str, self.values))}}}{_inherited(self.inherited)}"


class OnlyAttrs(Node):
    """`attrs={KEY=A,KEY=B}`: all attributes, reserved ones apart, are exactly these."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: tuple[tuple[Key, Literal], ...]) -> None:
        self.pairs = pairs

    def __str__(self) -> str:
        return f"attrs={{{','.join(f'{key}={value}' for key, value in self.pairs)}}}"


class HasKey(Node):
    """`haskey(KEY)`: there is a value under the key."""

    __slots__ = ("inherited", "key")

    def __init__(self, key: Key, inherited: bool = False) -> None:
        self.key = key
        self.inherited = inherited

    def __str__(self) -> str:
        return f"haskey({self.key}){_inherited(self.inherited)}"


class Wired(Node):
    """`free`, `cabled`: a part that nothing is joined to, or something is. `free(KIND)`, `cabled(KIND)`: for that kind
    of connection; a whole Thing satisfies these by one of its parts, or by the rack units it is in."""

    __slots__ = ("kind",)
    word: ClassVar[str]

    def __init__(self, kind: str | None = None) -> None:
        self.kind = kind

    def __str__(self) -> str:
        return f"{self.word}({self.kind})" if self.kind else self.word


class Free(Wired):
    """`free`: a part that something can be joined to, and nothing is."""

    __slots__ = ("kind",)
    word = "free"


class Cabled(Wired):
    """`cabled`: a part that something is joined to; a rack unit that something stands in."""

    __slots__ = ("kind",)
    word = "cabled"


# --- relations of the candidate to a set ------------------------------------------------------------------------------


class Relation(Node):
    """What joins the candidate to the Things that `target` selects."""

    __slots__ = ("target",)

    def __init__(self, target: Node) -> None:
        self.target = target

    @property
    def children(self) -> tuple[Node, ...]:
        """The set on the right side."""
        return (self.target,)


class Connected(Relation):
    """`connected to SET [via KIND]`: one step, either way, through patch panels."""

    __slots__ = ("target", "via")

    def __init__(self, target: Node, via: str | None = None) -> None:
        self.target = target
        self.via = via

    def __str__(self) -> str:
        return f"connected to {_operand(self.target)}{f' via {self.via}' if self.via else ''}"


class In(Relation):
    """`in SET`: any number of steps up."""

    __slots__ = ("target",)

    def __str__(self) -> str:
        return f"in {_operand(self.target)}"


class Fed(Relation):
    """`fed by SET`: power comes from there, any number of steps, through what gives it on inlet by inlet."""

    __slots__ = ("target",)

    def __str__(self) -> str:
        return f"fed by {_operand(self.target)}"


class Count(Node):
    """`count(RELATION) < N`: how many different Things of the set it reaches."""

    __slots__ = ("number", "relation", "sign")

    def __init__(self, relation: Relation, sign: str, number: int) -> None:
        self.relation = relation
        self.sign = sign
        self.number = number

    @property
    def children(self) -> tuple[Node, ...]:
        """The relation."""
        return (self.relation,)

    def holds(self, count: int) -> bool:
        """Whether a count satisfies the test."""
        return compare(self.sign, count, self.number)

    def __str__(self) -> str:
        return f"count({self.relation}) {self.sign} {self.number}"


class Saved(Node):
    """`@NAME`: a saved expression."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"@{self.name}"


class Among(Node):
    """The Things and parts of these ids. No text is read as one: it narrows a question to what is looked at."""

    __slots__ = ("ids",)

    def __init__(self, ids: frozenset[int]) -> None:
        self.ids = ids

    def __str__(self) -> str:
        return f"among {len(self.ids)}"


# --- operators --------------------------------------------------------------------------------------------------------


class Not(Node):
    """`not X`."""

    __slots__ = ("item",)

    def __init__(self, item: Node) -> None:
        self.item = item

    @property
    def children(self) -> tuple[Node, ...]:
        """What is negated."""
        return (self.item,)

    def __str__(self) -> str:
        return f"not {_operand(self.item)}" if isinstance(self.item, (And, Or, Not)) else f"not {self.item}"


class And(Node):
    """`A and B`; of nothing, it is true."""

    __slots__ = ("items",)

    def __init__(self, *items: Node) -> None:
        self.items = items

    @property
    def children(self) -> tuple[Node, ...]:
        """What is joined."""
        return self.items

    def __str__(self) -> str:
        return " and ".join(_operand(item) if isinstance(item, (And, Or)) else str(item) for item in self.items)


class Or(Node):
    """`A or B`; of nothing, it is false."""

    __slots__ = ("items",)

    def __init__(self, *items: Node) -> None:
        self.items = items

    @property
    def children(self) -> tuple[Node, ...]:
        """What is joined."""
        return self.items

    def __str__(self) -> str:
        return " or ".join(_operand(item) if isinstance(item, Or) else str(item) for item in self.items)


EVERYTHING = And()
NOTHING = Or()


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
OPERATORS = tuple(_COMPARE)


def compare(sign: str, one: float | str, other: float | str) -> bool:
    """`one SIGN other`, both of one sort."""
    return _COMPARE[sign](one, other)


def rewrite(node: Node, change: dict[Node, Node]) -> Node:
    """The tree with some of its leaves exchanged."""
    if node in change:
        return change[node]
    if isinstance(node, Not):
        return Not(rewrite(node.item, change))
    if isinstance(node, (And, Or)):
        return type(node)(*(rewrite(item, change) for item in node.items))
    if isinstance(node, Connected):
        return Connected(rewrite(node.target, change), node.via)
    if isinstance(node, (In, Fed)):
        return type(node)(rewrite(node.target, change))
    if isinstance(node, Count):
        relation = rewrite(node.relation, change)
        assert isinstance(relation, Relation)
        return Count(relation, node.sign, node.number)
    return node


def _inherited(inherited: bool) -> str:
    return " inherited" if inherited else ""


def _operand(node: Node) -> str:
    """A side of a relation: a test, or anything in parentheses."""
    return f"({node})" if isinstance(node, (And, Or, Not, Relation)) else str(node)
