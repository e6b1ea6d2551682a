"""A half-typed command line as a POSIX shell reads it: its words, how far the last one is quoted, and how it goes on.

What was typed stays as it was typed: a completion is only ever added behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_SAFE = frozenset("_@%+=:,./-^")
_EXPANDS = "$`"


class Word(NamedTuple):
    """One word: as it is typed, what it stands for, and the quotation mark that is still open at its end.

    `fixed` when the shell takes it as it stands; not where it holds a variable or a command, or ends in half an escape.
    `redirected` for the file of a redirection.
    """

    raw: str
    text: str
    quote: str = ""
    fixed: bool = True
    redirected: bool = False

    @property
    def closed(self) -> bool:
        """Whether it is one whole quotation: `'server1'`."""
        mark = self.raw[:1]
        return len(self.raw) > 1 and mark in ("'", '"') and self.raw.endswith(mark) and self.raw.count(mark) == 2

    @property
    def mixed(self) -> bool:
        """Whether only a part of it is quoted: `--in='ra`, `'server'1`."""
        marks = [place for place, char in enumerate(self.raw) if char in "'\""]
        return bool(marks) and not self.closed and (marks[0] > 0 or not self.quote)


def split(line: str) -> list[Word]:
    """The words of the last command of a line; the last one is empty where the line ends in a blank."""
    words: list[Word] = []
    raw, text, quote, fixed, redirected, begun = "", "", "", True, False, False
    place = 0
    while place < len(line):
        char = line[place]
        place += 1
        if quote:
            raw += char
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and line[place : place + 1] in ('"', "\\", "$", "`"):
                raw, text, place = raw + line[place], text + line[place], place + 1
            else:
                text += char
                half = char == "\\" and place == len(line)
                fixed = fixed and not (quote == '"' and (char in _EXPANDS or half))
        elif char in "'\"":
            raw, quote, begun = raw + char, char, True
        elif char == "\\":
            # What it escapes is still to be typed where the line ends with it.
            fixed = fixed and place < len(line)
            raw, text, place, begun = raw + line[place - 1 : place + 1], text + line[place : place + 1], place + 1, True
        elif char in " \t\n|;&<>()":
            if begun and not redirected:
                words.append(Word(raw, text, quote, fixed))
            redirected = char in "<>" or (redirected and not begun)
            raw, text, fixed, begun = "", "", True, False
            if char in "\n|;&()":
                words.clear()
        else:
            raw, text, begun = raw + char, text + char, True
            fixed = fixed and char not in _EXPANDS
    return [*words, Word(raw, text, quote, fixed, redirected)]


def extended(word: Word, wanted: str) -> str | None:
    """The raw text of a word that is to become `wanted`, in the quotation that it has.

    None where that would change what was typed.
    """
    if not word.fixed:
        return None
    if not wanted.startswith(word.text):
        # Another case of the same letters; only a word that was typed without any quotation is spelled anew.
        same = wanted[: len(word.text)].lower() == word.text.lower()
        return _escaped(wanted) if same and word.raw == word.text else None
    more = wanted[len(word.text) :]
    if word.quote:
        return word.raw + _inside(more, word.quote)
    if word.closed:
        return word.raw[:-1] + _inside(more, word.raw[-1]) + word.raw[-1]
    return word.raw + _escaped(more)


def _inside(text: str, quote: str) -> str:
    """Text as it stands between quotation marks."""
    if quote == "'":
        return text.replace("'", "'\\''")
    return "".join("\\" + char if char in '"\\$`' else char for char in text)


def _escaped(text: str) -> str:
    """Text as it stands without quotation marks."""
    return "".join(char if char.isalnum() or char in _SAFE else "\\" + char for char in text)


def shared(texts: Sequence[str]) -> str:
    """What all of some texts begin with."""
    low, high = min(texts), max(texts)
    same = next((place for place, char in enumerate(low) if not high.startswith(char, place)), len(low))
    return low[:same]
