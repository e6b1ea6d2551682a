"""Long answers that are worked out as a whole: in a file, where no reader keeps anybody waiting, and for whoever asks
the same of the same state of the inventory again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from tempfile import SpooledTemporaryFile
from time import monotonic

from clusto_cli.web.answering import Answer, Busy

PIECE = 64 << 10
IN_MEMORY = 1 << 20
"""Octets up to which an answer is in memory, and sent as one."""
_KEPT = 8
_OCTETS = 256 << 20
"""So many answers, and octets of them, are kept at most: those that were asked for last."""
_PATIENCE = 20.0
"""Seconds that one waits for others."""
_SECONDS = 300.0
"""What is reserved may be over without any change of the inventory."""


class Body:
    """What an answer says. It is written by one, then read by any number."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it is gone with the last who reads it
        self._lock = threading.Lock()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Takes the next part."""
        self.size += self._file.write(data)

    def pieces(self) -> Iterator[bytes]:
        """All of it."""
        place = 0
        while piece := self._piece(place):
            yield piece
            place += len(piece)

    def _piece(self, place: int) -> bytes:
        with self._lock:
            self._file.seek(place)
            return self._file.read(PIECE)


class Kept:
    """An answer: what is said before its body, and that."""

    def __init__(self, head: Answer, body: Body) -> None:
        self.head, self.body = head, body
        self.made = monotonic()


class Keeping:
    """Those that were worked out last, by what was asked of which state of the inventory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making = threading.Lock()
        """One is worked out at a time: each takes a lot of memory."""
        self._known: OrderedDict[Hashable, Kept] = OrderedDict()

    def of(self, asked: Hashable, make: Callable[[Body], Answer]) -> Kept:
        """The answer to what is asked; `make` writes its body and gives its head. Raises Busy, and as `make` does."""
        if (found := self._found(asked)) is not None:
            return found
        if not self._making.acquire(timeout=_PATIENCE):
            raise Busy("others ask for much: try again")
        try:
            if (found := self._found(asked)) is None:
                body = Body()
                found = Kept(make(body), body)
                self._keep(asked, found)
            return found
        finally:
            self._making.release()

    def _found(self, asked: Hashable) -> Kept | None:
        with self._lock:
            found = self._known.get(asked)
            if found is None or monotonic() - found.made > _SECONDS:
                return None
            self._known.move_to_end(asked)
            return found

    def _keep(self, asked: Hashable, found: Kept) -> None:
        with self._lock:
            self._known[asked] = found
            while len(self._known) > _KEPT or sum(each.body.size for each in self._known.values()) > _OCTETS:
                self._known.popitem(last=False)
