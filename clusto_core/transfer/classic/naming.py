"""What the entities of a classic clusto are called, where any text is a name: one word each, no two the same.

Each run of characters that cannot be in a name becomes one dash; where that is taken, a number follows. Who comes
first keeps its name; one that went gives it back.
"""

from __future__ import annotations

from collections.abc import Hashable

from clusto_core.errors import Malformed
from clusto_core.model.names import check_name
from clusto_core.rules.ports import cleaned

_LONGEST = 200


class Names:
    """Names that were given, by what has them."""

    def __init__(self) -> None:
        self._names: dict[Hashable, str] = {}
        self._holders: dict[str, Hashable] = {}

    def of(self, holder: Hashable) -> str | None:
        """The name of something; None where it has none."""
        return self._names.get(holder)

    def give(self, holder: Hashable, wanted: str, instead: str) -> str:
        """The name of something that would be called so, or `instead` where nothing can be."""
        if holder in self._names:
            return self._names[holder]
        word = name = _word(wanted, instead)
        number = 2
        while name in self._holders:
            name, number = f"{word}-{number}", number + 1
        self._names[holder], self._holders[name] = name, holder
        return name

    def take(self, holder: Hashable) -> None:
        """Frees the name of what is gone."""
        name = self._names.pop(holder, None)
        if name is not None:
            del self._holders[name]


def _word(wanted: str, instead: str) -> str:
    try:
        return cleaned(wanted.strip(), check_name)[:_LONGEST]
    except Malformed:
        return instead
