"""Things that files name and say nothing of: the racks, switches and PDUs of a spreadsheet's columns."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.transfer.documents import Document

_SHOWN = 10


def joined(documents: Iterable[Document]) -> list[Document]:
    """The documents with one for each Thing that is only named, by however many files; none for one that a file speaks
    of, which has the parts besides that the others name."""
    found = list(documents)
    named: dict[str, list[Document]] = {}
    for document in found:
        if document.implied:
            named.setdefault(document.name, []).append(document)
    if not named:
        return found
    kept = []
    for document in found:
        others = named.pop(document.name, []) if not document.implied else named.get(document.name, [])
        if document.implied and (not others or others[0] is not document):
            continue
        kept.append(_joined(document, others))
    spoken = {document.name for document in kept if not document.implied}
    return [document for document in kept if not document.implied or document.name not in spoken]


def _joined(document: Document, others: list[Document]) -> Document:
    parts: dict[str, int | tuple[str, ...]] = {}
    for each in (*others, document):
        for kind, wanted in each.new_parts.items():
            parts[kind] = _more(parts.get(kind, 0), wanted)
    if parts:
        document.new_parts = parts
    return document


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
