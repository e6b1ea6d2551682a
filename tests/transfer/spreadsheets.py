"""Spreadsheets for the tests: the same rows as text of any encoding, as XLSX and as ODS."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from xml.sax.saxutils import escape

import openpyxl

Rows = Sequence[Sequence[object]]


def text(rows: Rows, separator: str = ",", *, said: bool = False) -> str:
    """The rows as a spreadsheet saves them in text; `said` with a line that names the separator."""
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return (f"sep={separator}\r\n" if said else "") + out.getvalue()


def xlsx(rows: Rows, *, sheet: str = "Servers", before: Rows = ()) -> bytes:
    """A workbook of one sheet; with `before`, of another one in front of it."""
    book = openpyxl.Workbook()
    (first,) = book.worksheets
    first.title = "Notes"
    for row in before:
        first.append(list(row))
    page = book.create_sheet(sheet)
    for row in rows:
        page.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">'
    '<office:body><office:spreadsheet><table:table table:name="Servers">{rows}</table:table>'
    "</office:spreadsheet></office:body></office:document-content>"
)
_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
    '<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
_KIND = "application/vnd.oasis.opendocument.spreadsheet"


def ods(rows: Rows) -> bytes:
    """An OpenDocument spreadsheet (https://docs.oasis-open.org/office/OpenDocument/v1.3/)."""
    body = "".join(f"<table:table-row>{''.join(map(_cell, row))}</table:table-row>" for row in rows)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", _KIND)
        archive.writestr("content.xml", _ODS.format(rows=body))
        archive.writestr("META-INF/manifest.xml", _MANIFEST.format(kind=_KIND))
    return out.getvalue()


def _cell(content: object) -> str:
    if content in ("", None):
        return "<table:table-cell/>"
    if isinstance(content, date | datetime):
        kind = f'office:value-type="date" office:date-value="{content.isoformat()}"'
    elif isinstance(content, int | float):
        kind = f'office:value-type="float" office:value="{content}"'
    else:
        kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{escape(str(content))}</text:p></table:table-cell>"


WAYS: dict[str, tuple[str, Callable[[Rows], bytes]]] = {
    f"{encoding} {name}": ("csv", lambda rows, encoding=encoding, of=of: of(rows).encode(encoding))  # type: ignore[misc]
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")
    for name, of in {
        "comma": lambda rows: text(rows),
        "semicolon": lambda rows: text(rows, ";"),
        "tab": lambda rows: text(rows, "\t"),
        "bar": lambda rows: text(rows, "|"),
        "said": lambda rows: text(rows, ";", said=True),
    }.items()
} | {"xlsx": ("xlsx", xlsx), "ods": ("ods", ods)}
"""Every way in which rows are saved, each with its format."""
