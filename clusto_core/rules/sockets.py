"""What a cable may go into: parts with a socket that nothing else is in; and which of them is never taken unasked."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_core.errors import Refused
from clusto_core.model import interfaces, wiring
from clusto_core.model.interfaces import CONNECTOR, KIND, OCCUPIED, PARENT, WHAT, Interface
from clusto_core.model.things import Attribute, Thing
from clusto_core.store.unit import UnitOfWork


def is_interface(part: Thing) -> bool:
    """Whether a part is a network interface, and no port of a panel, whose sockets are all there is of it."""
    return wiring.is_interface(part.driver)


def kind(unit: UnitOfWork, part: Thing) -> str:
    """What an interface is: one of `interfaces.KINDS`."""
    return _kind(unit, part, interfaces.said(unit.look(part)))


def _kind(unit: UnitOfWork, part: Thing, told: Interface) -> str:
    return interfaces.kind(part.part_name, told, lambda name: unit.part(unit.by_id(part.entity_id), name) is not None)


def has_socket(unit: UnitOfWork, part: Thing) -> bool:
    """Whether a cable fits into a part at all."""
    return not is_interface(part) or interfaces.has_socket(kind(unit, part))


def is_management(unit: UnitOfWork, part: Thing) -> bool:
    """Whether a part is an interface that serves management alone: whoever wants to connect it names it."""
    return is_interface(part) and interfaces.is_management(part.part_name, interfaces.said(unit.look(part)))


def occupied(unit: UnitOfWork, part: Thing) -> str | None:
    """What is in a part besides the cables that are recorded: a circuit, a cable that is planned; None for nothing."""
    return interfaces.said(unit.look(part)).occupied or None


def check(unit: UnitOfWork, part: Thing) -> None:
    """Raises Refused, with the reason, for a part that no cable may go into."""
    attributes = unit.look(part)
    if not attributes and not is_interface(part):
        return
    told = interfaces.said(attributes)
    if is_interface(part) and not interfaces.has_socket(found := _kind(unit, part, told)):
        raise Refused(
            f"{part.name} is {WHAT[found]}: no cable goes into it, but into its ports"
            f" (clusto attr set {KIND} {interfaces.PHYSICAL} -t {part.name} if it has a socket)"
        )
    if told.occupied:
        raise Refused(
            f"{part.name} is occupied: {told.occupied} (clusto attr del {OCCUPIED} -t {part.name} when it is not)"
        )


def check_said(unit: UnitOfWork) -> None:
    """Raises Refused when a transaction says of a part with a cable in it that it has no socket, or makes one a part of
    what is none of its owner's parts."""
    for _, refusal in wrongly_said(unit):
        raise refusal


def wrongly_said(unit: UnitOfWork) -> Iterator[tuple[Attribute, Refused]]:
    """What `check_said` refuses, each with the attribute that says it."""
    for attribute in unit.new_attributes((KIND, CONNECTOR, PARENT)):
        part = unit.by_id(attribute.thing_id)
        try:
            if part.is_part:
                _check_said(unit, part, attribute)
        except Refused as refusal:
            yield attribute, refusal


def _check_said(unit: UnitOfWork, part: Thing, attribute: Attribute) -> None:
    if attribute.key == PARENT:
        _check_parent(part, unit.by_id(attribute.value.ref or 0))
    elif not has_socket(unit, part) and unit.cable_of(part) is not None:
        raise Refused(f"{part.name} has a cable in it, and would be {WHAT[kind(unit, part)]}: disconnect it")


def _check_parent(part: Thing, parent: Thing) -> None:
    if part == parent or parent.owner_id != part.owner_id:
        raise Refused(f"{part.name} is a part of {part.owner_name}: its parent is another part of it")
