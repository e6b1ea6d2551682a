"""Which of clusto's own formats a text is in, by its beginning: of standard input, of files whose names do not say."""

from __future__ import annotations

import io
import re
from typing import TextIO, cast

LONGEST = 1 << 20
"""Characters that are looked at for a first line that says something."""

_YAML = re.compile(r"""(?:---|%YAML|-)(?:\s|$)|["']?\w+["']?\s*:(?:\s|$)|\{\s*(?!["}\s])""")
_COLUMN = re.compile(r"""\s*["']?name["']?\s*""", re.IGNORECASE)


def guess(file: TextIO) -> tuple[str | None, TextIO]:
    """The format that a text begins as, None where it begins as none; and the text, still whole.

    Of blank lines and comments the first that is neither decides: an object in JSON, the headers of a table, YAML.
    """
    seen: list[str] = []
    size = 0
    for line in iter(lambda: file.readline(LONGEST), ""):
        seen.append(line)
        size += len(line)
        text = line.removeprefix("\ufeff").strip()
        if (text and not text.startswith("#")) or size >= LONGEST:
            return _format_of(text), cast(TextIO, _Resumed("".join(seen), file))
    return None, cast(TextIO, _Resumed("".join(seen), file))


def _format_of(line: str) -> str | None:
    if _YAML.match(line):
        return "yaml"
    if line.startswith("{"):
        return "jsonl"
    return "csv" if any(_COLUMN.fullmatch(cell) for cell in re.split(r"[,;\t]", line)) else None


class _Resumed(io.TextIOBase):
    """A text whose beginning was read already."""

    def __init__(self, head: str, rest: TextIO) -> None:
        self._head = io.StringIO(head, newline="")
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> str:
        head = self._head.read(size)
        if size is None or size < 0:
            return head + self._rest.read()
        return head or self._rest.read(size)

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        return self._head.readline(size) or self._rest.readline(size)
