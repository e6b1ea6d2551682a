"""What stays behind patch panels when a cable goes: cables of the path that lead nowhere from then on."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from clusto_core.model import wiring
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader


def left_behind(reader: Reader, ends: Iterable[Thing]) -> list[tuple[Thing, Thing]]:
    """The cables that are left of the paths through these parts, which a cable was taken out of: both ends of each.

    Only a patch panel's port has a path behind it; parts that are gone have none.
    """
    found: dict[frozenset[int], tuple[Thing, Thing]] = {}
    for end in ends:
        if wiring.passes_on(end.driver) and reader.get(end.name) == end:
            for one, other in pairwise(reader.trace(end)):
                if reader.partner(one) != other:
                    found.setdefault(frozenset((one.id, other.id)), (one, other))
    return list(found.values())
