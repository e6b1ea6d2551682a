"""What was heard of one rebuild, and what that proves.

Nothing is believed on one word. The installer runs when its machine says so, by call-back or on its console. The new
system is there when two sources that know nothing of each other say so: the call-back, the console, the probe. What
comes before the installer ran is told by the system that was there before, and proves only that it was booted again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from clusto_core.records.rebuilds import (
    CALLBACK,
    CONSOLE,
    FAILED,
    FETCH,
    FETCHED,
    FINISHED,
    PROBE,
    PROGRESS,
    STARTED,
    UP,
)

CONFIRMING = (CALLBACK, CONSOLE, PROBE)
"""The sources that can say that the new system is there, in the order in which they are told."""
WORDS = {CALLBACK: "call-back", CONSOLE: "console", PROBE: "probe", FETCH: "boot file fetched"}


@dataclass
class Evidence:
    """What was heard. possible: the sources that this machine has; needed: how many must say that it is done;
    boot_files: the paths of what its loader fetches. Whatever else is fetched, an installer fetches."""

    possible: frozenset[str]
    needed: int = 2
    boot_files: frozenset[str] = frozenset()
    fetched: bool = False
    started: bool = False
    failure: str | None = None
    stale: set[str] = field(default_factory=set)
    """The sources that saw a system come up before any installer ran: the old one."""
    rebooted: bool = False
    """The machine has asked for its boot file again since the installer began."""
    _finished: set[str] = field(default_factory=set)
    _up: set[str] = field(default_factory=set)

    def hear(self, source: str, event: str, message: str | None = None) -> bool:
        """Takes in what a source says; whether that is news."""
        before = self._state()
        if source == FETCH and event == FETCHED and message in self.boot_files:
            self.rebooted = self.rebooted or self.started
            self.fetched = True
        elif source == FETCH and event == FETCHED:
            self.fetched = self.started = True
        elif event == STARTED:
            self.started = True
        elif event == FAILED:
            self.failure = self.failure or message or "the installer says that it failed"
        elif event in (FINISHED, UP):
            self._hear_end(source, event)
        return event == PROGRESS or self._state() != before

    def _hear_end(self, source: str, event: str) -> None:
        if source == CALLBACK or (source == CONSOLE and event == FINISHED):
            # Only an installer knows the token, and only an installer says that it has finished.
            self.started = True
        elif not self.started:
            self.stale.add(source)
            return
        if event == FINISHED:
            self._finished.add(source)
        elif source != PROBE or self.over:
            self._up.add(source)

    @property
    def over(self) -> bool:
        """The installer is through, as somebody else than the probe says: an installer may run an ssh server too."""
        return self.rebooted or bool(self._finished or self._up)

    @property
    def confirmed(self) -> list[str]:
        """The sources that say that it is done."""
        return [source for source in CONFIRMING if source in self._finished | self._up]

    @property
    def missing(self) -> list[str]:
        """The sources that could say so and have not."""
        return [source for source in CONFIRMING if source in self.possible and source not in self.confirmed]

    @property
    def complete(self) -> bool:
        """Enough sources agree, and the new system was seen up by one that can see it."""
        seen = bool(self._up) or not self.possible.intersection((CONSOLE, PROBE))
        return self.started and seen and len(self.confirmed) >= self.needed

    def _state(self) -> tuple[object, ...]:
        return (
            self.fetched,
            self.started,
            self.failure,
            self.rebooted,
            frozenset(self.stale),
            frozenset(self._finished),
            frozenset(self._up),
        )


def words(sources: Iterable[str]) -> str:
    """`call-back, console`."""
    return ", ".join(WORDS[source] for source in sources)
