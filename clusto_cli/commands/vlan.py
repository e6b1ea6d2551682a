"""Give VLAN ids to new VLANs, and take them back."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import at_option, change_options, force_option
from clusto_cli.output import output_option, paged, write_lines, write_records


@click.group("vlan", cls=Group)
def command() -> None:
    """Give VLAN ids to new VLANs, and take them back. (clusto network moves switch ports between VLANs.)

    \b
        clusto vlan allocate customer7 --range 200-299
        clusto vlan list
        clusto vlan free customer7
    """


@command.command("allocate")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--range", "range_", metavar="FIRST-LAST", help="Out of these ids; by default any from 2.")
@click.option("--in", "place", metavar="PLACE", help="Free in this place.", shell_complete=completion.parents)
@click.option("--cooldown", metavar="TIME", help="None that came back in that time: 30d; else PLACE's cooldown.")
@change_options
@pass_app
def allocate(
    app: App,
    names: tuple[str, ...],
    range_: str | None,
    place: str | None,
    cooldown: str | None,
    message: str | None,
    dry_run: bool,
) -> None:
    """Make a VLAN called NAME with the lowest id that no VLAN has; with --in, none in PLACE or nowhere. An id that
    came back within --cooldown, or the `cooldown` of PLACE, is not given again.

    \b
        clusto vlan allocate customer7 --range 200-299
    """
    from clusto_cli.targets import expand_names
    from clusto_core.model.reserving import seconds
    from clusto_core.resources import vlans

    rest = seconds(cooldown) if cooldown is not None else None
    first, last = vlans.parse_range(range_)
    with app.changing(message, dry_run=dry_run) as change:
        where = change.resolve(place) if place else None
        made = [vlans.allocate(change, name, first, last, where, cooldown=rest) for name in expand_names(names)]
    write_lines(f"{thing.name}\t{number}" for thing, number in made)


@command.command("free")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=completion.of_driver("VLAN"))
@force_option
@change_options
@pass_app
def free(app: App, names: tuple[str, ...], force: bool, message: str | None, dry_run: bool) -> None:
    """Remove each VLAN, so that its id is free again. One that something names is not removed.

    \b
        clusto vlan free customer7
    """
    from clusto_cli.targets import expand_names
    from clusto_core.resources import vlans

    lines = []
    with app.changing(message, dry_run=dry_run) as change:
        for name in expand_names(names):
            lines.append(f"{'would free' if dry_run else 'freed'} {vlans.free(change, name, force=force).name}")
    write_lines(lines)


@command.command("list")
@output_option
@at_option
@pass_app
@paged
def list_(app: App, output: str) -> None:
    """List the VLANs in the order of their ids.

    \b
        clusto vlan list
    """
    from clusto_core.resources import vlans

    with app.reading() as reader:
        known = vlans.numbered(reader)
    if output == "text":
        write_lines(f"{each.id if each.id is not None else '-'}\t{each.thing.name}" for each in known)
    else:
        write_records(output, ({"id": each.id, "name": each.thing.name} for each in known))
