"""Verbs that have verbs of their own."""

from __future__ import annotations

import click


class Bare(click.UsageError):
    """A group was named without one of its verbs. Click shows help then: as a result or as an error, by its version."""

    def __init__(self, ctx: click.Context) -> None:
        super().__init__("a verb is missing", ctx)
        self.help = ctx.get_help()


class Group(click.Group):
    """A verb with verbs of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does. Raises Bare without any word."""
        if not args and not ctx.resilient_parsing:
            raise Bare(ctx)
        return super().parse_args(ctx, args)
