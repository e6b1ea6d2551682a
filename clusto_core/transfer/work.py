"""What the rounds of an import share: the transaction, the faults found so far, and the looking up of names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from clusto_core.drivers.resources import VRF, DeviceType, SiteKey
from clusto_core.errors import ClustoError, Malformed, NotFound, did_you_mean
from clusto_core.inventory import Transaction
from clusto_core.model.names import composed
from clusto_core.model.things import Thing
from clusto_core.rules import parts
from clusto_core.spelling import suggest
from clusto_core.store.unit import UnitOfWork
from clusto_core.transfer.documents import Document
from clusto_core.transfer.faults import Fault, where
from clusto_core.transfer.implied import Implied
from clusto_core.transfer.pile import Pile

_SUGGESTIONS = 10
"""How many unknown names get a suggestion: looking for one costs much more than finding a name."""

EARLY = (SiteKey.__name__, DeviceType.__name__)
"""The drivers of what is brought in before all else: what others are read and made by."""

Placed = list[tuple[int, Document]]
"""Documents with their places in the pile."""


class DamagedError(Exception):
    """Something names a Thing whose own object is faulty: that is no fault of what names it."""


class Work:
    """One import, as far as it is done."""

    def __init__(self, change: Transaction, documents: Pile) -> None:
        self.change = change
        self.documents = documents
        self.first_id = change.unit.next_id
        """The first id of what the import makes."""
        self.faults: list[Fault] = []
        self.damaged: set[str] = set()
        self.added = 0
        self.implied: list[Document] = []
        self.spaces_made = False
        """Whether the files speak of address spaces."""
        self.early: dict[str, list[int]] = {driver: [] for driver in EARLY}
        """The places of what is brought in before all else."""
        self.due: Collection[int] | None = None
        """The places of the Documents that are looked at, in order; None for all."""
        self.later: set[int] | None = None
        """Where it is too early to say that something is at fault: what is to be looked at again, by `id`."""
        self._implied = Implied()
        self._names = documents.places
        self._unsound: set[int] = set()
        self._suggested = 0
        self._told: set[tuple[str, int, str]] = set()

    @property
    def unit(self) -> UnitOfWork:
        """The unit of work of the transaction."""
        return self.change.unit

    @property
    def many(self) -> bool:
        """Whether there are more Documents to look at than are worked on at a time."""
        return len(self.documents) - self.left_out > self.documents.size

    @property
    def left_out(self) -> int:
        """How many Documents are not looked at, because they are in step."""
        return 0 if self.due is None else len(self.documents) - len(self.due)

    def is_added(self, thing: Thing) -> bool:
        """Whether the import made it."""
        return thing.id >= self.first_id

    def fault(self, document: Document, error: ClustoError, *path: str, others: Sequence[Document] = ()) -> None:
        """Notes what is wrong with a document, and with the `others` like it, at the line that says it."""
        if self.later is not None:
            self.later.add(id(document))
            return
        text = str(error)
        if document.name and re.search(rf"(?<!\w){re.escape(document.name)}(?!\w)", text) is None:
            text = f"{document.name}: {text}"
        self._tell(Fault(document.file, document.line_of(*path), text, type(error), document, others))

    def _tell(self, fault: Fault) -> None:
        # What is wrong with a Document is found again when that is looked at again.
        told = (fault.file, fault.line, fault.text)
        if told not in self._told:
            self._told.add(told)
            self.faults.append(fault)

    # --- the documents -----------------------------------------------------------------------------------------------

    def look_through(self) -> list[Document]:
        """Notes what is wrong with Documents by themselves; gives those of Things that are only named, with the parts
        that all of them name."""
        merged: set[int] = set()
        for place, document in self.documents.remarkable():
            if document.implied:
                if not self._implied.add(document):
                    merged.add(place)
                continue
            self._look_at(place, document)
        self._unsound |= merged
        return [document for document in self._implied.documents.values() if self._is_only_named(document)]

    def _is_only_named(self, document: Document) -> bool:
        if document.name in self._names:
            return False
        for problem in document.problems:
            self.damaged.add(document.name)
            self._tell(Fault(document.file, problem.line, problem.text, Malformed, document))
        return not document.problems

    def _look_at(self, place: int, document: Document) -> None:
        for problem in document.problems:
            self._tell(Fault(document.file, problem.line, problem.text, Malformed, document))
        sound = bool(document.name)
        if sound:
            earlier = self._names[document.name]
            if earlier != place:
                sound = False
                told = f"{document.name} is on {where(self.documents.at(earlier), document)} too"
                self.fault(document, Malformed(told), "name")
            elif document.problems:
                sound = False
                self.damaged.add(document.name)
        if not sound:
            self._unsound.add(place)
        elif document.driver in self.early:
            self.early[document.driver].append(place)
        elif document.driver == VRF.__name__:
            self.spaces_made = True

    def batches(self) -> Iterator[Placed]:
        """The Documents that can be looked at further, in order; `implied` says which of those that are only named."""
        if self.due is not None:
            yield from self.chosen(self.due)
            return
        kept = {document.name for document in self.implied}
        place = 0
        for batch in self.documents.batches():
            placed = enumerate(batch, place)
            place += len(batch)
            yield list(self._sound(placed, kept))

    def chosen(self, places: Iterable[int]) -> Iterator[Placed]:
        """As `batches`, those at some places, which are in order."""
        kept = {document.name for document in self.implied}
        if (due := self.due) is not None:
            due = frozenset(due)
            places = [place for place in places if place in due]
        return (list(self._sound(batch, kept)) for batch in self.documents.chosen(places))

    def _sound(self, placed: Iterable[tuple[int, Document]], kept: set[str]) -> Iterator[tuple[int, Document]]:
        for place, document in placed:
            if place in self._unsound:
                continue
            if document.implied:
                if document.name in kept:
                    yield place, self._implied.documents[document.name]
                continue
            self._implied.into(document)
            yield place, document

    # --- names -------------------------------------------------------------------------------------------------------

    def lookup(self, name: str) -> Thing:
        """The whole Thing of that name. Raises NotFound with a suggestion, DamagedError."""
        name = composed(name)
        thing = self.unit.get(name)
        if thing is None:
            if name in self.damaged:
                raise DamagedError
            raise NotFound(f"no such thing: {name}{self.guess(name)}")
        return thing

    def guess(self, name: str) -> str:
        """The tail of a message for an unknown name."""
        if self.later is not None:
            return ""
        self._suggested += 1
        if self._suggested > _SUGGESTIONS:
            return ""
        here = suggest(name, (each for each in (*self._names, *self._implied.documents) if each != name))
        return did_you_mean(here or self.unit.reader.suggestion(name))

    def part(self, thing: Thing, name: str) -> Thing:
        """A part by its name or by the device's own name for it. Raises NotFound."""
        found = self.unit.part(thing, name)
        return found if found is not None else parts.labelled(self.unit, thing, name)
