"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.context import App
from clusto_core.errors import Refused

F = TypeVar("F", bound=Callable[..., Any])

_CHANGES = "_changes_the_inventory"
_ELSEWHERE = "_reads_elsewhere"


def message_option(function: F) -> F:
    """`-m MESSAGE`, kept in the history."""
    return click.option("-m", "--message", metavar="MESSAGE", help="Why, for the history.")(function)


def dry_run_option(function: F) -> F:
    """`--dry-run`."""
    return click.option("--dry-run", is_flag=True, help="Check and say what would be done; change nothing.")(function)


def strict_option(function: F) -> F:
    """`--strict`."""
    return click.option("--strict", is_flag=True, help="Refuse a new key that nobody declared.")(function)


def yes_option(function: F) -> F:
    """`--yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(function)


def force_option(function: F) -> F:
    """`--force`."""
    return click.option("--force", is_flag=True, help="Also what is protected.")(function)


def drain_options(function: F) -> F:
    """`--drain` and `--drain-wait` of verbs that take machines away from what they serve."""
    from clusto_cli.numbers import Real

    waiting = click.option(
        "--drain-wait",
        type=Real(0),
        metavar="SECONDS",
        default=300.0,
        show_default=True,
        help="With --drain: how long sessions may take to end.",
    )
    return click.option("--drain", is_flag=True, help="Drain what serves behind a load balancer first.")(
        waiting(function)
    )


def verbose_option(function: F) -> F:
    """`-v` behind the verb, as well as before it."""
    return click.option("-v", "--verbose", count=True, help="Say more.")(function)


def _ask_about(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if (app := ctx.find_object(App)) is not None:
        app.at = value


def at_option(function: F) -> F:
    """`--at MOMENT` of verbs that only read: what they read by `App.reading` is as it was."""
    return click.option(
        "--at",
        metavar="MOMENT",
        expose_value=False,
        callback=_ask_about,
        help="As it was: yesterday, '2 weeks ago', 2026-11-02T14:30, or after a transaction: 103.",
        shell_complete=completion.moments,
    )(function)


def source_options(where: str = "") -> Callable[[F], F]:
    """`--prefer` and `--prune` of verbs that are in step with a source; `where` begins what is told of them."""

    def begun(text: str) -> str:
        return where + (text[0].lower() + text[1:] if where else text)

    who, gone = begun("Who wins where both sides changed a value."), begun("Remove what the source has no more.")

    def decorated(function: F) -> F:
        prune = click.option("--prune", is_flag=True, help=gone)
        return click.option("--prefer", type=click.Choice(("source", "here")), help=who)(prune(function))

    return decorated


def change_options(function: F) -> F:
    """The options of every verb that changes the inventory, and nothing else: `--dry-run` and `-m`."""
    setattr(function, _CHANGES, True)
    return dry_run_option(message_option(function))


def changes_the_inventory(command: click.Command) -> bool:
    """Whether a verb changes the inventory, and nothing else: such ones can be done together (`clusto batch`)."""
    return getattr(command.callback, _CHANGES, False)


def reads_elsewhere(function: F) -> F:
    """Marks a verb that reads other systems, as this machine reaches them."""
    setattr(function, _ELSEWHERE, True)
    return function


def check_afar(ctx: click.Context) -> None:
    """Raises Refused for what a verb may not do on behalf of somebody elsewhere: read files, and other systems."""
    name = ctx.info_name
    if getattr(ctx.command.callback, _ELSEWHERE, False):
        raise Refused(f"clusto {name} reads what this machine reaches: it is done there, not for others")
    for each in ctx.command.params:
        given = ctx.params.get(each.name or "")
        named = given if isinstance(given, (tuple, list)) else (given,)
        if isinstance(each.type, (click.Path, click.File)) and any(file not in (None, "-") for file in named):
            raise Refused(f"clusto {name} opens no files for others: give - and send them on standard input")
