"""Save expressions under names: @NAME."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_core.query import saved


@click.group("query", cls=Group)
def command() -> None:
    """Save expressions under names of their own.

    \b
        clusto query save spares 'driver:Server and attr:status,unallocated'
        clusto find '@spares in name:datacenterZ'
        clusto power status @spares

    @NAME is asked afresh each time: in any expression, and as a target of any verb that takes several.
    """


@command.command("save")
@click.argument("name", metavar="NAME", shell_complete=completion.saved_expressions)
@click.argument("words", metavar="EXPR", nargs=-1, required=True, shell_complete=completion.expressions)
@click.option("--allow-unknown", is_flag=True, help="Names and keys that nothing in the inventory has are no error.")
@change_options
@pass_app
def save(app: App, name: str, words: tuple[str, ...], allow_unknown: bool, message: str | None, dry_run: bool) -> None:
    """Save EXPR as NAME, instead of what NAME was.

    \b
        clusto query save spares 'driver:Server and attr:status,unallocated'
    """
    from clusto_core.query import saving

    with app.changing(message, dry_run=dry_run) as change:
        known = change.unit.reader.get(f"@{name.removeprefix('@')}") is not None
        changed = saving.save(change.unit, name, " ".join(words), allow_unknown=allow_unknown)
    verb = ("would save" if dry_run else "saved") if changed else "already saved:"
    write_lines([f"{verb} @{name.removeprefix('@')}{' anew' if known and changed else ''}"])


@command.command("list")
@output_option
@at_option
@pass_app
@paged
def list_(app: App, output: str) -> None:
    """List the saved expressions.

    \b
        clusto query list
    """
    with app.reading() as reader:
        found = saved.saved(reader)
    if output == "text":
        write_lines(f"@{each.name}\t{each.expression}" for each in found)
    else:
        write_records(output, ({"name": each.name, "expression": each.expression} for each in found))


@command.command("show")
@click.argument("name", metavar="NAME", shell_complete=completion.saved_expressions)
@at_option
@pass_app
@paged
def show(app: App, name: str) -> None:
    """Print the expression that is saved as NAME.

    \b
        clusto query show spares
    """
    with app.reading() as reader:
        write_lines([saved.expression_of(reader, name.removeprefix("@"))])


@command.command("delete")
@click.argument("name", metavar="NAME", shell_complete=completion.saved_expressions)
@change_options
@pass_app
def delete(app: App, name: str, message: str | None, dry_run: bool) -> None:
    """Forget the expression that is saved as NAME, unless another one uses it.

    \b
        clusto query delete spares
    """
    from clusto_core.query import saving

    with app.changing(message, dry_run=dry_run) as change:
        saving.delete(change.unit, name)
    write_lines([f"{'would delete' if dry_run else 'deleted'} @{name.removeprefix('@')}"])
