"""Move ports between VLANs on their switches, and hold the recorded wiring against what switches see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.confirm import confirm
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.numbers import Real, Whole
from clusto_cli.options import dry_run_option, force_option, message_option, yes_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import where_option, with_where
from clusto_core.errors import Malformed

if TYPE_CHECKING:
    from clusto_cli.network.jobs import Job
    from clusto_cli.network.run import Follow, Look, Opened
    from clusto_core.answers.network import MeantVlan
    from clusto_core.model.things import Thing
    from clusto_core.store.reader import Reader

F = TypeVar("F", bound=Callable[..., Any])
EXIT_NOT_FOUND, EXIT_REFUSED, EXIT_DEVICE, EXIT_INTERRUPTED = 3, 4, 5, 130


@click.group("network", cls=Group)
@pass_app
def command(app: App) -> None:
    """Move ports between VLANs on the switches that Things are wired to, verified; show and verify the wiring.

    \b
        clusto network setvlan server1 eth1 vlan203
        clusto network ports switch2a
        clusto network verify
    """
    app.heed()


def _device_options(function: F) -> F:
    options = (
        click.option("--parallel", type=Whole(1, 200), default=32, show_default=True, help="Switches."),
        output_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def _change_options(function: F) -> F:
    wait = click.option(
        "--wait",
        type=Real(0),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="For a switch that another command is changing.",
    )
    for option in reversed((message_option, dry_run_option, force_option, yes_option, wait, _device_options)):
        function = option(function)
    return function


@command.command("setvlan")
@click.argument(
    "words",
    metavar="NAME... NIC VLAN",
    nargs=-1,
    required=True,
    shell_complete=completion.network_words,
    callback=with_where,
)
@where_option
@click.option("--create", is_flag=True, help="Make the VLAN on a switch that has none of that id.")
@click.option("--check-path", is_flag=True, help="Look for the VLAN on the switches above too, and warn.")
@_change_options
@pass_app
def setvlan(app: App, /, words: tuple[str, ...], create: bool, check_path: bool, **options: Any) -> int:
    """Put the NIC of each Thing into a VLAN (a VLAN Thing, vlan203 or 203), untagged and in no other, and verify it.

    \b
    clusto network setvlan server1 eth1 vlan203
    clusto network setvlan web[01-20] eth[0-1] 203
    clusto network setvlan --where 'driver:Server in name:rack1' eth1 203

    A VLAN that is suspended, shut, or on no port towards another switch is a warning before; --check-path asks the
    switches above too. Refused without --force: trunks, members of aggregates, uplinks, tagged members, and NICs that
    the switch sees elsewhere.
    """
    from clusto_cli.backends.switch.change import prepare
    from clusto_cli.network.jobs import known_to, move_of
    from clusto_cli.network.uplinks import path_follower, uplink_names
    from clusto_core.answers.network import meant_vlan

    with app.reading() as reader:
        names, vlan_text = _nic_words(reader, words)
        vlan = meant_vlan(reader, vlan_text)
        jobs = _jobs(reader, _nics(reader, names), vlan)
        moves = {job.port + "\0" + job.wired.switch.name: move_of(reader, job) for job in jobs}
        made = {vlan.id: vlan.name} if create else {}

        async def look(control: Any, of: Sequence[Job]) -> Any:
            mine = [moves[job.port + "\0" + job.wired.switch.name] for job in of]
            uplinks = uplink_names(reader, of[0].wired.switch, [job.port for job in of])
            known = known_to(reader)
            return await prepare(control, mine, create=made, known=known, force=options["force"], uplinks=uplinks)

        return _perform(app, reader, jobs, look, "setvlan", options, path_follower(reader) if check_path else None)


@command.command("undo")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=completion.names)
@_change_options
@pass_app
def undo(app: App, /, name: str | None, **options: Any) -> int:
    """Take back the last change of a port: of a NIC, of a Thing's only changed NIC, or the newest of all.

    \b
        clusto network undo server1:eth1
    """
    from clusto_cli.backends.switch.change import prepare_back
    from clusto_cli.network.undo import changes_to_undo, job_for

    with app.reading() as reader:
        changes = changes_to_undo(reader, name)
        jobs = [job_for(reader, change) for change in changes]
        back = {job.wired.port.id: change for job, change in zip(jobs, changes, strict=True)}

        async def look(control: Any, of: Sequence[Job]) -> Any:
            mine = {job.port: back[job.wired.port.id] for job in of}
            before = {port: change.before for port, change in mine.items()}
            after = {port: change.after for port, change in mine.items()}
            return await prepare_back(control, before, after, force=options["force"])

        return _perform(app, reader, jobs, look, "undo", options)


@command.command("vlan")
@click.argument("name", metavar="NAME", shell_complete=completion.names)
@click.argument("nic", metavar="[NIC]", required=False, shell_complete=completion.nics)
@_device_options
@pass_app
@paged
def vlan(app: App, name: str, nic: str | None, parallel: int, output: str) -> int:
    """Show what VLAN each NIC is to be in and what its switch says, side by side; differences are marked.

    \b
        clusto network vlan server1
        clusto network vlan server1 eth1
    """
    from clusto_cli.network.jobs import NOT_ASKED
    from clusto_cli.network.showing import vlan_lines, vlan_rows
    from clusto_cli.progress import progress

    with app.reading() as reader:
        names = [f"{name}:{nic}"] if nic else [name]
        jobs = _jobs(reader, _nics(reader, names, all_of=nic is None), None)
        with progress(f"asking about {name}"):
            rows, notes = vlan_rows(reader, jobs, parallel)
    for note in notes:
        app.say(note)
    _show(output, vlan_lines(rows), [row.record() for row in rows])
    return _failures(app, [(row.nic, row.failure) for row in rows if row.failure not in ("", NOT_ASKED)])


@command.command("ports")
@click.argument("name", metavar="SWITCH", shell_complete=completion.things)
@output_option
@pass_app
@paged
def ports(app: App, name: str, output: str) -> int:
    """List all of a switch that has a socket: mode, VLANs, link, learned MACs, LLDP neighbour, what is wired there.

    \b
        clusto network ports switch2a
    """
    from clusto_cli.network.showing import port_lines, port_rows
    from clusto_cli.progress import progress

    with progress(f"asking {name}"), app.reading() as reader:
        rows, notes, faults = port_rows(reader, reader.resolve(name))
    for note in notes:
        app.say(note)
    _show(output, port_lines(rows), rows)
    return _failures(app, [(name, fault) for fault in faults])


@command.command("verify")
@click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=completion.names, callback=with_where)
@where_option
@click.option("--learn", is_flag=True, help="Record the MAC addresses and labels that were seen.")
@click.option("--propose", is_flag=True, help="Print connect commands for cables that are not recorded.")
@click.option("--connect", "connects", is_flag=True, help="Record those cables, each that is seen in one place alone.")
@message_option
@_device_options
@pass_app
def verify(
    app: App,
    /,
    names: tuple[str, ...],
    learn: bool,
    propose: bool,
    connects: bool,
    message: str | None,
    parallel: int,
    output: str,
) -> int:
    """Hold each recorded cable against LLDP and forwarding tables: confirmed, contradicted (and where), not seen.

    Without names, all switches. Exit code 4 when a cable is contradicted. A machine with a MAC address whose cable is
    not recorded is looked for at the switches of its datacenter: clusto bmc facts --learn writes MAC addresses.

    \b
        clusto network verify switch2a switch2b
        clusto network verify server9 --connect
    """
    from clusto_cli.network.verify import connect, learn_from, proposals, verify_cables
    from clusto_cli.progress import progress

    with progress("asking switches"), app.reading() as reader:
        result = verify_cables(reader, _named(reader, names), parallel)
        proposed = proposals(reader, result) if propose or connects else []
    for note in result.notes:
        app.say(note)
    connected = connect(app, proposed, message) if connects else []
    lines = [
        *(verdict.line() for verdict in result.judged),
        *(one.line for one in proposed if propose),
        *(f"{one.nic.name} -> {one.port.name}: connected (seen by {one.how})" for one in connected),
    ]
    _show(output, lines, [verdict.record() for verdict in result.verdicts])
    if learn:
        learn_from(app, result, message)
    failed = _failures(app, result.failures)
    return failed or (EXIT_REFUSED if result.contradicted else 0)


# --- what they share ---------------------------------------------------------------------------------------------


def _nic_words(reader: Reader, words: Sequence[str]) -> tuple[list[str], str]:
    """The NICs as `NAME:NIC`, and the VLAN. Raises Malformed, NotFound for an expression that selects nothing."""
    from clusto_cli.targets import expand_names, is_expression, satisfying

    plain = [word for word in words if not is_expression(word)]
    selected = [thing.name for word in words if is_expression(word) for thing in satisfying(reader, word)]
    if len(plain) >= 3 or (selected and len(plain) == 2):
        names, nics = [*expand_names(plain[:-2]), *selected], expand_names([plain[-2]])
        return [f"{name}:{nic}" for name in names for nic in nics], plain[-1]
    if len(plain) == 2 and ":" in plain[0]:
        return expand_names([plain[0]]), plain[1]
    raise Malformed("write NAME NIC VLAN, as server1 eth1 vlan203")


def _nics(reader: Reader, names: Sequence[str], *, all_of: bool = False) -> list[Thing]:
    """The NICs of these names; with `all_of`, those of whole Things that a cable is in."""
    from clusto_core.answers.network import nic_of, nics_of

    found: dict[Thing, None] = {}
    for name in names:
        if all_of:
            nics = nics_of(reader, reader.resolve(name))
            if not nics:
                raise Malformed(f"no network interface of {name} is connected")
            found.update(dict.fromkeys(nics))
        else:
            owner, _, nic = name.rpartition(":")
            found[nic_of(reader, reader.resolve(owner), nic)] = None
    return list(found)


def _jobs(reader: Reader, nics: Sequence[Thing], meant: MeantVlan | None) -> list[Job]:
    from clusto_cli.network.jobs import Job, port_names
    from clusto_core.answers.network import wired

    places = [wired(reader, nic) for nic in nics]
    names = port_names(reader, [place.port for place in places])
    return [Job(place, names[place.port.id], meant) for place in places]


def _named(reader: Reader, names: Sequence[str]) -> list[Thing]:
    from clusto_cli.targets import targets

    return targets(reader, names) if names else reader.all(["Switch"])


def _perform(
    app: App,
    reader: Reader,
    jobs: list[Job],
    look: Look,
    verb: str,
    options: dict[str, Any],
    follow: Follow | None = None,
) -> int:
    """Locks the switches, changes them, records and tells what became of every job."""
    from clusto_cli.network.changing import change_switches
    from clusto_cli.network.devices import devices
    from clusto_cli.network.jobs import by_switch
    from clusto_cli.network.record import record
    from clusto_cli.network.run import Opened

    known = {device.name: device for device in devices(reader, [job.wired.switch for job in jobs]).values()}
    opened = [Opened(known[name], of) for name, of in by_switch(jobs).items()]
    _protected(reader, jobs, options)

    def agree(all_of_them: Sequence[Opened]) -> None:
        hit = [
            f"{job.nic} on {one.device.name} {job.port}"
            for one in all_of_them
            for job in one.jobs
            if not job.status and job.before is not None and job.before.vlan is None
        ]
        if hit:
            more = f" and {len(hit) - 5} more" if len(hit) > 5 else ""
            confirm(f"{verb} of what is no plain access port: {', '.join(hit[:5])}{more}?", options["yes"])

    interrupted = change_switches(app, opened, look, agree, verb, options, follow)
    if not options["dry_run"]:
        record(app, opened, options["message"])
    return _told(app, opened, options, interrupted)


def _protected(reader: Reader, jobs: Sequence[Job], options: dict[str, Any]) -> None:
    from clusto_core.errors import Refused
    from clusto_core.rules.protection import protection

    if options["force"]:
        return
    for job in jobs:
        for thing in (reader.by_ids([job.wired.nic.entity_id])[job.wired.nic.entity_id], job.wired.switch):
            if reason := protection(reader, thing):
                raise Refused(f"{reason}: --force goes ahead")


def _told(app: App, opened: Sequence[Opened], options: dict[str, Any], interrupted: bool) -> int:
    from clusto_cli.network.jobs import ALREADY, FAILED, MISSING, MOVED, NOT_ASKED, PLANNED

    jobs = [job for one in opened for job in one.jobs]
    good = [job for job in jobs if job.status in (MOVED, ALREADY, PLANNED)]
    bad = [job for job in jobs if job not in good]
    for one in opened:
        if one.device.note:
            app.say(one.device.note)
        if one.prepared is not None and one.prepared.unseen:
            app.say(f"{one.device.name}: not fully checked who is on the port: {'; '.join(one.prepared.unseen)}")
        if one.caution:
            app.say(f"{one.device.name}: not saved: {one.caution}")
    if options["output"] != "text":
        write_records(options["output"], [job.record() for job in [*good, *bad]])
    else:
        write_lines(job.line() for job in good)
        if options["dry_run"]:
            for one in opened:
                if one.prepared is not None and one.prepared.plan is not None:
                    write_lines([f"{one.device.name}:", *(f"  {line}" for line in one.prepared.plan.lines())])
    for job in good:
        if job.unsaved:
            app.say(f"{job.nic} on {job.wired.switch.name}: changed and verified, and not saved: {job.unsaved}")
    for job in bad:
        app.say(f"error: {job.line()}")
    if interrupted:
        return EXIT_INTERRUPTED
    codes = {FAILED: EXIT_DEVICE, MISSING: EXIT_NOT_FOUND}
    found = {codes.get(job.status, EXIT_REFUSED) for job in bad if job.status != NOT_ASKED} | {
        EXIT_DEVICE for job in good if job.unsaved
    }
    return max(found, default=0)


@paged
def _show(output: str, lines: Iterable[str], records: Iterable[Any]) -> None:
    if output == "text":
        write_lines(lines)
    else:
        write_records(output, records)


def _failures(app: App, failures: Sequence[tuple[str, str]]) -> int:
    for name, text in failures:
        app.say(f"error: {name}: {text}")
    return EXIT_DEVICE if failures else 0
