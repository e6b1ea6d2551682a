"""Answers are worked out in a bounded pool of threads, within a time limit, and streamed where they are long.

Who answers requests must not wait for the store. So many are asked at a time, so many wait for that; more are told to
come again. What is asked of a database can be broken off there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from clusto_cli.web.answering import Busy
from clusto_cli.web.keeping import IN_MEMORY, PIECE, Body

if TYPE_CHECKING:
    from clusto_cli.web.answering import Answer
    from clusto_core.store.database import Database

T = TypeVar("T")
_PIECES = 4
"""So much of an answer is in memory before its reader has taken what was before."""


_SLOWEST = 0.25
"""Seconds that a reader may take for a piece on the whole: whoever is slower holds a thread, and is given up when he
has used up the time for which he may stall."""


class Bounds(NamedTuple):
    """So many threads, requests that wait for one, and seconds until an answer must be there or be on its way."""

    threads: int = 4
    waiting: int = 64
    seconds: float = 30.0
    stalled: float = 60.0
    """Seconds until whoever does not go on reading is given up."""


class Work:
    """One request's work in a thread: what it asks can be broken off, what it writes is passed on as it is taken."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stalled: float) -> None:
        self._loop, self._stalled = loop, stalled
        self._databases: list[Database] = []
        self._piece = bytearray()
        self._patience = stalled
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_PIECES)
        self.flowing = asyncio.Event()
        """Set once there is more than a piece."""
        self.over = False
        self.body: Body | None = None
        """Where all of the answer is worked out before any of it is passed on: nobody is to wait for its reader."""
        self.head: Answer | None = None
        """What there is to say of an answer before its body."""
        self.prepare: Callable[[Answer], Answer] = lambda answer: answer
        """Adds to that what all answers say."""

    @contextlib.contextmanager
    def asking(self, database: Database) -> Iterator[Database]:
        """A database may be broken off meanwhile."""
        self._databases.append(database)
        try:
            yield database
        finally:
            self._databases.remove(database)

    def break_off(self) -> None:
        """Has what runs now in the thread fail, as far as databases can."""
        self.over = True
        while not self.pieces.empty():
            self.pieces.get_nowait()
        for database in list(self._databases):
            database.break_off()

    def write(self, data: bytes) -> None:
        """Takes a part of the answer; waits while its reader has not taken what was before. Raises BrokenPipeError
        when nobody reads it any more."""
        if self.body is not None:
            if self.over:
                raise BrokenPipeError
            self.body.write(data)
            return
        self._piece += data
        if len(self._piece) >= PIECE:
            self._pass_on()

    def _pass_on(self) -> None:
        piece = bytes(self._piece)
        self._piece.clear()
        self._put(piece)

    def _put(self, piece: bytes | None) -> None:
        if self.over:
            raise BrokenPipeError
        passed = asyncio.run_coroutine_threadsafe(self._passed(piece), self._loop)
        begun = monotonic()
        try:
            passed.result(self._patience)
        except TimeoutError:
            passed.cancel()
            raise BrokenPipeError from None
        self._patience = min(self._stalled, self._patience - (monotonic() - begun) + _SLOWEST)

    async def _passed(self, piece: bytes | None) -> None:
        self.flowing.set()
        await self.pieces.put(piece)

    async def next_piece(self, future: asyncio.Future[Any]) -> bytes | None:
        """The next part of an answer that flows; None at its end, or when the thread has failed."""
        piece = asyncio.ensure_future(self.pieces.get())
        await asyncio.wait({piece, future}, return_when=asyncio.FIRST_COMPLETED)
        if piece.done():
            return piece.result()
        piece.cancel()
        # It may have put its last parts and ended in between.
        return None if self.pieces.empty() else self.pieces.get_nowait()

    def finish(self) -> bytes:
        """What was written and not passed on, where that is little; the end is passed on where something was."""
        if self.body is not None:
            if self.body.size <= IN_MEMORY:
                return b"".join(self.body.pieces())
            for piece in self.body.pieces():
                self._put(piece)
            self._put(None)
            return b""
        rest = bytes(self._piece)
        self._piece.clear()
        if self.flowing.is_set():
            self._put(rest)
            self._put(None)
            return b""
        return rest


class Threads:
    """The pool."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._pool = ThreadPoolExecutor(bounds.threads, "answer")
        self._free = asyncio.Semaphore(bounds.threads)
        self._waiting = 0

    async def _turn(self) -> None:
        """Waits for a thread. Raises Busy where too many wait."""
        if self._free.locked() and self._waiting >= self.bounds.waiting:
            raise Busy("too many requests at once: try again")
        self._waiting += 1
        try:
            async with asyncio.timeout(self.bounds.seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Busy("too many requests at once: try again") from None
        finally:
            self._waiting -= 1

    def _ended(self, future: asyncio.Future[Any]) -> None:
        """A thread is free when it is, not when nobody waits for it any more."""
        self._free.release()
        if not future.cancelled():
            future.exception()

    @contextlib.asynccontextmanager
    async def working(self, function: Callable[[Work], T]) -> AsyncIterator[tuple[Work, asyncio.Future[T]]]:
        """Has a function run in a thread: gives its work and its future, once either is done or flows. Raises Busy,
        also when it takes too long."""
        await self._turn()
        loop = asyncio.get_running_loop()
        work = Work(loop, self.bounds.stalled)
        future = asyncio.ensure_future(loop.run_in_executor(self._pool, function, work))
        future.add_done_callback(self._ended)
        flowing = asyncio.ensure_future(work.flowing.wait())
        try:
            seconds = self.bounds.seconds
            both: set[asyncio.Future[Any]] = {future, flowing}
            done, _ = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise Busy(f"this takes longer than {seconds:g} s: ask for less")
            yield work, future
        finally:
            flowing.cancel()
            if not future.done():
                work.break_off()

    async def done(self, function: Callable[[Work], T]) -> T:
        """What a function gives that runs in a thread and writes nothing. Raises as `working`, and as it does."""
        async with self.working(function) as (_, future):
            return await future

    def close(self) -> None:
        """Ends when what is under way has ended."""
        self._pool.shutdown(wait=False, cancel_futures=True)
