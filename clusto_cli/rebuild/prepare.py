"""What comes before a rebuild is performed: jobs out of Things, what was begun before, and calling it off."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clusto_cli.backends.base import BmcControl, BootDevice
from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.power import GROUPS, open_bmc
from clusto_cli.rebuild.jobs import Job, Power, jobs_for, refusals
from clusto_cli.rebuild.machines import Machines
from clusto_cli.rebuild.run import Begun
from clusto_core.answers.devicesettings import reached
from clusto_core.config import Settings
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.model.things import Thing
from clusto_core.records.rebuilds import (
    CANCELLED,
    CLUSTO,
    INSTALLING,
    STARTED,
    STARTING,
    Event,
    Heard,
    Journal,
    Rebuild,
    events,
    last_event,
    latest,
)
from clusto_core.store.reader import Reader, open_reader


@dataclass
class Prepared:
    """The jobs of a command, how their power is reached, and what speaks against it."""

    jobs: list[Job]
    powers: list[Power]
    machines: Machines
    reasons: list[str]


def prepare(reader: Reader, things: Sequence[Thing], *, via: str | None, timeout: float | None) -> Prepared:
    """Jobs for these machines. Raises Malformed for what is none."""
    for thing in things:
        if thing.is_part:
            raise Malformed(f"{thing.name} is a part: name the machine")
    machines = Machines()
    jobs, powers = jobs_for(reader, machines, things, via=via, timeout=timeout)
    return Prepared(jobs, powers, machines, refusals(reader, jobs, powers))


def going_on(reader: Reader, jobs: Sequence[Job]) -> list[Begun]:
    """What was begun of each: with what was heard where its installer runs; the others have to begin again.

    Raises NotFound, Refused where nothing goes on.
    """
    last = last_event(reader)
    known = latest(reader, [job.thing for job in jobs])
    heard: dict[int, list[Event]] = {rebuild.id: [] for rebuild in known.values()}
    for event in events(reader, heard):
        heard[event.rebuild_id].append(event)
    begun = []
    for job in jobs:
        rebuild = _last(known, job.thing)
        if rebuild.ended:
            raise Refused(f"the last rebuild of {job.name} has ended: {rebuild.phase}")
        of_it = heard[rebuild.id]
        runs = rebuild.phase in (INSTALLING, STARTING) or any(event.event == STARTED for event in of_it)
        if runs and job.failed:
            raise Refused(f"{job.name}: {job.failed[0].topic}: {job.failed[0].text}")
        begun.append(Begun(job, rebuild, last, heard=of_it if runs else None))
    return begun


def _last(known: Mapping[int, Rebuild], thing: Thing) -> Rebuild:
    if thing.id not in known:
        raise NotFound(f"no rebuild of {thing.name} is recorded")
    return known[thing.id]


def cancel(store: Settings, things: Sequence[Thing]) -> dict[str, str]:
    """Ends the rebuilds of these; why a boot file or a controller could not be put back, by the machine's name.

    A command that performs one of them notices. One that was cancelled is put back again. Raises NotFound, Refused
    where nothing goes on.
    """
    with open_reader(store.url) as reader:
        known = latest(reader, things)
    rebuilds = [_last(known, thing) for thing in things]
    for rebuild in rebuilds:
        if rebuild.ended and rebuild.phase != CANCELLED:
            raise Refused(f"the last rebuild of {rebuild.name} has ended: {rebuild.phase}")
    Journal(store).add([Heard(rebuild.id, CLUSTO, CANCELLED, None, CANCELLED) for rebuild in rebuilds])
    return asyncio.run(_call_off(store, rebuilds))


async def _call_off(store: Settings, rebuilds: Sequence[Rebuild]) -> dict[str, str]:
    disarm = Machines().disarm(store, keep_answers=False)

    async def one(rebuild: Rebuild) -> tuple[str, str] | None:
        try:
            await disarm(rebuild)
            await _no_override(store, rebuild)
        except (DeviceError, ClustoError, OSError) as error:
            return rebuild.name, str(error)
        return None

    return dict(filter(None, await asyncio.gather(*map(one, rebuilds))))


async def _no_override(store: Settings, rebuild: Rebuild) -> None:
    """What was told to a controller and not used yet is taken back."""
    with open_reader(store.url) as reader:
        thing = reader.by_ids([rebuild.thing_id]).get(rebuild.thing_id)
        device = reached(reader, [thing], GROUPS)[thing.id] if thing is not None else None
    if device is None or rebuild.plan.get("via") != "bmc":
        return
    try:
        control = open_bmc(rebuild.name, device.settings)
    except ValueError as error:
        raise Malformed(f"{rebuild.name}: {error}") from None
    if isinstance(control, BmcControl):
        async with control:
            await control.set_boot_override(BootDevice.DEFAULT, once=False)
