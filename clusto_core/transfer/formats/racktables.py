"""A dump of a RackTables database, as mysqldump writes it (`--hex-blob` for v6 addresses): import only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from clusto_core.transfer.documents import Document
from clusto_core.transfer.mentions.reading import BrokenAtError, told
from clusto_core.transfer.racktables.tables import from_dump
from clusto_core.transfer.racktables.translation import Translation

SOURCE = "racktables"


def read(file: TextIO, name: str) -> Iterator[Document]:
    """The Things that a dump tells of, and last what has no place in clusto."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    tables = from_dump(file)
    try:
        yield from list(Translation(tables, name).documents())
    except (KeyError, TypeError, ValueError) as error:
        # Whatever a dump lacks that every RackTables has: the tables are the contract, and are not checked one by one.
        raise BrokenAtError(1, f"not a dump of RackTables as expected: {type(error).__name__}: {error}") from None
