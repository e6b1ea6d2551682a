"""Which of clusto's own formats a text is in, by its beginning: of standard input, of files whose names do not say."""

from __future__ import annotations

import codecs
import gzip
import io
import re
from typing import TextIO, cast

LONGEST = 1 << 20
"""Characters that are looked at for a first line that says something."""

_YAML = re.compile(r"""(?:---|%YAML|-)(?:\s|$)|["']?\w+["']?\s*:(?:\s|$)|\{\s*(?!["}\s])""")
_COLUMN = re.compile(r"""\s*["']?name["']?\s*""", re.IGNORECASE)


_WORKBOOKS = {b"PK\x03\x04": "xlsx", b"\xd0\xcf\x11\xe0": "xlsx"}
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def workbook(file: TextIO) -> str | None:
    """The format of a file whose first bytes are those of a workbook, or of UTF-16, which spreadsheets alone write."""
    raw = getattr(file, "buffer", None)
    if not isinstance(raw, io.BufferedReader | gzip.GzipFile):
        return None
    first = raw.peek(4)[:4]
    return _WORKBOOKS.get(first) or ("csv" if first.startswith(_WIDE) else None)


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
    cells = re.split(r"[,;\t]", line)
    if any(map(_COLUMN.fullmatch, cells)):
        return "csv"
    from clusto_core.transfer.sheets.recognising import name_column

    named = len(cells) > 1 and name_column([cell.strip(" \"'") for cell in cells]) is not None
    return "csv" if named or line.startswith("sep=") else None


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
