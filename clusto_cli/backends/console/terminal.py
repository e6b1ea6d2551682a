"""The operator's terminal while it belongs to a console: raw, of a known size, and given back whatever happens."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import termios
import time
import tty
from types import FrameType, TracebackType
from typing import Any

from clusto_cli.visible import visible

_CHUNK = 65536
_LONGEST_MODE = 48
_MODE = re.compile(rb"\x1b\[\?([0-9;]{1,40})([hl])")
# Modes that make a terminal useless to the shell when a console is left in the midst of a full-screen program.
_TO_SWITCH_OFF = {1, 9, 47, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1049, 2004}
_CURSOR = 25
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
_WATCHED = (*_ENDING, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


class Ended(Exception):
    """A signal asks the session to end; `number` is which."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Terminal:
    """A context: raw mode inside, the former mode outside, by every way out.

    Output is buffered and never blocks. Polls are the caller's; `wake` is readable when a signal came, which `signals`
    then deals with.
    """

    def __init__(self, stdin: int = 0, stdout: int = 1) -> None:
        self.stdin = stdin
        self._given_out = stdout
        self._out = stdout
        self._pending = bytearray()
        self._mode: list[Any] | None = None
        self._switched: set[int] = set()
        self._tail = b""
        self._at_line_start = True
        self._arrived: list[int] = []
        self.resized = False

    def __enter__(self) -> Terminal:
        # An open file of our own: O_NONBLOCK on the inherited one would hit the shell that shares it.
        self._out = os.open(os.ttyname(self._given_out), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._old_waker = signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        self._old_handlers = {number: signal.signal(number, self._arrive) for number in _WATCHED}
        self._raw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drain(1.0)
        self._restore()
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_waker)
        for fd in (self._out, self.wake, self._waker):
            os.close(fd)
        self._out = self._given_out

    def _arrive(self, number: int, frame: FrameType | None) -> None:
        self._arrived.append(number)

    def _raw(self) -> None:
        self._mode = termios.tcgetattr(self.stdin)
        tty.setraw(self.stdin, termios.TCSADRAIN)

    def _restore(self) -> None:
        off = {mode: b"h" if mode == _CURSOR else b"l" for mode in sorted(self._switched)}
        resets = b"".join(b"\x1b[?%d%s" % each for each in off.items())
        with contextlib.suppress(OSError):
            os.write(self._out, resets)
        self._switched.clear()
        if self._mode is not None:
            # The terminal may be gone: then there is nothing to restore.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.stdin, termios.TCSANOW, self._mode)
            self._mode = None

    def signals(self) -> None:
        """Deals with the signals that have come. Raises Ended for those that end the session."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.wake, 4096):
                pass
        arrived, self._arrived = self._arrived, []
        for number in arrived:
            if number in _ENDING:
                raise Ended(number)
            if number == signal.SIGTSTP:
                self.suspend()
            if number in (signal.SIGWINCH, signal.SIGCONT):
                self.resized = True

    def suspend(self) -> None:
        """Stops the process as ^Z does elsewhere, and comes back when the shell continues it."""
        self._drain(0.5)
        self._restore()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        self._raw()
        self.resized = True

    def size(self) -> tuple[int, int]:
        """Rows and columns; 24 and 80 where the terminal does not know."""
        self.resized = False
        try:
            size = os.get_terminal_size(self._given_out)
        except OSError:
            return 24, 80
        return size.lines or 24, size.columns or 80

    @property
    def out(self) -> int:
        return self._out

    @property
    def backlog(self) -> int:
        return len(self._pending)

    def read(self) -> bytes:
        """What was typed. Raises Ended where the terminal is gone."""
        try:
            data = os.read(self.stdin, 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise Ended(signal.SIGHUP) from error
        if not data:
            raise Ended(signal.SIGHUP)
        return data

    def write(self, data: bytes) -> None:
        """Shows these bytes as they are: they come from the console, whose screen this is now."""
        self._note_modes(data)
        self._at_line_start = data.endswith(b"\n") or (self._at_line_start and not data)
        if not self._pending:
            data = data[self._put(data) :]
        self._pending += data

    def message(self, text: str) -> None:
        """Shows a line of our own."""
        self._own_line(b"[" + visible(text.encode()).encode() + b"]\r\n")
        self._at_line_start = True

    def prompt(self, text: str) -> None:
        """Shows a question; what is typed in answer is shown by `write`."""
        self._own_line(b"[" + visible(text.encode()).encode() + b"] ")
        self._at_line_start = False

    def _own_line(self, line: bytes) -> None:
        self._pending += line if self._at_line_start else b"\r\n" + line
        self.flush()

    def flush(self) -> None:
        while self._pending:
            with memoryview(self._pending) as whole, whole[:_CHUNK] as piece:
                written, asked = self._put(piece), len(piece)
            del self._pending[:written]
            if written < asked:
                return

    def _put(self, data: bytes | memoryview) -> int:
        """How many of these bytes the terminal takes now."""
        try:
            return os.write(self._out, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise Ended(signal.SIGHUP) from error

    def _drain(self, seconds: float) -> None:
        """Shows what is still to be shown, as long as the terminal takes it within so many seconds."""
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._out, select.POLLOUT)
        with contextlib.suppress(Ended):
            while self._pending and (left := deadline - time.monotonic()) > 0:
                before = len(self._pending)
                poll.poll(left * 1000)
                self.flush()
                if len(self._pending) < before:
                    deadline = time.monotonic() + seconds

    def _note_modes(self, data: bytes) -> None:
        """Remembers what the console has switched on, so that it can be switched off."""
        text = self._tail + data if self._tail else data
        for match in _MODE.finditer(text) if b"\x1b[?" in text else ():
            for word in match[1].split(b";"):
                mode = int(word or b"0")
                on = (match[2] == b"h") != (mode == _CURSOR)
                if mode == _CURSOR or mode in _TO_SWITCH_OFF:
                    (self._switched.add if on else self._switched.discard)(mode)
        begun = text.rfind(b"\x1b", max(0, len(text) - _LONGEST_MODE))
        self._tail = text[begun:] if begun >= 0 else b""
