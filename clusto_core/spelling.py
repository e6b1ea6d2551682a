"""Words as people read them: in which order, and which one a mistyped one may have meant. Pure functions of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import islice
from typing import Any

_LONGEST = 255
"""Longer texts are nobody's slip, and are not compared."""

_DIGITS = "0123456789"


@cache
def _splitting() -> Callable[[str], list[str | Any]]:
    """Compiled when it is first needed: most names of parts are a word and a number."""
    return re.compile("([0-9]+)").split


def split_numbers(name: str) -> list[str]:
    """`rack1-ru07` as ["rack", "1", "-ru", "07", ""]: text and numbers by turns, text first and last."""
    return _splitting()(name)


def natural_key(name: str) -> str:
    """A key that sorts names as people count: web2 before web10, and a Thing's parts right after the Thing.

    Numbers compare by value, of any length; among equal values the one with fewer leading zeros comes first (web1,
    web01, web001). Text between numbers compares by code point. Different names have different keys, so that the
    order is total and does not depend on the order of input. The key is a string, not a tuple, because lists of
    strings sort several times faster, and because a database orders by it too: that of a name without a colon holds no
    NUL, and has at most twice as many characters as the name. Stores keep it (`things.sort_key`): to change it takes a
    migration.
    """
    text = name.rstrip(_DIGITS)
    digits = name[len(text) :]
    if text.isalpha() and len(digits) < 9:  # what is below, for names such as server12, eth0, console
        number = digits.lstrip("0")
        return f"{text}{len(number)}{number}{chr(len(digits) - len(number) + 1)}" if digits else text
    # A number becomes: how many digits it has, those digits, one more than zeros led them. The count keeps the order of
    # values and, being made of digits itself, the place of numbers among other characters. "\0" sorts a colon first.
    pieces = _splitting()(name.replace(":", "\0"))
    for place in range(1, len(pieces), 2):
        written = pieces[place]
        digits = written.lstrip("0")
        length = len(digits)
        count = str(length) if length < 9 else "9" * (length // 9) + str(length % 9)
        pieces[place] = f"{count}{digits}{chr(1 + len(written) - length)}"
    return "".join(pieces)


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` most likely was meant to be, or None when none is close.

    Close is: the same but for case, for leading zeros, or for one or two letters missing, extra, wrong or swapped.
    A candidate with other numbers is never suggested: it is another machine, not another spelling. Nor is `name`
    itself, which is known not to be it. Looks once at each candidate and closely at no more than some thousands, so
    that 100,000 cost tens of milliseconds.
    """
    if not name or len(name) > _LONGEST:
        return None
    numbers = _values(name)
    rarest = max(numbers, key=len, default="")
    wanted = _spelling(name)
    letters = set(wanted)
    limit = 1 if len(wanted) < 5 else 2
    # Cheap tests first: most of a large inventory fails an early one, and few candidates get to the last.
    close = (
        (candidate, spelling)
        for candidate in candidates
        if rarest in candidate
        and candidate != name
        and len(candidate) <= _LONGEST
        and _values(candidate) == numbers
        and abs(len(spelling := _spelling(candidate)) - len(wanted)) <= limit
        and len(letters.difference(spelling)) <= limit
    )
    best: tuple[int, int, str] | None = None
    answer = None
    for candidate, spelling in islice(close, 5_000):
        distance = _distance(wanted, spelling, limit)
        if distance <= limit:
            rank = (distance, abs(len(candidate) - len(name)), natural_key(candidate))
            if best is None or rank < best:
                best, answer = rank, candidate
    return answer


def _values(name: str) -> list[str]:
    """The numbers in a name, without leading zeros: `rack01-ru0` has "1" and ""."""
    return [number.lstrip("0") for number in split_numbers(name)[1::2]]


def _spelling(name: str) -> str:
    """A name without its numbers and its case: `Rack01-RU7` is `rack0-ru0`."""
    return "0".join(split_numbers(name.casefold())[::2])


def _distance(a: Sequence[str], b: Sequence[str], limit: int) -> int:
    """How many letters were missed, added, mistaken or swapped with their neighbour; `limit` + 1 for any more.

    The optimal string alignment distance (Damerau 1964), row by row until a row exceeds the limit.
    """
    start, end_a, end_b = 0, len(a), len(b)
    while start < end_a and start < end_b and a[start] == b[start]:
        start += 1
    while end_a > start and end_b > start and a[end_a - 1] == b[end_b - 1]:
        end_a, end_b = end_a - 1, end_b - 1
    a, b = a[start:end_a], b[start:end_b]
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and other == a[i - 2]:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
