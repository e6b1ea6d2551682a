"""Consoles without anybody at them: steps on one or several, what they said, and how that went."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.script import Break, Capture, Job, Send, Step, Transcript, in_batches, many
from clusto_cli.backends.console.several import Board, follow
from clusto_cli.backends.console.terminal import Ended
from clusto_cli.backends.console.visible import LineSplitter
from clusto_cli.backends.errors import Busy, DeviceError, NoSuchPort
from clusto_cli.console.history import Attended, record
from clusto_cli.context import App
from clusto_cli.output import clean, write_lines, write_records
from clusto_core.answers.consoles import ConsoleWay

Consoles = Sequence[tuple[ConsoleWay, Access]]
# After the last thing that is typed, the answer is waited for so long, so that there is one, and the bytes get there.
_AFTERMATH = 0.5


def with_aftermath(steps: Sequence[Step]) -> list[Step]:
    """The steps, and a moment to listen where they end with typing."""
    return [*steps, Capture(_AFTERMATH)] if steps and isinstance(steps[-1], Send | Break) else list(steps)


def run(
    app: App,
    consoles: Consoles,
    steps: Sequence[Step],
    *,
    attach: Attach,
    timeout: float,
    wait: bool,
    parallel: int,
    output: str,
    raw: bool = False,
) -> int:
    """The steps on each console, so many side by side; the exit code."""
    steps = with_aftermath(steps)
    with ends_in_good_order():
        return _run(app, consoles, steps, attach, timeout, wait, parallel, output, raw)


@contextlib.contextmanager
def ends_in_good_order() -> Iterator[None]:
    """SIGTERM and SIGHUP as exceptions: a session of serial over LAN that is not left stays on its controller."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(
    app: App,
    consoles: Consoles,
    steps: Sequence[Step],
    attach: Attach,
    timeout: float,
    wait: bool,
    parallel: int,
    output: str,
    raw: bool,
) -> int:
    jobs = [
        Job(
            way.thing.name,
            access,
            with_aftermath(steps),
            attach=attach,
            timeout=timeout,
            wait=wait,
            keep=output != "text",
        )
        for way, access in consoles
    ]
    if output != "text":
        transcripts = list(in_batches(jobs, parallel))
        write_records(output, map(_record, consoles, transcripts))
    elif len(jobs) == 1:
        transcripts = _raw(jobs[0]) if raw else _one(jobs[0])
    else:
        transcripts = []
        for start in range(0, len(jobs), parallel):
            transcripts += follow(jobs[start : start + parallel], _show_line)
    _tell(transcripts)
    _remember(app, consoles, transcripts, "scripted")
    return exit_code(transcripts)


def _show_line(line: str) -> None:
    print(clean(line), flush=True)


def _raw(job: Job) -> list[Transcript]:
    """One console, its bytes as they are."""

    def show(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    job.heard = show
    return many([job])


def _one(job: Job) -> list[Transcript]:
    """One console as lines of text: behind a pipe there may be a terminal too."""
    lines = LineSplitter()

    def show(data: bytes) -> None:
        write_lines(lines.feed(data))
        sys.stdout.flush()

    job.heard = show
    try:
        return many([job])
    finally:
        write_lines(lines.flush())


def board(app: App, consoles: Consoles, *, broadcast: bool, attach: Attach, escape: bytes, wait: bool) -> int:
    """Several consoles on the operator's terminal, until he leaves; the exit code."""
    listening: list[Step] = [Capture(None)]
    jobs = [Job(way.thing.name, access, listening, attach=attach, wait=wait, keep=False) for way, access in consoles]
    transcripts: list[Transcript] = []
    display = Board(jobs, broadcast=broadcast, escape=escape)
    try:
        transcripts = display.run()
    except Ended as ended:
        return 128 + ended.number
    finally:
        _remember(app, consoles, transcripts, "broadcast" if broadcast else "watched")
    _tell(transcripts)
    return exit_code(transcripts)


def exit_code(transcripts: Sequence[Transcript]) -> int:
    """0 when all went well; else 5 where a device failed, 4 where one is only busy, 3 where there is no such port."""
    errors = [each.error for each in transcripts if each.error is not None]
    codes = [3 if isinstance(error, NoSuchPort) else 4 if isinstance(error, Busy) else 5 for error in errors]
    return max(codes, default=0)


def outcome(error: DeviceError | None) -> str:
    """One word for how it went, the same over all vendors."""
    if error is None:
        return "done"
    names = {"Busy": "busy", "NoSuchPort": "no such port", "NotExpected": "not expected", "LineLost": "lost"}
    names |= {"Unreachable": "unreachable", "AuthenticationFailed": "not admitted"}
    return names.get(type(error).__name__, "refused")


def _record(console: tuple[ConsoleWay, Access], transcript: Transcript) -> dict[str, Any]:
    way, access = console
    return {
        "name": transcript.name,
        "way": way.words,
        "command": access.command,
        "outcome": outcome(transcript.error),
        "error": str(transcript.error) if transcript.error is not None else None,
        "seconds": round(transcript.seconds, 3),
        "transcript": bytes(transcript.data).decode("utf-8", "backslashreplace"),
        "truncated": transcript.truncated,
    }


def _tell(transcripts: Sequence[Transcript]) -> None:
    for transcript in transcripts:
        if transcript.error is not None:
            print(f"clusto: error: {clean(f'{transcript.name}: {transcript.error}')}", file=sys.stderr)


def _remember(app: App, consoles: Consoles, transcripts: Sequence[Transcript], manner: str) -> None:
    ways = {way.thing.name: way for way, _ in consoles}
    with contextlib.suppress(BrokenPipeError):
        record(
            app,
            [
                Attended(ways[each.name], each.attached_at, each.seconds, manner)
                for each in transcripts
                if each.attached_at is not None
            ],
        )
