"""What is there twice in what is exported, though whoever reads it takes it for one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

_Held = TypeVar("_Held", bound=Hashable)


def collisions(pairs: Iterable[tuple[_Held, str]]) -> dict[_Held, list[str]]:
    """What several owners have, and who they are; a pair is what one has (a MAC, an address, a name) and who."""
    owners: dict[_Held, dict[str, None]] = {}
    for held, owner in pairs:
        owners.setdefault(held, {})[owner] = None
    return {held: list(found) for held, found in owners.items() if len(found) > 1}


def others(colliding: dict[_Held, list[str]], held: _Held, owner: str) -> str:
    """Who else has that, as text; empty when nobody does."""
    return ", ".join(other for other in colliding.get(held, ()) if other != owner)
