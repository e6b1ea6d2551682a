"""Which object of a source a Thing or part is: the source's own identity of it, which outlives names and places."""

from __future__ import annotations

from typing import NamedTuple

from clusto_core.errors import Malformed


class Origin(NamedTuple):
    """One object as its source knows it: of what kind (`dcim.device`), and its id there, as text (`12`).

    A kind has no colon in it; an id is whatever text the source has. Kinds are a source's own: two objects with one id
    are two where their kinds differ.
    """

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Origin:
        """The origin that is spelled so. Raises Malformed."""
        kind, colon, id = text.partition(":")
        if not colon or not kind or not id:
            raise Malformed(f"malformed identity in a source: {text[:60]!a} (write KIND:ID)")
        return cls(kind, id)
