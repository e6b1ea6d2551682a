"""A console on the operator's terminal: what is typed goes to the port, what the port says is shown, nothing else.

One escape key belongs to the session itself; the key after it says what to do (`MENU`).
"""

from __future__ import annotations

import contextlib
import queue
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clusto_cli.backends.base import Attach, ConsoleAccess, ConsoleLine
from clusto_cli.backends.console.recorder import Recorder
from clusto_cli.backends.console.scrollback import Scrollback
from clusto_cli.backends.console.terminal import Ended, Terminal
from clusto_cli.backends.errors import Busy, DeviceError, LineLost

# How much may wait for a slow terminal or a slow port before no more is read from the other side.
_TERMINAL_BACKLOG = 256 * 1024
_LINE_BACKLOG = 64 * 1024
# While a port is being attached: how often the state of its program is looked at, seconds.
_OPENING_TICK = 0.03
_INTERRUPT = b"\x03"
_REPLAYED_LINES = 20
_BUSY_PAUSE = 3.0
_LONGEST_PAUSE = 15.0

MENU = (
    (".", "leave"),
    ("b", "send a break"),
    ("l", "log on or off"),
    ("r", f"replay the last {_REPLAYED_LINES} lines"),
    ("z", "suspend"),
    ("?", "this help"),
)


@dataclass(frozen=True)
class MenuAction:
    """A key of the escape menu that does something elsewhere, such as to the server's power.

    run: does it, and returns what to say of it. question: what to ask before that, None for no question. Both take
    their time beside the session, and an error of theirs is said.
    """

    key: str
    title: str
    run: Callable[[], str]
    question: Callable[[], str] | None = None


@dataclass
class Settings:
    """What a session is to do.

    title: what one is attached to, and by which way. escape: the byte of the escape key, empty for none.
    keep: attach anew when the line is lost. wait: attach when a busy port becomes free. log: where the log goes, or
    would go if it were switched on. actions: further keys of the menu. others: who else is on a line.
    """

    title: str
    escape: bytes = b"\x1d"
    attach: Attach = Attach.NORMAL
    keep: bool = False
    wait: bool = False
    log: Path | None = None
    log_now: bool = False
    actions: Sequence[MenuAction] = ()
    others: Callable[[ConsoleLine], str] = field(default=lambda line: "")


def key_name(escape: bytes) -> str:
    """How a key is written: `Ctrl-]` for 0x1d."""
    return f"Ctrl-{chr(escape[0] + 64)}" if escape[0] < 32 else escape.decode("latin-1")


class _Left(Exception):
    """The operator has left; interrupted when he did so before the port was attached."""

    def __init__(self, interrupted: bool = False) -> None:
        self.interrupted = interrupted


