"""The formats of import and export, each a module of this package, found by its name and loaded when it is asked for.

A module that exports has a `write`, as the protocol `Write` says; one that imports has
`read(file: TextIO, name: str) -> Iterator[Document]`, where `name` is what messages call the file, and what is wrong
with an object is told in the Document's `problems`, so that one error does not hide the next. `documents.parse` makes a
Document from a transfer object as plain data. What a reader has to say besides, such as what it left out, is in the
`notes` of any Document; one without a name and without problems is there for its notes only.

Where files are to be understood together, such as the tables of a database, `read_together(files)` is there besides, of
pairs of a file and its name.

A format for a program that knows one address space has `ADDRESSES`: it writes those in `leaving.spaces` alone.

A format that is another one of a program's has `PROGRAM`, the name of the first.

A module whose files are spreadsheets has `SHEET`, and its `read` takes `how=` (`sheets.how.How`).

A module may have a `SOURCE`: its files are the whole of a source, read again and again, and its Documents have the
source's own identity (`sources.protocol`). An import of them is a sync with the source of that name. Where that is no
text to be read, it has no `read`: the type of source of that name opens it, by its `of_places(places, declared)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol, TextIO

from clusto_core.errors import Malformed, did_you_mean

if TYPE_CHECKING:
    from types import ModuleType

    from clusto_core.model.things import Thing
    from clusto_core.store.reader import Reader
    from clusto_core.transfer.documents import Document
    from clusto_core.transfer.leaving import SAFE, Leaving
    from clusto_core.transfer.sheets.how import How

    Read = Callable[[TextIO, str], Iterator[Document]]
    ReadTogether = Callable[[list[tuple[TextIO, str]]], Iterator[Document]]

    class Write(Protocol):
        """Writes Things; `leaving` says what of them may become settings of whoever reads that."""

        def __call__(self, reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None: ...


EXTENSIONS = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xlsb": "xlsx",
    ".xls": "xlsx",
    ".ods": "ods",
}


def names() -> list[str]:
    """The formats there are, in alphabetical order."""
    found = (entry.removesuffix(".py") for entry in os.listdir(os.path.dirname(__file__)) if entry.endswith(".py"))
    return sorted(name.replace("_", "-") for name in found if not name.startswith("_"))


def has_addresses(name: str) -> bool:
    """Whether what a format writes has addresses without their address space. Raises Malformed for no format."""
    return bool(getattr(_module(name), "ADDRESSES", False))


def of_extension(path: str) -> str | None:
    """The format that a file's extension says, None where it says none."""
    return EXTENSIONS.get(os.path.splitext(path)[1].lower())


def reader_of(name: str, how: How | None = None) -> Read:
    """What reads files of that format; `how` is for spreadsheets. Raises Malformed when there is no such format, it is
    for export only, or none that `how` says anything of."""
    module = _module(name)
    read: Read | None = getattr(module, "read", None)
    if read is None:
        only = "is read alone, as a source" if source_of(name) else "is a format for export only"
        raise Malformed(f"{name} {only}")
    if how is None:
        return read
    if not getattr(module, "SHEET", False):
        raise no_spreadsheet(name)
    from functools import partial

    told: Read = partial(module.read, how=how)
    return told


def no_spreadsheet(name: str) -> Malformed:
    """The error that something is said of a format that is only to be said of spreadsheets."""
    return Malformed(f"{name} is no spreadsheet: columns, sheets, dates and decimals are said of those only")


def together_of(name: str) -> ReadTogether | None:
    """What reads several files of that format at once; None for formats whose files are each for itself."""
    found: ReadTogether | None = getattr(_module(name), "read_together", None)
    return found


def writer_of(name: str) -> Write:
    """What writes that format. Raises Malformed when there is no such format, or it is for import only."""
    write: Write | None = getattr(_module(name), "write", None)
    if write is None:
        raise Malformed(f"{name} is a format for import only")
    return write


def program_of(name: str) -> str:
    """The program that reads that format, as the configuration calls it where it says what that may obey."""
    found: str = getattr(_module(name), "PROGRAM", name)
    return found


def source_of(name: str) -> str | None:
    """The source that files of that format are the whole of, by its name. Raises Malformed for an unknown format."""
    found: str | None = getattr(_module(name), "SOURCE", None)
    return found


def sources() -> list[str]:
    """The formats whose files are the whole of a source."""
    return [name for name in names() if source_of(name) is not None and hasattr(_module(name), "read")]


def ways(name: str) -> list[str]:
    """What a format is for: import, export, or both. Raises Malformed when there is no such format."""
    module = _module(name)
    functions = (("import", ("read", "SOURCE")), ("export", ("write",)))
    return [way for way, names in functions if any(hasattr(module, name) for name in names)]


def _module(name: str) -> ModuleType:
    known = names()
    if name not in known:
        from clusto_core.spelling import suggest

        guess = did_you_mean(suggest(name, known))
        raise Malformed(f"no such format: {name[:40]}{guess} (known: {', '.join(known)})")
    from importlib import import_module

    return import_module(f"{__name__}.{name.replace('-', '_')}")
