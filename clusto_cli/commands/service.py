"""Record which machines run a service, and behind which virtual addresses; tell their load balancers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clusto_cli import categories, completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Real, Whole
from clusto_cli.options import at_option, change_options, dry_run_option, message_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import names_argument, targets
from clusto_core.drivers.categories import Service
from clusto_core.errors import NotFound

if TYPE_CHECKING:
    from clusto_cli.backends.balancer.model import Goal
    from clusto_cli.balancing.acting import Story
    from clusto_cli.balancing.work import Done, Job
    from clusto_core.answers.balancing import Served
    from clusto_core.inventory import Transaction
    from clusto_core.model.things import Thing
    from clusto_core.store.reader import Reader

F = TypeVar("F", bound=Callable[..., Any])
EXIT_REFUSED, EXIT_DEVICE = 4, 5

command = categories.group(
    Service,
    "Record which machines run a service, on which port, behind which VIP, and have its load balancer do so.",
    members=False,
)


def _wait_option(default: float) -> Callable[[F], F]:
    return click.option(
        "--wait",
        type=Real(0),
        metavar="SECONDS",
        default=default,
        show_default=True,
        help="How long sessions may take to end.",
    )


_vip_option = click.option(
    "--vip", metavar="VIP", help="Only behind this VIP, named or by address.", shell_complete=completion.parts
)
_last_option = click.option("--force", is_flag=True, help="Also the last that serves.")
_no_balancer_option = click.option("--no-balancer", is_flag=True, help="Record it only, and tell no load balancer.")


@command.command("create")
@click.argument("name", metavar="NAME")
@click.option("--port", metavar="PORT", type=Whole(), help="The TCP or UDP port it is served on.")
@click.option(
    "--role", metavar="ROLE", help="Only machines in this role run it.", shell_complete=completion.of_driver("Role")
)
@change_options
@pass_app
def create(app: App, name: str, port: int | None, role: str | None, message: str | None, dry_run: bool) -> None:
    """Make a Service called NAME.

    \b
        clusto service create shop --port 8443
    """
    from clusto_core.rules import services

    with app.changing(message, dry_run=dry_run) as change:
        made = services.create(change.unit, name, port, change.resolve(role) if role is not None else None)
    write_lines([f"{'would create' if dry_run else 'created'} Service {made.name}"])


@command.command("add")
@categories.category_argument(Service)
@names_argument
@click.option("--vip", metavar="VIP", help="Behind this VIP, named or by address.", shell_complete=completion.parts)
@_no_balancer_option
@change_options
@pass_app
def add(
    app: App,
    group: str,
    names: tuple[str, ...],
    vip: str | None,
    no_balancer: bool,
    message: str | None,
    dry_run: bool,
) -> int:
    """Record that each NAME runs SERVICE; with --vip, as a member of the VIP's pool, and on its load balancer.

    It is recorded first, so that a balancer never serves what the inventory does not know; where the balancer does not
    do it, that is told, and the same command tries again.

    \b
        clusto service add shop 'server[1-2]' --vip lb1:shop
    """
    from clusto_core.rules import services

    lines = {}
    jobs: list[Job] = []
    with app.changing(message, dry_run=dry_run) as change:
        service = categories.category(change, Service, group)
        behind = services.vip_named(change.unit, vip) if vip else None
        things = [change.resolve(found.name) for found in targets(change.unit.reader, names)]
        for machine in things:
            changed = services.add(change.unit, service, machine, behind)
            verb = ("would add" if dry_run else "added") if changed else "already:"
            lines[machine.name] = f"{verb} {service.name} on {machine.name}{f' to {behind.name}' if behind else ''}"
        if behind is not None and not no_balancer:
            jobs = _jobs_within(app, change, service, things, behind)
    if dry_run or not jobs:
        write_lines(lines.values())
    if not jobs:
        return 0
    from clusto_cli.balancing.acting import bringing

    if dry_run:
        return _rehearsed(app, jobs, bringing(_as_recorded))
    return _told(app, jobs, bringing(_as_recorded), lines)


@command.command("remove")
@categories.category_argument(Service)
@names_argument
@_wait_option(60)
@_last_option
@_no_balancer_option
@change_options
@pass_app
def remove(
    app: App,
    group: str,
    names: tuple[str, ...],
    wait: float,
    force: bool,
    no_balancer: bool,
    message: str | None,
    dry_run: bool,
) -> int:
    """Record that NAME runs SERVICE no longer, behind no VIP; load balancers drain it first, and give it up.

    What a balancer does not give up stays recorded.

    \b
        clusto service remove shop server1
    """
    lines = []
    left: list[Done] = []
    with app.reading() as reader:
        service = categories.category(reader, Service, group)
        things = targets(reader, names)
        jobs = [] if no_balancer or app.is_within else _jobs(app, reader, service, things, None)
    if jobs:
        # What would be refused is refused before a balancer is told.
        app.try_out(lambda change: _forget(change, service, *things))
    if jobs and not dry_run:
        from clusto_cli.balancing.acting import leaving, perform

        left = [done for done in perform(app, jobs, leaving(wait, force=force)) if done.failure is not None]
    kept = {done.machine for done in left}
    if any(thing.name not in kept for thing in things):
        with app.changing(message, dry_run=dry_run) as change:
            for thing in things:
                if thing.name not in kept:
                    _forget(change, service, thing)
                    lines.append(f"{'would remove' if dry_run else 'removed'} {service.name} from {thing.name}")
    write_lines(lines)
    if dry_run and jobs:
        from clusto_cli.balancing.acting import leaving

        return _rehearsed(app, jobs, leaving(wait, force=force))
    return _failures(app, left)


@command.command("list")
@click.argument("group", metavar="[SERVICE]", required=False, shell_complete=completion.of_driver(Service.__name__))
@click.option("--vip", metavar="VIP", help="Only what is behind this VIP.", shell_complete=completion.parts)
@output_option
@at_option
@pass_app
@paged
def list_(app: App, group: str | None, vip: str | None, output: str) -> None:
    """List which machine runs what, on which port, behind which VIPs.

    \b
        clusto service list shop
    """
    from clusto_core.rules import services

    with app.reading() as reader:
        service = categories.category(reader, Service, group) if group else None
        behind = services.checked_vip(services.part_holding(reader, vip)) if vip else None
        found = services.running(reader, service, behind)
    if output == "text":
        write_lines(
            f"{each.service.name}\t{each.machine.name}\t{each.port or '-'}"
            f"\t{','.join(vip.name for vip in each.vips) or '-'}"
            for each in found
        )
    else:
        write_records(
            output,
            (
                {
                    "service": each.service.name,
                    "name": each.machine.name,
                    "port": each.port,
                    "vips": [vip.name for vip in each.vips],
                }
                for each in found
            ),
        )


@command.command("drain")
@categories.category_argument(Service)
@names_argument
@_vip_option
@_wait_option(300)
@_last_option
@dry_run_option
@output_option
@pass_app
def drain(
    app: App,
    group: str,
    names: tuple[str, ...],
    vip: str | None,
    wait: float,
    force: bool,
    dry_run: bool,
    output: str,
) -> int:
    """Have load balancers give NAME no new session of SERVICE, and wait for those that it has to end.

    The last that serves behind a VIP is not drained without --force. With --wait 0 nothing is waited for.

    \b
        clusto service drain shop server1 --wait 120
    """
    from clusto_cli.balancing import acting
    from clusto_cli.progress import progress

    jobs = _members(app, group, names, vip)
    story = acting.draining(wait, force=force)
    if dry_run:
        return _rehearsed(app, jobs, story)
    with progress(f"draining {group}"):
        done = acting.perform(app, jobs, story)
    return _shown(app, done, output)


@command.command("ready")
@categories.category_argument(Service)
@names_argument
@_vip_option
@dry_run_option
@output_option
@pass_app
def ready(app: App, group: str, names: tuple[str, ...], vip: str | None, dry_run: bool, output: str) -> int:
    """Have load balancers give NAME sessions of SERVICE again.

    \b
        clusto service ready shop server1
    """
    from clusto_cli.backends.balancer.model import Rotation
    from clusto_cli.balancing import acting
    from clusto_cli.balancing.work import goals

    jobs = _members(app, group, names, vip)
    return _done_or_rehearsed(app, jobs, acting.bringing(lambda job: goals(job, Rotation.READY)), dry_run, output)


@command.command("weight")
@categories.category_argument(Service)
@click.argument("weight", metavar="WEIGHT", type=Whole(0, 256))
@names_argument
@message_option
@dry_run_option
@output_option
@pass_app
def weight_(
    app: App, group: str, weight: int, names: tuple[str, ...], message: str | None, dry_run: bool, output: str
) -> int:
    """Give NAME this share of the sessions of SERVICE, beside the weights of others; it is recorded (balancer.weight).

    \b
        clusto service weight shop 50 server1
    """
    from clusto_cli.balancing import acting
    from clusto_core.answers.balancing import WEIGHT, served

    jobs = _members(app, group, names, None)
    things = {each.machine for job in jobs for each in job.machines}
    with app.changing(message, dry_run=dry_run) as change:
        for thing in things:
            change.set_values(change.resolve(thing.name), WEIGHT, weight)
    for job in jobs:
        job.machines = [each._replace(weight=weight) for each in job.machines]
    if dry_run:
        return _rehearsed(app, jobs, acting.bringing(_as_recorded))
    done = acting.perform(app, jobs, acting.bringing(_as_recorded))
    with app.reading() as reader:
        others = [each for each in served(reader, list(things)) if each.behind.service.name != group]
    for name in dict.fromkeys(each.behind.service.name for each in others):
        app.say(f"note: what is weighed serves {name} too (clusto service apply {name})")
    return _shown(app, done, output)


@command.command("status")
@click.argument("group", metavar="[SERVICE]", required=False, shell_complete=completion.of_driver(Service.__name__))
@_vip_option
@output_option
@pass_app
@paged
def status(app: App, group: str | None, vip: str | None, output: str) -> int:
    """Say what load balancers do with the members of SERVICE, or of all: rotation, health, weight, sessions.

    \b
        clusto service status shop
    """
    from clusto_cli.balancing import acting, report

    jobs = _pools(app, group, vip)
    seen = acting.read(app, jobs)
    records = [
        report.member_record(job, name, reading) for job, readings, _ in seen for name, reading in _named(job, readings)
    ]
    if output == "text":
        write_lines(
            f"{job.at.behind.service.name}\t{name}\t{job.vip}\t{report.state(reading)}"
            for job, readings, failure in seen
            if failure is None
            for name, reading in _named(job, readings)
        )
    else:
        write_records(output, records)
    return _unasked(app, seen)


@command.command("verify")
@click.argument("group", metavar="[SERVICE]", required=False, shell_complete=completion.of_driver(Service.__name__))
@_vip_option
@output_option
@pass_app
@paged
def verify(app: App, group: str | None, vip: str | None, output: str) -> int:
    """Hold what the inventory says of SERVICE, or of all, against what load balancers do; it exits with 4 where they
    differ.

    \b
        clusto service verify shop
    """
    from clusto_cli.balancing import acting

    seen = acting.read(app, _pools(app, group, vip))
    found = [
        (job, name, what)
        for job, readings, failure in seen
        if failure is None
        for name, what in acting.differences(job, readings)
    ]
    if output == "text":
        write_lines(f"{job.at.behind.service.name}\t{name}\t{job.vip}\t{what}" for job, name, what in found)
    else:
        write_records(
            output,
            (
                {
                    "name": name,
                    "service": job.at.behind.service.name,
                    "vip": job.vip,
                    "balancer": job.at.balancer.name,
                    "difference": what,
                }
                for job, name, what in found
            ),
        )
    return _unasked(app, seen) or (EXIT_REFUSED if found else 0)


@command.command("apply")
@click.argument("group", metavar="[SERVICE]", required=False, shell_complete=completion.of_driver(Service.__name__))
@_vip_option
@click.option("--remove-others", is_flag=True, help="Have balancers give up what the inventory does not have there.")
@dry_run_option
@output_option
@pass_app
def apply(app: App, group: str | None, vip: str | None, remove_others: bool, dry_run: bool, output: str) -> int:
    """Have load balancers do what the inventory says of SERVICE, or of all: members, addresses, weights.

    What is drained stays so.

    \b
        clusto service apply shop --dry-run
    """
    from clusto_cli.balancing import acting
    from clusto_cli.balancing.work import members_of

    jobs = _pools(app, group, vip)
    members_of(jobs)
    others: dict[int, list[Goal]] = {}
    if remove_others:
        others = {id(job): acting.strangers(job, readings) for job, readings, _ in acting.read(app, jobs)}

    def wanted(job: Job) -> list[Goal]:
        return [*_as_recorded(job), *others.get(id(job), [])]

    return _done_or_rehearsed(app, jobs, acting.bringing(wanted), dry_run, output)


def _forget(change: Transaction, service: Thing, *machines: Thing) -> None:
    from clusto_core.rules import services

    for machine in machines:
        services.remove(change.unit, change.resolve(service.name), change.resolve(machine.name))


def _jobs(app: App, reader: Reader, service: Thing, things: Sequence[Thing], vip: Thing | None) -> list[Job]:
    """The work for these machines at the balancers of a service; VIPs of which no balancer is known are told."""
    from clusto_core.answers.balancing import served

    return _known(app, reader, served(reader, things, service=service, vip=vip))


def _known(app: App, reader: Reader, machines: Sequence[Served]) -> list[Job]:
    from clusto_cli.balancing.work import jobs_of, members_of

    jobs, unknown = jobs_of(reader, machines)
    for name in dict.fromkeys(unknown):
        app.say(f"note: the balancer of {name} is not told: nothing says how (balancer.driver)")
    members_of(jobs)
    return jobs


def _jobs_within(app: App, change: Transaction, service: Thing, things: Sequence[Thing], vip: Thing) -> list[Job]:
    """`_jobs` for what a change is about to record; none within a larger change, which may come to nothing."""
    jobs = _jobs(app, change.unit.reader, service, things, vip)
    if jobs and app.is_within:
        app.say(f"note: the balancer of {vip.name} is told by clusto service apply {service.name}")
        return []
    return jobs


def _members(app: App, group: str, names: tuple[str, ...], vip: str | None) -> list[Job]:
    """The work for machines that serve behind VIPs. Raises NotFound for one that does not, or whose balancer is not
    known."""
    from clusto_core.answers.balancing import served
    from clusto_core.rules import services

    with app.reading() as reader:
        service = categories.category(reader, Service, group)
        behind = services.checked_vip(services.part_holding(reader, vip)) if vip else None
        things = targets(reader, names)
        found = served(reader, things, service=service, vip=behind)
        where = behind.name if behind is not None else "any VIP"
        for thing in things:
            if all(each.machine != thing for each in found):
                raise NotFound(f"{thing.name} does not serve {service.name} behind {where} (clusto service list)")
        jobs = _known(app, reader, found)
    if not jobs:
        raise NotFound(f"no balancer of {service.name} is known (clusto attr set balancer.driver haproxy -t lb1)")
    return jobs


def _pools(app: App, group: str | None, vip: str | None) -> list[Job]:
    """The work at all pools, or those of one service or VIP, with all their machines."""
    from clusto_cli.balancing.work import jobs_of
    from clusto_core.answers.balancing import pools_behind, served
    from clusto_core.rules import services

    with app.reading() as reader:
        service = categories.category(reader, Service, group) if group else None
        behind = services.checked_vip(services.part_holding(reader, vip)) if vip else None
        pools = pools_behind(reader, service=service, vip=behind)
        jobs, unknown = jobs_of(reader, served(reader, service=service, vip=behind), pools)
    for name in dict.fromkeys(unknown):
        app.say(f"note: the balancer of {name} is not asked: nothing says how (balancer.driver)")
    if not jobs and not unknown:
        app.say(f"note: no load balancer serves {group or vip or 'any service'} at a VIP: there is nothing to do")
    return jobs


def _as_recorded(job: Job) -> list[Goal]:
    from clusto_cli.balancing.work import goals

    return goals(job, None, weigh=True)


def _told(app: App, jobs: Sequence[Job], story: Story, lines: dict[str, str]) -> int:
    """Tells balancers what was recorded; a line a machine."""
    from clusto_cli.balancing import acting, report

    done = acting.perform(app, jobs, story)
    for each in done:
        if each.failure is None:
            lines[each.machine] += f" ({report.state(each.reading)})"
    failed = {each.machine for each in done if each.failure is not None}
    write_lines(line for name, line in lines.items() if name not in failed)
    return _failures(app, done, recorded=True)


def _done_or_rehearsed(app: App, jobs: Sequence[Job], story: Story, dry_run: bool, output: str) -> int:
    from clusto_cli.balancing import acting

    return _rehearsed(app, jobs, story) if dry_run else _shown(app, acting.perform(app, jobs, story), output)


def _rehearsed(app: App, jobs: Sequence[Job], story: Story) -> int:
    from clusto_cli.balancing import acting

    if not jobs:
        return 0
    orders, failed = acting.rehearse(app, jobs, story)
    write_lines(f"would send to {order.where}: {order.what}" for order in orders)
    return _failures(app, failed)


def _shown(app: App, done: Sequence[Done], output: str) -> int:
    from clusto_cli.balancing import report

    if output == "text":
        write_lines(report.line(each) for each in done if each.failure is None)
    else:
        write_records(output, map(report.record, done))
    return _failures(app, done)


def _failures(app: App, done: Sequence[Done], *, recorded: bool = False) -> int:
    """Tells what was not done; the exit code."""
    failed = [each for each in done if each.failure is not None]
    for each in failed:
        what = f"{each.machine} behind {each.job.vip}" if each.machine else each.job.vip
        words = f"{what} is recorded, and its balancer is not as that says" if recorded else what
        app.say(f"error: {words}: {each.failure}")
    if recorded and failed:
        app.say("note: the same command tries again; clusto service verify tells how it stands")
    if not failed:
        return 0
    return EXIT_REFUSED if all(each.refused for each in failed) else EXIT_DEVICE


def _named(job: Job, readings: Sequence[Any]) -> list[tuple[str, Any]]:
    """The members as the inventory calls them, then what it does not have."""
    from clusto_cli.backends.balancer.model import found
    from clusto_cli.balancing.work import member_of

    known = [
        (each.machine.name, found(readings, member_of(each)) if each.address is not None else None)
        for each in job.machines
    ]
    ours = [reading for _, reading in known]
    return known + [(f"{each.name or each.address}?", each) for each in readings if each not in ours]


def _unasked(app: App, seen: Sequence[tuple[Job, Any, str | None]]) -> int:
    failures = dict.fromkeys(f"{job.vip}: {failure}" for job, _, failure in seen if failure is not None)
    for failure in failures:
        app.say(f"error: {failure}")
    return EXIT_DEVICE if failures else 0
