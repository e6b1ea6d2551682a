"""Many processes that do something at the same moment, and what came of it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from clusto_core.errors import ClustoError


def at_once(count: int, act: Callable[[str], object], url: str) -> list[object]:
    """What each of so many processes gave for that store, or the error that it was refused by."""
    # Forked, they have imported all that they need: their work falls together instead of their starting.
    fork = multiprocessing.get_context("fork")
    start, results = fork.Barrier(count), fork.Queue()
    processes = [fork.Process(target=_one, args=(act, url, start, results)) for _ in range(count)]
    for process in processes:
        process.start()
    found = [results.get(timeout=100) for _ in processes]
    for process in processes:
        process.join(30)
    return found


def _one(act: Callable[[str], object], url: str, start: Barrier, results: Queue[object]) -> None:
    start.wait(60)
    try:
        results.put(act(url))
    except ClustoError as error:
        results.put(error)
