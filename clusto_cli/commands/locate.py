"""Say where a Thing is: what it is connected to, and its place in a rack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from clusto_cli.context import App, pass_app
from clusto_cli.options import at_option, verbose_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_cli.targets import listed, names_argument, targets
from clusto_core.answers.location import Location, holders, locate_all
from clusto_core.model.addresses import sought

if TYPE_CHECKING:
    from clusto_core.model.things import Thing
    from clusto_core.store.reader import Held, Reader

    Sought = tuple[Thing, Held | None]
    """A Thing that is to be located, and the address by which it was named, where several may hold that."""


@click.command("locate")
@names_argument
@verbose_option
@output_option
@at_option
@pass_app
@paged
def command(app: App, names: tuple[str, ...], verbose: int, output: str) -> None:
    """Say where each NAME is: a line a connection (network, position in a rack, power, console), through patch panels
    to the far end. NAME may also be one part (server1:eth0), an IP address, a MAC or a serial number.

    With -v, which part of it is connected, and by way of which panels. Of an address, all who hold it are told, each
    with its address space (10.2.1.13@blue) and as what it is shared (10.2.1.13+vrrp).

    \b
        clusto locate server1
        clusto locate 10.2.1.13
        clusto locate 'server[1-3]:eth0' -o json
    """
    with app.reading() as reader:
        wanted = [each for name in names for each in _meant(app, reader, name)] if any(map(sought, names)) else None
        found: Iterator[tuple[Held | None, list[Location]]]
        if wanted is None:
            found = ((None, locations) for _, locations in locate_all(reader, listed(reader, names)))
        else:
            located = locate_all(reader, (thing for thing, _ in wanted))
            found = ((held, locations) for (_, held), (_, locations) in zip(wanted, located, strict=True))
        told = ((held, location) for held, locations in found for location in locations)
        if output == "text":
            write_lines(_line(held, location, bool(verbose or app.verbose)) for held, location in told)
        else:
            write_records(output, (_record(held, location) for held, location in told))


def _meant(app: App, reader: Reader, name: str) -> list[Sought]:
    """The Things that a name means, and all that hold the address that it is."""
    held = holders(reader, name)
    if (named := reader.get(name)) is not None and held:
        others = ", ".join(dict.fromkeys(each.holder.owner_name for each in held))
        app.say(f"note: {name} is the name of a {named.driver}, and an address of {others}")
    if named is not None or not held:
        return [(thing, None) for thing in targets(reader, [name])]
    owners = reader.by_ids({each.holder.entity_id for each in held})
    plain = len(held) == 1 and held[0].space is None and held[0].shared is None
    return [(owners[each.holder.entity_id], None if plain else each) for each in held]


def _line(held: Held | None, location: Location, verbose: bool) -> str:
    line = f"{location.name} -> {location.words}"
    if held is not None:
        line = f"{held.assigned}: {line}"
    details = [location.part] if location.part else []
    if location.via:
        details.append("via " + ", ".join(location.via))
    return f"{line} ({', '.join(details)})" if verbose and details else line


def _record(held: Held | None, location: Location) -> dict[str, Any]:
    address = {"address": held.address, "vrf": held.space_name or None, "shared": held.shared} if held else {}
    return {
        **address,
        "name": location.name,
        "kind": location.kind,
        "part": location.part,
        "to": location.to,
        "to_part": location.to_part,
        "via": location.via,
        "half": location.half or None,
        "face": location.face or None,
    }
