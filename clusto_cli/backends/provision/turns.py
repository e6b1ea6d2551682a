"""One thing at a time for one machine.

A thread goes on when the task that waits for it is cancelled, and what that task then does about it must come after.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """Runs blocking functions in threads, those about the same machine one after the other."""

    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = {}

    async def run(self, machine: str, act: Callable[[], T]) -> T:
        return await asyncio.to_thread(self._in_turn, self._locks.setdefault(machine, threading.Lock()), act)

    @staticmethod
    def _in_turn(lock: threading.Lock, act: Callable[[], T]) -> T:
        with lock:
            return act()
