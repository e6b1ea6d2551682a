"""An expression that clusto takes, SQLite takes: as long as one may be, made of one test over and over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.query.parser import LONGEST

THINGS = 40

TESTS = [
    "name:s{}",
    "attr:n,{}",
    "attr:n>{}",
    "attr:n,{}*",
    "attr:n,/^{}$/",
    "attr:n,{} inherited",
    "haskey(k#{})",
    "connected to name:s{}",
    "in name:s{}",
    "count(in name:s{}) > 0",
    "(driver:Server and name:s{})",
    "not name:s{}",
    "not attr:n,{}",
    "_ip:10.0.{}.0/24",
]


def longest(piece: str, joint: str, room: int = LONGEST) -> str:
    """One piece over and over, numbered, for nearly as many characters as an expression may have."""

    def pieces() -> Iterator[str]:
        left = room
        for number in count():
            text = piece.format(number % 256 if "_ip" in piece else number)
            left -= len(text) + len(joint)
            if left < 0:
                return
            yield text

    return joint.join(pieces())


@pytest.fixture
def crowd(sqlite_url: str) -> Inventory:
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        change.add("Rack", "s0", attributes=[("n", 0)], part_counts={"ru": 2})
        for number in range(1, THINGS):
            change.add("Server", f"s{number}", attributes=[("n", number)])
            change.put(f"s{number}", "s0")
            change.add_values(change.resolve("s0"), Key("k", number), ["x"])
    return inventory


@pytest.mark.parametrize("joint", [" or ", " and "])
def test_as_long_as_an_expression_may_be(crowd: Inventory, joint: str) -> None:
    for test in TESTS:
        # An eighth of it is a hundred relations, most of them a question of their own.
        crowd.find(longest(test, joint, LONGEST // 8 if " name:" in test else LONGEST), allow_unknown=True)


def test_a_set_as_long_as_an_expression_may_be(crowd: Inventory) -> None:
    crowd.find(f"attr:n={{{longest('{}', ',', LONGEST - 20)}}}", allow_unknown=True)
    crowd.find(f"attrs={{{longest('n={}', ',', LONGEST - 20)}}}", allow_unknown=True)


def test_what_a_long_expression_selects(crowd: Inventory) -> None:
    every = [f"s{number}" for number in range(THINGS)]
    found = crowd.find(" or ".join(f"attr:n,{number}" for number in range(600)))
    assert [thing.name for thing in found] == every
    found = crowd.find(" and ".join(f"not attr:n,{number}" for number in range(1, 600)))
    assert [thing.name for thing in found if not thing.is_part] == ["s0"]
