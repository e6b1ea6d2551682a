"""Say where a Thing is: what it is connected to, and its place in a rack."""

from __future__ import annotations

from typing import Any

import click

from clusto_cli.context import App, pass_app
from clusto_cli.options import verbose_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import names_argument, targets
from clusto_core.answers.location import Location, locate


@click.command("locate")
@names_argument
@verbose_option
@output_option
@pass_app
@paged
def command(app: App, names: tuple[str, ...], verbose: int, output: str) -> None:
    """Say where each NAME is: a line a connection (network, position in a rack, power, console), through patch panels
    to the far end. NAME may also be one part (server1:eth0), an IP address, a MAC or a serial number.

    With -v, which part of it is connected, and by way of which panels.

    \b
        clusto locate server1
        clusto locate 10.2.1.13
        clusto locate 'server[1-3]:eth0' -o json
    """
    with app.reading() as reader:
        found = [location for thing in targets(reader, names) for location in locate(reader, thing)]
    if output == "text":
        write_lines(_line(location, bool(verbose or app.verbose)) for location in found)
    else:
        write_records(output, map(_record, found))


def _line(location: Location, verbose: bool) -> str:
    line = f"{location.name} -> {location.words}"
    details = [location.part] if location.part else []
    if location.via:
        details.append("via " + ", ".join(location.via))
    return f"{line} ({', '.join(details)})" if verbose and details else line


def _record(location: Location) -> dict[str, Any]:
    return {
        "name": location.name,
        "kind": location.kind,
        "part": location.part,
        "to": location.to,
        "to_part": location.to_part,
        "via": location.via,
        "half": location.half or None,
        "face": location.face or None,
    }
