"""Documents as plain data that the standard library writes and reads fastest: text, numbers, tuples and mappings."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from clusto_core.model.attributes import Key, Value
from clusto_core.model.origins import Origin
from clusto_core.transfer.documents import Document, Problem, Values
from clusto_core.transfer.evidence import Confidence, Evidence

_key = lru_cache(10_000)(Key)


def packed(document: Document) -> tuple[Any, ...]:
    """A Document as plain data."""
    return (
        (document.name, document.file, document.line, document.driver, document.type, document.parents, document.at),
        _values(document.attrs),
        dict(document.parts) or None,
        dict(document.addresses) or None,
        dict(document.connect) or None,
        {part: _values(found) for part, found in document.part_attrs.items()} or None,
        _more(document),
    )


def digest(document: Document) -> int:
    """64 bits that are others whenever what is said of a Thing is another, wherever it stands; never 0."""
    (name, _, _, *rest), *said, more = packed(document)
    more = more and {field: each for field, each in more.items() if field not in ("lines", "notes")}
    # This version of the format spells what is equal alike, however often it is referred to.
    return digest_of(marshal.dumps((name, rest, said, more), 2))


def digest_of(said: bytes) -> int:
    """The same of an object's text, where that alone says what is said."""
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "little") or 1


def _values(values: Values) -> dict[Any, Any]:
    """Keys and values; most keys have no number and no subkey, and most values are one text: these as they are."""
    return {
        key.key if key.subkey is None and key.number is None else (*key,): found[0].text
        if len(found) == 1 and found[0].type == "string"
        else [(*value,) for value in found]
        for key, found in values.items()
    }


def _more(document: Document) -> dict[str, Any] | None:
    """What few Documents have, by the names of fields; None where there is nothing of it."""
    plain = not (document.lines or document.columns or document.problems or document.notes or document.new_driver)
    plain = plain and document.origin is None and not document.evidence
    if plain and not (document.stamp or document.called or document.new_parts):
        return None
    found: dict[str, Any] = {
        "columns": {header: [(*value,) for value in cells] for header, cells in document.columns.items()},
        "lines": dict(document.lines),
        "problems": [(*problem,) for problem in document.problems],
        "notes": document.notes,
        "origin": document.origin and (*document.origin,),
        "part_origins": {part: (*origin,) for part, origin in document.part_origins.items()},
        "called": document.called,
        "stamp": document.stamp,
        "new_driver": document.new_driver,
        "new_parts": dict(document.new_parts),
        "evidence": [(each.path, each.confidence.value, each.seen) for each in document.evidence],
    }
    flags = {"form": document.form, "if_there": document.if_there, "implied": document.implied}
    return {**{name: each for name, each in found.items() if each}, **flags}


def unpacked(data: tuple[Any, ...]) -> Document:
    """The Document that plain data is."""
    plain, attrs, parts, addresses, connect, part_attrs, more = data
    document = Document(*plain)
    if attrs:
        document.attrs = _unpacked(attrs)
    if parts:
        document.parts = parts
    if addresses:
        document.addresses = addresses
    if connect:
        document.connect = connect
    if part_attrs:
        document.part_attrs = {part: _unpacked(found) for part, found in part_attrs.items()}
    if more:
        for name, said in more.items():
            setattr(document, name, _MADE[name](said) if name in _MADE else said)
    return document


def _unpacked(values: Mapping[Any, Any]) -> Values:
    return {
        _key(key) if type(key) is str else _key(*key): (Value("string", found),)
        if type(found) is str
        else tuple([Value(*value) for value in found])
        for key, found in values.items()
    }


def _columns(said: Mapping[str, Any]) -> dict[str, tuple[Value, ...]]:
    return {header: tuple([Value(*value) for value in cells]) for header, cells in said.items()}


_MADE: dict[str, Callable[[Any], Any]] = {
    "columns": _columns,
    "problems": lambda said: tuple(Problem(*each) for each in said),
    "origin": lambda said: Origin(*said),
    "evidence": lambda said: tuple(Evidence(path, Confidence(sure), seen) for path, sure, seen in said),
    "part_origins": lambda said: {part: Origin(*each) for part, each in said.items()},
}
