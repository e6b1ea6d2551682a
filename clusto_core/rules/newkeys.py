"""Keys that nothing in the store had before: a slip of the fingers makes one without a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clusto_core.errors import Malformed, Refused, did_you_mean
from clusto_core.model import keys
from clusto_core.model.attributes import Key
from clusto_core.rules import declared
from clusto_core.spelling import suggest
from clusto_core.store.unit import UnitOfWork


def notes(unit: UnitOfWork, *, strict: bool = False) -> Iterator[str]:
    """What the author of a change should know of its new keys: `statsu: new key (did you mean status?)`.

    Raises Malformed for a key that differs in case alone from a known one; Refused for a new one that nobody declared
    where the change, or the store, is strict.
    """
    reader = unit.reader
    new = [
        key
        for key in unit.new_keys()
        if declared.of(unit, key) is None and not reader.has_key(Key(key.key, None, key.subkey), unit.first_id)
    ]
    if not new:
        return
    names = {str(Key(key.key, None, key.subkey)) for key in new}
    known = {*map(str, keys.every()), *reader.definitions(), *reader.keys()} - names - {declared.STRICT}
    _check_case(sorted(names), known)
    strict = strict or declared.is_strict(reader)
    for name in sorted(names):
        guess = did_you_mean(suggest(name, known))
        if strict:
            raise Refused(f"{name}: new key{guess}: declare it first (clusto key define {name})")
        if guess:
            yield f"{name}: new key{guess}"


def _check_case(names: Iterable[str], known: Iterable[str]) -> None:
    cases = {each.lower(): each for each in known}
    for name in names:
        other = cases.setdefault(name.lower(), name)
        if other != name:
            raise Malformed(f"the key {name} differs from {other} in case alone: write {other}")
