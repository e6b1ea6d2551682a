"""A file of Ethernet addresses: a MAC and the name of the host whose card it is (ethers(5)).

Names are those of a hosts file: the first card that has an address has the machine's, others that and the card's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from clusto_core.answers.view import whole
from clusto_core.errors import Malformed
from clusto_core.model import addresses
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.cards import cards_of, sorted_out
from clusto_core.transfer.documents import Document
from clusto_core.transfer.leaving import SAFE, Leaving, comment
from clusto_core.transfer.mentions.mention import card, mention
from clusto_core.transfer.mentions.reading import BrokenAtError, told, uncommented

ADDRESSES = True
SOURCE = "ethers"


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the cards of the Things; what cannot be one is told in a comment."""
    left_out: list[str] = []
    found = cards_of(reader, whole(reader, things), leaving.spaces, left_out)
    out.writelines(map(comment, left_out))
    for each in sorted_out(found):
        out.write(comment(each) if isinstance(each, str) else f"{each.mac} {each.name}\n")


def read(file: TextIO, name: str) -> Iterator[Document]:
    """Whose cards these are; a host may be an address."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    for line, text in uncommented(file):
        words = text.split()
        if len(words) != 2:
            raise BrokenAtError(line, f"expected a MAC and a host, found {text[:60]!a}")
        found = mention(words[1], name, line)
        held = [words[1]] if addresses.parse(words[1]) is not None else []
        try:
            found.cards = (card(words[0], held),)
        except Malformed as error:
            raise BrokenAtError(line, str(error)) from None
        yield found
