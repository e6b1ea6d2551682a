"""Pages of columns: aligned, never wider than the terminal, and a long value costs no more than itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clusto_cli.page import Span, _wrapped, columns

cells = st.lists(st.text("ab ", max_size=30).map(Span), min_size=1, max_size=4)


def test_one_long_value_makes_no_wide_column() -> None:
    rows = [[Span("key"), Span("x" * 70_000), Span("from rack1")], *[[Span("k"), Span("v"), Span("from dc1")]] * 30]
    assert sum(len(span.text) for line in columns(rows) for span in line) < 72_000


@given(cells, st.text("xyz", min_size=200, max_size=600), st.integers(40, 120))
def test_what_is_too_long_goes_on_below_itself(row: list[Span], text: str, width: int) -> None:
    row.insert(len(row) // 2, Span(text))
    others = sum(len(span.text) for span in row) - len(text)
    lines = list(_wrapped(row, width))
    if width - others - 2 < width // 4:
        assert lines == [row]
        return
    assert all(sum(len(span.text) for span in line) <= width for line in lines)
    assert "".join(char for line in lines for span in line for char in span.text if char in "xyz") == text
