"""Waiting for something in what a console says, as it comes: pexpect's searching, fed by hand.

pexpect's own loop waits for one program at a time; here many lines are read in one loop, none of which may block.
"""

from __future__ import annotations

import re

MOST = 1024 * 1024
"""Octets that are kept of what nobody has waited for: no pattern reaches back further."""
_LOOKBACK = 64 * 1024
"""Octets before what is new in which a match may begin."""


class Dialogue:
    """What was said and not waited for yet: at most so many octets, so that a port may talk for ever."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._said = bytearray()
        self._fresh = 0
        self._wanted: re.Pattern[bytes] | None = None

    @property
    def said(self) -> bytes:
        return bytes(self._said)

    def hear(self, data: bytes) -> None:
        self._said += data
        self._fresh += len(data)
        del self._said[: -self._most]

    def clear(self) -> None:
        """Forgets all that was said."""
        self._said.clear()
        self._fresh = 0

    def met(self, wanted: re.Pattern[bytes]) -> bool:
        """Whether this has come since the last match; then what stands before its end is done with."""
        from pexpect.expect import searcher_re

        if wanted is not self._wanted:
            self._wanted, self._fresh = wanted, len(self._said)
        if not self._fresh:
            return False
        searcher = searcher_re([wanted])
        found = searcher.search(self._said, self._fresh, self._fresh + _LOOKBACK)  # type: ignore[arg-type]
        self._fresh = 0
        if found < 0:
            return False
        del self._said[: searcher.end]
        self._wanted = None
        return True
