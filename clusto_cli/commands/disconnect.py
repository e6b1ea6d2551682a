"""Take out a cable, or equipment from its rack units."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.leftovers import say_left
from clusto_cli.options import change_options, yes_option
from clusto_cli.output import write_lines
from clusto_cli.pairing import show_pairs
from clusto_core.answers.leftovers import left_behind
from clusto_core.inventory import Transaction


@click.command("disconnect")
@click.argument("one", metavar="A", shell_complete=completion.connected_parts)
@click.argument("other", metavar="[B]", required=False, shell_complete=completion.far_ends)
@yes_option
@change_options
@pass_app
def command(app: App, one: str, other: str | None, yes: bool, message: str | None, dry_run: bool) -> None:
    """Take out all connections of A, or those between A and B, and say what they were. Of ranges, how many pairs there
    are, and which, is told first; a person on a terminal is asked.

    \b
        clusto disconnect server1:eth0
        clusto disconnect server1 rack101
        clusto disconnect 'server[2-3]:eth0'
    """

    def plan(trial: Transaction) -> list[tuple[str, str]]:
        return [(each.one.name, each.other.name) for each in trial.disconnect(one, other)]

    show_pairs(app, "disconnect", "from", (one, other or ""), plan, yes=yes, dry_run=dry_run)
    with app.changing(message, dry_run=dry_run) as change:
        parted = change.disconnect(one, other)
        left = left_behind(change.unit.reader, (end for each in parted for end in (each.one, each.other)))
    verb = "would disconnect" if dry_run else "disconnected"
    write_lines(f"{verb} {each.one.name} from {each.other.name}" for each in parted)
    say_left(app, left)
