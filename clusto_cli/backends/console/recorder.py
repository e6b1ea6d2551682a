"""The log of a console: every byte as it came, a time stamp on every line; and its view that is safe to show.

A line of the file is a stamp (UTC, to the millisecond), a blank, a mark, a blank, and the rest:

    |   a line of the console; all its bytes, up to and including its line feed
    #   an event: attached, left, lost
    %   an event within a line of the console: the line feed before it is not the console's

so that nothing a machine prints can pass for an event or for another line's stamp, and `recorded` gives back exactly
the bytes that were recorded.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from clusto_cli.backends.errors import Refused
from clusto_cli.visible import visible

_STAMPED = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([|#%]) ")


def _now() -> bytes:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


class Recorder:
    """A log file being written; made readable and writable by its owner only, and added to when it is there."""

    def __init__(self, path: Path) -> None:
        """Raises Refused where the file cannot be written, or is not a plain file."""
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._fd = os.open(path, flags | os.O_NONBLOCK, 0o600)
        except OSError as error:
            raise Refused(f"cannot write the log {path}: {error.strerror}") from error
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._fd)
            raise Refused(f"cannot write the log {path}: it is not a plain file")
        if status.st_mode & 0o077:
            os.fchmod(self._fd, 0o600)
        self._in_line = False
        if status.st_size:
            self._in_line = not _ends_with_line_feed(path, status.st_size)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd, data) :]

    def record(self, data: bytes) -> None:
        """Adds what the console said. Raises OSError where the disk does not take it."""
        if not data:
            return
        stamp = _now() + b" | "
        body, last = (data[:-1], b"\n") if data.endswith(b"\n") else (data, b"")
        self._write((b"" if self._in_line else stamp) + body.replace(b"\n", b"\n" + stamp) + last)
        self._in_line = not last

    def event(self, text: str) -> None:
        """Adds what happened to the session. Raises OSError where the disk does not take it."""
        mark = b"\n" + _now() + b" % " if self._in_line else _now() + b" # "
        self._write(mark + visible(text.encode()).encode() + b"\n")
        self._in_line = False

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _ends_with_line_feed(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"


def recorded(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The console's own bytes out of a log's lines, in pieces."""
    held = b""
    for line in lines:
        match = _STAMPED.match(line)
        if match is None or match[2] == b"|":
            yield held
            held = line[match.end() :] if match else line
        elif match[2] == b"%":
            yield held.removesuffix(b"\n")
            held = b""
    yield held


def replay(lines: Iterable[bytes]) -> Iterator[str]:
    """A log's lines as text that is safe to show: the time of day's stamp, and what was on the line.

    A file that is not such a log, a console server's own for one, is shown as it is, just as safely.
    """
    for line in lines:
        match = _STAMPED.match(line)
        text = line[match.end() :] if match else line
        shown = visible(text.rstrip(b"\r\n").replace(b"\r", b""))
        if match is None:
            yield shown
        else:
            stamp = match[1].decode()
            yield f"{stamp[:10]} {stamp[11:23]} {'' if match[2] == b'|' else '-- '}{shown}"
