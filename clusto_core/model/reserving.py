"""Reservations as they are recorded, and the times that people write for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from clusto_core.errors import Malformed
from clusto_core.model.attributes import string
from clusto_core.model.reserved import RESERVED_BY, RESERVED_FOR, RESERVED_UNTIL
from clusto_core.model.things import Attribute, Thing
from clusto_core.tuples import NamedTuple

KEYS = (RESERVED_UNTIL, RESERVED_FOR, RESERVED_BY)


class Reservation(NamedTuple):
    """What is reserved, until when (UTC), for what (empty where nobody said), and who did it; `over` where its time has
    come, so that it counts for nothing."""

    thing: Thing
    until: datetime
    purpose: str
    by: str
    over: bool

    def __str__(self) -> str:
        purpose = f" for {self.purpose}" if self.purpose else ""
        return f"{self.thing.name} {'was' if self.over else 'is'} reserved until {spelled(self.until)}{purpose}"


def reservation(thing: Thing, attributes: Iterable[Attribute], at: datetime) -> Reservation | None:
    """The reservation that is among the attributes of a Thing or part, over at that time or not."""
    said = {each.key: each.value for each in attributes if each.key in KEYS}
    if RESERVED_UNTIL not in said:
        return None
    purpose, by = (said[key].text if key in said else "" for key in (RESERVED_FOR, RESERVED_BY))
    until = said[RESERVED_UNTIL].python()
    return Reservation(thing, until, purpose, by, until <= at)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def spelled(moment: datetime) -> str:
    """A time for people: `2026-12-24T23:59Z`."""
    return moment.astimezone(UTC).isoformat(timespec="minutes").replace("+00:00", "Z")


def deadline(until: str | None = None, hold: str | None = None) -> datetime:
    """The time that is meant: a date (its end) or a time, in UTC by default, or so long from now on (`2h`).

    Raises Malformed for neither or both, for what is no time, and for one that is over.
    """
    if (until is None) == (hold is None):
        raise Malformed("until when? (--until 2026-12-24, or --hold 2h)")
    return future(_moment(until) if until is not None else now() + _length(hold or ""))


def _moment(text: str) -> datetime:
    from clusto_core.model.grammars import Date

    value = Date().read(string(text))
    if value is None:
        raise Malformed(f"malformed time: {text[:40]!a} (write {Date.expects})")
    moment: datetime = value.python()
    return moment + timedelta(days=1, seconds=-1) if len(value.text) == len("2026-12-24") else moment


def _length(text: str) -> timedelta:
    """How long a text means. Raises Malformed."""
    return timedelta(seconds=seconds(text))


def seconds(text: str) -> int:
    """How many seconds a text means: `2h`, `30d`, `90`. Raises Malformed."""
    from clusto_core.model import units

    found = units.measure(text, "s")
    if found is None or not 0 <= found < 10**10:
        raise Malformed(f"malformed length of time: {text[:40]!a} (write 90min, 2h or 30d)")
    return int(found)


def future(moment: datetime) -> datetime:
    """The time itself, in whole seconds, UTC where it says nothing else. Raises Malformed for one that is over."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= now():
        raise Malformed(f"{spelled(moment)} is over: nothing is reserved until then")
    return moment.astimezone(UTC).replace(microsecond=0)
