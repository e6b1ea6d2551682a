"""Bars, laid out: how much is used, then how much is reserved, of how much there is."""

from __future__ import annotations

from collections.abc import Sequence

from clusto_cli.pictures.bars import OVER, RESERVED, USED
from clusto_cli.pictures.description import Bar, Bars
from clusto_cli.pictures.layout.shapes import Block, Box, Group, Shape, Text, fitted, stacked, text_width

_ROW = 38
_HEIGHT = 14
_OF = 84
_BAR = 320


def block(every: Sequence[Bars]) -> Block:
    """The bars of Things, below each other."""
    return stacked(map(_thing, every), 14)


def _thing(each: Bars) -> Block:
    head = Group((Text(0, 12, fitted(each.name, _BAR), "strong"),), each.name, each.link)
    return stacked([Block(_BAR, 18, (head,)), *map(_bar, each.bars)], 0)


def _bar(bar: Bar) -> Block:
    """What is told in words is above the bar, so that a narrow screen shows it."""
    shapes: list[Shape] = [Text(0, 12, fitted(bar.of, _OF - 6), "faint"), Text(_OF, 12, bar.words)]
    x, y = 0.0, 18
    if bar.total is not None:
        shapes.append(Box(0, y, _BAR, _HEIGHT, "", "frame"))
        over = bar.used > bar.total
        for amount, paint in ((bar.used, OVER if over else USED), (bar.reserved, RESERVED)):
            wide = min(_BAR * amount / bar.total if bar.total else _BAR * bool(amount), _BAR - x)
            if wide > 0:
                shapes.append(Box(x, y, wide, _HEIGHT, paint))
                x += wide
    height = _ROW if bar.total is not None else _ROW - _HEIGHT
    width = max(_BAR, _OF + text_width(bar.words))
    return Block(width, height, (Group(tuple(shapes), f"{bar.of}: {bar.words}"),))
