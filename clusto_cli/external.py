"""Verbs from outside: `clusto NAME` runs the program `clusto-NAME`, as git does."""

from __future__ import annotations

import os

import click

from clusto_cli.context import App, pass_app


def command_for(name: str, program: str) -> click.Command:
    """A verb that becomes the program, with all that follows the verb as its arguments.

    The program finds the store's URL in CLUSTO_DB and the configuration file in CLUSTO_CONFIG.
    """

    @click.command(
        name, add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @pass_app
    def command(app: App, arguments: tuple[str, ...]) -> None:
        environment = os.environ | {"CLUSTO_DB": app.settings.url}
        if app.config:
            environment["CLUSTO_CONFIG"] = app.config
        os.execve(program, [program, *arguments], environment)

    return command
