"""What the rounds of an import share: the transaction, the faults found so far, and the looking up of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clusto_core.errors import ClustoError, Malformed, NotFound, did_you_mean
from clusto_core.inventory import Transaction
from clusto_core.model.names import composed
from clusto_core.model.things import Thing
from clusto_core.rules import parts
from clusto_core.spelling import suggest
from clusto_core.transfer.documents import Document
from clusto_core.transfer.faults import Fault, where
from clusto_core.transfer.implied import joined

_SUGGESTIONS = 10
"""How many unknown names get a suggestion: looking for one costs much more than finding a name."""


class DamagedError(Exception):
    """Something names a Thing whose own object is faulty: that is no fault of what names it."""


class Work:
    """One import, as far as it is done."""

    def __init__(self, change: Transaction, documents: list[Document]) -> None:
        self.change = change
        self.unit = change.unit
        self.documents = documents
        self.faults: list[Fault] = []
        self.damaged: set[str] = set()
        self.added: set[int] = set()
        self.implied: list[Document] = []
        self._suggested = 0

    def fault(self, document: Document, error: ClustoError, *path: str, others: Sequence[Document] = ()) -> None:
        """Notes what is wrong with a document, and with the `others` like it, at the line that says it."""
        text = str(error)
        if document.name and re.search(rf"(?<!\w){re.escape(document.name)}(?!\w)", text) is None:
            text = f"{document.name}: {text}"
        self.faults.append(Fault(document.file, document.line_of(*path), text, type(error), document, others))

    def sound(self) -> list[Document]:
        """The documents that can be looked at further; what is wrong with the others is noted."""
        first: dict[str, Document] = {}
        found = []
        for document in joined(self.documents):
            for problem in document.problems:
                self.faults.append(Fault(document.file, problem.line, problem.text, Malformed, document))
            if not document.name:
                continue
            earlier = first.setdefault(document.name, document)
            if earlier is not document:
                self.fault(document, Malformed(f"{document.name} is on {where(earlier, document)} too"), "name")
            elif document.problems:
                self.damaged.add(document.name)
            else:
                found.append(document)
        return found

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
        self._suggested += 1
        if self._suggested > _SUGGESTIONS:
            return ""
        here = suggest(name, (each.name for each in self.documents if each.name != name))
        return did_you_mean(here or self.unit.reader.suggestion(name))

    def part(self, thing: Thing, name: str) -> Thing:
        """A part by its name or by the device's own name for it. Raises NotFound."""
        found = self.unit.part(thing, name)
        return found if found is not None else parts.labelled(self.unit, thing, name)
