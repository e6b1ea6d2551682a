"""List, make, extend and end reservations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.defaulting import DefaultGroup
from clusto_cli.options import at_option, change_options
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.page import Span, columns, write
from clusto_cli.targets import names_argument, targets, where_option, with_where
from clusto_core.model.things import Thing

if TYPE_CHECKING:
    from clusto_core.inventory import Transaction
    from clusto_core.model.reserving import Reservation

F = TypeVar("F", bound=Callable[..., Any])


def _time_options(function: F) -> F:
    for decorate in (
        click.option("--hold", metavar="TIME", help="For so long from now on: 2h, 30d."),
        click.option("--until", metavar="TIME", help="Until then: a date, to its end, or a time (UTC)."),
    ):
        function = decorate(function)
    return function


@click.group("reservations", cls=DefaultGroup)
def command() -> None:
    """List, make, extend and end reservations."""


@command.default
@click.argument("names", metavar="[NAME...]", nargs=-1, callback=with_where, shell_complete=completion.names)
@where_option
@click.option("--over", is_flag=True, help="Only those whose time has come.")
@output_option
@at_option
@pass_app
@paged
def list_(app: App, names: tuple[str, ...], over: bool, output: str) -> None:
    """List what is reserved, of each NAME and its parts or of all, until when (UTC), for what and by whom.

    A reservation keeps a Thing or part from being chosen: by `allocate`, which makes one with --until or --hold, by
    `free`, and by `connect` where a Thing stands for its first free part. What is named is taken all the same. When its
    time has come it counts for nothing, and nothing has to run for that.

    \b
        clusto reservations
        clusto reservations add 'rack102:RU[5-6]' --until 2026-12-24 --for 'new shop'
        clusto reservations extend server1 --hold 7d
        clusto reservations release server1
    """
    from clusto_core.rules.reservations import reservations

    with app.reading() as reader:
        found = reservations(reader, targets(reader, names) if names else None)
    shown = [each for each in found if each.over or not over]
    if output == "text":
        write(columns(map(_row, shown), indent=""))
    else:
        write_records(output, map(_record, shown))


def _row(each: Reservation) -> list[Span]:
    from clusto_core.model.reserving import spelled

    until = f"until {spelled(each.until)}{', over' if each.over else ''}"
    return [Span(each.thing.name, "bold"), Span(until), Span(each.by), Span(each.purpose)]


def _record(each: Reservation) -> dict[str, Any]:
    return {
        "name": each.thing.name,
        "driver": each.thing.driver,
        "until": each.until.isoformat().replace("+00:00", "Z"),
        "for": each.purpose or None,
        "by": each.by,
        "over": each.over,
    }


@command.command("add")
@names_argument
@_time_options
@click.option("--for", "purpose", metavar="TEXT", default="", help="What for.")
@change_options
@pass_app
def add(
    app: App,
    names: tuple[str, ...],
    until: str | None,
    hold: str | None,
    purpose: str,
    message: str | None,
    dry_run: bool,
) -> None:
    """Reserve each NAME, a Thing or a part: servers, switch ports, outlets, rack units.

    What is reserved for something else already is refused.

    \b
        clusto reservations add 'rack102:RU[5-6]' switch2a:7 --until 2026-12-24 --for 'new shop'
    """
    from clusto_core.model.reserving import deadline

    end = deadline(until, hold)
    with app.changing(message, dry_run=dry_run) as change:
        things = _meant(change, names)
        change.reserve(things, end, purpose)
    _say("reserve", "reserved", things, dry_run)


@command.command("extend")
@names_argument
@_time_options
@change_options
@pass_app
def extend(
    app: App, names: tuple[str, ...], until: str | None, hold: str | None, message: str | None, dry_run: bool
) -> None:
    """Have the reservation of each NAME end at another time, later or sooner. One that is over is made anew.

    \b
        clusto reservations extend server1 --hold 7d
    """
    from clusto_core.model.reserving import deadline

    end = deadline(until, hold)
    with app.changing(message, dry_run=dry_run) as change:
        things = _meant(change, names)
        change.extend(things, end)
    _say("extend", "extended", things, dry_run)


@command.command("release")
@names_argument
@click.option("--over", is_flag=True, help="All whose time has come, instead of NAME...")
@change_options
@pass_app
def release(app: App, names: tuple[str, ...], over: bool, message: str | None, dry_run: bool) -> None:
    """End the reservation of each NAME.

    \b
        clusto reservations release server1
        clusto reservations release --over
    """
    from clusto_core.errors import Malformed
    from clusto_core.rules.reservations import reservations

    if over and names:
        raise Malformed("--over means all reservations whose time has come: give that, or names")
    with app.changing(message, dry_run=dry_run) as change:
        if over:
            things = [change.resolve(each.thing) for each in reservations(change.unit.reader) if each.over]
        else:
            things = _meant(change, names)
        change.release(things)
    _say("release", "released", things, dry_run)


def _meant(change: Transaction, names: tuple[str, ...]) -> list[Thing]:
    return [change.resolve(thing) for thing in targets(change.unit.reader, names)]


def _say(verb: str, done: str, things: list[Thing], dry_run: bool) -> None:
    write_lines(f"{f'would {verb}' if dry_run else done} {thing.name}" for thing in things)
