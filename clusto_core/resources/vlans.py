"""VLANs: the next free id of a range, given to a new VLAN Thing."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from clusto_core.answers.network import VID_KEY, VLAN_MAX, VLAN_MIN
from clusto_core.drivers.resources import VLAN
from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Transaction
from clusto_core.model.things import Thing, in_order
from clusto_core.records import returned
from clusto_core.resources.naming import COOLDOWN, cooldown_of
from clusto_core.rules import kinds
from clusto_core.store.reader import Reader

FIRST, LAST = 2, VLAN_MAX
"""What ids are given out of, unless a range is given: 1 is every switch's default (IEEE 802.1Q, 9.6)."""
KEPT = range(1002, 1006)
"""Cisco's switches keep these for Token Ring and FDDI."""


class Numbered(NamedTuple):
    """A VLAN and its id; None where it is not recorded."""

    id: int | None
    thing: Thing


def parse_range(text: str | None) -> tuple[int, int]:
    """`200-299` as (200, 299). Raises Malformed."""
    if text is None:
        return FIRST, LAST
    first, dash, last = text.partition("-")
    if not (first.isdigit() and dash and last.isdigit()) or not VLAN_MIN <= int(first) <= int(last) <= VLAN_MAX:
        raise Malformed(
            f"malformed range of VLAN ids: {text[:40]!r} (write 200-299, between {VLAN_MIN} and {VLAN_MAX})"
        )
    return int(first), int(last)


def numbered(reader: Reader) -> list[Numbered]:
    """All VLANs, in the order of their ids."""
    things = in_order(reader.all([VLAN.__name__]))
    ids = {
        each.thing_id: each.value.integer
        for each in reader.attributes(*(thing.id for thing in things))
        if each.key == VID_KEY
    }
    return sorted((Numbered(ids.get(thing.id), thing) for thing in things), key=lambda each: each.id or 0)


def free(change: Transaction, name: str | Thing, *, force: bool = False) -> Thing:
    """Takes a VLAN out, so that its id is free again. Raises Malformed for another kind of Thing, else as `remove`."""
    return change.remove(kinds.checked(change.resolve(name), VLAN), force=force)


def allocate(
    change: Transaction, name: str, first: int, last: int, place: Thing | None = None, *, cooldown: int | None = None
) -> tuple[Thing, int]:
    """A new VLAN of that name with the lowest free id; with a `place`, free among the VLANs in it and in nothing.

    None that a VLAN had in the last `cooldown` seconds, wherever that was: by default what the place says. Raises
    Refused when no id of the range is free, or the name is taken; Malformed for ids that no VLAN has.
    """
    if not VLAN_MIN <= first <= last <= VLAN_MAX:
        raise Malformed(f"no VLAN has such ids: {first}-{last} (between {VLAN_MIN} and {VLAN_MAX})")
    unit = change.unit
    known = numbered(unit.reader)
    if place is not None:
        parents = unit.reader.parents_of(each.thing.id for each in known)
        known = [each for each in known if place in (around := parents.get(each.thing.id, [])) or not around]
    resting = _resting(change, _cooldown(change, place) if cooldown is None else cooldown)
    taken = {each.id for each in known} | resting
    number = next((each for each in range(first, last + 1) if each not in taken and each not in KEPT), None)
    if number is None:
        later = ", or it came back too recently" if resting else ""
        raise Refused(f"not enough: no VLAN id from {first} to {last} is free{later}")
    parents_of_new = [place] if place is not None else []
    return change.add(VLAN, name, parents=parents_of_new, attributes=[(VID_KEY, number)]), number


def _cooldown(change: Transaction, place: Thing | None) -> int:
    attributes = change.unit.attributes(place) if place is not None else ()
    return cooldown_of(each.value for each in attributes if each.key == COOLDOWN)


def _resting(change: Transaction, cooldown: int) -> set[int | None]:
    """The ids that came back too recently to be given again, in this change too."""
    if not cooldown:
        return set()
    reader = change.unit.reader
    back = returned.taken_out(reader, VID_KEY.key, reader.now - timedelta(seconds=cooldown))
    return {each.value.integer for each in (*back, *change.unit.attributes_changed(VID_KEY)[1])}
