"""Names out of NameRanges: the next free one, given out once.

A NameRange has the attribute `pattern`: a range as `server[001-999]`, or several. A name is free when nothing has it
and it was not given out; what was given out is kept with the range until it is freed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clusto_core.drivers.resources import NameRange
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.model.attributes import Key, string
from clusto_core.model.ranges import MalformedRange, expand
from clusto_core.model.reserved import GIVEN
from clusto_core.model.things import Thing, in_order
from clusto_core.rules import kinds, values
from clusto_core.rules.kinds import checked_name
from clusto_core.store.reader import Reader

PATTERN = Key("pattern")

_PORTION = 1000


class Given(NamedTuple):
    """A name that was given out, of which range, and whether a Thing has it by now."""

    name: str
    range: Thing
    used: bool


def names(texts: list[str], range_name: str) -> Iterator[str]:
    """The names of a range's patterns, in order. Raises Malformed."""
    if not texts:
        raise Malformed(f"{range_name} has no pattern: clusto attr set pattern 'server[001-999]' -t {range_name}")
    for text in texts:
        try:
            yield from expand(text)
        except MalformedRange as error:
            raise Malformed(f"{range_name}: {error}") from None


def allocate(change: Transaction, range_: Thing, number: int = 1) -> list[str]:
    """Gives out the next free names. Raises Refused when there are not enough, Malformed for no sensible NameRange."""
    kinds.checked(range_, NameRange)
    if number < 1:
        raise Malformed(f"{number} names cannot be given out")
    attributes = change.unit.attributes(range_)
    patterns = [each.value.text for each in attributes if each.key == PATTERN]
    given = {each.value.text for each in attributes if each.key == GIVEN}
    found: list[str] = []
    portion: list[str] = []

    def take() -> None:
        change.unit.prefetch_names(portion)
        found.extend(name for name in portion if change.unit.get(name) is None)
        portion.clear()

    for name in names(patterns, range_.name):
        if name not in given:
            portion.append(checked_name(name))
        if len(portion) == _PORTION:
            take()
        if len(found) >= number:
            break
    take()
    if len(found) < number:
        raise Refused(f"not enough: {number} wanted, {len(found)} names of {range_.name} are free")
    values.keep_more(change.unit, range_, GIVEN, [string(name) for name in found[:number]])
    return found[:number]


def release(change: Transaction, name: str) -> Thing:
    """Takes a name back, and gives the range that it is of. Raises NotFound when it was not given out."""
    for given in given_out(change.unit.reader):
        if given.name == name:
            values.forget(change.unit, change.resolve(given.range), GIVEN, string(name))
            return given.range
    raise NotFound(f"the name was not given out: {name}")


def given_out(reader: Reader, range_: Thing | None = None) -> list[Given]:
    """The names of a NameRange, or of all, that were given out."""
    things = [range_] if range_ is not None else in_order(reader.all([NameRange.__name__]))
    by_id = {thing.id: thing for thing in things}
    found = [each for each in reader.attributes(*by_id) if each.key == GIVEN]
    used = reader.find_names(each.value.text for each in found)
    return [Given(each.value.text, by_id[each.thing_id], each.value.text in used) for each in found]
