"""The standard streams as shells leave them: closed, on a full disk, read by nobody, of an encoding that lacks letters.

What a command did is done when it is committed, whether or not what it says of it can be written: then the words go to
standard error, and the command has not failed.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

NAME = "standard output"
_BUFFER = 64 * 1024


class Output(io.RawIOBase):
    """Standard output that names itself when it fails, and keeps what it could not pass on."""

    def __init__(self, *, closed: bool) -> None:
        self.was_closed = closed
        self.abandoned = False
        self.lost = b""
        self.pager: Callable[[bytes], None] | None = None

    def write(self, data: Any) -> int | None:
        if self.abandoned:
            return len(data)
        if self.pager is not None:
            self.pager(bytes(data))
            return len(data)
        try:
            if self.was_closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            return os.write(1, data)
        except (BrokenPipeError, BlockingIOError):
            raise
        except OSError as error:
            self.lost = bytes(data)
            raise OSError(error.errno, error.strerror, NAME) from None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def isatty(self) -> bool:
        return os.isatty(1)


def awaited(what: str) -> bool:
    """Says what is read from standard input where a person is to type it; whether one is."""
    typed = sys.stdin.isatty()
    if typed:
        from clusto_cli.visible import clean

        print(f"clusto: {clean(what)} on standard input; end with Ctrl-D", file=sys.stderr, flush=True)
    return typed


def prepare() -> None:
    """Makes the streams fit for a command: to be called once, first, by the program.

    A descriptor that the shell closed is opened on nothing, lest the store's file gets its number and is written to by
    whoever means standard output.
    """
    output_closed = sys.stdout is None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The programs that are started from here get it as well: else their first file would be in its place.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
    encoding = "utf-8" if output_closed else sys.stdout.encoding
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(Output(closed=output_closed), _BUFFER),
        encoding=encoding,
        errors="backslashreplace",
        newline="\n",
        line_buffering=os.isatty(1),
    )
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def output() -> Output | None:
    """What is below standard output; None where it is not what `prepare` made."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, Output) else None


@contextlib.contextmanager
def unpaged() -> Iterator[None]:
    """Has what is written to standard output meanwhile go past the pager, which may show nothing but text."""
    sys.stdout.flush()
    raw = output()
    pager = raw.pager if raw is not None else None
    if raw is not None:
        raw.pager = None
    try:
        yield
        sys.stdout.flush()
    finally:
        if raw is not None:
            raw.pager = pager


def failed(error: OSError) -> bool:
    """Whether it is standard output that failed, not some other file."""
    return bool(error.filename == NAME)


def abandon() -> str:
    """Gives up on standard output, so that Python's own end does not fail on it; gives what was not passed on."""
    raw = output()
    if raw is None:
        return ""
    raw.abandoned = True
    lost, raw.lost = raw.lost, b""
    return lost.decode(sys.stdout.encoding, "replace")
