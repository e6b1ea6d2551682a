"""Put a new device in the place of a failed one: its cables, its position, its name."""

from __future__ import annotations

from typing import Any

import click

from clusto_cli import completion
from clusto_cli.confirm import confirm, is_asked
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, force_option, yes_option
from clusto_cli.output import output_option, write_lines, write_records
from clusto_core.inventory import Transaction
from clusto_core.rules.succession import Succession


@click.command("replace")
@click.argument("old", metavar="OLD", shell_complete=completion.names)
@click.argument("new", metavar="NEW", shell_complete=completion.names)
@click.option("--partial", is_flag=True, help="Leave cables on OLD that have no counterpart on NEW.")
@yes_option
@force_option
@output_option
@change_options
@pass_app
def command(
    app: App, old: str, new: str, partial: bool, yes: bool, force: bool, output: str, message: str | None, dry_run: bool
) -> None:
    """Give every cable of OLD to the same port of NEW, which takes its place in the rack too, and its addresses where
    it has none; then NEW is called OLD, and OLD is called NEW.

    The same port has the same name, or the same label, or the same number. Cables that find none are told, and nothing
    is done.

    \b
        clusto replace switch2a spare-switch1 --dry-run
        clusto replace pdu3 pdu-new -m 'burnt out'
    """

    def act(change: Transaction) -> Succession:
        return change.replace(old, new, partial=partial, force=force)

    with app.reading() as reader:
        names = reader.resolve(old).name, reader.resolve(new).name
        cables = len(reader.links_of(reader.resolve(old)))
    if is_asked(dry_run=dry_run, yes=yes):
        app.try_out(act)
        confirm(f"replace {names[0]} ({cables} connection{'s' if cables != 1 else ''}) by {names[1]}?", yes)
    with app.changing(message, dry_run=dry_run) as change:
        done = act(change)
    if output == "text":
        _say(app, done, names, dry_run)
    else:
        write_records(output, _records(done, names))


def _say(app: App, done: Succession, names: tuple[str, str], dry_run: bool) -> None:
    old, new = names
    write_lines(
        f"{'would connect' if dry_run else 'connected'} {each.one.name} to {each.other.name}" for each in done.joined
    )
    write_lines([f"{'would call' if dry_run else 'called'} {new} {old}, and {old} {new}"])
    for part in done.left:
        app.say(f"note: {part.name} keeps its cable: {old} has no free counterpart")
    for address in done.kept:
        app.say(f"note: {new} keeps the address {address}")


def _records(done: Succession, names: tuple[str, str]) -> list[dict[str, Any]]:
    cables = [{"name": each.one.name, "other": each.other.name, "moved": True} for each in done.joined]
    return cables + [{"name": part.name, "other": None, "moved": False} for part in done.left]
