"""Three-way decisions about one value: what the source said last time, what it says now, and what is here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from enum import Enum
from typing import Literal, NamedTuple, TypeVar

Prefer = Literal["", "source", "here"]
"""Who wins where both changed; nobody when it is empty."""

T = TypeVar("T", bound=Hashable)


class Verdict(Enum):
    """What is to become of a value."""

    SETTLED = "nothing is to be done"
    TAKE = "the source's is taken"
    KEEP = "the one here stays"
    CONFLICT = "both changed"


class Merged(NamedTuple):
    """A verdict on the values under one key, and what they are to be where the verdict is TAKE."""

    verdict: Verdict
    wanted: tuple[Hashable, ...] = ()


def single(base: object, said: object, here: object, prefer: Prefer) -> Verdict:
    """The verdict on what there is one of; None for none. What the source never spoke of is settled."""
    if said == here:
        return Verdict.SETTLED
    if said == base:
        return Verdict.SETTLED if said is None else Verdict.KEEP
    if here == base:
        return Verdict.TAKE
    return {"source": Verdict.TAKE, "here": Verdict.KEEP, "": Verdict.CONFLICT}[prefer]


def several(base: Sequence[T], said: Sequence[T], here: Sequence[T], prefer: Prefer) -> Merged:
    """The verdict on the values under one key, of which there may be several: then each is one by itself, and what the
    source adds or takes out goes together with what was added or taken out here."""
    before, now, present = set(base), set(said), set(here)
    if now == present:
        return Merged(Verdict.SETTLED)
    if now == before:
        return Merged(Verdict.KEEP if now else Verdict.SETTLED)
    if present == before:
        return Merged(Verdict.TAKE, tuple(said))
    if max(len(before), len(now), len(present)) < 2:
        verdict = single(_only(base), _only(said), _only(here), prefer)
        return Merged(verdict, tuple(said) if verdict is Verdict.TAKE else ())
    wanted = [each for each in here if each in now or each not in before]
    wanted += [each for each in said if each not in before and each not in present]
    return Merged(Verdict.KEEP if set(wanted) == present else Verdict.TAKE, tuple(wanted))


def _only(values: Sequence[T]) -> T | None:
    return values[0] if values else None
