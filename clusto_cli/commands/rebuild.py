"""Reinstall a machine's operating system over the network, and prove it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.confirm import confirm_by_name, refuse
from clusto_cli.context import App, pass_app
from clusto_cli.defaulting import DefaultGroup
from clusto_cli.numbers import Real, Whole
from clusto_cli.options import drain_options, dry_run_option, force_option, message_option, verbose_option, yes_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import is_expression, names_argument, targets
from clusto_core.errors import ClustoError, Malformed, NotFound, Refused, StoreBroken

if TYPE_CHECKING:
    from clusto_cli.rebuild.jobs import Job
    from clusto_cli.rebuild.prepare import Prepared
    from clusto_cli.rebuild.run import Begun
    from clusto_cli.rebuild.story import Outcome
    from clusto_core.answers.balancing import Served
    from clusto_core.records.locks import Locks
    from clusto_core.store.reader import Reader

EXIT_REFUSED, EXIT_DEVICE, EXIT_INTERRUPTED = 4, 5, 130
_MODES = ("show", "status", "resume", "cancel")


def _names_or_subcommands(ctx: click.Context, param: click.Parameter, incomplete: str) -> completion.Items:
    """Machines; as the first word also what may stand in their place."""
    found = completion.names(ctx, param, incomplete)
    if not ctx.params.get("names"):
        found += completion.words(("serve", "local", "recipes", "hook"), incomplete)
    return found


@click.group("rebuild", cls=DefaultGroup)
def command() -> None:
    """Reinstall machines, prove that they are up, and keep them from ever doing it again by themselves."""


@command.default
@names_argument
@click.option("--show", is_flag=True, help="Print every file that would be written, and stop.")
@click.option("--status", is_flag=True, help="Say how far rebuilds are: of these machines, or all that go on.")
@click.option("--resume", is_flag=True, help="Go on with a rebuild whose command has died or was interrupted.")
@click.option("--cancel", is_flag=True, help="End a rebuild: the boot file is put back, the power is left alone.")
@click.option("--via", type=click.Choice(["outlet", "bmc"]), help="Power by outlets, or by the management controller.")
@click.option("--timeout", type=Whole(1), metavar="SECONDS", help="For each machine; else the recipe's.")
@click.option("--parallel", type=Whole(1, 1000), default=16, show_default=True, help="Machines at once.")
@click.option("--pause", type=Real(0), default=5.0, show_default=True, help="Seconds off, at outlets.")
@click.option("--stagger", type=Real(0), default=0.0, help="Seconds between servers on one PDU.")
@click.option("--reveal", is_flag=True, help="With --show: secrets as they are.")
@drain_options
@message_option
@dry_run_option
@force_option
@yes_option
@verbose_option
@output_option
@pass_app
def rebuild(app: App, /, names: tuple[str, ...], **options: Any) -> int:
    """Reinstall each machine: boot files, power off and on, the installer, the new system up by two signs.

    \b
    clusto rebuild server1
    clusto rebuild --show server1
    clusto rebuild server1 server2 --yes --parallel 2 -o jsonl
    clusto rebuild --status

    It DESTROYS what is on the machine: without a terminal it needs --yes and each name spelled out. Refused without
    --force: protected or allocated machines, outlets that also feed something else, and what --where selects.

    With --drain, what the machines serve behind load balancers is drained first; where one still has sessions then,
    nothing is begun.
    """
    chosen = [mode for mode in _MODES if options[mode]]
    if len(chosen) > 1:
        raise Malformed(f"--{chosen[0]} and --{chosen[1]} do not go together")
    if chosen and options["dry_run"]:
        raise Malformed(f"--{chosen[0]} and --dry-run do not go together")
    if options["status"]:
        return _status(app, names, options)
    if options["cancel"]:
        return _cancel(app, names, options)
    if options["show"]:
        return _show(app, names, options)
    return _resume(app, names, options) if options["resume"] else _rebuild(app, names, options)


@command.command("serve")
@click.option(
    "--listen",
    "places",
    multiple=True,
    default=("127.0.0.1:8080",),
    show_default=True,
    metavar="ADDRESS:PORT",
    help="Where machines reach it; again for further addresses.",
)
@click.option(
    "--dir",
    "directory",
    metavar="DIRECTORY",
    type=click.Path(),
    required=True,
    help="The boot directory (rebuild.dir).",
)
@click.option(
    "--answers",
    type=click.Choice(["address", "token", "any"]),
    default="address",
    show_default=True,
    help="Who gets a machine's answers: its address or token, its token only, or anybody.",
)
@click.option("--connections", type=Whole(1), default=4096, show_default=True, help="Of all clients.")
@click.option("--per-client", type=Whole(1), default=64, show_default=True, help="Connections of one client.")
@pass_app
def serve(app: App, places: tuple[str, ...], directory: str, answers: str, connections: int, per_client: int) -> None:
    """Answer HTTP until it is stopped: boot files, answers of installers, call-backs of machines.

    Machines reach it at their rebuild.url. As soon as a machine says that its installer runs, its boot file becomes
    local, also when the command that rebuilds it is gone.

    \b
        clusto rebuild serve --listen 192.0.2.1:8080 --dir /srv/tftp
    """
    from clusto_cli.hosting.limits import Limits
    from clusto_cli.hosting.listening import listening
    from clusto_cli.rebuild.machines import Machines
    from clusto_cli.rebuild.serve import serve as run_server

    run_server(
        app.settings,
        [listening(place) for place in places],
        directory,
        app.say,
        Machines().disarm(app.settings, keep_answers=True),
        answers=answers,
        limits=Limits(connections, per_client),
    )


@command.command("local")
@names_argument
@dry_run_option
@pass_app
def local(app: App, names: tuple[str, ...], dry_run: bool) -> int:
    """Write explicit local boot files: machines that boot from the network go on with their own disk.

    A machine without a boot file of its own gets what the boot server has for everybody.

    \b
        clusto rebuild local --where 'driver:Server in name:rack101'
    """
    from clusto_cli.rebuild.machines import Machines, write_local

    with app.reading() as reader:
        count, problems = write_local(reader, Machines(), targets(reader, names), dry_run=dry_run)
    for problem in problems:
        app.say(f"error: {problem}")
    machines = f"{count} machine{'' if count == 1 else 's'}"
    write_lines([f"{'would write' if dry_run else 'wrote'} local boot files of {machines}"])
    return EXIT_REFUSED if problems else 0


@command.command("recipes")
@output_option
@paged
def recipes(output: str) -> None:
    """List the operating systems that clusto knows how to install, the site's own included.

    \b
        clusto rebuild recipes
    """
    from clusto_cli.rebuild.machines import known_recipes

    known = known_recipes()
    if output == "text":
        write_lines(f"{each.name}  {each.title}" for each in known)
    else:
        write_records(output, ({"name": each.name, "title": each.title} for each in known))


@command.command("hook", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@pass_app
def hook(app: App, words: tuple[str, ...]) -> None:
    """What dnsmasq's dhcp-script calls for each file that it has sent: tftp SIZE ADDRESS FILE. It never fails.

    \b
        dhcp-script=/usr/local/bin/clusto-hook      # in dnsmasq.conf: a script that runs clusto rebuild hook
    """
    from clusto_cli.rebuild.hook import hear

    problem = hear(words, lambda: app.settings)
    if problem is not None:
        app.say(problem)


def _rebuild(app: App, names: Sequence[str], options: dict[str, Any]) -> int:
    from clusto_cli.rebuild.prepare import prepare
    from clusto_cli.rebuild.report import plan_lines
    from clusto_cli.rebuild.run import begin, locks_of

    _check_spelled_out(names, options)
    with app.reading() as reader:
        prepared = prepare(reader, targets(reader, names), via=options["via"], timeout=options["timeout"])
        refuse(prepared.reasons, options["force"])
        _check_free(reader, prepared.jobs)
        complete = not any(job.failed for job in prepared.jobs)
        plan = list(plan_lines(reader, prepared.jobs, prepared.reasons)) if complete else []
        served = _serving(app, reader, prepared.jobs, options)
    _examine(prepared, prepared.jobs, options)
    if options["dry_run"]:
        return _rehearse(app, prepared, plan, options)
    _confirm([job.name for job in prepared.jobs], plan, options)
    locks = locks_of(app.settings)
    with locks.on([job.thing for job in prepared.jobs], wait=0):
        _check_again(app, prepared.jobs, options)
        if options["drain"] and served:
            _drain(app, served, options)
        return _perform(app, prepared, begin(app.settings, prepared.jobs), locks, options)


def _serving(app: App, reader: Reader, jobs: Sequence[Job], options: dict[str, Any]) -> list[Served]:
    """What the machines serve behind load balancers; told where it is not drained first."""
    from clusto_cli.balancing import before

    found = before.serving(reader, [job.thing for job in jobs])
    if found and (options["dry_run"] or not options["drain"]):
        before.warn(app, found, "rebuild")
    return found


def _drain(app: App, served: Sequence[Served], options: dict[str, Any]) -> None:
    """Drains what is served. Raises Refused, with nothing begun, where a machine still serves."""
    from clusto_cli.balancing import before

    failures = before.drain_first(app, served, options["drain_wait"], force=options["force"])
    if failures:
        name, why = next(iter(failures.items()))
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise Refused(f"{name} still serves: {why}{more}; nothing was begun")


def _rehearse(app: App, prepared: Prepared, plan: Sequence[str], options: dict[str, Any]) -> int:
    """Says what would be done, with the exit code of what its devices refuse beforehand."""
    from clusto_cli.rebuild import dryrun
    from clusto_cli.rebuild.report import preflight_record
    from clusto_cli.rebuild.run import labels_of

    planned = dryrun.plan(prepared, bool(options["force"]), labels_of(app.settings))
    if options["output"] == "text":
        write_lines([*plan, *planned.lines])
    else:
        failures = {result.target.name: result.failures for result in planned.results}
        records = [
            {
                "name": job.name,
                "dry_run": True,
                "steps": [step for step in planned.steps if step["name"] == job.name],
                "failures": failures.get(job.name, []),
                **preflight_record(job),
            }
            for job in prepared.jobs
        ]
        write_records(options["output"], records)
    failed = [result for result in planned.results if not result.done]
    if not failed:
        return 0
    return EXIT_REFUSED if all(result.refused for result in failed) else EXIT_DEVICE


def _resume(app: App, names: Sequence[str], options: dict[str, Any]) -> int:
    """Goes on where the installer runs already; begins again, as at first, where it has not been heard of."""
    from clusto_cli.rebuild.prepare import going_on, prepare
    from clusto_cli.rebuild.report import plan_lines
    from clusto_cli.rebuild.run import LOCK_SECONDS, begin_again, locks_of

    with app.reading() as reader:
        prepared = prepare(reader, targets(reader, names), via=options["via"], timeout=options["timeout"])
        again = [each.job for each in going_on(reader, prepared.jobs) if each.heard is None]
        plan = []
        if again:
            _check_spelled_out(names, options)
            refuse(prepared.reasons, options["force"])
            plan = [] if any(job.failed for job in again) else list(plan_lines(reader, again, prepared.reasons))
    if again:
        _examine(prepared, again, options)
        _confirm([job.name for job in again], plan, options)
    locks = locks_of(app.settings)
    # A command that was killed leaves its locks for as long as they hold.
    with locks.on([job.thing for job in prepared.jobs], wait=LOCK_SECONDS + 1):
        with app.reading() as reader:
            begun = going_on(reader, prepared.jobs)
        if any(each.heard is None and each.job not in again for each in begun):
            raise Refused("what was heard of a machine has changed: try again")
        _check_again(app, again, options)
        return _perform(app, prepared, begin_again(app.settings, begun), locks, options)


def _cancel(app: App, names: Sequence[str], options: dict[str, Any]) -> int:
    from clusto_cli.rebuild.prepare import cancel

    with app.reading() as reader:
        things = targets(reader, names)
    failures = cancel(app.settings, things)
    write_lines(f"{thing.name} cancelled" for thing in things if thing.name not in failures)
    for name, failure in failures.items():
        app.say(f"{name} is cancelled, and ITS BOOT FILE MAY STILL SAY INSTALL: {failure} (--cancel tries again)")
    return EXIT_DEVICE if failures else 0


def _status(app: App, names: Sequence[str], options: dict[str, Any]) -> int:
    import time

    from clusto_cli.rebuild.report import event_line, status_line, status_record
    from clusto_core.records.locks import holders
    from clusto_core.records.rebuilds import events, latest, unfinished

    with app.reading() as reader:
        if names:
            things = targets(reader, names)
            known = latest(reader, things)
            if missing := [thing.name for thing in things if thing.id not in known]:
                raise NotFound(f"no rebuild of {missing[0]} is recorded")
            rebuilds = [known[thing.id] for thing in things]
        else:
            rebuilds = unfinished(reader)
        heard: dict[int, list[Any]] = {rebuild.id: [] for rebuild in rebuilds}
        for event in events(reader, heard):
            heard[event.rebuild_id].append(event)
        alive = holders(reader, [rebuild.thing_id for rebuild in rebuilds])
    if options["output"] != "text":
        write_records(options["output"], [status_record(r, r.thing_id in alive, heard[r.id]) for r in rebuilds])
        return 0
    for rebuild in rebuilds:
        of_it = heard[rebuild.id]
        write_lines([status_line(rebuild, rebuild.thing_id in alive, of_it[-1] if of_it else None, time.time())])
        if options["verbose"] or app.verbose:
            write_lines(map(event_line, of_it))
    return 0


def _show(app: App, names: Sequence[str], options: dict[str, Any]) -> int:
    from clusto_cli.rebuild.show import file_lines, files

    with app.reading() as reader:
        shown = [(thing, list(files(reader, thing, options["reveal"]))) for thing in targets(reader, names)]
    if options["output"] == "text":
        for _, found in shown:
            write_lines(file_lines(found))
    else:
        write_records(options["output"], [{"name": thing.name, "files": [*map(dict, found)]} for thing, found in shown])
    return 0


def _check_spelled_out(names: Sequence[str], options: dict[str, Any]) -> None:
    """Nothing is erased because an expression or a range selects more than was thought."""
    if options["force"] or options["dry_run"]:
        return
    if any(map(is_expression, names)):
        raise Refused("what --where or @NAME selects is not rebuilt: name each machine (--force goes ahead)")
    unclear = [name for name in names if set(name) & set("[],!&^") or name == "-"]
    if unclear and not sys.stdin.isatty():
        raise Refused(f"name each machine by itself, not by {unclear[0]} (--force goes ahead)")


def _check_free(reader: Reader, jobs: Sequence[Job]) -> None:
    """Not even to look at what another command rebuilds: its boot files are watched for who reads them."""
    from clusto_core.records.locks import holders

    owners = holders(reader, [job.thing.id for job in jobs])
    for job in jobs:
        if job.thing.id in owners:
            raise Refused(f"{job.name} is being rebuilt by {owners[job.thing.id]} (--status says how far it is)")


def _check_again(app: App, jobs: Sequence[Job], options: dict[str, Any]) -> None:
    """What spoke against it may have come while a person read and typed."""
    from clusto_cli.rebuild.prepare import prepare

    with app.reading() as reader:
        things = [job.thing for job in jobs]
        refuse(prepare(reader, things, via=options["via"], timeout=None).reasons, options["force"])


def _examine(prepared: Prepared, jobs: Sequence[Job], options: dict[str, Any]) -> None:
    """Shows what every device says, and goes no further when one stands against it."""
    from clusto_cli.rebuild.preflight import examine
    from clusto_cli.rebuild.report import check_lines, preflight_record, problems, taken_lines

    if examine(jobs, prepared.powers, prepared.machines, options["parallel"]):
        raise KeyboardInterrupt
    _say(check_lines(jobs))
    bad = problems(jobs)
    if bad or options["dry_run"] or options["verbose"]:
        _say(taken_lines(jobs))
    if not bad:
        return
    if options["dry_run"] and options["output"] != "text":
        unplanned = {"dry_run": True, "steps": [], "failures": []}
        write_records(options["output"], [{"name": job.name, **unplanned, **preflight_record(job)} for job in jobs])
    text = f"{'; '.join(bad[:5])}{f' (and {len(bad) - 5} more)' if len(bad) > 5 else ''}: nothing was changed"
    if all(check.device for job in jobs for check in job.failed):
        from clusto_cli.backends.errors import DeviceError

        raise DeviceError(text)
    raise Refused(text)


def _confirm(names: Sequence[str], plan: Sequence[str], options: dict[str, Any]) -> None:
    from clusto_core.model.ranges import fold

    _say(plan)
    name = names[0] if len(names) == 1 else ",".join(fold(names))
    confirm_by_name(f"rebuild {name}, and lose what is on {'it' if len(names) == 1 else 'them'}?", name, options["yes"])


def _say(lines: Iterable[str]) -> None:
    """To the person: results are the outcomes."""
    from clusto_cli.output import clean

    for line in lines:
        print(clean(line), file=sys.stderr)


def _perform(app: App, prepared: Prepared, begun: Sequence[Begun], locks: Locks, options: dict[str, Any]) -> int:
    from clusto_cli.rebuild.record import record
    from clusto_cli.rebuild.report import display, outcome_line, outcome_record, tail_lines
    from clusto_cli.rebuild.run import Manner, perform

    unrecorded: list[str] = []

    def remember(begun: Begun, outcome: Outcome) -> None:
        try:
            record(app, begun, outcome, options["message"])
        except ClustoError as error:
            unrecorded.append(f"{outcome.name}: {error}")

    manner = Manner(options["parallel"], options["pause"], options["stagger"], options["force"])
    with display(options["output"], [each.job.name for each in begun]) as shown:
        outcomes, unwritten, interrupted = perform(
            app.settings, begun, prepared.powers, prepared.machines, locks, manner, shown.told, remember, shown.finished
        )
    failed = [outcome for outcome in outcomes if not outcome.done]
    if options["output"] == "text":
        for outcome in failed:
            write_lines([outcome_line(outcome), *tail_lines(outcome)])
    elif options["output"] != "jsonl":
        write_records(options["output"], [outcome_record(outcome) for outcome in outcomes])
    if unwritten is not None:
        unrecorded.append(unwritten)
    if interrupted:
        return EXIT_INTERRUPTED
    if unrecorded:
        raise StoreBroken(f"not recorded: {'; '.join(unrecorded[:5])}")
    if not failed:
        return 0
    return EXIT_REFUSED if all(outcome.refused for outcome in failed) else EXIT_DEVICE
