"""Classes and the Roles that require them: what a machine must have before it is put to a job.

A Role names the Classes that it requires by relations under `requires`. A machine is in a Role when it was put there,
or into a Pool, Service or other category that is; it has a Class when it is in it by whatever way. Both are judged when
a transaction ends: in it, one may come before the other, and there is no way round it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clusto_core.drivers import Category, Equipment
from clusto_core.drivers.categories import Class, Role
from clusto_core.errors import Refused
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing, in_order
from clusto_core.rules import containment, kinds, values
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork
from clusto_core.tuples import NamedTuple

REQUIRES = Key("requires")


class Lacking(NamedTuple):
    """A machine in a Role, and the Classes that it lacks for it."""

    machine: Thing
    role: Thing
    classes: list[Thing]

    @property
    def words(self) -> str:
        """`BigMem and SSD`."""
        return " and ".join(each.name for each in self.classes)


def check(unit: UnitOfWork) -> None:
    """Raises Refused when a transaction puts a machine into a Role whose Classes it lacks, or takes one away that a
    Role of it needs."""
    for _, refusal in violated(unit):
        raise refusal


def violated(unit: UnitOfWork) -> Iterator[tuple[Thing, Refused]]:
    """What `check` refuses, each with the Thing that was put or taken."""
    if not unit.has_changed(containment.IN_KEY):
        return
    requirements = _requirements(unit)
    if not requirements:
        return
    new, gone = unit.attributes_changed(containment.IN_KEY)
    judge = _Judge(unit, requirements)
    for attribute in new:
        thing, parent = unit.by_id(attribute.thing_id), unit.by_id(attribute.value.ref or 0)
        if not parent.is_a(Category):
            continue
        roles = [role for role in judge.roles([parent]) if role.id in requirements]
        for lacking in judge.lacking(thing) if roles else ():
            if lacking.role in roles:
                yield (
                    thing,
                    Refused(
                        f"{lacking.machine.name} cannot be in the role {lacking.role.name}: it lacks {lacking.words}"
                        f" (clusto class add {lacking.classes[0].name} {lacking.machine.name})"
                    ),
                )
    for attribute in gone:
        if not unit.is_gone(attribute.thing_id):
            thing, parent = unit.by_id(attribute.thing_id), unit.by_id(attribute.value.ref or 0)
            lost = {parent, *judge.above(parent)}
            for lacking in judge.lacking(thing):
                if not lost.isdisjoint(lacking.classes):
                    yield (
                        thing,
                        Refused(
                            f"{thing.name} cannot be taken out of {parent.name}: {lacking.machine.name} needs"
                            f" {lacking.words}, which its role {lacking.role.name} requires"
                        ),
                    )


def _requirements(unit: UnitOfWork) -> dict[int, list[Thing]]:
    """The Classes that each Role requires, by its id, as in this transaction."""
    found: dict[int, list[Thing]] = {}
    for attribute in unit.reader.attributes_under(REQUIRES):
        if attribute.value.ref is not None:
            required = unit.by_id(attribute.value.ref)
            if required.is_a(Class) and unit.by_id(attribute.thing_id).is_a(Role):
                found.setdefault(attribute.thing_id, []).append(required)
    return found


def require(unit: UnitOfWork, role: Thing, required: Thing, *, no_longer: bool = False) -> None:
    """Makes a Role require a Class, or require it no longer. Raises Malformed for Things of other kinds."""
    wanted = values.relation(kinds.checked(required, Class))
    if not no_longer:
        values.add(unit, kinds.checked(role, Role), REQUIRES, [wanted])
    elif any(each.key == REQUIRES and each.value.ref == required.id for each in unit.attributes(role)):
        values.delete(unit, [role], REQUIRES, wanted)


class _Judge:
    """Holds machines against what their Roles require, as things are in a transaction."""

    def __init__(self, unit: UnitOfWork, requirements: dict[int, list[Thing]]) -> None:
        self.unit = unit
        self.requirements = requirements
        self._parents: dict[int, list[Thing]] = {}

    def lacking(self, thing: Thing) -> Iterator[Lacking]:
        """What a machine, or those in a category, lack for their Roles."""
        for machine in self._machines(thing):
            every: set[Thing] | None = None
            for role in self.roles([machine]):
                if role.id in self.requirements:
                    every = every if every is not None else self.above(machine)
                    missing = [each for each in self.requirements[role.id] if each not in every]
                    if missing:
                        yield Lacking(machine, role, in_order(missing))

    def roles(self, start: Iterable[Thing]) -> list[Thing]:
        """The Roles among these and the categories that they are in, any number of steps up."""
        found: dict[Thing, None] = {}
        queue = list(start)
        for here in queue:
            if here not in found:
                found[here] = None
                queue.extend(parent for parent in self._directly(here) if parent.is_a(Category))
        return [each for each in found if each.is_a(Role)]

    def _machines(self, thing: Thing) -> list[Thing]:
        if not thing.is_a(Category):
            return [thing] if thing.is_a(Equipment) else []
        return [self.unit.by_id(each.id) for each in _members(self.unit.reader, thing)]

    def above(self, thing: Thing) -> set[Thing]:
        """All that a Thing is in."""
        found: set[Thing] = set()
        queue = [thing]
        for here in queue:
            fresh = [parent for parent in self._directly(here) if parent not in found]
            found.update(fresh)
            queue.extend(fresh)
        return found

    def _directly(self, thing: Thing) -> list[Thing]:
        if thing.id not in self._parents:
            self._parents[thing.id] = containment.parents(self.unit, thing)
        return self._parents[thing.id]


def _members(reader: Reader, category: Thing) -> list[Thing]:
    """The machines in a category, and in the categories in it, as the store has them."""
    found: dict[Thing, None] = {}
    queue = [category]
    seen = {category}
    for here in queue:
        for member in reader.members(here):
            if member.is_a(Category) and member not in seen:
                seen.add(member)
                queue.append(member)
            elif member.is_a(Equipment):
                found[member] = None
    return list(found)


def violations(reader: Reader, roles: Iterable[Thing] | None = None) -> list[Lacking]:
    """The machines in these Roles, or in all, that lack a Class: of before it was required, say."""
    wanted = list(roles) if roles is not None else in_order(reader.all([Role.__name__]))
    by_role = required_classes(reader, wanted)
    found = []
    for role in wanted:
        if by_role.get(role.id):
            for machine in in_order(_members(reader, role)):
                every = set(reader.ancestors(machine))
                missing = [each for each in by_role[role.id] if each not in every]
                if missing:
                    found.append(Lacking(machine, role, missing))
    return found


def required_classes(reader: Reader, roles: Iterable[Thing]) -> dict[int, list[Thing]]:
    """The Classes that each Role requires, by its id, in natural order."""
    attributes = [each for each in reader.attributes(*(role.id for role in roles)) if each.key == REQUIRES]
    classes = reader.by_ids({each.value.ref for each in attributes if each.value.ref is not None})
    found: dict[int, list[Thing]] = {}
    for each in attributes:
        if each.value.ref is not None and classes[each.value.ref].is_a(Class):
            found.setdefault(each.thing_id, []).append(classes[each.value.ref])
    return {id: in_order(required) for id, required in found.items()}
