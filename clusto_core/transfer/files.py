"""Opening and reading the files of an import."""

from __future__ import annotations

import codecs
import contextlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import IO, TYPE_CHECKING, TextIO

from clusto_core.errors import ClustoError, Malformed, NotFound
from clusto_core.store import collector
from clusto_core.transfer import formats
from clusto_core.transfer.documents import Document, broken
from clusto_core.transfer.pile import Pile

if TYPE_CHECKING:
    from clusto_core.transfer.sheets.how import How

STDIN = "-"


@contextlib.contextmanager
def opened(path: str) -> Iterator[TextIO]:
    """A file as text, unpacked if it is `.gz`; `-` is standard input. Raises NotFound, Malformed.

    UTF-16 is told by its byte order mark, as spreadsheets write it. Bytes that are no UTF-8 come through as what no
    name and no value may hold, so that they are told with their line.
    """
    try:
        if path == STDIN:
            yield _text(sys.stdin.buffer)
        elif path.endswith(".gz"):
            import gzip

            with gzip.open(path) as packed, io.BufferedReader(packed) as unpacked, _text(unpacked) as file:
                yield file
        else:
            with open(path, "rb") as raw, _text(raw) as file:
                yield file
    except FileNotFoundError:
        raise NotFound(f"no such file: {path}") from None
    except UnicodeError:
        raise Malformed(f"{path} begins as UTF-16 does, and is none: save it as UTF-8") from None
    except (OSError, EOFError) as error:
        raise Malformed(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def guessed(file: TextIO, name: str) -> tuple[str, TextIO]:
    """The format that a text begins as, and the whole text. Raises Malformed where that is none of ours."""
    from clusto_core.transfer.guessing import guess, workbook

    if (book := workbook(file)) is not None:
        return book, file
    found, whole = guess(file)
    if found is None:
        raise Malformed(f"what format has {name[:100]}? say it with --format ({', '.join(formats.names())})")
    return found, whole


def _text(raw: IO[bytes]) -> TextIO:
    wide = isinstance(raw, io.BufferedReader) and raw.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return io.TextIOWrapper(raw, encoding="utf-16" if wide else "utf-8", errors="surrogateescape", newline="")


def read(
    paths: Iterable[str],
    format_name: str | None = None,
    progress: Callable[[int], None] = lambda done: None,
    how: How | None = None,
    *,
    keep_going: bool = False,
) -> Pile:
    """The Documents of files, in the format of that name, or the one that a file's extension or its beginning says.

    `progress` is told how many there are so far, `how` is for spreadsheets. Raises Malformed for unknown formats,
    NotFound, Malformed for files that cannot be opened (Documents too with `keep_going`); what is wrong inside the
    files is in the Documents.
    """
    found = Pile()
    with collector.paused():
        for path in paths:
            name = "standard input" if path == STDIN else path
            try:
                for document in _documents(path, name, format_name, how):
                    found.append(document)
                    if len(found) % 1000 == 0:
                        progress(len(found))
            except ClustoError as error:
                if not keep_going:
                    raise
                found.append(broken(name, 1, str(error)))
    return found


def _documents(path: str, name: str, format_name: str | None, how: How | None) -> Iterator[Document]:
    known = format_name or formats.of_extension(path.removesuffix(".gz"))
    if known is not None:
        # Before the file is opened: what cannot be read need not be there.
        formats.reader_of(known, how)
    with opened(path) as file:
        if known is None:
            known, file = guessed(file, name)
        yield from formats.reader_of(known, how)(file, name)
