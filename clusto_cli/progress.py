"""How far the work is, as a line on standard error, where a person sees it: only of what takes longer than a second.

What is written meanwhile, to either stream, goes above the line.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

Report = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much is done; a total of 0 is one that is not known."""

PATIENCE = 1.0
"""Seconds before the line is first shown."""
_EVERY = 0.2
_ERASE = "\r\x1b[K"


@contextlib.contextmanager
def progress(what: str) -> Iterator[Report]:
    """What reports are shown with; without a terminal they go nowhere. The line is gone when the work is done."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        with unseen() as report:
            yield report
        return
    line = _Line(sys.stderr, what)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stderr(_Above(sys.stderr, line)))
        if sys.stdout.isatty():
            stack.enter_context(contextlib.redirect_stdout(_Above(sys.stdout, line)))
        stack.enter_context(line)
        yield line.report


def unseen() -> contextlib.AbstractContextManager[Report]:
    """As `progress`, without the line: while a person types."""
    return contextlib.nullcontext(lambda what, done, total: None)


@contextlib.contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """As `progress`, of a known number of equal things; called with how many more are done."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(what, done, total if total > 1 else 0)

    with progress(what) as report:
        advance(0)
        yield advance


class _Line:
    """The line, drawn by a thread of its own, so that it lives also while a database or a device is waited for."""

    def __init__(self, stream: TextIO, what: str) -> None:
        self._stream = stream
        self._told = (what, 0, 0)
        self._began = time.monotonic()
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._drawn = False
        self._open = False
        self._thread = threading.Thread(target=self._draw_on, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()
        with self.writing(""):
            pass

    def report(self, what: str, done: int, total: int) -> None:
        """Takes what is told next."""
        self._told = (what, done, total)

    @contextlib.contextmanager
    def writing(self, text: str) -> Iterator[None]:
        """Takes the line away while text is written. A line that is not ended, a question perhaps, is left alone."""
        with self._lock:
            if self._drawn:
                self._stream.write(_ERASE)
                self._stream.flush()
                self._drawn = False
            yield
            if text:
                self._open = not text.endswith("\n")

    def _draw_on(self) -> None:
        pause = PATIENCE
        while not self._over.wait(pause):
            pause = _EVERY
            with self._lock, contextlib.suppress(OSError, ValueError):
                if not self._open:
                    self._drawn = True
                    self._stream.write(_ERASE + self._text()[: _columns() - 1])
                    self._stream.flush()

    def _text(self) -> str:
        what, done, total = self._told
        share = f": {100 * done // total}% ({done}/{total})" if total else f": {done}" if done else ""
        return f"{what}{share}, {time.monotonic() - self._began:.0f} s"


class _Above:
    """A stream whose text goes above the line."""

    def __init__(self, stream: TextIO, line: _Line) -> None:
        self._stream = stream
        self._line = line

    def write(self, text: str) -> int:
        with self._line.writing(text):
            count = self._stream.write(text)
            self._stream.flush()
            return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80
