"""Which verb a line of words calls, below any group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import click

from clusto_cli.defaulting import DefaultGroup
from clusto_core.errors import Malformed


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
