"""Show Things whole: attributes, parts and far ends, position, memberships; a rack as its front view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from clusto_cli.context import App, pass_app
from clusto_cli.output import output_option, write_records
from clusto_cli.page import Line, Span, columns, write
from clusto_cli.targets import names_argument, targets
from clusto_core.answers.overview import Overview, PartView, Unit, elevation, overview
from clusto_core.drivers.equipment import Rack
from clusto_core.model.ranges import fold
from clusto_core.model.things import Attribute, Thing
from clusto_core.store.reader import Reader


@click.command("show")
@names_argument
@output_option
@pass_app
def command(app: App, names: tuple[str, ...], output: str) -> None:
    """Show all that is known of each NAME: where it is, what it belongs to, its addresses, its attributes and those
    that it inherits with their origin, its parts with their far ends. A rack is drawn from the front.

    \b
        clusto show server1
        clusto show rack101
    """
    with app.reading() as reader:
        things = targets(reader, names)
        if output != "text":
            write_records(output, (_record(reader, thing) for thing in things))
            return
        for place, thing in enumerate(things):
            if place:
                write([[]])
            write(_page(reader, thing))


def _page(reader: Reader, thing: Thing) -> Iterator[Line]:
    seen = overview(reader, thing)
    model = next((each.value.text for each in seen.own if str(each.key) == "type"), None)
    yield [Span(thing.name, "bold"), Span(f"  {thing.driver}{f' ({model})' if model else ''}")]
    yield from columns(_facts(seen))
    own = [each for each in seen.own if str(each.key) != "type"]
    if own or seen.inherited:
        rows = [[Span(str(each.key), "cyan"), Span(each.shown)] for each in own]
        rows += [
            [Span(str(each.attribute.key), "cyan"), Span(each.attribute.shown), Span(f"from {each.origin.name}", "dim")]
            for each in seen.inherited
        ]
        yield [Span("attributes", "bold")]
        yield from columns(rows)
    if thing.is_a(Rack):
        yield from _drawn(elevation(reader, thing))
    if seen.parts and not thing.is_part:
        yield [Span("parts", "bold")]
        yield from columns(_parts(seen))
    if seen.members:
        yield [Span("holds", "bold")]
        yield from columns([Span(folded), Span(driver, "dim")] for folded, driver in _held(seen.members))


def _facts(seen: Overview) -> Iterator[list[Span]]:
    if seen.thing.is_part:
        yield [Span("connected", "cyan"), _far(seen.parts[0])]
    if seen.position:
        numbers = [unit.number for unit in seen.position if unit.number is not None]
        span = f"RU{min(numbers)}" + (f"-{max(numbers)}" if len(numbers) > 1 else "")
        yield [Span("position", "cyan"), Span(f"{span} in {seen.position[0].owner_name}")]
    if seen.places:
        yield [Span("in", "cyan"), Span(" < ".join(place.name for place in seen.places))]
    if seen.groupings:
        yield [Span("member of", "cyan"), Span(", ".join(f"{each.name} ({each.driver})" for each in seen.groupings))]
    for address, part in seen.addresses:
        yield [Span("address", "cyan"), Span(str(address) + (f" on {part}" if part else ""))]


def _parts(seen: Overview) -> Iterator[list[Span]]:
    """A row for each part that has something to tell; the free ones of a kind together."""
    free: dict[str, list[str]] = {}
    for view in seen.parts:
        if view.link is None and not view.attributes:
            free.setdefault(view.part.driver, []).append(view.part.part_name)
            continue
        notes = " ".join(str(each) for each in view.attributes if not each.key.reserved)
        yield [Span(view.part.part_name, "cyan"), Span(view.part.driver, "dim"), _far(view), Span(notes, "dim")]
    for driver, names in free.items():
        yield [Span(",".join(fold(names)), "dim"), Span(driver, "dim"), Span("free", "dim")]


def _far(view: PartView) -> Span:
    if view.link is None:
        return Span("free", "dim")
    via = f" via {', '.join(view.via)}" if view.via else ""
    return Span(f"-> {view.link.end.place}{via}")


def _drawn(units: Iterable[Unit]) -> Iterator[Line]:
    """The elevation: a line a unit, what is several units high in one frame."""
    every = list(units)
    if not every:
        return
    names = [f"{unit.thing.name} ({unit.thing.driver})" if unit.thing else "" for unit in every]
    inner = max(20, *map(len, names)) + 2
    digits = len(str(every[0].number))
    used = sum(unit.thing is not None for unit in every)
    yield [Span("front view", "bold"), Span(f"  {len(every)} units, {used} in use", "dim")]
    rule = f"  {' ' * digits} +{'-' * inner}+"
    yield [Span(rule)]
    for place, unit in enumerate(every):
        first = place == 0 or unit.thing is None or every[place - 1].thing != unit.thing
        text = names[place] if first else ""
        yield [
            Span(f"  {unit.number:{digits}} |"),
            Span(f" {text:{inner - 1}}", "" if unit.thing else "dim"),
            Span("|"),
        ]
        last = place + 1 == len(every) or unit.thing is None or every[place + 1].thing != unit.thing
        if place + 1 < len(every) and last and (unit.thing or every[place + 1].thing):
            yield [Span(rule)]
    yield [Span(rule)]


def _held(members: list[Thing]) -> Iterator[tuple[str, str]]:
    by_driver: dict[str, list[str]] = {}
    for member in members:
        by_driver.setdefault(member.driver, []).append(member.name)
    for driver, names in sorted(by_driver.items()):
        yield ", ".join(fold(names)), driver


def _record(reader: Reader, thing: Thing) -> dict[str, Any]:
    seen = overview(reader, thing)
    record: dict[str, Any] = {
        "name": thing.name,
        "driver": thing.driver,
        "position": [unit.name for unit in seen.position],
        "places": [place.name for place in seen.places],
        "groupings": [grouping.name for grouping in seen.groupings],
        "addresses": [
            {"address": each.address, "part": part, "vrf": each.space, "shared": each.shared}
            for each, part in seen.addresses
        ],
        "attributes": [_attribute(each) for each in seen.own],
        "inherited": [{**_attribute(each.attribute), "from": each.origin.name} for each in seen.inherited],
        "parts": [_part(view) for view in seen.parts],
        "members": [member.name for member in seen.members],
    }
    if thing.is_a(Rack):
        record["units"] = [
            {"number": unit.number, "name": unit.thing and unit.thing.name} for unit in elevation(reader, thing)
        ]
    return record


def _attribute(attribute: Attribute) -> dict[str, Any]:
    return {"key": str(attribute.key), "value": attribute.plain, "type": attribute.value.type}


def _part(view: PartView) -> dict[str, Any]:
    end = view.link.end if view.link else None
    return {
        "name": view.part.part_name,
        "driver": view.part.driver,
        "to": end and end.owner_name,
        "to_part": end.part_name if end is not None and end.is_part else None,
        "via": view.via,
        "attributes": [_attribute(each) for each in view.attributes if not each.key.reserved],
    }
