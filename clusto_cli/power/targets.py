"""From the Things of a command to the outlets that are switched, and what speaks against it before any is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from clusto_cli.backends.base import PowerControl
from clusto_cli.backends.errors import DeviceError, Unusable
from clusto_cli.backends.power import GROUPS, open_bmc, open_pdu
from clusto_cli.backends.power.session import PowerSession
from clusto_cli.backends.power.unusable import UnusablePower
from clusto_cli.backends.runner import Interruption, enter
from clusto_core.answers.devicesettings import ReachedDevice, reached
from clusto_core.answers.feeding import inlets_of
from clusto_core.answers.power import Supply, others, outlet_names, supplies
from clusto_core.drivers.equipment import Mounted, VirtualServer
from clusto_core.drivers.parts import Outlet
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.model.attributes import Key
from clusto_core.model.reserved import POWER_PROFILE
from clusto_core.model.things import Thing
from clusto_core.rules.protection import PROTECTED, protection
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

FEED_KEY = Key("feed")
"""The letter of a feed, on a PDU or on what it is in."""
BMC = "bmc"
Session = TypeVar("Session", bound=PowerSession)


class Point(NamedTuple):
    """One outlet of one target: the inlet it feeds, the device that switches it, and what that device calls it.

    `feeder` is the inlet of the device that the outlet hangs on itself, as `Plan.name_feeders` finds it.
    """

    inlet: str | None
    device: str
    outlet: str
    part: str
    feeder: str = ""


@dataclass(slots=True)
class Target:
    """A Thing (or one inlet, or one outlet) and all that is switched for it."""

    thing: Thing
    points: list[Point] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusal: str | None = None
    """Why nothing can be done to it, as far as the inventory knows."""

    @property
    def name(self) -> str:
        return self.thing.name


class Plan:
    """The targets of a command and the devices behind them. Built from the inventory alone; devices are spoken to by
    `open`.
    """

    def __init__(self, reader: Reader, things: Sequence[Thing], via: str | None) -> None:
        """Raises Refused when a target has no outlet and no management controller that could switch it."""
        self.targets: list[Target] = []
        self.recognised: dict[str, str] = {}
        self._devices: dict[str, ReachedDevice] = {}
        self._kept: dict[str, str] = {}
        self._unusable: dict[str, ClustoError] = {}
        self._against: list[ClustoError] = []
        self.systems: dict[str, Point] = {}
        """By target: where its operating system can be asked to shut down."""
        found = self._supplies = supplies(reader, things)
        if via != BMC:
            self._add_pdus(reader, found)
        self._add_targets(reader, found, via)
        self.refuse_all()

    @contextlib.contextmanager
    def refusing(self, target: Target) -> Iterator[None]:
        """What is raised against one target (Refused, NotFound, Malformed) becomes its own refusal."""
        try:
            yield
        except (Refused, NotFound, Malformed) as error:
            target.refusal = str(error)
            self._against.append(error)

    def refuse_all(self) -> None:
        """Raises what stands against the targets, when that is so for every one."""
        if self.targets and all(target.refusal for target in self.targets):
            reasons = list(dict.fromkeys(map(str, self._against)))
            more = f" (and {len(reasons) - 5} more)" if len(reasons) > 5 else ""
            raise type(self._against[0])(f"{'; '.join(reasons[:5])}{more}")

    @property
    def devices(self) -> list[str]:
        """The names of the devices, in order; a management controller has its server's name behind `bmc:`."""
        points = (point for target in self.targets for point in target.points)
        return sorted({point.device for point in (*points, *self.systems.values())}, key=natural_key)

    def name_feeders(self, reader: Reader) -> None:
        """Says of each point on which inlet of its device it is, where that is recorded."""
        names = {point.part for target in self.targets for point in target.points}
        outlets = [part for part in reader.find_names(names).values() if part.is_a(Outlet)]
        feeding = inlets_of(reader, outlets)
        known = {outlet.name: inlet.name for outlet in outlets if (inlet := feeding[outlet.id]) is not None}
        for target in self.targets:
            target.points = [point._replace(feeder=known.get(point.part, "")) for point in target.points]

    def refusals(self, reader: Reader) -> list[str]:
        """What must not be switched off without force, and why, as far as the inventory knows."""
        reasons = []
        if next(reader.having(PROTECTED), None) is not None:
            things = [_whole(reader, target.thing) for target in self.targets]
            reasons = [reason for thing in things if (reason := protection(reader, thing))]
        if any(not point.device.startswith(BMC) for target in self.targets for point in target.points):
            for effect in others(reader, self._supplies):
                where = ", ".join(outlet.name for outlet in effect.lost) or "what it stands in"
                reasons.append(f"{where} also feeds {effect.thing.name}")
        return reasons

    async def open(
        self,
        stack: AsyncExitStack,
        interruption: Interruption,
        *,
        parallel: int,
        stagger: float = 0.0,
        settle: float | None = None,
    ) -> dict[str, PowerSession]:
        """As `open_as`, for sessions that do what they are asked."""
        return await self.open_as(PowerSession, stack, interruption, parallel=parallel, stagger=stagger, settle=settle)

    async def open_as(
        self,
        kind: type[Session],
        stack: AsyncExitStack,
        interruption: Interruption,
        *,
        parallel: int,
        stagger: float = 0.0,
        settle: float | None = None,
    ) -> dict[str, Session]:
        """A session of this kind with each device, by its name; `stack` ends them.

        A device whose settings cannot be used fails alone; raises what stands against them (Malformed, NotFound,
        Refused) when that leaves nothing to do for any target.
        """
        places = asyncio.Semaphore(parallel)
        sessions = {}
        for name in self.devices:
            control = await self.entered(stack, name)
            session = kind(control, interruption, places, stagger=stagger, settle=settle)
            stack.push_async_callback(session.close)
            sessions[name] = session
        self.refuse_unusable()
        return sessions

    async def entered(self, stack: AsyncExitStack, name: str) -> PowerControl:
        """The adapter of one device, entered; one that says why it cannot be asked, where that is so."""
        try:
            return await enter(stack, self.control(name))
        except ClustoError as error:
            self._unusable[name] = error
            return UnusablePower(Unusable(str(error)))
        except DeviceError as error:
            return UnusablePower(error)

    def refuse_unusable(self) -> None:
        """Raises what is wrong with the settings of the devices when every target needs one of those."""
        able = [target for target in self.targets if not target.refusal]
        if able and all(any(each in self._unusable for each in self._needed(target)) for target in able):
            reasons = list(dict.fromkeys(map(str, self._unusable.values())))
            more = f" (and {len(reasons) - 5} more)" if len(reasons) > 5 else ""
            raise type(next(iter(self._unusable.values())))(f"{'; '.join(reasons[:5])}{more}")

    def _needed(self, target: Target) -> list[str]:
        """The devices without which nothing can be done to a target."""
        system = self.systems.get(target.name)
        return [point.device for point in (*target.points, *([system] if system else []))]

    def control(self, name: str) -> PowerControl:
        """The adapter of one device, not yet entered. Raises Malformed for settings that cannot be."""
        device = self._devices[name]

        def keep(profile: str) -> None:
            self.recognised[name] = profile

        try:
            if name.startswith(f"{BMC}:"):
                return open_bmc(device.thing.name, device.settings)
            return open_pdu(name, device.address, device.settings, self._kept.get(name), keep)
        except ValueError as error:
            raise Malformed(f"{device.thing.name}: {error}") from None

    def find_systems(self, reader: Reader) -> None:
        """Learns how the operating system of each target is asked to shut down. Raises Refused where it is not."""
        for target in self.targets:
            with self.refusing(target):
                if target.thing.is_part:
                    raise Refused(f"{target.name} is a part: only a whole machine can be asked to shut down")
                self.systems[target.name] = self._controller(reader, target.thing)
        self.refuse_all()

    def _add_pdus(self, reader: Reader, found: Iterable[Supply]) -> None:
        owners = {outlet.owner_id for supply in found for outlet in supply.outlets if outlet.owner_id is not None}
        self.add_devices(reader, reader.by_ids(owners).values())

    def add_devices(self, reader: Reader, pdus: Iterable[Thing]) -> None:
        """Learns how these PDUs are reached."""
        for device in reached(reader, pdus, GROUPS).values():
            self._devices[device.thing.name] = device
        by_id = {device.thing.id: name for name, device in self._devices.items()}
        for attribute in reader.attributes(*by_id):
            if attribute.key == POWER_PROFILE:
                self._kept[by_id[attribute.thing_id]] = attribute.value.text

    def _add_targets(self, reader: Reader, found: Sequence[Supply], via: str | None) -> None:
        outlets = (outlet for supply in found for outlet in supply.outlets)
        called = outlet_names(reader, outlets) if via != BMC else {}
        without: list[tuple[Target, str]] = []
        for supply in found:
            target = Target(supply.target)
            self.targets.append(target)
            instead = _instead(reader, supply)
            fed = any(feed.outlet is not None for feed in supply.feeds)
            if via == BMC or (not fed and via is None):
                without.append((target, instead))
                continue
            if not fed:
                with self.refusing(target):
                    told = instead or "`clusto connect` records one"
                    raise Refused(f"{target.name} has no recorded power feed ({told})")
                continue
            for feed in supply.feeds:
                if feed.outlet is not None:
                    inlet = feed.inlet.part_name if feed.inlet is not None else None
                    outlet = feed.outlet
                    target.points.append(Point(inlet, outlet.owner_name, called[outlet.id], outlet.name))
            target.notes += [f"{inlet.part_name}: no recorded feed" for inlet in supply.unrecorded]
        self._add_controllers(reader, without, via)

    def _add_controllers(self, reader: Reader, targets: Sequence[tuple[Target, str]], via: str | None) -> None:
        missing = "" if via == BMC else "no recorded power feed and "
        for target, instead in targets:
            with self.refusing(target):
                target.points.append(self._controller(reader, _whole(reader, target.thing), missing, instead))

    def _controller(self, reader: Reader, thing: Thing, missing: str = "", instead: str = "") -> Point:
        """Where a machine's management controller switches it; `instead` is what one might have meant."""
        device = reached(reader, [thing], GROUPS)[thing.id]
        if "bmc.host" not in device.settings:
            told = instead or "bmc.host is not set"
            raise Refused(f"{thing.name} has {missing}no management controller ({told})")
        name = f"{BMC}:{thing.name}"
        self._devices[name] = device
        return Point(None, name, "server", name)


