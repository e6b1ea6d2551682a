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
            width = width_of(cell.text)
            if width <= WIDEST:
                widths[place] = max(widths.get(place, 0), width)
    lines = []
    for row in table:
        while row and not row[-1].text:
            row.pop()
        padded = [
            Span(cell.text + " " * max(gap, widths.get(place, 0) + gap - width_of(cell.text)), cell.style)
            for place, cell in enumerate(row)
        ]
        if padded:
            padded[-1] = row[-1]
        lines.append([Span(indent), *padded])
    return lines


def _wrapped(line: Line, width: int) -> Iterator[Line]:
    """A line as lines no wider than the terminal: its longest text goes on below itself, or where the others leave no
    room for that, all of it below its beginning."""
    widths = [width_of(span.text) for span in line]
    longest = widths.index(max(widths)) if line else 0
    before, after = sum(widths[:longest]), sum(widths[longest + 1 :])
    room = width - before - after - (2 if after else 0)
    if sum(widths) <= width:
        yield line
    elif room < max(2, width // 4):
        yield from _broken(line, width)
    else:
        yield from _below_itself(line, longest, room)


def _below_itself(line: Line, longest: int, room: int) -> Iterator[Line]:
    text, style = line[longest].text.rstrip(), line[longest].style
    before = sum(width_of(span.text) for span in line[:longest])
    pieces = list(_pieces(text, room))
    for place, piece in enumerate(pieces):
        head = line[:longest] if place == 0 else [Span(" " * before)]
        tail = line[longest + 1 :] if place + 1 == len(pieces) else []
        yield [*head, Span(f"{piece}  " if any(span.text for span in tail) else piece, style), *tail]


def _broken(line: Line, width: int) -> Iterator[Line]:
    """A line in pieces, those after the first indented."""
    indent = Span(" " * min(4, width // 8))
    done: Line = []
    room = width
    for span in line:
        rest = span.text
        while rest:
            piece = next(_pieces(rest, room)) if room >= 2 or width_of(rest) <= room else ""
            done.append(Span(piece, span.style))
            room -= width_of(piece)
            rest = rest[len(piece) :]
            if rest:
                yield done
                done, room = [indent], width - len(indent.text)
    yield done


def _pieces(text: str, room: int) -> Iterator[str]:
    """A text in pieces of so many columns, at least two: no character is wider."""
    start = taken = 0
    for place, character in enumerate(text):
        wide = width_of(character)
        if taken + wide > room:
            yield text[start:place]
            start, taken = place, 0
        taken += wide
    yield text[start:]


def width_of(text: str) -> int:
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
    import shutil

    from rich.text import Text

    from clusto_cli.colours import console as made

    console = made(soft_wrap=True)
    # Rich takes every dumb terminal to be 80 wide.
    width = shutil.get_terminal_size().columns
    cleaned = ([Span(clean(span.text), span.style) for span in line] for line in lines)
    for line in chain.from_iterable(_wrapped(line, width) for line in cleaned):
        text = Text()
        for span in line:
            text.append(span.text, span.style)
        text.rstrip()
        console.print(text)
