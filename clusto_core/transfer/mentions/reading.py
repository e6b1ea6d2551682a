"""What the readers of other tools' files have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TextIO

from clusto_core.errors import Malformed
from clusto_core.transfer.documents import Document, broken

Parse = Callable[[TextIO, str], Iterator[Document]]
LONGEST = 1 << 20
"""The longest line that is read, in characters."""


class BrokenAtError(Malformed):
    """What cannot be read, and on which line of the file."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def told(parse: Parse, file: TextIO, name: str) -> Iterator[Document]:
    """What a parser makes of a file; where it cannot go on, a Document that says so, with the line."""
    try:
        yield from parse(file, name)
    except BrokenAtError as error:
        yield broken(name, error.line, str(error))
    except RecursionError:
        yield broken(name, 1, "nested too deeply")


def numbered(file: TextIO) -> Iterator[tuple[int, str]]:
    """The lines of a file without what ends them, from 1. Raises BrokenAtError for bytes that are no text, and for a
    line that is longer than any such file has."""
    for number, line in enumerate(iter(lambda: file.readline(LONGEST + 1), ""), 1):
        if len(line) > LONGEST:
            raise BrokenAtError(number, f"a line of more than {LONGEST} characters")
        text = line.rstrip("\r\n") if number > 1 else line.rstrip("\r\n").removeprefix("\ufeff")
        if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
            raise BrokenAtError(number, "bytes that are no text (UTF-8)")
        yield number, text


def uncommented(file: TextIO, mark: str = "#") -> Iterator[tuple[int, str]]:
    """The lines that say something, without comments and the blanks around."""
    for number, line in numbered(file):
        if text := line.partition(mark)[0].strip():
            yield number, text
