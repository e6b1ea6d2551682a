"""Ask management controllers about their machines, and tell them what concerns no power."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.confirm import confirm, refuse
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.numbers import Real, Whole
from clusto_cli.options import dry_run_option, force_option, message_option, yes_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import is_expression, names_argument, targets, where_option, with_where
from clusto_core.errors import Malformed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from clusto_cli.backends.machine import Entry, MachineControl
    from clusto_cli.backends.runner import Interruption
    from clusto_cli.bmc.machines import Machine, Question, Told
    from clusto_core.answers.hardware import Finding
    from clusto_core.model.things import Thing
    from clusto_core.store.reader import Reader

F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A")
EXIT_REFUSED, EXIT_DEVICE, EXIT_INTERRUPTED = 4, 5, 130
_LIGHT = ("on", "off")
_BOOT = ("network", "disk", "default")
_NO_BOOT: Mapping[str, Any] = {"device": None, "once": None, "code": None}
_NO_RESET: Mapping[str, Any] = {"verified": False, "seconds": None}
_LONGEST = 7 * 86400
"""Seconds that anything here may be waited for."""


@click.group("bmc", cls=Group)
@pass_app
def command(app: App) -> None:
    """Ask the management controllers of machines: what they consist of, how they are, what happened to them.

    Controllers are reached by the settings of the group bmc, as for power: over IPMI, or with bmc.protocol=redfish over
    Redfish. Many are asked side by side, and one that fails fails alone.

    \b
        clusto bmc facts server1
        clusto bmc sensors --bad --where 'driver:Server in name:rack101'
        clusto bmc identify server1 --for 10m
    """
    app.heed()


def _controller_options(function: F) -> F:
    """How controllers are spoken to, and the form of what they say."""
    parallel = click.option(
        "--parallel", type=Whole(1, 1000), default=64, show_default=True, help="Controllers at once."
    )
    return parallel(output_option(function))


def _asking_options(function: F) -> F:
    """What every verb has."""
    return names_argument(_controller_options(function))


def _choosing_options(*words: str) -> Callable[[F], F]:
    """What every verb has behind whose names one of these words may stand."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        given = [CompletionItem(word) for word in words if word.startswith(incomplete) and ctx.params.get("names")]
        return [*completion.names(ctx, param, incomplete), *given]

    argument = click.argument(
        "names", metavar=f"[NAME...] [{'|'.join(words)}]", nargs=-1, callback=with_where, shell_complete=complete
    )
    return lambda function: where_option(argument(_controller_options(function)))


def _chosen(names: Sequence[str], words: Sequence[str]) -> tuple[list[str], str | None]:
    """The names, and the word that stands behind them; what `--where` selects may stand behind that."""
    plain = [place for place, name in enumerate(names) if not is_expression(name)]
    if not plain or names[plain[-1]] not in words:
        return list(names), None
    return [name for place, name in enumerate(names) if place != plain[-1]], names[plain[-1]]


def _telling_options(function: F) -> F:
    """What every verb has that changes something."""
    for option in (message_option, dry_run_option, force_option, yes_option):
        function = option(function)
    return function


