"""What still fits: which racks have room for something of a size (`units=2,watts=800,ports=2`), the best one first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from clusto_core.errors import Malformed, did_you_mean
from clusto_core.model import units
from clusto_core.model.things import Thing
from clusto_core.resources.capacity import Capacity, capacities, racks, standing
from clusto_core.spelling import natural_key, suggest
from clusto_core.store.reader import Reader

Need = Mapping[str, float]
"""What something takes, by the words of `WORDS`: rack units in a row, W, kg, mm, or a number of them."""


class _Word(NamedTuple):
    unit: str
    """The unit that its number is in."""
    free: Callable[[Capacity], float | None]
    """What a rack has of it; None where that is not known."""


WORDS: Mapping[str, _Word] = {
    "units": _Word("", lambda rack: rack.runs[0] if rack.runs else 0),
    "watts": _Word("W", lambda rack: rack.watts.free),
    "feeds": _Word("", lambda rack: rack.feeds.free),
    "outlets": _Word("", lambda rack: rack.outlets.free),
    "ports": _Word("", lambda rack: rack.ports.free),
    "addresses": _Word("", lambda rack: rack.addresses.free),
    "weight": _Word("kg", lambda rack: rack.weight.free),
    "depth": _Word("mm", lambda rack: rack.depth),
}


class Fitting(NamedTuple):
    """The racks that have room, the best first; and those of which nobody said enough to tell, with what lacks."""

    racks: list[Capacity]
    unknown: list[tuple[Thing, str]]


def need(text: str) -> Need:
    """`units=2,watts=800,ports=2`, numbers with units too (`watts=1.2kW`). Raises Malformed."""
    found: dict[str, float] = {}
    for pair in text.split(","):
        word, equals, number = (each.strip() for each in pair.partition("="))
        if word not in WORDS:
            guess = did_you_mean(suggest(word, WORDS))
            raise Malformed(f"no rack has {word[:40]!a}{guess} (known: {', '.join(WORDS)})")
        size = units.measure(number, WORDS[word].unit) if equals else None
        if size is None or size < 0:
            unit = f" in {WORDS[word].unit}" * bool(WORDS[word].unit)
            raise Malformed(f"{word} is a number{unit}, not {number[:40]!a}")
        found[word] = float(size)
    return found


def fitting(reader: Reader, wanted: Need, among: Sequence[Thing] | None = None) -> Fitting:
    """The racks, all or those among some Things or in them, that have room for something.

    The best is the one that is filled best: the shortest run of rack units that is enough, then the fewest watts left.
    """
    every = capacities(reader, racks(reader, among))
    unknown = [(each.thing, lack) for each in every if (lack := _unsaid(each, wanted)) is not None]
    known = [each for each in every if _unsaid(each, wanted) is None and _fits(each, wanted)]
    return Fitting(sorted(known, key=lambda each: _rank(each, wanted)), unknown)


def _unsaid(rack: Capacity, wanted: Need) -> str | None:
    """What of it nobody said of a rack, where what is known would do."""
    lacking = [word for word in wanted if WORDS[word].free(rack) is None]
    rest = {word: size for word, size in wanted.items() if word not in lacking}
    return ", ".join(lacking) if lacking and _fits(rack, rest) else None


def _fits(rack: Capacity, wanted: Need) -> bool:
    return all((free := WORDS[word].free(rack)) is not None and free >= size for word, size in wanted.items())


def _rank(rack: Capacity, wanted: Need) -> tuple[object, ...]:
    run = min((run for run in rack.runs if run >= wanted.get("units", 0)), default=0)
    watts = rack.watts.free
    return (run, float("inf") if watts is None else watts, natural_key(rack.thing.name))


def inside(reader: Reader, found: Iterable[Capacity]) -> set[int]:
    """The ids of racks and of all that stands in them."""
    return {each.id for each in standing(reader, [rack.thing for rack in found])}
