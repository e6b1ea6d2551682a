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


class Session:
    """One run of the shell. `interactive`: somebody is at it, who is told that others wait."""

    def __init__(self, inventory: Inventory, say: Callable[[str], None], *, interactive: bool) -> None:
        self.inventory = inventory
        self.change: Change | None = None
        """The change that is open."""
        self._manager: contextlib.AbstractContextManager[Change] | None = None
        self._say = say
        self._interactive = interactive

    def begun(self) -> Change:
        """The change that is open, or a new one. Raises Refused while others write, StoreBroken."""
        if self.change is None:
            self._manager = self.inventory.change(command="clusto shell", notify=self._say)
            self.change = self._manager.__enter__()
            if self._interactive:
                self._say("a change is open: nobody else can write until commit() or rollback()")
        return self.change

    def names(self) -> dict[str, Any]:
        """What is at hand."""
        public = {name: getattr(clusto_core, name) for name in clusto_core.__all__ if name != "open"}
        return public | {
            "clusto_core": clusto_core,
            "inventory": self.inventory,
            "find": self.inventory.find,
            "change": Pending(self),
            "changes": self.changes,
            "commit": self.commit,
            "rollback": self.rollback,
        }

    def changes(self) -> None:
        """Prints what is changed so far."""
        from clusto_cli.output import clean

        if self.change is None:
            self._say("nothing is changed")
            return
        for line in self.change.changes:
            print(clean(line))

    def commit(self, message: str | None = None) -> int | None:
        """Keeps what was changed, with the reason for the history; gives the transaction's number. Raises Refused."""
        change, manager = self._ended()
        if message is not None:
            change.message = message
        manager.__exit__(None, None, None)
        return change.id

    def rollback(self) -> None:
        """Takes back what was changed. Raises Refused when nothing was."""
        _, manager = self._ended()
        error = _Abandoned()
        with contextlib.suppress(_Abandoned):
            manager.__exit__(_Abandoned, error, None)

    def _ended(self) -> tuple[Change, contextlib.AbstractContextManager[Change]]:
        change, manager = self.change, self._manager
        if change is None or manager is None:
            raise Refused("nothing is changed")
        self.change = self._manager = None
        return change, manager

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """At the end, an open change is taken back."""
        try:
            yield
        finally:
            if self.change is not None:
                lost = bool(self.change.changes)
                self.rollback()
                if lost:
                    self._say("the change was not committed: nothing of it is kept")


class Pending:
    """A change that begins when it is first used; after `commit` and `rollback` the next use begins another."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        """What a change has. Looking at it, as completion does, begins none."""
        if name.startswith("_") or not hasattr(Change, name):
            raise AttributeError(f"a change has no {name}")
        if self._session.change is not None:
            return getattr(self._session.change, name)
        known = getattr(Change, name)
        if not callable(known):
            return [] if name == "changes" else None

        @wraps(known)
        def begin(*given: Any, **named: Any) -> Any:
            return getattr(self._session.begun(), name)(*given, **named)

        return begin

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(self._session.begun(), name, value)

    def __getitem__(self, name: str | Handle) -> Handle:
        return self._session.begun()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._session.begun()

    def __dir__(self) -> list[str]:
        return [name for name in dir(Change) if not name.startswith("_")]

    def __repr__(self) -> str:
        change = self._session.change
        return "<change: not begun>" if change is None else f"<change: {len(change.changes)} lines to commit>"
