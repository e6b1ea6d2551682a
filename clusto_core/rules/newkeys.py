"""Keys that nothing in the store had before: a slip of the fingers makes one without a word."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_core.errors import Malformed, did_you_mean
from clusto_core.model.attributes import Key
from clusto_core.model.keys import DECLARED
from clusto_core.spelling import suggest
from clusto_core.store.unit import UnitOfWork


def notes(unit: UnitOfWork) -> Iterator[str]:
    """What the author of a change should know of its new keys: `statsu: new key (did you mean status?)`.

    A store without any attribute has nothing that a key could be like. Raises Malformed for a key that differs in case
    alone from a known one.
    """
    reader = unit.reader
    new = [key for key in unit.new_keys() if key not in DECLARED and not reader.has_key(key, unit.first_id)]
    if not new:
        return
    names = {str(Key(key.key, None, key.subkey)) for key in new}
    known = {*map(str, DECLARED), *reader.keys()} - names
    cases = {each.lower(): each for each in known}
    for name in sorted(names):
        if (other := cases.get(name.lower())) is not None:
            raise Malformed(f"the key {name} differs from {other} in case alone: write {other}")
        if guess := suggest(name, known):
            yield f"{name}: new key{did_you_mean(guess)}"
