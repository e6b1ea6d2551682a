"""CSV: one row a Thing, for spreadsheets. The first row says what the columns are.

`name`, `driver`, `type`, `in`, `at`, `parts` and `ip` are what they are in a transfer object; any other header is a
part of the Thing, whose cell is what it is connected to, or else the key of an attribute. `eth0 mac` is the attribute
`mac` of the part eth0, `eth0 ip` its addresses. `attr:KEY` and `part:NAME` say which is meant where both could be. An
empty cell says nothing. Where the columns are others, what they are is told by their titles (`sheets`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import TextIO

from clusto_core.answers.view import whole
from clusto_core.model.attributes import Key, Value
from clusto_core.model.things import Thing
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader
from clusto_core.transfer import cells
from clusto_core.transfer.documents import Document
from clusto_core.transfer.exporter import documents
from clusto_core.transfer.leaving import SAFE, Leaving
from clusto_core.transfer.sheets import reading
from clusto_core.transfer.sheets.how import USUAL, How
from clusto_core.transfer.sheets.own import ATTRIBUTE, PART, RESERVED

SHEET = True
"""What is read is told how (`sheets.how`)."""


def read(file: TextIO, name: str, how: How = USUAL) -> Iterator[Document]:
    """The Documents of a file whose columns are separated by commas, semicolons, tabs or bars."""
    return reading.read(file, name, how)


# --- writing ---------------------------------------------------------------------------------------------------------


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the Things, in two passes: the columns are known when all have been seen. A cell that a spreadsheet would
    run has an apostrophe before it, unless the export is `leaving.raw`.
    """
    chosen = whole(reader, things)
    columns = Columns(reader, chosen)
    writer = csv.writer(out, lineterminator="\n")
    safe = str if leaving.raw else cells.guarded
    writer.writerow(map(safe, columns.header))
    for document in documents(reader, chosen):
        row = columns.cells(document)
        writer.writerow([safe(row.get(title, "")) for title in columns.header])


class Columns:
    """Which columns an export has, and how they are titled so that reading them decides as writing did."""

    def __init__(self, reader: Reader, things: list[Thing]) -> None:
        self.parts = set(RESERVED)
        for start in range(0, len(things), 500):
            ids = [thing.id for thing in things[start : start + 500]]
            self.parts.update(part.part_name for part in reader.parts(*ids))
        self.reader = reader
        found: dict[str, None] = {}
        for document in documents(reader, things):
            found.update(dict.fromkeys(self.cells(document)))
        titles = sorted(found.keys() - set(RESERVED), key=natural_key)
        self.header = [title for title in RESERVED if title in found or title in ("name", "driver")] + titles

    def cells(self, document: Document) -> dict[str, str]:
        """The cells of a Thing's row, by the title of their column."""
        row = {
            "name": document.name,
            "driver": document.driver,
            "type": document.type,
            "in": ", ".join(document.parents),
            "at": document.at,
            "parts": ",".join(_written(kind, wanted) for kind, wanted in document.parts.items()),
        }
        for part, texts in document.addresses.items():
            row[f"{part} ip".lstrip()] = ", ".join(texts)
        for part, far in document.connect.items():
            row[f"{PART}{part}" if part in RESERVED or part.startswith((PART, ATTRIBUTE)) else part] = far
        for key, values in document.attrs.items():
            text = str(key)
            decided = text in self.parts or any(map(self._names_part, values))
            row[f"{ATTRIBUTE}{text}" if decided else text] = cells.write(values)
        for part, attributes in document.part_attrs.items():
            for key, values in attributes.items():
                row[f"{part} {ATTRIBUTE if key == Key('ip') else ''}{key}"] = cells.write(values)
        return {title: text for title, text in row.items() if text}

    def _names_part(self, value: Value) -> bool:
        """Whether a text would be taken for what a part is connected to."""
        return value.type == "string" and ":" in value.text and self.reader.get(value.text) is not None


def _written(kind: str, wanted: int | tuple[str, ...]) -> str:
    """`nic=4`, `nic=eno1,eno2`; a name that is a number is written as a range of one: `port=[7]`."""
    if isinstance(wanted, int) or not wanted:
        return f"{kind}={wanted or 0}"
    first, *others = (f"[{name}]" if name.isdigit() else name for name in wanted)
    return ",".join([f"{kind}={first}", *others])
