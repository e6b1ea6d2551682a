"""Everything that is heard of the machines of one command, from wherever: taken in, written down, told, waited for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_cli.rebuild.scribe import Scribe
from clusto_cli.rebuild.signs import Evidence
from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.records.rebuilds import (
    CANCELLED,
    CLUSTO,
    ENDED,
    FAILED,
    FETCHED,
    PROGRESS,
    STARTED,
    Event,
    Heard,
    Rebuild,
    events_after,
)
from clusto_core.store.reader import open_reader

_POLL = 0.3
"""Seconds between two looks at what other processes have written down."""


class Told(NamedTuple):
    """One event for whoever watches; `time` is in seconds since 1970, UTC."""

    name: str
    time: float
    phase: str
    source: str
    event: str
    message: str | None


Tell = Callable[[Told], None]


@dataclass
class Followed:
    """One machine that is followed: what was heard of it, and whether that is news."""

    rebuild: Rebuild
    evidence: Evidence
    phase: str
    cancelled: bool = False
    lost: bool = False
    """Another command has its lock now, and may do with the machine what it likes."""
    open: bool = False
    """What it fetches, and that its installer starts, counts from now on: before its power was off, it does not."""
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Hearing:
    """The machines that are followed, by the numbers of their rebuilds."""

    def __init__(self, store: Settings, scribe: Scribe, tell: Tell, last: int) -> None:
        """`last` is the number of the newest event there was, before any was read."""
        self._store = store
        self._scribe = scribe
        self._tell = tell
        self._followed: dict[int, Followed] = {}
        self._last = last
        self.trouble: str | None = None
        """Why the store cannot be read at the moment."""

    def follow(self, rebuild: Rebuild, evidence: Evidence, heard: Iterable[Event] = ()) -> Followed:
        """Follows a rebuild from now on; `heard` is what the store has of it already."""
        followed = self._followed[rebuild.id] = Followed(rebuild, evidence, rebuild.phase)
        for event in heard:
            evidence.hear(event.source, event.event, event.message)
        return followed

    def __getitem__(self, rebuild_id: int) -> Followed:
        return self._followed[rebuild_id]

    def fail(self, rebuild_id: int, why: str) -> None:
        """A rebuild that has ended otherwise than its story can tell."""
        if (followed := self._followed[rebuild_id]).phase not in ENDED:
            self.enter(followed, FAILED, why)

    def hear(self, followed: Followed, source: str, event: str, message: str | None = None) -> None:
        """Takes in what this process has heard itself."""
        if not _early(followed, event) and followed.evidence.hear(source, event, message):
            self._scribe.note(Heard(followed.rebuild.id, source, event, message))
            self._news(followed, source, event, message)

    def hear_of(self, rebuild_id: int, source: str, event: str, message: str | None) -> None:
        """The same for whoever knows the number; what is not followed, or has ended, is passed over."""
        followed = self._followed.get(rebuild_id)
        if followed is not None and followed.phase not in ENDED:
            self.hear(followed, source, event, message)

    def enter(self, followed: Followed, phase: str, message: str | None = None) -> None:
        """The rebuild is in that phase now."""
        followed.phase = phase
        self._scribe.note(Heard(followed.rebuild.id, CLUSTO, phase, message, phase))
        self._news(followed, CLUSTO, phase, message)

    def remark(self, followed: Followed, message: str) -> None:
        """Something to be known of a rebuild that is no sign."""
        self._scribe.note(Heard(followed.rebuild.id, CLUSTO, PROGRESS, message))
        self._news(followed, CLUSTO, PROGRESS, message)

    def lose(self, name: str) -> None:
        """The lock of that machine is another command's now."""
        for followed in self._followed.values():
            if followed.rebuild.name == name:
                followed.lost = True
                followed.news.set()

    async def listen(self) -> None:
        """Takes in what other processes write down, until it is cancelled."""
        with ThreadPoolExecutor(1, "store") as thread:
            while True:
                try:
                    for event in await asyncio.get_running_loop().run_in_executor(thread, self._written):
                        self._last = max(self._last, event.id)
                        self._take(event)
                    self.trouble = None
                except ClustoError as error:
                    self.trouble = str(error)
                await asyncio.sleep(_POLL)

    def _written(self) -> list[Event]:
        with open_reader(self._store.url) as reader:
            return events_after(reader, self._last)

    def _take(self, event: Event) -> None:
        followed = self._followed.get(event.rebuild_id)
        if followed is None:
            return
        if event.source == CLUSTO:
            if event.event == CANCELLED and followed.phase != CANCELLED:
                followed.cancelled = True
                self._news(followed, CLUSTO, CANCELLED, event.message)
        elif not _early(followed, event.event) and followed.evidence.hear(event.source, event.event, event.message):
            self._news(followed, event.source, event.event, event.message)

    def _news(self, followed: Followed, source: str, event: str, message: str | None) -> None:
        try:
            self._tell(Told(followed.rebuild.name, time.time(), followed.phase, source, event, message))
        except OSError:
            # Nobody reads what is told any more. The machines are not to suffer for it.
            self._tell = _nobody
        followed.news.set()


def _early(followed: Followed, event: str) -> bool:
    """Whether that was said by what ran before the power was off."""
    return not followed.open and event in (FETCHED, STARTED)


def _nobody(told: Told) -> None:
    return None


async def news(followed: Followed, seconds: float) -> None:
    """Waits for something to be heard, or so many seconds."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(followed.news.wait(), seconds)
    followed.news.clear()
