"""Work at balancers: one thread each, its pools in order; what goes wrong with one is that one's failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from clusto_cli.backends.balancer import is_known, open_balancer
from clusto_cli.backends.balancer.model import Backend, BalancerControl, Goal, Member, Reading, Rotation
from clusto_cli.backends.errors import DeviceError, Unusable
from clusto_cli.context import App
from clusto_core.answers.balancing import Balanced, PoolBehind, Served, balanced
from clusto_core.errors import ClustoError, Refused
from clusto_core.store.reader import Reader
from clusto_core.tuples import NamedTuple

T = TypeVar("T")
_LOCK_WAIT = 60.0
"""Seconds to wait for another command that writes the same balancer's configuration."""


class Job:
    """A pool at its balancer, and the machines that a command is about."""

    __slots__ = ("at", "machines")

    def __init__(self, at: Balanced, machines: list[Served]) -> None:
        self.at = at
        self.machines = machines

    @property
    def backend(self) -> Backend:
        behind = self.at.behind
        return Backend(self.at.backend, self.at.vip_address, behind.port, behind.service.name)

    @property
    def vip(self) -> str:
        return self.at.behind.vip.name


class Done(NamedTuple):
    """What became of one machine in one pool, or of the pool where machine is empty."""

    job: Job
    machine: str
    reading: Reading | None = None
    failure: str | None = None
    refused: bool = False


def jobs_of(
    reader: Reader, machines: Iterable[Served], pools: Iterable[PoolBehind] = ()
) -> tuple[list[Job], list[str]]:
    """The jobs for these machines, and for these pools without any; the VIPs of which no balancer is known."""
    by_pool: dict[PoolBehind, list[Served]] = {each: [] for each in pools}
    for each in machines:
        by_pool.setdefault(each.behind, []).append(each)
    jobs = [Job(at, by_pool[at.behind]) for at in balanced(reader, by_pool)]
    return [job for job in jobs if is_known(job.at.settings)], [
        job.vip for job in jobs if not is_known(job.at.settings)
    ]


def member_of(machine: Served) -> Member:
    """A machine as its balancer knows it. Raises Refused where nothing says where requests to it go."""
    name = machine.machine.name
    if machine.address is None:
        raise Refused(f"{name} has no address that requests could go to (clusto ip allocate, or balancer.address)")
    return Member(name, machine.address, machine.behind.port)


def members_of(jobs: Iterable[Job]) -> None:
    """Raises Refused where a machine of these jobs has no address, before anything is done."""
    for job in jobs:
        for machine in job.machines:
            member_of(machine)


def goals(job: Job, rotation: Rotation | None, *, weigh: bool = False) -> list[Goal]:
    """One state for all machines of a job; their weights too, with `weigh`."""
    return [Goal(member_of(each), rotation, each.weight if weigh else None) for each in job.machines]


def each_balancer(
    app: App, jobs: Sequence[Job], work: Callable[[BalancerControl, Job], list[Done]], *, writing: bool
) -> list[Done]:
    """What `work` finds at every pool, in the order of the jobs; its failure is that of every machine of the job."""
    by_balancer: dict[str, list[Job]] = {}
    for job in jobs:
        by_balancer.setdefault(job.at.balancer.name, []).append(job)
    with _locked(app, jobs) if writing else contextlib.nullcontext():
        queues = list(by_balancer.values())
        if len(queues) == 1:
            return _at_one(queues[0], work)
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(32, max(1, len(queues)))) as threads:
            return [done for found in threads.map(lambda queue: _at_one(queue, work), queues) for done in found]


def _locked(app: App, jobs: Sequence[Job]) -> contextlib.AbstractContextManager[object]:
    """A configuration is read, changed and written whole, by one command at a time."""
    things = list({job.at.balancer: None for job in jobs if "balancer.file" in job.at.settings})
    if not things:
        return contextlib.nullcontext()
    from clusto_core.records.locks import Locks

    return Locks(app.settings).on(things, _LOCK_WAIT)


def _at_one(jobs: Sequence[Job], work: Callable[[BalancerControl, Job], list[Done]]) -> list[Done]:
    found = []
    for job in jobs:
        try:
            with _opened(job.at) as control:
                found += work(control, job)
        except DeviceError as error:
            found += failed(job, f"{job.at.balancer.name}: {error}")
        except ClustoError as error:
            found += failed(job, str(error), refused=True)
    return found


def failed(job: Job, why: str, *, refused: bool = False) -> list[Done]:
    """The same failure of every machine of a job, or of the job where it has none."""
    return [Done(job, name, None, why, refused) for name in [each.machine.name for each in job.machines] or [""]]


def _opened(at: Balanced) -> BalancerControl:
    try:
        return open_balancer(at.balancer.name, at.address, at.settings)
    except ValueError as error:
        raise Unusable(str(error)) from None
