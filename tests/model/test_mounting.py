"""Halves and faces of rack units: how they are spelled, and where something fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.errors import Malformed
from clusto_core.model import mounting
from clusto_core.model.mounting import FACING_REAR, FRONT, REAR, WHOLE, Span, parse_span, spelled, taken

CELLS = st.sampled_from([WHOLE, FRONT, REAR | FACING_REAR])


@given(st.integers(2, 100), st.integers(0, 12), CELLS)
def test_what_is_written_is_read_as_the_same(low: int, more: int, cells: int) -> None:
    units = taken(low, low + more, cells)
    text = spelled(units.items())
    span = parse_span(f"rack1:{text}")
    assert span is not None
    assert (span.rack, span.low, span.top, span.face) == ("rack1", low, low + more, mounting.face_of(cells, ""))
    assert mounting.halves(units.items()) == list(range(low, low + more + 1))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("r1:RU3", Span("r1", 6, None, 2, "")),
        ("r1:ru3", Span("r1", 6, None, 2, "")),
        ("r1:RU3-4", Span("r1", 6, 9, 2, "")),
        ("r1:RU3-RU4", Span("r1", 6, 9, 2, "")),
        ("r1:RU3.5", Span("r1", 7, None, 1, "")),
        ("r1:RU3.0", Span("r1", 6, None, 1, "")),
        ("r1:RU3-5.0", Span("r1", 6, 10, 2, "")),
        ("r1:RU3.5-4.0/rear", Span("r1", 7, 8, 1, "rear")),
        ("r1:RU3/Front", Span("r1", 6, None, 2, "front")),
    ],
)
def test_spans(text: str, span: Span) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["r1:RU3.2", "r1:RU3/top", "r1:RU", "r1:RU3-", "r1", "r1:3", "r1:RU3.50"])
def test_what_is_no_span(text: str) -> None:
    assert parse_span(text) is None


@pytest.mark.parametrize("text", ["r1:RU4-3", "r1:RU3.5-3.0"])
def test_a_span_goes_up(text: str) -> None:
    with pytest.raises(Malformed, match="the lower unit comes first"):
        parse_span(text)


@given(st.lists(st.integers(0, 15), min_size=1, max_size=12), st.integers(1, 7), st.sampled_from([WHOLE, FRONT, REAR]))
def test_runs_are_free_and_none_is_missed(used: list[int], tall: int, cells: int) -> None:
    units = dict(enumerate(used, 1))

    def fits(low: int) -> bool:
        wanted = taken(low, low + tall - 1, cells)
        return all(number in units and not units[number] & slot for number, slot in wanted.items())

    every = range(2, 2 * len(used) + 2)
    assert list(mounting.free_runs(units, tall, cells)) == [
        low for low in every if fits(low) and (tall % 2 or low % 2 == 0)
    ]
