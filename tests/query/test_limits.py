"""An expression that clusto takes, every database takes: as long as one may be, made of one test over and over."""

from __future__ import annotations

import os
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


def furnished(url: str) -> Inventory:
    """A rack and servers in it, numbered."""
    inventory = Inventory(Settings(url))
    with inventory.change() as change:
        change.add("Rack", "s0", attributes=[("n", 0)], part_counts={"ru": 2})
        for number in range(1, THINGS):
            change.add("Server", f"s{number}", attributes=[("n", number)])
            change.put(f"s{number}", "s0")
            change.add_values(change.resolve("s0"), Key("k", number), ["x"])
    return inventory


@pytest.fixture
def crowd(sqlite_url: str) -> Inventory:
    return furnished(sqlite_url)


@pytest.fixture
def crowds(store_url: str) -> Inventory:
    """The same on each database in turn."""
    return furnished(store_url)


@pytest.mark.parametrize("joint", [" or ", " and "])
def test_as_long_as_an_expression_may_be(crowd: Inventory, joint: str) -> None:
    for test in TESTS:
        # An eighth of it is a hundred relations, most of them a question of their own.
        crowd.find(longest(test, joint, LONGEST // 8 if " name:" in test else LONGEST), allow_unknown=True)


def test_a_set_as_long_as_an_expression_may_be(crowd: Inventory) -> None:
    crowd.find(f"attr:n={{{longest('{}', ',', LONGEST - 20)}}}", allow_unknown=True)
    crowd.find(f"attrs={{{longest('n={}', ',', LONGEST - 20)}}}", allow_unknown=True)


@pytest.mark.skipif("CLUSTO_LONG_TESTS" not in os.environ, reason="takes a minute or more (CLUSTO_LONG_TESTS=1)")
@pytest.mark.parametrize("joint", [" or ", " and "])
def test_as_long_as_an_expression_may_be_on_every_database(crowds: Inventory, joint: str) -> None:
    for test in TESTS:
        crowds.find(longest(test, joint, LONGEST // 8 if " name:" in test else LONGEST), allow_unknown=True)
    test_a_set_as_long_as_an_expression_may_be(crowds)


LONG = [
    (" or ".join(f"attr:n,{number}" for number in range(200)), EVERY := [f"s{number}" for number in range(THINGS)]),
    (" and ".join(f"not attr:n,{number}" for number in range(1, 200)), EVERY[:1]),
    (" and ".join(f"attr:n>={number / 200}" for number in range(200)), EVERY[1:]),
    (" or ".join(f"attr:n>{number}" for number in range(30, 200)), EVERY[31:]),
    ("not (" + " and ".join(f"attr:n<{number}" for number in range(3, 200)) + ") and driver:Server", EVERY[3:]),
    ("attr:n,5 and not (" + " or ".join(f"attr:n,{number}" for number in range(6, 200)) + ")", EVERY[5:6]),
    (" and ".join(f"in name:s0 and attr:n<{number}" for number in range(3, 90)), EVERY[1:3]),
    ("attrs={n=7} or attr:n={" + ",".join(map(str, range(200))) + "}", EVERY[7:8]),
]


@pytest.mark.parametrize(("expression", "names"), LONG, ids=[expression[:24] for expression, _ in LONG])
def test_what_a_long_expression_selects(crowds: Inventory, expression: str, names: list[str]) -> None:
    found = crowds.find(expression, allow_unknown=True)
    assert [thing.name for thing in found if not thing.is_part] == names


def test_sets_of_many_values_are_exact(crowds: Inventory) -> None:
    values = list(range(THINGS, THINGS + 120))
    with crowds.change() as change:
        change.add("Pool", "many", attributes=[("n", number) for number in values])
    for given, wanted in ((values, ["many"]), (values[:-1], []), ([*values, 1], [])):
        for expression in (
            f"attr:n={{{','.join(map(str, given))}}}",
            f"attrs={{{','.join(f'n={each}' for each in given)}}}",
        ):
            assert [thing.name for thing in crowds.find(expression, allow_unknown=True)] == wanted
