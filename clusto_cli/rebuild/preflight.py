"""Asks every device that a rebuild needs whether it is there, before anything is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack

from clusto_cli.backends.base import Attach, BootState, ConsoleAccess, Provisioner
from clusto_cli.backends.console.script import Job as ConsoleJob
from clusto_cli.backends.console.script import Transcript, in_batches
from clusto_cli.backends.errors import Busy, DeviceError
from clusto_cli.backends.runner import Interruption, attempt, enter, run
from clusto_cli.power.actions import Actions, Result
from clusto_cli.rebuild.jobs import Check, Job, Power, boot_control
from clusto_cli.rebuild.machines import Machines
from clusto_core.errors import ClustoError

_SECONDS = 20.0
"""What attaching to a console, or an answer of the call-back server, may take."""


def examine(jobs: Sequence[Job], powers: Sequence[Power], machines: Machines, parallel: int) -> bool:
    """Adds to each job what its devices say. True when it was interrupted."""

    async def main(interruption: Interruption) -> None:
        async with AsyncExitStack() as stack:
            servers = await machines.servers(stack, [job.recipe for job in jobs if _has_server(job, machines)])
            places = asyncio.Semaphore(parallel)
            await asyncio.gather(
                _powers(powers, jobs, interruption, parallel),
                asyncio.to_thread(_consoles, jobs, parallel, interruption),
                _urls(jobs),
                *(_in(places, _boot_server(job, servers[job.name])) for job in jobs if job.name in servers),
                *(
                    _in(places, _override(power, job))
                    for power in powers
                    for job in jobs
                    if power.via == job.via and job.target is not None
                ),
            )

    return run(main)[1]


def _has_server(job: Job, machines: Machines) -> bool:
    """Whether there is a boot server to ask about a machine, of which what it is told is known."""
    if job.machine is None:
        return False
    try:
        machines.server(job.recipe)
    except ClustoError as error:
        job.checks.append(Check("boot server", False, str(error)))
        return False
    return True


async def _in(places: asyncio.Semaphore, work: Awaitable[None]) -> None:
    async with places:
        await work


async def _boot_server(job: Job, server: Provisioner) -> None:
    assert job.machine is not None
    try:
        job.checks.append(Check("boot server", True, await attempt(server.check(job.machine))))
        if await attempt(server.state(job.machine)) is BootState.FOREIGN:
            job.checks.append(Check("boot server", None, "has a boot file that clusto did not write: it is kept aside"))
    except DeviceError as error:
        job.checks.append(Check("boot server", False, str(error), device=True))


async def _powers(powers: Sequence[Power], jobs: Sequence[Job], interruption: Interruption, parallel: int) -> None:
    by_name = {job.name: job for job in jobs if job.target is not None}

    def tell(result: Result) -> None:
        job = by_name[result.target.name]
        if result.failures:
            job.checks.append(Check("power", False, "; ".join(result.failures), device=True))
        else:
            said = ", ".join(f"{each.point.part} {each.relay}" for each in result.points)
            job.checks.append(Check("power", True, said))

    async def one(power: Power) -> None:
        targets = [target for target in power.plan.targets if target.name in by_name]
        async with AsyncExitStack() as stack:
            try:
                sessions = await power.plan.open(stack, interruption, parallel=parallel)
            except ClustoError as error:
                for target in targets:
                    by_name[target.name].checks.append(Check("power", False, str(error)))
                return
            actions = Actions(sessions, interruption)
            await actions.all(targets, actions.status, tell)

    await asyncio.gather(*map(one, powers))


async def _override(power: Power, job: Job) -> None:
    """Whether the controller can be told what to boot from; without one the boot file alone steers the machine."""
    assert job.target is not None
    try:
        control = boot_control(power.plan, job.target)
        if control is None:
            job.checks.append(Check("boot device", None, "steered by the boot file alone: the network must be first"))
            return
        async with AsyncExitStack() as stack:
            found = await attempt((await enter(stack, control)).boot_override())
        job.checks.append(Check("boot device", True, f"by its controller, which says {found.code}"))
    except ClustoError as error:
        job.checks.append(Check("boot device", False, str(error)))
    except DeviceError as error:
        job.checks.append(Check("boot device", False, str(error), device=True))


def _consoles(jobs: Iterable[Job], parallel: int, interruption: Interruption) -> None:
    """Attaches to every console, looking on, and leaves again."""
    with_console = [job for job in jobs if job.access is not None and job.way is not None]
    ways = [(job.name, job.access) for job in with_console if job.access is not None]
    attached = look_at_consoles(ways, parallel, lambda: interruption.asked)
    for job, transcript in zip(with_console, attached, strict=True):
        assert job.way is not None
        error = transcript.error
        if error is None:
            job.checks.append(Check("console", True, job.way.words))
        else:
            what = f"{error} (somebody is on it)" if isinstance(error, Busy) else str(error)
            job.checks.append(Check("console", False, f"{job.way.words}: {what}", device=True))


def look_at_consoles(
    ways: Sequence[tuple[str, ConsoleAccess]], parallel: int, ended: Callable[[], bool] = lambda: False
) -> Iterator[Transcript]:
    """Whether each console can be attached to, taken from nobody."""
    looks = [ConsoleJob(name, access, attach=Attach.READ_ONLY, timeout=_SECONDS, keep=False) for name, access in ways]
    return in_batches(looks, parallel, ended)


async def _urls(jobs: Sequence[Job]) -> None:
    """Whether somebody listens for call-backs where the machines will call."""
    import httpx

    said: dict[str, str | None] = {}

    async def ask(client: httpx.AsyncClient, url: str) -> None:
        try:
            answer = await client.get(f"{url.rstrip('/')}/rebuild")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said[url] = f"{url}: {str(error) or type(error).__name__} (clusto rebuild serve answers there)"
            return
        fine = answer.status_code == 200 and answer.text.startswith("clusto rebuild")
        said[url] = None if fine else f"{url}: somebody else than clusto rebuild serve answers ({answer.status_code})"

    async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
        await asyncio.gather(*(ask(client, url) for url in dict.fromkeys(filter(None, map(_asked, jobs)))))
    for job in jobs:
        asked = _asked(job)
        if job.url is None:
            check = Check("call-back", None, "none: rebuild.url is not set")
        elif asked is None:
            check = Check("call-back", None, f"{job.url}, which is not asked (rebuild.check_url is none)")
        else:
            problem = said[asked]
            check = Check("call-back", problem is None, problem or f"{asked} answers", device=True)
        job.checks.append(check)


def _asked(job: Job) -> str | None:
    """Where the server that machines call is reached from here: machines may be on a network of their own."""
    url = job.recipe.values.get("rebuild.check_url") or job.url
    return None if url == "none" else url
