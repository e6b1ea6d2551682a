"""What the inventory says of Things, as Documents: all that an empty store needs to become an equal one.

Things come in natural order, keys in one order, and a cable is written once: equal inventories give equal files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TextIO

from clusto_core.answers.view import Everything, whole
from clusto_core.drivers import Driver, Part, registry
from clusto_core.drivers.equipment import PatchPanel
from clusto_core.drivers.parts import NIC, ConsolePort, Inlet, Outlet, Port, RackUnit, SerialPort
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import ClustoError, Malformed
from clusto_core.model import wiring
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import IN, IP, Key, Value, key_text
from clusto_core.model.mounting import spelled
from clusto_core.model.names import split_part
from clusto_core.model.reserved import EXPRESSION_NAMES
from clusto_core.model.things import Thing
from clusto_core.rules import devicetypes, parts
from clusto_core.rules.devicetypes import TYPE
from clusto_core.rules.spaces import Spaces
from clusto_core.spelling import natural_key
from clusto_core.store import bulk
from clusto_core.store.database import Database, Row, portions
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document

Grouped = dict[Key, tuple[Value, ...]]
Parts = Mapping[str, int | tuple[str, ...]]
Shape = str
"""The parts of a Thing: a line `DRIVER NAME` each."""

_IN = Key(IN)


def documents(reader: Reader, things: Iterable[Thing]) -> Iterator[Document]:
    """The Documents of Things, in natural order; a part stands for its owner. One portion is in memory at a time."""
    return Exporter(reader, things).documents()


def begun(out: TextIO, documents: Iterable[Document]) -> Iterator[Document]:
    """The Documents; the first one is passed on before the next one is made, by whoever writes them to `out`."""
    rest = iter(documents)
    yield from islice(rest, 1)
    out.flush()
    yield from rest


class _Expected(NamedTuple):
    """What an import gives to a new Thing by itself: of a device type, whose name it has, or of a driver. `typed` are
    those of its parts that have attributes then."""

    type: str
    parts: list[devicetypes.TypedPart]
    attributes: dict[Key, Value]
    typed: dict[str, devicetypes.TypedPart]


class _Portion:
    """All that is known of some Things, by the ids of these: shapes, values, those of parts by name, and cables."""

    def __init__(self, database: Database, things: list[Thing], but_of: list[str]) -> None:
        ids = [thing.id for thing in things]
        parts: dict[int, str] = dict(bulk.parts(database, ids))
        self.shapes: dict[int, Shape] = {
            thing.id: parts[thing.id].replace(f" {thing.name}:", " ") for thing in things if thing.id in parts
        }
        self.values = _grouped(bulk.values(database, ids))
        self.of_parts: dict[str, dict[str, Grouped]] = {}
        for name, values in _grouped(bulk.values_of_parts(database, ids)).items():
            owner_name, _, part = name.partition(":")
            self.of_parts.setdefault(owner_name, {})[part] = values
        self.cables: dict[int, list[Row]] = {}
        for cable in bulk.cables(database, ids, but_of):
            self.cables.setdefault(cable[0], []).append(cable)


class Exporter:
    """Makes the Documents of Things; what most of them have alike, it works out once."""

    def __init__(self, reader: Reader, things: Iterable[Thing]) -> None:
        self.reader = reader
        self.things = things if isinstance(things, Everything) else whole(reader, things)
        self.part_names: set[str] = set()
        """How the parts of all Things are called whose Documents were made so far."""
        self._ids = None if isinstance(self.things, Everything) else {thing.id for thing in self.things}
        # None for all that there are.
        self._spaces = Spaces(reader)
        self._types: dict[tuple[str, type[Driver]], devicetypes.Model | None] = {}
        self._expected: dict[tuple[str, tuple[Value, ...]], _Expected] = {}
        self._differing: dict[tuple[str, str, Shape], Parts] = {}

    def documents(self) -> Iterator[Document]:
        """The Documents, a portion at a time."""
        complete = self._ids is None or len(self._ids) == bulk.count(self.reader.database)
        but_of = [name for name in self.reader.drivers() if _is_serving(name)] if complete else []
        for things in portions(self.things):
            portion = _Portion(self.reader.database, things, but_of)
            for thing in things:
                yield self._document(thing, portion)

    def _document(self, thing: Thing, portion: _Portion) -> Document:
        document = Document(thing.name, "", 0, thing.driver)
        values, shape = portion.values.get(thing.id, {}), portion.shapes.get(thing.id, "")
        if _IN in values:
            document.parents = tuple(_in_order([each.text for each in values.pop(_IN)]))
        held = {"": self._addresses(values)}
        model = self._model(thing, values)
        if model.type:
            document.type = values.pop(TYPE)[0].text
        for key in model.attributes:
            values.setdefault(key, ())
        values.pop(EXPRESSION_NAMES, None)  # an import finds them again
        document.attrs = _sorted(values)
        document.parts = self._parts(thing, shape, model)
        document.part_attrs = self._of_parts(portion.of_parts.get(thing.name, {}), shape, model, held)
        document.addresses = {name: texts for name, texts in held.items() if texts}
        self._joins(document, portion.cables.get(thing.id, ()))
        return document

    def _of_parts(
        self, known: dict[str, Grouped], shape: Shape, model: _Expected, held: dict[str, tuple[str, ...]]
    ) -> dict[str, Grouped]:
        """The attributes of parts that are not what they have by themselves; notes in `held` which addresses are."""
        drivers = {name: driver for driver, name in _listed(shape)} if model.typed else {}
        for name in model.typed.keys() & drivers.keys():
            known.setdefault(name, {})
        found = {}
        for name in _in_order(list(known)):
            values = known[name]
            held[name] = self._addresses(values)
            planned = model.typed.get(name)
            if planned is not None and planned.driver.__name__ == drivers[name]:
                for key, default in planned.attributes.items():
                    if values.setdefault(key, ()) == (default,):
                        del values[key]
            if values:
                found[name] = _sorted(values)
        return found

    def _addresses(self, values: Grouped) -> tuple[str, ...]:
        """Takes the addresses out of the values under each key, as text that an import takes for the same ones."""
        keys = [key for key in values if key.key == IP]
        return tuple(self._assigned(each, key.subkey) for key in keys for each in values.pop(key)) if keys else ()

    def _assigned(self, value: Value, shared: str | None) -> str:
        address = Assigned(value.text, None, shared)
        if value.ref is not None:
            return str(address._replace(space=self._spaces.known[value.ref].name))
        try:
            found = self._spaces.of(address)
        except Malformed:
            return str(address._replace(space=""))
        return str(address if found is None else address._replace(space=""))

    def _joins(self, document: Document, cables: Iterable[Row]) -> None:
        connect, units = {}, []
        begin = len(document.name) + 1
        for _, _, part, driver, other, other_driver, entity, number, slot in cables:
            if part is not None:
                rank, beyond = _rank(driver), _rank(other_driver)
                # A cable is written where the machine is rather than what serves it.
                if (
                    rank < beyond
                    or (self._ids is not None and entity not in self._ids)
                    or (rank == beyond and natural_key(part) < natural_key(other))
                ):
                    connect[part[begin:] or part] = other
            elif _is_unit(other_driver):
                units.append((number or 0, slot))
                rack = split_part(other)[0]
        if units:
            document.at = f"{rack}:{_position(tuple(units))}"
        document.connect = {name: connect[name] for name in _in_order(list(connect))}

    def _parts(self, thing: Thing, shape: Shape, model: _Expected) -> Parts:
        key = (thing.driver, model.type, shape)
        found = self._differing.get(key)
        if found is None:
            found = self._differing[key] = _differing(thing.driver, shape, model.parts)
            self.part_names.update(name for _, name in _listed(shape))
        return found

    def _model(self, thing: Thing, values: Grouped) -> _Expected:
        """What an import would give to a new Thing of that driver and type."""
        key = (thing.driver, values.get(TYPE, ()))
        found = self._expected.get(key)
        if found is None:
            found = self._expected[key] = self._expect(registry.of(thing.driver), key[1])
        return found

    def _expect(self, driver: type[Driver], said: tuple[Value, ...]) -> _Expected:
        usual = devicetypes.first_attributes(driver.attributes)
        # Of a DeviceType itself it would mean nothing.
        names = [value.text for value in said if value.type in ("string", "relation")]
        if (
            not issubclass(driver, DeviceType)
            and len(names) == len(said) == 1
            and (found := self._type(names[0], driver)) is not None
        ):
            typed = {part.name: part for part in found.parts if part.attributes}
            return _Expected(said[0].text, found.parts, {**usual, **found.attributes}, typed)
        planned = [devicetypes.TypedPart(part.name, part.driver, {}) for part in parts.plan(driver, {})]
        return _Expected("", planned, usual, {})

    def _type(self, name: str, driver: type[Driver]) -> devicetypes.Model | None:
        key = (name, driver)
        if key not in self._types:
            thing = self.reader.get(name)
            try:
                attributes = self.reader.attributes(thing.id) if thing is not None else []
                self._types[key] = devicetypes.defined(attributes, name, driver)
            except ClustoError:
                self._types[key] = None
        return self._types[key]


@lru_cache
def _rank(part: str) -> int:
    driver = registry.of(part)
    if issubclass(driver, (NIC, Inlet, SerialPort)):
        return 0
    return 1 if wiring.is_panel(driver) else 2


@lru_cache
def _is_serving(part: str) -> bool:
    """Whether the cables of such parts are always written at their other ends."""
    return issubclass(registry.of(part), (Outlet, ConsolePort))


@lru_cache
def _is_unit(driver: str) -> bool:
    return issubclass(registry.of(driver), RackUnit)


@lru_cache(10_000)
def _order(part_name: str) -> str:
    return natural_key(part_name)


@lru_cache(10_000)
def _position(units: tuple[tuple[int, int], ...]) -> str:
    return spelled(units)


@lru_cache(10_000)
def _key(key: str, number: int | None, subkey: str | None) -> Key:
    return Key(key, number, subkey)


def _grouped(rows: Iterable[Row]) -> dict[Any, Grouped]:
    """The values by what has them, and there by their keys; the columns are those of `bulk.values`."""
    found: dict[Any, Grouped] = {}
    for whose, _, key, number, subkey, type, head, rest, ref, name in rows:
        text = name if type == "relation" else head if rest is None else head + rest
        value = (Value(type, text, ref),)
        of_it = found.get(whose)
        if of_it is None:
            of_it = found[whose] = {}
        known = _key(key, number, subkey)
        of_it[known] = of_it[known] + value if known in of_it else value
    return found


def _in_order(names: list[str]) -> list[str]:
    """Names of parts in natural order."""
    return sorted(names, key=_order) if len(names) > 1 else names


def _listed(shape: Shape) -> list[tuple[str, str]]:
    """Driver and name of each part."""
    pairs = (line.partition(" ") for line in shape.split("\n") if line)
    return [(driver, name) for driver, _, name in pairs]


def _sorted(values: Grouped) -> Grouped:
    return {key: values[key] for key in sorted(values, key=key_text)} if len(values) > 1 else values


def _differing(name: str, shape: Shape, expected: list[devicetypes.TypedPart]) -> Parts:
    """The kinds of part that a Thing has otherwise than expected: counted where counting gives just these names."""
    present: dict[str, list[str]] = {}
    for stored, part in sorted(_listed(shape), key=lambda each: natural_key(each[1])):
        present.setdefault(stored, []).append(part)
    usual: dict[str, set[str]] = {}
    for planned in expected:
        usual.setdefault(planned.driver.__name__, set()).add(planned.name)
    driver = registry.of(name)
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
