"""What traces, outages and capacities show as pictures."""

from __future__ import annotations

import pytest

from clusto_cli.pictures import bars, feeds, paths
from clusto_cli.pictures.description import Node
from clusto_core.answers.paths import ways
from clusto_core.answers.power import impact, supplies
from clusto_core.resources.capacity import capacities
from clusto_core.store.reader import Reader


def test_a_path_has_every_hop_and_the_cables_with_their_colours_and_labels(reader: Reader) -> None:
    (path,) = paths.picture(reader, "whole:eth0", ways(reader, reader.resolve("whole:eth0"))).paths
    assert [(each.device.name, each.parts) for each in path.stations] == [
        ("whole", ("eth0",)), ("behind", ("rear1", "1")), ("sw1", ("1",)),
    ]  # fmt: skip
    assert [(each.kind, each.label, each.colour) for each in path.cables] == [
        ("network", "C-17", "#ff0000"), ("network", "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("00ff7f", "#00ff7f"),
        ("#ABCDEF", "#abcdef"),
        ("dark Red", "#d62b2b"),
        ("url(#x)", ""),
        ('"/><script', ""),
        ("", ""),
    ],
)
def test_only_a_colour_is_a_colour(text: str, colour: str) -> None:
    assert paths.sheath(text) == colour


def outline(node: Node) -> tuple[str, str, str, list[object]]:
    return node.device.name, node.device.paint, node.by, [outline(each) for each in node.below]


def test_what_goes_dark_hangs_on_what_is_switched_off(reader: Reader) -> None:
    things = [reader.resolve("pdu1")]
    outlets = [outlet for supply in supplies(reader, things) for outlet in supply.outlets]
    picture = feeds.picture(reader, things, impact(reader, outlets, things).effects)
    (tree,) = picture.trees
    assert outline(tree) == (
        "pdu1",
        "grey",
        "",
        [("half", feeds.DARK, "outlet 2", []), ("whole", feeds.LESS, "outlet 1", [])],
    )
    assert tree.below[1].device.told[-1] == "keeps pdu2:1"


def test_what_loses_both_feeds_hangs_on_both(reader: Reader) -> None:
    things = [reader.resolve("whole")]
    outlets = [outlet for supply in supplies(reader, things) for outlet in supply.outlets]
    trees = feeds.picture(reader, things, impact(reader, outlets, things).effects).trees
    assert [outline(tree) for tree in trees] == [
        (pdu, "plain", "", [("whole", feeds.DARK, "outlet 1", [])]) for pdu in ("pdu1", "pdu2")
    ]


def test_bars_say_what_the_text_says(reader: Reader) -> None:
    (rack,) = bars.picture(capacities(reader, [reader.resolve("r1")])).bars
    units = rack.bars[0]
    assert (units.of, units.total, units.used, units.reserved) == ("units", 8, 5, 1)
    assert units.words == "2 of 8 free, 1 reserved, 1 in a row"
