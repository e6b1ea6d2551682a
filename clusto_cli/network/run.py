"""One change command: every switch opened, read and judged, then changed and verified, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from clusto_cli.backends.errors import NO_SESSION, DeviceError
from clusto_cli.backends.runner import Interrupted, Interruption, attempt, side_by_side
from clusto_cli.backends.runner import run as run_loop
from clusto_cli.backends.switch.change import Prepared, carry_out
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.network.devices import Device, NotAllowed, told
from clusto_cli.network.jobs import ALREADY, FAILED, MISSING, MOVED, NOT_ASKED, PLANNED, REFUSED, Job

Look = Callable[[SwitchControl, Sequence[Job]], Awaitable[Prepared]]
"""Reads the ports of jobs on one switch and says what is to be done."""


@dataclass
class Opened:
    """A switch with its jobs, as far as it has come."""

    device: Device
    jobs: list[Job]
    control: SwitchControl | None = None
    prepared: Prepared | None = None
    order: str = ""
    caution: str = ""


Follow = Callable[[Sequence[Opened]], Awaitable[list[str]]]
"""Looks on the switches that are above those that are to be changed, and says what is wrong there."""


def perform(
    opened: Sequence[Opened],
    look: Look,
    *,
    parallel: int,
    dry_run: bool,
    agree: Callable[[Sequence[Opened]], None],
    progress: Callable[[int], None],
    warn: Callable[[str], None] = lambda text: None,
    follow: Follow | None = None,
) -> bool:
    """Looks at all switches, warns, asks `agree` (which raises to stop), changes them. True when it was interrupted.

    What became of each job is in the job; a failure of one switch stops no other.
    """

    async def main(interruption: Interruption) -> None:
        try:
            await _each(opened, lambda one: interruption.within(_look(one, look)), parallel, interruption)
            for one in opened:
                for text in one.prepared.warnings if one.prepared is not None else ():
                    warn(f"{one.device.name}: {text}")
            for text in await follow(opened) if follow is not None else ():
                warn(text)
            if dry_run:
                return
            if any(one.prepared is not None and one.prepared.goals for one in opened):
                agree(opened)
            await _each(opened, lambda one: _change(one, progress), parallel, interruption)
        finally:
            closing = (attempt(one.control.close()) for one in opened if one.control is not None)
            await asyncio.gather(*closing, return_exceptions=True)

    return run_loop(main)[1]


async def _each(
    opened: Sequence[Opened], step: Callable[[Opened], Awaitable[None]], parallel: int, interruption: Interruption
) -> None:
    """A step on every switch side by side; a DeviceError fails the jobs of its switch that are still open."""

    def operation(one: Opened) -> Callable[[Interruption], Awaitable[None]]:
        async def operate(interruption: Interruption) -> None:
            await step(one)

        return operate

    queues = {one.device.name: [operation(one)] for one in opened}
    outcomes = await side_by_side(queues, parallel=parallel, interruption=interruption)
    by_name = {one.device.name: one for one in opened}
    for outcome in outcomes:
        if outcome.failure is not None:
            _fail(by_name[outcome.device], outcome.failure)


def _fail(one: Opened, failure: DeviceError) -> None:
    """Why a switch cannot be spoken to is told once; what became of a change, of every port."""
    status = REFUSED if isinstance(failure, (Interrupted, NotAllowed)) else FAILED
    once = one.prepared is None and isinstance(failure, NO_SESSION)
    for place, job in enumerate(job for job in one.jobs if not job.status):
        if place and once:
            job.fail(NOT_ASKED, "")
        else:
            job.fail(status, told(failure))


async def _look(one: Opened, look: Look) -> None:
    one.control = await one.device.open()
    prepared = await look(one.control, one.jobs)
    one.prepared = prepared
    for job in one.jobs:
        job.before = prepared.now.ports.get(job.port)
        if job.port in prepared.already:
            job.status, job.after = ALREADY, job.before
        elif job.port in prepared.refused:
            reasons = prepared.refused[job.port]
            only_missing = len(reasons) == 1 and reasons[0].startswith("there is no VLAN")
            job.fail(MISSING if only_missing else REFUSED, "; ".join(reasons))


async def _change(one: Opened, progress: Callable[[int], None]) -> None:
    open_jobs = [job for job in one.jobs if not job.status]
    if one.prepared is not None and one.prepared.plan is not None and open_jobs:
        assert one.control is not None
        done = await carry_out(one.control, one.prepared)
        one.order, one.caution = done.order, done.caution
        for job in open_jobs:
            job.status, job.after, job.unsaved = MOVED, done.now.ports[job.port], done.unsaved
    progress(len(one.jobs))


def planned(opened: Sequence[Opened]) -> None:
    """Marks what a dry run would have done."""
    from clusto_cli.backends.switch.model import describe

    for one in opened:
        for job in one.jobs:
            if not job.status and one.prepared is not None and job.port in one.prepared.goals:
                job.status, job.text = PLANNED, describe(one.prepared.goals[job.port])
