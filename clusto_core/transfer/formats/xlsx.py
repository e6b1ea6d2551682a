"""Workbooks of Excel, XLSX, XLSM, XLSB and XLS; the columns are those of CSV. XLSX is what is written.

Numbers, booleans and dates are cells of their own kinds, all else is text, which no spreadsheet runs. What such a cell
would change (integers beyond 2**53, times, dates before 1900-03-01) is text as CSV has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TextIO

from clusto_core.errors import Refused
from clusto_core.model.attributes import Value, infer
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document, tagged
from clusto_core.transfer.formats.csv import Rows
from clusto_core.transfer.leaving import SAFE, Leaving
from clusto_core.transfer.sheets import reading
from clusto_core.transfer.sheets.how import USUAL, How
from clusto_core.transfer.sheets.own import RESERVED

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

SHEET = True
"""What is read is told how (`sheets.how`)."""
ROWS, COLUMNS, CHARACTERS = 1_048_576, 16_384, 32_767
"""What a sheet holds, and a cell (https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3)."""
_FIRST_DATE = "1900-03-01"
_EXACT = 2**53


def read(file: TextIO, name: str, how: How = USUAL) -> Iterator[Document]:
    """The Documents of one sheet of a workbook."""
    return reading.read(file, name, how, book=True)


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the Things as a workbook of one sheet. Raises Refused for what no sheet holds, and for a terminal."""
    raw = getattr(out, "buffer", None)
    if raw is None or out.isatty():
        raise Refused("xlsx is not for reading: write it to a file (clusto export --format xlsx >site.xlsx)")
    import shutil
    import tempfile

    import xlsxwriter

    with Rows(reader, things) as rows, tempfile.TemporaryFile() as packed:
        if rows.count >= ROWS or len(rows.header) > COLUMNS:
            raise Refused(f"a sheet has {ROWS:,} rows and {COLUMNS:,} columns: export fewer Things, or as csv")
        with xlsxwriter.Workbook(packed, {"constant_memory": True, "strings_to_formulas": False}) as book:
            book.set_properties({"created": datetime(2000, 1, 1)})
            sheet = book.add_worksheet("inventory")
            sheet.freeze_panes(1, 1)
            day = book.add_format({"num_format": "yyyy-mm-dd"})
            for place, header in enumerate(rows.header):
                sheet.write_string(0, place, header)
            columns = list(enumerate(zip(rows.titles, rows.header, strict=True)))
            for line, row in enumerate(rows, 1):
                for place, (title, header) in columns:
                    if text := row.get(title):
                        _put(sheet, line, place, text, header, day)
        packed.seek(0)
        shutil.copyfileobj(packed, raw)


def _put(sheet: Worksheet, line: int, place: int, text: str, title: str, day: Any) -> None:
    """Writes one cell: `text` is what CSV would have."""
    if len(text) > CHARACTERS:
        raise Refused(
            f"{title} in row {line + 1} has {len(text):,} characters, a cell {CHARACTERS:,}: export it as csv"
        )
    value = None if title in RESERVED or text[0] in '@"[{' else infer(text)
    if value is None or value.type == "string":
        sheet.write_string(line, place, text)
    elif value.type == "boolean":
        sheet.write_boolean(line, place, value.text == "true")
    elif value.type == "datetime" and len(text) == len(_FIRST_DATE) and text >= _FIRST_DATE:
        sheet.write_datetime(line, place, date.fromisoformat(text), day)
    elif _is_exact(value):
        sheet.write_number(line, place, value.python())
    else:
        sheet.write_string(line, place, _spelled(value))


def _is_exact(value: Value) -> bool:
    """Whether a cell of a number is read as the same number: it has sixteen digits, and no integer is a float."""
    if value.type == "integer":
        return abs(int(value.text)) < _EXACT
    if value.type != "float" or float(value.text).is_integer():
        return False
    return float(f"{float(value.text):.16G}") == float(value.text)


def _spelled(value: Value) -> str:
    import json

    return json.dumps([tagged(value)])
