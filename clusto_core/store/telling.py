"""The JSON of the history. The rows of a new Thing are written one by one as they are, for there may be millions; `encode`
would write the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted

from clusto_core.model.attributes import Key
from clusto_core.model.things import Attribute, Thing

encode: Callable[[object], str] = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, check_circular=False
).encode
"""The JSON of any rows."""


def thing(told: Thing) -> str:
    """The row of a Thing or part."""
    owner = "null" if told.owner_id is None else told.owner_id
    number = "null" if told.number is None else told.number
    return f"[{told.id},{quoted(told.name)},{quoted(told.driver)},{owner},{number}]"


def attributes(holder: Thing, held: Iterable[Attribute]) -> Iterator[str]:
    """The rows of a Thing's or part's attributes."""
    part = quoted(holder.part_name) if holder.is_part else "null"
    for id, thing_id, key, (type, text, ref) in held:
        named = "null" if ref is None else ref
        yield f'[{id},{thing_id},{part},{_key(*key)},"{type}",{quoted(text)},{named}]'


def row(told: Sequence[str | int | None]) -> str:
    """Any row."""
    texts = ["null" if each is None else quoted(each) if isinstance(each, str) else str(each) for each in told]
    return f"[{','.join(texts)}]"


def tables(told: Mapping[str, Sequence[str]]) -> str:
    """Rows that are written, by table."""
    return "{%s}" % ",".join([f'"{table}":[{",".join(rows)}]' for table, rows in told.items()])


@lru_cache(1000)
def spelled(key: str, number: int | None, subkey: str | None) -> str:
    """A key as text."""
    return str(Key(key, number, subkey))


@lru_cache(1000)
def _key(key: str, number: int | None, subkey: str | None) -> str:
    return quoted(spelled(key, number, subkey))
