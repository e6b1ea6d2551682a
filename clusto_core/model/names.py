"""Names of Things and parts: how they are spelled.

A Thing's name is one word; a part is addressed `owner:part`. Everything here is a pure function of text.
"""

from __future__ import annotations

MAX_LENGTH = 255
"""The longest name of a Thing, and the longest of a part, in characters."""

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
        if "\udc80" <= character <= "\udcff":
            raise MalformedName(f"malformed {what} {name!a}: it is not UTF-8 (save the file as UTF-8)")
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


def trailing_number(name: str) -> int | None:
    """The number that a part's name ends in, which orders and pairs parts: 13 for `RU13`; None where there is none."""
    digits = name[len(name.rstrip("0123456789")) :]
    return int(digits) if digits and len(digits) < 18 else None
