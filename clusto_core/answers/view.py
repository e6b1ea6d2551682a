"""Many Things at once, read in bulk: attributes in force, addresses, parts, and what is wired to what."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import cached_property

from clusto_core.model.attributes import IP, Key
from clusto_core.model.things import Attribute, Inherited, Link, Thing, in_order, inheritable, leads_on, link_order
from clusto_core.store.database import portions
from clusto_core.store.reader import Reader
from clusto_core.tuples import NamedTuple

Spaces = Container[int | None] | None
"""Address spaces, by the ids of their VRFs, None for the one without a name; all, where there is no such list."""


class Everything:
    """All whole Things, in natural order, each time as they are read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __iter__(self) -> Iterator[Thing]:
        return self._reader.in_order()


def whole(reader: Reader, things: Iterable[Thing]) -> list[Thing]:
    """The whole Things among these and those that parts among these belong to, each once, in natural order."""
    if isinstance(things, Everything):
        return list(things)
    given = list(things)
    owners = reader.by_ids({thing.owner_id for thing in given if thing.owner_id is not None})
    found = {thing.entity_id: owners.get(thing.entity_id, thing) for thing in given}
    return in_order(found.values())


def views(reader: Reader, things: Iterable[Thing], spaces: Spaces = None) -> Iterator[View]:
    """The whole Things among these, and those that parts among these belong to, in natural order, by portions; of their
    addresses those in some address spaces, or all."""
    known = _Surroundings(reader, spaces)
    for portion in portions(things if isinstance(things, Everything) else whole(reader, things)):
        yield View(known, portion)


def effective(reader: Reader, things: Iterable[Thing]) -> Iterator[list[Inherited]]:
    """The attributes in force for each of many Things and parts, in their order, as `Reader.effective`."""
    return (view.effective(thing) for view in _as_given(reader, things) for thing in view.things)


def collected(reader: Reader, things: Iterable[Thing]) -> Iterator[list[Inherited]]:
    """The attributes of each of many Things and parts and of all that it is in, in their order, as
    `Reader.collected`."""
    return (view.collected(thing) for view in _as_given(reader, things) for thing in view.things)


def _as_given(reader: Reader, things: Iterable[Thing]) -> Iterator[View]:
    known = _Surroundings(reader)
    return (View(known, portion) for portion in portions(things))


def view_of(reader: Reader, things: Iterable[Thing], spaces: Spaces = None) -> View:
    """A few Things, as one view; of their addresses those in some address spaces, or all."""
    return View(_Surroundings(reader, spaces), whole(reader, things))


class _Surroundings:
    """What Things are in, and the attributes of that: read once for all that are in the same."""

    def __init__(self, reader: Reader, spaces: Spaces = None) -> None:
        self.reader = reader
        self.spaces = spaces
        self._parents: dict[int, list[Thing]] = {}
        self._attributes: dict[int, list[Attribute]] = {}
        self.above: dict[tuple[int, ...], list[Thing]] = {}
        self.inherited: dict[tuple[int, ...], list[Inherited]] = {}
        self.beside: dict[tuple[int, Key], tuple[frozenset[int], tuple[str, ...]]] = {}

    def parents(self, id: int) -> list[Thing]:
        if id not in self._parents:
            self._parents[id] = self.reader.parents(id)
        return self._parents[id]

    def learn(self, things: Iterable[Thing]) -> None:
        """Reads what these and all that they are in have, with a few statements a level."""
        level = [thing.id for thing in things if thing.id not in self._parents]
        while level:
            found = self.reader.parents_of(level)
            self._parents.update((id, found.get(id, [])) for id in level)
            self._attributes.update((id, []) for id in level)
            for attribute in self.reader.attributes(*level):
                self._attributes[attribute.thing_id].append(attribute)
            above = {parent.id for parents in found.values() for parent in parents}
            level = list(above - self._parents.keys())

    def attributes(self, id: int) -> list[Attribute]:
        if id not in self._attributes:
            self._attributes[id] = self.reader.attributes(id)
        return self._attributes[id]


class HeldBy(NamedTuple):
    """An address that a Thing holds, by which part (None: itself), in which address space (the id of a VRF; None: the
    one without a name), and as what it is shared."""

    part: Thing | None
    address: str
    space: int | None
    shared: str | None


