"""Device types: models of equipment, kept as Things, that say which parts new equipment gets.

A type is a Thing of driver DeviceType named `manufacturer/model`. Its attribute `definition` is JSON:

{"driver": "Switch", "attrs": {"height": 1},
 "parts": [{"kind": "interface", "name": "GigabitEthernet1/0/1", "attrs": {"connector": "1000base-t"}}, ...]}

`driver` is a guess, for people: the operator chooses it when adding. `kind` is one of `ports`; which part an interface
becomes depends on the driver chosen. They come from files in the public format of the NetBox device type library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from clusto_core.drivers import Driver, Part
from clusto_core.drivers.equipment import Rack
from clusto_core.drivers.parts import RackUnit
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import Malformed, NotFound, Refused, did_you_mean
from clusto_core.model import reserved
from clusto_core.model.attributes import Key, Value, from_python, string
from clusto_core.model.names import trailing_number
from clusto_core.model.things import Attribute, Thing
from clusto_core.rules import kinds, parts, ports
from clusto_core.spelling import suggest
from clusto_core.store.unit import UnitOfWork
from clusto_core.tuples import NamedTuple

DEFINITION = Key("definition")
TYPE = Key("type")
"""The device type that a Thing was made after."""


MODULE = "Module"
"""The `driver` of a definition of modules: see `modules`."""
_OTHER = "[^a-z0-9._+]+"


class TypedPart(NamedTuple):
    """A part that a new Thing gets, with its first attributes."""

    name: str
    driver: type[Part]
    attributes: Mapping[Key, Value]
    parent: str = ""
    """The part that it is a member of."""


class Misused(Exception):
    """A type of racks for other equipment, one of equipment for a rack, or one of modules."""


class Model:
    """What a device type, or a driver by itself, gives to a new Thing."""

    def __init__(self, typed: Iterable[TypedPart], attributes: Mapping[Key, Value]) -> None:
        self.parts = list(typed)
        self.attributes = attributes
        self.described = [part for part in self.parts if part.attributes or part.parent]
        """Those of which more is said than that they are there."""
        self.planned = [(part.name, part.driver.__name__, trailing_number(part.name)) for part in self.parts]
        """Name, driver and number of each part, as `UnitOfWork.insert_parts` takes them."""


def first_attributes(spelled: Mapping[str, object]) -> dict[Key, Value]:
    """The attributes that a driver or a definition spells. Raises Malformed."""
    return {reserved.writable(Key.parse(text)): from_python(value) for text, value in spelled.items()}


def name_of(manufacturer: str, model: str) -> str:
    """`manufacturer/model` as a type is called: `Dell`, `PowerEdge R650` is `dell/poweredge-r650`. Raises Malformed."""
    try:
        return kinds.checked_type("/".join(map(_slug, (manufacturer, model))))
    except Malformed:
        raise Malformed(f"no device type can be called after {manufacturer[:60]!a} and {model[:60]!a}") from None


def _slug(text: str) -> str:
    from unicodedata import normalize

    plain = normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    # A plus at the end is a model of its own: GS-2326 and GS-2326+.
    return re.sub(_OTHER, "-", plain).lstrip("-._+").rstrip("-._")


def definition(named: Iterable[ports.NamedPort], attributes: Mapping[str, object], driver: str) -> dict[str, object]:
    """The definition that says these parts, attributes of new equipment, and the driver it is likely for."""
    written: list[dict[str, object]] = []
    for each in named:
        part: dict[str, object] = {"kind": each.port.kind, "name": each.name}
        if attrs := each.attributes:
            part["attrs"] = attrs
        if each.parent:
            part["parent"] = each.parent
        written.append(part)
    return {"driver": driver, "attrs": dict(attributes), "parts": written}


def rack_definition(units: Iterable[int]) -> dict[str, object]:
    """The definition of a type of racks with these units."""
    written = [{"kind": ports.RACK_UNIT, "name": RackUnit.pattern.format(number)} for number in units]
    return {"driver": Rack.__name__, "attrs": {}, "parts": written}


def likely_driver(kinds: Iterable[str]) -> str:
    """The driver of equipment with such ports: what there is most of says it."""
    counted: dict[str, int] = {}
    for kind in kinds:
        counted[kind] = counted.get(kind, 0) + 1
    if counted.get(ports.FRONT) or counted.get(ports.REAR):
        return "PatchPanel"
    if counted.get(ports.CONSOLE_PORT, 0) >= 4 and counted[ports.CONSOLE_PORT] >= counted.get(ports.OUTLET, 0):
        return "ConsoleServer"
    if counted.get(ports.OUTLET, 0) >= 4:
        return "PDU"
    if counted.get(ports.INTERFACE, 0) >= 8:
        return "Switch"
    return "Server" if counted.get(ports.INTERFACE) or counted.get(ports.MANAGEMENT) else "Appliance"


def shape(unit: UnitOfWork, driver: type[Driver], counts: parts.Counts, name: str | None) -> Model:
    """What a new Thing of a driver gets, made after the device type of that name if one is given.

    Kinds of part that `counts` names are as it says instead; a part that the type has too keeps the type's attributes.
    Raises Malformed and Refused as `parts.plan`, NotFound as `load`.
    """
    if name is None:
        planned = parts.plan(driver, counts)
        return Model([TypedPart(part.name, part.driver, {}) for part in planned], first_attributes(driver.attributes))
    model = load(unit, name, driver)
    attributes = {**first_attributes(driver.attributes), **model.attributes, TYPE: string(name)}
    if not counts:
        return Model(model.parts, attributes)
    said = parts.kinds(driver, counts)
    planned = parts.plan(driver, {run.driver.kind: 0 for run in driver.parts if run.driver not in said} | dict(counts))
    typed = {(part.name, part.driver): part for part in model.parts}
    others = [part for part in model.parts if part.driver not in said]
    named = [typed.get(part, TypedPart(part.name, part.driver, {})) for part in planned]
    parts.check_unique([*others, *named])
    return Model([*others, *named], attributes)


def load(unit: UnitOfWork, name: str, driver: type[Driver]) -> Model:
    """What the device type of that name gives to equipment of that driver. Raises NotFound with a suggestion."""
    return model(definition_of(unit, name)[1], name, driver)


def definition_of(unit: UnitOfWork, name: str) -> tuple[Thing, Any]:
    """The device type of that name, and what defines it. Raises NotFound with a suggestion."""
    thing = unit.get(name)
    if thing is None or not thing.is_a(DeviceType):
        names = [each.name for each in unit.reader.all([DeviceType.__name__])]
        raise NotFound(
            f"no such device type: {name[:80]}{did_you_mean(suggest(name, names))} (clusto import --device-type FILE)"
        )
    return thing, _defined(unit.attributes(thing), name)


def defined(attributes: Iterable[Attribute], name: str, driver: type[Driver]) -> Model:
    """What the attributes of a device type give to equipment of that driver.

    Raises NotFound when they have no definition, Malformed when it is damaged.
    """
    return model(_defined(attributes, name), name, driver)


def _defined(attributes: Iterable[Attribute], name: str) -> Any:
    for attribute in attributes:
        if attribute.key == DEFINITION and attribute.value.type == "json":
            return attribute.value.python()
    raise NotFound(f"the device type {name} has no definition: import it again")


def model(definition: Any, name: str, driver: type[Driver]) -> Model:
    """What a definition gives to equipment of that driver. Raises Malformed when it is none, Refused where it is one of
    racks and the equipment is none, or the other way round."""
    try:
        if definition.get("driver") == MODULE:
            raise Misused
        if (definition.get("driver") == Rack.__name__) != issubclass(driver, Rack):
            raise Misused
        typed = [
            TypedPart(
                parts.checked_part_name(each["name"]),
                ports.part_driver(each["kind"], driver),
                first_attributes(each.get("attrs", {})),
                each.get("parent", ""),
            )
            for each in definition["parts"]
        ]
        parts.check_unique(typed)
        return Model(typed, first_attributes(definition["attrs"]))
    except Misused:
        if definition["driver"] == MODULE:
            raise Refused(f"{name} is a type of modules: clusto type insert {name} THING BAY") from None
        other = "equipment" if issubclass(driver, Rack) else "racks"
        raise Refused(f"{name} is a type of {other}: no {driver.__name__} is made after it") from None
    except (KeyError, TypeError, AttributeError, ValueError, Malformed, Refused):
        raise Malformed(f"the definition of the device type {name} is damaged: import it again") from None
