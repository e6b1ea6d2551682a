"""Ranges that go together, one to one: `old[1-9]` and `new[1-9]`."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.errors import Malformed, Refused
from clusto_core.model.ranges import MalformedRange, expand
from clusto_core.rules.parts import LIMIT

_NOTATION = frozenset("[],!&^")
"""What no name holds and a range does."""


def is_written_as_range(text: str) -> bool:
    """Whether a text holds what a range is written with, and no name."""
    return not _NOTATION.isdisjoint(text)


def written_out(text: str) -> list[str]:
    """The names that a text means, in order: those of a range, or itself. Raises Malformed."""
    if not is_written_as_range(text):
        return [text]
    try:
        return list(expand(text, LIMIT))
    except MalformedRange as error:
        raise Malformed(str(error)) from None


def paired(one: str | Iterable[str], other: str) -> list[tuple[str, str]]:
    """Each name that one side means, a text or names written out, with the one of the other. Raises Refused when they
    are not as many, Malformed."""
    left = written_out(one) if isinstance(one, str) else list(one)
    right = written_out(other)
    if len(right) == 1 and not isinstance(one, str):
        right *= len(left)
    if len(left) != len(right):
        said = one if isinstance(one, str) else "what is named"
        raise Refused(f"{said} means {len(left)} and {other} {len(right)}: they go together one to one")
    return list(zip(left, right, strict=True))
