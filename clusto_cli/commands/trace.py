"""Follow a cable, hop by hop, through patch panels to both its ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import at_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_core.answers.bundles import legs, meant
from clusto_core.answers.feeding import upstream
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.errors import Refused
from clusto_core.model.things import Thing, link_order
from clusto_core.rules.pairs import written_out
from clusto_core.store.reader import Reader


@click.command("trace")
@click.argument("name", metavar="THING:PART", shell_complete=completion.parts)
@output_option
@at_option
@pass_app
@paged
def command(app: App, name: str, output: str) -> None:
    """Show the whole path that THING:PART is on, a part a line: `--` is a cable, `==` the way through a patch panel.

    A path of power goes on from an outlet by the inlet that feeds it, up to where the power comes from. Of a whole
    THING, the paths of all its cables; of a port with a breakout cable, those of its legs; of a panel's socket of
    several fibres, those of all; of a range (pp1:[1-4]), one by one.

    \b
        clusto trace server1:eth0
    """
    with app.reading() as reader:
        things = [thing for each in written_out(name) for thing in meant(reader, each)]
        found = [_powered(reader, path) for thing in things for path in _paths(reader, thing)]
    paths = [list(_hops(path)) for path, _ in found]
    for assumed in dict.fromkeys(assumed for _, assumed in found if assumed):
        app.say(assumed)
    if output == "text":
        for place, path in enumerate(paths):
            write_lines([""] * bool(place) + [f"{sign} {part.name}".strip() for sign, part in path])
    else:
        write_records(output, (_record(number, *hop) for number, path in enumerate(paths, 1) for hop in path))


def _paths(reader: Reader, thing: Thing) -> list[list[Thing]]:
    if thing.is_part:
        path = reader.trace(thing)
        if len(path) == 1 and (own := legs(reader, thing)):
            paths = [reader.trace(leg) for leg in own]
            return [path for path in paths if len(path) > 1] or paths
        if len(path) == 1:
            raise Refused(f"{thing.name} is not connected")
        return [path]
    links = sorted((link for link in reader.links_of(thing) if link.part is not None), key=link_order)
    if not links:
        raise Refused(f"no part of {thing.name} is connected")
    return [reader.trace(link.part) for link in links if link.part is not None]


def _powered(reader: Reader, path: list[Thing]) -> tuple[list[Thing], str | None]:
    """A path of power, on from the outlet at one of its ends to its source; and what is assumed on the way."""
    if path[-1].is_a(Outlet):
        above, assumed = upstream(reader, path[-1])
        return [*path, *above], assumed
    if path[0].is_a(Outlet):
        above, assumed = upstream(reader, path[0])
        return [*reversed(above), *path], assumed
    return path, None


def _hops(path: list[Thing]) -> Iterator[tuple[str, Thing]]:
    for place, part in enumerate(path):
        yield ("" if place == 0 else "==" if _inside(path[place - 1], part) else "--"), part


def _inside(one: Thing, other: Thing) -> bool:
    """Whether the way from one part to the next is through a device: a panel, or what gives power on."""
    kinds = {driver for part in (one, other) for driver in (Inlet, Outlet) if part.is_a(driver)}
    return one.entity_id == other.entity_id and (one.number == other.number or len(kinds) == 2)


def _record(number: int, sign: str, part: Thing) -> dict[str, Any]:
    within = "power" if part.is_a(Inlet) or part.is_a(Outlet) else "panel"
    by = {"": None, "--": "cable", "==": within}[sign]
    return {"name": part.name, "driver": part.driver, "path": number, "by": by}
