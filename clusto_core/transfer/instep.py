"""Which Documents need not be looked at: what they say was so when their files were imported last, and neither they nor
anything that they have to do with has changed since.

A Document asks for nothing then, however often it is brought in. It is looked at all the same where it names a Thing
that was changed since, or is joined to what another Document asks for that is new: so that two that contradict each
other are found, and whatever is told of them is what it would be if all were looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from clusto_core.drivers import registry
from clusto_core.drivers.equipment import PLACES
from clusto_core.records import imported
from clusto_core.records.imported import Imported
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document
from clusto_core.transfer.pile import Pile

_FEW = 0.5
"""The part of all Documents that is looked at alone; where it is more, all are."""


def due(reader: Reader, documents: Pile, known: Imported) -> Collection[int] | None:
    """The places of the Documents that are to be looked at, in order; None for all."""
    if not known.digests or (changed := imported.changed_since(reader, known.number)) is None:
        return None
    digests = documents.digests
    found = {place for place, digest in enumerate(digests) if digest not in known.digests}
    if not found and not changed:
        return ()
    joined: set[str] = set()
    for place, document in _every(documents):
        if place in found or not changed.isdisjoint(document.named()):
            found.add(place)
            if document.implied:
                continue
            if _may_matter_to_all(reader, document):
                return None
            joined |= document.joined()
            if len(found) > _FEW * len(documents):
                return None
    for place, document in _every(documents):
        if place not in found and not joined.isdisjoint(document.named()):
            found.add(place)
    return sorted(found)


def _every(documents: Pile) -> Iterator[tuple[int, Document]]:
    return enumerate(documents)


def _may_matter_to_all(reader: Reader, document: Document) -> bool:
    """Whether a Document that is new may say what others are read by, or move what others stand in."""
    driver = registry.of(document.driver) if document.driver else None
    if driver is not None and issubclass(driver, imported.READ_BY):
        return True
    if not document.parents and not document.at and not document.columns:
        return False
    thing = reader.get(document.name)
    return thing is not None and (issubclass(thing.kind, PLACES) or bool(reader.contents([thing.id], parts=False)))
