"""What a serial port said, as text that a terminal only shows: nothing in it can move, colour or answer."""

from __future__ import annotations

import re

from clusto_cli.visible import visible

_LINE_END = re.compile(rb"\r+\n|\n|\r+(?!\n|\Z)")


def visible_lines(data: bytes) -> list[str]:
    """All lines of these bytes, the last one too when it has no end."""
    lines = _LINE_END.split(data)
    if lines and not lines[-1].strip(b"\r"):
        lines.pop()
    return [visible(line.rstrip(b"\r")) for line in lines]


class LineSplitter:
    """Bytes in pieces, out as whole visible lines.

    A line that grows beyond `longest` bytes comes in parts: memory stays flat on endless output.
    """

    def __init__(self, longest: int = 8192) -> None:
        self._rest = bytearray()
        self._longest = longest

    @property
    def pending(self) -> bool:
        """A line has begun and not ended."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[str]:
        """The lines that are whole now."""
        self._rest += data
        *lines, rest = _LINE_END.split(bytes(self._rest))
        self._rest[:] = rest
        if len(rest) > self._longest:
            lines.append(rest)
            self._rest.clear()
        return [visible(line.rstrip(b"\r")) for line in lines]

    def flush(self) -> list[str]:
        """What there is of a line that has not ended, a prompt perhaps."""
        rest, self._rest[:] = bytes(self._rest).strip(b"\r"), b""
        return [visible(rest)] if rest else []
