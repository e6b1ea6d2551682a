"""What a rebuild would do, step by step. Nothing is sent but questions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

from clusto_cli.power.dryrun import steps as power_steps
from clusto_cli.power.run import Manner
from clusto_cli.rebuild.jobs import boot_control
from clusto_cli.rebuild.prepare import Prepared


def steps(prepared: Prepared) -> Iterator[str]:
    """A line a step, in the order in which they would come for one machine; power by kinds."""
    yield from asyncio.run(_files(prepared, install=True))
    for power in prepared.powers:
        yield from power_steps(power.plan, "cycle", Manner())
        for job in prepared.jobs:
            if job.via == power.via and job.target is not None and boot_control(power.plan, job.target) is not None:
                yield f"{job.name}  boot from the network once, between off and on, by its controller"
    yield from asyncio.run(_files(prepared, install=False))


async def _files(prepared: Prepared, *, install: bool) -> list[str]:
    async with AsyncExitStack() as stack:
        servers = await prepared.machines.servers(stack, [job.recipe for job in prepared.jobs])
        lines = []
        for job in prepared.jobs:
            assert job.machine is not None
            for step in await servers[job.name].steps(job.machine, install):
                lines.append(f"{job.name}  {step.where}  {step.what}")
        return lines
