"""What a rebuild would do, step by step. Nothing is sent but questions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from clusto_cli.power.actions import LabelCheck, Result
from clusto_cli.power.dryrun import lines_of, rehearse
from clusto_cli.power.run import Manner
from clusto_cli.rebuild.jobs import boot_control
from clusto_cli.rebuild.prepare import Prepared


class Planned(NamedTuple):
    """A machine's steps of one kind, as lines and as records; and what would come of those that are refused."""

    lines: list[str]
    steps: list[dict[str, Any]]
    results: list[Result]


def plan(prepared: Prepared, force: bool, contradicts: LabelCheck) -> Planned:
    """The steps in the order in which they would come for one machine; power by kinds."""
    parts = [asyncio.run(_files(prepared, install=True))]
    for power in prepared.powers:
        manner = Manner(force=force)
        rehearsed, _ = rehearse(power.plan, lambda actions, target: actions.cycle(target), manner, contradicts)
        steps = [_step(each.result.target.name, s.where, s.what) for each in rehearsed for _, s in each.steps]
        parts.append(Planned(lines_of(rehearsed), steps, [each.result for each in rehearsed]))
        overridden = [
            job.name
            for job in prepared.jobs
            if job.via == power.via and job.target is not None and boot_control(power.plan, job.target) is not None
        ]
        told = "boot from the network once, between off and on, by its controller"
        parts.append(Planned([f"{name}  {told}" for name in overridden], [_step(n, "", told) for n in overridden], []))
    parts.append(asyncio.run(_files(prepared, install=False)))
    return _joined(parts)


def _joined(parts: Sequence[Planned]) -> Planned:
    return Planned(
        [line for part in parts for line in part.lines],
        [step for part in parts for step in part.steps],
        [result for part in parts for result in part.results],
    )


def _step(name: str, where: str, what: str) -> dict[str, Any]:
    return {"name": name, "where": where, "what": what}


async def _files(prepared: Prepared, *, install: bool) -> Planned:
    async with AsyncExitStack() as stack:
        servers = await prepared.machines.servers(stack, [job.recipe for job in prepared.jobs])
        steps = []
        for job in prepared.jobs:
            assert job.machine is not None
            for step in await servers[job.name].steps(job.machine, install):
                steps.append(_step(job.name, step.where, step.what))
        return Planned([f"{step['name']}  {step['where']}  {step['what']}" for step in steps], steps, [])
