"""Pick so many Things that satisfy an expression, and mark them, all or none."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, strict_option
from clusto_cli.output import output_option, write_lines, write_records
from clusto_cli.targets import say_notes
from clusto_cli.values import parse_pair
from clusto_core.drivers import Driver, registry


@click.command("allocate")
@click.argument("number", metavar="N", type=click.IntRange(min=1))
@click.option(
    "--where", metavar="EXPR", required=True, help="What may be picked.", shell_complete=completion.expressions
)
@click.option("--in", "place", metavar="PLACE", help="Only what is in it.", shell_complete=completion.parents)
@click.option("--spread", metavar="DRIVER,...", help="No two in one Rack, say; of further drivers as few as can be.")
@click.option("--pack", metavar="DRIVER", help="Together: on as few of that driver as can be.")
@click.option("--prefer", metavar="EXPR", help="What satisfies this goes first.", shell_complete=completion.expressions)
@click.option("--seed", metavar="NUMBER", type=int, help="Shuffle what may be picked; the same for the same number.")
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="An attribute to set; repeatable.")
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

    --spread Rack,PDU: each in a rack of its own, and fed by as different PDUs as can be. Nothing is ever picked twice,
    whatever runs beside it, provided that --set or --put makes it another than EXPR selects. Exit code 4 when there
    are not enough.
    """
    from clusto_core.resources.allocation import Wanted, allocate

    drivers = [_driver(text) for text in spread.split(",")] if spread else []
    settings = [parse_pair(pair) for pair in pairs]
    hidden = [value.text for key, value in settings if value.concealed(key)]
    with app.changing(message, dry_run=dry_run, strict=strict, hidden=hidden) as change:
        wanted = Wanted(
            number,
            where,
            change.resolve(place) if place else None,
            drivers,
            _driver(pack) if pack else None,
            prefer,
            seed,
        )
        found = allocate(change, wanted, settings=settings, put=change.resolve(put) if put else None)
    say_notes(found.notes)
    if output in ("text", "names"):
        write_lines(thing.name for thing in found.things)
    else:
        write_records(output, ({"name": thing.name, "driver": thing.driver} for thing in found.things))


def _driver(text: str) -> type[Driver]:
    return registry.get(text.strip())
