"""What a half-typed name, key or value can become: the questions of completion, each a few index look-ups.

Where more names begin so than a person reads, the answer is the next prefixes that differ (`server1`, `server2`, ...)
instead, so that it is as quick and as short with 100,000 Things as with ten.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from clusto_core.model.attributes import Key
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

LIMIT = 200
"""The most candidates that are listed one by one."""

_SAMPLE = 2000
"""Values of a table that are looked at for its numbers and subkeys."""

_LAST = "\U0010ffff"
"""Sorts behind every character that a name may have."""

_FIRST_NAME = """
    SELECT t.name FROM things t WHERE t.owner_id IS NULL AND t.name >= :low AND t.name < :high
    ORDER BY t.name LIMIT 1"""
_LAST_NAME = """
    SELECT t.name FROM things t WHERE t.owner_id IS NULL AND t.name >= :low AND t.name < :high
    ORDER BY t.name DESC LIMIT 1"""
_OF_DRIVERS = "SELECT t.name FROM things t WHERE t.name >= :low AND t.name < :high AND t.driver IN (:ids)"
_NUMBERS = """
    SELECT DISTINCT s.number, s.subkey
    FROM (SELECT a.number, a.subkey FROM attributes a WHERE a.key = :key LIMIT :limit) s WHERE s.number IS NOT NULL"""
_VALUES = """
    WITH RECURSIVE v(head, place) AS (
        SELECT min(a.head), 1 FROM attributes a WHERE a.key = :key AND {subkey} AND a.head >= :low AND a.head < :high
        UNION ALL
        SELECT (SELECT min(a.head) FROM attributes a
                WHERE a.key = :key AND {subkey} AND a.head > v.head AND a.head < :high), v.place + 1
        FROM v WHERE v.head IS NOT NULL AND v.place <= :limit
    ) SELECT v.head FROM v WHERE v.head IS NOT NULL"""


class Candidate(NamedTuple):
    """A text that goes on from what was typed; `partial` when it is the beginning of several and not yet one."""

    text: str
    partial: bool = False


class _Names(Protocol):
    """Names in the order of their characters."""

    def first(self, low: str, high: str) -> str | None: ...

    def last(self, low: str, high: str) -> str | None: ...


class _Stored:
    """The names of all whole Things, by the index."""

    def __init__(self, reader: Reader) -> None:
        self._rows = reader.database.rows

    def first(self, low: str, high: str) -> str | None:
        rows = self._rows(_FIRST_NAME, {"low": low, "high": high})
        return rows[0][0] if rows else None

    def last(self, low: str, high: str) -> str | None:
        rows = self._rows(_LAST_NAME, {"low": low, "high": high})
        return rows[0][0] if rows else None


class _Listed:
    """Names in memory."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)

    def first(self, low: str, high: str) -> str | None:
        place = bisect_left(self._names, low)
        return self._names[place] if place < len(self._names) and self._names[place] < high else None

    def last(self, low: str, high: str) -> str | None:
        place = bisect_left(self._names, high) - 1
        return self._names[place] if place >= 0 and self._names[place] >= low else None


def things(reader: Reader, prefix: str) -> list[Candidate]:
    """The names of whole Things that begin so."""
    if prefix:
        found = reader.names_from(prefix, prefix + _LAST, LIMIT + 1)
    else:
        # What stands for a key of the site is offered to who types its `=`.
        found = [name for name in reader.names_from(prefix, prefix + _LAST, 2 * LIMIT + 1) if name[0] != "="]
    return _whole(found) if len(found) <= LIMIT else _branches(_Stored(reader), prefix)


def of_drivers(reader: Reader, drivers: Sequence[str], prefix: str) -> list[Candidate]:
    """The names, beginning so, of Things of these drivers (as the store names them)."""
    parameters = {"low": prefix, "high": prefix + _LAST}
    found = [row[0] for row in reader.database.rows_in(_OF_DRIVERS, drivers, parameters)]
    return _whole(found) if len(found) <= LIMIT else _branches(_Listed(found), prefix)


