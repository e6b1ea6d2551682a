"""How much there is of what a site runs out of, and how much is used, reserved and free: rack units, watts, outlets,
ports, addresses, weight.

Watts are added up over the equipment that stands somewhere: of each what the site planned (`draw`, of it or of its
inlets; the maker's `allocated_draw`; its device type's), at most (`draw.nameplate`, `maximum_draw`), and as measured
(`draw.measured`; of a place that of its PDUs, where it is known of all). What has no inlet and stands in equipment
whose draw is known is in that. A limit is the `rating` of the place itself; of a rack without one, what its PDUs carry
when their strongest feed fails.

All is read in bulk, in as many statements whatever is asked about, but for portions of ids.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_core.answers.bundles import with_free_sockets
from clusto_core.answers.feeding import drawn_from
from clusto_core.drivers import Driver, registry
from clusto_core.drivers.equipment import PLACES, Rack, Switch
from clusto_core.drivers.parts import Inlet, Outlet, Port, RackUnit
from clusto_core.drivers.resources import Network
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing, in_order
from clusto_core.resources import ipam
from clusto_core.rules import reservations
from clusto_core.store.database import OfThings, Row, portions
from clusto_core.store.reader import Reader

_PARTS = """
    SELECT p.owner_id, p.driver, count(*), sum(CASE WHEN EXISTS (SELECT 1 FROM connections c WHERE c.part_id = p.id)
    THEN 1 ELSE 0 END) FROM things p WHERE {driver} IN ({drivers}) AND p.owner_id IN (:ids)
    GROUP BY p.owner_id, p.driver"""
_FREE_UNITS = """
    SELECT p.owner_id, p.id, p.number FROM things p
    WHERE NOT EXISTS (SELECT 1 FROM connections c WHERE c.part_id = p.id) AND {driver} IN ({drivers})
    AND p.owner_id IN (:ids)"""
_CABLED = OfThings("SELECT DISTINCT c.part_id FROM connections c WHERE c.part_id IN (:ids)")
_NUMBERS = OfThings("""
    SELECT a.thing_id, a.key, a.subkey, a.float_value, a.integer_value, a.head FROM attributes a
    WHERE a.number IS NULL AND a.key IN ('draw', 'rating', 'weight', 'weight_unit', 'max_weight', 'depth')
    AND a.thing_id IN (:ids)""")
_TYPES = OfThings("SELECT a.thing_id, a.ref_id FROM attributes a WHERE a.key = 'type' AND a.thing_id IN (:ids)")
_INLETS = """
    SELECT p.owner_id, a.key, a.subkey, a.float_value, a.integer_value
    FROM things p JOIN attributes a ON a.thing_id = p.id
    WHERE a.number IS NULL AND a.key IN ('draw', 'allocated_draw', 'maximum_draw', 'rating') AND {driver} IN ({drivers})
    AND p.owner_id IN (:ids)"""

FEED = Key("feed")

_KILOGRAMS = {"kg": 1.0, "g": 0.001, "lb": 0.45359237, "oz": 0.028349523125}
"""How much the units of weight of the device type library are."""
_AT_ONCE = 250


class Amount(NamedTuple):
    """How much there is, is used, and is reserved and not used; `total` None where nobody said it."""

    total: float | None = 0
    used: float = 0
    reserved: float = 0

    @property
    def free(self) -> float | None:
        """What is left: below nothing where more is used than there is."""
        return None if self.total is None else self.total - self.used - self.reserved


class Watts(NamedTuple):
    """What may be drawn (None where nobody said it), and what is: as planned, else at most; at most; as measured; and
    of how many devices with inlets nothing is known."""

    limit: float | None
    used: float
    nameplate: float
    measured: float
    unknown: int

    @property
    def free(self) -> float | None:
        """What may be drawn besides."""
        return None if self.limit is None else self.limit - self.used


class Capacity(NamedTuple):
    """What a rack, a place or a device has; `runs` are the heights of the free runs of rack units, the highest first.

    `feeds` are the different feeds of its PDUs, by their letter or else by PDU; used are those without a free outlet.
    Weights are in kg, depths in mm.
    """

    thing: Thing
    units: Amount
    runs: tuple[int, ...]
    watts: Watts
    feeds: Amount
    outlets: Amount
    ports: Amount
    addresses: Amount
    weight: Amount
    depth: float | None


_NONE = Amount()


@dataclass(slots=True)
class _Device:
    """What one piece of equipment has of its own: parts by kind, the numbers of its free rack units, and what is said
    of it, of its inlets under `inlet.KEY`."""

    units: Amount = _NONE
    free_units: list[int] = field(default_factory=list)
    outlets: Amount = _NONE
    ports: Amount = _NONE
    inlets: int = 0
    said: dict[str, float] = field(default_factory=dict)
    feed: str = ""

    def first(self, *keys: str) -> float | None:
        """The first of these that is said."""
        return next((self.said[key] for key in keys if key in self.said), None)

    @property
    def planned(self) -> float | None:
        """What it is planned to draw."""
        return self.first("draw", "inlet.draw", "inlet.allocated_draw", "type.draw")

    @property
    def nameplate(self) -> float | None:
        """What it draws at most."""
        return self.first("draw.nameplate", "inlet.draw.nameplate", "inlet.maximum_draw", "type.draw.nameplate")

    @property
    def measured(self) -> float | None:
        """What it was found to draw."""
        return self.first("draw.measured", "inlet.draw.measured")

    @property
    def known(self) -> float | None:
        """What it counts for."""
        if not self.said:
            return None
        every = (self.planned, self.nameplate, self.measured)
        return next((watts for watts in every if watts is not None), None)

    @property
    def rating(self) -> float | None:
        """What it may draw or give on."""
        return self.first("rating", "inlet.rating")


def racks(reader: Reader, things: Sequence[Thing] | None = None) -> list[Thing]:
    """All racks, or those that are among some Things or in them; in natural order."""
    if things is None:
        names = [name for name in reader.drivers() if issubclass(registry.of(name), Rack)]
        return in_order(reader.all(names)) if names else []
    below = _below(reader, things)
    return in_order({each for thing in things for each in _walk(thing, below) if each.is_a(Rack)})


def capacities(reader: Reader, things: Sequence[Thing]) -> list[Capacity]:
    """What each of these has: racks, places, PDUs, switches, Networks, in the order given. All that stands in some of
    them is in memory at a time."""
    return [each for portion in portions(things, _AT_ONCE) for each in _capacities(reader, portion)]


def _capacities(reader: Reader, things: Sequence[Thing]) -> list[Capacity]:
    below = _below(reader, things)
    every = {thing.id: thing for thing in things} | {each.id: each for found in below.values() for each in found}
    site = _Site(reader, below, _devices(reader, every))
    return [_capacity(site, thing) for thing in things]


def units(reader: Reader, racks: Iterable[int]) -> dict[int, Amount]:
    """The rack units of racks, by their ids: of those alone that have any."""
    held = _held(reader)[RackUnit]
    found: dict[int, Amount] = {}
    for owner, _, count, used in _rows(reader, _PARTS, racks, (RackUnit,)):
        known = found.get(owner, _NONE)
        found[owner] = Amount((known.total or 0) + count, known.used + int(used), held[owner])
    return found


def standing(reader: Reader, things: Sequence[Thing]) -> set[Thing]:
    """These and all that stands in them, any number of steps down."""
    below = _below(reader, things)
    return {*things, *(each for found in below.values() for each in found)}


def _below(reader: Reader, things: Sequence[Thing]) -> dict[int, list[Thing]]:
    """What stands directly in each of these, and in what stands there, by ids."""
    below: dict[int, list[Thing]] = {}
    level = {thing.id for thing in things}
    while level:
        contents = reader.contents(level, parts=False)
        below |= {id: contents.get(id, []) for id in level}
        level = {child.id for found in contents.values() for child in found} - below.keys()
    return below


def _walk(thing: Thing, below: Mapping[int, list[Thing]]) -> Iterable[Thing]:
    """A Thing and all that stands in it, any number of steps down."""
    found = {thing.id: thing}
    queue = [thing]
    for here in queue:
        new = [child for child in below.get(here.id, ()) if child.id not in found]
        found |= {child.id: child for child in new}
        queue += new
    return found.values()


class _Site(NamedTuple):
    """What was read: what stands in what, and what each has."""

    reader: Reader
    below: Mapping[int, list[Thing]]
    devices: Mapping[int, _Device]

    def inside(self, thing: Thing) -> Iterable[Thing]:
        """A Thing and all that stands in it."""
        return _walk(thing, self.below)


# --- reading in bulk -------------------------------------------------------------------------------------------------


def _devices(reader: Reader, things: Mapping[int, Thing]) -> dict[int, _Device]:
    """What each of some Things has of its own, by its id."""
    found = {id: _Device() for id in things}
    _count(reader, found)
    _count_ports(reader, [thing for thing in things.values() if thing.is_a(Switch)], found)
    _read_numbers(reader, found)
    _read_types(reader, found)
    _read_inlets(reader, found)
    return found


def _rows(reader: Reader, sql: str, ids: Iterable[int], kinds: tuple[type[Driver], ...]) -> Iterator[Row]:
    """The rows of a statement about parts of some kinds, of Things with these ids."""
    known = _bound(name for name in reader.drivers() if issubclass(registry.of(name), kinds))
    if known:
        # SQLite keeps no statistics: it must not begin at all parts of a kind, portion by portion.
        driver = "+p.driver" if reader.database.dialect == "sqlite" else "p.driver"
        filled = sql.format(driver=driver, drivers=", ".join(f":{name}" for name in known))
        yield from reader.database.rows_in(OfThings(filled), list(ids), known)


def _bound(names: Iterable[str]) -> dict[str, str]:
    return {f"driver{number}": name for number, name in enumerate(names)}


def _count(reader: Reader, found: dict[int, _Device]) -> None:
    """Rack units, outlets and inlets: how many, and how many something is joined to or reserved."""
    held = _held(reader)
    for owner, driver, count, used in _rows(reader, _PARTS, found, (RackUnit, Outlet, Inlet)):
        device, kind = found[owner], registry.of(driver)
        if issubclass(kind, Inlet):
            device.inlets += count
        elif issubclass(kind, Outlet):
            known = device.outlets
            device.outlets = Amount((known.total or 0) + count, known.used + int(used), held[Outlet][owner])
        else:
            known = device.units
            device.units = Amount((known.total or 0) + count, known.used + int(used), held[RackUnit][owner])
    racks = [id for id, device in found.items() if device.units.total]
    for owner, id, number in _rows(reader, _FREE_UNITS, racks, (RackUnit,)):
        if id not in held[RackUnit].ids:
            found[owner].free_units.append(number or 0)


class _Held(Counter[int]):
    """How many parts of each owner are reserved and not in use."""

    def __init__(self, parts: Iterable[Thing]) -> None:
        self.ids: set[int] = set()
        super().__init__()
        for part in parts:
            self.ids.add(part.id)
            self[part.entity_id] += 1


def _held(reader: Reader) -> dict[type[Driver], _Held]:
    parts = [part for part in reader.by_ids(reservations.held(reader)).values() if part.is_part]
    cabled = {row[0] for row in reader.database.rows_in(_CABLED, [part.id for part in parts])}
    waiting = [part for part in parts if part.id not in cabled]
    return {kind: _Held(part for part in waiting if part.is_a(kind)) for kind in (RackUnit, Outlet, Port)}


def _count_ports(reader: Reader, switches: Sequence[Thing], found: dict[int, _Device]) -> None:
    """The ports of switches that a cable fits into."""
    if not switches:
        return
    ports = reader.parts(*(switch.id for switch in switches), driver=Port)
    sockets = with_free_sockets(reader, *switches)
    cabled = {row[0] for row in reader.database.rows_in(_CABLED, [port.id for port in ports])}
    held = reservations.held(reader)
    for port in ports:
        if port.id in sockets or port.id in cabled:
            device, used = found[port.entity_id], port.id in cabled
            known = device.ports
            kept = not used and port.id in held
            device.ports = Amount((known.total or 0) + 1, known.used + used, known.reserved + kept)


def _read_numbers(reader: Reader, found: dict[int, _Device]) -> None:
    for id, said in _numbers(reader, found).items():
        found[id].said |= said
    for id, feed in reader.values_under(FEED, list(found)).items():
        found[id].feed = feed[0].text


def _read_types(reader: Reader, found: dict[int, _Device]) -> None:
    """What the device types say of what is of them."""
    types: dict[int, int] = {row[0]: row[1] for row in reader.database.rows_in(_TYPES, list(found)) if row[1]}
    said = _numbers(reader, set(types.values()))
    for id, type in types.items():
        found[id].said |= {f"type.{key}": number for key, number in said.get(type, {}).items()}


def _numbers(reader: Reader, ids: Iterable[int]) -> dict[int, dict[str, float]]:
    """What is said of Things in numbers; weights that have a unit beside them, as those of the library of device types,
    in kg."""
    found: dict[int, dict[str, float]] = defaultdict(dict)
    weighed: dict[int, str] = {}
    for id, key, subkey, *numbers, head in reader.database.rows_in(_NUMBERS, list(ids)):
        if key == "weight_unit":
            weighed[id] = head or ""
        elif (number := _number(*numbers)) is not None:
            found[id][f"{key}.{subkey}" if subkey else key] = number
    for id, unit in weighed.items():
        for key in {"weight", "max_weight"} & found[id].keys():
            found[id][key] *= _KILOGRAMS.get(unit, 1)
    return found


def _read_inlets(reader: Reader, found: dict[int, _Device]) -> None:
    """What is said of the inlets of each, added up."""
    having = [id for id, device in found.items() if device.inlets]
    for owner, key, subkey, *numbers in _rows(reader, _INLETS, having, (Inlet,)):
        if (number := _number(*numbers)) is not None:
            said, name = found[owner].said, f"inlet.{key}.{subkey}" if subkey else f"inlet.{key}"
            said[name] = said.get(name, 0) + number


def _number(real: float | None, whole: int | None) -> float | None:
    return real if real is not None else whole


# --- adding up -------------------------------------------------------------------------------------------------------


def _capacity(site: _Site, thing: Thing) -> Capacity:
    inside = list(site.inside(thing))
    own = [site.devices[each.id] for each in inside]
    return Capacity(
        thing,
        _total(device.units for device in own),
        tuple(sorted((run for device in own for run in _runs(device.free_units)), reverse=True)),
        _watts(site, thing),
        _feeds(site, inside),
        _total(device.outlets for device in own),
        _total(device.ports for device in own),
        _total(_addresses(site.reader, each) for each in inside if each.is_a(Network)),
        _weight(inside, site.devices),
        site.devices[thing.id].first("depth"),
    )


def _total(amounts: Iterable[Amount]) -> Amount:
    every = list(amounts)
    totals = [each.total for each in every]
    known = [total for total in totals if total is not None]
    total = sum(known) if len(known) == len(totals) else None
    return Amount(total, sum(each.used for each in every), sum(each.reserved for each in every))


def _runs(numbers: Iterable[int]) -> Iterator[int]:
    """How many of these follow each other, run by run."""
    length, last = 0, None
    for number in sorted(numbers):
        if last is not None and number != last + 1:
            yield length
            length = 0
        length, last = length + 1, number
    if length:
        yield length


def _watts(site: _Site, thing: Thing) -> Watts:
    limit = _limit(site, thing)
    if site.devices[thing.id].outlets.total:
        return _hanging(site.reader, thing, limit)
    loads = list(_loads(site, thing))
    return Watts(
        limit,
        sum(load.known or 0 for load in loads),
        sum(load.nameplate or load.known or 0 for load in loads),
        _measured(site, thing, loads),
        sum(load.known is None for load in loads),
    )


def _measured(site: _Site, thing: Thing, loads: Iterable[_Device]) -> float:
    """What the PDUs of a place were found to give, where that is known of all: they measure also what nothing says of
    itself. Else what its equipment was found to draw.
    """
    pdus = [device for each in site.inside(thing) if (device := site.devices[each.id]).outlets.total]
    given = [device.measured for device in pdus if device.measured is not None]
    if pdus and len(given) == len(pdus) and issubclass(thing.kind, PLACES):
        return sum(given)
    return sum(load.measured or 0 for load in loads)


def _loads(site: _Site, thing: Thing) -> Iterator[_Device]:
    """What in a Thing draws power for itself, or should have said what it draws."""
    device = site.devices[thing.id]
    is_place = issubclass(thing.kind, PLACES)
    if not is_place and not device.outlets.total and (device.known is not None or device.inlets):
        yield device
        if device.known is not None:
            held = [each for each in site.below.get(thing.id, ()) if site.devices[each.id].inlets]
            yield from (load for each in held for load in _loads(site, each))
            return
    yield from (load for each in site.below.get(thing.id, ()) for load in _loads(site, each))


def _hanging(reader: Reader, device: Thing, limit: float | None) -> Watts:
    """What hangs on the outlets of a device draws: of what has several inlets, each has its share."""
    outlets = reader.parts(device.id, driver=Outlet)
    links = reader.links_of_parts(*(each.id for each in outlets))
    ends = [(link.part.id, link.far) for link in links if link.part is not None and link.far is not None]
    owners = _devices(reader, reader.by_ids({end.entity_id for _, end in ends}))
    fed = drawn_from(reader, outlets)
    drawn: list[float | None] = []
    for outlet, end in ends:
        known = owners[end.entity_id].known
        drawn.append(fed.get(outlet, None if known is None else known / _inlets(owners[end.entity_id])))
    return Watts(
        limit,
        sum(watts or 0 for watts in drawn),
        sum((owners[end.entity_id].nameplate or 0) / _inlets(owners[end.entity_id]) for _, end in ends),
        sum((owners[end.entity_id].measured or 0) / _inlets(owners[end.entity_id]) for _, end in ends),
        drawn.count(None),
    )


def _inlets(device: _Device) -> int:
    return max(1, device.inlets)


def _feeds(site: _Site, inside: Iterable[Thing]) -> Amount:
    free: dict[str, bool] = {}
    for thing in inside:
        device = site.devices[thing.id]
        if device.outlets.total:
            feed = device.feed or thing.name
            free[feed] = free.get(feed, False) or (device.outlets.free or 0) > 0
    return Amount(len(free), list(free.values()).count(False))


def _limit(site: _Site, thing: Thing) -> float | None:
    """What may be drawn there: what is said of it; of a rack, what is left when its strongest feed fails; of another
    place, what its racks may draw, if that is known of all."""
    if (said := site.devices[thing.id].rating) is not None or not issubclass(thing.kind, PLACES):
        return said
    if thing.is_a(Rack):
        return _redundant(site, thing)
    limits = [_limit(site, each) for each in site.inside(thing) if each.is_a(Rack)]
    known = [limit for limit in limits if limit is not None]
    return sum(known) if limits and len(known) == len(limits) else None


def _redundant(site: _Site, rack: Thing) -> float | None:
    """What the PDUs in a rack carry without the strongest of their feeds, where they have several."""
    feeds: dict[str, float] = {}
    for each in site.inside(rack):
        device = site.devices[each.id]
        if device.outlets.total and device.rating is not None:
            feed = device.feed or each.name
            feeds[feed] = feeds.get(feed, 0) + device.rating
    return sum(feeds.values()) - (max(feeds.values()) if len(feeds) > 1 else 0) if feeds else None


def _weight(inside: list[Thing], devices: Mapping[int, _Device]) -> Amount:
    limit = devices[inside[0].id].first("max_weight")
    return Amount(limit, sum(devices[each.id].first("weight", "type.weight") or 0 for each in inside[1:]))


def _addresses(reader: Reader, network: Thing) -> Amount:
    """The addresses that may be given out, and those that are; what is kept counts as reserved."""
    block = ipam.block_of(reader, network)
    used, free = len(ipam.held(reader, block)), sum(last - first + 1 for first, last in ipam.spans(reader, block))
    total = block.network.num_addresses
    return Amount(total, used, total - used - free)
