"""The three ways in which a Thing can match pairs of keys and values, as expressions.

HAS     the pairs are among its attributes; it may have more values under the keys     attr:status=spare and ...
KEYS    the values under the given keys are exactly these                              attr:tag={x,y} and ...
ALL     all its attributes (reserved keys apart) are exactly these                     attrs={status=spare,tag=x}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from clusto_core.errors import Malformed
from clusto_core.model.attributes import Key, from_python
from clusto_core.model.things import Thing
from clusto_core.query import tree
from clusto_core.query.patterns import Literal

Pairs = Mapping[str, object]
"""Values by key as it is spelled; a list or tuple is several values, a Thing (or a handle of it) a relation to it."""


class Match(Enum):
    """Which of the three ways."""

    HAS = "has"
    KEYS = "keys"
    ALL = "all"


def matching(pairs: Pairs, how: Match = Match.HAS) -> tree.Node:
    """The expression that the pairs are. Raises Malformed for keys and values that cannot be, and for a key without
    values, unless nothing is what all attributes are to be."""
    parse = Key.parse if how is Match.ALL else Key.pattern
    wanted = [(parse(key), tuple(_literals(value))) for key, value in pairs.items()]
    for key, literals in wanted:
        if not literals:
            raise Malformed(f"no value is given for {key}: ask for a Thing without it by not haskey({key})")
    if how is Match.ALL:
        return tree.OnlyAttrs(tuple((key, literal) for key, literals in wanted for literal in literals))
    if not wanted:
        raise Malformed("no pairs are given to match")
    if how is Match.KEYS:
        items: list[tree.Node] = [tree.Exactly(key, literals) for key, literals in wanted]
    else:
        items = [tree.Compare(key, "=", literal) for key, literals in wanted for literal in literals]
    return items[0] if len(items) == 1 else tree.And(*items)


def _literals(value: object) -> Iterable[Literal]:
    for each in value if isinstance(value, (list, tuple)) else (value,):
        yield Literal(each.name if isinstance(each, Thing) else from_python(each).text)
