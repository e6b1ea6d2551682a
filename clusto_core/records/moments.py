"""Moments as people say them: `yesterday`, `2 weeks ago`, ISO 8601, or the number of a transaction."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from clusto_core.errors import Malformed, NotFound
from clusto_core.store.net import last_transaction
from clusto_core.store.past import Moment
from clusto_core.store.reader import Reader

EXAMPLES = ("now", "yesterday", "1 hour ago", "3 days ago", "2 weeks ago", "1 month ago")
"""What there is to say, for who completes it."""

_NUMBER = re.compile(r"@?([0-9]{1,18})")
_AGO = re.compile(r"(an?|[0-9]{1,6})[ .]*(second|minute|hour|day|week|month|year)s?[ .]+ago")
_CLOCK = re.compile(r"(?:(today|yesterday)[ .]+)?([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_AT_OR_AFTER = "SELECT x.id, x.time FROM transactions x WHERE x.id >= :id ORDER BY x.id LIMIT 1"
_AT_OR_BEFORE = "SELECT x.time FROM transactions x WHERE x.id <= :id ORDER BY x.id DESC LIMIT 1"


def find(reader: Reader, text: str) -> int:
    """The number of the last transaction that was done at that moment: 0 before the first one.

    `103` and `@103` are the moment right after transaction 103. Raises Malformed for what is no moment, or is yet to
    come, NotFound for a number that no transaction has.
    """
    if (number := _NUMBER.fullmatch(text.strip())) is not None:
        return _existing(reader, int(number[1]))
    return before(reader, _instant(text))


def _instant(text: str) -> datetime:
    now = datetime.now().astimezone()
    when = parse(text, now)
    if when > now:
        raise Malformed(f"{text} is yet to come: the inventory is known as it was, and as it is")
    return when


def finder(text: str) -> Callable[[Reader], Moment]:
    """The moment that is meant, in a store that is still to be opened: of a transaction the time when it was done.

    Raises as `find`.
    """

    def found(reader: Reader) -> Moment:
        if _NUMBER.fullmatch(text.strip()) is not None:
            number = find(reader, text)
            return Moment(number, _done(reader, number))
        when = _instant(text).astimezone(UTC)
        return Moment(before(reader, when), when)

    return found


def _done(reader: Reader, number: int) -> datetime:
    """When a transaction was done, or the last one before it."""
    rows = reader.database.rows(_AT_OR_BEFORE, {"id": number})
    return datetime.fromtimestamp(rows[0][0] / 1_000_000 if rows else 0, UTC)


def _existing(reader: Reader, number: int) -> int:
    last = last_transaction(reader.database)
    if number > last:
        raise NotFound(f"no such transaction: {number} (the last one is {last})")
    return number


def before(reader: Reader, when: datetime) -> int:
    """The number of the last transaction at or before an instant; transactions are in the order of their times."""
    wanted = int(when.timestamp() * 1_000_000)
    low, high = 0, last_transaction(reader.database)
    while low < high:
        middle = (low + high + 1) // 2
        id, time = reader.database.rows(_AT_OR_AFTER, {"id": middle})[0]
        if time <= wanted:
            low = id
        else:
            high = middle - 1
    return low


def parse(text: str, now: datetime) -> datetime:
    """The instant that people mean, in the zone of `now` unless the text names one: `now`, `yesterday` (24 hours ago),
    `today`, `3 days ago`, `14:30`, `yesterday 14:30`, `2026-11-02`, `2026-11-02T14:30+01:00`. Raises Malformed."""
    said = " ".join(text.lower().split())
    if said in ("now", "today"):
        return now
    if said == "yesterday":
        return now - timedelta(days=1)
    if (ago := _AGO.fullmatch(said)) is not None:
        return _earlier(now, 1 if ago[1].startswith("a") else int(ago[1]), ago[2], text)
    if (clock := _CLOCK.fullmatch(said)) is not None:
        return _at_clock(clock, now, text)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Malformed(
            f"no moment: {text[:60]!r} (the number of a transaction, yesterday, 2 weeks ago, 14:30, 2026-11-02, "
            "2026-11-02T14:30+01:00)"
        ) from None
    return found if found.tzinfo else found.astimezone(None)


def _earlier(now: datetime, count: int, unit: str, text: str) -> datetime:
    try:
        if unit in ("month", "year"):
            return _months_before(now, count * (12 if unit == "year" else 1))
        return now - timedelta(**{f"{unit}s": count})
    except (OverflowError, ValueError):
        raise Malformed(f"no moment: {text[:60]!r} is before all calendars") from None


def _months_before(now: datetime, months: int) -> datetime:
    """The same day of an earlier month, or its last day where it is shorter."""
    from calendar import monthrange

    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))


def _at_clock(clock: re.Match[str], now: datetime, text: str) -> datetime:
    try:
        today = now.replace(hour=int(clock[2]), minute=int(clock[3]), second=int(clock[4] or 0), microsecond=0)
    except ValueError:
        raise Malformed(f"no moment: {text[:60]!r} is no time of day") from None
    return today - timedelta(days=1) if clock[1] == "yesterday" else today
