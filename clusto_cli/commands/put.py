"""Put Things into a place or a grouping."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options
from clusto_cli.output import write_lines
from clusto_cli.targets import names_argument, targets


@click.command("put")
@names_argument
@click.option(
    "--in",
    "parent",
    metavar="PARENT",
    required=True,
    help="What they are put in.",
    shell_complete=completion.parents,
)
@change_options
@pass_app
def command(app: App, names: tuple[str, ...], parent: str, message: str | None, dry_run: bool) -> None:
    """Put each NAME into PARENT, a datacenter, room, rack, pool, role, class... A Thing is in one place at a time, and
    in any number of groupings.

    \b
        clusto put 'server[1-4]' --in web-pool
    """
    lines = []
    with app.changing(message, dry_run=dry_run) as change:
        target = change.resolve(parent)
        for found in targets(change.unit.reader, names):
            thing = change.resolve(found.name)
            verb = ("would put" if dry_run else "put") if change.put(thing, target) else "already:"
            lines.append(f"{verb} {thing.name} in {target.name}")
    write_lines(lines)
