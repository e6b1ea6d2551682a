"""Take Things out of a place or a grouping."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options
from clusto_cli.output import write_lines
from clusto_cli.targets import names_argument, targets


@click.command("take")
@names_argument
@click.option(
    "--from",
    "parent",
    metavar="PARENT",
    required=True,
    help="What they are taken out of.",
    shell_complete=completion.memberships,
)
@change_options
@pass_app
def command(app: App, names: tuple[str, ...], parent: str, message: str | None, dry_run: bool) -> None:
    """Take each NAME out of PARENT.

    \b
        clusto take server1 --from web-pool
    """
    lines = []
    with app.changing(message, dry_run=dry_run) as change:
        target = change.resolve(parent)
        for found in targets(change.unit.reader, names):
            thing = change.resolve(found.name)
            change.take(thing, target)
            lines.append(f"{'would take' if dry_run else 'took'} {thing.name} from {target.name}")
    write_lines(lines)
