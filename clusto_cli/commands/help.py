"""Explain a verb, or list them all."""

from __future__ import annotations

import click

from clusto_cli import completion


@click.command("help")
@click.argument("verbs", metavar="[VERB...]", nargs=-1, shell_complete=completion.verbs)
@click.pass_context
def command(ctx: click.Context, verbs: tuple[str, ...]) -> None:
    """Explain VERB (as `clusto VERB --help` does), or list all verbs."""
    here = ctx.parent or ctx
    for verb in verbs:
        if not isinstance(here.command, click.Group):
            raise click.UsageError(f"{here.command_path} has no verbs of its own", here)
        name, found, _ = here.command.resolve_command(here, [verb])
        if found is None:
            raise click.UsageError(f"no such verb: {verb}", here)
        here = click.Context(found, info_name=name, parent=here)
    click.echo(here.get_help())
