"""Attach to the serial console of a machine, whatever serves it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clusto_cli.confirm import confirm
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Real, Whole
from clusto_cli.options import verbose_option, yes_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import Where, names_argument, targets
from clusto_core.errors import ClustoError, Malformed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from clusto_cli.backends.base import Attach
    from clusto_cli.backends.console.access import Access
    from clusto_cli.backends.console.script import Step
    from clusto_cli.console.check import Finding
    from clusto_core.answers.consoles import ConsoleWay
    from clusto_core.model.things import Thing
    from clusto_core.store.reader import Reader

_STEPS = ("send", "expect", "break_")


class Steps(click.Command):
    """A command that keeps the order in which `--send`, `--expect` and `--break` were given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given, _, order = self.make_parser(ctx).parse_args(list(args))
        left = {name: iter(given.get(name) or ()) for name in ("send", "expect")}
        ctx.meta["steps"] = [
            (param.name, next(left[param.name], "") if param.name in left else "")
            for param in order
            if param.name in _STEPS
        ]
        return super().parse_args(ctx, args)


def _methods(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The methods of the profile that serves the first console named, with how well each is known."""
    from click.shell_completion import CompletionItem

    from clusto_cli.completion import reading
    from clusto_cli.console.ways import profile_of
    from clusto_core.answers.consoles import console_of

    given = ctx.params.get("names") or ctx.args
    with reading(ctx) as reader:
        methods = profile_of(console_of(reader, reader.resolve(given[0]))).methods if given else ()
    found = (CompletionItem(each.name, help=f"{each.transport}, {each.confidence}") for each in methods)
    return [item for item in found if item.value.startswith(incomplete)]


@click.command("console", cls=Steps)
@names_argument
@click.option("--show", is_flag=True, help="Print the cable path and the exact command; connect to nothing.")
@click.option("--list", "list_", is_flag=True, help="NAME is a console server: its ports, what is wired, who is on.")
@click.option("--check", is_flag=True, help="Press Enter on each console: which answer, and as which machine?")
@click.option("--replay", type=click.Path(path_type=Path), metavar="FILE", help="Show a log, safely.")
@click.option("--log", type=click.Path(path_type=Path), metavar="FILE", help="Log the session, a time stamp a line.")
@click.option("-r", "--read-only", is_flag=True, help="Only look on.")
@click.option("--force", is_flag=True, help="Take a busy port over.")
@click.option("--wait", is_flag=True, help="Wait while the port is busy.")
@click.option("--keep", is_flag=True, help="Attach anew whenever the line is lost.")
@click.option("--via", type=click.Choice(["cable", "direct", "controller", "hypervisor"]), help="By this way only.")
@click.option("--method", metavar="METHOD", help="By this method of the profile.", shell_complete=_methods)
@click.option(
    "--escape", metavar="KEY", default="^]", show_default=True, envvar="CLUSTO_CONSOLE_ESCAPE", help="The escape key."
)
@click.option("--send", multiple=True, metavar="TEXT", help=r"Script: type this; \n is Enter (also \r \t \e \xHH).")
@click.option("--expect", multiple=True, metavar="TEXT", help="Script: wait for this text, or /REGEX/.")
@click.option("--break", "break_", count=True, help="Script: send a break.")
@click.option("--timeout", type=Real(0.1), default=30.0, show_default=True, metavar="SECONDS")
@click.option("--capture", type=Real(0), metavar="SECONDS", help="Script: then listen so long.")
@click.option(
    "--raw", is_flag=True, help="Script: print the console's bytes as they are, whatever a terminal does of them."
)
@click.option("--parallel", type=Whole(1, 1000), default=64, show_default=True, help="Consoles at once.")
@click.option("--broadcast", is_flag=True, help="Type to all the consoles named.")
@yes_option
@verbose_option
@output_option
@click.pass_context
@pass_app
def command(app: App, ctx: click.Context, /, names: tuple[str, ...], **options: Any) -> int:
    """Attach the terminal to the console of NAME: a machine, one of its serial ports, or a console server's port.

    The port is found through the wiring; without a serial cable it is the management controller's serial over LAN,
    then the hypervisor. Ctrl-] . leaves and Ctrl-] ? lists the other keys.

    Several NAMEs are shown side by side, read only. With --send, --expect, --break and --capture, which are done in
    the order given, no terminal is needed.

    \b
        clusto console server1
        clusto console server1 --show
        clusto console --check 'driver:Server in name:rack101'
    """
    if options["replay"] is not None:
        return _replay(options["replay"], names)
    with app.reading() as reader:
        things = targets(reader, map(_expression, names) if options["check"] else names)
        if options["list_"]:
            return _list(app, reader, things, options["output"])
        if options["check"]:
            return _check(reader, things, options)
        consoles = [_console(reader, thing, options) for thing in things]
        if options["show"]:
            return _show(consoles, options["output"], verbose=bool(options["verbose"] or app.verbose))
    for caution in dict.fromkeys(caution for _, access in consoles for caution in access.cautions):
        app.say(caution)
    steps = _steps(ctx.meta["steps"], options["capture"])
    if options["raw"] and not steps:
        raise Malformed("--raw is for --send, --expect and --capture")
    if steps:
        return _script(app, consoles, steps, options)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Malformed("not on a terminal: use --send, --expect or --capture, or --show")
    return _interactive(app, consoles, options)


def _expression(word: str) -> str:
    """`--check` takes expressions without `--where` too; no name looks like one."""
    return Where(word) if " " in word or word.partition(":")[0] in ("driver", "name", "attr", "part", "_ip") else word


def _console(reader: Reader, thing: Thing, options: dict[str, Any]) -> tuple[ConsoleWay, Access]:
    from clusto_cli.console.ways import access_of
    from clusto_core.answers.consoles import console_of

    way = console_of(reader, thing, prefer=options["via"])
    return way, access_of(way, options["method"])


def _attach(options: dict[str, Any], *, looking_on: bool = False) -> Attach:
    from clusto_cli.backends.base import Attach

    if options["read_only"] and options["force"]:
        raise Malformed("--read-only and --force are one too many: who only looks on takes nothing over")
    if options["force"]:
        return Attach.FORCE
    return Attach.READ_ONLY if options["read_only"] or looking_on else Attach.NORMAL


def _steps(given: list[tuple[str, str]], capture: float | None) -> list[Step]:
    if not given and capture is None:
        return []
    from clusto_cli.backends.console.script import Break, Capture, parse_expect, parse_send

    steps: list[Step] = []
    for name, text in given:
        try:
            steps.append(parse_send(text) if name == "send" else parse_expect(text) if name == "expect" else Break())
        except ValueError as error:
            raise Malformed(f"--{name} {text!r}: {error}") from None
    return steps if capture is None else [*steps, Capture(capture)]


def _escape(text: str) -> bytes:
    """The escape key: `^]`, `^A`, one character, or `none`."""
    if text == "none":
        return b""
    if len(text) == 2 and text[0] == "^" and "@" < text[1].upper() <= "_":
        return bytes((ord(text[1].upper()) - 64,))
    if len(text) == 1 and text.isascii() and text.isprintable():
        return text.encode()
    raise Malformed(f"no such key: {text!r} (write ^] or ^A, one character, or none)")


def _interactive(app: App, consoles: list[tuple[ConsoleWay, Access]], options: dict[str, Any]) -> int:
    escape = _escape(options["escape"])
    if len(consoles) == 1 and not options["broadcast"]:
        from clusto_cli.console.attach import Manner, attach

        way, access = consoles[0]
        manner = Manner(_attach(options), escape, options["log"], options["keep"], options["wait"])
        return attach(app, way, access, manner)
    from clusto_cli.console.scripted import board

    if options["log"] or options["keep"]:
        raise Malformed("--log and --keep are for one console at a time")
    if len(consoles) > options["parallel"]:
        raise Malformed(f"{len(consoles)} consoles at once are more than --parallel {options['parallel']}")
    if not escape:
        raise Malformed("several consoles need an escape key to be left with")
    if options["broadcast"]:
        _confirm_broadcast(consoles, options)
    looking_on = not options["broadcast"]
    attach_as = _attach(options, looking_on=looking_on)
    return board(app, consoles, broadcast=options["broadcast"], attach=attach_as, escape=escape, wait=options["wait"])


def _script(app: App, consoles: list[tuple[ConsoleWay, Access]], steps: list[Step], options: dict[str, Any]) -> int:
    from clusto_cli.backends.console.script import Capture, Expect
    from clusto_cli.console.scripted import run

    if options["log"] or options["keep"]:
        raise Malformed("--log and --keep are for a terminal; a script's output is its log")
    if options["raw"] and (len(consoles) > 1 or options["output"] != "text"):
        raise Malformed("--raw is for one console, and for no other form of the output")
    listens_only = all(isinstance(step, Capture | Expect) for step in steps)
    if not listens_only and options["read_only"]:
        raise Malformed("--read-only types nothing: leave out --send and --break")
    if not listens_only and len(consoles) > 1:
        if not options["broadcast"]:
            raise Malformed(f"typing to {len(consoles)} consoles at once needs --broadcast")
        _confirm_broadcast(consoles, options)
    attach_as = _attach(options, looking_on=listens_only)
    return run(
        app,
        consoles,
        steps,
        attach=attach_as,
        timeout=options["timeout"],
        wait=options["wait"],
        parallel=options["parallel"],
        output=options["output"],
        raw=options["raw"],
    )


def _confirm_broadcast(consoles: list[tuple[ConsoleWay, Access]], options: dict[str, Any]) -> None:
    from clusto_core.model.ranges import fold

    names = ",".join(fold(way.thing.name for way, _ in consoles))
    confirm(f"type to {len(consoles)} consoles at once: {names}?", options["yes"])


def _replay(path: Path, names: tuple[str, ...]) -> int:
    from clusto_cli.backends.console.recorder import replay

    if names:
        raise Malformed("--replay shows a file: leave out the names")
    with path.open("rb") as file:
        write_lines(replay(file))
    return 0


@paged
def _show(consoles: list[tuple[ConsoleWay, Access]], output: str, *, verbose: bool) -> int:
    from clusto_cli.console.listing import way_lines, way_record

    if output == "text":
        for way, access in consoles:
            write_lines(way_lines(way, access, verbose=verbose))
    else:
        write_records(output, (way_record(way, access) for way, access in consoles))
    return 0


@paged
def _list(app: App, reader: Reader, things: list[Thing], output: str) -> int:
    from clusto_cli.console.listing import PortRow, port_rows, table, who_is_on
    from clusto_cli.console.ways import access_of
    from clusto_core.answers.consoles import ports_of, server_way
    from clusto_core.model.attributes import Key

    rows: list[PortRow] = []
    for server in things:
        ports = ports_of(reader, server)
        label = Key("label")
        labels = {each.thing_id: each.value.text for each in reader.attributes_of_parts(server.id) if each.key == label}
        status, why = who_is_on(access_of(server_way(reader, server), port=False))
        if why:
            app.say(f"{server.name}: {why}")
        rows += port_rows(ports, labels, status)
    if output == "text":
        write_lines(table(rows))
    else:
        write_records(output, (row.record() for row in rows))
    return 0


def _check(reader: Reader, things: list[Thing], options: dict[str, Any]) -> int:
    from clusto_cli.backends.console.identity import same_host
    from clusto_cli.console.check import Finding, check

    consoles, without = [], []
    for thing in things:
        try:
            consoles.append(_console(reader, thing, options))
        except ClustoError as error:
            without.append(Finding(thing.name, "", "no console", None, str(error)))
    hosts = _host_names(reader, things)

    def whose(host: str) -> str | None:
        for name, names in hosts.items():
            if any(same_host(host, each) for each in names):
                return name
        found = reader.get(host) or reader.get(host.partition(".")[0])
        return found.name if found else None

    findings = [*check(consoles, hosts, whose, options["parallel"]), *without]
    if options["output"] == "text":
        width = max(len(finding.name) for finding in findings)
        write_lines(f"{finding.name:{width}}  {_place(finding)}{finding.words}" for finding in findings)
    else:
        write_records(options["output"], (finding.record() for finding in findings))
    return 0 if all(finding.good for finding in findings) else 5


def _place(finding: Finding) -> str:
    return f"{finding.way}: " if finding.way else ""


def _host_names(reader: Reader, things: list[Thing]) -> dict[str, list[str]]:
    """The host names that each of these may have: its name and its attribute `hostname`."""
    hosts = {thing.name: [thing.name] for thing in things}
    names = {thing.id: thing.name for thing in things}
    for attribute in reader.attributes(*names):
        if str(attribute.key) == "hostname":
            hosts[names[attribute.thing_id]].append(attribute.value.text)
    return hosts
