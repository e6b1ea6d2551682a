"""One rebuild command from its jobs to its outcomes: locks, journal, guardian, consoles, the stories side by side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from clusto_cli.backends.base import Attach, OutletReading, Provisioner
from clusto_cli.backends.runner import Interruption, enter, failure_of, run
from clusto_cli.power.actions import Actions, LabelCheck
from clusto_cli.power.labels import Labels
from clusto_cli.power.targets import BMC, Plan, Point, Target
from clusto_cli.rebuild.guardian import Guardian
from clusto_cli.rebuild.hearing import Hearing, Tell
from clusto_cli.rebuild.jobs import Job, Power, boot_control, installs
from clusto_cli.rebuild.listening import Listening
from clusto_cli.rebuild.machines import Machines, local_directory, server_settings
from clusto_cli.rebuild.scribe import Scribe
from clusto_cli.rebuild.signs import Evidence
from clusto_cli.rebuild.story import Ears, Outcome, Story, Work
from clusto_cli.rebuild.watching import LocalFetches
from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.model.things import Thing
from clusto_core.records.locks import LockLost, Locks
from clusto_core.records.rebuilds import CONSOLE, FAILED, FETCH, FETCHED, Event, Journal, Rebuild, last_event
from clusto_core.store.reader import open_reader

LOCK_SECONDS = 10.0
"""How long the lock of a machine holds when the command that rebuilds it has died."""
_RENEW = 2.5
_SHORT_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a command goes about it. parallel: machines at once; pause: seconds between off and on at outlets."""

    parallel: int = 16
    pause: float = 5.0
    stagger: float = 0.0
    force: bool = False


@dataclass(frozen=True)
class Begun:
    """A job whose rebuild is in the store. last: the newest event when that was read. token: what the machine will call
    back with. heard: what was heard before, where the installer runs already; None where all begins."""

    job: Job
    rebuild: Rebuild
    last: int
    token: str = ""
    heard: Sequence[Event] | None = None

    @property
    def installs(self) -> str:
        """What it was begun with, whatever is set by now."""
        return str(self.rebuild.plan["installs"])


def locks_of(store: Settings) -> Locks:
    """The locks of machines that are rebuilt: short, and renewed, so that a dead command holds nobody up for long."""
    return Locks(store, seconds=LOCK_SECONDS)


def begin(store: Settings, jobs: Sequence[Job]) -> list[Begun]:
    """Writes down that these are begun."""
    with open_reader(store.url) as reader:
        last = last_event(reader)
    begun = Journal(store).begin([(job.thing, plan_of(job)) for job in jobs])
    return [Begun(job, rebuild, last, token) for job, (rebuild, token) in zip(jobs, begun, strict=True)]


def begin_again(store: Settings, begun: Sequence[Begun]) -> list[Begun]:
    """New tokens for those of which no installer was heard: what they are told is written anew."""
    journal = Journal(store)
    again = []
    for each in begun:
        if each.heard is None:
            plan = plan_of(each.job)
            token = journal.renew_token(each.rebuild, plan)
            each = replace(each, rebuild=each.rebuild._replace(plan=plan), token=token)
        again.append(each)
    return again


def plan_of(job: Job) -> dict[str, Any]:
    """What a rebuild sets out to do, as the store keeps it: for the server that is called back, and for who asks."""
    assert job.os is not None
    assert job.machine is not None
    return {
        "os": job.os.name,
        "installs": installs(job),
        "via": job.via,
        "files": sorted(job.machine.install),
        "answers": sorted(f"hosts/{job.name}/{name}" for name in job.machine.answers),
        "addresses": [job.machine.address] if job.machine.address else [],
        "possible": sorted(job.possible),
        "needed": job.needed,
        "timeout": job.timeout,
    }


def perform(
    store: Settings,
    begun: Sequence[Begun],
    powers: Sequence[Power],
    machines: Machines,
    locks: Locks,
    manner: Manner,
    tell: Tell,
    record: Callable[[Begun, Outcome], None],
    finished: Callable[[Outcome], None],
) -> tuple[list[Outcome], str | None, bool]:
    """The outcome of each, in order; why not all that was heard could be written down, if so; and whether the run was
    interrupted.

    Events are told as they come; each outcome is recorded, in a thread, and then told as finished.
    """

    async def main(interruption: Interruption) -> tuple[list[Outcome], str | None]:
        jobs = [each.job for each in begun]
        async with AsyncExitStack() as stack:
            scribe = await stack.enter_async_context(Scribe(Journal(store)))
            hearing = Hearing(store, scribe, tell, min(each.last for each in begun))
            for each in begun:
                # All from the beginning: a cancellation may come before a machine's turn.
                assert each.job.machine is not None
                boot_files = frozenset(each.job.machine.install)
                hearing.follow(each.rebuild, Evidence(each.job.possible, each.job.needed, boot_files), each.heard or ())
            stack.push_async_callback(_cancelled, asyncio.create_task(hearing.listen()))
            stack.push_async_callback(
                _cancelled, asyncio.create_task(_hold(locks, [job.thing for job in jobs], hearing))
            )
            servers = await machines.servers(stack, [job.recipe for job in jobs])
            guardian = stack.enter_context(Guardian(store))
            listening = await stack.enter_async_context(_listening(hearing, begun))
            actions = {
                power.via: await _actions(stack, power, interruption, manner, labels_of(store)) for power in powers
            }
            plans = {power.via: power.plan for power in powers}
            fetches = stack.enter_context(
                LocalFetches(lambda number, path: hearing.hear_of(number, FETCH, FETCHED, path))
            )
            ears = Ears(hearing, listening, fetches)
            crew = _Crew(ears, guardian, interruption, servers, actions, plans, machines, record)
            places = asyncio.Semaphore(manner.parallel)

            async def one(each: Begun) -> Outcome:
                async with places:
                    outcome = await crew.rebuild(each)
                finished(outcome)
                return outcome

            outcomes = list(await asyncio.gather(*map(one, begun)))
        return outcomes, scribe.unwritten

    (outcomes, unwritten), interrupted = run(main)
    return outcomes, unwritten, interrupted


