"""What is in what: putting Things into places and groupings, and taking them out."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.drivers import Equipment, Part
from clusto_core.drivers.equipment import PLACES
from clusto_core.drivers.parts import RackUnit
from clusto_core.errors import Refused
from clusto_core.model import holding
from clusto_core.model.attributes import IN, Key, Value
from clusto_core.model.things import Attribute, Thing, leads_on
from clusto_core.store.reader import rank
from clusto_core.store.unit import UnitOfWork

IN_KEY = Key(IN)


def parents(unit: UnitOfWork, thing: Thing) -> list[Thing]:
    """What a whole Thing was put in, and the rack that it is mounted in; as in this transaction."""
    found = [unit.by_id(value.ref) for _, _, key, value in unit.attributes(thing) if key == IN_KEY and value.ref]
    racks = [cable.other_thing for cable in unit.cables(thing) if cable.part is None and cable.thing == thing.id]
    if not racks:
        return found
    return found + [rack for rack in map(unit.by_id, dict.fromkeys(racks)) if rack not in found]


def prefetch_above(unit: UnitOfWork, things: Iterable[Thing]) -> None:
    """Reads ahead these whole Things and all that they are in, a level at a time."""
    level = list(things)
    seen = set(level)
    while level:
        unit.prefetch(level)
        above = {parent for thing in level for parent in parents(unit, thing)}
        level = [parent for parent in above if parent not in seen]
        seen.update(level)


def ancestors(unit: UnitOfWork, thing: Thing) -> list[Thing]:
    """Everything that a Thing or part is in, nearest first, each once; as in this transaction."""
    found: dict[int, Thing] = {}
    level = [thing]
    while level:
        following = []
        for here in level:
            above = [unit.by_id(here.owner_id)] if here.owner_id is not None else parents(unit, here)
            for parent in sorted(above, key=rank):
                if parent.id not in found and parent != thing and leads_on(here, parent, thing):
                    found[parent.id] = parent
                    following.append(parent)
        level = following
    return list(found.values())


def is_place(thing: Thing) -> bool:
    """Whether it is somewhere a Thing stands."""
    return issubclass(thing.kind, PLACES)


def put(unit: UnitOfWork, thing: Thing, parent: Thing) -> bool:
    """Puts a Thing into another; False when it was in it, also by the rack or the chassis that it is in.

    A place that it was put in, and that the chassis is in, is said by the chassis from then on. Raises Refused for
    parts, cycles, a second place and what cannot be in the other.
    """
    if membership(unit, thing, parent) is not None or _within(unit, thing, parent):
        return False
    check(unit, thing, parent)
    if (place := _looser(unit, thing, parent)) is not None:
        take(unit, thing, place)
    value = Value("relation", parent.name, parent.id)
    unit.insert_attribute(Attribute(unit.new_id(), thing.id, IN_KEY, value))
    return True


def check(unit: UnitOfWork, thing: Thing, parent: Thing) -> None:
    """Raises Refused unless a Thing may be put into another."""
    for each in (thing, parent):
        if each.is_part:
            mounting = f" (clusto connect {thing.name} {parent.name} mounts it)" if parent.is_a(RackUnit) else ""
            raise Refused(f"{each.name} is a part: only whole Things are put in each other{mounting}")
    if thing == parent:
        raise Refused(f"{thing.name} cannot be in itself")
    if not holding.may_hold(parent.driver, thing.driver):
        raise Refused(_nonsense(thing, parent))
    if parent.is_a(Equipment) and (place := standing(unit, thing)) not in (None, parent, _looser(unit, thing, parent)):
        raise Refused(f"{thing.name} is in {place.name if place else ''} already: take it out first")
    check_no_cycle(unit, thing, parent)


def _nonsense(thing: Thing, parent: Thing) -> str:
    drivers = ", ".join(holding.allowed(thing.driver))
    return f"{thing.name} ({thing.driver}) cannot be in {parent.name} ({parent.driver}): what it may be in is {drivers}"


def _within(unit: UnitOfWork, thing: Thing, place: Thing) -> bool:
    """Whether the rack that a Thing is mounted in, or the chassis that it was put in, is in that place: they say the
    same, and more exactly."""
    if thing.is_part or not place.is_a(Equipment) or (inner := standing(unit, thing)) is None:
        return False
    return (membership(unit, thing, inner) is None or not is_place(inner)) and is_in(unit, inner, place)


def _looser(unit: UnitOfWork, thing: Thing, chassis: Thing) -> Thing | None:
    """The place that a Thing was put in and that the chassis, which it is to be put in, is in too."""
    if is_place(chassis) or not chassis.is_a(Equipment) or (place := standing(unit, thing)) is None:
        return None
    return place if membership(unit, thing, place) is not None and is_in(unit, chassis, place) else None


def membership(unit: UnitOfWork, thing: Thing, parent: Thing) -> Attribute | None:
    """What says that a Thing was put in another; None when it was not."""
    found = [each for each in unit.attributes(thing) if each.key == IN_KEY and each.value.ref == parent.id]
    return found[0] if found else None


def take(unit: UnitOfWork, thing: Thing, parent: Thing) -> None:
    """Takes a Thing out of another.

    Raises Refused when it is not in it, or only because it is mounted in the rack, which `disconnect` ends.
    """
    if (attribute := membership(unit, thing, parent)) is not None:
        unit.delete_attribute(attribute)
    elif not thing.is_part and parent in parents(unit, thing):
        raise Refused(f"{thing.name} is mounted in {parent.name}: clusto disconnect {thing.name} {parent.name}")
    else:
        raise Refused(f"{thing.name} is not in {parent.name}")


def standing(unit: UnitOfWork, thing: Thing) -> Thing | None:
    """The one place or equipment that a Thing is directly in, by being put there or by being mounted there: it stands
    where that stands."""
    return next((parent for parent in parents(unit, thing) if parent.is_a(Equipment)), None)


def check_no_cycle(unit: UnitOfWork, thing: Thing, parent: Thing) -> None:
    """Raises Refused when the parent is in the Thing that is to be put in it."""
    if not unit.is_empty(thing) and (path := _path(unit, parent, thing)) is not None:
        chain = " in ".join(each.name for each in path)
        raise Refused(f"{thing.name} cannot be put in {parent.name}: {chain} already")


def is_in(unit: UnitOfWork, thing: Thing, parent: Thing) -> bool:
    """Whether a Thing is in another, any number of steps up."""
    return thing != parent and parent in ancestors(unit, thing)


def _path(unit: UnitOfWork, start: Thing, goal: Thing) -> list[Thing] | None:
    """The chain of containment from `start` up to `goal`, both included, if there is one; by way of groupings too."""
    came_from: dict[int, Thing | None] = {start.id: None}
    queue = [start]
    for here in queue:
        if here.id == goal.id:
            path = [here]
            while (previous := came_from[path[-1].id]) is not None:
                path.append(previous)
            return path[::-1]
        for parent in parents(unit, here):
            if parent.id not in came_from and not parent.is_a(Part):
                came_from[parent.id] = here
                queue.append(parent)
    return None
