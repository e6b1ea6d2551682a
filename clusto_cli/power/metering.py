"""`power load`: which PDUs a target means, what they say when all are asked side by side, and what that comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from clusto_cli.backends.base import LoadReading, MeteredControl, PowerControl
from clusto_cli.backends.errors import Refused
from clusto_cli.backends.runner import Interruption, failure_of
from clusto_cli.power.loads import FeedLoad, PduLoad, Watts, total, watts_of
from clusto_cli.power.redundancy import Failing, Hung, Socket, alone_on, failing
from clusto_cli.power.targets import Plan
from clusto_core.answers.power import fed_from, outlet_names, supplies
from clusto_core.drivers.equipment import PLACES, Rack
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing, in_order
from clusto_core.resources.capacity import FEED, racks, standing
from clusto_core.store.reader import Reader

_RATING = Key("rating")


@dataclass(slots=True)
class Point:
    """One feed of a Thing: its inlet, the outlet that it hangs on, and how that one's PDU calls it."""

    inlet: str | None
    pdu: str
    outlet: str
    part: str


@dataclass(slots=True)
class Target:
    """What was asked about: a rack with the feeds of its PDUs, a PDU, or a Thing with its own feeds."""

    thing: Thing
    kind: str
    pdus: list[Thing] = field(default_factory=list)
    feeds: dict[str, list[str]] = field(default_factory=dict)
    """Of a rack: its PDUs by the letters of their feeds, without those that others of them feed."""
    hung: list[Hung] = field(default_factory=list)
    """Of a rack: what hangs on its PDUs."""
    points: list[Point] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class PointLoad:
    """What one feed of a Thing draws; why that is not known in `failure`."""

    point: Point
    reading: LoadReading | None
    load: Watts | None
    failure: str | None = None
    refused: bool = False


@dataclass(slots=True)
class Result:
    """What came of one target."""

    target: Target
    feeds: list[FeedLoad] = field(default_factory=list)
    points: list[PointLoad] = field(default_factory=list)
    pdu: PduLoad | None = None

    @property
    def load(self) -> Watts | None:
        """The sum of all that is known of it."""
        if self.pdu is not None:
            return self.pdu.load
        known = [*(feed.load for feed in self.feeds), *(point.load for point in self.points)]
        return total(load for load in known if load is not None)

    @property
    def worst(self) -> Mapping[str, Failing]:
        """For each feed of a rack the failure of another one that is the worst for it."""
        return failing(self.feeds, self.target.hung)

    def alone_on(self, feed: str) -> list[str]:
        """What goes dark with a feed of a rack."""
        return alone_on(feed, self.target.hung)

    @property
    def pdus(self) -> list[PduLoad]:
        return [self.pdu] if self.pdu is not None else [pdu for feed in self.feeds for pdu in feed.pdus]

    @property
    def failures(self) -> list[str]:
        """Why its load is not, or not wholly, known."""
        said = [f"{pdu.name}: {pdu.failure}" for pdu in self.pdus if pdu.failure is not None]
        said += [f"{each.point.part}: {each.failure}" for each in self.points if each.failure is not None]
        return said

    @property
    def refused(self) -> bool:
        """Whether nothing but what the devices do not measure is missing."""
        missing = [pdu.refused for pdu in self.pdus if pdu.failure is not None]
        missing += [each.refused for each in self.points if each.failure is not None]
        return bool(missing) and all(missing)


def plan_targets(reader: Reader, things: Sequence[Thing]) -> list[Target]:
    """What is meant by each of these: places are their racks, and the PDUs in them that are in none."""
    found: dict[int, Target] = {}
    for thing in things:
        for each in _spread(reader, thing):
            found.setdefault(each.id, _target(reader, each))
    return list(found.values())


def all_pdus(reader: Reader) -> list[Thing]:
    """All that may be asked where nothing is named: racks, and PDUs that stand in none."""
    every = [thing for thing in racks(reader) if _giving(reader, standing(reader, [thing]))]
    inside = {thing.id for rack in every for thing in standing(reader, [rack])}
    drivers = [name for name in reader.drivers() if name == "PDU"]
    loose = [pdu for pdu in (reader.all(drivers) if drivers else ()) if pdu.id not in inside]
    return [*every, *loose]


async def read_all(
    plan: Plan, names: Iterable[str], ratings: Mapping[str, float], parallel: int, interruption: Interruption
) -> dict[str, PduLoad]:
    """What each PDU measures, by its name, `parallel` at a time."""
    places = asyncio.Semaphore(parallel)

    async def one(name: str) -> PduLoad:
        async with places, AsyncExitStack() as stack:
            control = await plan.entered(stack, name)
            try:
                readings = await interruption.within(_loads(control))
            except Exception as error:
                failure = failure_of(error)
                return PduLoad(name, (), str(failure), isinstance(failure, Refused), ratings.get(name))
            if not readings:
                return PduLoad(name, (), "it measures nothing", True, ratings.get(name))
            return PduLoad(name, readings, None, False, ratings.get(name))

    loads = await asyncio.gather(*(one(name) for name in names))
    return {load.name: load for load in loads}


async def _loads(control: PowerControl) -> Sequence[LoadReading]:
    if isinstance(control, MeteredControl):
        return await control.loads()
    # A device that cannot be asked says why here; others are not asked for what they cannot tell.
    await control.read([])
    raise Refused("it is reached in a way that measures nothing (power.driver)")


