"""Command lines in a text, as a POSIX shell would read them: words, quotation, comments, lines that go on after `\\`.

Nothing is expanded and no other program is run. What a shell would do something with besides is told, so that a line
means the same in both (POSIX.1-2017, Shell Command Language, 2.2 and 2.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

PROGRAM = "clusto"
_BLANK = " \t\r"
_OPERATORS = "|;&<>()"
_EXPANDS = "$`"
_ESCAPED_IN_QUOTES = '"\\$`\n'


class Line(NamedTuple):
    """One command: on which line it begins (from 1), and its words without `clusto`; or what is wrong with it."""

    number: int
    words: tuple[str, ...]
    problem: str = ""


def read(text: str) -> Iterator[Line]:
    """The commands of a text, in order."""
    reading = _Reading(text)
    while (line := reading.next()) is not None:
        if line.words or line.problem:
            yield line


class _Problem(Exception):
    pass


class _Reading:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.counted = 0
        self.number = 1

    def next(self) -> Line | None:
        """The next line, which may be empty; None at the end."""
        if self.at >= len(self.text):
            return None
        self.number += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        words: list[str] = []
        try:
            while (word := self._word()) is not None:
                words.append(word)
        except _Problem as problem:
            self._skip()
            return Line(self.number, (), str(problem))
        return Line(self.number, tuple(words[1:] if words[:1] == [PROGRAM] else words))

    def _skip(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end + 1

    def _word(self) -> str | None:
        """The next word of the line; None at its end, which is passed."""
        found: str | None = None
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == "\n":
                if found is not None:
                    self.at -= 1
                return found
            if char in _BLANK:
                if found is not None:
                    return found
            elif char == "#" and found is None:
                self._skip()
                return None
            elif self.text.startswith("\\\n", self.at - 1):
                self.at += 1
            elif char in _OPERATORS or char in _EXPANDS:
                raise _Problem(f"{char} means something to a shell, and nothing here: put it in quotation marks")
            else:
                found = (found or "") + self._piece(char)
        return found

    def _piece(self, char: str) -> str:
        """What a character stands for, with all that it quotes."""
        if char == "'":
            end = self.text.find("'", self.at)
            if end < 0:
                raise self._open(char)
            quoted, self.at = self.text[self.at : end], end + 1
            return quoted
        if char == '"':
            return self._quoted()
        if char == "\\":
            escaped = self.text[self.at : self.at + 1]
            self.at += 1
            return escaped or char
        return char

    def _quoted(self) -> str:
        start, found = self.at, ""
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == '"':
                return found
            if char in _EXPANDS:
                raise _Problem(f"{char} means something to a shell, and nothing here: write \\{char}")
            if char == "\\" and self.text[self.at : self.at + 1] in tuple(_ESCAPED_IN_QUOTES):
                char = self.text[self.at].replace("\n", "")
                self.at += 1
            found += char
        self.at = start
        raise self._open('"')

    def _open(self, mark: str) -> _Problem:
        return _Problem(f"the quotation mark {mark} is not closed")
