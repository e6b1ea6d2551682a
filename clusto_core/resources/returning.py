"""What was given to a Thing is given back: cables, addresses, services, groupings, position; by the policy of its
place.

The policy is an inherited attribute of the place, or of the Thing itself: `deallocate.gives`, `retire.gives`, several
values of RETURNED; `retire.record` says whether a record stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clusto_core.drivers import Equipment
from clusto_core.drivers.categories import Pool, Role, Service
from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Transaction
from clusto_core.model import wiring
from clusto_core.model.attributes import IP, Key
from clusto_core.model.things import Thing, in_force, in_order
from clusto_core.resources import naming
from clusto_core.rules import cabling, containment, protection, services
from clusto_core.rules.keys import RETURNED
from clusto_core.rules.services import SERVICE
from clusto_core.store.unit import UnitOfWork

DEALLOCATE, RETIRE = "deallocate", "retire"
USUAL: Mapping[str, Sequence[str]] = {DEALLOCATE: ("addresses", "vips", "pools"), RETIRE: tuple(RETURNED)}
"""What is given back where no policy says otherwise."""
KEEP, REMOVE = "keep", "remove"
_RECORD = Key(RETIRE, None, "record")


class Returned(NamedTuple):
    """Something that a Thing had: of which kind, where (the Thing or a part of it), and what."""

    thing: str
    kind: str
    holder: str
    what: str


class Outcome(NamedTuple):
    """What was given back, the Things whose records are gone, and the far ends of the cables that were taken out."""

    returned: list[Returned]
    removed: list[Thing]
    far_ends: list[Thing]


def give_back(
    change: Transaction,
    named: Iterable[str | Thing],
    verb: str,
    *,
    gives: Collection[str] | None = None,
    keeps: Collection[str] = (),
    record: str | None = None,
    settings: Iterable[tuple[str | Key, Any]] = (),
    force: bool = False,
) -> Outcome:
    """Gives back what Things have, all of them or none.

    `verb` is DEALLOCATE, which never removes a record, or RETIRE; `gives` and `record` are said instead of the
    policy's, `keeps` is left out of either. `settings` are attributes that are set where the record stays.

    Raises Refused without `force` for what is protected, for what is no equipment or a place, and as removing does;
    Malformed for unknown kinds.
    """
    for kind in (*(gives or ()), *keeps):
        if kind not in RETURNED:
            raise Malformed(f"no such thing to give back: {kind} (known: {', '.join(RETURNED)})")
    every = list(dict.fromkeys(map(change.resolve, named)))
    pairs = list(settings)
    with change.unit.wholly():
        for thing in every:
            _check(change.unit, thing, verb, force=force)
        policies = [_policy(change.unit, thing, verb) for thing in every]
        work = _Returning(change)
        gone = []
        for thing, (usual, usual_record) in zip(every, policies, strict=True):
            work.give_back(thing, {*(usual if gives is None else gives)} - {*keeps})
            if verb == RETIRE and (record or usual_record) == REMOVE:
                gone.append(thing)
                continue
            for key, value in change.numbered(thing, pairs):
                change.set_values(thing, key, value)
        removed = change.remove_all(gone, force=True) if gone else []
        for thing in removed:
            work.give_name_back(thing.name)
    return Outcome(work.returned, removed, work.far_ends)


def _check(unit: UnitOfWork, thing: Thing, verb: str, *, force: bool) -> None:
    if thing.is_part or not thing.is_a(Equipment) or containment.is_place(thing):
        raise Refused(f"{thing.name} is a {thing.driver}: only equipment that is no place can be {verb}d")
    if not force:
        protection.check(unit, thing, f"{verb}s")


def _policy(unit: UnitOfWork, thing: Thing, verb: str) -> tuple[Sequence[str], str]:
    """What is given back of a Thing, and whether its record stays: as said nearest to it."""
    gives = Key(verb, None, "gives")
    effective = [each.attribute for each in in_force([thing, *containment.ancestors(unit, thing)], unit.attributes)]
    said = [each.value.text for each in effective if each.key == gives]
    record = next((each.value.text for each in effective if each.key == _RECORD), KEEP)
    return said or USUAL[verb], record


class _Returning:
    """One giving back, as far as it is done."""

    def __init__(self, change: Transaction) -> None:
        self.change = change
        self.unit = change.unit
        self.returned: list[Returned] = []
        self.far_ends: list[Thing] = []

    def give_back(self, thing: Thing, kinds: Collection[str]) -> None:
        """Gives back what a Thing has of these kinds."""
        ways: dict[str, Callable[[Thing], Iterator[tuple[str, str]]]] = {
            "cables": self._cables,
            "addresses": self._addresses,
            "vips": self._vips,
            "pools": self._pools,
            "position": self._position,
        }
        for kind in RETURNED:
            if kind in kinds:
                self.returned += [Returned(thing.name, kind, holder, what) for holder, what in ways[kind](thing)]

    def _cables(self, thing: Thing) -> Iterator[tuple[str, str]]:
        for part in in_order(self.unit.parts(thing)):
            cable = self.unit.cable_of(part)
            across = cable.across(part.id) if cable is not None and cable.kind != wiring.POSITION else None
            if across is not None:
                far = self.unit.by_id(across)
                self.change.disconnect(part)
                self.far_ends.append(far)
                yield part.name, far.name

    def _addresses(self, thing: Thing) -> Iterator[tuple[str, str]]:
        for holder in (thing, *self.unit.parts(thing)):
            for attribute in list(self.unit.attributes(holder)):
                if attribute.key.key == IP:
                    self.unit.delete_attribute(attribute)
                    yield holder.name, attribute.value.text

    def _vips(self, thing: Thing) -> Iterator[tuple[str, str]]:
        for service in self._groupings(thing, Service):
            services.remove(self.unit, service, thing)
            yield thing.name, service.name
        for pool in self._groupings(thing, Pool):
            if self._is_of_service(pool):
                containment.take(self.unit, thing, pool)
                yield thing.name, pool.name

    def _pools(self, thing: Thing) -> Iterator[tuple[str, str]]:
        for group in (*self._groupings(thing, Pool), *self._groupings(thing, Role)):
            if not self._is_of_service(group):
                containment.take(self.unit, thing, group)
                yield thing.name, group.name

    def _groupings(self, thing: Thing, kind: type[Pool] | type[Role] | type[Service]) -> list[Thing]:
        return in_order(each for each in containment.parents(self.unit, thing) if each.is_a(kind))

    def _is_of_service(self, pool: Thing) -> bool:
        return any(each.key == SERVICE for each in self.unit.attributes(pool))

    def _position(self, thing: Thing) -> Iterator[tuple[str, str]]:
        for cable in cabling.positions(self.unit, thing):
            self.unit.delete_cable(cable)
            yield thing.name, self.unit.by_id(cable.other_part or cable.other_thing).name
        while (place := containment.standing(self.unit, thing)) is not None:
            containment.take(self.unit, thing, place)
            yield thing.name, place.name

    def give_name_back(self, name: str) -> None:
        """Gives a name back to the NameRange that gave it out, if one did."""
        for given in naming.given_out(self.unit.reader):
            if given.name == name:
                naming.release(self.change, name)
                self.returned.append(Returned(name, "name", given.range.name, name))
