"""What is drawn, described as bars: of racks by their feeds, of PDUs, of what Things hang on."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_cli.pictures.bars import OVER, RESERVED, USED
from clusto_cli.pictures.description import Bar, Bars, Link, Meaning, Picture, nowhere
from clusto_cli.power.loadreport import feed_words, pdu_words, watts_words
from clusto_cli.power.loads import FeedLoad
from clusto_cli.power.metering import Result
from clusto_cli.power.redundancy import Failing

_LEGEND = {USED: "drawn", RESERVED: "more, if the worst other feed fails", OVER: "drawn, more than it may"}


def picture(results: Iterable[Result], link: Link = nowhere) -> Picture:
    """The bars of some targets, below each other; what is not known has none."""
    every = tuple(Bars(each.target.thing.name, link(each.target.thing.name), tuple(_bars(each))) for each in results)
    over = any(bar.total is not None and bar.used > bar.total for bars in every for bar in bars.bars)
    legend = tuple(Meaning(paint, words) for paint, words in _LEGEND.items() if over or paint != OVER)
    return Picture("Load", bars=every, legend=legend)


def _bars(result: Result) -> Iterable[Bar]:
    if result.pdu is not None and (load := result.pdu.load) is not None:
        yield Bar("watts", result.pdu.limit, load.watts, 0, pdu_words(result.pdu))
    worst = result.worst
    for feed in result.feeds:
        yield from _feed(feed, worst.get(feed.feed))
    for point in result.points:
        if point.load is not None:
            yield Bar(point.point.part, None, point.load.watts, 0, watts_words(point.load))


def _feed(feed: FeedLoad, worst: Failing | None) -> Iterable[Bar]:
    if (load := feed.load) is not None:
        more = worst.watts - load.watts if worst is not None else 0
        yield Bar(feed.feed, feed.limit, load.watts, more, feed_words(feed, worst))
