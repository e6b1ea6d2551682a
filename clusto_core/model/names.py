"""Names of Things and parts: how they are spelled, how they sort, and what a mistyped one may have meant.

A Thing's name is one word; a part is addressed `owner:part`. Everything here is a pure function of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

MAX_LENGTH = 255
"""The longest name of a Thing, and the longest of a part, in characters."""

split_numbers = re.compile("([0-9]+)").split
"""`rack1-ru07` as ["rack", "1", "-ru", "07", ""]: text and numbers by turns, text first and last."""

# Every quick command imports this module, and would pay for compiling each further pattern here.
_THING_MARKS = "._-+"
_PART_MARKS = "._-+/:"
_WITHOUT_THING_MARKS = str.maketrans("", "", _THING_MARKS)
_WITHOUT_PART_MARKS = str.maketrans("", "", _PART_MARKS)

# Unicode counts these as letters, and they are drawn as blanks.
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")


class MalformedName(ValueError):
    """A name that no Thing or part may have; the message says which character is at fault, or what is missing."""


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a Thing.

    A name holds letters of any script, the digits 0-9 and . _ - + , at least one of them a letter or a digit; it
    does not begin with a dash; it has at most 255 characters and is in Unicode normal form C, so that no two names
    look the same and differ. Words of the expression language (and, or, not, in) are names like any other.

    Raises MalformedName.
    """
    _check(name, "name", _THING_MARKS, _WITHOUT_THING_MARKS)


def check_part_name(name: str) -> None:
    """Refuse what cannot be the name of a part, which stands after the colon in `owner:part`.

    As `check_name`; beyond that a part's name may hold slashes and colons, though not begin with one
    (`GigabitEthernet0/4`, `xe-0/0/0:1`). Raises MalformedName.
    """
    _check(name, "part name", _PART_MARKS, _WITHOUT_PART_MARKS)


def _check(name: str, what: str, marks: str, without_marks: dict[int, int | None]) -> None:
    """Raise MalformedName for the first thing that is wrong with `name`."""
    if name.isascii() and len(name) <= MAX_LENGTH and name[:1] not in "-/:" and name.translate(without_marks).isalnum():
        return  # as nearly every name; any other is looked at character by character
    if not name:
        raise MalformedName(f"malformed {what}: it is empty")
    if len(name) > MAX_LENGTH:
        raise MalformedName(f"malformed {what} {name[:20]!r}...: it has {len(name)} characters, at most {MAX_LENGTH}")
    if name[0] in "-/:":
        raise MalformedName(f"malformed {what} {name!r}: it begins with {name[0]!r}")
    if not name.isascii():
        from unicodedata import is_normalized

        if not is_normalized("NFC", name):
            raise MalformedName(f"malformed {what} {name!r}: it is not in Unicode normal form C")
    for column, character in enumerate(name, 1):
        if character in marks or (character.isascii() and character.isalnum()):
            continue
        if character.isascii() or not character.isalpha() or character in _BLANK_LETTERS:
            raise MalformedName(
                f"malformed {what} {name!r}: {character!r} in column {column}; "
                f"allowed are letters, digits and {' '.join(marks)}"
            )
    if not name.strip(marks):
        raise MalformedName(f"malformed {what} {name!r}: it has no letter and no digit")


def composed(text: str) -> str:
    """The text with letters and their marks as one character each (Unicode's NFC): macOS and some keyboards write them
    apart, and both look alike."""
    if text.isascii():
        return text
    from unicodedata import normalize

    return normalize("NFC", text)


def split_part(address: str) -> tuple[str, str | None]:
    """`server1:eth0` as ("server1", "eth0"); `server1`, which addresses no part, as ("server1", None).

    The first colon splits, so that a part's own name may hold others. Neither half is checked.
    """
    owner, colon, part = address.partition(":")
    return owner, part if colon else None


def natural_key(name: str) -> str:
    """A key that sorts names as people count: web2 before web10, and a Thing's parts right after the Thing.

    Numbers compare by value, of any length; among equal values the one with fewer leading zeros comes first (web1,
    web01, web001). Text between numbers compares by code point. Different names have different keys, so that the
    order is total and does not depend on the order of input. The key is a string, not a tuple, because lists of
    strings sort several times faster.
    """
    # A number becomes: how many digits it has, those digits, how many zeros led them. The count keeps the order of
    # values and, being made of digits itself, the place of numbers among other characters. "\0" sorts a colon first.
    pieces = split_numbers(name.replace(":", "\0"))
    for place in range(1, len(pieces), 2):
        written = pieces[place]
        digits = written.lstrip("0")
        length = len(digits)
        count = str(length) if length < 9 else "9" * (length // 9) + str(length % 9)
        pieces[place] = f"{count}{digits}{chr(len(written) - length)}"
    return "".join(pieces)


def trailing_number(name: str) -> int | None:
    """The number that a part's name ends in, which orders and pairs parts: 13 for `RU13`; None where there is none."""
    digits = name[len(name.rstrip("0123456789")) :]
    return int(digits) if digits and len(digits) < 18 else None


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` most likely was meant to be, or None when none is close.

    Close is: the same but for case, for leading zeros, or for one or two letters missing, extra, wrong or swapped.
    A candidate with other numbers is never suggested: it is another machine, not another spelling. Looks once at each
    candidate and closely at no more than some thousands, so that 100,000 cost tens of milliseconds.
    """
    if not name or len(name) > MAX_LENGTH:
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
        and len(candidate) <= MAX_LENGTH
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
