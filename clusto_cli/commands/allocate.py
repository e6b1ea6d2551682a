"""Pick so many Things that satisfy an expression, and mark them, all or none."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Whole
from clusto_cli.options import change_options, strict_option
from clusto_cli.output import output_option, write_lines, write_records
from clusto_cli.targets import say_notes
from clusto_cli.values import parse_pair
from clusto_core.drivers import Driver, registry


@click.command("allocate")
@click.argument("number", metavar="N", type=Whole(1))
@click.option(
    "--where", metavar="EXPR", required=True, help="What may be picked.", shell_complete=completion.expressions
)
@click.option("--in", "place", metavar="PLACE", help="Only what is in it.", shell_complete=completion.parents)
@click.option("--spread", metavar="DRIVER,...", help="No two in one Rack, say; of further drivers as few as can be.")
@click.option("--pack", metavar="DRIVER", help="Together: on as few of that driver as can be.")
@click.option("--prefer", metavar="EXPR", help="What satisfies this goes first.", shell_complete=completion.expressions)
@click.option(
    "--seed", metavar="NUMBER", type=Whole(), help="Shuffle what may be picked; the same for the same number."
)
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="An attribute to set; repeatable.")
@click.option("--until", metavar="TIME", help="Reserve them until then: a date, to its end, or a time (UTC).")
@click.option("--hold", metavar="TIME", help="Reserve them for so long from now on: 2h, 30d.")
@click.option("--for", "purpose", metavar="TEXT", default="", help="What they are reserved for.")
@click.option("--claim", metavar="TEXT", help="Only what is reserved for TEXT; the reservations end.")
@click.option("--fit", metavar="NEED", help="Only racks with that much room, and what is in them: units=2,watts=800.")
@click.option("--put", metavar="PARENT", help="What they are put in.", shell_complete=completion.parents)
@output_option
@strict_option
@change_options
@pass_app
def command(
    app: App,
    number: int,
    where: str,
    place: str | None,
    spread: str | None,
    pack: str | None,
    prefer: str | None,
    seed: int | None,
    pairs: tuple[str, ...],
    until: str | None,
    hold: str | None,
    purpose: str,
    claim: str | None,
    fit: str | None,
    put: str | None,
    output: str,
    message: str | None,
    dry_run: bool,
    strict: bool,
) -> None:
    """Pick N Things that EXPR selects, set attributes of them and put them somewhere: all of it or nothing, in one
    transaction. Their names are printed, one a line.

    \b
        clusto allocate 4 --where 'driver:Server and attr:status,unallocated' --in datacenterZ \\
            --spread Rack --set status=allocated --put web-pool

    --until and --hold keep others from picking them for so long; nothing has to run when the time comes.

    \b
        clusto allocate 4 --where 'driver:Server and attr:status,unallocated' --until 2026-12-24 --for 'new shop'
        clusto allocate 4 --where driver:Server --claim 'new shop' --set status=allocated

    --spread Rack,PDU: each in a rack of its own, and fed by as different PDUs as can be. Nothing is ever picked twice,
    whatever runs beside it, provided that a reservation, --set or --put makes it another than EXPR selects. Exit code 4
    when there are not enough.
    """
    from clusto_core.model.reserving import deadline
    from clusto_core.resources.allocation import Wanted, allocate
    from clusto_core.resources.fitting import need

    held = until is not None or hold is not None
    end = deadline(until, hold) if held else None
    drivers = [_driver(text) for text in spread.split(",")] if spread else []
    settings = [parse_pair(pair) for pair in pairs]
    with app.changing(message, dry_run=dry_run, strict=strict, written=settings) as change:
        wanted = Wanted(
            number,
            where,
            change.resolve(place) if place else None,
            drivers,
            _driver(pack) if pack else None,
            prefer,
            seed,
            claim,
            need(fit) if fit is not None else None,
        )
        goal = change.resolve(put) if put else None
        found = allocate(change, wanted, settings=settings, put=goal, until=end, purpose=purpose)
    say_notes(found.notes)
    if output in ("text", "names"):
        write_lines(thing.name for thing in found.things)
    else:
        write_records(output, ({"name": thing.name, "driver": thing.driver} for thing in found.things))


def _driver(text: str) -> type[Driver]:
    return registry.get(text.strip())
