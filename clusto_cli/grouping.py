"""Verbs that have verbs of their own."""

from __future__ import annotations

from collections.abc import Sequence

import click


class Bare(click.UsageError):
    """A group was named without one of its verbs. Click shows help then: as a result or as an error, by its version."""

    def __init__(self, ctx: click.Context) -> None:
        super().__init__("a verb is missing", ctx)
        self.help = ctx.get_help()


class NoSuchVerb(click.UsageError):
    """A word is none of a group's verbs; not every version of click says which it may have meant."""

    def __init__(self, ctx: click.Context, word: str, verbs: list[str]) -> None:
        super().__init__(f"no such verb {word[:60]!r}", ctx)
        self.command_name = word
        self.possibilities = verbs


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does. Raises NoSuchVerb."""
        known = ctx.resilient_parsing or args[0].startswith("-") or self.get_command(ctx, args[0]) is not None
        if not known:
            raise NoSuchVerb(ctx, args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)
