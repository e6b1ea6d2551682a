"""Undo one whole transaction."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Whole
from clusto_cli.options import change_options
from clusto_cli.output import write_lines


@click.command("revert")
@click.argument(
    "transaction", type=Whole(1, any_size=True), metavar="TRANSACTION", shell_complete=completion.transactions
)
@change_options
@pass_app
def command(app: App, transaction: int, message: str | None, dry_run: bool) -> None:
    """Undo TRANSACTION, whose number `clusto log` tells: all of it, or nothing where a later change is in the way,
    which is then named. This is a transaction of its own, that can be undone too.

    \b
        clusto revert 1042 --dry-run
    """
    from clusto_cli.progress import progress
    from clusto_core.records.revert import revert

    with (
        progress(f"undoing transaction {transaction}"),
        app.changing(message, dry_run=dry_run, reverts=transaction) as change,
    ):
        count = revert(change.unit, transaction)
    verb = "would undo" if dry_run else "undid"
    number = "" if change.id is None else f", as transaction {change.id}"
    write_lines([f"{verb} transaction {transaction}: {count} Thing{'s' if count != 1 else ''}{number}"])
