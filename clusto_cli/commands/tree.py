"""Draw what a Thing contains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.numbers import Whole
from clusto_cli.options import at_option, verbose_option
from clusto_cli.output import output_option, paged, write_lines, write_records
from clusto_core.drivers.parts import RackUnit
from clusto_core.model.things import Thing
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader


@click.command("tree")
@click.argument("name", metavar="NAME", shell_complete=completion.things)
@click.option("-L", "--level", type=Whole(1), metavar="N", help="Descend at most N levels.")
@verbose_option
@output_option
@at_option
@pass_app
@paged
def command(app: App, name: str, level: int | None, verbose: int, output: str) -> None:
    """Draw what NAME contains: rooms, racks, what stands in them and where, members of pools. With -v parts too.

    \b
        clusto tree rack101
        clusto tree -v server1
    """
    with app.reading() as reader:
        root = reader.resolve(name)
        below = _descend(reader, root, level, bool(verbose or app.verbose))
    if output == "text":
        write_lines([root.name, *_drawn(root, below, "")])
    elif output in ("json", "yaml"):
        write_records(output, [_nested(root, below)])
    else:
        write_records(output, _flat(root, below, 0))


Below = dict[int, list[tuple[Thing, str]]]
"""By id, what is directly in a Thing, each with its place in it: `RU13`, or nothing."""


def _descend(reader: Reader, root: Thing, level: int | None, parts: bool) -> Below:
    below: Below = {}
    waiting, depth = [root], 0
    while waiting and (level is None or depth < level):
        found = reader.contents([thing.id for thing in waiting], parts=parts)
        places = reader.rack_units([child.id for children in found.values() for child in children if not child.is_part])
        following = []
        for thing in waiting:
            # A rack's empty units say nothing; what is in one is told as being in the rack.
            children = [child for child in found.get(thing.id, []) if not child.is_a(RackUnit)]
            entries = [(child, places.get((thing.id, child.id), "")) for child in children]
            below[thing.id] = sorted(entries, key=lambda entry: natural_key(entry[0].name))
            following += [child for child in children if not child.is_part and child.id not in below]
        waiting = list({thing.id: thing for thing in following}.values())
        depth += 1
    return below


def _drawn(thing: Thing, below: Below, indent: str) -> Iterator[str]:
    entries = below.get(thing.id, [])
    for place, (child, unit) in enumerate(entries):
        last = place + 1 == len(entries)
        name = child.part_name if child.is_part else child.name
        yield f"{indent}{'`-- ' if last else '|-- '}{name} ({', '.join(filter(None, (child.driver, unit)))})"
        yield from _drawn(child, below, indent + ("    " if last else "|   "))


def _nested(thing: Thing, below: Below, unit: str = "") -> dict[str, Any]:
    record: dict[str, Any] = {"name": thing.name, "driver": thing.driver}
    if unit:
        record["position"] = unit
    record["contains"] = [_nested(child, below, place) for child, place in below.get(thing.id, [])]
    return record


def _flat(thing: Thing, below: Below, depth: int, unit: str = "") -> Iterator[dict[str, Any]]:
    yield {"name": thing.name, "driver": thing.driver, "position": unit or None, "depth": depth}
    for child, place in below.get(thing.id, []):
        yield from _flat(child, below, depth + 1, place)
