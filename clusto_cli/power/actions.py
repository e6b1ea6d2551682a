"""What is done to the targets of a power command: each is one small story, and all go on side by side.

What was asked, what was acknowledged and what was verified are kept apart throughout; only what is verified counts as
done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from clusto_cli.backends.base import Concern, OutletReading, Relay
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.power.session import PowerSession, Switching
from clusto_cli.backends.runner import Interruption, failure_of
from clusto_cli.power.targets import Point, Target

Readings = dict[str, OutletReading | DeviceError]
ON, OFF, PARTLY, UNKNOWN = "on", "off", "partly", "unknown"
_ON_THE_WAY = 0.005
"""Seconds in which the last device's first question is on its way."""
_LOOK = 1.0
"""Seconds between two looks at whether a system has shut down."""
LabelCheck = Callable[[Target, Point, OutletReading], str | None]
"""Why the label that a device has for an outlet contradicts the cable; None when it does not."""


@dataclass(slots=True)
class PointResult:
    """One outlet of a target: as it was read before anything was sent, and what became of each switching of it."""

    point: Point
    before: OutletReading | None = None
    unread: DeviceError | None = None
    switchings: list[Switching] = field(default_factory=list)

    @property
    def relay(self) -> Relay:
        """What the outlet was last seen to do."""
        if self.switchings:
            return self.switchings[-1].relay
        return self.before.relay if self.before is not None else Relay.UNKNOWN

    @property
    def failure(self) -> str | None:
        """Why it is not as it should be."""
        error = self.switchings[-1].failure if self.switchings else self.unread
        return None if error is None else f"{self.point.part}: {error}"


@dataclass(slots=True)
class Result:
    """What became of one target. `done`: every outlet was verified; `failures` say why not."""

    target: Target
    points: list[PointResult]
    done: bool = False
    failures: list[str] = field(default_factory=list)
    refused: bool = False
    seconds: float = 0.0
    told_system: bool = False
    """Its operating system was asked to shut down."""

    @property
    def state(self) -> str:
        """on, off, partly (some of each), or unknown (an outlet could not be read, or is still moving)."""
        return state_of([point.relay for point in self.points])

    @property
    def asked(self) -> bool:
        """Whether anything was sent for it."""
        return self.told_system or any(switching.asked for point in self.points for switching in point.switchings)


def state_of(relays: Sequence[Relay]) -> str:
    """One word for the outlets of one target."""
    if relays and all(relay is Relay.ON for relay in relays):
        return ON
    if relays and all(relay is Relay.OFF for relay in relays):
        return OFF
    if Relay.ON in relays and Relay.OFF in relays:
        return PARTLY
    return UNKNOWN


