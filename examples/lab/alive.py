"""Things of the lab alive in a thread of their own, for whoever is not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Startable(Protocol):
    """What lives in an event loop."""

    async def start(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def alive(*things: Startable) -> Iterator[None]:
    """They are started in this order, and stopped in the other."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    started: list[Startable] = []
    try:
        for thing in things:
            started.append(thing)
            asyncio.run_coroutine_threadsafe(thing.start(), loop).result(30)
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_stop(started), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(things: list[Startable]) -> None:
    for thing in reversed(things):
        thing.stop()
    if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        _, pending = await asyncio.wait(tasks, timeout=1)
        for task in pending:
            task.cancel()
