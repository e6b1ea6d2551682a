"""A table in a spreadsheet: the row that has the titles, which need not be the first, and the rows below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from clusto_core.errors import Malformed, NotFound
from clusto_core.transfer import cells
from clusto_core.transfer.sheets import mapping, recognising, text, workbook
from clusto_core.transfer.sheets.how import How
from clusto_core.transfer.sheets.mapping import Use
from clusto_core.transfer.sheets.own import RESERVED
from clusto_core.transfer.sheets.text import NotATable

if TYPE_CHECKING:
    Row = tuple[int, list[str]]

ABOVE = 20
"""Rows in which the titles are looked for: a sheet may have a heading of its own."""


@dataclass
class Table:
    """The titles as the sheet has them, the rows below, each with its line, and what the columns are used for; no uses
    where they are clusto's own columns. separator: of the cells, in text. encoding: that the text is in."""

    line: int
    titles: list[str]
    rows: Iterator[Row]
    uses: list[Use] = field(default_factory=list)
    own: bool = True
    separator: str = ""
    encoding: str = ""


def opened(file: TextIO, how: How, *, book: bool) -> Table:
    """The table of a file. Raises NotATable, and Malformed and NotFound for what `how` says and the file has not."""
    rows, separator, encoding = (_book(file, how), "", "") if book else _lines(file, how)
    above = list(islice(rows, ABOVE))
    if not above:
        return Table(1, [], iter(()))
    below = _chained(above, rows)
    if not how.columns and _is_own(_titles(above[0][1])):
        line, row = next(below)
        titles = _titles(row)
        if (problem := _wrong(titles)) is not None:
            raise NotATable(line, problem)
        return Table(line, titles, below, encoding=encoding)
    return replace(_understood(above, rows, how), separator=separator, encoding=encoding)


def _book(file: TextIO, how: How) -> Iterator[Row]:
    buffer = getattr(file, "buffer", None)
    data = buffer.read() if buffer is not None else file.read().encode("utf-8", "surrogateescape")
    return workbook.rows(data, how.sheet)


def _lines(file: TextIO, how: How) -> tuple[Iterator[Row], str, str]:
    if how.sheet:
        raise Malformed("a file of text has no sheets: leave --sheet out")
    stream = text.stream_of(file, how.encoding)
    lines, separator, first = text.separated(stream)
    return text.rows(lines, separator, first), separator, stream.encoding or ""


def _chained(first: Sequence[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from first
    yield from rest


def _titles(row: Sequence[str]) -> list[str]:
    return [cells.unguarded(str.__str__(cell)) for cell in row]


def _is_own(titles: Sequence[str]) -> bool:
    """Whether the columns are those that clusto exports: `name`, and no others that can only be somebody else's."""
    if "name" not in titles or any(title not in RESERVED and title.lower() in RESERVED for title in titles):
        return False
    if {"driver", "at", "parts"} & set(titles):
        return True
    uses = recognising.recognised(titles, lambda column: ())
    targets = {use.target for use in uses}
    return not (set(mapping.POSITION) <= targets or any(len(use.columns) > 1 for use in uses))


def _wrong(titles: Sequence[str]) -> str | None:
    for place, title in enumerate(titles):
        if title and title in titles[:place]:
            return f"two columns are called {title[:60]!a}"
    return None


def _understood(above: Sequence[Row], rest: Iterator[Row], how: How) -> Table:
    """A table with columns of its own, all of whose rows are looked at to tell what they are."""
    place = _header(above, how)
    line, found = above[place]
    titles = mapping.numbered(_titles(found))
    below = [*above[place + 1 :], *rest]
    uses = mapping.bound(how.columns, titles)
    taken = [column for use in uses for column in use.columns]
    said = [use for use in uses if use.target]
    if not how.only:
        targets = {use.target for use in said}
        guessed = recognising.recognised(titles, lambda column: _cells(below, column), taken)
        said += [use for use in guessed if use.target not in targets]
    if all(use.target != "name" for use in said):
        raise NotATable(line, _no_name(titles))
    return Table(line, titles, iter(below), sorted(said, key=lambda use: use.columns[0]), own=False)


def _cells(rows: Sequence[Row], column: int) -> Iterator[str]:
    return (row[column] for _, row in rows if column < len(row) and row[column])


def _header(rows: Sequence[Row], how: How) -> int:
    """Which row has the titles: the first with all columns that are spoken of, or with one that is a name.

    Raises NotATable, NotFound.
    """
    if how.columns:
        return _header_with(rows, how)
    for place, (_, row) in enumerate(rows):
        # Below the first row the word Server may be what a row says, and not a title.
        if recognising.name_column(row) is not None and (place == 0 or _known(row) > 1):
            return place
    raise NotATable(rows[0][0], _no_name(rows[0][1]))


def _known(titles: Sequence[str]) -> int:
    """How many titles mean something to clusto."""
    found = recognising.recognised(mapping.numbered(titles), lambda column: ())
    return sum(not use.target.startswith(mapping.ATTRIBUTE) for use in found)


def _header_with(rows: Sequence[Row], how: How) -> int:
    missing: NotFound | None = None
    for place, (_, row) in enumerate(rows):
        try:
            mapping.bound(how.columns, mapping.numbered(row))
        except NotFound as error:
            # The widest row is likeliest to be the one that was meant.
            if missing is None or sum(map(bool, row)) > 1:
                missing = missing or error
        else:
            return place
    raise missing or NotATable(rows[0][0], _no_name(rows[0][1]))


def _no_name(titles: Sequence[str]) -> str:
    there = ", ".join(filter(None, titles))[:200]
    return (
        "the first row must say what the columns are, and one of them is name: say which one has the names with "
        f"--map COLUMN=name (columns: {there})"
    )
