"""What a picture is drawn of: boxes, texts and lines, in groups that lead somewhere and say more; all in pixels.

Names are set in a font of one width, so that what fits is known before anybody has drawn it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clusto_cli.page import width_of
from clusto_cli.visible import clean

SIZE = 11
"""The size of texts."""
_ADVANCE = 0.61
"""How wide a character is at most, of its size, in fonts of one width."""


class Box(NamedTuple):
    """A rectangle: `looks` is a class of the style sheet beside its paint."""

    x: float
    y: float
    width: float
    height: float
    paint: str
    looks: str = "box"

    def moved(self, x: float, y: float) -> Box:
        """The same, elsewhere."""
        return self._replace(x=self.x + x, y=self.y + y)


class Text(NamedTuple):
    """A line of text, by the start (or the middle, or the end) of its base line."""

    x: float
    y: float
    words: str
    looks: str = "ink"
    size: float = SIZE
    anchor: str = "start"

    def moved(self, x: float, y: float) -> Text:
        """The same, elsewhere."""
        return self._replace(x=self.x + x, y=self.y + y)


class Line(NamedTuple):
    """A straight line, in a colour of its own (`#rrggbb`) or in that of lines."""

    x: float
    y: float
    to_x: float
    to_y: float
    colour: str = ""
    width: float = 1

    def moved(self, x: float, y: float) -> Line:
        """The same, elsewhere."""
        return self._replace(x=self.x + x, y=self.y + y, to_x=self.to_x + x, to_y=self.to_y + y)


Shape = Box | Text | Line


class Group(NamedTuple):
    """Shapes that belong together: what is told of them, and where they lead."""

    shapes: tuple[Shape, ...]
    told: str = ""
    link: str | None = None

    def moved(self, x: float, y: float) -> Group:
        """The same, elsewhere."""
        return self._replace(shapes=tuple(shape.moved(x, y) for shape in self.shapes))


class Block(NamedTuple):
    """Groups that take so much room, from the upper left corner."""

    width: float
    height: float
    groups: tuple[Group, ...]

    def moved(self, x: float, y: float) -> Iterator[Group]:
        """Its groups, elsewhere."""
        return (group.moved(x, y) for group in self.groups)


def text_width(words: str, size: float = SIZE) -> float:
    """How wide a text is at most."""
    return width_of(clean(words)) * size * _ADVANCE


def fitted(words: str, width: float, size: float = SIZE) -> str:
    """A text, or its beginning and its end where it is wider; nothing where not even two characters fit."""
    words = clean(words)
    columns = int(width / (size * _ADVANCE))
    if width_of(words) <= columns:
        return words
    if columns < 3:
        return ""
    # Names of one kind differ at their ends most often.
    tail = _within(reversed(words), (columns - 1) // 2)[::-1]
    return _within(words, columns - 1 - width_of(tail)) + "\N{HORIZONTAL ELLIPSIS}" + tail


def _within(characters: Iterable[str], columns: int) -> str:
    """The first characters that take no more columns."""
    found, taken = "", 0
    for character in characters:
        taken += width_of(character)
        if taken > columns:
            break
        found += character
    return found


def stacked(blocks: Iterable[Block], gap: float) -> Block:
    """Blocks below each other."""
    groups: list[Group] = []
    width = height = 0.0
    for block in blocks:
        top = height + gap if groups else 0
        groups += block.moved(0, top)
        width, height = max(width, block.width), top + block.height
    return Block(width, height, tuple(groups))


def beside(blocks: Iterable[Block], gap: float) -> Block:
    """Blocks beside each other."""
    groups: list[Group] = []
    width = height = 0.0
    for block in blocks:
        left = width + gap if groups else 0
        groups += block.moved(left, 0)
        width, height = left + block.width, max(height, block.height)
    return Block(width, height, tuple(groups))


def flowing(blocks: Iterable[Block], gap: float, most: int) -> Block:
    """Blocks beside each other, so many on a line."""
    every = list(blocks)
    lines = (beside(every[start : start + most], gap) for start in range(0, len(every), most))
    return stacked(lines, gap)
