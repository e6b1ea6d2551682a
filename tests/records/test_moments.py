"""Moments as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from clusto_core.errors import Malformed, NotFound
from clusto_core.inventory import Inventory
from clusto_core.records import moments

NOW = datetime(2026, 3, 31, 15, 30, 20, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", NOW),
        ("today", NOW),
        ("Yesterday", NOW - timedelta(days=1)),
        ("1 hour ago", NOW - timedelta(hours=1)),
        ("an hour ago", NOW - timedelta(hours=1)),
        ("2 weeks ago", NOW - timedelta(days=14)),
        ("2.weeks.ago", NOW - timedelta(days=14)),
        ("90  seconds  ago", NOW - timedelta(seconds=90)),
        ("a month ago", NOW.replace(month=2, day=28)),
        ("13 months ago", NOW.replace(year=2025, month=2, day=28)),
        ("2 years ago", NOW.replace(year=2024)),
        ("14:30", NOW.replace(hour=14, minute=30, second=0)),
        ("yesterday 7:05", NOW.replace(day=30, hour=7, minute=5, second=0)),
        ("2026-03-01T10:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1).astimezone()),
    ],
)
def test_what_people_say(text: str, meant: datetime) -> None:
    assert moments.parse(text, NOW) == meant


@pytest.mark.parametrize(
    "text",
    ["", "soon", "ago", "3 fortnights ago", "25:00", "2026-13-01", "999999 years ago", "-1", "server1", "1e3", "\0"],
)
def test_what_is_no_moment_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Malformed, match="no moment"):
        moments.parse(text, NOW)


def test_a_moment_is_the_last_transaction_until_then(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1_000, 2_000, 100))
    monkeypatch.setattr("clusto_core.records.history.time.time_ns", lambda: next(ticks) * 1_000_000_000)
    for name in ("room1", "room2", "room3"):
        with inventory.change() as change:
            change.add("Room", name)
    with inventory.read() as reader:
        found = [
            moments.before(reader, datetime.fromtimestamp(second, UTC)) for second in (999, 1000, 1150, 1200, 9999)
        ]
        assert found == [0, 1, 2, 3, 3]
        assert [moments.find(reader, text) for text in ("0", "@2", "now", "1970-01-01T00:18Z", "60 years ago")] == [
            *(0, 2, 3, 1, 0)
        ]
        with pytest.raises(NotFound, match="no such transaction: 4"):
            moments.find(reader, "4")
        with pytest.raises(Malformed, match="yet to come"):
            moments.find(reader, (datetime.now() + timedelta(days=2)).isoformat())
