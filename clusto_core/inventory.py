"""The inventory: opened on a store, read through a Reader, changed in Transactions.

inventory = Inventory.open("sqlite:////var/lib/clusto/clusto.db")
with inventory.change("new machines") as change:
    server = change.add("Server", "server1", parents=["rack101"])
    change.connect("server1:eth0", "switch2a:4")
with inventory.read() as reader:
    reader.links(reader.resolve("server1").id)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from clusto_core.config import Settings, settings
from clusto_core.drivers import Driver, Part, registry
from clusto_core.drivers.resources import DeviceType, Query
from clusto_core.errors import Malformed, Refused
from clusto_core.model.attributes import Key, Value, from_python
from clusto_core.model.names import MalformedName, check_name, split_part, trailing_number
from clusto_core.model.things import Attribute, Thing
from clusto_core.query import saved
from clusto_core.records import history
from clusto_core.rules import cabling, categories, containment, devicetypes, parts
from clusto_core.rules.cabling import Joined
from clusto_core.store import collector, opening
from clusto_core.store.reader import Reader, open_reader
from clusto_core.store.unit import UnitOfWork

if TYPE_CHECKING:
    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node

TYPE = Key("type")
"""The device type that a Thing was made after."""
PROTECTED = Key("protected")
PROTECTED_REASON = Key("protected", None, "reason")

Values = Iterable[object]


class Inventory:
    """One store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def open(cls, url: str | None = None, config: str | None = None) -> Inventory:
        """The inventory at that URL, or at the place that the environment and the configuration name."""
        return cls(settings(url, config))

    @contextlib.contextmanager
    def read(self) -> Iterator[Reader]:
        """One consistent view of the store, read-only."""
        with open_reader(self.settings.url) as reader:
            yield reader

    def find(self, wanted: str | Node | Pairs, how: Match | None = None, *, allow_unknown: bool = False) -> list[Thing]:
        """What an expression selects, or has the pairs of keys and values in one of the ways of `Match`; in natural
        order. Raises Malformed and NotFound as `query.find` does."""
        from clusto_core.query.search import find

        with self.read() as reader:
            return find(reader, wanted, how, allow_unknown=allow_unknown).things

    @contextlib.contextmanager
    def change(
        self,
        command: str = "",
        message: str | None = None,
        *,
        dry_run: bool = False,
        reverts: int | None = None,
        notify: Callable[[str], None] = lambda line: None,
    ) -> Iterator[Transaction]:
        """A transaction: all that is done in it, with its history, or nothing; without changes it leaves no trace.

        `command` and `message` go into the history; with `dry_run` everything is checked and nothing is kept.
        """
        with (
            opening.or_scratch(self.settings, only_trying=dry_run) as settings,
            opening.write_transaction(settings, notify) as database,
            collector.paused(),
        ):
            change = Transaction(UnitOfWork(Reader(database)), message)
            yield change
            if change.unit.changed:
                categories.check(change.unit)
                cabling.check_heights(change.unit)
            if dry_run or not change.unit.changed:
                # Something may be written already, so that an expression saw it.
                database.connection.rollback()
            else:
                change.id = history.record(change.unit, command, change.message, reverts)
                change.unit.flush()


