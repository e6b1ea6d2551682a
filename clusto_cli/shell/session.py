"""What is at hand in the shell: the inventory, and a change that begins when it is first used and ends when told to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import clusto_core
from clusto_core import Change, Handle, Inventory, Refused

HELP = """\
inventory["server1"]                 a Thing: .attrs .inherited .parts .rack .connected("Switch") .console ...
find("driver:Server in name:rack1")  what an expression selects
change["server1"].attrs["x"] = 1     changes; nobody else can write from now on
changes()                            what is changed so far
commit("why")   rollback()           keep all of it, or nothing
Names in quotes are completed with the tabulator. help(Handle), help(Change) say more."""


class _Abandoned(Exception):
    """Ends a change without keeping it."""


class Pending:
    """A change that begins when it is first used; after `commit` and `rollback` the next use begins another."""

    def __init__(self, inventory: Inventory, say: Callable[[str], None], begun: Callable[[], None]) -> None:
        self._inventory = inventory
        self._say = say
        self._tell_begun = begun
        self._manager: contextlib.AbstractContextManager[Change] | None = None
        self._change: Change | None = None

    def _begun(self) -> Change:
        if self._change is None:
            self._manager = self._inventory.change(command="clusto shell", notify=self._say)
            self._change = self._manager.__enter__()
            self._tell_begun()
        return self._change

    def __getattr__(self, name: str) -> Any:
        """What a change has. Looking at it, as completion does, begins none."""
        if name.startswith("_") or not hasattr(Change, name):
            raise AttributeError(f"a change has no {name}")
        if self._change is not None:
            return getattr(self._change, name)
        known = getattr(Change, name)
        if not callable(known):
            return [] if name == "changes" else None

        @wraps(known)
        def begin(*given: Any, **named: Any) -> Any:
            return getattr(self._begun(), name)(*given, **named)

        return begin

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(self._begun(), name, value)

    def __getitem__(self, name: str | Handle) -> Handle:
        return self._begun()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._begun()

    def __dir__(self) -> list[str]:
        return [name for name in dir(Change) if not name.startswith("_")]

    def __repr__(self) -> str:
        if self._change is None:
            return "<change: not begun>"
        return f"<change: {len(self._change.changes)} lines to commit>"


class Session:
    """One run of the shell. `interactive`: somebody is at it, who is told that others wait."""

    def __init__(self, inventory: Inventory, say: Callable[[str], None], *, interactive: bool) -> None:
        self.inventory = inventory
        self.pending = Pending(inventory, say, self._warn if interactive else lambda: None)
        self._say = say

    def _warn(self) -> None:
        self._say("a change is open: nobody else can write until commit() or rollback()")

    @property
    def open(self) -> bool:
        """Whether a change has begun."""
        return self.pending._change is not None

    def names(self) -> dict[str, Any]:
        """What is at hand."""
        public = {name: getattr(clusto_core, name) for name in clusto_core.__all__ if name != "open"}
        return public | {
            "clusto_core": clusto_core,
            "inventory": self.inventory,
            "find": self.inventory.find,
            "change": self.pending,
            "changes": self.changes,
            "commit": self.commit,
            "rollback": self.rollback,
        }

    def changes(self) -> None:
        """Prints what is changed so far."""
        from clusto_cli.output import clean

        if self.pending._change is None:
            self._say("nothing is changed")
            return
        for line in self.pending._change.changes:
            print(clean(line))

    def commit(self, message: str | None = None) -> int | None:
        """Keeps what was changed, with the reason for the history; gives the transaction's number. Raises Refused."""
        change = self._ended()
        if message is not None:
            change.message = message
        self._leave(None)
        return change.id

    def rollback(self) -> None:
        """Takes back what was changed."""
        self._ended()
        with contextlib.suppress(_Abandoned):
            self._leave(_Abandoned())

    def _ended(self) -> Change:
        change = self.pending._change
        if change is None:
            raise Refused("nothing is changed")
        self.pending._change = None
        return change

    def _leave(self, error: BaseException | None) -> None:
        manager, self.pending._manager = self.pending._manager, None
        assert manager is not None
        manager.__exit__(type(error) if error is not None else None, error, None)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """At the end, an open change is taken back."""
        try:
            yield
        finally:
            if self.open:
                lines = len(self.pending._begun().changes)
                self.rollback()
                if lines:
                    self._say("the change was not committed: nothing of it is kept")
