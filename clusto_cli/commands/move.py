"""Move equipment to another rack or place."""

from __future__ import annotations

from typing import Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, force_option
from clusto_cli.output import output_option, write_lines, write_records
from clusto_cli.targets import names_argument, targets
from clusto_core.rules.pairs import paired
from clusto_core.rules.relocation import Relocated


@click.command("move")
@names_argument
@click.option(
    "--to", "goal", metavar="PLACE", required=True, help="Rack units or a place.", shell_complete=completion.parents
)
@click.option("--recable", is_flag=True, help="Lead its cables to the equipment of the new rack.")
@force_option
@output_option
@change_options
@pass_app
def command(
    app: App,
    names: tuple[str, ...],
    goal: str,
    recable: bool,
    force: bool,
    output: str,
    message: str | None,
    dry_run: bool,
) -> None:
    """Take each NAME out of its rack units and of the place it is in, and put it into PLACE: a room, a rack, or rack
    units (rack102:RU7); a range of those, one for each NAME. Which cables still lead to the old rack is told.

    With --recable they lead to the equipment of the new one instead: to its first switch where they led to the first
    switch of the old rack, and so on; to the port of the same name where that is free, else to the first free one that
    fits.

    \b
        clusto move server1 --to rack102:RU7
        clusto move 'server[1-2]' --to 'rack102:RU[7-8]' --recable
    """
    moved: list[tuple[str, Relocated]] = []
    with app.changing(message, dry_run=dry_run) as change:
        things = targets(change.unit.reader, names)
        for name, to in paired([thing.name for thing in things], goal):
            moved.append((f"{name} to {to}", change.move(name, to, recable=recable, force=force)))
    if output == "text":
        _say(app, moved, dry_run)
    else:
        write_records(output, (record for _, each in moved for record in _records(each)))


def _say(app: App, moved: list[tuple[str, Relocated]], dry_run: bool) -> None:
    for words, each in moved:
        write_lines([f"{'would move' if dry_run else 'moved'} {words}"])
        write_lines(
            f"{'would disconnect' if dry_run else 'disconnected'} {cable.one.name} from {cable.other.name}"
            for cable in each.parted
        )
        write_lines(
            f"{'would connect' if dry_run else 'connected'} {cable.one.name} to {cable.other.name}"
            for cable in each.joined
        )
        for cable in each.leading_back:
            app.say(f"note: {cable.one.name} still leads to {cable.other.name}")


def _records(each: Relocated) -> list[dict[str, Any]]:
    ways = {"still": each.leading_back, "disconnected": each.parted, "connected": each.joined}
    return [
        {"name": cable.one.name, "other": cable.other.name, "cable": way}
        for way, cables in ways.items()
        for cable in cables
    ]