class Actions:
    """The stories, over the sessions with the devices.

    With `force` the locks of devices and the labels of outlets are no reason to refuse; what cannot be switched stays
    one.
    """

    def __init__(
        self,
        sessions: Mapping[str, PowerSession],
        interruption: Interruption,
        *,
        pause: float = 5.0,
        force: bool = False,
        contradicts: LabelCheck = lambda target, point, reading: None,
    ) -> None:
        self._sessions = sessions
        self._interruption = interruption
        self._pause = pause
        self._force = force
        self._contradicts = contradicts
        self._readings: dict[str, asyncio.Future[Readings]] = {}
        self._results: dict[str, Result] = {}

    async def all(
        self,
        targets: Sequence[Target],
        story: Callable[[Target], Awaitable[Result]],
        tell: Callable[[Result], None],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[Result]:
        """The results of every target's story, told as they come.

        `meanwhile` is called while all devices have something to answer.
        """
        await self.read(targets)
        asyncio.get_running_loop().call_later(_ON_THE_WAY, meanwhile)

        async def timed(target: Target) -> Result:
            began = time.monotonic()
            try:
                result = await story(target)
            except asyncio.CancelledError:
                tell(self._cut_short(target, "interrupted before it was read back"))
                raise
            except Exception as error:
                result = self._cut_short(target, str(failure_of(error)))
            result.seconds = time.monotonic() - began
            tell(result)
            return result

        return list(await asyncio.gather(*(timed(target) for target in targets)))

    def _cut_short(self, target: Target, why: str) -> Result:
        """What is known of a target whose story was not told to its end."""
        result = self._results.get(target.name) or _untouched(target)
        result.failures.append(why)
        result.done = False
        return result

    async def read(self, targets: Sequence[Target]) -> None:
        """Begins to ask whole devices for all outlets of these targets, which comes before any of their stories.

        What is refused is not asked about: nobody would wait for the answer.
        """
        outlets: dict[str, dict[str, None]] = {}
        for target in targets:
            for point in () if target.refusal else target.points:
                outlets.setdefault(point.device, {})[point.outlet] = None
        for name, wanted in outlets.items():
            self._readings[name] = asyncio.ensure_future(self._sessions[name].read(wanted))
            # One device's questions are on their way while the next one's are being put.
            await asyncio.sleep(0)

    async def status(self, target: Target) -> Result:
        """Reads; switches nothing."""
        result = await self._read(target)
        result.done = not result.failures
        return result

    async def turn(self, target: Target, on: bool) -> Result:
        """All feeds on, or all off."""
        result = await self._ready(target, lambda point: (on,))
        if not result.failures:
            await self._switch(result, result.points, on)
            result.failures += [failure for each in result.points if (failure := each.failure)]
            result.done = all(each.switchings[-1].verified for each in result.points)
        return result

    async def shut_down(self, target: Target, system: Point | None, patience: float) -> Result:
        """Its operating system asked to shut down; all feeds off once that has turned the machine off, or has not
        within `patience` seconds. What cannot be asked is not turned off.
        """
        result = await self._ready(target, lambda point: (False,))
        if not result.failures and system is not None:
            await self._ask_system(result, system, patience)
        if not result.failures:
            await self._switch(result, result.points, False)
            result.failures += [failure for each in result.points if (failure := each.failure)]
            result.done = all(each.switchings[-1].verified for each in result.points)
        return result

    async def _ask_system(self, result: Result, system: Point, patience: float) -> None:
        session = self._sessions[system.device]
        reading = await session.look(system.outlet)
        if isinstance(reading, DeviceError):
            result.failures.append(f"{system.part}: {reading}; nothing was sent")
            return
        if not _is_on(reading):
            return
        result.told_system = True
        refusal = await session.shut_down(system.outlet)
        if refusal is not None:
            result.failures.append(f"{system.part}: {refusal}; its power was not cut")
            return
        ends = time.monotonic() + patience
        while _is_on(reading):
            if await self._interruption.pause(min(_LOOK, max(0.0, ends - time.monotonic()))):
                result.failures.append("interrupted: asked to shut down, its power was not cut")
                return
            if time.monotonic() >= ends:
                break
            reading = await session.look(system.outlet)

    async def cycle(self, target: Target, while_off: Callable[[], Awaitable[None]] | None = None) -> Result:
        """All feeds off, verified; a pause; all on. When not all go off, those that did go on again.

        `while_off` is done once all were verified off, at the end of the pause, and must not raise: what is off goes on
        again.
        """
        result = await self._ready(target, lambda point: (False, True))
        if not result.failures:
            await self._switch(result, result.points, False)
            await self._back_on(result, result.points, while_off)
        return result

    async def cycle_feeds(self, target: Target, chosen: Sequence[Point]) -> Result:
        """The chosen feeds off and on again, one at a time, and only while another one is on."""
        result = await self._ready(target, lambda point: (False, True) if point in chosen else ())
        for point in [] if result.failures else [each for each in result.points if each.point in chosen]:
            others = [each for each in result.points if each.point.part != point.point.part]
            if not any(each.relay is Relay.ON for each in others):
                result.refused = True
                result.failures.append(
                    f"{point.point.part} is the last feed that is on, or the only one known: not touched"
                )
                break
            await self._switch(result, [point], False)
            await self._back_on(result, [point])
            if result.failures:
                break
        result.done = not result.failures
        return result

    async def restore(self, target: Target, states: Mapping[str, str]) -> Result:
        """Each outlet to what it was: `on` or `off`, by its name in the inventory; others are left alone."""
        ways = {ON: (True,), OFF: (False,)}
        result = await self._ready(target, lambda point: ways.get(states.get(point.part, ""), ()))
        if not result.failures:
            known = [each for each in result.points if states.get(each.point.part) in (ON, OFF)]
            ons = [each for each in known if states[each.point.part] == ON]
            offs = [each for each in known if states[each.point.part] == OFF]
            await asyncio.gather(self._switch(result, ons, True), self._switch(result, offs, False))
            result.failures += [failure for each in known if (failure := each.failure)]
            result.done = not result.failures
        return result

    async def _read(self, target: Target) -> Result:
        if target.refusal:
            return Result(target, [], failures=[target.refusal], refused=True)
        by_device = {name: await self._readings[name] for name in {point.device for point in target.points}}
        result = self._results[target.name] = Result(target, [])
        for point in target.points:
            reading = by_device[point.device][point.outlet]
            if isinstance(reading, OutletReading):
                result.points.append(PointResult(point, before=reading))
            else:
                result.points.append(PointResult(point, unread=reading))
        result.failures = [failure for each in result.points if (failure := each.failure)]
        return result

    async def _ready(self, target: Target, ways: Callable[[Point], Sequence[bool]]) -> Result:
        """The target read, and refused for what its devices say of it. Nothing has been sent.

        `ways` are the directions in which an outlet is going to be told, one after the other: on is True.
        """
        if self._interruption.asked:
            result = _untouched(target)
            result.failures.append("interrupted: nothing was sent")
            return result
        result = await self._read(target)
        for each in result.points:
            if each.before is None:
                continue
            reasons = [each.before.concern(Concern.BAR), *_never(each.before, ways(each.point))]
            if not self._force:
                reasons.append(each.before.concern(Concern.LOCK))
                reasons.append(self._contradicts(target, each.point, each.before))
            for reason in filter(None, reasons):
                result.refused = True
                result.failures.append(f"{each.point.part}: {reason}")
        if result.failures and not result.refused:
            result.failures[-1] += "; nothing was sent"
        return result

    async def _switch(self, result: Result, points: Sequence[PointResult], on: bool) -> None:
        name = result.target.name
        begun = [self._sessions[each.point.device].switch(each.point.outlet, on, name) for each in points]
        for each, (switching, _) in zip(points, begun, strict=True):
            each.switchings.append(switching)
        for _, done in begun:
            await done

    async def _back_on(
        self,
        result: Result,
        points: Sequence[PointResult],
        while_off: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """After a pause, on again; at once when not all went off. Nothing after an interrupt."""
        result.failures += [failure for each in points if (failure := each.failure)]
        if not result.failures:
            await self._interruption.pause(self._pause)
            if while_off is not None and not self._interruption.asked:
                await while_off()
        if self._interruption.asked:
            result.failures.append("interrupted: not turned on again")
            return
        dark = [each for each in points if each.relay is not Relay.ON]
        await self._switch(result, dark, True)
        result.failures += [failure for each in dark if (failure := each.failure)]
        result.done = not result.failures


def _is_on(reading: OutletReading | DeviceError) -> bool:
    """Whether it is, as far as anybody knows, still on."""
    return not (isinstance(reading, OutletReading) and reading.relay is Relay.OFF)


def _untouched(target: Target) -> Result:
    return Result(target, [PointResult(point) for point in target.points])


def _never(reading: OutletReading, ways: Sequence[bool]) -> Iterator[str | None]:
    """Why the device would not go one of these ways; none for a way in which the outlet is already."""
    relay = reading.relay
    for on in ways:
        wanted = Relay.ON if on else Relay.OFF
        if relay is not wanted:
            yield reading.never.get(on)
        relay = wanted