class View:
    """Some Things with their attributes, addresses and cables; each kind is read when it is first asked for."""

    def __init__(self, surroundings: _Surroundings, things: list[Thing]) -> None:
        self.things = things
        self._reader = surroundings.reader
        self._surroundings = surroundings
        self._ids = [thing.id for thing in things]

    @cached_property
    def attributes(self) -> dict[int, list[Attribute]]:
        """The attributes of the Things themselves, by id."""
        found: dict[int, list[Attribute]] = {id: [] for id in self._ids}
        for attribute in self._reader.attributes(*self._ids):
            found[attribute.thing_id].append(attribute)
        return found

    @cached_property
    def links(self) -> dict[int, list[Link]]:
        """The cables of the Things and their parts, by id, in the order in which they are told."""
        found: dict[int, list[Link]] = {id: [] for id in self._ids}
        for link in self._reader.links(*self._ids):
            found[link.thing_id].append(link)
        for links in found.values():
            links.sort(key=link_order)
        return found

    @cached_property
    def parts(self) -> dict[int, list[Thing]]:
        """The parts of the Things, by id, in natural order."""
        found: dict[int, list[Thing]] = {}
        for part in self._reader.parts(*self._ids):
            found.setdefault(part.entity_id, []).append(part)
        return found

    @cached_property
    def attributes_of_parts(self) -> dict[int, list[Attribute]]:
        """The attributes of the parts of the Things, by the id of the part."""
        found: dict[int, list[Attribute]] = {}
        for attribute in self._reader.attributes_of_parts(*self._ids):
            found.setdefault(attribute.thing_id, []).append(attribute)
        return found

    @cached_property
    def _parents(self) -> dict[int, list[Thing]]:
        found = self._reader.parents_of(self._ids)
        self._surroundings.learn({parent.id: parent for parents in found.values() for parent in parents}.values())
        return found

    @cached_property
    def _held(self) -> dict[int, list[HeldBy]]:
        found: dict[int, list[HeldBy]] = {}
        for held in self._reader.addresses_of_parts(*self._ids):
            found.setdefault(held[0].entity_id, []).append(HeldBy(*held))
        return found

    def held(self, thing: Thing) -> list[HeldBy]:
        """The addresses of a Thing, shared ones too: those of the Thing itself, then its parts', in order."""
        own = (each for each in self.attributes[thing.id] if each.key.key == IP)
        every = [
            *(HeldBy(None, each.value.text, each.value.ref, each.key.subkey) for each in own),
            *self._held.get(thing.id, ()),
        ]
        spaces = self._surroundings.spaces
        return every if spaces is None else [each for each in every if each.space in spaces]

    def addresses(self, thing: Thing) -> list[tuple[Thing | None, str]]:
        """The addresses that are a Thing's alone: its own, then those of its parts with the part, in order."""
        return [(each.part, each.address) for each in self.held(thing) if each.shared is None]

    def address(self, thing: Thing) -> str | None:
        """The address by which a Thing is spoken to: its own, else the first part's; v4 before v6."""
        found = [text for _, text in self.addresses(thing)]
        return next((text for text in found if "." in text), found[0] if found else None)

    def effective(self, thing: Thing) -> list[Inherited]:
        """As `Reader.effective`: the attributes in force, with what they come from."""
        own = self.attributes_of(thing)
        keys = {attribute.key for attribute in own}
        found = [Inherited(attribute, thing) for attribute in own]
        return found + [each for each in self._inherited(thing) if each.attribute.key not in keys]

    def _inherited(self, thing: Thing) -> list[Inherited]:
        """What comes to a Thing that has nothing itself; worked out once for all that are in the same."""
        known, key = self._surroundings.inherited, tuple(parent.id for parent in self.parents(thing))
        if key not in known:
            above = self.ancestors(thing)
            known[key] = inheritable(above, self.attributes_of, self._reader.own_keys)
        return known[key]

    def collected(self, thing: Thing) -> list[Inherited]:
        """As `Reader.collected`: the attributes of a Thing and of all that it is in, nearest first."""
        found = [Inherited(attribute, thing) for attribute in self.attributes_of(thing)]
        return found + [
            Inherited(attribute, origin)
            for origin in self.ancestors(thing)
            for attribute in self.attributes_of(origin)
            if not attribute.key.reserved
        ]

    def setting(self, thing: Thing, key: str) -> str | None:
        """The one value in force under a key, own or inherited."""
        wanted = Key.parse(key)
        inherited = wanted not in self._reader.own_keys
        for origin in [thing, *(self.ancestors(thing) if inherited else ())]:
            for attribute in self.attributes_of(origin):
                if attribute.key == wanted:
                    return attribute.value.text
        return None

    def parents(self, thing: Thing) -> list[Thing]:
        """What a Thing is directly in."""
        if thing.id not in self.attributes:
            return self._surroundings.parents(thing.id)
        return self._parents.get(thing.id, [])

    def ancestors(self, thing: Thing) -> list[Thing]:
        """Everything that a Thing is in, nearest first; worked out once for all that are in the same."""
        parents = self.parents(thing)
        known, key = self._surroundings.above, tuple(parent.id for parent in parents)
        if key not in known:
            seen, found, level = {thing.id}, [], parents
            while level:
                new = list(dict.fromkeys(parent for parent in level if parent.id not in seen))
                seen.update(parent.id for parent in new)
                found += new
                level = [above for each in new for above in self.parents(each) if leads_on(each, above, thing)]
            known[key] = found
        return known[key]

    def beside(self, thing: Thing, key: Key) -> tuple[frozenset[int], tuple[str, ...]]:
        """A Thing or part, the equipment that a part belongs to, and everything that that is in, by id; and the values
        under a key that any of them has. Worked out once for each."""
        kept = self._surroundings.beside
        if (thing.id, key) not in kept:
            above = self._at_and_above(thing)
            values = (each.value.text for one in above for each in self.attributes_of(one) if each.key == key)
            kept[thing.id, key] = frozenset(one.id for one in above), tuple(values)
        return kept[thing.id, key]

    def _at_and_above(self, thing: Thing) -> list[Thing]:
        if thing.owner_id is None:
            return [thing, *self.ancestors(thing)]
        whole = self._reader.by_ids([thing.owner_id])[thing.owner_id]
        return [thing, whole, *self.ancestors(whole)]

    def attributes_of(self, thing: Thing) -> list[Attribute]:
        """The attributes of any Thing or part, read once."""
        own = self.attributes.get(thing.id)
        return self._surroundings.attributes(thing.id) if own is None else own
