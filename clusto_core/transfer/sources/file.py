"""A file in one of clusto's own formats that is written anew again and again, by whatever a site has.

Its objects are known by their `id`, and parts by those in `part_ids`, where it says them; else by their names, so that
another name is another Thing, unless its serial number or a MAC says that it is the one that was there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, TextIO

from clusto_core.model.origins import Origin
from clusto_core.transfer import formats
from clusto_core.transfer.documents import Document
from clusto_core.transfer.files import STDIN, guessed, opened
from clusto_core.transfer.formats import jsonl
from clusto_core.transfer.sources.protocol import Declared, Last, Progress, Setting, Source

if TYPE_CHECKING:
    from clusto_core.transfer.sheets.how import How

SETTINGS: Mapping[str, Setting] = {
    "file": Setting("the path of the file", required=True),
    "format": Setting("its format, where its name does not say it"),
}
NAMED = "name"
"""The kind of objects that are known by their names."""
_LINES = "jsonl"


def source(declared: Declared) -> Source:
    """The source that a table of the type `file` means. Raises Malformed for a format that cannot be read."""
    return FileSource((os.path.expanduser(declared.text("file")),), declared.text("format") or None)


class FileSource:
    """Files, read whole, in the format of that name, or the one that a file's extension or its beginning says. Of
    spreadsheets: `how` they are read, and whether to `create` what their rows name and do not speak of."""

    complete = True

    def __init__(
        self, paths: tuple[str, ...], format_name: str | None, how: How | None = None, create: bool = False
    ) -> None:
        self.paths = paths
        self._how = how
        self._create = create
        self._named: set[str] = set()
        self.state = ""
        self._format = format_name
        if format_name is not None:
            formats.reader_of(format_name, how)

    def read(self, last: Last, progress: Progress) -> Iterator[Document | Origin]:
        """The Documents; of a file of lines, those that are as they were are not even parsed."""
        together = formats.together_of(self._format) if self._format is not None else None
        if together is not None:
            with contextlib.ExitStack() as stack:
                yield from together([(stack.enter_context(opened(path)), path) for path in _listed(self.paths)])
            return
        done = 0
        self._named.clear()
        for path in self.paths:
            known = self._format or formats.of_extension(path.removesuffix(".gz"))
            name = "standard input" if path == STDIN else path
            with opened(path) as file:
                if known is None:
                    known, file = guessed(file, name)
                for document in self._documents(known, file, name, last.stamps):
                    done += 1
                    if done % 1000 == 0:
                        progress("reading", done, 0)
                    yield document

    def _documents(
        self, format_name: str, file: TextIO, name: str, stamps: Mapping[Origin, str]
    ) -> Iterator[Document | Origin]:
        if format_name == _LINES:
            return self._read_lines(file, name, stamps)
        found = formats.reader_of(format_name, self._how)(file, name)
        return (identified(document) for document in found if self._speaks(document))

    def _speaks(self, document: Document) -> bool:
        """Whether a document counts: what rows only name does once, and only where it is to be made."""
        if not document.implied:
            return True
        known = document.name in self._named
        self._named.add(document.name)
        return self._create and not known

    def _read_lines(self, file: TextIO, path: str, stamps: Mapping[Origin, str]) -> Iterator[Document | Origin]:
        lines = _Lines(file, {stamp: origin for origin, stamp in stamps.items()})
        for document in jsonl.read(lines, path):
            document.stamp = lines.stamp
            yield from lines.passed_over()
            yield identified(document)
        yield from lines.passed_over()


def _listed(paths: Iterable[str]) -> Iterator[str]:
    """The files, those of a directory one by one."""
    for path in paths:
        if os.path.isdir(path):
            yield from sorted(os.path.join(path, each) for each in os.listdir(path) if not each.startswith("."))
        else:
            yield path


class _Lines:
    """The lines of a file, those that are as they were last time left blank."""

    def __init__(self, file: TextIO, known: Mapping[str, Origin]) -> None:
        self.stamp = ""
        """The digest of the line that was read last."""
        self._file = file
        self._known = known
        self._passed: list[Origin] = []

    def __iter__(self) -> Iterator[str]:
        known = self._known
        for line in self._file:
            stamp = blake2b(line.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
            origin = known.get(stamp)
            if origin is None:
                self.stamp = stamp
                yield line
            else:
                self._passed.append(origin)
                yield ""

    def passed_over(self) -> list[Origin]:
        """The objects of the lines that were left blank since this was asked last."""
        passed, self._passed = self._passed, []
        return passed


def identified(document: Document) -> Document:
    """A Document of a file, which is known by its name where the file says no more."""
    if document.origin is None and document.name:
        document.origin = Origin(NAMED, document.name)
    return document
