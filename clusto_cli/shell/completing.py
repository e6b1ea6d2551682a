"""Completion inside quotes: what the text in them is, by what stands before, and what it can become."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from clusto_core import ClustoError, Handle, Inventory
from clusto_core.answers import candidates
from clusto_core.answers.candidates import Candidate
from clusto_core.drivers import registry
from clusto_core.query import completing
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

_OPEN = re.compile(r"""(?:[^"']|"[^"]*"|'[^']*')*?(["'])(?P<typed>(?:(?!\1).)*)""")
_KEYS = re.compile(r"\.(?:attrs|inherited)(?:\[|\.\w+\()\s*$")
_PARTS = re.compile(r"(?P<owner>\w+|\w+\[(?P<quote>[\"'])(?P<name>[^\"']+)(?P=quote)\])\.parts\[\s*$")
_DRIVERS = re.compile(r"(?:\b(?:driver|spread|pack)\s*=|\.(?:is_a|within|connected|of|add)\()\s*$")
_EXPRESSIONS = re.compile(r"\b(?:find|one|expression)\(\s*$|\b(?:pick|allocate)\([^,\"']*,\s*$")


class Typed(NamedTuple):
    """The line up to the quote that is open, and what stands behind it."""

    before: str
    text: str


def typed(line: str) -> Typed | None:
    """What is typed in the quote that is open at the end of a line; None where none is."""
    match = _OPEN.fullmatch(line)
    return Typed(line[: match.start("typed") - 1], match["typed"]) if match else None


def complete(inventory: Inventory, line: str, names: Mapping[str, Any]) -> list[str]:
    """What the text in the open quote at the end of a line may become; nothing where it cannot be told. A single text
    is one that is whole: the quote may be closed behind it."""
    found = typed(line)
    if found is None:
        return []
    before, text = found
    try:
        with inventory.reading() as reader:
            every = _candidates(reader, before, text, names)
            while len(every) == 1 and every[0].partial:
                every = _candidates(reader, before, every[0].text, names)
    except ClustoError:
        return []
    return sorted({each.text for each in every}, key=natural_key)


def _candidates(reader: Reader, before: str, text: str, names: Mapping[str, Any]) -> list[Candidate]:
    if _EXPRESSIONS.search(before) and not _KEYS.search(before):
        return completing.complete(reader, text)
    texts = _texts(reader, before, text, names)
    return candidates.things(reader, text) if texts is None else candidates.listed(texts, text)


def _texts(reader: Reader, before: str, text: str, names: Mapping[str, Any]) -> list[str] | None:
    """What is listed: keys, parts, drivers; None for names of Things."""
    if _KEYS.search(before):
        keys = reader.keys()
        return [key for key in keys if not key.startswith("_")]
    if (match := _PARTS.search(before)) is not None:
        known = names.get(match["owner"])
        owner = match["name"] or (known.name if isinstance(known, Handle) else None)
        return [part.part_name for part in candidates.parts(reader, f"{owner}:")] if owner else []
    if _DRIVERS.search(before):
        return [driver.__name__ for driver in registry]
    return [part.name for part in candidates.parts(reader, text)] if ":" in text else None
