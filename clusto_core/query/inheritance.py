"""`attr:KEY,VALUE inherited`: which Things a value is in force for.

What is nearest goes by the steps of containment and by names (see `Reader.effective`), which no SQL says alike on three
databases; so the Things are worked out here, from the few rows that have to do with the key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from clusto_core.drivers import Category
from clusto_core.model.attributes import Key, Value
from clusto_core.model.reserved import OWN
from clusto_core.model.things import Thing, kept_for_itself
from clusto_core.query.tree import HasKey
from clusto_core.query.values import KeyTest, values_hold
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

_EDGES = """
    SELECT a.thing_id, a.ref_id FROM attributes a WHERE a.key = '_in' AND a.ref_id IS NOT NULL
    UNION SELECT c.thing_id, c.other_thing_id FROM connections c WHERE c.part_id IS NULL"""


class InForce(NamedTuple):
    """The whole Things for which a test holds; the parts with values of their own, and those of them it holds for."""

    whole: set[int]
    deciding_parts: set[int]
    parts: set[int]


def in_force(reader: Reader, node: KeyTest, among: Iterable[int] | None = None) -> InForce:
    """For which Things and parts a test holds, values from what they are in included: of all, or of a few, where what
    is elsewhere is not looked at."""
    if among is not None:
        return _of_few(reader, node, reader.by_ids(among).values())
    values: dict[int, list[Value]] = {}
    for attribute in reader.attributes_under(node.key, has=isinstance(node, HasKey)):
        values.setdefault(attribute.thing_id, []).append(attribute.value)
    holders = reader.by_ids(values)
    satisfied = {id for id, found in values.items() if values_hold(node, found)}
    own_parts = {id for id, holder in holders.items() if holder.is_part}
    whole = satisfied - own_parts
    if whole and node.key not in reader.own_keys:
        passing = set(values) - own_parts - _keeping(reader, node.key)
        whole |= _heirs(reader, passing, satisfied & passing) - set(values)
    return InForce(whole, own_parts, own_parts & satisfied)


def _of_few(reader: Reader, node: KeyTest, things: Collection[Thing]) -> InForce:
    begun = {thing.entity_id for thing in things}
    parts = {thing.id for thing in things if thing.is_part}
    inherited = node.key not in reader.own_keys
    above = _above(reader, begun) if inherited else {}
    values: dict[int, list[Value]] = {}
    under = node.key.has if isinstance(node, HasKey) else node.key.covers
    for attribute in reader.attributes(*begun | parts | above.keys()):
        if under(attribute.key):
            values.setdefault(attribute.thing_id, []).append(attribute.value)
    satisfied = {id for id, found in values.items() if values_hold(node, found)}
    whole = satisfied & begun
    if inherited and satisfied:
        holders = values.keys() - parts - _keeping(reader, node.key)
        ways = {id: [each.id for each in up] for id, up in above.items()}
        onward = _onward({each.id: each for up in above.values() for each in up}, ways)
        whole |= {id for id in begun - values.keys() if _nearest(id, ways, onward, holders) in satisfied}
    return InForce(whole, values.keys() & parts, satisfied & parts)


def _above(reader: Reader, ids: Collection[int]) -> dict[int, list[Thing]]:
    """What each of some whole Things is directly in, what that is in, and so on, in the order of `Reader.parents`."""
    found: dict[int, list[Thing]] = {}
    fresh = set(ids)
    while fresh:
        parents = reader.parents_of(fresh)
        found |= {id: parents.get(id, []) for id in fresh}
        fresh = {each.id for up in parents.values() for each in up} - found.keys()
    return found


def _onward(groups: Mapping[int, Thing], parents: Mapping[int, list[int]]) -> dict[int, list[int]]:
    """What is in a grouping does not stand where the grouping belongs; the grouping itself does."""
    groupings = {id for id, thing in groups.items() if thing.is_a(Category)}
    return {id: [each for each in parents[id] if each in groupings] for id in groupings & parents.keys()}


def _keeping(reader: Reader, key: Key) -> set[int]:
    """The Things that have values under a key for themselves."""
    return {each.thing_id for each in reader.attributes_under(OWN) if key.key in kept_for_itself([each])}


def _heirs(reader: Reader, holders: set[int], satisfied: set[int]) -> set[int]:
    """The Things without values of their own whose nearest holder satisfies the test."""
    parents: dict[int, list[int]] = {}
    children: dict[int, list[int]] = {}
    for child, parent in reader.database.rows(_EDGES):
        parents.setdefault(child, []).append(parent)
        children.setdefault(parent, []).append(child)
    groups = reader.by_ids(children)
    rank = {id: (not thing.is_a(Category), natural_key(thing.name)) for id, thing in groups.items()}
    for found in parents.values():
        found.sort(key=rank.__getitem__)
    onward = _onward(groups, parents)
    below: set[int] = set()
    queue = list(satisfied)
    while queue:
        for child in children.get(queue.pop(), ()):
            if child not in below:
                below.add(child)
                queue.append(child)
    return {id for id in below - holders if _nearest(id, parents, onward, holders) in satisfied}


def _nearest(id: int, parents: dict[int, list[int]], onward: dict[int, list[int]], holders: set[int]) -> int | None:
    """The nearest holder above; `onward` is where the way goes on from what it does not begin at."""
    seen = {id}
    level = [id]
    while level:
        following = []
        for child in level:
            for parent in parents.get(child, ()) if child == id else onward.get(child, parents.get(child, ())):
                if parent not in seen:
                    if parent in holders:
                        # Of one level the first in order decides: this one, since they come in order.
                        return parent
                    seen.add(parent)
                    following.append(parent)
        level = following
    return None