def _instead(reader: Reader, supply: Supply) -> str:
    """What one may type instead of something that has no power of its own; empty for what could have."""
    thing = supply.target
    if supply.gives:
        outlets = reader.parts(thing.id, driver=Outlet)
        numbers = [outlet.number for outlet in outlets if outlet.name == f"{thing.name}:{outlet.number}"]
        known = f"{thing.name}:[{min(filter(None, numbers))}-{max(filter(None, numbers))}]" if any(numbers) else ""
        own = f"its outlets: '{known}', or " if known else ""
        return f"{own}what hangs on it: --where 'driver:Server connected to name:{thing.name}'"
    if thing.is_part or thing.is_a(Mounted) or thing.is_a(VirtualServer):
        return ""
    return f"what is in it: --where 'driver:Server in name:{thing.name}'"


def pdu_plan(reader: Reader, pdu: Thing) -> Plan:
    """A plan without targets that can speak to one PDU."""
    plan = Plan(reader, [], None)
    plan.add_devices(reader, [pdu])
    return plan


def feeds_of(reader: Reader, plan: Plan) -> dict[str, str]:
    """The letter of each PDU's feed, by the PDU's name, where one is recorded."""
    names = [name for name in plan.devices if not name.startswith(BMC)]
    found: dict[str, str] = {}
    for thing in reader.find_names(names).values():
        for attribute, _ in reader.effective(thing):
            if attribute.key == FEED_KEY:
                found.setdefault(thing.name, attribute.value.text)
    return found


def _whole(reader: Reader, thing: Thing) -> Thing:
    return thing if thing.owner_id is None else reader.by_ids([thing.owner_id])[thing.owner_id]
