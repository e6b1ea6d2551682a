"""One device for the length of a command: what is asked of its outlets is sent together, in order, and read back.

Many servers hang on one PDU, and each is its own little story (off here and there, wait, on again). Each asks its own
outlets of the session; the session sends in one request whatever is asked at that moment, and asks for the states of
all outlets under way at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clusto_cli.backends.base import Concern, GracefulControl, OutletReading, PowerControl, Relay
from clusto_cli.backends.errors import DeviceError, NotVerified, Refused, Unreachable
from clusto_cli.backends.runner import Interrupted, Interruption, Unexpected, failure_of

_FIRST_POLL, _LAST_POLL = 0.1, 1.0
"""Seconds between two looks at a relay that has not moved yet: the first pause, doubled up to the last."""
_SILENT = DeviceError("the device says nothing of it")


@dataclass(slots=True)
class Switching:
    """What became of switching one outlet. Only `verified` means that it is done.

    `asked`: a command was sent. `acknowledged`: the device took it. `verified`: the device, read afterwards, shows
    the state that was wanted. `relay` is what it showed last.
    """

    outlet: str
    on: bool
    asked: bool = False
    acknowledged: bool = False
    verified: bool = False
    relay: Relay = Relay.UNKNOWN
    failure: DeviceError | None = None
    seconds: float = 0.0


@dataclass(slots=True, eq=False)
class _Job:
    switching: Switching
    group: str
    began: float
    done: asyncio.Future[Switching]
    deadline: float = 0.0


class PowerSession:
    """The outlets of one device.

    `places` bounds how many devices work at a time; `stagger` is the pause, in seconds, between two groups (servers)
    that are turned on; `settle` replaces the device's own time to show a change.
    """

    def __init__(
        self,
        control: PowerControl,
        interruption: Interruption,
        places: asyncio.Semaphore,
        *,
        stagger: float = 0.0,
        settle: float | None = None,
    ) -> None:
        self._control = control
        self._interruption = interruption
        self._places = places
        self._stagger = stagger
        self._settle = settle
        self._reading = asyncio.Lock()
        self._readings: dict[str, OutletReading | DeviceError] = {}
        self._touched: set[str] = set()
        self._told: dict[bool, dict[str, None]] = {True: {}, False: {}}
        self._jobs: dict[_Job, None] = {}
        """All that are not over."""
        self._queue: list[_Job] = []
        self._under_way: list[_Job] = []
        self._worker: asyncio.Task[None] | None = None
        self._next_start = 0.0
        self._arrived = asyncio.Event()
        interruption.when_asked(self._arrived.set)

    async def read(self, outlets: Iterable[str]) -> dict[str, OutletReading | DeviceError]:
        """What each outlet does, with its label and what it warns of; what has been read before is not read again.

        A device that does not answer gives its error for every outlet.
        """
        outlets = list(dict.fromkeys(outlets))
        async with self._reading:
            missing = [outlet for outlet in outlets if outlet not in self._readings]
            if missing:
                await self._read(missing)
        return {outlet: self._readings[outlet] for outlet in outlets}

    async def _read(self, outlets: list[str]) -> None:
        async with self._places:
            self._readings |= await self._ask(outlets)

    async def _ask(self, outlets: list[str], *, brief: bool = False) -> dict[str, OutletReading | DeviceError]:
        """What the device says of each of these, or why it says nothing."""
        try:
            said = await self._interruption.within(self._control.read(outlets, brief=brief))
            return {outlet: said.get(outlet, _SILENT) for outlet in outlets}
        except Exception as error:
            return dict.fromkeys(outlets, failure_of(error))

    async def shut_down(self, outlet: str) -> DeviceError | None:
        """Asks the system behind an outlet to shut down; why the device did not take that, if so."""
        control = self._control
        if not isinstance(control, GracefulControl):
            return Refused("it cannot ask a system to shut down")
        self._touched.add(outlet)
        try:
            async with self._places:
                return (await self._interruption.within(control.shutdown_gracefully([outlet]))).get(outlet)
        except Exception as error:
            return failure_of(error)

    async def look(self, outlet: str) -> OutletReading | DeviceError:
        """What one outlet does now."""
        async with self._places:
            reading = self._readings[outlet] = (await self._ask([outlet], brief=True))[outlet]
        self._touched.discard(outlet)
        return reading

    def switch(self, outlet: str, on: bool, group: str) -> tuple[Switching, asyncio.Future[Switching]]:
        """Turns one outlet on or off: what is known of that all along, and a future that is done when it is so, or
        has failed to become so.

        An outlet that was just read and is already there is left alone.
        """
        switching = Switching(outlet, on)
        job = _Job(switching, group, time.monotonic(), asyncio.get_running_loop().create_future())
        known = None if outlet in self._touched else self._readings.get(outlet)
        self._touched.add(outlet)
        wanted = Relay.ON if on else Relay.OFF
        if isinstance(known, OutletReading) and known.relay is wanted:
            switching.relay, switching.verified = wanted, True
            job.done.set_result(switching)
            return switching, job.done
        if isinstance(known, OutletReading):
            switching.relay = known.relay
        self._jobs[job] = None
        self._queue.append(job)
        self._arrived.set()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.ensure_future(self._work())
        return switching, job.done

    async def close(self) -> None:
        """Ends what is still under way."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        try:
            async with self._places:
                # Everything that is asked in this turn of the loop goes out together.
                await asyncio.sleep(0)
                pause = _FIRST_POLL
                while self._queue or self._under_way:
                    if self._interruption.asked:
                        self._drop_queue()
                    if await self._send():
                        pause = _FIRST_POLL
                    if self._under_way:
                        await self._look()
                    if self._under_way or self._queue:
                        await self._wait(pause)
                        pause = min(pause * 2, _LAST_POLL)
        except Exception as error:
            for job in list(self._jobs):
                self._finish(job, failure_of(error))
            self._queue, self._under_way = [], []
        finally:
            for job in self._jobs:
                job.done.cancel()

    async def _wait(self, pause: float) -> None:
        self._arrived.clear()
        if self._queue and self._stagger:
            pause = max(0.0, min(pause, self._next_start - time.monotonic()))
        if self._interruption.asked:
            pause = min(pause, _FIRST_POLL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), pause)

    async def _send(self) -> bool:
        batch = self._next_batch()
        if not batch:
            return False
        on = batch[0].switching.on
        outlets = [job.switching.outlet for job in batch]
        try:
            settle = await self._settle_times(outlets, on)
        except Exception as error:
            for job in batch:
                self._finish(job, NotSent(f"{failure_of(error)}; nothing was sent"))
            return False
        for job in batch:
            job.switching.asked = True
        try:
            failures = dict(await self._interruption.within(self._control.switch(outlets, on)))
        except Exception as error:
            failures = dict.fromkeys(outlets, failure_of(error))
        for job in batch:
            failure = job.switching.failure = failures.get(job.switching.outlet)
            job.switching.acknowledged = failure is None
            # What was not answered may have been done all the same, and then takes its time.
            if failure is None or isinstance(failure, Unreachable | Unexpected):
                job.deadline = time.monotonic() + settle[job.switching.outlet]
        self._under_way += batch
        return True

    async def _settle_times(self, outlets: list[str], on: bool) -> Mapping[str, float]:
        """Outlets told the same way before are counted too: a device that waits between outlets waits after those."""
        if self._settle is not None:
            return dict.fromkeys(outlets, self._settle)
        self._told[on] |= dict.fromkeys(outlets)
        times = await self._interruption.within(self._control.settle_times(list(self._told[on]), on))
        return {outlet: float(times[outlet]) for outlet in outlets}

    def _next_batch(self) -> list[_Job]:
        """The longest run of jobs for one direction that may go now; with a stagger, of one group."""
        if not self._queue:
            return []
        first = self._queue[0]
        staggered = self._stagger > 0 and first.switching.on
        if staggered and time.monotonic() < self._next_start:
            return []
        batch = []
        seen: set[str] = set()
        for job in self._queue:
            if job.switching.on is not first.switching.on or (staggered and job.group != first.group):
                break
            if job.switching.outlet in seen:
                break
            seen.add(job.switching.outlet)
            batch.append(job)
        del self._queue[: len(batch)]
        if staggered:
            self._next_start = time.monotonic() + self._stagger
        return batch

    async def _look(self) -> None:
        outlets = list(dict.fromkeys(job.switching.outlet for job in self._under_way))
        # An answer may be as old as its question: a relay that moved meanwhile must not be told as one that did not.
        asked_at = time.monotonic()
        readings = await self._ask(outlets, brief=True)
        waiting = []
        for job in self._under_way:
            if self._settled(job, readings[job.switching.outlet], asked_at):
                self._finish(job)
            else:
                waiting.append(job)
        self._under_way = waiting

    def _settled(self, job: _Job, reading: OutletReading | DeviceError, asked_at: float) -> bool:
        switching = job.switching
        if isinstance(reading, DeviceError):
            if isinstance(reading, Interrupted) and switching.acknowledged:
                reading = Interrupted(f"interrupted: acknowledged, and not seen {'on' if switching.on else 'off'} yet")
            switching.relay = Relay.UNKNOWN
            switching.failure = switching.failure or reading
            return True
        switching.relay = reading.relay
        wanted = Relay.ON if switching.on else Relay.OFF
        if reading.relay is wanted:
            switching.verified, switching.failure = True, None
            return True
        if asked_at < job.deadline:
            return False
        if switching.failure is None:
            fault = reading.concern(Concern.FAULT)
            waited = f"acknowledged, still {reading.relay} after {time.monotonic() - job.began:.0f} s"
            switching.failure = NotVerified(f"{waited}: {fault}" if fault else waited)
        return True

    def _finish(self, job: _Job, failure: DeviceError | None = None) -> None:
        job.switching.failure = failure or job.switching.failure
        job.switching.seconds = time.monotonic() - job.began
        self._jobs.pop(job, None)
        if not job.done.done():
            job.done.set_result(job.switching)

    def _drop_queue(self) -> None:
        for job in self._queue:
            self._finish(job, NotSent("interrupted before it was sent"))
        self._queue.clear()


class NotSent(DeviceError):
    """Nothing was sent to the outlet."""
