"""Give a Thing another name."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, yes_option
from clusto_cli.output import write_lines
from clusto_cli.pairing import show_pairs
from clusto_core.inventory import Transaction
from clusto_core.rules.pairs import paired


@click.command("rename")
@click.argument("old", metavar="OLD", shell_complete=completion.names)
@click.argument("new", metavar="NEW")
@yes_option
@change_options
@pass_app
def command(app: App, old: str, new: str, yes: bool, message: str | None, dry_run: bool) -> None:
    """Rename OLD to NEW; its parts, cables and attributes stay with it. OLD may be a part: server1:eth0.

    Ranges go together one to one, all or none; a name may pass from one to another. On a terminal the pairs are asked
    about.

    \b
        clusto rename server1 web-a
        clusto rename web-a:eth1 eno2
        clusto rename 'server[2-4]' 'db[1-3]'
    """
    pairs = paired(old, new)
    with app.reading() as reader:
        before = [reader.resolve(name).name for name, _ in pairs]

    def plan(trial: Transaction) -> list[tuple[str, str]]:
        return list(zip(before, (thing.name for thing in trial.rename_all(pairs)), strict=True))

    show_pairs(app, "rename", "to", (old, new), plan, yes=yes, dry_run=dry_run)
    with app.changing(message, dry_run=dry_run) as change:
        renamed = change.rename_all(pairs)
    verb = "would rename" if dry_run else "renamed"
    write_lines(f"{verb} {name} to {thing.name}" for name, thing in zip(before, renamed, strict=True))