class Transaction:
    """Changes to an inventory. Things are given by name (resolved as an operator means it) or as Thing."""

    def __init__(self, unit: UnitOfWork, message: str | None = None) -> None:
        self.unit = unit
        self.message = message
        """Why it is done, for the history."""
        self.id: int | None = None
        """The number of the transaction in the history, once it is done; None when nothing changed."""
        self.allocated: set[int] = set()
        """The ids of what `allocation.allocate` has handed out in it."""
        self._shapes: dict[tuple[object, ...], devicetypes.Model] = {}

    # --- Things ------------------------------------------------------------------------------------------------------

    def resolve(self, name: str | Thing) -> Thing:
        """The Thing or part that a name means: see `Reader.resolve`. Raises NotFound, Malformed."""
        if isinstance(name, Thing):
            return name
        found = self.unit.get(name)
        if found is not None:
            return found
        return self.unit.by_id(self.unit.reader.resolve(name).id)

    def add(
        self,
        driver: str | type[Driver],
        name: str,
        *,
        parents: Iterable[str | Thing] = (),
        attributes: Iterable[tuple[str | Key, object]] = (),
        part_counts: parts.Counts | None = None,
        device_type: str | None = None,
    ) -> Thing:
        """A new Thing with the parts and attributes of its driver or device type; or a new part, named `owner:part`.

        Raises Malformed for names and drivers that cannot be, Refused for a name that is taken, NotFound for a device
        type or parent that is not there.
        """
        kind = registry.get(driver) if isinstance(driver, str) else driver
        if kind.abstract():
            raise Malformed(f"{kind.__name__} is a group of drivers: name one of them")
        if issubclass(kind, Part):
            return self._add_part(kind, name, attributes)
        if kind is Query:
            saved.checked_name(name)
        elif kind is not DeviceType:
            checked_name(name)
        elif devicetypes.NAME.fullmatch(name) is None:
            raise Malformed(f"malformed device type: {name[:60]!r} (write manufacturer/model)")
        self._free(name)
        thing = Thing(self.unit.new_id(), name, kind.__name__)
        self.unit.insert_thing(thing)
        given = [(key if isinstance(key, Key) else Key.parse(key), value) for key, value in attributes]
        model = self.shape(kind, part_counts or {}, device_type)
        self.unit.insert_parts(thing, model.planned)
        for part in model.parts:
            if part.attributes:
                self._give(self.resolve(f"{name}:{part.name}"), part.attributes)
        keys = {key for key, _ in given}
        given += [(key, value) for text, value in model.attributes.items() if (key := Key.parse(text)) not in keys]
        for key, value in given:
            self._insert_value(thing, key, self._value(value))
        for parent in parents:
            containment.put(self.unit, thing, self.resolve(parent))
        return thing

    def shape(self, driver: type[Driver], counts: parts.Counts, device_type: str | None) -> devicetypes.Model:
        """What a new Thing gets: see `devicetypes.shape`; worked out once for all Things that are alike."""
        frozen = tuple((kind, value if isinstance(value, int) else tuple(value)) for kind, value in counts.items())
        key = (driver, frozen, device_type)
        if key not in self._shapes:
            self._shapes[key] = devicetypes.shape(self.unit, driver, counts, device_type)
        return self._shapes[key]

    def _add_part(self, driver: type[Part], name: str, attributes: Iterable[tuple[str | Key, object]]) -> Thing:
        owner_name, part_name = split_part(name)
        if part_name is None:
            raise Malformed(f"a {driver.__name__} is a part: name its owner too, as {name[:40]}:{driver.kind}1")
        owner = self.resolve(owner_name)
        self._free(f"{owner.name}:{part_name}")
        cabling.check_pairing(self.unit, owner, driver, part_name)
        values = {str(key): value for key, value in attributes}
        return self._make_part(owner, parts.checked_part_name(part_name), driver, values)

    def _make_part(self, owner: Thing, name: str, driver: type[Part], attributes: Mapping[str, object]) -> Thing:
        part = Thing(self.unit.new_id(), f"{owner.name}:{name}", driver.__name__, owner.id, trailing_number(name))
        self.unit.insert_thing(part)
        self._give(part, attributes)
        return part

    def _give(self, thing: Thing, attributes: Mapping[str, object]) -> None:
        for key, value in attributes.items():
            self._insert_value(thing, Key.parse(key), self._value(value))

    def remove(self, name: str | Thing) -> Thing:
        """Takes a Thing out, with its parts, attributes and cables; or one part that has no cable.

        Raises Refused while something is in it or an attribute of another Thing names it, or the part is connected.
        """
        thing = self.resolve(name)
        unit = self.unit
        if thing.is_part:
            if (cable := unit.cable_of(thing)) is not None:
                across = cable.across(thing.id)
                raise Refused(
                    f"{thing.name} is connected to {unit.by_id(across or cable.thing).name}: disconnect it first"
                )
            gone = [thing]
        else:
            gone = [*unit.parts(thing), thing]
            for cable in unit.cables(thing):
                if cable.other_thing == thing.id and cable.part is None:
                    raise Refused(f"{thing.name} has {unit.by_id(cable.thing).name} in it: take it out first")
        ids = {each.id for each in gone}
        for attribute in unit.reader.referring(ids):
            holder = unit.by_id(attribute.thing_id)
            if holder.id not in ids and attribute in unit.attributes(holder):
                if attribute.key == containment.IN_KEY:
                    raise Refused(f"{thing.name} has {holder.name} in it: take it out first")
                raise Refused(f"{holder.name} names it: {attribute}")
        if not thing.is_part:
            for cable in unit.cables(thing):
                unit.delete_cable(cable)
        for each in gone:
            for attribute in list(unit.attributes(each)):
                unit.delete_attribute(attribute)
            unit.delete_thing(each)
        return thing

    def rename(self, old: str | Thing, new: str) -> Thing:
        """Gives a Thing, and with it its parts, or one part, another name. Raises Malformed, Refused."""
        thing = self.resolve(old)
        if thing.is_part:
            owner_name, part_name = split_part(new)
            if part_name is None:
                part_name = owner_name
            elif owner_name != thing.owner_name:
                raise Refused(f"{thing.name} belongs to {thing.owner_name}, and stays there")
            target = f"{thing.owner_name}:{parts.checked_part_name(part_name)}"
            if trailing_number(target) != thing.number:
                cabling.check_number_is_free_to_change(self.unit, thing)
                cabling.check_pairing(self.unit, self.unit.by_id(thing.entity_id), registry.part(thing.driver), target)
            renamed = [(thing, target)]
        else:
            if not thing.is_a(DeviceType):
                checked_name(new)
            target = new
            renamed = [(thing, new), *((part, f"{new}:{part.part_name}") for part in self.unit.parts(thing))]
        self._free(target)
        for each, name in renamed:
            self.unit.rename_thing(each, name)
        return thing

    def _free(self, name: str) -> None:
        if self.unit.get(name) is not None:
            raise Refused(f"the name is taken: {name}")

    # --- attributes --------------------------------------------------------------------------------------------------

    def set_values(self, thing: Thing, key: Key, values: Values) -> bool:
        """Makes the values under a key exactly these; False when they were. Values that stay are not touched."""
        wanted = list(dict.fromkeys(map(self._value, values)))
        present = [each for each in self.unit.attributes(thing) if each.key == key]
        if present:
            gone = [each for each in present if not any(same(each.value, value) for value in wanted)]
            wanted = [value for value in wanted if not any(same(each.value, value) for each in present)]
            for attribute in gone:
                self.unit.delete_attribute(attribute)
            present = gone
        for value in wanted:
            self.unit.insert_attribute(Attribute(self.unit.new_id(), thing.id, key, value))
        return bool(present or wanted)

    def add_values(self, thing: Thing, key: Key, values: Values) -> bool:
        """Adds values under a key to those there are; False when all were there."""
        changed = False
        for value in values:
            changed |= self._insert_value(thing, key, self._value(value))
        return changed

    def delete_values(self, thing: Thing, key: Key, value: object = None) -> int:
        """Takes out all values under a key, or the one; gives how many there were."""
        wanted = None if value is None else self._value(value)
        gone = [
            each
            for each in self.unit.attributes(thing)
            if each.key == key and (wanted is None or same(each.value, wanted))
        ]
        for attribute in gone:
            self.unit.delete_attribute(attribute)
        return len(gone)

    def _insert_value(self, thing: Thing, key: Key, value: Value) -> bool:
        if any(each.key == key and same(each.value, value) for each in self.unit.attributes(thing)):
            return False
        self.unit.insert_attribute(Attribute(self.unit.new_id(), thing.id, key, value))
        return True

    def _value(self, value: object) -> Value:
        """A value ready for the store: a relation has the id of the Thing that it names."""
        if isinstance(value, Value) and (value.ref is not None or value.type != "relation"):
            return value
        if isinstance(value, Thing):
            return Value("relation", value.name, value.id)
        found = from_python(value)
        if found.type == "relation" and found.ref is None:
            target = self.resolve(found.text)
            return Value("relation", target.name, target.id)
        return found

    # --- containment and wiring --------------------------------------------------------------------------------------

    def put(self, thing: str | Thing, parent: str | Thing) -> bool:
        """See `containment.put`."""
        return containment.put(self.unit, self.resolve(thing), self.resolve(parent))

    def take(self, thing: str | Thing, parent: str | Thing) -> bool:
        """See `containment.take`."""
        return containment.take(self.unit, self.resolve(thing), self.resolve(parent))

    def move(self, thing: str | Thing, to: str | Thing) -> None:
        """Takes a Thing out of its rack units and of the place it is in, and puts it into another: into rack units
        (`rack101:RU13-14`), or into a place. Its other cables and its groupings stay. Raises as `connect` and `put`."""
        moved = self.resolve(thing)
        span = cabling.parse_span(to) if isinstance(to, str) else None
        goal = self.resolve(to) if span is None else None
        for cable in cabling.positions(self.unit, moved):
            self.unit.delete_cable(cable)
        while (place := containment.standing(self.unit, moved)) is not None:
            containment.take(self.unit, moved, place)
        if goal is None or goal.is_part:
            self.connect(moved, to)
        else:
            self.put(moved, goal)

    def connect(self, one: str | Thing, other: str | Thing, kind: str | None = None) -> list[Joined]:
        """Joins two Things or parts, or equipment and rack units (`rack101:RU13-14`): see `cabling.connect`."""
        spans = [cabling.parse_span(each) if isinstance(each, str) else None for each in (one, other)]
        for span, across in zip(spans, (other, one), strict=True):
            if span is not None:
                rack = self.resolve(span.rack)
                thing = self.resolve(across)
                if thing.is_part:
                    raise Refused(f"{thing.name} is a part: equipment takes rack units")
                return cabling.mount(self.unit, thing, rack, span.low, span.high)
        return cabling.connect(self.unit, self.resolve(one), self.resolve(other), kind)

    def disconnect(self, one: str | Thing, other: str | Thing | None = None) -> list[Joined]:
        """See `cabling.disconnect`."""
        return cabling.disconnect(self.unit, self.resolve(one), self.resolve(other) if other is not None else None)

    # --- protection --------------------------------------------------------------------------------------------------

    def protection(self, thing: Thing) -> str | None:
        """Why a Thing must not be disrupted without force: `server1 is protected`; None when it is not."""
        return protection(self.unit.reader, thing)


def protection(reader: Reader, thing: Thing) -> str | None:
    """Why a Thing must not be disrupted without force, by an attribute `protected=true` of its own or inherited; with
    what `protected.reason` says."""
    effective = {attribute.key: (attribute.value.text, origin) for attribute, origin in reader.effective(thing)}
    text, origin = effective.get(PROTECTED, ("", thing))
    if text != "true":
        return None
    reason, said_of = effective.get(PROTECTED_REASON, ("", origin))
    by = "" if origin == thing else f" by {origin.name}"
    return f"{thing.name} is protected{by}" + (f" ({reason})" if reason and said_of == origin else "")


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal: of one type and text; relations by the Thing that they name."""
    if one.type != other.type:
        return False
    return one.ref == other.ref if one.type == "relation" else one.text == other.text


def checked_name(name: str) -> str:
    """The name itself. Raises Malformed when no Thing can be called so."""
    try:
        check_name(name)
    except MalformedName as error:
        raise Malformed(str(error)) from None
    return name
