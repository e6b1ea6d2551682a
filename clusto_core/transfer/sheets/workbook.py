"""Workbooks: XLSX, XLS, XLSB and ODS, all read by calamine.

Cells keep their types: a number is a number, a date a date, and text is text, whatever it looks like.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from clusto_core.errors import NotFound, did_you_mean
from clusto_core.model.attributes import Value, from_python, infer, string
from clusto_core.spelling import suggest
from clusto_core.transfer.sheets.text import NotATable
from clusto_core.transfer.sheets.typed import Typed

SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""What files of these formats begin with: a ZIP archive, or Microsoft's compound file."""


def rows(data: bytes, sheet: str = "") -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its number in the sheet. What stands in cells that were merged downwards
    is said of each of their rows.

    Raises Malformed for what is no workbook, or is locked by a password, NotFound for a sheet that it has not.
    """
    import python_calamine as calamine

    try:
        found = _sheet(calamine.load_workbook(io.BytesIO(data)), sheet)
        merged = _merged(found)
        above: list[str] = []
        for number, row in enumerate(found.iter_rows(), 1):
            cells = list(map(cell, row))
            for column in merged.get(number, ()):
                cells[column] = above[column]
            above = cells
            if any(cells):
                yield number, cells
    except calamine.PasswordError:
        raise NotATable(1, "the workbook is locked by a password") from None
    except calamine.CalamineError as error:
        raise NotATable(1, f"no workbook that can be read: {error}") from None


def _merged(sheet: Any) -> dict[int, list[int]]:
    """By the number of the row, the columns whose cell is one with the cell above it."""
    found: dict[int, list[int]] = {}
    start = sheet.start[1] if sheet.start else 0
    for (top, column), (bottom, _) in sheet.merged_cell_ranges or ():
        for row in range(top + 1, bottom + 1):
            if 0 <= column - start < sheet.end[1] - start + 1:
                found.setdefault(row + 1, []).append(column - start)
    return found


def _sheet(book: Any, wanted: str) -> Any:
    names = book.sheet_names
    if wanted:
        if wanted in names:
            return book.get_sheet_by_name(wanted)
        if wanted.isdigit() and 0 < int(wanted) <= len(names):
            return book.get_sheet_by_index(int(wanted) - 1)
        raise NotFound(f"no such sheet: {wanted[:60]}{did_you_mean(suggest(wanted, names))} ({', '.join(names)})")
    found = (book.get_sheet_by_name(name) for name in names)
    filled = next((sheet for sheet in found if sheet.height), None)
    if filled is None:
        raise NotATable(1, "the workbook is empty")
    return filled


def cell(content: object) -> str:
    """A cell as text that knows its value."""
    if isinstance(content, str):
        text = content.strip()
        return Typed(text, _text(text)) if text else ""
    if isinstance(content, float) and content.is_integer() and abs(content) < 1e15:
        content = int(content)
    if isinstance(content, datetime) and content.time() == time(0):
        content = content.date()
    if isinstance(content, date):
        value = infer(content.isoformat())
        return Typed(value.text, value)
    if isinstance(content, bool | int | float):
        value = from_python(content)
        return Typed(value.text, value)
    if isinstance(content, time | timedelta):
        return Typed(str(content), string(str(content)))
    return "" if content is None else str(content)


def _text(text: str) -> Value | None:
    """What looks like a number or a date and is text in the workbook stays text; None for what says what it is."""
    return None if text[0] in "@\"[{'" else string(text)