class Session:
    """One operator, one port. `run` returns when the operator leaves."""

    def __init__(self, access: ConsoleAccess, settings: Settings, terminal: Terminal | None = None) -> None:
        self._access = access
        self._settings = settings
        self._terminal = terminal or Terminal()
        self._line: ConsoleLine | None = None
        self._recorder: Recorder | None = None
        self._scrollback = Scrollback()
        self._escaping = False
        self._asking: tuple[MenuAction, bytearray] | None = None
        self._preparing = False
        self._poll = select.poll()
        self._watched: dict[int, int] = {}
        self._answers: queue.SimpleQueue[tuple[str, MenuAction | None, Exception | None]] = queue.SimpleQueue()
        # Sockets, not pipes: an action that ends after the session must not write to whatever has its number then.
        self._answered, self._answering = socket.socketpair()
        self._answered.setblocking(False)
        self._retry_at = 0.0
        self._pause = 1.0
        self._read_only_said = False
        self.attached_at: float | None = None

    def run(self) -> None:
        """Attaches, and stays until the operator leaves or the other side ends in good order.

        Raises a DeviceError when the port cannot be attached or the line is lost, KeyboardInterrupt when the operator
        gives up before it is attached, terminal.Ended for a signal. The terminal is as it was before in every case.
        """
        if self._settings.log_now:
            self._start_log()
        try:
            with self._terminal:
                try:
                    self._open()
                    while True:
                        self._turn()
                except _Left as left:
                    interrupted = left.interrupted
                    self._terminal.message(f"left {self._settings.title}")
            self._event("left")
        except LineLost as lost:
            self._event(str(lost))
            if not lost.clean:
                raise
            interrupted = False
        except DeviceError as error:
            self._event(str(error))
            raise
        except Ended as signalled:
            self._event(f"ended by {signalled}")
            raise
        finally:
            if self._line is not None:
                self._line.close()
            if self._recorder is not None:
                self._recorder.close()
            self._answered.close()
            self._answering.close()
        if interrupted:
            raise KeyboardInterrupt

    def _open(self) -> None:
        rows, columns = self._terminal.size()
        try:
            self._line = self._access.open(self._settings.attach, rows=rows, columns=columns, interactive=True)
        except DeviceError as error:
            self._failed(error)

    # One turn of the loop: wait for whatever comes first, and deal with it.

    def _turn(self) -> None:
        terminal, line = self._terminal, self._line
        wanted = line.waits_for(reading=terminal.backlog < _TERMINAL_BACKLOG) if line is not None else {}
        came = self._wait(
            {
                terminal.wake: select.POLLIN,
                self._answered.fileno(): select.POLLIN,
                terminal.stdin: select.POLLIN if line is None or line.backlog < _LINE_BACKLOG else 0,
                terminal.out: select.POLLOUT if terminal.backlog else 0,
            }
            | wanted
        )
        if terminal.wake in came:
            terminal.signals()
        if terminal.resized:
            rows, columns = terminal.size()
            if self._line is not None:
                self._line.resize(rows, columns)
        terminal.flush()
        if self._answered.fileno() in came:
            self._say_answers()
        if terminal.stdin in came:
            self._typed(terminal.read())
        if line is not None and line is self._line:
            if wanted and not (line.ready and came.isdisjoint(wanted)):
                self._hear(line)
        elif self._line is None and time.monotonic() >= self._retry_at:
            self._open()

    def _wait(self, watched: dict[int, int]) -> set[int]:
        """What can be read or written, of these descriptors and what is to be known of each."""
        if watched != self._watched:
            self._watched = watched
            self._poll = select.poll()
            for fd, events in watched.items():
                # Not with nothing to wait for: poll tells of a line that has ended all the same, again and again.
                if events:
                    self._poll.register(fd, events)
        return {fd for fd, _ in self._poll.poll(self._patience())}

    def _patience(self) -> float | None:
        """Milliseconds until something is to be looked at anyway."""
        if self._line is None:
            return max(0.0, self._retry_at - time.monotonic()) * 1000
        return None if self._line.ready else _OPENING_TICK * 1000

    def _hear(self, line: ConsoleLine) -> None:
        was_ready = line.ready
        try:
            data = line.read()
        except DeviceError as error:
            self._failed(error)
            return
        if line.ready and not was_ready:
            self._attached(line)
        if data:
            self._scrollback.add(data)
            self._record(data)
            self._terminal.write(data)

    def _attached(self, line: ConsoleLine) -> None:
        if self.attached_at is None:
            self.attached_at = time.time()
        self._pause = 1.0
        settings = self._settings
        text = settings.title
        if others := settings.others(line):
            text += f"; also on it: {others}"
        if settings.attach is Attach.READ_ONLY:
            text += "; read only"
        if settings.escape:
            key = key_name(settings.escape)
            text += f"; {key} . leaves, {key} ? helps"
        self._terminal.message(text)
        self._event(f"attached to {settings.title}")

    def _failed(self, error: DeviceError) -> None:
        """Decides whether to try again; raises the error when not."""
        settings = self._settings
        again = (settings.wait and isinstance(error, Busy)) or (settings.keep and self.attached_at is not None)
        if not again:
            raise error
        if self._line is not None:
            self._line.close()
            self._line = None
        if isinstance(error, Busy):
            pause = _BUSY_PAUSE
        else:
            pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        self._retry_at = time.monotonic() + pause
        leaves = f"; {key_name(settings.escape)} . gives up" if settings.escape else ""
        self._terminal.message(f"{error}; trying again in {pause:g} s{leaves}")
        self._event(str(error))

    # What is typed.

    def _typed(self, data: bytes) -> None:
        escape = self._settings.escape
        while data:
            if self._asking is not None:
                data = self._answer(data)
            elif self._escaping:
                self._escaping = False
                key, data = data[:1], data[1:]
                if key == escape:
                    self._send(key)
                else:
                    self._command(key.decode("latin-1"))
            else:
                at = data.find(escape) if escape else -1
                self._send(data if at < 0 else data[:at])
                if at < 0:
                    return
                self._escaping = True
                data = data[at + 1 :]

    def _send(self, data: bytes) -> None:
        line = self._line
        if not data or self._preparing:
            return
        if line is None or not line.ready:
            if _INTERRUPT in data:
                raise _Left(interrupted=True)
            if line is None:
                return
        elif self._settings.attach is Attach.READ_ONLY:
            if not self._read_only_said:
                self._read_only_said = True
                self._terminal.message("read only: what you type goes nowhere")
            return
        try:
            line.write(data)
        except DeviceError as error:
            self._terminal.message(str(error))

    def _command(self, key: str) -> None:
        match key:
            case ".":
                raise _Left
            case "b":
                self._break()
            case "l":
                self._toggle_log()
            case "r":
                self._replay()
            case "z" | "\x1a":
                self._terminal.suspend()
            case "?":
                self._help()
            case _:
                for action in self._settings.actions:
                    if action.key == key:
                        self._begin(action)
                        return
                self._terminal.message(f"no such key; {key_name(self._settings.escape)} ? lists them")

    def _help(self) -> None:
        lines = [*MENU[:-1], *((action.key, action.title) for action in self._settings.actions), MENU[-1]]
        name = key_name(self._settings.escape)
        lines.append((name, f"{name} itself"))
        self._terminal.message(f"{self._settings.title}; after {name}: " + ", ".join(f"{k} {v}" for k, v in lines))

    def _break(self) -> None:
        if self._settings.attach is Attach.READ_ONLY:
            self._terminal.message("read only: no break is sent")
            return
        if self._line is None:
            return
        try:
            self._line.send_break()
        except DeviceError as error:
            self._terminal.message(str(error))
            return
        self._terminal.message("break sent")
        self._event("break sent")

    def _replay(self) -> None:
        lines = self._scrollback.last_lines(_REPLAYED_LINES)
        self._terminal.message(f"the last {len(lines)} lines")
        self._terminal.write("".join(f"{line}\r\n" for line in lines).encode())
        self._terminal.message("end of the replay")

    # Actions elsewhere: asked about in the session, done beside it.

    def _begin(self, action: MenuAction) -> None:
        if action.question is None:
            self._start(action)
            return
        if self._preparing:
            return
        # What is typed until the question is there would be an answer to nothing, and must not reach the port either.
        self._preparing = True
        self._terminal.message(f"{action.title}?")
        self._beside(action.question, action)

    def _answer(self, data: bytes) -> bytes:
        """Takes what is typed as the answer to the question; what is left of it when the answer is complete."""
        assert self._asking is not None
        action, answer = self._asking
        for index, byte in enumerate(data):
            if byte in b"\r\n\x03\x1b" or bytes((byte,)) == self._settings.escape:
                self._asking = None
                if byte in b"\r\n" and answer.decode("latin-1").strip().lower() == "yes":
                    self._start(action)
                else:
                    self._terminal.message(f"not done: {action.title}")
                return data[index + 1 :]
            if byte in (8, 127):
                if answer:
                    del answer[-1:]
                    self._terminal.write(b"\b \b")
            elif 32 <= byte < 127 and len(answer) < 40:
                answer.append(byte)
                self._terminal.write(bytes((byte,)))
        return b""

    def _start(self, action: MenuAction) -> None:
        self._terminal.message(f"{action.title} ...")
        self._event(action.title)
        self._beside(action.run, None)

    def _beside(self, do: Callable[[], str], asks: MenuAction | None) -> None:
        """Does it in a thread of its own; what it says is said when it is done, or asked with `asks`."""

        def work() -> None:
            try:
                self._answers.put((do(), asks, None))
            except Exception as error:  # said to the operator: the session is worth more than the action
                self._answers.put(("", asks, error))
            # The session may have ended meanwhile.
            with contextlib.suppress(OSError):
                self._answering.send(b".")

        threading.Thread(target=work, daemon=True).start()

    def _say_answers(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._answered.recv(4096)
        while not self._answers.empty():
            said, asks, error = self._answers.get()
            if error is not None:
                said, asks, self._preparing = str(error), None, self._preparing and asks is None
            lines = said.splitlines() or ["done"]
            for line in lines if asks is None else lines[:-1]:
                self._terminal.message(line)
            if asks is None:
                self._event(said)
            else:
                self._preparing = False
                self._asking = (asks, bytearray())
                self._terminal.prompt(f"{lines[-1]} Type yes and Enter:")

    # The log.

    def _start_log(self) -> None:
        assert self._settings.log is not None
        self._recorder = Recorder(self._settings.log)

    def _toggle_log(self) -> None:
        if self._recorder is not None:
            self._event("log off")
            self._recorder.close()
            self._terminal.message(f"log off: {self._recorder.path}")
            self._recorder = None
            return
        try:
            if self._settings.log is None:
                self._terminal.message("no log: its file is named with --log FILE")
                return
            self._start_log()
        except DeviceError as error:
            self._terminal.message(str(error))
            return
        self._event(f"log on: {self._settings.title}")
        self._terminal.message(f"log on: {self._settings.log}")

    def _record(self, data: bytes) -> None:
        if self._recorder is not None:
            try:
                self._recorder.record(data)
            except OSError as error:
                self._log_failed(error)

    def _event(self, text: str) -> None:
        if self._recorder is not None:
            try:
                self._recorder.event(text)
            except OSError as error:
                self._log_failed(error)

    def _log_failed(self, error: OSError) -> None:
        assert self._recorder is not None
        path = self._recorder.path
        self._recorder.close()
        self._recorder = None
        self._terminal.message(f"log off: {path}: {error.strerror}")
