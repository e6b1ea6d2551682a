"""Say how much there is, is used, reserved and free, and where something still fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.amounts import told
from clusto_cli.context import App, pass_app
from clusto_cli.options import at_option
from clusto_cli.output import paged, write_records
from clusto_cli.page import Line, Span, columns, write
from clusto_cli.pictures.delivery import Canvas, picture_options
from clusto_cli.targets import targets, where_option, with_where
from clusto_core.errors import Refused

if TYPE_CHECKING:
    from clusto_core.model.things import Thing
    from clusto_core.resources.capacity import Amount, Capacity

WORDS = ("units", "watts", "feeds", "outlets", "ports", "addresses", "weight", "depth")


def _needs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
    before, comma, last = incomplete.rpartition(",")
    return completion.words([f"{before}{comma}{word}=" for word in WORDS if "=" not in last], incomplete)


@click.command("capacity")
@click.argument("names", metavar="[NAME...]", nargs=-1, callback=with_where, shell_complete=completion.names)
@where_option
@click.option(
    "--for", "wanted", metavar="NEED", help="Only racks with room for that, the best first.", shell_complete=_needs
)
@picture_options
@at_option
@pass_app
@paged
def command(app: App, names: tuple[str, ...], wanted: str | None, output: str, canvas: Canvas | None) -> None:
    """Say what each NAME has, uses, has reserved and has free: rack units, watts, outlets, ports of switches, addresses
    of Networks, kg. NAME is a rack, a room or another place (told after its racks), a PDU, a switch, a Network; without
    any, all racks are told.

    Watts are those that devices are planned to draw (draw, allocated_draw), else at most (draw.nameplate,
    maximum_draw); the limit is the rating of the rack, or what its PDUs carry when the strongest feed fails.

    With --for, the racks, all or those of NAME, that have room for units in a row, watts, different feeds, outlets,
    ports, addresses, weight and depth; the one that is filled best goes first. Exit code 4 when there is none.

    \b
        clusto capacity room1
        clusto capacity rack101 pdu3 -o json
        clusto capacity --for units=2,watts=800,ports=2
        clusto capacity room1 -o svg > room1.svg
    """
    from clusto_core.resources import capacity, fitting
    from clusto_core.store import collector

    need = fitting.need(wanted) if wanted is not None else None
    with app.reading() as reader, collector.paused():
        things = targets(reader, names) if names else None
        if need is not None:
            fits = fitting.fitting(reader, need, things)
            found = fits.racks
            _say_unknown(app, fits.unknown)
        else:
            listed = _told(things, lambda among: capacity.racks(reader, among))
            found = capacity.capacities(reader, listed)
    if need is not None and not found:
        raise Refused(f"no rack{'' if things is None else ' of these'} has room for {wanted}")
    if canvas is not None:
        from clusto_cli.pictures import bars

        canvas.deliver(bars.picture(found, canvas.link))
    elif output == "text":
        write(_page(found))
    else:
        write_records(output, map(_record, found))


def _told(things: Sequence[Thing] | None, racks: Callable[[Sequence[Thing] | None], list[Thing]]) -> list[Thing]:
    """What is told: the racks of each place before it; all racks."""
    from clusto_core.drivers.equipment import PLACES

    if things is None:
        return racks(None)
    found: dict[Thing, None] = {}
    for thing in things:
        if issubclass(thing.kind, PLACES):
            found.update(dict.fromkeys(racks([thing])))
        found[thing] = None
    return list(found)


def _say_unknown(app: App, unknown: list[tuple[Thing, str]]) -> None:
    for thing, lacking in unknown[:5]:
        app.say(f"note: {thing.name} is left out: nobody said its limit of {lacking} (clusto help capacity)")
    if len(unknown) > 5:
        app.say(f"note: and {len(unknown) - 5} more")


def _page(found: Iterable[Capacity]) -> Iterator[Line]:
    """A row each; what nothing has is left out."""
    every = [(each.thing.name, list(told(each))) for each in found]
    head = ["", *(each.of for each in every[0][1])] if every else [""]
    rows = [[name, *(each.words for each in amounts)] for name, amounts in every]
    shown = [place for place in range(len(head)) if place == 0 or any(row[place] for row in rows)]
    spans = [[Span(head[place], "dim") for place in shown]]
    spans += [[Span(row[place], "" if place else "bold") for place in shown] for row in rows]
    return iter(columns(spans, indent=""))


def _record(each: Capacity) -> dict[str, Any]:
    return {
        "name": each.thing.name,
        "driver": each.thing.driver,
        "units": _amount(each.units),
        "runs": list(each.runs),
        "watts": {**each.watts._asdict(), "free": each.watts.free},
        "feeds": _amount(each.feeds),
        "outlets": _amount(each.outlets),
        "ports": _amount(each.ports),
        "addresses": _amount(each.addresses),
        "weight": _amount(each.weight),
        "depth": each.depth,
    }


def _amount(amount: Amount) -> dict[str, float | None]:
    return {**amount._asdict(), "free": amount.free}
