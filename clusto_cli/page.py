"""A page of text in columns, coloured on a terminal and otherwise the same."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clusto_cli.output import clean, on_terminal


class Span(NamedTuple):
    """Some text in a style that rich knows: `bold`, `dim`, `cyan`..."""

    text: str
    style: str = ""


Line = list[Span]


def columns(rows: Iterable[Sequence[Span]], indent: str = "  ", gap: int = 2) -> list[Line]:
    """Rows of cells as lines whose cells stand below each other."""
    table = [[Span(clean(cell.text), cell.style) for cell in row] for row in rows]
    widths: dict[int, int] = {}
    for row in table:
        for place, cell in enumerate(row):
            widths[place] = max(widths.get(place, 0), _width(cell.text))
    lines = []
    for row in table:
        while row and not row[-1].text:
            row.pop()
        padded = [
            Span(cell.text + " " * (widths[place] + gap - _width(cell.text)), cell.style)
            for place, cell in enumerate(row)
        ]
        if padded:
            padded[-1] = row[-1]
        lines.append([Span(indent), *padded])
    return lines


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
    for line in lines:
        text = Text()
        for span in line:
            text.append(clean(span.text), span.style)
        text.rstrip()
        console.print(text)
