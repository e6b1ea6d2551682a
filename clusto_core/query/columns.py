"""What can be told of many Things at once: columns of a list, what it is sorted and grouped by.

name  driver  in  ip         the name, the driver, what it is directly in, the addresses
attr:KEY                     the values under a key
inherited:KEY                those in force, from what it is in too
in:DRIVER                    the nearest of that driver, or below it, that it is in: in:Rack
connected:DRIVER             what of that driver its cables lead to: connected:Switch
rack  unit                   the rack that it is in, and the numbers of the rack units that it fills
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from clusto_core.drivers import Driver, registry
from clusto_core.drivers.equipment import Rack
from clusto_core.errors import Malformed, did_you_mean
from clusto_core.model.attributes import IP, Key
from clusto_core.model.things import Attribute, Thing, in_order, leads_on
from clusto_core.model.wiring import POSITION
from clusto_core.spelling import natural_key, suggest
from clusto_core.store.database import portions
from clusto_core.store.reader import Reader

WORDS = ("name", "driver", "in", "ip", "rack", "unit")
PREFIXES = ("attr:", "inherited:", "in:", "connected:")


class Column(NamedTuple):
    """A column as it is written, its sort (one of WORDS or PREFIXES), and what it asks about."""

    text: str
    sort: str
    key: Key | None = None
    driver: type[Driver] | None = None


class Cell(NamedTuple):
    """One thing that a column tells of a Thing: as text (secrets masked), and as a plain value."""

    text: str
    value: Any


def parse(text: str, *, keys: bool = False) -> Column:
    """A column. With `keys`, any other word is the key of an attribute. Raises Malformed."""
    if text == "rack":
        return Column(text, "in:", None, Rack)
    if text in WORDS:
        return Column(text, text)
    head, colon, tail = text.partition(":")
    if head + colon in PREFIXES and tail:
        if head in ("attr", "inherited"):
            return Column(text, head + colon, Key.pattern(tail))
        return Column(text, head + colon, None, registry.get(tail))
    if keys:
        return Column(text, "attr:", Key.pattern(text))
    guess = suggest(text, [*WORDS, *PREFIXES])
    raise Malformed(
        f"no such column: {text[:60]!r}{did_you_mean(guess)} ({', '.join(WORDS)}, attr:KEY, inherited:KEY, in:DRIVER,"
        " connected:DRIVER)"
    )


class Table:
    """Answers columns for a number of Things, reading for all of them at once."""

    def __init__(self, reader: Reader, things: Sequence[Thing]) -> None:
        self.reader = reader
        self.things = things
        self._parents: dict[int, list[Thing]] = {}
        self._attributes: dict[int, list[Attribute]] = {}

    def check(self, columns: Iterable[Column]) -> None:
        """Raises NotFound, with a suggestion, for a column about a key that nothing in the store has."""
        from clusto_core.query.binding import bind
        from clusto_core.query.tree import HasKey, Or

        bind(self.reader, Or(*(HasKey(column.key) for column in columns if column.key is not None)))

    def rows(self, things: Iterable[Thing], columns: Sequence[Column]) -> Iterator[tuple[list[Cell], ...]]:
        """What the columns tell of each of very many Things, a portion of them at a time: what they are in is read
        once."""
        for portion in portions(things):
            self.things = portion
            yield from zip(*map(self.column, columns), strict=True)
            for thing in portion:
                self._parents.pop(thing.id, None)
                self._attributes.pop(thing.id, None)

    def column(self, column: Column) -> list[list[Cell]]:
        """What the column tells of each Thing, in their order."""
        if column.sort == "name":
            return [_names([thing]) for thing in self.things]
        if column.sort == "driver":
            return [[Cell(thing.driver, thing.driver)] for thing in self.things]
        if column.sort == "ip":
            return self._addresses()
        if column.sort == "unit":
            return self._units()
        if column.key is not None:
            return self._values(column.key, inherited=column.sort == "inherited:")
        if column.driver is None:
            parents = self.reader.parents_of(thing.id for thing in self.things)
            return [_names(parents.get(thing.id, ())) for thing in self.things]
        if column.sort == "connected:":
            return self._connected(column.driver)
        self._load_parents()
        return [self._nearest(thing, column.driver) for thing in self.things]

    # --- attributes --------------------------------------------------------------------------------------------------

    def _values(self, key: Key, *, inherited: bool) -> list[list[Cell]]:
        self._load_attributes(thing.id for thing in self.things)
        if inherited:
            self._load_parents()
            self._load_attributes(parent.id for parents in self._parents.values() for parent in parents)
        return [[_cell(each) for each in self._in_force(thing, key, inherited)] for thing in self.things]

    def _in_force(self, thing: Thing, key: Key, inherited: bool) -> list[Attribute]:
        inherited = inherited and key not in self.reader.own_keys
        for origin in [thing, *self._above(thing)] if inherited else [thing]:
            if found := [each for each in self._attributes[origin.id] if key.covers(each.key)]:
                return found
        return []

    def _load_attributes(self, ids: Iterable[int]) -> None:
        unread = [id for id in dict.fromkeys(ids) if id not in self._attributes]
        for id in unread:
            self._attributes[id] = []
        for attribute in self.reader.attributes(*unread):
            self._attributes[attribute.thing_id].append(attribute)

    def _addresses(self) -> list[list[Cell]]:
        """Those of a Thing and of its parts; or of a part."""
        whole = [thing.id for thing in self.things if not thing.is_part]
        owners = {part.id: part.entity_id for part in self.reader.parts(*whole)}
        found: dict[int, list[Cell]] = {}
        own = self.reader.attributes(*(thing.id for thing in self.things))
        for attribute in [*own, *self.reader.attributes_of_parts(*whole)]:
            if attribute.key.key == IP:
                holder = owners.get(attribute.thing_id, attribute.thing_id)
                found.setdefault(holder, []).append(_cell(attribute))
        return [found.get(thing.id, []) for thing in self.things]

    # --- containment and cables --------------------------------------------------------------------------------------

    def _load_parents(self) -> None:
        """Reads all that the Things are in, level by level."""
        level = {thing.id for thing in self.things} - self._parents.keys()
        while level:
            found = self.reader.parents_of(level)
            self._parents.update((id, found.get(id, [])) for id in level)
            level = {parent.id for parents in found.values() for parent in parents} - self._parents.keys()

    def _above(self, thing: Thing) -> list[Thing]:
        """All that it is in, nearest first, as `Reader.ancestors` tells them."""
        found: dict[Thing, None] = {}
        level = [thing]
        while level:
            steps = [(child, parent) for child in level for parent in self._parents[child.id]]
            following = [parent for child, parent in steps if parent not in found and leads_on(child, parent, thing)]
            level = list(dict.fromkeys(following))
            found.update(dict.fromkeys(level))
        return list(found)

    def _nearest(self, thing: Thing, driver: type[Driver]) -> list[Cell]:
        return next((_names([each]) for each in self._above(thing) if each.is_a(driver)), [])

    def _units(self) -> list[list[Cell]]:
        """The numbers of the rack units that each Thing fills, from below."""
        found: dict[int, set[int]] = {}
        for link in self.reader.links(*(thing.id for thing in self.things if not thing.is_part)):
            if link.kind == POSITION and link.part is None and link.other.number is not None:
                found.setdefault(link.thing_id, set()).add(link.other.number)
        return [[Cell(str(number), number) for number in sorted(found.get(thing.id, ()))] for thing in self.things]

    def _connected(self, driver: type[Driver]) -> list[list[Cell]]:
        """The Things, or parts, of a driver that the cables of each Thing, or part, end at."""
        links = self.reader.links(*(thing.id for thing in self.things if not thing.is_part))
        ends = [(link.thing_id, link.end) for link in links]
        links = self.reader.links_of_parts(*(thing.id for thing in self.things if thing.is_part))
        ends += [(link.part.id, link.end) for link in links if link.part]
        whole = self.reader.by_ids({end.entity_id for _, end in ends})
        found: dict[int, list[Thing]] = {}
        for id, end in ends:
            found.setdefault(id, []).extend(each for each in (end, whole[end.entity_id]) if each.is_a(driver))
        return [_names(in_order(dict.fromkeys(found.get(thing.id, ())))) for thing in self.things]


def _names(things: Iterable[Thing]) -> list[Cell]:
    return [Cell(thing.name, thing.name) for thing in things]


def _cell(attribute: Attribute) -> Cell:
    return Cell(attribute.value.shown(attribute.key), attribute.plain)


def rank(cells: Sequence[Cell]) -> tuple[int, float, str]:
    """Sorts rows by what a column tells: numbers by value, then texts in natural order, then nothing."""
    if not cells:
        return (2, 0, "")
    first = cells[0]
    if isinstance(first.value, (int, float)) and not isinstance(first.value, bool):
        return (0, float(first.value), "")
    return (1, 0, natural_key(first.text))
