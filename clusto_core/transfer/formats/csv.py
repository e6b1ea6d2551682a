"""CSV: one row a Thing, for spreadsheets. The first row says what the columns are.

`name`, `driver`, `type`, `in`, `at`, `parts` and `ip` are what they are in a transfer object; any other header is a
part of the Thing, whose cell is what it is connected to, or else the key of an attribute. `eth0 mac` is the attribute
`mac` of the part eth0, `eth0 ip` its addresses. `attr:KEY` and `part:NAME` say which is meant where both could be. An
empty cell says nothing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from clusto_core.answers.view import whole
from clusto_core.errors import ClustoError, Malformed
from clusto_core.model.attributes import Key, Value
from clusto_core.model.things import Thing
from clusto_core.rules import parts
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader
from clusto_core.transfer import cells
from clusto_core.transfer.documents import Document, Problem, attribute_key, broken, parse
from clusto_core.transfer.exporter import documents
from clusto_core.transfer.leaving import SAFE, Leaving

RESERVED = ("name", "driver", "type", "in", "at", "parts", "ip")
_ATTRIBUTE, _PART = "attr:", "part:"
_SEPARATOR = re.compile(r"sep=([,;\t])").fullmatch
_FIELD_LIMIT = 1 << 24
"""Characters in one cell: the definition of a device type is a long one."""


def read(file: TextIO, name: str) -> Iterator[Document]:
    """The Documents of a file whose columns are separated by commas, semicolons or tabs."""
    csv.field_size_limit(_FIELD_LIMIT)
    lines = _Lines(file)
    rows = csv.reader(lines, delimiter=lines.delimiter(), strict=True)
    line = lines.number
    header: list[str] | None = None
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield broken(name, line, f"not CSV: {error}")
            return
        found = [cells.unguarded(cell.strip()) for cell in row]
        if any(found):
            if header is None:
                header = found
                if (problem := _wrong_header(header)) is not None:
                    yield broken(name, line, problem)
                    return
            else:
                yield _document(header, found, name, line)
        line = rows.line_num + lines.number


class _Lines:
    """The lines of a file, the first one looked at beforehand and freed of a byte order mark."""

    def __init__(self, file: TextIO) -> None:
        self.first = file.readline().removeprefix("\ufeff")
        self.file = file
        self.said = ""
        if (said := _SEPARATOR(self.first.strip())) is not None:
            self.said, self.first = said[1], file.readline()
        self.number = 2 if self.said else 1

    def __iter__(self) -> Iterator[str]:
        yield self.first
        yield from self.file

    def delimiter(self) -> str:
        """What a spreadsheet says in a line of its own (`sep=;`), or what the header has most of, outside quotes."""
        if self.said:
            return self.said
        bare = "".join(self.first.split('"')[::2])
        return max(",;\t", key=bare.count)


def _wrong_header(header: list[str]) -> str | None:
    for text in header:
        if text not in RESERVED and text.lower() in RESERVED:
            return f"the column {text} differs from {text.lower()} in case alone: write {text.lower()}"
    if "name" not in header:
        return "the first row must say what the columns are, and one of them is name"
    for place, text in enumerate(header):
        if text and text in header[:place]:
            return f"two columns are called {text[:60]!a}"
    return None


def _document(header: list[str], row: list[str], file: str, line: int) -> Document:
    """One row. A column is kept undecided while it may be a part or the key of an attribute."""
    data: dict[str, Any] = {}
    held: list[object] = []
    columns: dict[str, tuple[Value, ...]] = {}
    attrs: dict[Key, tuple[Value, ...]] = {}
    part_attrs: dict[str, dict[Key, tuple[Value, ...]]] = {}
    problems: list[Problem] = []
    for place, text in enumerate(row):
        if not text:
            continue
        title = header[place] if place < len(header) else ""
        try:
            part, blank, key = title.partition(" ")
            if not title:
                raise Malformed(f"{text[:40]!a} is in a column without a name")
            if blank and key == "ip":
                held.append({part: cells.names(text)})
            elif blank:
                part_attrs.setdefault(part, {})[attribute_key(key.removeprefix(_ATTRIBUTE))] = cells.parse(text)
            elif title == "parts":
                data[title] = parts.parse(text)
            elif title == "in":
                data[title] = cells.names(text)
            elif title == "ip":
                held.extend(cells.names(text))
            elif title in RESERVED:
                data[title] = text
            elif title.startswith(_PART):
                data.setdefault("connect", {})[title.removeprefix(_PART)] = text
            elif title.startswith(_ATTRIBUTE):
                attrs[attribute_key(title.removeprefix(_ATTRIBUTE))] = cells.parse(text)
            else:
                columns[title] = cells.parse(text)
        except ClustoError as error:
            problems.append(Problem(line, f"{title}: {error}" if title else str(error)))
    if held:
        data["ip"] = held
    document = parse(data, file, line)
    document.attrs, document.part_attrs, document.columns = attrs, part_attrs, columns
    document.problems = (*document.problems, *problems)
    return document


# --- writing ---------------------------------------------------------------------------------------------------------


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the Things, in two passes: the columns are known when all have been seen. A cell that a spreadsheet would
    run has an apostrophe before it, unless the export is `leaving.raw`.
    """
    chosen = whole(reader, things)
    columns = _Columns(reader, chosen)
    writer = csv.writer(out, lineterminator="\n")
    safe = str if leaving.raw else cells.guarded
    writer.writerow(map(safe, columns.header))
    for document in documents(reader, chosen):
        row = columns.cells(document)
        writer.writerow([safe(row.get(title, "")) for title in columns.header])


class _Columns:
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
            row[f"{_PART}{part}" if part in RESERVED or part.startswith((_PART, _ATTRIBUTE)) else part] = far
        for key, values in document.attrs.items():
            text = str(key)
            decided = text in self.parts or any(map(self._names_part, values))
            row[f"{_ATTRIBUTE}{text}" if decided else text] = cells.write(values)
        for part, attributes in document.part_attrs.items():
            for key, values in attributes.items():
                row[f"{part} {_ATTRIBUTE if key == Key('ip') else ''}{key}"] = cells.write(values)
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
