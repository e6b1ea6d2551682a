"""A verb that acts on names and has subcommands too: what is none of these is a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULT = ""


class DefaultGroup(click.Group):
    """`clusto rebuild server1` is its default command, `clusto rebuild serve` a subcommand; its help shows both.

    A Thing that is called as a subcommand is named behind `--`.
    """

    def default(self, function: F) -> F:
        """The decorator of the default command's function."""
        # Not by `add_command`: before click 8.2 it takes the function's name where a command's is empty.
        self.commands[_DEFAULT] = click.command(_DEFAULT)(function)
        return function

    @property
    def without_subcommand(self) -> click.Command:
        """The default command."""
        return self.commands[_DEFAULT]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the default command where none is named."""
        return super().parse_args(ctx, self.spelled_out(ctx, args))

    def spelled_out(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The words with the default command's name where none is named."""
        named = bool(args) and (args[0] in ctx.help_option_names or args[0] in self.commands)
        return args if named else [_DEFAULT, *args]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The subcommands."""
        return [name for name in super().list_commands(ctx) if name != _DEFAULT]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The default command's help, and the subcommands."""
        default = self.without_subcommand
        shown = type(ctx)(default, info_name=ctx.info_name, parent=ctx.parent)
        default.format_usage(shown, formatter)
        default.format_help_text(shown, formatter)
        default.format_options(shown, formatter)
        self.format_commands(ctx, formatter)
