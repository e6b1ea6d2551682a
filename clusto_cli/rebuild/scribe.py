"""Writes down what is heard while a rebuild goes on, many events in one transaction, without holding anybody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from clusto_core.errors import ClustoError
from clusto_core.records.rebuilds import Heard, Journal

_GATHER = 0.1
"""Seconds for which events are gathered into one transaction."""
_AGAIN = 2.0
"""Seconds before a store that could not be written is tried again."""


class Scribe:
    """The journal, written from a thread, in order. A store that cannot be written stops no rebuild: what is to be
    written waits, and `trouble` says why."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[Heard] = []
        self._arrived = asyncio.Event()
        self._ended = False
        self._worker: asyncio.Task[None] | None = None
        self.trouble: str | None = None

    async def __aenter__(self) -> Scribe:
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._ended = True
        self._arrived.set()
        if self._worker is not None:
            await self._worker

    @property
    def unwritten(self) -> str | None:
        """Why not all is written down; None when it is."""
        return self.trouble if self._waiting else None

    def note(self, heard: Heard) -> None:
        """Has this written down soon."""
        self._waiting.append(heard)
        self._arrived.set()

    async def _work(self) -> None:
        while not (self._ended and not self._waiting):
            await self._arrived.wait()
            self._arrived.clear()
            if not self._ended:
                await asyncio.sleep(_GATHER)
            portion, self._waiting = self._waiting, []
            if portion and not await self._written(portion):
                self._waiting = portion + self._waiting
                if self._ended:
                    return
                self._arrived.set()
                await asyncio.sleep(_AGAIN)

    async def _written(self, portion: list[Heard]) -> bool:
        write: Callable[[list[Heard]], object] = self._journal.add
        try:
            await asyncio.to_thread(write, portion)
        except ClustoError as error:
            self.trouble = str(error)
            return False
        self.trouble = None
        return True
