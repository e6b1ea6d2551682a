"""Trees, laid out: a line a node, each below what it hangs on and further in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clusto_cli.pictures.description import Node
from clusto_cli.pictures.layout.shapes import Block, Box, Group, Line, Shape, Text, fitted, stacked, text_width

_ROW = 26
_HEIGHT = 20
_INDENT = 24
_NAME = 220
"""How wide a name is at most."""


def block(trees: Sequence[Node]) -> Block:
    """Trees below each other."""
    return stacked(map(_tree, trees), 8)


def _tree(node: Node) -> Block:
    rows = list(_rows(node, 0))
    width = max(row.width for row in rows)
    groups = [group for place, row in enumerate(rows) for group in row.moved(0, place * _ROW)]
    return Block(width, len(rows) * _ROW, (Group(tuple(_branches(node, 0, 0))), *groups))


def _rows(node: Node, depth: int) -> Iterator[Block]:
    device, x = node.device, depth * _INDENT
    name = fitted(device.name, _NAME)
    beside = "; ".join(words for words in (node.by, *device.told[1:]) if words)
    width = text_width(name) + 14
    shapes: tuple[Shape, ...] = (
        Box(x, 0, width, _HEIGHT, device.paint),
        Text(x + 7, 14, name),
        *([Text(x + width + 8, 14, beside, "faint")] if beside else []),
    )
    told = "\n".join((device.name, *device.told))
    yield Block(x + width + 8 + text_width(beside), _ROW, (Group(shapes, told, device.link),))
    for each in node.below:
        yield from _rows(each, depth + 1)


def _branches(node: Node, depth: int, row: int) -> Iterator[Line]:
    """The lines from a node, which is on some row, to those below it."""
    x = depth * _INDENT + 10
    here, y = row + 1, 0.0
    for each in node.below:
        y = here * _ROW + _HEIGHT / 2
        yield Line(x, y, x + _INDENT - 10, y)
        yield from _branches(each, depth + 1, here)
        here += _count(each)
    if node.below:
        yield Line(x, row * _ROW + _HEIGHT, x, y)


def _count(node: Node) -> int:
    return 1 + sum(map(_count, node.below))
