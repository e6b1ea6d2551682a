"""Verbs that have verbs of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import click

from clusto_cli.defaulting import DefaultGroup
from clusto_core.errors import Malformed


class Bare(click.UsageError):
    """A group was named without one of its verbs. Click shows help then: as a result or as an error, by its version."""

    def __init__(self, ctx: click.Context) -> None:
        super().__init__("a verb is missing", ctx)
        self.help = ctx.get_help()


class Aliased(Exception):
    """A word is an alias: `words` stand for it, and for the first of the last `left` words of the command line."""

    def __init__(self, name: str, words: list[str], left: int) -> None:
        super().__init__(name)
        self.name = name
        self.words = words
        self.left = left

    def within(self, arguments: Sequence[str]) -> list[str]:
        """The command line with what the alias stands for."""
        place = len(arguments) - self.left
        return [*arguments[:place], *self.words, *arguments[place + 1 :]]


class Group(click.Group):
    """A verb with verbs of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does. Raises Bare without any word."""
        if not args and not ctx.resilient_parsing:
            raise Bare(ctx)
        return super().parse_args(ctx, args)


class Called(NamedTuple):
    """A verb that a line calls: the context that it is called in, how it is named, and the words that are left."""

    parent: click.Context
    command: click.Command
    path: list[str]
    rest: list[str]

    def context(self) -> click.Context:
        """The verb with its arguments parsed. Raises click's own errors."""
        return self.command.make_context(self.path[-1], list(self.rest), parent=self.parent)


def called(root: click.Context, words: Sequence[str]) -> Called:
    """The verb that words call below a group. Raises Malformed where they name none, Aliased as the group does."""
    ctx, rest = root, list(words)
    path: list[str] = []
    command: click.Command | None = ctx.command
    while isinstance(command, click.Group):
        if isinstance(command, DefaultGroup):
            rest = command.spelled_out(ctx, rest)
        elif not rest or rest[0].startswith("-"):
            after = f" after {path[-1]}" if path else ""
            raise Malformed(f"a verb is missing{after} (what is for all of clusto stands before batch)")
        name, found, rest = command.resolve_command(ctx, rest)
        path.append(name or "")
        if isinstance(found, click.Group):
            ctx = click.Context(found, parent=ctx, info_name=name)
        command = found
    assert command is not None
    return Called(ctx, command, path, rest)
