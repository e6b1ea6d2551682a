"""Racks as text: their faces drawn line by line, and beside each other where the terminal is wide enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clusto_cli.page import Line, Span, width_of
from clusto_cli.visible import clean
from clusto_core.answers.overview import Unit
from clusto_core.model.mounting import FACES
from clusto_core.model.things import Thing

_GAP = 4


def face(units: Sequence[Unit], face: str, indent: str = "  ") -> Iterator[Line]:
    """A face of a rack: a line a unit, or two where its halves differ; what is several lines high is in one frame."""
    if not units:
        return
    rows = [row for unit in units for row in _rows(unit, FACES[face])]
    names = [clean(f"{thing.name} ({thing.driver})") if thing else "" for _, thing in rows]
    inner = max(20, *map(width_of, names)) + 2
    digits = max(len(label) for label, _ in rows)
    yield [Span(f"{face} view", "bold"), Span(f"  {_use(units, face)}", "dim")]
    rule = f"{indent}{' ' * digits} +{'-' * inner}+"
    yield [Span(rule)]
    for place, (label, thing) in enumerate(rows):
        first = place == 0 or thing is None or rows[place - 1][1] != thing
        text = names[place] if first else ""
        filled = f" {text}{' ' * (inner - 1 - width_of(text))}"
        yield [Span(f"{indent}{label:>{digits}} |"), Span(filled, "" if thing else "dim"), Span("|")]
        last = place + 1 == len(rows) or thing is None or rows[place + 1][1] != thing
        if place + 1 < len(rows) and last and (thing or rows[place + 1][1]):
            yield [Span(rule)]
    yield [Span(rule)]


Page = Sequence[Sequence[Line]]
"""What is told of a rack: what stands above its faces, those, and what stands below."""


def beside(pages: Sequence[Page], width: int) -> Iterator[Line]:
    """Racks beside each other, as many as so many columns have room for; all of them on one floor."""
    shelf: list[Page] = []
    for page in pages:
        if shelf and sum(map(_width, shelf)) + _GAP * len(shelf) + _width(page) > width:
            yield from _shelf(shelf)
            yield []
            shelf = []
        shelf.append(page)
    yield from _shelf(shelf)


def _shelf(pages: Sequence[Page]) -> Iterator[Line]:
    widths = [_width(page) + _GAP for page in pages]
    *upper, below = zip(*pages, strict=True)
    for section in upper:
        yield from _row([[*_nothing(section, block), *block] for block in section], widths)
    yield from _row([[*block, *_nothing(below, block)] for block in below], widths)


def _nothing(section: Sequence[Sequence[Line]], block: Sequence[Line]) -> list[Line]:
    """The empty lines that a block needs to be as high as the highest."""
    return [[]] * (max(map(len, section)) - len(block))


def _row(section: Sequence[Sequence[Line]], widths: Sequence[int]) -> Iterator[Line]:
    for lines in zip(*section, strict=True):
        yield [span for line, width in zip(lines, widths, strict=True) for span in _filled(line, width)]


def _filled(line: Line, width: int) -> Line:
    return [*line, Span(" " * (width - _line_width(line)))]


def _width(page: Page) -> int:
    return max((_line_width(line) for block in page for line in block), default=0)


def _line_width(line: Line) -> int:
    return sum(width_of(clean(span.text)) for span in line)


def _rows(unit: Unit, face: int) -> list[tuple[str, Thing | None]]:
    lower, upper = unit.at(face)
    if lower == upper:
        return [(str(unit.number), lower)]
    return [(f"{unit.number}.5", upper), (f"{unit.number}.0", lower)]


def _use(units: Sequence[Unit], face: str) -> str:
    """How many units are in use on a face, and that there is more on the other one."""
    used = sum(thing is not None for unit in units for thing in unit.at(FACES[face])) / 2
    other = next(each for each in FACES if each != face)
    alone = {thing for unit in units for thing, cells in unit.mounted if not cells & FACES[face]}
    more = f"; {len(alone)} more at the {other}: --{other}" if alone else ""
    return f"{len(units)} units, {used:g} in use{more}"
