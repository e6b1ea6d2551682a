"""What the inventory knows of all that evidence speaks of, as plain records: so that `reasoning` needs no store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_cli.backends.machine import macs_of
from clusto_cli.discovery.evidence import Banner, Evidence, Heard, Identity, Label, Learned, Lease, Machine, Resolved
from clusto_cli.discovery.scope import Scope
from clusto_cli.power.labels import Labels
from clusto_core.answers.network import LABEL_KEY, MAC_KEY, nics_by_mac, outermost, things_announced
from clusto_core.drivers import parts as kinds
from clusto_core.drivers.equipment import Router, Switch, VirtualServer
from clusto_core.model import addresses
from clusto_core.model.attributes import IP, Key
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.mentions.directory import part_called

SERIAL = Key("serial")
NIC, PORT, INLET, OUTLET, SERIAL_PORT, CONSOLE_PORT = "NIC", "Port", "Inlet", "Outlet", "SerialPort", "ConsolePort"


class Part(NamedTuple):
    """A part: its whole name and its own, its driver, what its device calls it (empty where nothing is recorded), its
    MAC, and what its cable leads to, empty where it has none. relay: that passes on frames of others.
    """

    name: str
    own: str
    kind: str
    label: str = ""
    mac: str = ""
    far: str = ""
    relay: bool = False

    @property
    def called(self) -> str:
        """What its device calls it, as far as that is known."""
        return self.label or self.own


class Item(NamedTuple):
    """A Thing. relay: a switch or router; virtual: a machine that has no sockets."""

    name: str
    driver: str
    parts: tuple[Part, ...] = ()
    relay: bool = False
    virtual: bool = False
    serial: str = ""
    addresses: tuple[str, ...] = ()

    def of_kind(self, *kinds: str) -> list[Part]:
        """Its parts of these drivers."""
        return [part for part in self.parts if part.kind in kinds]


@dataclass(frozen=True)
class Known:
    """Things by name; and by what devices announce, by serial number and by address, the name of a Thing; by MAC, that
    of a part. labels: by what is written on outlets, the Thing, and its part where that is said. places: by Thing, and
    by address, the outermost place that it is in, as its datacenter.
    """

    items: Mapping[str, Item] = field(default_factory=dict)
    systems: Mapping[str, str] = field(default_factory=dict)
    serials: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    macs: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def part(self, name: str) -> Part | None:
        """The part of that whole name."""
        item = self.items.get(name.partition(":")[0])
        return next((each for each in item.parts if each.name == name), None) if item is not None else None


def gather(reader: Reader, evidence: Iterable[Evidence]) -> Known:
    """What the inventory knows of all that these speak of."""
    seen = list(evidence)
    named = things_announced(reader, set(_systems(seen)))
    at = {name: each for name, each in reader.find_names({each.at for each in seen}).items() if not each.is_part}
    macs = nics_by_mac(reader, set(_macs(seen)))
    serials = _serials(reader, seen)
    held = _held(reader, seen)
    labels = _labels(reader, seen)
    whole = reader.by_ids({part.entity_id for part in macs.values()})
    things = {*named.values(), *at.values(), *serials.values(), *held.values(), *whole.values()}
    things |= {thing for thing, _ in labels.values()}
    items = {item.name: item for item in _items(reader, things)}
    far = {part.far.partition(":")[0] for item in items.values() for part in item.parts if part.far} - items.keys()
    items |= {item.name: item for item in _items(reader, reader.find_names(far).values())}
    return Known(
        items,
        {system: thing.name for system, thing in named.items()},
        {serial: thing.name for serial, thing in serials.items()},
        {address: thing.name for address, thing in held.items()},
        {mac: part.name for mac, part in macs.items()},
        {text: (thing.name, part) for text, (thing, part) in labels.items()},
        _places(reader, at.values(), [each for each in seen if each.at not in at]),
    )


def _places(reader: Reader, things: Iterable[Thing], others: Iterable[Evidence]) -> dict[str, str]:
    """The outermost place of each of those who were asked: of a Thing, and of the Network that an address is in."""
    found = {thing.name: place.name for thing in things if (place := outermost(reader, thing)) is not None}
    asked = {each.at for each in others if addresses.parse(each.at) is not None}
    scope = Scope(reader) if asked else None
    for address in asked if scope is not None else ():
        network = scope.network_of(address) if scope is not None else None
        place = outermost(reader, network) if network is not None else None
        if place is not None:
            found[address] = place.name
    return found


def _systems(evidence: Iterable[Evidence]) -> Iterable[str]:
    for each in evidence:
        match each:
            case Heard():
                yield each.system
            case Identity():
                yield each.name
            case Lease() | Banner():
                yield each.host
            case Machine():
                yield from (system for _, system, _ in each.hears)


def _macs(evidence: Iterable[Evidence]) -> Iterable[str]:
    for each in evidence:
        match each:
            case Learned() | Resolved() | Lease():
                yield each.mac
            case Heard():
                yield from macs_of([each.chassis, each.remote_port])
            case Identity():
                yield from each.macs
            case Machine():
                yield from (mac for port in each.said.ports for mac in port.macs)


def _serials(reader: Reader, evidence: Iterable[Evidence]) -> dict[str, Thing]:
    told = {each.serial for each in evidence if isinstance(each, Identity)}
    told |= {each.said.serial for each in evidence if isinstance(each, Machine)}
    found = reader.holding(SERIAL, told - {""})
    return {serial: holders[0] for serial, holders in found.items() if len(holders) == 1 and not holders[0].is_part}


def _held(reader: Reader, evidence: Iterable[Evidence]) -> dict[str, Thing]:
    """By address, the Thing that holds it, where it is one alone."""
    told = {address for each in evidence if (address := getattr(each, "address", "")) and addresses.parse(address)}
    owners: dict[str, set[int]] = {}
    for address in told:
        owners[address] = {each.holder.entity_id for each in reader.holders(addresses.Assigned(address))}
    things = reader.by_ids({id for ids in owners.values() for id in ids})
    return {address: things[next(iter(ids))] for address, ids in owners.items() if len(ids) == 1}


def _labels(reader: Reader, evidence: Iterable[Evidence]) -> dict[str, tuple[Thing, str]]:
    """By label, the Thing that it names, and the whole name of its part, empty where it names none."""
    texts = {each.text for each in evidence if isinstance(each, Label)}
    labels = Labels(reader)
    named = {text: thing for text in texts if (thing := labels.named(text)) is not None}
    parts: dict[int, list[Thing]] = {}
    for each in reader.parts(*{thing.id for thing in named.values()}) if named else ():
        parts.setdefault(each.entity_id, []).append(each)
    found = {}
    for text, thing in named.items():
        rest = text[len(thing.name) :].lstrip(" :/,;-_.") if text.lower().startswith(thing.name.lower()) else ""
        part = part_called(parts.get(thing.id, ()), rest) if rest else None
        found[text] = (thing, part.name if part is not None else "")
    return found


def _items(reader: Reader, things: Iterable[Thing]) -> Iterable[Item]:
    ids = {thing.id: thing for thing in things}
    if not ids:
        return
    parts: dict[int, list[Part]] = {}
    for part in _parts(reader, list(ids)):
        parts.setdefault(part[0], []).append(part[1])
    own: dict[int, dict[str, list[str]]] = {}
    for each in reader.attributes(*ids):
        own.setdefault(each.thing_id, {}).setdefault(each.key.key, []).append(each.value.text)
    for thing in ids.values():
        said = own.get(thing.id, {})
        yield Item(
            thing.name,
            thing.driver,
            tuple(parts.get(thing.id, ())),
            relay=thing.is_a(Switch) or thing.is_a(Router),
            virtual=thing.is_a(VirtualServer),
            serial=next(iter(said.get("serial", ())), ""),
            addresses=tuple(said.get(IP, ())),
        )


def _parts(reader: Reader, ids: list[int]) -> Iterable[tuple[int, Part]]:
    every = reader.parts(*ids)
    numbers = [part.id for part in every]
    labels, macs = (reader.values_under(key, numbers) for key in (LABEL_KEY, MAC_KEY))
    far = {link.part.id: link.end for link in reader.links(*ids) if link.part is not None}
    owners = reader.by_ids({end.entity_id for end in far.values()})
    for part in every:
        end = far.get(part.id)
        owner = owners[end.entity_id] if end is not None else None
        yield (
            part.entity_id,
            Part(
                part.name,
                split_part(part.name)[1] or "",
                _kind(part),
                next((value.text for value in labels.get(part.id, ())), ""),
                next(iter(macs_of([value.text for value in macs.get(part.id, ())])), ""),
                end.name if end is not None else "",
                owner is not None and (owner.is_a(Switch) or owner.is_a(Router)),
            ),
        )


_KINDS = (kinds.NIC, kinds.Port, kinds.Inlet, kinds.Outlet, kinds.SerialPort, kinds.ConsolePort)


def _kind(part: Thing) -> str:
    """The driver of clusto's own that a site's driver is one of."""
    return next((kind.__name__ for kind in _KINDS if part.is_a(kind)), part.driver)
