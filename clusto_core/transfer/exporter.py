"""What the inventory says of Things, as Documents: all that an empty store needs to become an equal one.

Things come in natural order, keys in one order, and a cable is written once: equal inventories give equal files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clusto_core.answers.view import whole
from clusto_core.drivers import Driver, Part, registry
from clusto_core.drivers.equipment import PatchPanel
from clusto_core.drivers.parts import NIC, Inlet, Port, RackUnit, SerialPort
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import ClustoError, Malformed
from clusto_core.model import wiring
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import IN, IP, Key, Value
from clusto_core.model.mounting import spelled
from clusto_core.model.reserved import EXPRESSION_NAMES
from clusto_core.model.things import Attribute, Link, Thing
from clusto_core.rules import devicetypes, parts
from clusto_core.rules.devicetypes import TYPE
from clusto_core.rules.spaces import Spaces
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document

_BATCH = 250
"""How many Things are read with a few statements."""

Grouped = dict[Key, tuple[Value, ...]]


def documents(reader: Reader, things: Iterable[Thing]) -> Iterator[Document]:
    """The Documents of Things, in natural order; a part stands for its owner. One batch is in memory at a time."""
    return _Exporter(reader, things).documents()


class _Expected(NamedTuple):
    """What an import gives to a new Thing by itself: of a device type, whose name it has, or of a driver."""

    type: str
    parts: list[devicetypes.TypedPart]
    attributes: dict[Key, Value]


class _Exporter:
    def __init__(self, reader: Reader, things: Iterable[Thing]) -> None:
        self.reader = reader
        self.things = whole(reader, things)
        self.ids = {thing.id for thing in self.things}
        self.spaces = Spaces(reader)
        self.types: dict[tuple[str, type[Driver]], devicetypes.Model | None] = {}

    def documents(self) -> Iterator[Document]:
        for start in range(0, len(self.things), _BATCH):
            yield from self._batch(self.things[start : start + _BATCH])

    def _batch(self, things: list[Thing]) -> Iterator[Document]:
        ids = [thing.id for thing in things]
        own: dict[int, list[Thing]] = {id: [] for id in ids}
        for part in self.reader.parts(*ids):
            own[part.entity_id].append(part)
        attributes: dict[int, list[Attribute]] = {}
        for attribute in [*self.reader.attributes(*ids), *self.reader.attributes_of_parts(*ids)]:
            attributes.setdefault(attribute.thing_id, []).append(attribute)
        links: dict[int, list[Link]] = {id: [] for id in ids}
        for link in self.reader.links(*ids):
            links[link.thing_id].append(link)
        for thing in things:
            yield self._document(thing, own[thing.id], attributes, links[thing.id])

    def _document(
        self, thing: Thing, own: list[Thing], attributes: dict[int, list[Attribute]], links: list[Link]
    ) -> Document:
        document = Document(thing.name, "", 0, thing.driver)
        values = _grouped(attributes.get(thing.id, ()))
        document.parents = tuple(sorted((each.text for each in values.pop(Key(IN), ())), key=natural_key))
        held = {"": self._addresses(values)}
        model = self._model(thing, values)
        if model.type:
            document.type = values.pop(TYPE)[0].text
        for key in model.attributes:
            values.setdefault(key, ())
        values.pop(EXPRESSION_NAMES, None)  # an import finds them again
        document.attrs = _sorted(values)
        document.parts = _differing(thing, own, model.parts)
        typed = {part.name: part for part in model.parts}
        part_attrs = {}
        for part in own:
            name = part.part_name
            found = _grouped(attributes.get(part.id, ()))
            held[name] = self._addresses(found)
            planned = typed.get(name)
            if planned is not None and planned.driver.__name__ == part.driver:
                for key, default in planned.attributes.items():
                    if found.setdefault(key, ()) == (default,):
                        del found[key]
            if found:
                part_attrs[name] = _sorted(found)
        document.part_attrs = part_attrs
        document.addresses = {name: texts for name, texts in held.items() if texts}
        self._joins(document, thing, links)
        return document

    def _addresses(self, values: Grouped) -> tuple[str, ...]:
        """Takes the addresses out of the values under each key, as text that an import takes for the same ones."""
        keys = [key for key in values if key.key == IP]
        return tuple(self._assigned(each, key.subkey) for key in keys for each in values.pop(key))

    def _assigned(self, value: Value, shared: str | None) -> str:
        address = Assigned(value.text, None, shared)
        if value.ref is not None:
            return str(address._replace(space=self.spaces.known[value.ref].name))
        try:
            found = self.spaces.of(address)
        except Malformed:
            return str(address._replace(space=""))
        return str(address if found is None else address._replace(space=""))

    def _joins(self, document: Document, thing: Thing, links: list[Link]) -> None:
        mounted = [link for link in links if link.part is None and link.other.is_a(RackUnit)]
        if mounted:
            units = spelled((link.other.number or 0, link.slot) for link in mounted)
            document.at = f"{mounted[0].other.owner_name}:{units}"
        connect = {
            link.part.part_name: link.other.name
            for link in links
            if link.part is not None and link.kind != wiring.POSITION and self._is_told_here(link.part, link.other)
        }
        document.connect = {name: connect[name] for name in sorted(connect, key=natural_key)}

    def _is_told_here(self, part: Thing, other: Thing) -> bool:
        """Whether a cable is written at this end: where the machine is rather than what serves it."""
        if other.entity_id not in self.ids:
            return True
        return (_rank(part), natural_key(part.name)) < (_rank(other), natural_key(other.name))

    def _model(self, thing: Thing, values: Grouped) -> _Expected:
        """What an import would give to a new Thing of that driver and type."""
        driver = registry.of(thing.driver)
        # Of a DeviceType itself it would mean nothing.
        said = () if issubclass(driver, DeviceType) else values.get(TYPE, ())
        usual = devicetypes.first_attributes(driver.attributes)
        names = [value.text for value in said if value.type in ("string", "relation")]
        if len(names) == len(said) == 1 and (found := self._type(names[0], driver)) is not None:
            return _Expected(said[0].text, found.parts, {**usual, **found.attributes})
        planned = [devicetypes.TypedPart(part.name, part.driver, {}) for part in parts.plan(driver, {})]
        return _Expected("", planned, usual)

    def _type(self, name: str, driver: type[Driver]) -> devicetypes.Model | None:
        key = (name, driver)
        if key not in self.types:
            thing = self.reader.get(name)
            try:
                attributes = self.reader.attributes(thing.id) if thing is not None else []
                self.types[key] = devicetypes.defined(attributes, name, driver)
            except ClustoError:
                self.types[key] = None
        return self.types[key]


def _rank(part: Thing) -> int:
    if part.is_a(NIC) or part.is_a(Inlet) or part.is_a(SerialPort):
        return 0
    return 1 if wiring.is_panel(part.kind) else 2


def _grouped(attributes: Iterable[Attribute]) -> Grouped:
    found: dict[Key, list[Value]] = {}
    for attribute in attributes:
        found.setdefault(attribute.key, []).append(attribute.value)
    return {key: tuple(values) for key, values in found.items()}


def _sorted(values: Grouped) -> Grouped:
    return {key: values[key] for key in sorted(values, key=str)}


def _differing(
    thing: Thing, own: list[Thing], expected: list[devicetypes.TypedPart]
) -> dict[str, int | tuple[str, ...]]:
    """The kinds of part that a Thing has otherwise than expected: counted where counting gives just these names."""
    present: dict[str, list[str]] = {}
    for part in own:
        present.setdefault(part.driver, []).append(part.part_name)
    usual: dict[str, set[str]] = {}
    for planned in expected:
        usual.setdefault(planned.driver.__name__, set()).add(planned.name)
    driver = registry.of(thing.driver)
    found: dict[str, int | tuple[str, ...]] = {}
    for stored in sorted({*present, *usual}):
        names = present.get(stored, [])
        if set(names) == usual.get(stored, set()):
            continue
        part_driver = registry.of(stored)
        if not issubclass(part_driver, Part):
            found[stored] = tuple(names)
            continue
        key = part_driver.kind if parts.kind(part_driver.kind) is part_driver else stored
        # The ports of a panel that are counted would be its front and rear.
        counted = not (part_driver is Port and issubclass(driver, PatchPanel))
        if counted and set(parts.default_names(driver, part_driver, len(names))) == set(names):
            found[key] = len(names)
        else:
            found[key] = tuple(names)
    return found
