"""The dump as tables: rows by model and primary key, as Django's serializer writes them."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TextIO

from clusto_core.errors import Malformed

LIMIT = 1 << 30
"""The longest dump, in bytes; that of NetBox's demo is 5 megabytes."""

Row = Mapping[str, Any]


class Reference(NamedTuple):
    """One object of the dump: its model (`dcim.interface`) and its primary key."""

    model: str
    pk: int


class Dump:
    """The objects of a dump by model, each with its fields."""

    def __init__(self, objects: list[Any]) -> None:
        self.tables: dict[str, dict[int, Row]] = {}
        self.without_key: dict[str, list[Row]] = {}
        for entry in objects:
            if not (isinstance(entry, dict) and isinstance(entry.get("model"), str)):
                raise Malformed("not a NetBox dump: an object without a model")
            fields = entry.get("fields")
            if not isinstance(fields, dict):
                raise Malformed(f"not a NetBox dump: a {entry['model'][:60]} without fields")
            pk = entry.get("pk")
            if isinstance(pk, int):
                self.tables.setdefault(entry["model"], {})[pk] = fields
            else:
                self.without_key.setdefault(entry["model"], []).append(fields)

    def rows(self, model: str) -> Mapping[int, Row]:
        """The objects of a model by primary key."""
        return self.tables.get(model, {})

    def row(self, model: str, pk: object) -> Row:
        """One object; empty when the key is None or nothing has it."""
        return self.tables.get(model, {}).get(pk, {}) if isinstance(pk, int) else {}

    def text(self, model: str, pk: object, field: str = "name") -> str:
        """A text field of one object; empty where there is none."""
        found = self.row(model, pk).get(field)
        return found if isinstance(found, str) else ""

    def grouped(self, model: str, field: str) -> dict[int, dict[int, Row]]:
        """The objects of a model by what a foreign key names, in the order of their own keys."""
        found: dict[int, dict[int, Row]] = {}
        for pk, row in sorted(self.rows(model).items()):
            if isinstance(row.get(field), int):
                found.setdefault(row[field], {})[pk] = row
        return found

    def generic(self, kind: object, pk: object) -> Reference | None:
        """What a generic foreign key names: its content type is a natural key, a primary key or `app.model`."""
        if isinstance(kind, int):
            row = self.row("contenttypes.contenttype", kind)
            kind = (row.get("app_label"), row.get("model"))
        if isinstance(kind, str):
            kind = kind.split(".")
        if not (isinstance(kind, list | tuple) and len(kind) == 2 and isinstance(pk, int)):
            return None
        return Reference(f"{kind[0]}.{kind[1]}", pk)

    def scope(self, row: Row) -> Reference | None:
        """What a row is of: since NetBox 4.2 any of a region, a group of sites, a site, a location; before, a site."""
        if isinstance(row.get("site"), int):
            return Reference("dcim.site", row["site"])
        return self.generic(row.get("scope_type"), row.get("scope_id"))

    def counts(self) -> Iterator[tuple[str, int]]:
        """How many objects of each model there are."""
        for model in sorted({*self.tables, *self.without_key}):
            yield model, len(self.tables.get(model, ())) + len(self.without_key.get(model, ()))


def numbers(value: object) -> list[int]:
    """The numbers in an array: as JSON, as text that is JSON, or as text of texts, which is how Django writes them."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return [int(each) for each in value] if isinstance(value, list) else []


def load(file: TextIO) -> Dump:
    """The dump in a file, compressed by gzip or not. Raises Malformed."""
    raw = getattr(file, "buffer", None)
    content: str | bytes = file.read(LIMIT + 1) if raw is None else raw.read(LIMIT + 1)
    if isinstance(content, bytes) and content[:2] == b"\x1f\x8b":
        content = _unpacked(content)
    if len(content) > LIMIT:
        raise Malformed(f"a dump has at most {LIMIT} bytes")
    try:
        objects = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None
    if not isinstance(objects, list):
        raise Malformed("not a NetBox dump: it is not a list of objects")
    return Dump(objects)


def _unpacked(content: bytes) -> bytes:
    import io

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            return packed.read(LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Malformed(f"damaged gzip: {error}") from None
