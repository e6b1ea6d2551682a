"""The last of what a console said, kept in memory: as much as is worth showing again, and no more."""

from __future__ import annotations

from collections import deque

from clusto_cli.backends.console.visible import visible_lines


class Scrollback:
    """At most `limit` bytes, and up to one piece more."""

    def __init__(self, limit: int = 256 * 1024) -> None:
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._limit = limit

    def add(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        while self._size - len(self._pieces[0]) >= self._limit:
            self._size -= len(self._pieces.popleft())

    def last_lines(self, count: int) -> list[str]:
        """The last lines, safe to show."""
        return visible_lines(b"".join(self._pieces))[-count:]

    @property
    def data(self) -> bytes:
        return b"".join(self._pieces)
