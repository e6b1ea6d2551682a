"""Hosts for ISC dhcpd: the MAC of each card, and the v4 address that it gets (dhcpd.conf(5), `host`).

Names are those of a hosts file: the first card that has an address has the machine's, others that and the card's. Which
networks are served is said in the file that includes this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

from clusto_core.answers.view import whole
from clusto_core.errors import Malformed
from clusto_core.model import addresses
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.cards import Card, cards_of, sorted_out
from clusto_core.transfer.documents import Document
from clusto_core.transfer.leaving import SAFE, Leaving, comment
from clusto_core.transfer.mentions.mention import Mention, card, mention
from clusto_core.transfer.mentions.reading import BrokenAtError, numbered, told

ADDRESSES = True
SOURCE = "dhcpd"
_WORD = re.compile(r'(?P<blank>\s+|#.*)|"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<mark>[{};,])|(?P<bare>[^\s"{};,#]+)')


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes a host for each card of the Things; what cannot be one is told in a comment."""
    left_out: list[str] = []
    found = cards_of(reader, whole(reader, things), leaving.spaces, left_out)
    out.writelines(map(comment, left_out))
    for each in sorted_out(found):
        out.write(comment(each) if isinstance(each, str) else _host(each))


def _host(each: Card) -> str:
    fixed = "".join(f" fixed-address {address};" for address in each.addresses if "." in address)
    named = f' option host-name "{each.name}";'
    return f"host {each.name} {{ hardware ethernet {each.mac};{fixed}{named} }}\n"


# --- import ----------------------------------------------------------------------------------------------------------


@dataclass
class _Open:
    """A block that is not ended yet: its head, and what is said in it."""

    head: list[str]
    line: int
    statements: list[list[str]] = field(default_factory=list)


def read(file: TextIO, name: str) -> Iterator[Document]:
    """What the hosts of a configuration are, in whatever block they stand; what it includes is not read."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    blocks: list[_Open] = []
    words: list[str] = []
    line = 1
    for line, mark, word in _words(file):
        if not mark:
            words.append(word)
        elif mark == "{":
            blocks.append(_Open(words, line))
            words = []
        elif mark == ";":
            if blocks:
                blocks[-1].statements.append(words)
            words = []
        elif mark == "}":
            if words or not blocks:
                raise BrokenAtError(line, f"expected ; before }} and {{ before that, found {' '.join(words)[:60]!a}")
            block = blocks.pop()
            if len(block.head) == 2 and block.head[0] == "host":
                yield _mention(block, name)
    if blocks or words:
        raise BrokenAtError(blocks[-1].line if blocks else line, "a block or a statement without an end")


def _words(file: TextIO) -> Iterator[tuple[int, str, str]]:
    """By line, what ends a statement or a block, or a word; commas are left out."""
    for number, line in numbered(file):
        at = 0
        while at < len(line):
            found = _WORD.match(line, at)
            if found is None:
                raise BrokenAtError(number, 'a " without another one')
            at = found.end()
            if found["blank"] is None and found["mark"] != ",":
                yield number, found["mark"] or "", found["bare"] or found["quoted"] or ""


def _mention(block: _Open, file: str) -> Mention:
    said = {
        (*words, "")[: 2 if words[0] in ("hardware", "option") else 1]: words for words in block.statements if words
    }
    fixed = [*said.get(("fixed-address",), [""])[1:], *said.get(("fixed-address6",), [""])[1:]]
    held = [each for each in fixed if addresses.parse(each) is not None]
    named = said.get(("option", "host-name"), [])[2:3]
    macs = said.get(("hardware", "ethernet"), [])[2:3]
    found = mention(block.head[1], file, block.line)
    found.aliases = tuple(each for each in (*named, *fixed) if each and each not in held)
    try:
        found.cards = (card(macs[0] if macs else "", held),)
    except Malformed as error:
        raise BrokenAtError(block.line, str(error)) from None
    return found
