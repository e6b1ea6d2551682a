"""What has happened since: a list of transactions, oldest first, or a stream of them as they come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from clusto_cli import transactions
from clusto_cli.web.answering import EVENTS, JSON, Answer
from clusto_cli.web.api import reading
from clusto_cli.web.api.declaring import Operation, Parameter, json_answer, read
from clusto_cli.web.asking import Asked, Request
from clusto_cli.web.routing import Events
from clusto_core.records import history
from clusto_core.records.history import Entry

_PAGE = 100
_SINCE = Parameter("since", {"type": "integer", "minimum": 0, "maximum": 10**15}, "only later ones than this number")
_LIMIT = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, f"at most so many, {_PAGE} by default")
_WAIT = Parameter(
    "wait", {"type": "integer", "minimum": 0, "maximum": 60}, "so many seconds until there is one, where there is none"
)
PATH = f"{reading.PREFIX}/changes"
STREAM = f"{PATH}/stream"


def operations() -> Iterator[Operation]:
    """The list."""
    yield Operation(
        PATH,
        "What has happened since a transaction, oldest first",
        _changes,
        {JSON: reading.documented("log")},
        (_SINCE, _LIMIT, _WAIT),
        words=(
            "With all that each did. While there is more, the Link header leads to it; its last number is the next"
            " `since`. With `wait` it is answered when there is one."
            f" GET {STREAM} sends the same as it comes ({EVENTS}), after `since` or Last-Event-ID."
        ),
        waits=_waits,
    )


def _waits(request: Request) -> tuple[int, float] | None:
    """After which transaction one has to have come, and for how long that is waited for."""
    values = read((_SINCE, _LIMIT, _WAIT), request)
    return (values["since"][0] if values["since"] else 0, values["wait"][0]) if values["wait"] else None


def streams() -> Iterator[Events]:
    """As it comes."""
    yield Events(STREAM, _news)


def _changes(asked: Asked, values: Mapping[str, list[Any]]) -> Answer:
    since, limit = ((values[name] or [usual])[0] for name, usual in (("since", 0), ("limit", _PAGE)))
    entries = history.following(asked.reader, since, limit)
    document = [_record(asked, entry) for entry in entries]
    more = len(entries) == limit and entries[-1].id < asked.number
    following = f'<{PATH}?since={entries[-1].id}&limit={limit}>; rel="next"' if more else ""
    return json_answer(document, headers={"Link": following} if more else {})


def _record(asked: Asked, entry: Entry) -> dict[str, Any]:
    return transactions.record(asked.reader, entry, detailed=True, most=transactions.MOST)


def _news(asked: Asked, since: int) -> list[tuple[str, str, int]]:
    entries = history.following(asked.reader, since, _PAGE)
    return [("transaction", json.dumps(_record(asked, entry)), entry.id) for entry in entries]
