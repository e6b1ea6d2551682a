"""Text that a spreadsheet wrote: which encoding it is in, and what separates its cells."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TextIO

from clusto_core.errors import Malformed

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = re.compile("[\udc80-\udcff]").search
_SEPARATOR = re.compile(r"sep=([,;\t|])").fullmatch
_FIELD_LIMIT = 1 << 24
"""Characters in one cell: the definition of a device type is a long one."""
_SAMPLE = 4096
_HEAD = 20
"""Lines in which the separator is looked for."""


class NotATable(Malformed):
    """What cannot be read as rows and columns; `line` is where."""

    def __init__(self, line: int, told: str) -> None:
        super().__init__(told)
        self.line = line


GUESSED = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}
"""The encodings that bytes are taken for when they are none that can be told."""


def stream_of(file: TextIO, encoding: str = "") -> TextIO:
    """The text of a file from its beginning, decoded as its bytes are where it has any. Raises Malformed where the
    encoding that is given does not fit."""
    buffer = getattr(file, "buffer", None)
    if buffer is not None:
        data = buffer.read()
    else:
        text = file.read()
        try:
            data = text.encode("utf-8", "surrogateescape") if encoding or _ESCAPED(text) else None
        except UnicodeEncodeError:
            data = None
        if data is None:
            return io.StringIO(text.removeprefix("\ufeff"), newline="")
    return io.TextIOWrapper(io.BytesIO(data), encoding_of(data, encoding), "replace", newline="")


def encoding_of(data: bytes, given: str = "") -> str:
    """The encoding of bytes: the one that is given, Unicode by its mark or its form, else Windows-1252, which is what
    spreadsheets write in the west; Latin-1 for bytes that are nothing there
    (https://encoding.spec.whatwg.org/#windows-1252). Raises Malformed."""
    if given:
        try:
            data.decode(given)
        except (UnicodeError, LookupError) as error:
            raise Malformed(f"it is not {given}: {error}") from None
        return given
    for mark, found in _MARKS:
        if data.startswith(mark):
            return found
    if (wide := _wide(data)) is not None:
        return wide
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1" if _HOLES.intersection(data) else "cp1252"
    return "utf-8"


_HOLES = {0x81, 0x8D, 0x8F, 0x90, 0x9D}


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of what is mostly ASCII is zero."""
    sample = data[:_SAMPLE]
    half = len(sample) // 2
    if half and sample[1::2].count(0) > 0.7 * half and not sample[::2].count(0):
        return "utf-16-le"
    if half and sample[::2].count(0) > 0.7 * half and not sample[1::2].count(0):
        return "utf-16-be"
    return None


def rows(lines: Iterable[str], separator: str, first: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line it begins on, `first` being the number of the first; cells
    without the blanks around them.

    Raises NotATable for quotes that do not fit.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    found = csv.reader(lines, delimiter=separator, strict=True)
    line = first
    try:
        for row in found:
            stripped = [cell.strip() for cell in row]
            if any(stripped):
                yield line, stripped
            line = found.line_num + first
    except csv.Error as error:
        raise NotATable(line, f"not CSV: {error}") from None


def separated(stream: TextIO) -> tuple[Iterable[str], str, int]:
    """The lines of the table, what separates its cells, and the number of its first line: a spreadsheet says it in a
    line of its own (`sep=;`), or the first line that has any has most of it outside quotes."""
    head = list(islice(stream, _HEAD))
    if head and (said := _SEPARATOR(head[0].strip())) is not None:
        return chain(head[1:], stream), said[1], 2
    for line in head:
        bare = "".join(line.split('"')[::2])
        found = max(",;\t|", key=bare.count)
        if found in bare:
            return chain(head, stream), found, 1
    return chain(head, stream), ",", 1
