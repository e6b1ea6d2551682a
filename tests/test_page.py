"""Pages of columns: aligned, never wider than the terminal, and a long value costs no more than itself."""

from __future__ import annotations

import os
import re
import sys
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_cli.page import Span, _wrapped, columns, width_of
from tests.conftest import Run


def test_one_long_value_makes_no_wide_column() -> None:
    rows = [[Span("key"), Span("x" * 70_000), Span("from rack1")], *[[Span("k"), Span("v"), Span("from dc1")]] * 30]
    assert sum(len(span.text) for line in columns(rows) for span in line) < 72_000


@given(
    st.lists(st.text("ab 語e\u0301|", max_size=90).map(Span), max_size=6).flatmap(st.permutations), st.integers(10, 120)
)
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(row: list[Span], width: int) -> None:
    lines = list(_wrapped(row, width))
    assert all(width_of("".join(span.text for span in line)) <= width for line in lines)
    told, given_ = ("".join(span.text for span in spans) for spans in (chain(*lines), row))
    assert told.replace(" ", "") == given_.replace(" ", "")


def test_a_long_text_goes_on_below_itself() -> None:
    lines = list(_wrapped([Span("  "), Span("key  "), Span("x" * 50), Span("from dc1")], 40))
    assert ["".join(span.text for span in line) for line in lines] == [
        "  key  " + "x" * 23,
        "       " + "x" * 23,
        "       xxxx  from dc1",
    ]


def test_show_and_free_fit_a_narrow_terminal(clusto: Run, sqlite_url: str) -> None:
    pexpect = pytest.importorskip("pexpect")
    long = "server-" + "n" * 90
    clusto("add", "Datacenter", "dc1", "--attr", f"motd={'y' * 300}")
    clusto("add", "Rack", "rack1", "--in", "dc1", "--parts", "ru=3")
    clusto("add", "Server", long, "--attr", "note=" + "語" * 200, "--attr", "plan=" + '{"a": "' + "z" * 3000 + '"}')
    clusto("add", "PatchPanel", "pp" + "p" * 60)
    clusto("add", "Pool", "pool1")
    clusto("put", long, "--in", "pool1")
    clusto("connect", long, "rack1:RU1")
    clusto("connect", f"{long}:eth0", f"pp{'p' * 60}:1")
    clusto("attr", "set", "label", "l" * 200, "-t", f"{long}:eth1")
    # The terminal's width counts, not what a test before left behind.
    here = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    for words in (["show", long, "rack1", "pool1", "dc1", f"{long}:eth0", "pp" + "p" * 60], ["free", long, "rack1"]):
        for width in (40, 80):
            child = pexpect.spawn(
                sys.executable,
                ["-m", "clusto_cli.main", *words],
                env={**here, "CLUSTO_DB": sqlite_url, "TERM": "dumb", "CLUSTO_PAGER": "cat"},
                encoding="utf-8",
                timeout=60,
                dimensions=(50, width),
            )
            child.expect(pexpect.EOF)
            child.close()
            assert child.exitstatus == 0
            shown = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in child.before.split("\r\n")]
            assert len(shown) > 3
            assert [line for line in shown if width_of(line) > width] == []
