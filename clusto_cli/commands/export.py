"""Write Things to standard output: as YAML, JSON lines or CSV, or as the configuration of other programs."""

from __future__ import annotations

import sys

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app


@click.command("export")
@click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=completion.things)
@click.option(
    "--format",
    "format_name",
    metavar="FORMAT",
    default="yaml",
    show_default=True,
    help="See below.",
    shell_complete=completion.formats,
)
@pass_app
def command(app: App, names: tuple[str, ...], format_name: str) -> None:
    """Write the whole inventory, or the Things of NAME..., in natural order.

    yaml, jsonl and csv hold all that is known of a Thing, secrets too: what is exported so and imported into an empty
    inventory gives an equal one. ansible, hosts, powerman, conserver and dot are for the programs of those names.
    """
    from clusto_core import collector
    from clusto_core.transfer import formats

    write = formats.writer_of(format_name)
    with app.reading() as reader, collector.paused():
        if names:
            from clusto_cli.targets import targets

            chosen = targets(reader, names)
        else:
            chosen = reader.all()
        write(reader, chosen, sys.stdout)
