"""Follow a cable, hop by hop, through patch panels to both its ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import at_option
from clusto_cli.output import paged, write_lines, write_records
from clusto_cli.pictures.delivery import Canvas, picture_options
from clusto_core.answers.bundles import meant
from clusto_core.answers.paths import inside, ways
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.model.things import Thing
from clusto_core.rules.pairs import written_out


@click.command("trace")
@click.argument("name", metavar="THING:PART", shell_complete=completion.parts)
@picture_options
@at_option
@pass_app
@paged
def command(app: App, name: str, output: str, canvas: Canvas | None) -> None:
    """Show the whole path that THING:PART is on, a part a line: `--` is a cable, `==` the way through a patch panel.

    A path of power goes on from an outlet by the inlet that feeds it, up to where the power comes from. Of a whole
    THING, the paths of all its cables; of a port with a breakout cable, those of its legs; of a panel's socket of
    several fibres, those of all; of a range (pp1:[1-4]), one by one.

    \b
        clusto trace server1:eth0
        clusto trace server1 -o svg > server1.svg
    """
    with app.reading() as reader:
        things = [thing for each in written_out(name) for thing in meant(reader, each)]
        found = [way for thing in things for way in ways(reader, thing)]
        for assumed in dict.fromkeys(assumed for _, assumed in found if assumed):
            app.say(assumed)
        if canvas is not None:
            from clusto_cli.pictures import paths as drawn

            canvas.deliver(drawn.picture(reader, name, found, canvas.link))
            return
    paths = [list(_hops(path)) for path, _ in found]
    if output == "text":
        for place, path in enumerate(paths):
            write_lines([""] * bool(place) + [f"{sign} {part.name}".strip() for sign, part in path])
    else:
        write_records(output, (_record(number, *hop) for number, path in enumerate(paths, 1) for hop in path))


def _hops(path: list[Thing]) -> Iterator[tuple[str, Thing]]:
    for place, part in enumerate(path):
        yield ("" if place == 0 else "==" if inside(path[place - 1], part) else "--"), part


def _record(number: int, sign: str, part: Thing) -> dict[str, Any]:
    within = "power" if part.is_a(Inlet) or part.is_a(Outlet) else "panel"
    by = {"": None, "--": "cable", "==": within}[sign]
    return {"name": part.name, "driver": part.driver, "path": number, "by": by}