def _seconds(ctx: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """A time: 90, 90s, 10m, 2h."""
    from clusto_core.model.units import measure

    if text is None:
        return None
    found = measure(f"{text}in" if text.endswith("m") else text, "s")
    if found is None or not 0 < found <= _LONGEST:
        raise click.BadParameter(f"{text[:40]!r} is no time: write 90s, 10m, 2h", ctx, option)
    return float(found)


@command.command("identify")
@_choosing_options(*_LIGHT)
@click.option(
    "--for", "seconds", callback=_seconds, metavar="TIME", help="On, and off again after so long, or at ^C: 10m."
)
@pass_app
def identify(app: App, /, names: tuple[str, ...], seconds: float | None, parallel: int, output: str) -> int:
    """Turn on the light that one looks for in the aisle, or off, and read it back.

    Write NAME... on, NAME... off, or NAME... --for TIME; without any of these, whether it is on is told.

    \b
        clusto bmc identify server1 on
        clusto bmc identify 'server[1-4]' --for 10m
    """
    from clusto_cli.bmc import actions
    from clusto_cli.bmc.machines import within

    meant, word = _chosen(names, _LIGHT)
    if word is not None and seconds is not None:
        raise Malformed("--for turns the light on and off again: leave out the word")
    with app.reading() as reader:
        machines = _machines(reader, meant)

    def say(told: Told[bool | None]) -> None:
        if output == "text" and told.failure is None:
            write_lines([f"{told.name} light {_lit(told.answer, word)}"])

    if seconds is not None:
        limit = seconds

        def main(interruption: Interruption, advance: Callable[[int], None]) -> Awaitable[list[Told[bool | None]]]:
            def tell(each: Told[bool | None]) -> None:
                say(each)
                advance(1)

            return actions.light_for(machines, limit, interruption, parallel=parallel, tell=tell)

        told, interrupted = _run("bmc identify", len(machines), main)
        for each in told:
            say(each)
    else:
        question = within(_light) if word is None else actions.light(word == "on")
        told, interrupted = _ask("bmc identify", machines, question, parallel, say)
    _write(output, told, lambda lit: {"light": lit}, {"light": None})
    return _end(app, told, interrupted)


async def _light(control: MachineControl) -> bool | None:
    return await control.light()


def _lit(answer: bool | None, told: str | None) -> str:
    if answer is None:
        return f"{told} (not told back)" if told else "unknown"
    return "on" if answer else "off"


@command.command("sensors")
@_asking_options
@click.option("--bad", is_flag=True, help="Only those that are warning or critical.")
@pass_app
@paged
def sensors(app: App, /, names: tuple[str, ...], bad: bool, parallel: int, output: str) -> int:
    """List sensors, with what they read and how they are.

    \b
        clusto bmc sensors server1
        clusto bmc sensors --bad --where 'driver:Server'
    """
    from clusto_cli.backends.machine import Sensor
    from clusto_cli.bmc.machines import within
    from clusto_cli.bmc.report import sensor_lines, sensor_record

    async def asked(control: MachineControl) -> list[Sensor]:
        return [sensor for sensor in await control.sensors() if sensor.state.bad or not bad]

    with app.reading() as reader:
        machines = _machines(reader, names)
    told, interrupted = _ask("bmc sensors", machines, within(asked), parallel)
    if output == "text":
        write_lines(sensor_lines([(each.name, each.answer or []) for each in told], len(told) > 1))
    _write(output, told, sensor_record, {"sensors": []})
    return _end(app, told, interrupted)


@command.command("log")
@_asking_options
@click.option("--follow", is_flag=True, help="Go on with what is logged from now on, until ^C.")
@click.option("--every", type=Real(0.1), default=5.0, show_default=True, help="Seconds between two looks.")
@click.option("--clear", is_flag=True, help="Empty the log, and show what was in it; asks.")
@click.option("--last", type=Whole(1), default=100, show_default=True, help="How many of the newest.")
@click.option("--log", "which", metavar="LOG", help="Another log than the hardware's events (Redfish), or all.")
@_telling_options
@pass_app
def log(
    app: App,
    /,
    names: tuple[str, ...],
    follow: bool,
    every: float,
    clear: bool,
    last: int,
    which: str | None,
    parallel: int,
    output: str,
    **options: Any,
) -> int:
    """List the events that controllers have logged, oldest first.

    With --clear they are shown and then taken out of the log, which is read back. Without it nothing is changed.

    \b
        clusto bmc log server1
        clusto bmc log 'server[1-4]' --follow
        clusto bmc log server1 --clear
    """
    from clusto_cli.bmc.machines import within
    from clusto_cli.bmc.report import entries_record

    if follow and (clear or output not in ("text", "jsonl")):
        raise Malformed("--follow goes on: it clears nothing, and is told as text or jsonl")

    async def asked(control: MachineControl) -> list[Entry]:
        return await control.log(which)

    with app.reading() as reader:
        machines = _machines(reader, names)
        refused = _protected(reader, machines) if clear else []
        refuse(refused, options["force"])
    if follow:
        from clusto_cli.bmc.following import follow as go_on

        go_on(app, machines, within(asked), every, parallel, output)
        return EXIT_INTERRUPTED
    told, interrupted = _ask("bmc log", machines, within(asked), parallel)
    if clear and not interrupted:
        found = [each for each in told if each.failure is None and each.answer]
        return _clear(app, told, [each.machine for each in found], which, parallel, output, options)
    _tell_entries(told, None if clear else last, output, len(told) > 1)
    _write(output, told, lambda entries: entries_record(entries[-last:]), entries_record([]))
    return _end(app, told, interrupted)


def _tell_entries(told: Sequence[Told[list[Entry]]], last: int | None, output: str, several: bool) -> None:
    from clusto_cli.bmc.report import entry_line

    if output == "text":
        for each in told:
            entries = each.answer or []
            kept = entries[-last:] if last else entries
            write_lines(entry_line(each.name, entry, several) for entry in kept)


def _clear(
    app: App,
    read: Sequence[Told[list[Entry]]],
    machines: Sequence[Machine],
    which: str | None,
    parallel: int,
    output: str,
    options: Mapping[str, Any],
) -> int:
    """Shows what would be gone, asks, clears, and keeps in the history that it was."""
    from clusto_cli.bmc.actions import clearing
    from clusto_cli.bmc.history import keep
    from clusto_cli.bmc.report import entries_record, entry_line

    several, dry = len(read) > 1, bool(options["dry_run"])
    if output == "text":
        _tell_entries(read, None, output, several)
    if machines and not dry:
        total = sum(len(each.answer or []) for each in read)
        confirm(f"clear the log of {_named(machines)}, {total} entries?", options["yes"])
        told, interrupted = _ask("bmc log --clear", machines, clearing(which), parallel)
        keep(app, "log --clear", told, options["message"])
        if output == "text":
            shown = {each.name: each.answer or [] for each in read}
            for each in told:
                late = [entry for entry in each.answer or [] if entry not in shown[each.name]]
                write_lines(entry_line(each.name, entry, several) for entry in late)
            write_lines(f"{each.name} cleared, {len(each.answer or [])} entries" for each in told if not each.failure)
    else:
        told, interrupted = [], False
        if output == "text" and dry:
            write_lines(f"would clear the log of {machine.name}" for machine in machines)
    by_name = {each.name: each for each in told}
    every = [by_name.get(each.name, each) for each in read]
    if output != "text":
        held = [(each, each.name in by_name) for each in every]
        empty = entries_record([])
        write_records(output, [_record(each, partial(entries_record, cleared=gone), empty) for each, gone in held])
    return _end(app, every, interrupted)


@command.command("facts")
@_asking_options
@click.option("--check", is_flag=True, help="Hold them against the inventory; exit code 4 where they differ.")
@click.option("--learn", is_flag=True, help="Record what is missing in the inventory.")
@message_option
@dry_run_option
@click.option("--force", is_flag=True, help="With --learn: also what the inventory has otherwise.")
@pass_app
@paged
def facts(
    app: App,
    /,
    names: tuple[str, ...],
    check: bool,
    learn: bool,
    parallel: int,
    output: str,
    message: str | None,
    dry_run: bool,
    force: bool,
) -> int:
    """Say what machines consist of, and hold it against the inventory.

    Maker, model, serial numbers, firmware, processors, memory, disks, network cards with their ports and addresses.

    With --check serial number, addresses, type, memory and what --learn has recorded are held against the inventory.
    With --learn what is missing there is written, in one transaction: serial, memory, disk#0.serial and the like, the
    MAC addresses of NICs that are known by an address or by their name on the controller (label). Nothing is
    overwritten without --force, and what contradicts the inventory is told.

    \b
        clusto bmc facts server1
        clusto bmc facts --check --where 'driver:Server in name:rack101'
        clusto bmc facts 'server[1-40]' --learn
    """
    from clusto_cli.bmc import holding
    from clusto_cli.bmc.machines import within
    from clusto_cli.bmc.report import facts_lines, facts_record

    if check and learn:
        raise Malformed("--check changes nothing, and --learn does: give one of them")
    if (force or dry_run) and not learn:
        raise Malformed("--force and --dry-run are for --learn")
    with app.reading() as reader:
        machines = _machines(reader, names)
    told, interrupted = _ask("bmc facts", machines, within(lambda control: control.facts()), parallel)
    said = {each.machine.thing: each.answer for each in told if each.answer is not None}
    written: dict[Thing, list[Finding]] = {}
    left: dict[Thing, list[Finding]] = {}
    if learn and said and not interrupted:
        written, left = holding.learn(app, said, message, force=force, dry_run=dry_run)
    elif check:
        with app.reading() as reader:
            left = holding.held(reader, said)
    if output == "text" and not (check or learn):
        write_lines(line for each in told if each.answer is not None for line in facts_lines(each.name, each.answer))
    elif output == "text":
        wrote = "would write" if dry_run else "wrote"
        write_lines(f"{wrote} {each.thing.name} {each.key}={each.said}" for found in written.values() for each in found)
        write_lines(each.line for found in left.values() for each in found)
        for each in told:
            for reason in each.answer.unread if each.answer is not None else ():
                app.say(f"note: {each.name}: not held against the inventory, for it could not be read: {reason}")
    else:
        records = []
        for each in told:
            own = each.machine.thing
            content = {
                "differences": [holding.record(finding) for finding in left.get(own, [])],
                "written": [holding.record(finding) for finding in written.get(own, [])],
            }
            records.append(_record(each, lambda answer: {"facts": facts_record(answer)}, {"facts": None}) | content)
        write_records(output, records)
    failed = _end(app, told, interrupted)
    return failed or (EXIT_REFUSED if any(left.values()) else 0)


@command.command("boot")
@_choosing_options(*_BOOT)
@_telling_options
@pass_app
def boot(app: App, /, names: tuple[str, ...], parallel: int, output: str, **options: Any) -> int:
    """Choose what machines boot from next time, once, and read it back.

    Write NAME... network, NAME... disk, or NAME... default, which takes that back; without such a word, what is chosen
    is told.

    \b
        clusto bmc boot server1 network
        clusto bmc boot 'server[1-4]'
    """
    from clusto_cli.backends.base import BootDevice
    from clusto_cli.bmc import actions
    from clusto_cli.bmc.history import keep

    meant, word = _chosen(names, _BOOT)
    with app.reading() as reader:
        machines = _machines(reader, meant)
        if word:
            refuse(_protected(reader, machines), options["force"])
    if word and options["dry_run"]:
        return _planned(app, machines, f"boot from {word}" + ("" if word == "default" else ", once"), output, _NO_BOOT)
    question = actions.booting(BootDevice(word)) if word else actions.overridden
    told, interrupted = _ask("bmc boot", machines, question, parallel)
    if word:
        keep(app, f"boot {word}", told, options["message"])
    if output == "text":
        write_lines(
            f"{each.name} boots from {each.answer.device}{', once' if each.answer.once else ''}"
            for each in told
            if each.answer is not None
        )
    _write(output, told, lambda found: found._asdict(), _NO_BOOT)
    return _end(app, told, interrupted)


@command.command("reset")
@_asking_options
@click.option("--wait", "patience", callback=_seconds, default="5m", metavar="TIME", help="How long it may take.  [5m]")
@_telling_options
@pass_app
def reset(app: App, /, names: tuple[str, ...], patience: float, parallel: int, output: str, **options: Any) -> int:
    """Have controllers themselves start anew, and wait for them.

    Their machines run on; sessions with the controller, consoles among them, end.

    \b
        clusto bmc reset server1
    """
    from clusto_cli.bmc import actions
    from clusto_cli.bmc.history import keep

    with app.reading() as reader:
        machines = _machines(reader, names)
        refuse(_protected(reader, machines), options["force"])
    if options["dry_run"]:
        return _planned(app, machines, "restart the controller", output, _NO_RESET)
    confirm(f"restart the controller of {_named(machines)}?", options["yes"])

    def say(told: Told[actions.Restarted]) -> None:
        if output == "text" and told.answer is not None:
            how = f"restarted, answers again after {told.answer.seconds:.0f} s"
            unseen = "acknowledged, and was not seen to stop answering"
            write_lines([f"{told.name} {how if told.answer.seen else unseen}"])

    told, interrupted = _ask("bmc reset", machines, actions.restarting(patience), parallel, say)
    keep(app, "reset", told, options["message"])
    _write(
        output,
        told,
        lambda found: {"verified": found.seen, "seconds": round(found.seconds, 1)},
        _NO_RESET,
    )
    return _end(app, told, interrupted)


@command.command("firmware")
@_asking_options
@click.option("--differing", is_flag=True, help="Only components of which there is more than one version.")
@pass_app
@paged
def firmware(app: App, /, names: tuple[str, ...], differing: bool, parallel: int, output: str) -> int:
    """List versions of firmware side by side.

    Each component with its versions, and which machines have which; nothing is flashed.

    \b
        clusto bmc firmware 'server[1-40]' --differing
    """
    from clusto_cli.bmc.machines import within
    from clusto_cli.bmc.report import firmware_lines, firmware_record

    with app.reading() as reader:
        machines = _machines(reader, names)
    told, interrupted = _ask("bmc firmware", machines, within(lambda control: control.components()), parallel)
    if output == "text":
        write_lines(firmware_lines([(each.name, each.answer or []) for each in told], differing))
    _write(output, told, firmware_record, {"components": []})
    return _end(app, told, interrupted)


# --- what they share ---------------------------------------------------------------------------------------------


def _machines(reader: Reader, names: Sequence[str]) -> list[Machine]:
    from clusto_cli.bmc.machines import machines

    return machines(reader, targets(reader, names))


def _ask(
    what: str,
    machines: Sequence[Machine],
    question: Question[A],
    parallel: int,
    say: Callable[[Told[A]], None] = lambda told: None,
) -> tuple[list[Told[A]], bool]:
    """Asks every machine's controller; what they answered, and whether that was interrupted."""
    from clusto_cli.bmc.machines import ask

    def main(interruption: Interruption, advance: Callable[[int], None]) -> Awaitable[list[Told[A]]]:
        def tell(told: Told[A]) -> None:
            say(told)
            advance(1)

        return ask(machines, question, interruption, parallel=parallel, tell=tell)

    return _run(what, len(machines), main)


def _run(
    what: str, count: int, main: Callable[[Interruption, Callable[[int], None]], Awaitable[list[Told[A]]]]
) -> tuple[list[Told[A]], bool]:
    from clusto_cli.backends.runner import run
    from clusto_cli.bmc.machines import refuse_all
    from clusto_cli.progress import counted

    with counted(what, count) as advance:
        told, interrupted = run(lambda interruption: main(interruption, advance))
    refuse_all(told)
    return told, interrupted


def _record(told: Told[A], content: Callable[[A], Mapping[str, Any]], empty: Mapping[str, Any]) -> dict[str, Any]:
    from clusto_cli.bmc.report import record

    return record(told, content, empty)


def _write(
    output: str, told: Sequence[Told[A]], content: Callable[[A], Mapping[str, Any]], empty: Mapping[str, Any]
) -> None:
    if output != "text":
        write_records(output, [_record(each, content, empty) for each in told])


def _planned(app: App, machines: Sequence[Machine], what: str, output: str, empty: Mapping[str, Any]) -> int:
    """Says what would be told to controllers; those that have none are told of as when they were asked."""
    from clusto_cli.backends.errors import Unusable
    from clusto_cli.bmc.machines import Told, refuse_all

    told: list[Told[Any]] = [
        Told(each, None, Unusable(str(each.refusal)) if each.refusal else None) for each in machines
    ]
    refuse_all(told)
    if output == "text":
        write_lines(f"{each.name} would {what}" for each in told if each.failure is None)
    else:
        planned = {"dry_run": True, "would": what}
        write_records(output, [_record(each, lambda answer: {}, empty) | planned for each in told])
    return _end(app, told, False)


def _protected(reader: Reader, machines: Sequence[Machine]) -> list[str]:
    from clusto_core.rules.protection import protection

    return [reason for machine in machines if (reason := protection(reader, machine.thing))]


def _named(machines: Sequence[Machine]) -> str:
    from clusto_core.model.ranges import fold

    shown = ",".join(fold(machine.name for machine in machines))
    return shown if len(shown) <= 200 else f"{shown[:200]}... ({len(machines)} machines)"


def _end(app: App, told: Sequence[Told[A]], interrupted: bool) -> int:
    """Says what failed, last and on standard error; the exit code."""
    failed = [each for each in told if each.failure is not None]
    for each in failed:
        app.say(each.line)
    if interrupted:
        return EXIT_INTERRUPTED
    if not failed:
        return 0
    return EXIT_REFUSED if all(each.refused for each in failed) else EXIT_DEVICE
