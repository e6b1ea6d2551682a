"""JSON lines: one transfer object a line (https://jsonlines.org), the quickest format and the one for pipes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, TextIO

from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document, broken, escaped, parse, plain, tagged
from clusto_core.transfer.exporter import begun, documents
from clusto_core.transfer.leaving import SAFE, Leaving
from clusto_core.transfer.packing import digest_of


def read(file: Iterable[str], name: str) -> Iterator[Document]:
    """The Documents of a file, line by line; blank lines are passed over."""
    decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number).decode
    for number, line in enumerate(file, 1):
        if not line:
            continue
        text = line.strip() if number > 1 else line.strip().removeprefix("\ufeff")
        if not text:
            continue
        try:
            data = decode(text)
        except json.JSONDecodeError as error:
            shown = f"{error.msg[:1].lower()}{error.msg[1:]}, column {error.colno}"
            yield broken(name, number, f"not JSON: {shown} (JSON lines: one whole object a line)")
        except (ValueError, RecursionError) as error:
            yield broken(name, number, f"not JSON: {error}")
        else:
            document = parse(data, name, number)
            document.digest = digest_of(text.encode("utf-8", "surrogatepass"))
            yield document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:60]!a} is there twice")
    return found


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the Things, one a line, in the order in which they are given."""
    write_documents(documents(reader, things), out)


def write_documents(found: Iterable[Document], out: TextIO) -> None:
    """Writes Documents, one a line."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode
    for document in begun(out, found):
        out.write(escaped(encode(plain(document, tagged))) + "\n")
