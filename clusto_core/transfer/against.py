"""What differs between an inventory and what files say, all of it: Things that the files lack, too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from clusto_core.inventory import Transaction
from clusto_core.records import history
from clusto_core.records.between import REMOVED, Difference, differences
from clusto_core.records.searching import Touched
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork
from clusto_core.transfer import importer
from clusto_core.transfer.documents import Document


def against(
    reader: Reader, documents: Collection[Document], touched: Callable[[Reader], Touched] | None = None
) -> Iterator[Difference]:
    """How an inventory would differ if it were what the documents say, in natural order of names. What they leave
    unsaid of a Thing that they name is no difference.

    The reader is of a store that will not be kept: the documents are brought into it. `touched` says by it which Things
    are meant, before and after. Raises as `importer.load`.
    """
    unit = UnitOfWork(reader)
    there = {thing.id: thing for thing in reader.all()}
    meant = [touched(reader)] if touched is not None else []
    importer.load(Transaction(unit, dry_run=True), documents)
    meant += [touched(unit.reader)] if touched is not None else []
    only = Touched(*(one | other for one, other in zip(*meant, strict=True))) if meant else None
    found = list(differences(history.pending(unit), only))
    named = {document.name for document in documents}
    for thing in there.values():
        if thing.name not in named and (only is None or thing.id in only.things):
            found.append(Difference(thing.name, REMOVED, [f"{thing.driver} {thing.name}"], []))
    yield from sorted(found, key=lambda difference: natural_key(difference.name))