def labels_of(store: Settings) -> LabelCheck:
    """Holds labels against the inventory as it is when a machine's turn comes, which may be hours from now."""

    def contradicts(target: Target, point: Point, reading: OutletReading) -> str | None:
        with open_reader(store.url) as reader:
            return Labels(reader).contradiction(target, point, reading)

    return contradicts


async def _actions(
    stack: AsyncExitStack, power: Power, interruption: Interruption, manner: Manner, contradicts: LabelCheck
) -> Actions:
    """Whoever switches the machines of one kind. Behind a controller no capacitors need to run empty; the pause is for
    what other processes heard before the power was off, which comes a second late."""
    sessions = await power.plan.open(stack, interruption, parallel=64, stagger=manner.stagger)
    pause = min(_SHORT_PAUSE, manner.pause) if power.via == BMC else manner.pause
    actions = Actions(sessions, interruption, pause=pause, force=manner.force, contradicts=contradicts)
    await actions.read(power.plan.targets)
    return actions


@asynccontextmanager
async def _listening(hearing: Hearing, begun: Sequence[Begun]) -> AsyncIterator[Listening]:
    """Attached to every console, in a thread of its own; what is heard comes back to this loop."""
    loop = asyncio.get_running_loop()
    by_name = {each.job.name: each for each in begun}

    def hear(name: str, event: str, line: str) -> None:
        loop.call_soon_threadsafe(hearing.hear_of, by_name[name].rebuild.id, CONSOLE, event, line)

    with Listening(hear) as listening:
        for each in begun:
            if each.job.access is not None:
                listening.attach(each.job.name, each.job.access, each.job.signs, Attach.READ_ONLY)
        yield listening


async def _hold(locks: Locks, things: Sequence[Thing], hearing: Hearing) -> None:
    """Keeps the locks, in a thread that nothing else waits for, and tells of those that another command has got hold
    of, as it can when this one slept too long."""
    held = list(things)
    with ThreadPoolExecutor(1, "locks") as thread:
        while held:
            try:
                await asyncio.get_running_loop().run_in_executor(thread, locks.renew, held)
            except LockLost as lost:
                hearing.lose(lost.name)
                held = [thing for thing in held if thing.name != lost.name]
                continue
            except ClustoError:
                pass  # a store that cannot be written for a moment: the locks hold for some seconds more
            await asyncio.sleep(_RENEW)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@dataclass
class _Crew:
    ears: Ears
    guardian: Guardian
    interruption: Interruption
    servers: Mapping[str, Provisioner]
    actions: Mapping[str, Actions]
    plans: Mapping[str, Plan]
    machines: Machines
    record: Callable[[Begun, Outcome], None]

    async def rebuild(self, begun: Begun) -> Outcome:
        """One machine's outcome, whatever goes wrong with it: no other machine's rebuild ends with it."""
        outcome = Outcome(begun.job.name, begun.rebuild.id, begun.rebuild.phase)
        try:
            outcome = await self._story(begun)
        except Exception as error:
            outcome.failures.append(str(error if isinstance(error, ClustoError) else failure_of(error)))
            outcome.phase = FAILED
            self.ears.hearing.fail(begun.rebuild.id, outcome.failures[0])
        await asyncio.to_thread(self.record, begun, outcome)
        return outcome

    async def _story(self, begun: Begun) -> Outcome:
        job = begun.job
        assert job.target is not None
        assert job.machine is not None
        assert job.os is not None
        machine = self.machines.installing(job.recipe, job.os, begun.token) if begun.heard is None else job.machine
        async with AsyncExitStack() as stack:
            control = boot_control(self.plans[job.via], job.target)
            if control is not None:
                await enter(stack, control)
            work = Work(
                job.target,
                machine,
                self.servers[job.name],
                server_settings(job.recipe),
                local_directory(job.recipe),
                self.actions[job.via],
                control,
                job.probe,
                job.timeout,
                job.boot_timeout,
            )
            followed = self.ears.hearing[begun.rebuild.id]
            story = Story(work, followed, self.ears, self.guardian, self.interruption)
            return await story.tell(resumed=begun.heard is not None)
