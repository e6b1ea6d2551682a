"""What is wrong with files that are to be imported: all of it, each with its file and line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.transfer.documents import Document

Place = tuple[str, int, str]
"""A file, a line and a name."""

_ORDER = (Malformed, NotFound, Refused)


class Fault(NamedTuple):
    """One thing that is wrong; `kind` is the error that it would be by itself."""

    file: str
    line: int
    text: str
    kind: type[ClustoError]
    document: Document | None = None
    """What is faulty, where it is one object of the file."""
    others: Sequence[Document] = ()
    """What is faulty in the same way, and told with it."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class Faulty(ClustoError):
    """Files that cannot be imported, with all their faults in the order of files and lines; nothing of them was."""

    def __init__(self, faults: list[Fault]) -> None:
        places = {fault.file: place for place, fault in reversed(list(enumerate(faults)))}
        self.faults = sorted(faults, key=lambda fault: (places[fault.file], fault.line))
        super().__init__(str(faults[0]) if len(faults) == 1 else f"{len(faults)} errors: nothing was imported")

    @property
    def documents(self) -> set[Place]:
        """Where the faulty objects of the files are."""
        every = (each for fault in self.faults for each in (fault.document, *fault.others) if each is not None)
        return set(map(place, every))

    @property
    def single(self) -> ClustoError:
        """All of it as the one error that it amounts to: Malformed before NotFound before Refused."""
        kinds = {fault.kind for fault in self.faults}
        kind = next((kind for kind in _ORDER if kind in kinds), self.faults[0].kind)
        return kind(str(self))


def place(document: Document) -> Place:
    """What tells a Document from the others of its files."""
    return document.file, document.line, document.name


def where(document: Document, seen_from: Document) -> str:
    """How a message about one document names the place of another: `line 7`, or `site.yaml:7` of another file."""
    return f"line {document.line}" if document.file == seen_from.file else f"{document.file}:{document.line}"
