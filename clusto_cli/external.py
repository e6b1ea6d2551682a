"""Verbs from outside: `clusto NAME` runs the program `clusto-NAME`, as git does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from clusto_cli.children import environment, folders
from clusto_cli.context import App, pass_app

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


PREFIX = "clusto-"
VERBATIM = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""The settings of a verb that hands on whatever follows it."""


def programs() -> dict[str, str]:
    """The verbs from outside with the paths of their programs, the first on PATH of each name; never from a folder that
    PATH has as a relative one.
    """
    found: dict[str, str] = {}
    for directory in folders():
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            if name.startswith(PREFIX) and name != PREFIX and (verb := name[len(PREFIX) :]) not in found:
                path = os.path.join(directory, name)
                if os.path.isfile(path) and os.access(path, os.X_OK):
                    found[verb] = path
    return dict(sorted(found.items()))


class External(click.Command):
    """A verb that is a program of its own."""

    program = ""

    def get_help(self, ctx: click.Context) -> str:
        """What the program itself says when asked with `--help`: it takes over here, as when it is run."""
        os.execve(self.program, [self.program, "--help"], environment(own=True))


def command_for(name: str, program: str) -> External:
    """A verb that becomes the program, with all that follows the verb as its arguments.

    The program finds the store's URL in CLUSTO_DB and the configuration file in CLUSTO_CONFIG.
    """

    @click.command(name, cls=External, add_help_option=False, context_settings=VERBATIM)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED, shell_complete=files)
    @pass_app
    def command(app: App, arguments: tuple[str, ...]) -> None:
        ours = {"CLUSTO_DB": app.settings.url} | ({"CLUSTO_CONFIG": app.config} if app.config else {})
        os.execve(program, [program, *arguments], environment(ours, own=True))

    command.program = program
    return command


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, which the shell itself knows best."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]
