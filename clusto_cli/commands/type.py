"""Bring changed device types to the equipment made after them."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import change_options
from clusto_cli.output import write_lines


@click.group("type", cls=Group)
def command() -> None:
    """Bring changed device types to the equipment made after them.

    \b
        clusto type update --dry-run
    """


@command.command("update")
@click.argument("name", metavar="[TYPE]", required=False, shell_complete=completion.device_types)
@change_options
@pass_app
def update(app: App, name: str | None, message: str | None, dry_run: bool) -> None:
    """Bring TYPE as it was imported last, or every type, to the Things made after it.

    They get parts and attributes that are new, and changed ones where nobody changed them by hand; parts that are gone
    go, unless something is in them. What is kept is told. --dry-run tells all of it.

    \b
        clusto type update --dry-run
        clusto type update dell/poweredge-r650
    """
    with app.changing(message, dry_run=dry_run) as change:
        steps = change.update_type(name)
    write_lines(map(str, steps))
    changed = sum(step.action != "keep" for step in steps)
    verb = "would be made" if dry_run else "made"
    kept = len(steps) - changed
    write_lines([f"{changed} changes {verb}, {kept} kept as they are" if steps else "nothing to change"])
