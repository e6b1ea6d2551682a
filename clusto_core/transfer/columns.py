"""The columns of a spreadsheet: which of them are parts of a Thing, connected to what is in the cell, and which are
keys of attributes. That shows when the parts of the Thing are known."""

from __future__ import annotations

from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.model.names import composed, split_part
from clusto_core.model.things import Thing
from clusto_core.spelling import suggest
from clusto_core.store.unit import UnitOfWork
from clusto_core.transfer.documents import Document, written_key


def sort(unit: UnitOfWork, document: Document, thing: Thing) -> None:
    """Makes the columns of a Document its cables and attributes. Raises Malformed for a part that is connected to
    several others, NotFound for a part that the Thing has not."""
    connect = dict(document.connect)
    attrs = dict(document.attrs)
    for header, cells in document.columns.items():
        if unit.part(thing, header) is not None:
            if len(cells) != 1:
                raise Malformed(f"{header}: a part is connected to one other")
            connect[header] = cells[0].text
            continue
        for value in cells:
            if value.type == "string" and (part := _named_part(unit, value.text)) is not None:
                near = suggest(header, [each.part_name for each in unit.parts(thing)])
                raise NotFound(f"{thing.name} has no part {header} to connect to {part.name}{did_you_mean(near)}")
        attrs[written_key(header)] = cells
    document.connect, document.attrs = connect, attrs


def _named_part(unit: UnitOfWork, text: str) -> Thing | None:
    owner_name, part_name = split_part(composed(text))
    owner = unit.get(owner_name) if part_name else None
    return unit.part(owner, part_name) if owner is not None and part_name else None
