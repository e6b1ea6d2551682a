"""What becomes of Things that files only name (`implied`) and that are not in the inventory: made, or told."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.errors import NotFound
from clusto_core.transfer.documents import Document
from clusto_core.transfer.implied import grouped
from clusto_core.transfer.work import Work


def settled(work: Work, documents: Iterable[Document], create: bool | None) -> list[Document]:
    """The implied Documents without those of Things that are there already. What is missing is made where `create` says
    so, or says nothing and the inventory has nothing of that driver yet, so that no name can be a slip for another one;
    else all of it is told at once."""
    found = list(documents)
    if not found:
        return found
    work.unit.prefetch_names(each.name for each in found)
    missing = [each for each in found if work.unit.get(each.name) is None]
    wanted = _wanted(work, missing, create)
    unwanted = [document for document in missing if document.new_driver not in wanted]
    for document in unwanted:
        work.damaged.add(document.name)
    if unwanted:
        work.fault(unwanted[0], NotFound(_told(unwanted)), others=unwanted[1:])
    return [document for document in missing if document.new_driver in wanted]


def _wanted(work: Work, missing: list[Document], create: bool | None) -> set[str]:
    """The drivers that missing Things may be made of."""
    drivers = {document.new_driver for document in missing}
    if create is not None:
        return drivers if create else set()
    return drivers - set(work.unit.reader.drivers())


def _told(missing: list[Document]) -> str:
    kinds = [f"{driver} {names}" for driver, names in grouped(missing)]
    return f"not in the inventory: {'; '.join(kinds)} (--create adds what the rows name)"
