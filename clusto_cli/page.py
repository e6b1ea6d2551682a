"""A page of text in columns, coloured on a terminal and otherwise the same."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from clusto_cli.output import clean, on_terminal


class Span(NamedTuple):
    """Some text in a style that rich knows: `bold`, `dim`, `cyan`..."""

    text: str
    style: str = ""


Line = list[Span]

WIDEST = 60
"""A cell wider than this does not make its whole column so wide."""


def columns(rows: Iterable[Sequence[Span]], indent: str = "  ", gap: int = 2) -> list[Line]:
    """Rows of cells as lines whose cells stand below each other."""
    table = [[Span(clean(cell.text), cell.style) for cell in row] for row in rows]
    widths: dict[int, int] = {}
    for row in table:
        for place, cell in enumerate(row):
            width = _width(cell.text)
            if width <= WIDEST:
                widths[place] = max(widths.get(place, 0), width)
    lines = []
    for row in table:
        while row and not row[-1].text:
            row.pop()
        padded = [
            Span(cell.text + " " * max(gap, widths.get(place, 0) + gap - _width(cell.text)), cell.style)
            for place, cell in enumerate(row)
        ]
        if padded:
            padded[-1] = row[-1]
        lines.append([Span(indent), *padded])
    return lines


def _wrapped(line: Line, width: int) -> Iterator[Line]:
    """A line no wider than the terminal: its longest text goes on below itself."""
    widths = [_width(span.text) for span in line]
    longest = widths.index(max(widths)) if line else 0
    before, after = sum(widths[:longest]), sum(widths[longest + 1 :])
    room = width - before - after - (2 if after else 0)
    if sum(widths) <= width or room < width // 4:
        yield line
        return
    text, style = clean(line[longest].text).rstrip(), line[longest].style
    pieces = [text[start : start + room] for start in range(0, len(text), room)]
    for place, piece in enumerate(pieces):
        head = line[:longest] if place == 0 else [Span(" " * before)]
        tail = line[longest + 1 :] if place + 1 == len(pieces) else []
        yield [*head, Span(piece + "  " if tail and after else piece, style), *tail]


def _width(text: str) -> int:
    """How many columns a terminal gives to a text."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def write(lines: Iterable[Line]) -> None:
    """Prints a page: through rich for a person, as bare text for everything else."""
    if not on_terminal():
        for line in lines:
            sys.stdout.write("".join(clean(span.text) for span in line).rstrip() + "\n")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in chain.from_iterable(_wrapped(line, console.width) for line in lines):
        text = Text()
        for span in line:
            text.append(clean(span.text), span.style)
        text.rstrip()
        console.print(text)
