"""How much of everything Things have, described as bars."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_cli.amounts import told
from clusto_cli.pictures.description import Bar, Bars, Link, Meaning, Picture, nowhere
from clusto_core.resources.capacity import Capacity

USED, RESERVED, OVER = "blue", "yellow", "red"
_LEGEND = {USED: "used", RESERVED: "reserved", OVER: "used, more than there is"}


def picture(found: Iterable[Capacity], link: Link = nowhere) -> Picture:
    """The bars of some Things, below each other."""
    every = tuple(Bars(each.thing.name, link(each.thing.name), tuple(_bars(each))) for each in found)
    over = any(bar.total is not None and bar.used > bar.total for bars in every for bar in bars.bars)
    legend = tuple(Meaning(paint, words) for paint, words in _LEGEND.items() if over or paint != OVER)
    return Picture("Capacity", bars=every, legend=legend)


def _bars(each: Capacity) -> Iterable[Bar]:
    for of, amount, words in told(each):
        if words:
            yield Bar(of, amount.total, amount.used, amount.reserved, words)
