"""Give out names of NameRanges, and take them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.numbers import Whole
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records

if TYPE_CHECKING:
    from clusto_core.resources.naming import Given


@click.group("name", cls=Group)
def command() -> None:
    """Give out names of NameRanges, each once, and take them back.

    \b
        clusto add NameRange server-names --attr 'pattern=server[001-999]'
        clusto name allocate server-names --count 2
        clusto name list
        clusto name free server017
    """


@command.command("allocate")
@click.argument("range_", metavar="NAMERANGE", shell_complete=completion.of_driver("NameRange"))
@click.option("--count", metavar="N", type=Whole(1), default=1, show_default=True, help="So many names.")
@click.option(
    "--to", "owner", metavar="THING", help="Whose they are: they come back with it.", shell_complete=completion.names
)
@click.option("--cooldown", metavar="TIME", help="None that came back in that time: 30d; else the range's cooldown.")
@change_options
@pass_app
def allocate(
    app: App, range_: str, count: int, owner: str | None, cooldown: str | None, message: str | None, dry_run: bool
) -> None:
    """Print the next names of NAMERANGE that nothing has and nobody was given, one a line.

    A name comes back by `name free`, and when the Thing that it was given to, or that is called so, is removed.

    \b
        clusto name allocate server-names --count 2
        clusto name allocate asset-labels --to server1 --cooldown 30d
    """
    from clusto_core.model.reserving import seconds
    from clusto_core.resources import naming

    rest = seconds(cooldown) if cooldown is not None else None
    with app.changing(message, dry_run=dry_run) as change:
        whose = change.resolve(owner) if owner is not None else None
        given = naming.allocate(change, change.resolve(range_), count, owner=whose, cooldown=rest)
    write_lines(given)


@command.command("free")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@change_options
@pass_app
def free(app: App, names: tuple[str, ...], message: str | None, dry_run: bool) -> None:
    """Take each NAME back. While a Thing has it, it stays taken.

    \b
        clusto name free server123
    """
    from clusto_cli.targets import expand_names
    from clusto_core.resources import naming

    with app.changing(message, dry_run=dry_run) as change:
        words = expand_names(names)
        ranges = [naming.release(change, name) for name in words]
    verb = "would free" if dry_run else "freed"
    write_lines(f"{verb} {name} of {range_.name}" for name, range_ in zip(words, ranges, strict=True))


@command.command("list")
@click.argument("range_", metavar="[NAMERANGE]", required=False, shell_complete=completion.of_driver("NameRange"))
@output_option
@at_option
@pass_app
@paged
def list_(app: App, range_: str | None, output: str) -> None:
    """List the names that were given out, of NAMERANGE or of all, and whether a Thing has them or whose they are.

    \b
        clusto name list server-names
    """
    from clusto_core.resources import naming

    with app.reading() as reader:
        given = naming.given_out(reader, reader.resolve(range_) if range_ else None)
    if output == "text":
        write_lines(f"{each.name}\t{each.range.name}\t{_state(each)}" for each in given)
    else:
        write_records(output, map(_record, given))


def _state(given: Given) -> str:
    if given.used:
        return "used"
    return f"of {given.owner.name}" if given.owner is not None else "free to use"


def _record(given: Given) -> dict[str, Any]:
    return {
        "name": given.name,
        "range": given.range.name,
        "used": given.used,
        "owner": given.owner.name if given.owner is not None else None,
    }
