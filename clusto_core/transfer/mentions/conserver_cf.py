"""The blocks of a conserver.cf, as its own parser reads them (conserver.cf(5), PARSER)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TextIO

from clusto_core.transfer.mentions.reading import BrokenAtError, numbered

_PIECE = re.compile(
    r'(?P<quoted>"(?:\\"|[^"])*")|\\(?P<escaped>.)|(?P<token>[{};])|(?P<comment>#[^\n]*)|(?P<blank>\s+)|(?P<bare>[^"])',
    re.DOTALL,
)


class _Piece(NamedTuple):
    """A token, blanks, or text without what quotes it."""

    kind: str
    text: str
    line: int


class Pair(NamedTuple):
    """`keyword value;`"""

    keyword: str
    value: str
    line: int


@dataclass
class Block:
    """`kind name { keyword value; ... }`"""

    kind: str
    name: str
    line: int
    pairs: list[Pair] = field(default_factory=list)


def blocks(file: TextIO) -> Iterator[Block]:
    """The blocks of a file; what it includes is not read. Raises BrokenAtError."""
    yield from _Parser(file).blocks()


class _Parser:
    def __init__(self, file: TextIO) -> None:
        # A line that begins with # is a comment or an include, whatever stands in it.
        lines = ("" if line.startswith("#") else line for _, line in numbered(file))
        self._pieces = list(_pieces("\n".join(lines)))
        self._at = 0

    def blocks(self) -> Iterator[Block]:
        while (kind := self._word()) is not None:
            name, line = self._text(), self._line
            if not self._take("{"):
                raise BrokenAtError(line, f"expected {{ behind {kind[:40]} {name[:40]!a}")
            block = Block(kind, name, line)
            self._fill(block)
            yield block

    def _fill(self, block: Block) -> None:
        while not self._take("}"):
            if self._take(";"):
                continue
            line, keyword = self._line, self._word()
            if keyword is None:
                raise BrokenAtError(block.line, f"{block.kind[:40]} {block.name[:40]!a} has no }}")
            block.pairs.append(Pair(keyword, self._text(), line))
            if not self._take(";"):
                raise BrokenAtError(line, f"expected ; behind {keyword[:40]!a}")

    @property
    def _line(self) -> int:
        self._skip()
        return self._pieces[min(self._at, len(self._pieces) - 1)].line if self._pieces else 1

    def _peek(self) -> _Piece | None:
        return self._pieces[self._at] if self._at < len(self._pieces) else None

    def _skip(self) -> None:
        while (piece := self._peek()) is not None and piece.kind == "blank":
            self._at += 1

    def _take(self, token: str) -> bool:
        self._skip()
        piece = self._peek()
        found = piece is not None and piece.kind == "token" and piece.text == token
        self._at += found
        return found

    def _word(self) -> str | None:
        """What a block or a pair begins with; None at the end. Raises BrokenAtError for a token."""
        self._skip()
        if (piece := self._peek()) is None:
            return None
        if piece.kind == "token":
            raise BrokenAtError(piece.line, f"expected a word, found {piece.text}")
        return self._joined(("token", "blank"))

    def _text(self) -> str:
        """A name or a value, which may have blanks in it."""
        self._skip()
        return self._joined(("token",))

    def _joined(self, ends: tuple[str, ...]) -> str:
        found: list[_Piece] = []
        while (piece := self._peek()) is not None and piece.kind not in ends:
            found.append(piece)
            self._at += 1
        while found and found[-1].kind == "blank":
            found.pop()
        return "".join(piece.text for piece in found)


def _pieces(text: str) -> Iterator[_Piece]:
    line, at = 1, 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise BrokenAtError(line, 'a " without another one')
        kind = found.lastgroup or ""
        if kind == "quoted":
            yield _Piece("text", found[0][1:-1].replace('\\"', '"'), line)
        elif kind in ("escaped", "bare"):
            yield _Piece("text", found[kind], line)
        elif kind != "comment":
            yield _Piece(kind, found[0], line)
        line += found[0].count("\n")
        at = found.end()
