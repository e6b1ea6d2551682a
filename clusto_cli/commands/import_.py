"""Bring Things from files into the inventory: whole sites, spreadsheets, device types."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from clusto_cli import completion, sheets
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, source_options, strict_option
from clusto_cli.output import clean, write_lines
from clusto_cli.sheets import SheetOptions, sheet_options

if TYPE_CHECKING:
    from clusto_core.transfer.faults import Fault
    from clusto_core.transfer.pile import Pile
    from clusto_core.transfer.sheets.how import How

SHOWN = 100
"""How many faults are told one by one."""
DEVICE_TYPE = "device-type"
CLASSIC = "classic"
PARTIAL = 5
"""The exit code where some of it was imported: as that of a command that some of its devices did not do."""


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--format",
    "format_name",
    metavar="FORMAT",
    help="What the files are, where neither their names nor their beginnings say it.",
    shell_complete=completion.formats,
)
@click.option("--device-type", is_flag=True, help="Models of equipment, in the format of NetBox's device type library.")
@click.option(
    "--source",
    metavar="NAME",
    help="The FILEs are all that this source has: be in step with it, as clusto sync is.",
    shell_complete=completion.sources,
)
@click.option(
    "--driver",
    "drivers",
    metavar="DRIVER|CLASSIC=DRIVER",
    multiple=True,
    help="What new Things of rows are that do not say it, in columns that clusto guesses: Server. Of the classic"
    " clusto: what a driver of the site's own, or a type, becomes. Repeatable.",
    shell_complete=completion.drivers,
)
@source_options("With a source: ")
@strict_option
@click.option("--keep-going", is_flag=True, help="Leave out what is faulty, and import the rest.")
@click.option(
    "--confidence",
    type=click.Choice(("possible", "likely", "sure")),
    help="Of a proposal (clusto discover): take what is at least so sure; by default likely.",
)
@sheet_options
@change_options
@click.pass_context
@pass_app
def command(
    app: App,
    ctx: click.Context,
    files: tuple[str, ...],
    format_name: str | None,
    device_type: bool,
    source: str | None,
    drivers: tuple[str, ...],
    prefer: str | None,
    prune: bool,
    strict: bool,
    keep_going: bool,
    confidence: str | None,
    message: str | None,
    dry_run: bool,
    sheet_options: SheetOptions,
) -> None:
    """Make the inventory agree with FILEs: YAML, JSON lines or spreadsheets (CSV, XLSX, ODS), by their extension or how
    they begin; - is standard input.

    All or nothing: everything is checked first, and all that is wrong is told with its file and line. Things that are
    there already are changed where the files say otherwise, and what the files do not mention stays, so that the same
    file twice changes nothing. --dry-run tells the difference. With --keep-going what is faulty is told and left out,
    the rest is imported, and the exit code is 5. With --source they are all that this source has: what is gone from
    them is told, and only what changed in them since last time is taken (clusto help sync).

    A proposal of clusto discover says with each line how sure it is, and by what it was seen: --dry-run tells that too.
    It adds what is missing, and is refused where it would overwrite something.

    What the columns of a spreadsheet are is told by their titles (--guess shows it), and by --map where those do not.

    \b
        clusto import servers.xlsx --guess
        clusto import site.yaml --dry-run
        clusto import --format netbox netbox.json.gz
    """
    from clusto_core.errors import Malformed

    if device_type and format_name not in (None, DEVICE_TYPE):
        raise Malformed(f"--device-type and --format {format_name} say different things: leave one out")
    chosen = DEVICE_TYPE if device_type else format_name
    classic = _source_of(files, chosen) == CLASSIC
    how = sheet_options.how(app, None if classic else _driver_of_rows(drivers))
    if sheet_options.guess:
        sheets.show(files, chosen, how)
        return
    if (name := source or _source_of(files, chosen)) is not None:
        if confidence:
            raise Malformed("--confidence is about a proposal, which no source is: leave one out")
        if sheet_options.save:
            raise Malformed("--save goes with a plain import: leave --source out")
        settings = _settings(drivers) if classic else {}
        ctx.exit(_sync(app, name, files, chosen, settings, prefer, prune, message, dry_run, sheet_options, how))
    if prefer or prune:
        raise Malformed("--prefer and --prune are about a source that is known: say its name with --source")
    _load(app, files, chosen, strict, message, dry_run, sheet_options, how, keep_going=keep_going, least=confidence)


def _source_of(files: tuple[str, ...], chosen: str | None) -> str | None:
    """The source that the files are the whole of by their format, where they are of one."""
    from clusto_core.transfer import formats

    known = {chosen or formats.of_extension(path.removesuffix(".gz")) for path in files}
    found = {formats.source_of(each) if each else None for each in known}
    return found.pop() if len(found) == 1 else None


def _sync(
    app: App,
    name: str,
    files: tuple[str, ...],
    chosen: str | None,
    settings: dict[str, dict[str, str]],
    prefer: str | None,
    prune: bool,
    message: str | None,
    dry_run: bool,
    sheet_options: SheetOptions,
    how: How | None,
) -> int:
    from clusto_cli import syncing
    from clusto_core.transfer import sources
    from clusto_core.transfer.sources.protocol import Declared

    declared = Declared(name, chosen or "", settings=settings)
    source = sources.of_format(chosen, files, declared, how, create=sheet_options.create is True)
    return syncing.run(
        app, declared, source, syncing.options(prefer, prune), message=message, dry_run=dry_run, output="text"
    )


def _driver_of_rows(drivers: tuple[str, ...]) -> str | None:
    """The driver that the options say for the rows of spreadsheets."""
    from clusto_core.errors import Malformed

    if any("=" in each for each in drivers):
        raise Malformed("--driver is about a classic clusto where it says CLASSIC=DRIVER: say --format classic")
    if len(drivers) > 1:
        raise Malformed("rows that do not say their driver have one: say --driver once")
    return drivers[0] if drivers else None


def _settings(drivers: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """What the options say as a table of the configuration would say it."""
    pairs = [each.partition("=") for each in drivers]
    if not all(classic and equals for classic, equals, _ in pairs):
        from clusto_core.errors import Malformed

        raise Malformed("malformed --driver: write CLASSIC=DRIVER, as basicwidget=Appliance")
    return {"drivers": {classic: driver for classic, _, driver in pairs}} if pairs else {}


def _load(
    app: App,
    files: tuple[str, ...],
    chosen: str | None,
    strict: bool,
    message: str | None,
    dry_run: bool,
    sheet_options: SheetOptions,
    how: How | None,
    *,
    keep_going: bool,
    least: str | None,
) -> None:
    from clusto_cli import __version__
    from clusto_cli.progress import progress, unseen
    from clusto_cli.streams import awaited
    from clusto_core.records import imported
    from clusto_core.store import collector
    from clusto_core.transfer import difference, implied, importer, proposed
    from clusto_core.transfer.faults import Faulty, place
    from clusto_core.transfer.files import STDIN, read

    left_out: list[Fault] = []
    known_as = imported.files_digest((chosen or "", *files), __version__)
    typed = STDIN in files and awaited("Things")
    with unseen() if typed else progress("reading files") as report, collector.paused():
        documents = read(files, chosen, lambda done: report("reading files", done, 0), how, keep_going=keep_going)
        for note in documents.notes:
            app.say(note)
        documents = _sure_enough(app, documents, least or "likely")
        while True:
            try:
                with app.changing(message, dry_run=dry_run, strict=strict) as change:
                    if sheet_options.save:
                        sheets.keep(change, sheet_options.save, files, chosen, how)
                    counts = importer.load(change, documents, report, sheet_options.create, known_as)
                    changed = change.unit.changed
                    if dry_run:
                        write_lines(difference.lines(change.unit))
                        write_lines(line for document in documents for line in proposed.lines(document))
                    report("writing", 0, 0)
                break
            except Faulty as error:
                rest = importer.without_faulty(documents, error) if keep_going else documents
                if len(rest) == len(documents):
                    if len(error.faults) > 1:
                        _tell(error.faults)
                    raise error.single from None
                left_out += error.faults
                documents = rest
    for driver, names in implied.grouped(counts.implied):
        app.say(f"{'would add' if dry_run else 'added'} as the rows name them: {driver} {names}")
    things = f"{counts.named} Thing{'s' if counts.named != 1 else ''}, {counts.added} new"
    if not changed:
        write_lines([f"nothing to change: {things}"])
    elif dry_run:
        write_lines([f"would import {things}"])
    else:
        write_lines([f"imported {things}, as transaction {change.id}"])
    if left_out:
        _tell(left_out, len(left_out))
        objects = len({place(fault.document) for fault in left_out if fault.document is not None})
        print(clean(f"clusto: error: left out {objects} of {objects + counts.named}"), file=sys.stderr)
        sys.exit(PARTIAL)


def _sure_enough(app: App, documents: Pile, least: str) -> Pile:
    """What of proposals is at least so sure; how much that leaves out is told."""
    from clusto_core.transfer.evidence import Confidence
    from clusto_core.transfer.pile import Pile
    from clusto_core.transfer.proposed import sure_enough

    if not documents.proposed:
        return documents
    of_each = ((each, sure_enough(each, Confidence(least))) for each in documents)
    kept, left_out = Pile(), 0
    for document, found in of_each:
        left_out += len(document.evidence) - (len(found.evidence) if found is not None else 0)
        if found is not None:
            kept.append(found)
    if left_out:
        app.say(f"left out {left_out} lines that are less than {least} (--confidence)")
    return kept


def _tell(faults: list[Fault], most: int = SHOWN) -> None:
    """The faults one by one."""
    for fault in faults[:most]:
        print(f"clusto: error: {clean(str(fault))}", file=sys.stderr)
    if len(faults) > most:
        print(clean(f"clusto: error: ... and {len(faults) - most} more"), file=sys.stderr)
