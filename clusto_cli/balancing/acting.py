"""What is done to members: each is one small story at one balancer, judged by what is read afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from clusto_cli.backends.balancer.model import BalancerControl, Goal, Member, Order, Reading, Rotation, found, shortfall
from clusto_cli.balancing.work import Done, Job, each_balancer, goals, member_of
from clusto_cli.context import App

Story = Callable[[BalancerControl, Job], list[Done]]
"""What is done at one pool of a balancer, to its end."""
_LOOK, _LONGEST_LOOK = 0.2, 2.0
"""Seconds between two looks at whether sessions have ended, at first and at last."""


def perform(app: App, jobs: Sequence[Job], story: Story) -> list[Done]:
    """Tells a story at every balancer; what became of each machine."""
    return each_balancer(app, jobs, story, writing=True)


def rehearse(app: App, jobs: Sequence[Job], story: Story) -> tuple[list[Order], list[Done]]:
    """What the story would send, and what stands against it. Nothing is changed."""
    from clusto_cli.backends.balancer.rehearsal import Rehearsal

    orders: list[Order] = []

    def told(control: BalancerControl, job: Job) -> list[Done]:
        rehearsal = Rehearsal(control)
        done = story(rehearsal, job)
        orders.extend(rehearsal.sent)
        return [each for each in done if each.failure is not None]

    return orders, each_balancer(app, jobs, told, writing=False)


def bringing(wanted: Callable[[Job], list[Goal]]) -> Story:
    """Has members be as they are wanted."""
    return lambda control, job: _seen(job, control.apply(job.backend, wanted(job)))


def draining(wait: float, *, force: bool) -> Story:
    """Takes members out of rotation, and waits so many seconds for their sessions to end.

    The last that serves in a pool is refused without `force`.
    """
    return lambda control, job: _drained(control, job, wait, force=force)


def _drained(control: BalancerControl, job: Job, wait: float, *, force: bool) -> list[Done]:
    wanted = goals(job, Rotation.DRAIN)
    before = control.members(job.backend)
    refusals = [] if force else _last(job, before)
    if refusals:
        return refusals
    readings = control.apply(job.backend, [goal for goal in wanted if not _is_out(before, goal.member)])
    deadline, pause = time.monotonic() + wait, _LOOK
    while wait and any(_busy(readings, goal.member) for goal in wanted) and time.monotonic() < deadline:
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(_LONGEST_LOOK, pause * 1.5)
        readings = control.members(job.backend)
    return [
        done._replace(failure=_left(done.reading, wait)) if wait and _busy(readings, member_of(machine)) else done
        for machine, done in zip(job.machines, _seen(job, readings), strict=True)
    ]


def leaving(wait: float, *, force: bool) -> Story:
    """Drains members, and when their sessions have ended has them be none."""

    def story(control: BalancerControl, job: Job) -> list[Done]:
        ended = _drained(control, job, wait, force=force)
        free = [each for each, done in zip(job.machines, ended, strict=True) if done.failure is None]
        control.apply(job.backend, [Goal(member_of(each), Rotation.ABSENT) for each in free])
        return ended

    return story


def read(app: App, jobs: Sequence[Job]) -> list[tuple[Job, list[Reading], str | None]]:
    """The members of each pool as its balancer has them, or why it does not say."""
    seen: dict[int, list[Reading]] = {}

    def look(control: BalancerControl, job: Job) -> list[Done]:
        seen[id(job)] = control.members(job.backend)
        return []

    failures = {id(done.job): done.failure for done in each_balancer(app, jobs, look, writing=False)}
    return [(job, seen.get(id(job), []), failures.get(id(job))) for job in jobs]


def differences(job: Job, readings: Sequence[Reading]) -> list[tuple[str, str]]:
    """In what a balancer is not as the inventory says: the member's name, and the difference in words."""
    told, known = [], []
    for machine in job.machines:
        if machine.address is None:
            told.append((machine.machine.name, "it has no address that requests could go to"))
            continue
        member = member_of(machine)
        reading = found(readings, member)
        known.append(reading)
        lacking = shortfall(reading, Goal(member, Rotation.READY, machine.weight))
        # Balancers that drain by the weight show no other then.
        if lacking is not None:
            told.append((member.name, lacking))
    others = [each for each in readings if each not in known]
    return told + [
        (each.name or f"{each.address} {each.port}", "the inventory does not have it here") for each in others
    ]


def strangers(job: Job, readings: Sequence[Reading]) -> list[Goal]:
    """What a balancer has and the inventory does not, to be gone."""
    known = [found(readings, member_of(each)) for each in job.machines if each.address is not None]
    return [
        Goal(Member(each.name or _named(each), each.address, each.port), Rotation.ABSENT)
        for each in readings
        if each not in known
    ]


def _named(reading: Reading) -> str:
    return f"{reading.address}-{reading.port}"


def _seen(job: Job, readings: Sequence[Reading]) -> list[Done]:
    return [Done(job, each.machine.name, found(readings, member_of(each))) for each in job.machines]


def _is_out(readings: Sequence[Reading], member: Member) -> bool:
    reading = found(readings, member)
    return reading is None or reading.rotation is Rotation.MAINT


def _busy(readings: Sequence[Reading], member: Member) -> bool:
    reading = found(readings, member)
    return reading is not None and bool(reading.sessions)


def _left(reading: Reading | None, wait: float) -> str:
    count = reading.sessions if reading is not None else 0
    return f"drained, and {count} session{'' if count == 1 else 's'} had not ended after {wait:g} s"


def _last(job: Job, readings: Sequence[Reading]) -> list[Done]:
    """The refusals of members without which nothing would serve."""
    leaving = [found(readings, member_of(each)) for each in job.machines]
    serving = [each for each in readings if each.rotation is Rotation.READY and each.health != "down"]
    if not any(each in leaving for each in serving) or any(each not in leaving for each in serving):
        return []
    why = f"nothing else would serve {job.at.behind.service.name} behind {job.vip} (--force goes ahead)"
    return [Done(job, each.machine.name, None, why, True) for each in job.machines]
