"""Give a Thing another name."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options
from clusto_cli.output import write_lines


@click.command("rename")
@click.argument("old", metavar="OLD", shell_complete=completion.names)
@click.argument("new", metavar="NEW")
@change_options
@pass_app
def command(app: App, old: str, new: str, message: str | None, dry_run: bool) -> None:
    """Rename OLD to NEW; its parts, cables and attributes stay with it. OLD may be a part: server1:eth0.

    \b
        clusto rename server1 web-a
        clusto rename web-a:eth1 eno2
    """
    with app.changing(message, dry_run=dry_run) as change:
        thing = change.resolve(old)
        before = thing.name
        change.rename(thing, new)
    write_lines([f"{'would rename' if dry_run else 'renamed'} {before} to {thing.name}"])
