"""NetBox's own JSON: what `manage.py dumpdata` writes, plain or compressed by gzip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from clusto_core.errors import Malformed
from clusto_core.transfer.documents import Document, broken, parse
from clusto_core.transfer.netbox.dump import load
from clusto_core.transfer.netbox.translating import remarks, translated

SOURCE = "netbox"
"""The source that a dump is, where none is named."""


def read(file: TextIO, name: str) -> Iterator[Document]:
    """The Things that a dump tells of, and last what has no place in clusto, counted by kind."""
    try:
        translation = translated(load(file))
    except Malformed as error:
        yield broken(name, 1, str(error))
        return
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # Whatever a dump lacks that every NetBox has: the models are the contract, and are not checked field by field.
        yield broken(name, 1, f"not a NetBox dump as expected: {type(error).__name__}: {error}")
        return
    for called, data in translation.things.items():
        document = parse(data, name, 1)
        document.origin = translation.origins[called]
        document.part_origins = translation.part_origins.get(called, {})
        document.called = translation.called.get(called, "")
        yield document
    yield Document("", name, 1, notes=tuple(f"{name}: {note}" for note in remarks(translation)))
