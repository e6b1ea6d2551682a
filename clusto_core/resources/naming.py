"""Names out of NameRanges: the next free one, given out once.

A NameRange has the attribute `pattern`: a range as `server[001-999]`, or several. A name is free when nothing has it
and no range gave it out; what was given out is kept with the range until it is freed, or what it was given to, or
what is called so, is removed. With `cooldown` (`30d`) on the range it is not given again for so long from then on.

A range need not be of names that Things have: `asset[000001-999999]` counts labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from clusto_core.drivers.resources import NameRange
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.model import reserving
from clusto_core.model.attributes import Key, Value, string
from clusto_core.model.ranges import MalformedRange, expand
from clusto_core.model.reserved import GIVEN, GIVEN_BACK, OWNED_NAME
from clusto_core.model.things import Attribute, Thing, in_order
from clusto_core.rules import kinds, values
from clusto_core.rules import names as rules
from clusto_core.rules.kinds import checked_name
from clusto_core.store.reader import Reader

PATTERN = Key("pattern")
COOLDOWN = Key("cooldown")
"""How long what came back is not given again, in seconds."""

_PORTION = 1000


class Given(NamedTuple):
    """A name that was given out, of which range, whether a Thing has it by now, and whose it is."""

    name: str
    range: Thing
    used: bool
    owner: Thing | None = None


def names(texts: list[str], range_name: str) -> Iterator[str]:
    """The names of a range's patterns, in order. Raises Malformed."""
    if not texts:
        raise Malformed(f"{range_name} has no pattern: clusto attr set pattern 'server[001-999]' -t {range_name}")
    for text in texts:
        try:
            yield from expand(text)
        except MalformedRange as error:
            raise Malformed(f"{range_name}: {error}") from None


def allocate(
    change: Transaction,
    range_: Thing,
    number: int = 1,
    *,
    owner: Thing | None = None,
    cooldown: int | None = None,
) -> list[str]:
    """Gives out the next free names, to a Thing perhaps, none that came back in the last `cooldown` seconds: by default
    what the range says. Raises Refused when there are not enough, Malformed for no sensible NameRange."""
    kinds.checked(range_, NameRange)
    if number < 1:
        raise Malformed(f"{number} names cannot be given out")
    resting = _resting(change.unit.attributes(range_), cooldown)
    free = _free(change, range_, resting)
    found = list(islice(free, number))
    if len(found) < number:
        later = f", {len(resting)} came back too recently" if resting else ""
        raise Refused(f"not enough: {number} wanted, {len(found)} names of {range_.name} are free{later}")
    values.keep_more(change.unit, range_, GIVEN, [string(name) for name in found])
    rules.forget(change.unit, range_, *found)
    if owner is not None:
        values.keep_more(change.unit, owner, OWNED_NAME, [string(name) for name in found])
    return found


def vacant(change: Transaction, range_: Thing, number: int, without: Iterable[str] = ()) -> list[str]:
    """The names that `allocate` would give out next, without some: at most so many. Nothing is given out. Raises
    Malformed for no sensible NameRange."""
    kinds.checked(range_, NameRange)
    left_out = set(without)
    free = _free(change, range_, _resting(change.unit.attributes(range_), None))
    return list(islice((name for name in free if name not in left_out), number))


def vacant_among(change: Transaction, range_: Thing, wanted: Iterable[str]) -> set[str]:
    """Those names that a range has and `allocate` might give out. Raises Malformed for no sensible NameRange."""
    sought = set(wanted)
    return {
        name for name in _untaken(change, kinds.checked(range_, NameRange), sought) if change.unit.get(name) is None
    }


def _untaken(change: Transaction, range_: Thing, sought: set[str]) -> Iterator[str]:
    attributes = change.unit.attributes(range_)
    taken = {each.value.text for each in change.unit.reader.attributes_under(GIVEN)} | _resting(attributes, None)
    left = sought - taken
    every = names([each.value.text for each in attributes if each.key == PATTERN], range_.name) if left else iter(())
    return islice((name for name in every if name in left), len(left))


def _resting(attributes: Iterable[Attribute], cooldown: int | None) -> set[str]:
    """The names that came back too recently to be given again."""
    if cooldown is None:
        cooldown = cooldown_of(each.value for each in attributes if each.key == COOLDOWN)
    back = [each.value.python() for each in attributes if each.key == GIVEN_BACK]
    since = reserving.now() - timedelta(seconds=cooldown)
    return {each["name"] for each in back if cooldown and datetime.fromisoformat(each["at"]) >= since}


def cooldown_of(said: Iterable[Value]) -> int:
    """The seconds that values of `cooldown` say."""
    return max((int(value.integer or value.float or 0) for value in said), default=0)


def _free(change: Transaction, range_: Thing, resting: set[str]) -> Iterator[str]:
    """The names of a range that may be given out, in order."""
    patterns = [each.value.text for each in change.unit.attributes(range_) if each.key == PATTERN]
    taken = {each.value.text for each in change.unit.reader.attributes_under(GIVEN)} | resting
    every = (checked_name(name) for name in names(patterns, range_.name) if name not in taken)
    while portion := list(islice(every, _PORTION)):
        change.unit.prefetch_names(portion)
        yield from (name for name in portion if change.unit.get(name) is None)


def release(change: Transaction, name: str) -> Thing:
    """Takes a name back, and gives the range that it is of. Raises NotFound when it was not given out."""
    for attribute in rules.given(change.unit, [name]):
        range_ = change.unit.by_id(attribute.thing_id)
        rules.take_back(change.unit, range_, name)
        return range_
    raise NotFound(f"the name was not given out: {name}")


def given_out(reader: Reader, range_: Thing | None = None) -> list[Given]:
    """The names of a NameRange, or of all, that were given out."""
    things = [range_] if range_ is not None else in_order(reader.all([NameRange.__name__]))
    by_id = {thing.id: thing for thing in things}
    found = [each for each in reader.attributes(*by_id) if each.key == GIVEN]
    used = reader.find_names(each.value.text for each in found)
    owned = {each.value.text: each.thing_id for each in reader.attributes_under(OWNED_NAME)} if found else {}
    owners = reader.by_ids(owned.values())
    return [
        Given(name, by_id[each.thing_id], name in used, owners.get(owned.get(name, 0)) or used.get(name))
        for each in found
        for name in (each.value.text,)
    ]
