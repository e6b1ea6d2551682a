"""Modules: types of line cards, power supplies and cassettes, whose ports become parts of what they are put into.

A type of modules is a device type whose definition has its ports as the source tells them, under `module`, since what
they are called depends on the bay: `Eth{module}/1` is `Eth3/1` in bay 3. Each part says by its attributes `module` and
`bay` where it is from. Ports of a panel go on after the numbers that the panel has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from clusto_core.drivers import Driver
from clusto_core.errors import Malformed, Refused
from clusto_core.model import wiring
from clusto_core.model.attributes import Key
from clusto_core.model.interfaces import PARENT
from clusto_core.model.names import trailing_number
from clusto_core.model.things import Thing
from clusto_core.rules import devicetypes, ports, things, values
from clusto_core.rules.devicetypes import MODULE
from clusto_core.store.unit import UnitOfWork

BAY = Key("bay")
TOKEN = "{module}"
"""What stands for the bay in the names of a module's ports (NetBox, dcim/constants.py: MODULE_TOKEN)."""


def definition(every: Iterable[ports.SourcePort]) -> dict[str, object]:
    """The definition of a type of modules with these ports. Raises Malformed as `ports.named`."""
    told = list(every)
    ports.named(list(_in_bay(told, "1")))
    return {"driver": MODULE, "attrs": {}, "parts": [], "module": [port._asdict() for port in told]}


def insert(unit: UnitOfWork, name: str, owner: Thing, bay: str) -> list[Thing]:
    """Gives equipment the parts of a type of modules in a bay, as its maker counts bays (`3`, `2/1`).

    Raises NotFound, Malformed, Refused for what is no such type or no equipment, for a bay that a module is in, and for
    parts that are there.
    """
    type, found = devicetypes.definition_of(unit, name)
    if owner.is_part or found.get("driver") != MODULE:
        raise Refused(f"{owner.name} is a part" if owner.is_part else f"{type.name} is no type of modules")
    for part in unit.parts(owner):
        if any(each.key == BAY and each.value.text == bay for each in unit.attributes(part)):
            raise Refused(f"bay {bay} of {owner.name} has {part.name} in it already")
    named = ports.named(list(_in_bay(_told(found["module"]), bay)))
    made = [_made(unit, owner, each, type.name, bay) for each in _after(unit, owner, named)]
    for each in named:
        member, parent = (unit.part(owner, text) if text else None for text in (each.name, each.parent))
        if member is not None and parent is not None:
            values.put(unit, member, PARENT, [values.relation(parent)])
    return made


def _made(unit: UnitOfWork, owner: Thing, each: ports.NamedPort, type: str, bay: str) -> Thing:
    driver = ports.part_driver(each.port.kind, owner.kind)
    attributes = devicetypes.first_attributes({**each.attributes, "module": type, str(BAY): bay})
    return things.add_part(unit, driver, f"{owner.name}:{each.name}", list(attributes.items()))


def _told(found: Any) -> list[ports.SourcePort]:
    try:
        every = [ports.SourcePort(**each) for each in found]
        return [port._replace(mappings=tuple(ports.Mapping(*each) for each in port.mappings)) for port in every]
    except TypeError:
        raise Malformed("the definition of the module is damaged: import it again") from None


def _in_bay(every: Iterable[ports.SourcePort], bay: str) -> Iterator[ports.SourcePort]:
    """The ports as they are called in a bay."""
    for port in every:
        yield port._replace(
            name=port.name.replace(TOKEN, bay),
            rear=port.rear.replace(TOKEN, bay),
            inlet=port.inlet.replace(TOKEN, bay),
            parent=port.parent.replace(TOKEN, bay),
            mappings=tuple(each._replace(rear=each.rear.replace(TOKEN, bay)) for each in port.mappings),
        )


def _after(unit: UnitOfWork, owner: Thing, named: Iterable[ports.NamedPort]) -> Iterator[ports.NamedPort]:
    """The ports, those of a panel with numbers beyond the ones that it has: its two sides pair by them."""
    taken = max((part.number or 0 for part in unit.parts(owner) if wiring.passes_on(part.driver)), default=0)
    for each in named:
        driver = ports.part_driver(each.port.kind, Driver)
        number = trailing_number(each.name)
        if taken and wiring.is_panel(driver) and number is not None:
            each = each._replace(name=driver.pattern.format(number + taken))
        yield each
