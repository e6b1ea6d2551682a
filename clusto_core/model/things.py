"""The records that the inventory is read into: Things, attributes, and one end's view of a cable."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from clusto_core.drivers import Category, Driver, registry
from clusto_core.model.attributes import Key, Value
from clusto_core.model.names import split_part
from clusto_core.model.reserved import OWN
from clusto_core.spelling import natural_key
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from typing import Any


class Thing:
    """One row of the inventory: equipment, a part, a resource or a category. Equal by id."""

    __slots__ = ("driver", "id", "name", "number", "owner_id")

    def __init__(self, id: int, name: str, driver: str, owner_id: int | None = None, number: int | None = None) -> None:
        self.id = id
        self.name = name
        self.driver = driver
        self.owner_id = owner_id
        self.number = number

    @property
    def is_part(self) -> bool:
        """Whether it belongs to an equipment."""
        return self.owner_id is not None

    @property
    def part_name(self) -> str:
        """A part's name on its owner: `eth0` of `server1:eth0`; a whole Thing's own name."""
        return split_part(self.name)[1] or self.name

    @property
    def owner_name(self) -> str:
        """The name of the equipment that a part belongs to; a whole Thing's own name."""
        return split_part(self.name)[0]

    @property
    def entity_id(self) -> int:
        """The id of the equipment that a part belongs to; a whole Thing's own id."""
        return self.id if self.owner_id is None else self.owner_id

    @property
    def kind(self) -> type[Driver]:
        """The class of its driver."""
        return registry.of(self.driver)

    def is_a(self, driver: type[Driver]) -> bool:
        """Whether its driver is that one or below it in the tree."""
        return issubclass(registry.of(self.driver), driver)

    @property
    def place(self) -> str:
        """How a sentence names it: `port 4 on switch2a`, `RU13 in rack101`, `server1`."""
        owner, part = split_part(self.name)
        if self.owner_id is None or part is None:
            return self.name
        driver = registry.part(self.driver)
        return f"{part} in {owner}" if driver.kind == "ru" else f"{driver.noun} {part} on {owner}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{self.driver} {self.name}>"


class Attribute(NamedTuple):
    """One value that a Thing has under a key."""

    id: int
    thing_id: int
    key: Key
    value: Value

    @property
    def shown(self) -> str:
        """The value for people: secrets masked, a relation as `@name`."""
        text = self.value.shown(self.key)
        return f"@{text}" if self.value.type == "relation" else text

    @property
    def plain(self) -> Any:
        """The value for programs, as JSON has it: numbers, booleans and structures as such, all else as text; what is
        secret in it as `****`."""
        shown = self.value.shown(self.key)
        if self.value.type == "json" and shown.startswith(("{", "[")):
            return self.value._replace(text=shown).python()
        typed = self.value.type in ("integer", "float", "boolean", "json") and shown == self.value.text
        return self.value.python() if typed else shown

    @property
    def concealed(self) -> bool:
        """Whether what people see is not the value."""
        return self.value.concealed(self.key)

    def __str__(self) -> str:
        return f"{self.key}={self.shown}"


class Cable(NamedTuple):
    """A connection with both its ends: ids of parts and of the equipment they belong to.

    `part` is None for equipment in a rack unit, which is joined through no part of its own; `slot` is then what it
    takes of the unit, which is `other_part`: see `model.mounting`. It is 0 for all other cables.
    """

    id: int
    kind: str
    part: int | None
    thing: int
    other_part: int | None
    other_thing: int
    slot: int = 0

    def across(self, part: int) -> int | None:
        """The part at the end that is not `part`."""
        return self.other_part if self.part == part else self.part


WHOLE = 0b1111
"""All four cells of a rack unit: see `model.mounting`."""


class Link(NamedTuple):
    """A cable as seen from one end.

    `part` is the own end, None for equipment in a rack unit. `other` is what the cable goes to: a part, or the
    equipment that is in an own rack unit. `far` is where the path ends behind patch panels: `other` itself where there
    is none, None where the path ends at a panel. `slot` is what equipment takes of a rack unit, 0 for other cables.
    """

    cable_id: int
    kind: str
    thing_id: int
    part: Thing | None
    other: Thing
    far: Thing | None
    slot: int = 0

    @property
    def end(self) -> Thing:
        """Where the path ends, as far as it is known."""
        return self.far or self.other

    @property
    def is_of_cells(self) -> bool:
        """Whether it takes a rack unit in part."""
        return self.slot not in (0, WHOLE)


def leads_on(here: Thing, parent: Thing, start: Thing) -> bool:
    """Whether the way up from `start` goes on from `here` to `parent`, which it is in.

    A grouping belongs to a place; what is in the grouping stands where it stands, not there.
    """
    return here == start or not here.is_a(Category) or parent.is_a(Category)


class Inherited(NamedTuple):
    """An attribute and the Thing that it comes from: the Thing itself, or what it is in."""

    attribute: Attribute
    origin: Thing


def in_force(
    origins: Iterable[Thing], attributes_of: Callable[[Thing], Iterable[Attribute]], own_keys: Container[Key] = ()
) -> list[Inherited]:
    """The attributes in force for the first of these Things: its own, and under each key that it lacks those of the
    nearest of the others, which are what it is in, nearest first. Reserved keys are not inherited, nor `own_keys`, nor
    those that one of the others has for itself."""
    thing, *above = origins
    found = [Inherited(attribute, thing) for attribute in attributes_of(thing)]
    known = {each.attribute.key for each in found}
    return found + [each for each in inheritable(above, attributes_of, own_keys) if each.attribute.key not in known]


def inheritable(
    above: Iterable[Thing], attributes_of: Callable[[Thing], Iterable[Attribute]], own_keys: Container[Key]
) -> list[Inherited]:
    """What comes to a Thing from what it is in, nearest first, where it has nothing under these keys itself."""
    found: list[Inherited] = []
    known: set[Key] = set()
    for origin in above:
        attributes = list(attributes_of(origin))
        kept = kept_for_itself(attributes)
        new = [
            Inherited(attribute, origin)
            for attribute in attributes
            if not ((key := attribute.key) in known or key.reserved or key in own_keys or key.key in kept)
        ]
        found += new
        known.update(each.attribute.key for each in new)
    return found


def kept_for_itself(attributes: Iterable[Attribute]) -> frozenset[str]:
    """The keys, by their first word, of which a Thing says that their values are its own."""
    for attribute in attributes:
        if attribute.key == OWN:
            found = attribute.value.python()
            return frozenset(found) if isinstance(found, list) else frozenset()
    return frozenset()


def in_order(things: Iterable[Thing]) -> list[Thing]:
    """The Things in the natural order of their names."""
    return sorted(things, key=lambda thing: natural_key(thing.name))


ORDER = ("network", "position", "power", "console", "patch")
"""The kinds of connection, in the order in which they are told."""


def link_order(link: Link) -> tuple[int, Any]:
    """Sorts links as `locate` tells them: by kind, then in the order of the own parts, then of the rack units."""
    if link.part is None:
        return (ORDER.index(link.kind), natural_key(link.other.name))
    return (ORDER.index(link.kind), _part_order(link.part.part_name))


@lru_cache(10_000)
def _part_order(name: str) -> str:
    """Parts of very many Things are called alike."""
    return natural_key(name)
