"""Which parts are one cable's or one socket's, and which have one: legs of a port, fibres of a panel's socket."""

from __future__ import annotations

from clusto_core.errors import NotFound
from clusto_core.model import interfaces, wiring
from clusto_core.model.interfaces import KIND, LEG, PARENT
from clusto_core.model.names import split_part
from clusto_core.model.things import Attribute, Thing, in_order
from clusto_core.store.reader import Reader


def legs(reader: Reader, port: Thing) -> list[Thing]:
    """The legs of the breakout cable in a port, in natural order."""
    named = {each.thing_id for each in reader.referring([port.id]) if each.key == PARENT}
    kinds = reader.values_under(KIND, list(named))
    found = reader.by_ids(id for id, values in kinds.items() if [each.text for each in values] == [LEG])
    return in_order(found.values())


def meant(reader: Reader, name: str) -> list[Thing]:
    """What a name means: one Thing or part, or the parts that a panel's socket of several fibres is.

    Raises NotFound, Malformed as `Reader.resolve`.
    """
    try:
        return [reader.resolve(name)]
    except NotFound:
        owner_name, socket = split_part(name)
        owner = reader.get(owner_name) if socket else None
        found = fibres_of(reader, owner, socket) if owner is not None and socket else []
        if not found:
            raise
        return found


def fibres_of(reader: Reader, owner: Thing, socket: str) -> list[Thing]:
    """The parts whose labels are the name of a socket and a position on it, in natural order."""
    labels = {
        each.thing_id: each.value.text for each in reader.attributes_of_parts(owner.id) if str(each.key) == "label"
    }
    wanted = {
        id for id, text in labels.items() if text.startswith(f"{socket}:") and text[len(socket) + 1 :].isdecimal()
    }
    return [part for part in reader.parts(owner.id) if part.id in wanted]


def with_free_sockets(reader: Reader, *owners: Thing) -> set[int]:
    """The ids of those parts of equipment that a cable may go into, whether or not one is in them."""
    by_part: dict[int, list[Attribute]] = {}
    for attribute in reader.attributes_of_parts(*(owner.id for owner in owners)):
        by_part.setdefault(attribute.thing_id, []).append(attribute)
    beside: dict[int, dict[str, Thing]] = {owner.id: {} for owner in owners}
    for part in reader.parts(*beside):
        beside[part.entity_id][part.part_name] = part
    found = set()
    for parts in beside.values():
        for name, part in parts.items():
            told = interfaces.said(by_part.get(part.id, ()))
            kind = interfaces.kind(name, told, parts.__contains__)
            if not told.occupied and (not wiring.is_interface(part.driver) or interfaces.has_socket(kind)):
                found.add(part.id)
    return found
