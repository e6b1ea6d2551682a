r"""A console without anybody at it: type this, wait for that, take down what comes; one port, or many side by side.

`many` drives any number of lines in one thread: each is opened, goes through its steps, and is left; what each said,
and how it ended, is its Transcript.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from clusto_cli.backends.base import Attach, ConsoleAccess, ConsoleLine
from clusto_cli.backends.console.dialogue import Dialogue
from clusto_cli.backends.errors import Busy, DeviceError, LineLost
from clusto_cli.backends.runner import failure_of
from clusto_cli.visible import one_line

ROWS, COLUMNS = 24, 80
# What a transcript keeps of one port at most, so that endless output does not fill the memory.
TRANSCRIPT_LIMIT = 16 * 1024 * 1024
_TICK = 0.03
_BUSY_PAUSE = 3.0
_TAIL = 400
_ESCAPES = {"n": b"\r", "r": b"\r", "t": b"\t", "e": b"\x1b", "0": b"\0", "\\": b"\\"}


class NotExpected(DeviceError):
    """What was waited for did not come."""


class NotTaken(DeviceError):
    """What was typed did not go out."""


@dataclass(frozen=True)
class Send:
    """Type these bytes."""

    data: bytes


@dataclass(frozen=True)
class Expect:
    """Wait until this comes; `shown` is how it was asked for."""

    pattern: re.Pattern[bytes]
    shown: str


@dataclass(frozen=True)
class Break:
    """Send a serial break."""


@dataclass(frozen=True)
class Capture:
    """Take down what comes for so many seconds; for ever with None."""

    seconds: float | None


@dataclass(frozen=True)
class Ask:
    """Type these bytes and listen so many seconds, or until `enough` of what has come; nothing if there was already."""

    data: bytes
    seconds: float
    enough: Callable[[bytes], bool]


Step = Send | Expect | Break | Capture | Ask


def parse_send(text: str) -> Send:
    r"""What `--send` names: `\n` is the Enter key, which sends a carriage return; `\r \t \e \\ \0 \xHH` too.

    Raises ValueError for any other backslash.
    """
    out = bytearray()
    position = 0
    while position < len(text):
        character = text[position]
        if character != "\\":
            out += character.encode("utf-8", "surrogateescape")
            position += 1
        elif (match := re.compile(r"\\x([0-9a-fA-F]{2})").match(text, position)) is not None:
            out.append(int(match[1], 16))
            position += 4
        elif (plainly := _ESCAPES.get(text[position + 1 : position + 2])) is not None:
            out += plainly
            position += 2
        else:
            raise ValueError(
                f"no such escape: {text[position : position + 2]} (there are \\n \\r \\t \\e \\0 \\\\ \\xHH)"
            )
    return Send(bytes(out))


def parse_expect(text: str) -> Expect:
    """What `--expect` names: the text itself, or a regular expression between slashes. Raises ValueError."""
    if len(text) > 2 and text[0] == text[-1] == "/":
        try:
            return Expect(re.compile(text[1:-1].encode(), re.MULTILINE), text)
        except re.error as error:
            raise ValueError(f"{text} is not a regular expression: {error}") from error
    if not text:
        raise ValueError("--expect needs something to wait for")
    return Expect(re.compile(re.escape(text.encode())), text)


@dataclass
class Transcript:
    """What one port said, and how that went; error is None when every step was done."""

    name: str
    data: bytearray = field(default_factory=bytearray)
    error: DeviceError | None = None
    attached_at: float | None = None
    seconds: float = 0.0
    truncated: bool = False

    def add(self, data: bytes) -> None:
        room = TRANSCRIPT_LIMIT - len(self.data)
        self.data += data[:room]
        self.truncated = self.truncated or len(data) > room


@dataclass
class Job:
    """One port and what to do on it. heard is told what comes, as it comes. keep: take a transcript."""

    name: str
    access: ConsoleAccess
    steps: Sequence[Step] = ()
    attach: Attach = Attach.NORMAL
    timeout: float = 30.0
    wait: bool = False
    heard: Callable[[bytes], None] | None = None
    keep: bool = True


class _Running:
    """One job under way: `advance` whenever something may have happened."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.transcript = Transcript(job.name)
        self.line: ConsoleLine | None = None
        self._steps = list(job.steps)
        self._dialogue = Dialogue()
        self._step_ends: float | None = None
        self._retry_at = 0.0
        self._started = time.monotonic()
        self.done = False

    def open(self) -> None:
        try:
            self.line = self.job.access.open(self.job.attach, rows=ROWS, columns=COLUMNS, interactive=False)
        except Exception as error:
            self._failed(failure_of(error))

    def _failed(self, error: DeviceError) -> None:
        self.close()
        if self.job.wait and isinstance(error, Busy) and time.monotonic() - self._started < self.job.timeout:
            self._retry_at = time.monotonic() + _BUSY_PAUSE
            return
        self.transcript.error = error
        self._finish()

    def _finish(self) -> None:
        self.close()
        self.done = True
        if self.transcript.attached_at is not None:
            self.transcript.seconds = time.time() - self.transcript.attached_at

    def interrupt(self) -> None:
        self.transcript.error = DeviceError("interrupted")
        self._finish()

    def leave(self) -> None:
        if self.line is not None:
            self.line.leave()

    def close(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None

    def type(self, data: bytes) -> None:
        """Types from outside of the steps. A port that does not take it says so at the next `advance`."""
        if self.line is not None and self.line.ready:
            self.line.write(data)

    def advance(self) -> None:
        if self.line is None:
            if time.monotonic() >= self._retry_at:
                self.open()
            return
        try:
            data = self.line.read()
            if data:
                self._dialogue.hear(data)
                if self.job.keep:
                    self.transcript.add(data)
                if self.job.heard is not None:
                    self.job.heard(data)
            if self.line.ready:
                if self.transcript.attached_at is None:
                    self.transcript.attached_at = time.time()
                self._walk(self.line)
        except LineLost as lost:
            self._ended(lost)
        except Exception as error:
            self._failed(failure_of(error))

    def _ended(self, lost: LineLost) -> None:
        """The line ended: that is fine where nothing more was to be done than to listen."""
        listening = not self._steps or (len(self._steps) == 1 and isinstance(self._steps[0], Capture))
        if lost.clean and listening:
            self._finish()
        else:
            self._failed(lost)

    def _walk(self, line: ConsoleLine) -> None:
        """Does as many steps as can be done now."""
        while self._steps:
            match self._steps[0]:
                case Send(data):
                    line.write(data)
                case Break():
                    line.send_break()
                case Expect() as expect:
                    if not self._met(expect):
                        return
                case Ask(data, seconds, enough):
                    if not enough(self._dialogue.said):
                        if self._step_ends is None:
                            line.write(data)
                            self._step_ends = time.monotonic() + seconds
                        if time.monotonic() < self._step_ends:
                            return
                case Capture(seconds):
                    if self._step_ends is None:
                        self._step_ends = float("inf") if seconds is None else time.monotonic() + seconds
                    if time.monotonic() < self._step_ends:
                        return
            self._steps.pop(0)
            self._step_ends = None
        # What was typed last must have gone out.
        if line.backlog == 0:
            self._finish()
        elif self._late():
            raise NotTaken(f"what was typed last is not taken in {self.job.timeout:g} s")

    def _met(self, expect: Expect) -> bool:
        if self._dialogue.met(expect.pattern):
            return True
        if self._late():
            tail = one_line(self._dialogue.said[-_TAIL:]) or "nothing"
            raise NotExpected(f"{expect.shown} has not come in {self.job.timeout:g} s, but: {tail}")
        return False

    def _late(self) -> bool:
        """Whether what is to happen now has not in its time."""
        if self._step_ends is None:
            self._step_ends = time.monotonic() + self.job.timeout
        return time.monotonic() >= self._step_ends


class Many:
    """Jobs side by side. A context: whatever happens, every line is left."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._running = [_Running(job) for job in jobs]

    def __enter__(self) -> Many:
        for each in self._running:
            each.open()
        return self

    def __exit__(self, *details: object) -> None:
        for each in self._running:
            each.leave()
        for each in self._running:
            each.close()

    @property
    def done(self) -> bool:
        return all(each.done for each in self._running)

    def interrupt(self) -> None:
        """Leaves what is not done."""
        left = [each for each in self._running if not each.done]
        for each in left:
            each.leave()
        for each in left:
            each.interrupt()

    @property
    def transcripts(self) -> list[Transcript]:
        return [each.transcript for each in self._running]

    def type(self, data: bytes) -> list[str]:
        """Types to all ports that are attached; which did not take it, and why."""
        refused = []
        for each in self._running:
            try:
                each.type(data)
            except Exception as error:
                refused.append(f"{each.job.name}: {failure_of(error)}")
        return refused

    def turn(self, also: Sequence[int] = ()) -> set[int]:
        """Waits a moment for something to happen, and deals with it; which of `also` can be read."""
        poll = select.poll()
        patience = 1.0
        for each in self._running:
            if each.line is None or not each.line.ready:
                patience = patience if each.done else _TICK
            if each.line is not None:
                for fd, events in each.line.waits_for().items():
                    poll.register(fd, events)
            if each.line is not None and each.line.ready:
                patience = min(patience, 0.1)
        for fd in also:
            poll.register(fd, select.POLLIN)
        came = {fd for fd, _ in poll.poll(patience * 1000)}
        for each in self._running:
            if not each.done:
                each.advance()
        return came.intersection(also)


def many(jobs: Sequence[Job], ended: Callable[[], bool] = lambda: False) -> list[Transcript]:
    """Does all the jobs side by side; their transcripts in the same order. Those that are not done when `ended` says so
    are interrupted within a second.
    """
    with Many(jobs) as running:
        while not running.done:
            if ended():
                running.interrupt()
            else:
                running.turn()
        return running.transcripts


def in_batches(jobs: Sequence[Job], size: int, ended: Callable[[], bool] = lambda: False) -> Iterator[Transcript]:
    """Does the jobs, so many at a time; their transcripts in the same order."""
    for start in range(0, len(jobs), size):
        yield from many(jobs[start : start + size], ended)
