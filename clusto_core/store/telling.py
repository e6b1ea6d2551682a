"""The JSON of the history. The rows of new Things are written as they are, for there may be millions; `encode` would
write the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted

from clusto_core.model.attributes import Key
from clusto_core.model.things import Attribute, Cable, Thing

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


def cable(told: Cable, one: str, other: str) -> str:
    """The row of a cable, with the names of its ends."""
    id, kind, part, thing_id, other_part, other_thing, slot = told
    near = "null" if part is None else part
    far = "null" if other_part is None else other_part
    ends = f"{near},{thing_id},{far},{other_thing},{quoted(one)},{quoted(other)}"
    return f'[{id},"{kind}",{ends},{slot}]' if slot else f'[{id},"{kind}",{ends}]'


def tables(told: Mapping[str, Sequence[str]]) -> str:
    """Rows that are written, by table."""
    every = ",".join([f'"{table}":[{",".join(rows)}]' for table, rows in told.items()])
    return f"{{{every}}}"


@lru_cache(1000)
def spelled(key: str, number: int | None, subkey: str | None) -> str:
    """A key as text."""
    return str(Key(key, number, subkey))


@lru_cache(1000)
def _key(key: str, number: int | None, subkey: str | None) -> str:
    return quoted(spelled(key, number, subkey))
