"""Locks on devices: one command at a time changes a switch, whichever host it runs on.

A device's lists are read, changed and written back whole, so that of two commands at once the later one would undo the
earlier. A lock has an owner and a time limit: what a command that died has left behind is free again by itself. Hosts
compare times by their own clocks, which need to agree to within the limit.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence

from clusto_core.config import Settings
from clusto_core.errors import Refused
from clusto_core.model.things import Thing
from clusto_core.records.history import user
from clusto_core.store.reader import Reader

SECONDS = 300
"""How long a lock holds that is not renewed."""
_POLL = 0.2
_COLUMNS = ("thing_id", "owner", "token", "expires")
_HELD = """
    SELECT l.thing_id, l.owner, l.expires FROM locks l
    WHERE l.thing_id IN (:ids) AND l.expires > :now AND l.token <> :token"""


def holders(reader: Reader, thing_ids: Iterable[int]) -> dict[int, str]:
    """Who holds the locks of these Things now, by the Thing's id; nothing for those that nobody holds."""
    sql = "SELECT l.thing_id, l.owner FROM locks l WHERE l.expires > :now AND l.thing_id IN (:ids)"
    return dict(reader.database.rows_in(sql, list(thing_ids), {"now": time.time_ns() // 1000}))


class LockLost(Refused):
    """A lock has run out, and another command holds it now. `name` is the Thing's."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class Locks:
    """Locks that this command holds, all with one token."""

    def __init__(self, settings: Settings, *, seconds: float = SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._token = secrets.token_hex(8)
        self._owner = f"{user()}@{os.uname().nodename} (process {os.getpid()})"[:255]

    def take(self, things: Sequence[Thing], wait: float) -> None:
        """Locks all of these or none. Raises Refused, naming the owner, when one stays locked for `wait` seconds."""
        deadline = time.monotonic() + wait
        while (taken := self._try(things)) is not None:
            if time.monotonic() + _POLL > deadline:
                name, owner, left = taken
                raise Refused(f"{name} is being changed by {owner}; its lock ends by itself in {left:.0f} s")
            time.sleep(_POLL)

    def renew(self, things: Sequence[Thing]) -> None:
        """Starts the time limit anew. Raises LockLost when a lock has run out and another command holds it."""
        taken = self._try(things)
        if taken is not None:
            raise LockLost(f"{taken[0]} was locked too long and is being changed by {taken[1]} now", taken[0])

    def release(self) -> None:
        """Gives back all that this command holds."""
        from clusto_core.store.opening import write_transaction

        with write_transaction(self._settings, lambda line: None) as database:
            database.execute("DELETE FROM locks WHERE token = :token", {"token": self._token})

    @contextlib.contextmanager
    def on(self, things: Sequence[Thing], wait: float) -> Iterator[Locks]:
        """The locks for as long as the block lasts."""
        self.take(things, wait)
        try:
            yield self
        finally:
            self.release()

    def _try(self, things: Sequence[Thing]) -> tuple[str, str, float] | None:
        """Locks all, or tells the first that another command holds: its name, that owner, the seconds left."""
        from clusto_core.store.opening import write_transaction

        by_id = {thing.id: thing for thing in things}
        # The store's write lock makes this the only one who looks and writes.
        with write_transaction(self._settings, lambda line: None) as database:
            now = time.time_ns() // 1000
            for id, owner, expires in database.rows_in(_HELD, list(by_id), {"now": now, "token": self._token}):
                return by_id[id].name, owner, (expires - now) / 1e6
            database.execute_in("DELETE FROM locks WHERE thing_id IN (:ids)", by_id)
            expires = now + int(self._seconds * 1e6)
            database.insert("locks", _COLUMNS, [(id, self._owner, self._token, expires) for id in by_id])
        return None
