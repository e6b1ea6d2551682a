"""What can go wrong, by what the caller can do about it. Messages are one line and say what to do."""

from __future__ import annotations


class ClustoError(Exception):
    """Any failure that clusto expected; `str(error)` is one line without a final stop."""

    details: tuple[str, ...] = ()
    """Further lines for whoever reads the message: the text that is malformed, with a caret below."""


class Malformed(ClustoError):
    """Wrong usage: a malformed name, key, value or expression, an unknown driver, a reserved key."""


class NotFound(ClustoError):
    """No such Thing, part, key, VLAN, transaction or store."""


class Refused(ClustoError):
    """A conflict with what is in the store: a name taken, parts in use or that do not fit, protected, not confirmed."""


class StoreBroken(ClustoError):
    """The store cannot be read or written: not a clusto store, damaged, newer than this clusto, disk full."""


def did_you_mean(suggestion: str | None) -> str:
    """The tail of a message: ` (did you mean server1?)`, or nothing."""
    return f" (did you mean {suggestion}?)" if suggestion else ""
