"""Things as a text that a person edits, and what the text says when it comes back.

Unlike an import, what is taken out of the text is taken out of the inventory: a value, an address, a membership, a
position, a cable. Things themselves neither come nor go by it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.model.things import Thing
from clusto_core.records import history
from clusto_core.rules import cabling
from clusto_core.store.reader import Reader
from clusto_core.transfer import formats, importer
from clusto_core.transfer.documents import Document, Values
from clusto_core.transfer.faults import Fault, Faulty
from clusto_core.transfer.leaving import Leaving

FORMAT = "yaml"


class Draft(NamedTuple):
    """Things as they were written out: the text, what it says, and the last transaction that it knows of."""

    text: str
    documents: Sequence[Document]
    ids: frozenset[int]
    transaction: int


def draft(reader: Reader, things: Iterable[Thing]) -> Draft:
    """Things as a text in YAML, secrets too, as an export has them; a part stands for its owner."""
    chosen = list(things)
    written = io.StringIO()
    formats.writer_of(FORMAT)(reader, chosen, written, Leaving())
    ids = frozenset(thing.entity_id for thing in chosen)
    return Draft(written.getvalue(), read(written.getvalue()), ids, history.latest(reader))


def read(text: str) -> list[Document]:
    """What a text says; what is wrong with it is in the Documents."""
    return list(formats.reader_of(FORMAT)(io.StringIO(text), "text"))


def left_out(before: Draft, edited: Iterable[Document]) -> list[str]:
    """The names of Things that are in the text no more: they stay as they are."""
    named = {document.name for document in edited}
    return [document.name for document in before.documents if document.name not in named]


def apply(change: Transaction, before: Draft, edited: Sequence[Document]) -> None:
    """Makes the Things agree with the text, where it differs from what it was.

    Raises Refused when another transaction has changed one of them meanwhile; Faulty with all that is wrong with the
    text, also for Things that it did not have before.
    """
    known = {document.name: document for document in before.documents}
    if faults := [_strange(document) for document in edited if document.name and document.name not in known]:
        raise Faulty(faults)
    _check_unchanged(change, before)
    with change.unit.wholly():
        if not any(document.problems for document in edited):
            for document in edited:
                _take_out(change, known[document.name], document)
        importer.load(
            change, [_told_wholly(known[document.name], document) if document.name else document for document in edited]
        )


def _strange(document: Document) -> Fault:
    told = f"{document.name} was not in the text: clusto add makes new Things, clusto rename gives other names"
    return Fault(document.file, document.line_of("name"), told, Malformed)


def _check_unchanged(change: Transaction, before: Draft) -> None:
    later = history.changed_since(change.unit.reader, before.ids, before.transaction)
    if later is not None:
        raise Refused(f"{later.name} was changed meanwhile, by transaction {later.transaction}: edit it anew")


def _told_wholly(before: Document, edited: Document) -> Document:
    """What is edited, with all that it says no more as explicitly nothing."""
    if before.type and not edited.type:
        edited = replace(edited, type=before.type)
    return replace(
        edited,
        attrs=_emptied(before.attrs, edited.attrs),
        part_attrs={
            name: _emptied(before.part_attrs.get(name, {}), edited.part_attrs.get(name, {}))
            for name in {**before.part_attrs, **edited.part_attrs}
        },
        addresses={**dict.fromkeys(before.addresses, ()), **edited.addresses},
    )


def _emptied(before: Values, edited: Values) -> Values:
    return {**dict.fromkeys(before, ()), **edited}


def _take_out(change: Transaction, before: Document, edited: Document) -> None:
    """Takes a Thing out of what it is in no more, and its cables out that are no more."""
    unit = change.unit
    thing = change.resolve(before.name)
    for name in before.parents:
        if name not in edited.parents:
            change.take(thing, name)
    if before.at and not edited.at:
        for cable in cabling.positions(unit, thing):
            unit.delete_cable(cable)
    for name in before.connect:
        if name not in edited.connect:
            part = unit.part(thing, name)
            if part is None:
                raise NotFound(f"no such part: {thing.name}:{name}")
            cabling.disconnect(unit, part)
