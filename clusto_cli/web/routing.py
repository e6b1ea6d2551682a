"""What pages and the API are made of: a path, who may, and a function that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clusto_cli.web.answering import Answer
from clusto_cli.web.asking import Asked, Request
from clusto_core.records.tokens import READER


class Route(NamedTuple):
    """`answer` runs in a thread, and may read, wait, and raise ClustoError. `path` is aiohttp's: `/things/{name}`.
    `role` is the least that the caller must have. `fresh`: its answer is not that of the inventory alone, and has no
    ETag. `check` raises for what cannot be asked, before anything else is looked at. `waits` says after which
    transaction something has to have come, and for how many seconds that may be waited for; None for no waiting."""

    path: str
    answer: Callable[[Asked], Answer]
    method: str = "GET"
    role: str = READER
    fresh: bool = False
    check: Callable[[Request], object] | None = None
    waits: Callable[[Request], tuple[int, float] | None] | None = None


class Static(NamedTuple):
    """What anybody may have, and is always the same: a style sheet, a program of a page."""

    path: str
    answer: Answer


class Events(NamedTuple):
    """What is sent as it comes (server-sent events, WHATWG HTML 9.2). `news` runs in a thread again and again, is told
    after which transaction, and gives what is to be sent of what came then: its name, data of one line, and the number
    of the transaction."""

    path: str
    news: Callable[[Asked, int], list[tuple[str, str, int]]]
    role: str = READER
