"""What a written value means when it is held against an attribute: the one place where text, numbers and dates meet.

The store keeps one canonical spelling of each value, so that a literal that means a number or an instant stands for
the few spellings of that number or instant: `12` for the number 12 and the number 12.0, besides the text "12".
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from clusto_core.errors import Malformed
from clusto_core.model.attributes import Value, infer
from clusto_core.query.patterns import Literal, Pattern
from clusto_core.query.tree import Attr, Compare, Exactly, HasKey, compare

NUMBERS = ("integer", "float")

KeyTest = Attr | Compare | Exactly | HasKey
"""The tests of the values under one key."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch


class Spellings(NamedTuple):
    """How values that equal a literal are spelled: any value by `text`, only numbers or instants by the others."""

    text: str
    numbers: tuple[str, ...]
    instants: tuple[str, ...]


def spellings(text: str) -> Spellings:
    """The spellings of what equals the literal `text`."""
    value = infer(text)
    numbers: set[str] = set()
    instants: set[str] = set()
    if value.type in NUMBERS:
        number = value.python()
        if number == 0:
            numbers |= {"0", "0.0", "-0.0"}
        numbers.add(repr(number))
        if isinstance(number, int) and float(number) == number:
            numbers.add(repr(float(number)))
        elif isinstance(number, float) and number.is_integer() and -(2**63) <= number < 2**63:
            numbers.add(str(int(number)))
    elif value.type == "datetime":
        moment = value.python()
        instants.add(moment.isoformat().replace("+00:00", "Z"))
        if (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0):
            instants.add(moment.date().isoformat())
    return Spellings(text, tuple(sorted(numbers - {text})), tuple(sorted(instants - {text})))


def equals(value: Value, literal: Literal) -> bool:
    """Whether a value equals a literal; a relation by the name of its Thing, with or without `@`."""
    if value.type == "relation":
        return literal.text in (value.text, f"@{value.text}")
    if value.text == literal.text:
        return True
    known = spellings(literal.text)
    return (value.type in NUMBERS and value.text in known.numbers) or (
        value.type == "datetime" and value.text in known.instants
    )


def fits(value: Value, pattern: Pattern) -> bool:
    """Whether a value matches a pattern."""
    return equals(value, pattern) if isinstance(pattern, Literal) else pattern.matches(value.text)


class Order(NamedTuple):
    """What a literal is ordered as: `sort` is number, instant (microseconds since 1970, UTC) or text."""

    sort: str
    bound: int | float | str


def order(literal: Literal) -> Order:
    """How a literal compares: a number with numbers, a date or time with those, anything else, and what is quoted,
    with text by the code points of its characters. Raises Malformed for a number that is out of all ranges."""
    if not literal.quoted:
        if _NUMBER(literal.text):
            if len(literal.text) > 300 or math.isinf(float(literal.text)):
                raise Malformed(f"a number out of range: {literal.text[:40]}")
            whole = literal.text.lstrip("-").isdigit()
            return Order("number", int(literal.text) if whole else float(literal.text))
        value = infer(literal.text)
        if value.type == "datetime" and value.integer is not None:
            return Order("instant", value.integer)
    return Order("text", literal.text)


def compares(value: Value, node: Compare) -> bool:
    """Whether one value stands to the literal as the sign says; the signs of order only."""
    sort, bound = order(node.value)
    if sort == "number":
        number = value.integer if value.type == "integer" else value.float
        return number is not None and compare(node.sign, number, bound)
    if sort == "instant":
        return value.type == "datetime" and compare(node.sign, value.integer or 0, bound)
    return value.type == "string" and compare(node.sign, value.text, bound)


def values_hold(node: KeyTest, values: list[Value]) -> bool:
    """Whether values under the key of a test satisfy it."""
    if isinstance(node, HasKey):
        return bool(values)
    if isinstance(node, Attr):
        return any(fits(value, node.pattern) for value in values)
    if isinstance(node, Exactly):
        return (
            bool(values)
            and all(any(equals(value, literal) for literal in node.values) for value in values)
            and all(any(equals(value, literal) for value in values) for literal in node.values)
        )
    if node.sign == "=":
        return any(equals(value, node.value) for value in values)
    if node.sign == "!=":
        return bool(values) and not any(equals(value, node.value) for value in values)
    return any(compares(value, node) for value in values)


def integer_bound(sign: str, bound: float) -> tuple[str, int]:
    """The comparison with a 64-bit integer that says the same of all integers as `integer SIGN bound`."""
    if isinstance(bound, float) and not bound.is_integer():
        sign, number = ("<=", math.floor(bound)) if sign in ("<", "<=") else (">=", math.ceil(bound))
    else:
        number = int(bound)
    if number >= 2**63:
        return ("<=", 2**63 - 1) if sign in ("<", "<=") else (">", 2**63 - 1)
    if number < -(2**63):
        return ("<", -(2**63)) if sign in ("<", "<=") else (">=", -(2**63))
    return sign, number


def float_bound(sign: str, bound: float) -> tuple[str, float]:
    """The comparison with a float that says the same of all floats as `float SIGN bound`, exactly."""
    near = float(bound)
    if near > bound:
        # No float lies between the bound and its neighbour above.
        sign = "<" if sign in ("<", "<=") else ">="
    elif near < bound:
        sign = "<=" if sign in ("<", "<=") else ">"
    return sign, near
