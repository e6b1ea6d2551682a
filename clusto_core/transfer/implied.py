"""Things that files name and say nothing of: the racks, switches and PDUs of a spreadsheet's columns."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.transfer.documents import Document

_SHOWN = 10


class Implied:
    """The Things that Documents only name, each one Document, by however many it is named."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        """By name, in the order in which they were named first."""

    def add(self, document: Document) -> bool:
        """Another Document that only names a Thing; False where it goes into one that is there."""
        first = self.documents.setdefault(document.name, document)
        if first is not document:
            _join(first, document)
        return first is document

    def into(self, document: Document) -> None:
        """Gives a Document that speaks of a Thing the parts that others name."""
        if (other := self.documents.get(document.name)) is not None:
            _join(document, other)


def _join(document: Document, other: Document) -> None:
    parts = dict(document.new_parts)
    for kind, wanted in other.new_parts.items():
        parts[kind] = _more(parts.get(kind, 0), wanted)
    if parts:
        document.new_parts = parts


def _more(one: int | tuple[str, ...], other: int | tuple[str, ...]) -> int | tuple[str, ...]:
    """The larger count, or all names."""
    if isinstance(one, int):
        return max(one, other) if isinstance(other, int) else other
    return one if isinstance(other, int) else tuple(dict.fromkeys((*one, *other)))


def grouped(documents: Iterable[Document]) -> list[tuple[str, str]]:
    """The names of implied Things by their drivers, shortened."""
    found: dict[str, list[str]] = {}
    for document in documents:
        found.setdefault(document.new_driver, []).append(document.name)
    return [(driver, _list(names)) for driver, names in found.items()]


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
