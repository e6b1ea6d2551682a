"""Any number of Documents, of which some are in memory at a time."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator

from clusto_core.drivers.resources import VRF, DeviceType, SiteKey
from clusto_core.store.spill import Spill
from clusto_core.transfer.documents import Document
from clusto_core.transfer.packing import digest, packed, unpacked

_REMARKABLE = frozenset(driver.__name__ for driver in (SiteKey, DeviceType, VRF))
BATCH = 5_000
"""How many Documents are in memory, and are worked on, at a time, where there are more than FEW."""
FEW = 25_000
"""How many Documents are worked on at once, where there are no more: each batch costs time."""


class Pile(Collection[Document]):
    """Documents in the order in which they came; they are one batch, or more of them lie in a file than in memory."""

    def __init__(self, documents: Iterable[Document] = (), batch: int = BATCH, few: int = FEW) -> None:
        self.size = few
        """How many Documents a batch has at most: `few`, or `batch` where there are more than that."""
        self._smaller = batch
        self._spill = Spill()
        self._last: list[Document] = []
        self.notes: list[str] = []
        """What is to be told of them."""
        self.places: dict[str, int] = {}
        """By name, which Document is the first that speaks of a Thing."""
        self.proposed = False
        """Whether any of them is a proposal."""
        self.digests = array("Q")
        """By place, what tells a Document from any that says otherwise: see `packing.digest`; 0 for what is at fault,
        speaks of nothing, or only names a Thing."""
        self._remarkable = array("q")
        for document in documents:
            self.append(document)

    def append(self, document: Document) -> None:
        """Adds one. Raises StoreBroken where there is no room for temporary files."""
        if len(self._last) == self.size:
            self._put_away()
        place = len(self)
        self._last.append(document)
        self.notes.extend(document.notes)
        self.proposed = self.proposed or bool(document.evidence)
        speaks = document.name and not (document.implied or document.problems or document.evidence)
        self.digests.append((document.digest or digest(document)) if speaks else 0)
        if document.implied:
            self._remarkable.append(place)
            return
        first = self.places.setdefault(document.name, place) if document.name else place
        if first != place or document.problems or not document.name or document.driver in _REMARKABLE:
            self._remarkable.append(place)

    def _put_away(self) -> None:
        """Writes the Documents that are in memory; from then on, batches are the smaller ones."""
        documents, self._last, self.size = self._last, [], self._smaller
        while len(documents) >= self.size:
            self._spill.append(list(map(packed, documents[: self.size])))
            del documents[: self.size]
        self._last = documents

    def remarkable(self) -> Iterator[tuple[int, Document]]:
        """The Documents that more is to be known of than their names before anything is brought in, with their places:
        those that are at fault, or named twice, or what others are read by."""
        for batch in self.chosen(self._remarkable):
            yield from batch

    def __len__(self) -> int:
        return len(self._spill) * self.size + len(self._last)

    def __iter__(self) -> Iterator[Document]:
        for batch in self.batches():
            yield from batch

    def __contains__(self, document: object) -> bool:
        return any(each == document for each in self)

    def batches(self) -> Iterator[list[Document]]:
        """All Documents, a batch at a time; those of the file are made anew."""
        for number in range(len(self._spill)):
            yield self._batch(number)
        if self._last:
            yield self._last

    def at(self, place: int) -> Document:
        """The Document that came so many after the first one."""
        number, place = divmod(place, self.size)
        return self._batch(number)[place]

    def _batch(self, number: int) -> list[Document]:
        return list(map(unpacked, self._spill.batch(number))) if number < len(self._spill) else self._last

    def chosen(self, places: Iterable[int]) -> Iterator[list[tuple[int, Document]]]:
        """The Documents at these places, which are in order, each with its place; a batch at a time."""
        number, batch, found = -1, self._last, list[tuple[int, Document]]()
        for place in places:
            if place // self.size != number:
                number = place // self.size
                batch = self._batch(number)
            found.append((place, batch[place % self.size]))
            if len(found) == self.size:
                yield found
                found = []
        if found:
            yield found
