"""Before machines go dark: what they serve is told, and drained where that is wished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusto_cli.balancing.acting import draining, perform
from clusto_cli.balancing.work import jobs_of, members_of
from clusto_cli.context import App
from clusto_core.answers.balancing import Served, served
from clusto_core.drivers.parts import Outlet
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

_FEW = 5


def serving(reader: Reader, things: Iterable[Thing]) -> list[Served]:
    """What these Things serve behind VIPs, and what they feed, where they are outlets."""
    machines = dict.fromkeys(_machine(reader, thing) for thing in things)
    return served(reader, [each for each in machines if each is not None])


def warn(app: App, found: Sequence[Served], what: str) -> None:
    """Says what sessions are cut."""
    for each in found[:_FEW]:
        behind = each.behind
        words = f"{each.machine.name} serves {behind.service.name} behind {behind.vip.name}"
        app.say(f"warning: {words} (--drain drains it before the {what})")
    if len(found) > _FEW:
        app.say(f"warning: and {len(found) - _FEW} more")


def drain_first(app: App, found: Sequence[Served], wait: float, *, force: bool) -> dict[str, str]:
    """Drains all of it; why not, by the names of the machines that still serve. What is drained stays so."""
    with app.reading() as reader:
        jobs, unknown = jobs_of(reader, found)
    members_of(jobs)
    failures = {
        each.machine.name: f"nothing says how the balancer of {each.behind.vip.name} is told (balancer.driver)"
        for each in found
        if each.behind.vip.name in unknown
    }
    done = perform(app, jobs, draining(wait, force=force))
    failures |= {each.machine: f"behind {each.job.vip}: {each.failure}" for each in done if each.failure is not None}
    by_service: dict[str, list[str]] = {}
    for each in done:
        if each.machine not in failures:
            by_service.setdefault(each.job.at.behind.service.name, []).append(each.machine)
    for name, machines in by_service.items():
        app.say(f"drained: when it serves again, clusto service ready {name} {' '.join(dict.fromkeys(machines))}")
    return failures


def _machine(reader: Reader, thing: Thing) -> Thing | None:
    """The machine that goes dark with a target of power: the Thing, a part's owner, or what an outlet feeds."""
    if thing.is_a(Outlet):
        inlet = reader.partner(thing)
        return reader.by_ids([inlet.entity_id])[inlet.entity_id] if inlet is not None else None
    return thing if thing.owner_id is None else reader.by_ids([thing.owner_id])[thing.owner_id]
