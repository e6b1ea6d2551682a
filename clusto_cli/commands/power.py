"""Switch things on and off at their outlets, and prove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.confirm import confirm, refuse
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.numbers import Real, Whole
from clusto_cli.options import (
    at_option,
    drain_options,
    dry_run_option,
    force_option,
    message_option,
    verbose_option,
    yes_option,
)
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.pictures.delivery import Canvas, picture_options, pictured
from clusto_cli.targets import names_argument, targets
from clusto_core.errors import Malformed

if TYPE_CHECKING:
    from clusto_cli.power.actions import Result
    from clusto_cli.power.run import Manner, Story
    from clusto_cli.power.targets import Plan
    from clusto_core.answers.balancing import Served
    from clusto_core.model.attributes import Value
    from clusto_core.model.things import Thing
    from clusto_core.store.reader import Reader

F = TypeVar("F", bound=Callable[..., Any])
EXIT_REFUSED, EXIT_DEVICE, EXIT_INTERRUPTED = 4, 5, 130
_SHUTDOWN = 300.0
"""Seconds that a system may take to shut down."""


@click.group("power", cls=Group)
@pass_app
def command(app: App) -> None:
    """Switch Things on and off at the outlets that feed them, read the outlets back, and say what is so.

    A target is a Thing (all its recorded feeds), an inlet (server1:psu1) or an outlet (pdu3:7). A server without a
    recorded feed is switched by its management controller, when it has one (bmc.host).

    \b
        clusto power status server1
        clusto power cycle 'server[1-4]'
        clusto power impact pdu3:7
    """
    app.heed()


def _via_option(function: F) -> F:
    return click.option(
        "--via", type=click.Choice(["outlet", "bmc"]), help="Outlets only, or the management controller."
    )(function)


def _run_options(function: F) -> F:
    """How devices are spoken to."""
    options = (
        click.option("--parallel", type=Whole(1, 1000), default=64, show_default=True, help="Devices at once."),
        click.option("--settle", type=Real(0), metavar="SECONDS", help="How long a relay may take."),
        _via_option,
        verbose_option,
        output_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def _action_options(function: F) -> F:
    """What every verb has that switches."""
    for option in (message_option, dry_run_option, force_option, yes_option, _run_options):
        function = option(function)
    return function


_stagger_option = click.option(
    "--stagger", type=Real(0), default=0.0, metavar="SECONDS", help="Between servers on one PDU (inrush)."
)
_pause_option = click.option(
    "--pause", type=Real(0), default=5.0, show_default=True, metavar="SECONDS", help="Between off and on."
)


@command.command("on")
@names_argument
@_stagger_option
@_action_options
@pass_app
def on(app: App, /, names: tuple[str, ...], stagger: float, **options: Any) -> int:
    """Turn on: all feeds of each target, verified.

    \b
        clusto power on server1
    """
    return _switch(app, "on", names, lambda actions, target: actions.turn(target, True), options, stagger=stagger)


@command.command("off")
@names_argument
@click.option("--graceful", is_flag=True, help="Ask each machine's system to shut down first, by its controller.")
@click.option(
    "--wait",
    "patience",
    type=Real(0),
    metavar="SECONDS",
    help="With --graceful: how long a system may take before its power is cut.  [default: 300]",
)
@drain_options
@_action_options
@pass_app
def off(app: App, /, names: tuple[str, ...], graceful: bool, patience: float | None, **options: Any) -> int:
    """Turn off: all feeds of each target, verified.

    With --graceful each machine is asked to shut down by its management controller (bmc.host), and its power is cut
    when it has, or has not in time. A machine that cannot be asked stays on.

    With --drain, what a machine serves behind load balancers is drained first; one that still has sessions then, or
    without which nothing would serve, stays on.

    \b
        clusto power off server1
    """
    if not graceful and patience is not None:
        raise Malformed("--wait says how long --graceful waits: give both")
    if not graceful:
        return _switch(app, "off", names, lambda actions, target: actions.turn(target, False), options)

    def story(reader: Reader, plan: Plan) -> Story:
        plan.find_systems(reader)
        seconds = _SHUTDOWN if patience is None else patience
        return lambda actions, target: actions.shut_down(target, plan.systems.get(target.name), seconds)

    return _switch(app, "off", names, None, options, stories=story)


@command.command("cycle")
@names_argument
@_pause_option
@_stagger_option
@drain_options
@_action_options
@pass_app
def cycle(app: App, /, names: tuple[str, ...], pause: float, stagger: float, **options: Any) -> int:
    """Turn off and on again: all feeds off, verified off, a pause, all on, verified on.

    \b
        clusto power cycle server1
        clusto power cycle --where 'driver:Server in name:rack101' --stagger 1
    """
    return _switch(
        app, "cycle", names, lambda actions, target: actions.cycle(target), options, pause=pause, stagger=stagger
    )


@command.command("status")
@names_argument
@_run_options
@pass_app
def status(app: App, /, names: tuple[str, ...], **options: Any) -> int:
    """Say what is on, off, partly on or unknown; with -v each feed and the inlet that it is on, its
    label on the device, and locks.

    \b
        clusto power status 'server[1-4]' -o json
    """
    with app.reading() as reader:
        plan = _plan(reader, targets(reader, names), options["via"])
        plan.name_feeders(reader)
        results, interrupted = _perform(
            "status",
            plan,
            lambda actions, target: actions.status(target),
            _manner(options),
            reader,
            lambda result: None,
        )
    _print_all("status", results, options["output"], bool(options["verbose"] or app.verbose), len(results) > 1)
    return _exit_code(results, interrupted)


@command.group("feed", cls=Group)
def feed() -> None:
    """Work on one feed of Things that have several.

    \b
        clusto power feed cycle server1
    """


@feed.command("cycle")
@names_argument
@click.option(
    "--feed", "letter", metavar="FEED", help="Which: a letter (A), an inlet (psu1) or a PDU. Without it, each in turn."
)
@_pause_option
@_action_options
@pass_app
def feed_cycle(app: App, /, names: tuple[str, ...], letter: str | None, pause: float, **options: Any) -> int:
    """Turn one feed off and on again, one at a time, and never the last one that is on.

    \b
        clusto power feed cycle server1
    """
    from clusto_cli.power.feeds import choose

    def story(reader: Reader, plan: Plan) -> Story:
        chosen = choose(reader, plan, letter)
        return lambda actions, target: actions.cycle_feeds(target, chosen.get(target.name, []))

    return _switch(app, "feed cycle", names, None, options, pause=pause, stories=story)


@command.command("revert")
@names_argument
@_action_options
@pass_app
def revert(app: App, /, names: tuple[str, ...], **options: Any) -> int:
    """Put each target's outlets back to what they were before the last action on it.

    \b
        clusto power revert server1
    """
    from clusto_cli.power.history import states_before

    def story(reader: Reader, plan: Plan) -> Story:
        before: dict[str, dict[str, str]] = {}
        for target in plan.targets:
            with plan.refusing(target):
                before[target.name] = states_before(reader, target.thing)
        plan.refuse_all()
        return lambda actions, target: actions.restore(target, before.get(target.name, {}))

    return _switch(app, "revert", names, None, options, stories=story)


@command.command("trust")
@names_argument
@message_option
@dry_run_option
@yes_option
@output_option
@pass_app
def trust(app: App, /, names: tuple[str, ...], message: str | None, dry_run: bool, yes: bool, output: str) -> int:
    """Pin the certificate that each server's Redfish controller shows now: no other one is believed from then on.

    Compare the fingerprint with what the controller itself says of it before you rely on it. Nothing but the beginning
    of TLS is sent. A certificate other than the one that is pinned takes its place only when you say so.

    \b
        clusto power trust server1
    """
    from clusto_cli.power.trust import CHANGED, FAILED, pin, shown

    with app.reading() as reader:
        found = shown(reader, targets(reader, names))
    changed = [f"{each.thing.name} (was {each.known})" for each in found if each.status == CHANGED]
    if output == "text":
        write_lines(each.line() for each in found)
    else:
        write_records(output, [each.record() for each in found])
    if not dry_run:
        if changed:
            more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
            confirm(f"pin another certificate for {', '.join(changed[:5])}{more}?", yes)
        pin(app, found, message)
    return EXIT_DEVICE if any(each.status == FAILED for each in found) else 0


@command.command("impact")
@names_argument
@picture_options
@at_option
@pass_app
@paged
def impact(app: App, names: tuple[str, ...], output: str, canvas: Canvas | None) -> None:
    """List what goes dark, and what loses redundancy, if these Things, inlets, outlets or PDUs are switched off.

    An outlet goes with the inlet that it hangs on (attribute inlet). Where a leg or a draw is recorded, it is told.

    \b
        clusto power impact pdu3:7
        clusto power impact pdu3:A
        clusto power impact pdu3 -o svg > pdu3.svg
    """
    from clusto_cli.power.effects import Telling
    from clusto_core.answers.power import impact as effects_of
    from clusto_core.answers.power import supplies
    from clusto_core.drivers.parts import Inlet, Outlet

    with app.reading() as reader:
        things = targets(reader, names)
        for thing in things:
            if thing.is_part and not thing.is_a(Outlet) and not thing.is_a(Inlet):
                raise Malformed(f"{thing.name} takes and gives no power: name a Thing, an inlet or an outlet")
        outlets = [outlet for supply in supplies(reader, things) for outlet in supply.outlets]
        inlets = [thing for thing in things if thing.is_a(Inlet)]
        effects, assumed = effects_of(reader, outlets, [thing for thing in things if not thing.is_part], inlets=inlets)
        for line in assumed:
            app.say(line)
        if canvas is not None:
            from clusto_cli.pictures import feeds

            canvas.deliver(feeds.picture(reader, things, effects, canvas.link))
            return
        telling = Telling(reader, effects)
    if output == "text":
        write_lines(telling.lines())
    else:
        write_records(output, telling.records())


@command.command("outlets")
@click.argument("pdu", shell_complete=completion.of_driver("PDU"))
@output_option
@pass_app
@paged
def outlets(app: App, pdu: str, output: str) -> int:
    """List a PDU's outlets as it reports them, beside what the inventory says they feed; differences are marked with
    !.

    \b
        clusto power outlets pdu3
    """
    from clusto_cli.power.outlets import compare
    from clusto_cli.progress import progress

    with progress(f"asking {pdu}"), app.reading() as reader:
        rows = compare(reader, reader.resolve(pdu))
    if output == "text":
        write_lines(row.line for row in rows)
    else:
        write_records(output, (row.record for row in rows))
    return 0


@command.command("load")
@names_argument
@click.option("--parallel", type=Whole(1, 1000), default=64, show_default=True, help="PDUs at once.")
@click.option("--watch", type=Real(0.1), metavar="SECONDS", help="Ask again and again, until ^C.")
@click.option("--record", "keep", is_flag=True, help="Keep the watts as draw.measured, for capacity.")
@message_option
@verbose_option
@pictured("prometheus")
@pass_app
def load(app: App, /, names: tuple[str, ...], canvas: Canvas | None, **options: Any) -> int:
    """Say what is drawn, as the PDUs measure it: of a rack (or the racks of a place) by the feeds of its PDUs, of a PDU
    by its inlets, phases and banks, with -v by its outlets, of a Thing, an inlet or an outlet by the outlets it is on.
    Without a NAME, of all racks and PDUs.

    Of a rack with several feeds it says what each carries when the worst other one fails.

    \b
        clusto power load rack101
        clusto power load pdu3 -v
        clusto power load --where 'driver:Server' -o json
        clusto power load -o prometheus > clusto.prom
        clusto power load -o svg > loads.svg
    """
    from clusto_cli.power.loading import Wish, tell

    with app.reading() as reader:
        things = targets(reader, names) if names else None
        output = options["output"] if canvas is None else None
        wish = Wish(output, bool(options["verbose"] or app.verbose), options["parallel"], options["watch"])
        told = tell(reader, things, wish)
    if canvas is not None:
        from clusto_cli.pictures import loads

        canvas.deliver(loads.picture(told.results, canvas.link))
    if options["keep"]:
        from clusto_cli.power.loading import remember

        remember(app, told, options["message"])
    if told.interrupted and wish.every is None:
        return EXIT_INTERRUPTED
    missing = [result for result in told.results if result.failures]
    if not missing:
        return 0
    return EXIT_REFUSED if all(result.refused for result in missing) else EXIT_DEVICE


@command.command("profiles")
@output_option
@paged
def profiles(output: str) -> None:
    """List the PDU families that clusto knows, the site's own included.

    \b
        clusto power profiles
    """
    from clusto_cli.backends.power import profile

    known = [profile.load(name) for name in profile.names()]
    if output == "text":
        write_lines(f"{each.name}  {each.vendor}: {each.family}" for each in known)
    else:
        write_records(
            output,
            (
                {
                    "name": each.name,
                    "vendor": each.vendor,
                    "family": each.family,
                    "measures": list(dict.fromkeys(table.of for table in each.loads)),
                    "load_source": each.load_source or None,
                }
                for each in known
            ),
        )


def _switch(
    app: App,
    action: str,
    names: Sequence[str],
    story: Story | None,
    options: dict[str, Any],
    *,
    stories: Callable[[Reader, Plan], Story] | None = None,
    **times: float,
) -> int:
    """Everything that switches: plan, refuse, ask, do, tell, remember."""
    from clusto_cli.power.history import entry
    from clusto_cli.power.labels import Labels
    from clusto_cli.power.report import record

    output, verbose = options["output"], bool(options["verbose"] or app.verbose)
    with app.reading() as reader:
        plan = _plan(reader, targets(reader, names), options["via"])
        chosen = story or (stories(reader, plan) if stories is not None else None)
        assert chosen is not None
        if action != "on":
            refuse(plan.refusals(reader), options["force"])
        served = _serving(app, reader, action, plan, options)
        manner = _manner(options, **times)
        if options["dry_run"]:
            return _rehearse(action, plan, chosen, manner, reader, output)
        if action != "on":
            confirm(_question(action, plan), options["yes"])
        if options.get("drain") and served:
            _drain(app, plan, served, options)
        # One target has room for its feeds; where there is one feed, its state is the target's.
        alone = [len(target.points) > 1 for target in plan.targets] == [True]
        failed: list[Result] = []
        ended: list[Result] = []
        entries: dict[str, Value] = {}

        def tell(result: Result) -> None:
            ended.append(result)
            if result.asked:
                entries[result.target.name] = entry(action, result)
            if output == "text" and result.done:
                _tell(result, verbose or alone)
            elif output == "jsonl":
                write_records(output, [record(result, action)])
            if not result.done:
                failed.append(result)

        contradicts = Labels(reader).contradiction
        try:
            results, interrupted = _perform(action, plan, chosen, manner, reader, tell, contradicts, _load_writing)
            if output not in ("text", "jsonl"):
                write_records(output, [record(result, action) for result in results])
        finally:
            # What was sent is kept, also where nobody reads what is printed any more, or the run was given up.
            try:
                for result in failed if output == "text" else ():
                    _tell(result, alone and not result.refused)
            finally:
                _remember(app, action, plan, ended, entries, options["message"])
    return _exit_code(results, interrupted)


def _serving(app: App, reader: Reader, action: str, plan: Plan, options: dict[str, Any]) -> list[Served]:
    """What the targets serve behind load balancers; told where it is not drained first."""
    if "drain" not in options:
        return []
    from clusto_cli.balancing import before

    found = before.serving(reader, [target.thing for target in plan.targets])
    if found and (options["dry_run"] or not options["drain"]):
        before.warn(app, found, f"power {action}")
    return found


def _drain(app: App, plan: Plan, served: Sequence[Served], options: dict[str, Any]) -> None:
    """Drains what is served; targets of machines that still serve are refused."""
    from clusto_cli.balancing import before

    failures = before.drain_first(app, served, options["drain_wait"], force=options["force"])
    for target in plan.targets:
        with app.reading() as reader:
            machines = {each.machine.name for each in before.serving(reader, [target.thing])}
        if not_drained := next((failures[name] for name in machines if name in failures), None):
            target.refusal = f"it still serves: {not_drained}"


def _rehearse(action: str, plan: Plan, story: Story, manner: Manner, reader: Reader, output: str) -> int:
    """Says what would be done, with the exit code that doing it would have as far as devices tell beforehand."""
    from clusto_cli.power.dryrun import lines_of, rehearse
    from clusto_cli.power.labels import Labels

    rehearsed, interrupted = rehearse(plan, story, manner, Labels(reader).contradiction)
    if output == "text":
        write_lines(lines_of(rehearsed))
    else:
        write_records(output, [each.record(action) for each in rehearsed])
    return _exit_code([each.result for each in rehearsed], interrupted)


def _plan(reader: Reader, things: Sequence[Thing], via: str | None) -> Plan:
    from clusto_cli.power.targets import Plan

    return Plan(reader, things, via)


def _manner(options: dict[str, Any], **times: float) -> Manner:
    from clusto_cli.power.run import Manner

    return Manner(parallel=options["parallel"], settle=options["settle"], force=bool(options.get("force")), **times)


def _question(action: str, plan: Plan) -> str:
    from clusto_core.model.ranges import fold

    names = [target.name for target in plan.targets]
    outlets = {point.part for target in plan.targets for point in target.points}
    shown = ",".join(fold(names)) if len(names) > 1 else names[0]
    shown = shown if len(shown) <= 200 else f"{shown[:200]}... ({len(names)} targets)"
    return f"power {action} {shown}, {len(outlets)} outlet{'s' if len(outlets) != 1 else ''}?"


def _perform(
    action: str,
    plan: Plan,
    story: Story,
    manner: Manner,
    reader: Reader,
    tell: Callable[[Result], None],
    contradicts: Any = lambda target, point, reading: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[list[Result], bool]:
    from clusto_cli.power.run import perform
    from clusto_cli.progress import counted

    with counted(f"power {action}", len(plan.targets)) as advance:

        def told(result: Result) -> None:
            tell(result)
            advance(1)

        return perform(plan, story, manner, contradicts, told, meanwhile)


def _load_writing() -> None:
    """Loads what the history is written with."""
    import clusto_core.inventory  # noqa: F401 -- loaded for later


def _tell(result: Result, verbose: bool) -> None:
    from clusto_cli.power.report import feed_lines, line

    write_lines([line(result), *(feed_lines(result) if verbose else [])])


def _print_all(action: str, results: Sequence[Result], output: str, verbose: bool, several: bool) -> None:
    from clusto_cli.power.report import feed_lines, line, record, table

    if output != "text":
        write_records(output, [record(result, action) for result in results])
    elif several and not verbose:
        write_lines(table(list(results)))
    else:
        for result in results:
            write_lines([line(result), *(feed_lines(result) if verbose else [])])


def _remember(
    app: App, action: str, plan: Plan, results: Sequence[Result], entries: Mapping[str, Value], message: str | None
) -> None:
    """Writes the history of an action, and what its PDUs were recognised as. What only asks writes nothing."""
    if plan.recognised or entries:
        from clusto_cli.power.history import record

        record(app, action, results, entries, plan.recognised, message)


def _exit_code(results: Sequence[Result], interrupted: bool) -> int:
    if interrupted:
        return EXIT_INTERRUPTED
    failed = [result for result in results if not result.done]
    if not failed:
        return 0
    return EXIT_REFUSED if all(result.refused for result in failed) else EXIT_DEVICE
