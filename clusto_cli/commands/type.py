"""Put modules into equipment, and bring changed device types to what was made after them."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import change_options
from clusto_cli.output import write_lines


@click.group("type", cls=Group)
def command() -> None:
    """Put modules into equipment, and bring changed device types to what was made after them.

    \b
        clusto type insert acme/linecard switch2a 3
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


@command.command("insert")
@click.argument("name", metavar="TYPE", shell_complete=completion.device_types)
@click.argument("owner", metavar="THING", shell_complete=completion.things)
@click.argument("bay", metavar="BAY")
@change_options
@pass_app
def insert(app: App, name: str, owner: str, bay: str, message: str | None, dry_run: bool) -> None:
    """Put a module of TYPE into BAY of THING, which gets its ports; BAY is as the maker counts them (3, 2/1).

    \b
        clusto type insert acme/linecard switch2a 3
    """
    with app.changing(message, dry_run=dry_run) as change:
        made = change.insert_module(name, owner, bay)
    verb = "would add" if dry_run else "added"
    write_lines(f"{verb} {part.driver} {part.name}" for part in made)
    if not made:
        write_lines([f"{name} has no ports: nothing to add"])
