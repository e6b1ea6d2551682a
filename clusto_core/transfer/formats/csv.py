"""CSV: one row a Thing, for spreadsheets. The first row says what the columns are.

`name`, `driver`, `type`, `in`, `at`, `parts` and `ip` are what they are in a transfer object; any other header is a
part of the Thing, whose cell is what it is connected to, or else the key of an attribute. `eth0 mac` is the attribute
`mac` of the part eth0, `eth0 ip` its addresses. `attr:KEY` and `part:NAME` say which is meant where both could be. An
empty cell says nothing. Where the columns are others, what they are is told by their titles (`sheets`).
"""

from __future__ import annotations

import csv
import marshal
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator
from typing import IO, TextIO

from clusto_core.model.attributes import Key, Value, key_text
from clusto_core.model.things import Thing
from clusto_core.spelling import natural_key
from clusto_core.store.database import portions
from clusto_core.store.reader import Reader
from clusto_core.transfer import cells
from clusto_core.transfer.documents import Document
from clusto_core.transfer.exporter import Exporter
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
    """Writes the Things; the columns are known when all have been seen. A cell that a spreadsheet would run has an
    apostrophe before it, unless the export is `leaving.raw`.
    """
    writer = csv.writer(out, lineterminator="\n")
    safe = list if leaving.raw else cells.all_guarded
    with Rows(reader, things, safe) as rows:
        writer.writerow(safe(rows.header))
        writer.writerows(_filled(rows))


def _filled(rows: Rows) -> Iterator[list[str]]:
    """The cells of each row, of which there may be few among very many columns."""
    places = {title: place for place, title in enumerate(rows.titles)}
    blank = [""] * len(places)
    for row in rows:
        cells_of_row = blank[:]
        for title, text in row.items():
            cells_of_row[places[title]] = text
        yield cells_of_row


class Rows:
    """The rows of an export, each the cells of a Thing by titles, and how the columns are titled so that reading them
    decides as writing did. They are kept in a file that has no name until the columns are known.

    `safe` makes of cells what may be written."""

    def __init__(
        self, reader: Reader, things: Iterable[Thing], safe: Callable[[Iterable[str]], list[str]] = list
    ) -> None:
        self._reader = reader
        self._safe = safe
        exporter = Exporter(reader, things)
        self.count = 0
        """How many there are."""
        self._portions = 0
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # `__exit__` closes it
        found: set[str] = set()
        for portion in portions(exporter.documents()):
            rows = [self._cells(document) for document in portion]
            for row in rows:
                found.update(row)
            marshal.dump(rows, self._file)
            self._portions += 1
            self.count += len(rows)
        parts = exporter.part_names.union(RESERVED)
        headers = {title: _header(title, parts) for title in found - set(RESERVED)}
        self._decided = {title: header for title, header in headers.items() if header in headers and header != title}
        for title in self._decided:
            del headers[title]
        first = {title: title for title in RESERVED if title in found or title in ("name", "driver")}
        by_header = sorted(headers.items(), key=lambda each: natural_key(each[1]))
        self.titles, self.header = map(list, zip(*first.items(), *by_header, strict=True))

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[dict[str, str]]:
        self._file.seek(0)
        for _ in range(self._portions):
            for row in marshal.load(self._file):
                for title in self._decided.keys() & row.keys():
                    row[self._decided[title]] = row.pop(title)
                yield row

    def _cells(self, document: Document) -> dict[str, str]:
        row = {"name": document.name, "driver": document.driver}
        if document.type:
            row["type"] = document.type
        if document.parents:
            row["in"] = ", ".join(document.parents)
        if document.at:
            row["at"] = document.at
        if document.parts:
            row["parts"] = ",".join(_written(kind, wanted) for kind, wanted in document.parts.items())
        for part, texts in document.addresses.items():
            row[f"{part} ip" if part else "ip"] = ", ".join(texts)
        for part, far in document.connect.items():
            row[f"{PART}{part}" if part in RESERVED or part.startswith((PART, ATTRIBUTE)) else part] = far
        for key, values in document.attrs.items():
            row[self._mark(values) + key_text(key)] = cells.write(values)
        for part, attributes in document.part_attrs.items():
            for key, values in attributes.items():
                row[f"{part} {ATTRIBUTE if key == _IP else ''}{key_text(key)}"] = cells.write(values)
        return dict(zip(row, self._safe(row.values()), strict=True))

    def _mark(self, values: tuple[Value, ...]) -> str:
        return ATTRIBUTE if any(":" in each.text and self._names_part(each) for each in values) else _UNDECIDED

    def _names_part(self, value: Value) -> bool:
        """Whether a text would be taken for what a part is connected to."""
        return value.type == "string" and ":" in value.text and self._reader.get(value.text) is not None


_UNDECIDED = "\0"
"""Before the key of an attribute that is a title as it stands, unless a part is called so."""
_IP = Key("ip")


def _header(title: str, parts: Container[str]) -> str:
    key = title.removeprefix(_UNDECIDED)
    return f"{ATTRIBUTE}{key}" if key != title and key in parts else key


def _written(kind: str, wanted: int | tuple[str, ...]) -> str:
    """`nic=4`, `nic=eno1,eno2`; a name that is a number is written as a range of one: `port=[7]`."""
    if isinstance(wanted, int) or not wanted:
        return f"{kind}={wanted or 0}"
    first, *others = (f"[{name}]" if name.isdigit() else name for name in wanted)
    return ",".join([f"{kind}={first}", *others])
