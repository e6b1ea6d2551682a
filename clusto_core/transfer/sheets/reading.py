"""A spreadsheet as Documents, whichever columns it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from clusto_core.errors import Malformed
from clusto_core.transfer.documents import Document, broken
from clusto_core.transfer.sheets import contents, own, table
from clusto_core.transfer.sheets.how import How
from clusto_core.transfer.sheets.own import Cell
from clusto_core.transfer.sheets.rows import Rows
from clusto_core.transfer.sheets.text import GUESSED, NotATable


def read(file: TextIO, name: str, how: How, *, book: bool = False) -> Iterator[Document]:
    """The Documents of a file of text, or of a workbook. Raises Malformed and NotFound for what `how` says and the
    file has not."""
    try:
        found = table.opened(file, how, book=book)
        if found.encoding in GUESSED and not how.encoding:
            taken = GUESSED[found.encoding]
            yield Document("", name, 1, notes=(f"{name} is not UTF-8: taken for {taken} (--encoding says another)",))
        yield from _own(found, name, how) if found.own else Rows(found, name, how).documents()
    except NotATable as error:
        yield broken(name, error.line, str(error))


def _own(found: table.Table, name: str, how: How) -> Iterator[Document]:
    """Rows in clusto's own columns, whose cells are as clusto wrote them unless somebody says otherwise."""
    rows: Iterable[table.Row] = found.rows
    if how.dates or how.decimal:
        rows = list(rows)
        for column, title in enumerate(found.titles):
            if title not in own.RESERVED:
                _respell(rows, column, how)
    for line, cells in rows:
        titles = [*found.titles, *[""] * (len(cells) - len(found.titles))]
        yield own.document((Cell(*pair) for pair in zip(titles, cells, strict=False) if pair[1]), name, line)


def _respell(rows: list[table.Row], column: int, how: How) -> None:
    filled = [cells for _, cells in rows if column < len(cells) and cells[column]]
    try:
        spelled = contents.localised([cells[column] for cells in filled], how.dates, how.decimal)
        for cells in filled:
            cells[column] = spelled(cells[column])
    except Malformed:
        return
