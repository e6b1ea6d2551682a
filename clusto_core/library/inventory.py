"""An inventory: short reads, snapshots, changes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from clusto_core import inventory as core
from clusto_core.config import Settings
from clusto_core.errors import Refused
from clusto_core.inventory import Transaction
from clusto_core.library.change import Change
from clusto_core.library.view import View
from clusto_core.store.database import Database, Mirror, connect, dialect_of, mirror_of
from clusto_core.store.reader import Reader


class Inventory(View):
    """An inventory. What is asked of it outside of `read` and `change` is answered by a short consistent read each.

    A handle tells again what it has told: ask the inventory anew for what is new, or `with inventory.read()` for many
    questions to one state. Not to be shared between threads; any number may be open.
    """

    def __init__(self, settings: Settings) -> None:
        self.url = settings.url
        self._core = core.Inventory(settings)
        self._database = _OnDemand(settings.url)
        self._reader = Reader(self._database)
        self._depth = 0
        self._changes: dict[Transaction, Change] = {}

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """The store, for one question and those that it leads to."""
        self._depth += 1
        try:
            yield self._reader
        finally:
            self._depth -= 1
            if not self._depth:
                self._database.close()

    @property
    def mirror(self) -> Mirror | None:
        """Of which store this one is a mirror (`clusto db mirror`), `origin`, and since when, `taken`: microseconds
        since 1970, UTC; None for one that is written to. Raises NotFound, StoreBroken."""
        with self.reading() as reader:
            return mirror_of(reader.database)

    @contextlib.contextmanager
    def read(self) -> Iterator[Snapshot]:
        """One consistent view of the inventory: whatever is asked of it and its handles, it is as it was at the
        beginning. Raises NotFound, StoreBroken."""
        with self._core.read() as reader:
            snapshot = Snapshot(reader, self.url)
            try:
                yield snapshot
            finally:
                snapshot.over = True

    @contextlib.contextmanager
    def at(self, moment: str | int) -> Iterator[Snapshot]:
        """The inventory as it was, read-only: after the transaction of that number, or at a moment as `clusto --at`
        takes it (`yesterday`, `2 weeks ago`, ISO 8601). Writers wait meanwhile where the store is larger than 32 MB,
        or on a server. Raises Malformed, NotFound, StoreBroken."""
        with self._core.at(moment) as reader:
            snapshot = Snapshot(reader, self.url)
            try:
                yield snapshot
            finally:
                snapshot.over = True

    @contextlib.contextmanager
    def change(
        self,
        message: str | None = None,
        *,
        command: str | None = None,
        dry_run: bool = False,
        strict: bool = False,
        notify: Callable[[str], None] = lambda line: None,
    ) -> Iterator[Change]:
        """A change: committed when the block ends, taken back when an error leaves it. Nobody else writes meanwhile.

        `message` says why, and `command` by what (the program's name), in the history. `dry_run`: everything is
        checked, and nothing is kept. `strict`: a new key that nobody declared is refused. `notify` is told what is
        done besides, as that a store was made.

        A change inside another of the same inventory joins it, with both messages: it is kept when the outer one is.
        When it fails halfway, nothing of the outer one is kept either, whoever catches the error.

        Raises Refused when others write for a minute, StoreBroken; at the end Refused for what only the whole can show.
        """
        program = command or os.path.basename(sys.argv[0]) or "python"
        with self._core.change(program, message, dry_run=dry_run, strict=strict, notify=notify) as transaction:
            if (outer := self._changes.get(transaction)) is not None:
                yield outer
                return
            change = self._changes[transaction] = Change(transaction, self.url)
            try:
                yield change
            finally:
                change.over = True
                del self._changes[transaction]

    def __repr__(self) -> str:
        from clusto_core.config import masked

        return f"<inventory {masked(self.url)}>"


class Snapshot(View):
    """One consistent view of an inventory."""

    def __init__(self, reader: Reader, url: str) -> None:
        self._reader = reader
        self.url = url
        self.over = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """The store as it was when the snapshot was taken."""
        if self.over:
            raise Refused("the snapshot is over: ask the inventory")
        yield self._reader


class _OnDemand(Database):
    """A store that is opened when it is asked, and closed when the answer is there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.dialect = dialect_of(url)

    @cached_property
    def connection(self) -> Any:
        """Of the store, as it is from now on."""
        return connect(self._url).connection

    def close(self) -> None:
        """Ends the connection; the next question opens another one."""
        if (connection := self.__dict__.pop("connection", None)) is not None:
            connection.close()
