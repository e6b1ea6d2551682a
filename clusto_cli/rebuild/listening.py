"""Many serial consoles listened to at once, for what tells how a rebuild is getting on, and for their last words."""

from __future__ import annotations

import contextlib
import os
import re
import select
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clusto_cli.backends.base import Attach, ConsoleAccess, ConsoleLine
from clusto_cli.backends.console.script import COLUMNS, ROWS
from clusto_cli.backends.console.visible import visible_lines
from clusto_core.records.rebuilds import STARTED

Hear = Callable[[str, str, str], None]
"""Told of a machine, the event and the line that said so; called in the thread that listens."""

_AGAIN = 3.0
"""Seconds before a console that was lost, or could not be attached, is tried again: a controller may be restarting."""
_TICK = 0.2
_WINDOW = 8192
"""Bytes in which a pattern is looked for."""
_TAIL = 4096
"""Bytes of a console's last words."""


@dataclass
class _Console:
    name: str
    access: ConsoleAccess
    patterns: Mapping[str, re.Pattern[bytes]]
    attach: Attach
    listening: bool = False
    line: ConsoleLine | None = None
    again_at: float = 0.0
    window: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    heard: set[str] = field(default_factory=set)
    trouble: str | None = None


class Listening:
    """Consoles in one thread. A context: whatever happens, every line is left."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._lock = threading.Lock()
        self._consoles: dict[str, _Console] = {}
        self._ended = False
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._work, name="consoles", daemon=True)

    def __enter__(self) -> Listening:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended = True
        self._wake()
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def attach(
        self, name: str, access: ConsoleAccess, patterns: Mapping[str, re.Pattern[bytes]], attach: Attach
    ) -> None:
        """Attaches to a machine's console, and again whenever it is lost; what it says is only kept until `begin`."""
        with self._lock:
            self._consoles[name] = _Console(name, access, patterns, attach)
        self._wake()

    def begin(self, name: str) -> None:
        """From now on its patterns count: what was said before was said by the system that was there before."""
        with self._lock:
            console = self._consoles.get(name)
            if console is not None:
                console.window.clear()
                console.listening = True

    def leave(self, name: str) -> None:
        """Detaches from a machine's console; its last words stay."""
        with self._lock:
            console = self._consoles.get(name)
            if console is not None:
                console.again_at = float("inf")
        self._wake()

    def tail(self, name: str, lines: int = 12) -> list[str]:
        """The last lines that a machine's console said."""
        with self._lock:
            console = self._consoles.get(name)
            said = bytes(console.tail) if console is not None else b""
        return [line for line in visible_lines(said) if line.strip()][-lines:]

    def trouble(self, name: str) -> str | None:
        """Why a machine's console is not attached; None when it is, or there is none."""
        with self._lock:
            console = self._consoles.get(name)
            return console.trouble if console is not None else None

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")

    def _work(self) -> None:
        try:
            while not self._ended:
                self._turn()
        finally:
            lines = [console.line for console in self._consoles.values() if console.line is not None]
            for line in lines:
                line.leave()
            for line in lines:
                line.close()

    def _turn(self) -> None:
        with self._lock:
            consoles = list(self._consoles.values())
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        now = time.monotonic()
        for console in consoles:
            if console.again_at == float("inf"):
                self._close(console)
            elif console.line is None and now >= console.again_at:
                self._open(console)
            if console.line is not None:
                for fd, events in console.line.waits_for().items():
                    poll.register(fd, events)
        if any(fd == self._wake_read for fd, _ in poll.poll(_TICK * 1000)):
            os.read(self._wake_read, 4096)
        for console in consoles:
            if console.line is not None:
                self._read(console, console.line)

    def _open(self, console: _Console) -> None:
        try:
            console.line = console.access.open(console.attach, rows=ROWS, columns=COLUMNS, interactive=False)
        except Exception as error:  # of this console: the others are to be listened to all the same
            self._lost(console, error)

    def _read(self, console: _Console, line: ConsoleLine) -> None:
        try:
            data = line.read()
        except Exception as error:
            self._lost(console, error)
            return
        if line.ready:
            console.trouble = None
        if not data:
            return
        with self._lock:
            console.tail += data
            del console.tail[:-_TAIL]
            if console.listening:
                console.window += data
                del console.window[:-_WINDOW]
                text = "\n".join(visible_lines(bytes(console.window))).encode()
            else:
                text = b""
        # Its installer's beginning first: what stands before that was said by the old system.
        for event in sorted(console.patterns, key=lambda event: event != STARTED):
            match = console.patterns[event].search(text) if event not in console.heard else None
            if match is None:
                continue
            console.heard.add(event)
            if event == STARTED:
                console.heard.intersection_update((STARTED,))
                text = text[match.end() :]
                with self._lock:
                    console.window[:] = text
            self._hear(console.name, event, match[0].decode(errors="replace").strip())

    def _lost(self, console: _Console, error: Exception) -> None:
        console.trouble = str(error)
        self._close(console)
        console.again_at = max(console.again_at, time.monotonic() + _AGAIN)

    def _close(self, console: _Console) -> None:
        if console.line is not None:
            console.line.close()
            console.line = None
