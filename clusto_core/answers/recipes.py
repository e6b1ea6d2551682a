"""How a machine is known on the network that it boots from: its cards, its address, its groupings, its settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from clusto_core.answers.devicesettings import DeviceSettings, Setting, settings_in
from clusto_core.answers.view import Spaces, View, view_of, views
from clusto_core.drivers import Equipment
from clusto_core.drivers.categories import Class, Pool, Role, Service
from clusto_core.drivers.parts import NIC, Port
from clusto_core.errors import Malformed, NotFound
from clusto_core.model import addresses, interfaces
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

_MAC = Key("mac")
CATEGORIES = {"class": Class, "role": Role, "service": Service, "pool": Pool}


@dataclass(frozen=True)
class Recipe:
    """A machine as the network knows it.

    macs: of the cards that it may boot from, by their parts' names (those named in `rebuild.nic`, else all), spelled
    as they are recorded. address: the one of its first such card, else its own. values: the attributes in force, by
    key; several values under one key are lines of one text, and what one refers to (`env:NAME`) is read when it is
    used. groups: the names of its classes, roles, services and pools, nearest first, by those words. held: the
    addresses of each card, by its name, and under None the machine's own.
    """

    thing: Thing
    macs: Mapping[str, str]
    address: str | None
    values: DeviceSettings
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    held: Mapping[str | None, tuple[str, ...]] = field(default_factory=dict)

    def hardware_addresses(self) -> tuple[str, ...]:
        """The MACs in lower case with colons, in the order of the cards. Raises Malformed for one that is none."""
        return tuple(map(_spelled, self.macs.values()))


def _spelled(mac: str) -> str:
    digits = addresses.parse_mac(mac)
    if digits is None:
        raise Malformed(f"malformed MAC address {mac[:60]!a}")
    return addresses.mac_spellings(digits)[0]


def recipe(reader: Reader, thing: Thing, *, any_card: bool = False) -> Recipe:
    """What is known of a machine; with `any_card` of all its cards, whichever `rebuild.nic` chooses. Raises Malformed
    for what is no machine, NotFound for a card that it has not."""
    if thing.is_part or not thing.is_a(Equipment):
        raise Malformed(f"{thing.name} is not a machine")
    return recipe_in(view_of(reader, [thing]), thing, any_card=any_card)


def recipes(reader: Reader, things: Iterable[Thing], spaces: Spaces = None) -> Iterator[Recipe | NotFound]:
    """What is known of many machines, in natural order, a few statements for hundreds; what is no equipment is passed
    over, and a machine's own mistake stands in its place. Of their addresses those in some address spaces, or all."""
    for view in views(reader, things, spaces):
        for thing in view.things:
            if thing.is_a(Equipment):
                try:
                    yield recipe_in(view, thing)
                except NotFound as error:
                    yield error


def recipe_in(view: View, thing: Thing, *, any_card: bool = False) -> Recipe:
    """The same from what a view has read. Raises NotFound for a card that `rebuild.nic` names and it has not."""
    settings = settings_in(view, view.effective(thing))
    chosen = settings.get("rebuild.nic")
    named = " ".join(chosen.texts) if chosen is not None and not any_card else None
    macs = _cards(view, thing, named)
    held: dict[str | None, tuple[str, ...]] = {}
    for part, text in view.addresses(thing):
        name = part.part_name if part else None
        held[name] = (*held.get(name, ()), text.partition("/")[0])
    (address,) = next((held[name] for name in macs if name in held), held.get(None, (None,)))[:1]
    groups: dict[str, tuple[str, ...]] = {}
    for ancestor in view.ancestors(thing):
        for word, kind in CATEGORIES.items():
            if ancestor.is_a(kind):
                groups[word] = (*groups.get(word, ()), ancestor.name)
    return Recipe(thing, macs, address, _values(settings), groups, held)


def _values(settings: Mapping[str, Setting]) -> DeviceSettings:
    """The settings of a machine; their secrets go into files of the boot server, wherever that is, or to Cobbler."""
    place = settings.get("rebuild.dir")
    directory = ["rebuild.dir"] if place is not None and "://" in place.text else []
    return DeviceSettings(settings, lambda group: ["cobbler.url"] if group == "cobbler" else directory)


def _cards(view: View, thing: Thing, chosen: str | None) -> dict[str, str]:
    """The MAC of each card that it may boot from, by the card's name: one that `rebuild.nic` names, else any that is
    in hardware and not for management alone."""
    macs: dict[str, str] = {}
    booting: set[str] = {thing.name}
    of_parts = view.attributes_of_parts
    own_parts = {part.part_name: part for part in view.parts.get(thing.id, ())}
    for name, part in own_parts.items():
        if part.id in of_parts and (part.is_a(NIC) or part.is_a(Port)):
            for attribute in of_parts[part.id]:
                if attribute.key == _MAC:
                    macs.setdefault(name, attribute.value.text)
            told = interfaces.said(of_parts[part.id])
            if interfaces.has_socket(interfaces.kind(name, told, own_parts.__contains__)):
                booting |= set() if interfaces.is_management(name, told) else {name}
    if not macs:
        own = [each.value.text for each in view.attributes[thing.id] if each.key == _MAC]
        macs = {thing.name: own[0]} if own else {}
    if chosen:
        # A machine's own setting names its cards as parts; one of what it is in names a card of each machine.
        wanted = [name.removeprefix(f"{thing.name}:") for name in chosen.replace(",", " ").split()]
        if unknown := [name for name in wanted if name not in macs]:
            raise NotFound(f"{thing.name} has no card {unknown[0]} with a MAC (rebuild.nic is {chosen!r})")
        return {name: macs[name] for name in wanted}
    return {name: mac for name, mac in macs.items() if name in booting}
