"""Give out names of NameRanges, and take them back."""

from __future__ import annotations

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.grouping import Group
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records


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
@click.option("--count", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="So many names.")
@change_options
@pass_app
def allocate(app: App, range_: str, count: int, message: str | None, dry_run: bool) -> None:
    """Print the next names of NAMERANGE that nothing has and nobody was given, one a line.

    \b
        clusto name allocate server-names --count 2
    """
    from clusto_core.resources import naming

    with app.changing(message, dry_run=dry_run) as change:
        given = naming.allocate(change, change.resolve(range_), count)
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
    """List the names that were given out, of NAMERANGE or of all, and whether a Thing has them by now.

    \b
        clusto name list server-names
    """
    from clusto_core.resources import naming

    with app.reading() as reader:
        given = naming.given_out(reader, reader.resolve(range_) if range_ else None)
    if output == "text":
        write_lines(f"{each.name}\t{each.range.name}\t{'used' if each.used else 'free to use'}" for each in given)
    else:
        write_records(output, ({"name": each.name, "range": each.range.name, "used": each.used} for each in given))
