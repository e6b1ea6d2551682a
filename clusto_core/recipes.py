"""How a machine is known on the network that it boots from: its cards, its address, the settings in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clusto_core.attributes import IP, Key
from clusto_core.drivers import Equipment
from clusto_core.drivers.parts import NIC, Port
from clusto_core.errors import Malformed, NotFound
from clusto_core.reader import Reader
from clusto_core.things import Thing

_MAC = Key("mac")
_MANAGEMENT = "mgmt"
"""What the card of a management controller is called: it boots nothing."""


@dataclass(frozen=True)
class Recipe:
    """A machine as the network knows it.

    macs: of the cards that it may boot from, by their parts' names (those named in `rebuild.nic`, else all).
    address: the one of its first such card, else its own. values: the attributes in force, by key; several values under
    one key are lines of one text.
    """

    thing: Thing
    macs: Mapping[str, str]
    address: str | None
    values: Mapping[str, str]


def recipe(reader: Reader, thing: Thing) -> Recipe:
    """What is known of a machine. Raises Malformed for what is none, NotFound for a card that it has not."""
    if thing.is_part or not thing.is_a(Equipment):
        raise Malformed(f"{thing.name} is not a machine")
    values: dict[str, list[str]] = {}
    for attribute, _ in reader.effective(thing):
        values.setdefault(str(attribute.key), []).append(attribute.value.text)
    texts = {key: "\n".join(found) for key, found in values.items()}
    macs, addresses = _cards(reader, thing, texts.get("rebuild.nic"))
    own = texts.get(IP, "").splitlines()
    return Recipe(
        thing,
        macs,
        next((addresses[name] for name in macs if name in addresses), own[0] if own else None),
        texts,
    )


def _cards(reader: Reader, thing: Thing, chosen: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """The MAC and the address of each card, by its name."""
    parts = [part for part in reader.parts(thing.id) if part.is_a(NIC) or part.is_a(Port)]
    by_id = {part.id: part.part_name for part in parts}
    macs: dict[str, str] = {}
    addresses: dict[str, str] = {}
    for attribute in reader.attributes_of_parts(thing.id):
        name = by_id.get(attribute.thing_id)
        if name is not None and attribute.key == _MAC:
            macs.setdefault(name, attribute.value.text)
        elif name is not None and attribute.key == Key(IP):
            addresses.setdefault(name, attribute.value.text.partition("/")[0])
    if not macs:
        own = [each.value.text for each in reader.attributes(thing.id) if each.key == _MAC]
        macs = {thing.name: own[0]} if own else {}
    if chosen:
        wanted = chosen.replace(",", " ").split()
        if unknown := [name for name in wanted if name not in macs]:
            raise NotFound(f"{thing.name} has no card {unknown[0]} with a MAC (rebuild.nic is {chosen!r})")
        return {name: macs[name] for name in wanted}, addresses
    order = [by_id[part.id] for part in parts if part.part_name in macs and part.part_name != _MANAGEMENT]
    return {name: macs[name] for name in order or [name for name in macs if name != _MANAGEMENT]}, addresses
