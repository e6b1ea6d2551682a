"""A whole picture, laid out: the title, what is in it, and what its colours mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from clusto_cli.pictures.description import Meaning, Picture
from clusto_cli.pictures.layout import bars, paths, racks, trees
from clusto_cli.pictures.layout.shapes import Block, Box, Group, Text, fitted, stacked, text_width

MARGIN = 16
_LEAST = 240


class Scene(NamedTuple):
    """Groups of shapes on a ground so wide and so high."""

    title: str
    width: float
    height: float
    groups: tuple[Group, ...]


def scene(picture: Picture) -> Scene:
    """Where everything goes."""
    parts = [racks.block(picture.elevations), paths.block(picture.paths)]
    parts += [trees.block(picture.trees), bars.block(picture.bars)]
    found = [part for part in parts if part.groups]
    width = max([_LEAST, *(part.width for part in found)])
    whole = stacked([*_title(picture, width), *found, *_legend(picture.legend, width)], MARGIN)
    groups = tuple(whole.moved(MARGIN, MARGIN))
    return Scene(picture.title, whole.width + 2 * MARGIN, whole.height + 2 * MARGIN, groups)


def _title(picture: Picture, width: float) -> Iterator[Block]:
    """The title, where what is below it does not say the same."""
    if [each.name for each in picture.elevations] != [picture.title]:
        words = Text(0, 14, fitted(picture.title, width, 14), "strong", 14)
        yield Block(width, 18, (Group((words,), picture.title),))


def _legend(meanings: Sequence[Meaning], width: float) -> Iterator[Block]:
    """What the colours mean, as many on a line as fit."""
    if not meanings:
        return
    groups: list[Group] = []
    x = y = 0.0
    for meaning in meanings:
        words = fitted(meaning.words, width - 20)
        wide = 18 + text_width(words) + 16
        if x and x + wide > width:
            x, y = 0, y + 20
        boxes = [Box(x, y + 1, 12, 12, meaning.paint)] + [Box(x, y + 1, 12, 12, "", "held")] * meaning.held
        groups.append(Group((*boxes, Text(x + 18, y + 11, words)), meaning.words))
        x += wide
    yield Block(width, y + 16, tuple(groups))