def parts(reader: Reader, address: str) -> list[Thing]:
    """The parts that `owner:beginning` may become, in natural order; without one of that name, by their labels."""
    owner_name, beginning = split_part(address)
    owner = reader.get(owner_name)
    if owner is None or owner.is_part or beginning is None:
        return []
    every = reader.parts(owner.id)
    found = [part for part in every if part.part_name.startswith(beginning)]
    return found or every


def labels(reader: Reader, address: str) -> list[str]:
    """`owner:label` for each part of the owner whose label, the name that the device itself uses, begins so."""
    owner_name, beginning = split_part(address)
    owner = reader.get(owner_name)
    if owner is None or not beginning:
        return []
    label = Key("label")
    every = (each.value.text for each in reader.attributes_of_parts(owner.id) if each.key == label)
    return [f"{owner.name}:{text}" for text in sorted(set(every), key=natural_key) if text.startswith(beginning)]


def numbered(reader: Reader, text: str, every: str) -> list[str]:
    """The keys of a table that begin so, where their number is being typed: `disk#`. `every` stands for the number
    where it is none of these: `*` where several are asked for, `+` where one is new."""
    table, mark, _ = text.partition("#")
    if not mark:
        return []
    rows = reader.database.rows(_NUMBERS, {"key": table, "limit": _SAMPLE})
    subkeys = sorted({f".{subkey}" if subkey is not None else "" for _, subkey in rows})
    told = {f"{table}#{every}{subkey}" for subkey in subkeys}
    told |= {f"{table}#{number}{f'.{subkey}' if subkey is not None else ''}" for number, subkey in rows}
    return sorted((each for each in told if each.startswith(text)), key=natural_key)


def values(reader: Reader, key: Key, prefix: str) -> list[str]:
    """The values in the store under a key that begin so; none where they are more than LIMIT, or secret or reserved,
    and no value that looks like a secret."""
    from clusto_core.secrecy import masked

    if key.secret or key.reserved:
        return []
    subkey = "a.subkey IS NULL" if key.subkey is None else "a.subkey = :subkey"
    parameters = {"key": key.key, "subkey": key.subkey, "low": prefix, "high": prefix + _LAST, "limit": LIMIT}
    every = [row[0] for row in reader.database.rows(_VALUES.format(subkey=subkey), parameters)]
    if len(every) > LIMIT:
        return []
    return sorted((text for text in every if masked(text) == text), key=natural_key)


def listed(texts: Iterable[str], prefix: str) -> list[Candidate]:
    """Candidates out of texts at hand: those that begin so, or the next prefixes where they are many."""
    found = [text for text in texts if text.startswith(prefix)]
    return _whole(found) if len(found) <= LIMIT else _branches(_Listed(found), prefix)


def _whole(texts: Iterable[str]) -> list[Candidate]:
    return [Candidate(text) for text in sorted(texts, key=natural_key)]


def _branches(names: _Names, prefix: str) -> list[Candidate]:
    """The next prefixes that differ; never a single one that is partial, which would lead nowhere."""
    found = list(_branch(names, prefix))
    while len(found) == 1 and found[0].partial:
        found = list(_branch(names, found[0].text))
    return sorted(found, key=lambda candidate: natural_key(candidate.text))


def _branch(names: _Names, prefix: str) -> Iterator[Candidate]:
    low, high = prefix, prefix + _LAST
    while (first := names.first(low, high)) is not None:
        if first == prefix:
            yield Candidate(first)
            low = prefix + "\x01"
            continue
        branch = first[: len(prefix) + 1]
        last = names.last(branch, branch + _LAST) or first
        yield Candidate(_common(first, last), first != last)
        low = branch + _LAST


def _common(one: str, other: str) -> str:
    """The beginning that two texts share."""
    length = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]
