"""Give machines their jobs; a role can require classes."""

from __future__ import annotations

import click

from clusto_cli import categories, completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_core.drivers.categories import Class, Role
from clusto_core.rules import categories as rules

command = categories.group(
    Role, "Give machines their jobs. A machine that lacks a class which a role requires is not put in it."
)


@command.command("require")
@categories.category_argument(Role)
@click.argument(
    "classes", metavar="CLASS...", nargs=-1, required=True, shell_complete=completion.of_driver(Class.__name__)
)
@click.option("--no-longer", is_flag=True, help="Require these no longer.")
@change_options
@pass_app
def require(
    app: App, group: str, classes: tuple[str, ...], no_longer: bool, message: str | None, dry_run: bool
) -> None:
    """Require that whatever is put in ROLE has each CLASS. Machines that are in it already stay: clusto role check.

    \b
        clusto role require webserver SSD BigMem
    """
    with app.changing(message, dry_run=dry_run) as change:
        role = categories.category(change, Role, group)
        for name in classes:
            rules.require(change.unit, role, change.resolve(name), no_longer=no_longer)
    verb = "would require" if dry_run else "requires"
    write_lines([f"{role.name} {verb}{' no longer' if no_longer else ''} {', '.join(classes)}"])


@command.command("check")
@click.argument("names", metavar="[ROLE...]", nargs=-1, shell_complete=completion.of_driver(Role.__name__))
@output_option
@at_option
@pass_app
@paged
def check(app: App, names: tuple[str, ...], output: str) -> int:
    """List the machines in each ROLE, or in all, that lack a class which it requires; exit code 1 when any does.

    \b
        clusto role check webserver
    """
    with app.reading() as reader:
        roles = [categories.category(reader, Role, name) for name in names] if names else None
        found = rules.violations(reader, roles)
    if output == "text":
        write_lines(f"{each.machine.name} in {each.role.name} lacks {each.words}" for each in found)
    else:
        write_records(
            output,
            (
                {
                    "name": each.machine.name,
                    "role": each.role.name,
                    "lacks": [required.name for required in each.classes],
                }
                for each in found
            ),
        )
    return 1 if found else 0
