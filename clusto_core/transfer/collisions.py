"""What is there twice in what is exported, though whoever reads it takes it for one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

_Held = TypeVar("_Held", bound=Hashable)


def collisions(pairs: Iterable[tuple[_Held, str]]) -> dict[_Held, list[str]]:
    """What several owners have, and who they are; a pair is what one has (a MAC, an address, a name) and who."""
    first: dict[_Held, str] = {}
    several: dict[_Held, dict[str, None]] = {}
    for held, owner in pairs:
        if (known := first.setdefault(held, owner)) != owner:
            several.setdefault(held, {known: None})[owner] = None
    return {held: list(several[held]) for held in first if held in several}


def others(colliding: dict[_Held, list[str]], held: _Held, owner: str) -> str:
    """Who else has that, as text; empty when nobody does."""
    return ", ".join(other for other in colliding.get(held, ()) if other != owner)