def conclude(targets: Iterable[Target], loads: Mapping[str, PduLoad]) -> list[Result]:
    """What the loads of the PDUs mean for each target."""
    return [_conclude(target, loads) for target in targets]


def ratings(reader: Reader, pdus: Iterable[Thing]) -> dict[str, float]:
    """What PDUs may carry by the inventory, in watts: their `rating`, else those of their inlets."""
    wanted = {pdu.id: pdu for pdu in pdus}
    found = {wanted[id].name: watts for id, watts in _numbers(reader, wanted).items()}
    inlets = {inlet.id: inlet for inlet in reader.parts(*wanted, driver=Inlet)}
    for id, watts in _numbers(reader, inlets).items():
        owner = wanted[inlets[id].entity_id]
        if owner.id not in _numbers(reader, [owner.id]):
            found[owner.name] = found.get(owner.name, 0.0) + watts
    return found


def _numbers(reader: Reader, ids: Iterable[int]) -> dict[int, float]:
    said = reader.values_under(_RATING, list(ids))
    numbers = {id: values[0].python() for id, values in said.items()}
    return {id: float(number) for id, number in numbers.items() if isinstance(number, int | float)}


def _spread(reader: Reader, thing: Thing) -> list[Thing]:
    if thing.is_part or not issubclass(thing.kind, PLACES) or thing.is_a(Rack):
        return [thing]
    own = racks(reader, [thing])
    inside = {each.id for rack in own for each in standing(reader, [rack])}
    loose = [each for each in _giving(reader, standing(reader, [thing])) if each.id not in inside]
    return [*(rack for rack in own if _giving(reader, standing(reader, [rack]))), *loose] or [thing]


def _giving(reader: Reader, things: Iterable[Thing]) -> list[Thing]:
    """Those of these that have outlets."""
    known = {thing.id: thing for thing in things if not thing.is_part}
    return in_order({known[outlet.entity_id] for outlet in reader.parts(*known, driver=Outlet)})


def _target(reader: Reader, thing: Thing) -> Target:
    if not thing.is_part and issubclass(thing.kind, PLACES):
        return _rack(reader, thing)
    if not thing.is_part and reader.parts(thing.id, driver=Outlet):
        return Target(thing, "pdu", [thing])
    return _fed(reader, thing)


def _rack(reader: Reader, rack: Thing) -> Target:
    pdus = _giving(reader, standing(reader, [rack]))
    names = {pdu.name for pdu in pdus}
    fed = {supply.target.name for supply in supplies(reader, pdus) if _owners(supply.outlets) & names}
    target = Target(rack, "rack", [pdu for pdu in pdus if pdu.name not in fed])
    for pdu in target.pdus:
        target.feeds.setdefault(_feed(reader, pdu), []).append(pdu.name)
    target.hung = _hung(reader, target.pdus)
    return target


def _hung(reader: Reader, pdus: Iterable[Thing]) -> list[Hung]:
    """What hangs on PDUs, with all outlets that it hangs on."""
    inlets = [inlet for pdu in pdus for every in fed_from(reader, pdu).values() for inlet in every]
    things = in_order(reader.by_ids({inlet.entity_id for inlet in inlets}).values())
    found = supplies(reader, things)
    outlets = [outlet for supply in found for outlet in supply.outlets]
    called = outlet_names(reader, outlets)
    letters = {id: _feed(reader, pdu) for id, pdu in reader.by_ids({each.entity_id for each in outlets}).items()}
    return [
        Hung(
            supply.target.name,
            tuple(Socket(each.owner_name, called[each.id], letters[each.entity_id]) for each in supply.outlets),
        )
        for supply in found
    ]


def _owners(outlets: Iterable[Thing]) -> set[str]:
    return {outlet.owner_name for outlet in outlets}


def _feed(reader: Reader, pdu: Thing) -> str:
    return next((value.value.text for value, _ in reader.effective(pdu) if value.key == FEED), pdu.name)


def _fed(reader: Reader, thing: Thing) -> Target:
    supply = supplies(reader, [thing])[0]
    called = outlet_names(reader, supply.outlets)
    owners = reader.by_ids({outlet.entity_id for outlet in supply.outlets})
    target = Target(thing, "thing", in_order(owners.values()))
    for feed in supply.feeds:
        if feed.outlet is not None:
            inlet = feed.inlet.part_name if feed.inlet is not None else None
            target.points.append(Point(inlet, feed.outlet.owner_name, called[feed.outlet.id], feed.outlet.name))
    target.notes += [f"{inlet.part_name}: no recorded feed" for inlet in supply.unrecorded]
    return target


def _conclude(target: Target, loads: Mapping[str, PduLoad]) -> Result:
    if target.kind == "pdu":
        return Result(target, pdu=loads[target.thing.name])
    if target.kind == "rack":
        feeds = [FeedLoad(letter, [loads[name] for name in names]) for letter, names in sorted(target.feeds.items())]
        return Result(target, feeds)
    return Result(target, points=[_point(point, loads[point.pdu]) for point in target.points])


def _point(point: Point, pdu: PduLoad) -> PointLoad:
    if pdu.failure is not None:
        return PointLoad(point, None, None, pdu.failure, pdu.refused)
    reading = pdu.outlet(point.outlet)
    if reading is None:
        return PointLoad(point, None, None, "its PDU does not measure it", True)
    load = watts_of(reading, pdu.volts)
    said = "; ".join(reading.notes) or "its PDU measures neither watts nor amperes of it"
    return PointLoad(point, reading, load, None if load is not None else said, load is None)
