"""Show Things whole: attributes, parts and far ends, position, memberships; a rack as its front view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from clusto_cli import completion, elevations
from clusto_cli.context import App, pass_app
from clusto_cli.options import at_option
from clusto_cli.output import on_terminal, paged, write_lines, write_records
from clusto_cli.page import Line, Span, columns, write
from clusto_cli.pictures import delivery
from clusto_cli.pictures.delivery import Canvas, picture_options
from clusto_cli.targets import Listed, listed, names_argument
from clusto_core.answers.feeding import gives_power, loads
from clusto_core.answers.overview import Overview, PartView, Unit, elevation, overview
from clusto_core.drivers.equipment import Rack
from clusto_core.errors import Malformed
from clusto_core.model.interfaces import OCCUPIED
from clusto_core.model.mounting import FACES
from clusto_core.model.ranges import fold
from clusto_core.model.reserving import Reservation, spelled
from clusto_core.model.things import Attribute, Thing
from clusto_core.store.reader import Reader


@click.command("show")
@names_argument
@click.option("--front", is_flag=True, help="Draw racks from the front, as without --rear.")
@click.option("--rear", is_flag=True, help="Draw racks from the rear.")
@click.option(
    "--colour-by",
    metavar="WHAT",
    default="driver",
    show_default=True,
    shell_complete=completion.keys,
    help="What the colours of a picture mean: driver, a key, a column as find has it, or EXPR=colour,...",
)
@click.option(
    "--into",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="Write pictures, of each NAME and of each rack in it, as files that lead to each other.",
)
@picture_options
@at_option
@pass_app
@paged
def command(
    app: App,
    names: tuple[str, ...],
    front: bool,
    rear: bool,
    colour_by: str,
    into: str | None,
    output: str,
    canvas: Canvas | None,
) -> None:
    """Show all that is known of each NAME: where it is, what it belongs to, its addresses, its attributes and those
    that it inherits with their origin, its parts with their far ends. A rack is drawn, from the front or the rear;
    several are beside each other on a terminal that is wide.

    As a picture (-o svg, html, png, or --picture) racks are drawn with all that stands in them, front and rear; of a
    room or another place all its racks; of anything else the rack that it stands in.

    \b
        clusto show server1
        clusto show rack101
        clusto show server1 --at '2 weeks ago'
        clusto show @1
        clusto show rack101 --rear
        clusto show room1 -o svg --colour-by status > room1.svg
        clusto show room1 -o html --into pictures
    """
    faces = [face for face, wanted in (("front", front), ("rear", rear)) if wanted]
    if into is not None and (canvas is None or canvas.screen is not None):
        raise Malformed("--into is for pictures: -o svg, -o html or -o png")
    with app.reading() as reader:
        if numbers := _transactions(reader, names):
            _tell(reader, numbers, output)
            return
        things = listed(reader, names)
        if canvas is not None:
            _draw(reader, things.all(), faces, colour_by, canvas, into)
            return
        if output != "text":
            write_records(output, (_record(reader, thing) for thing in things))
            return
        write(_pages(reader, things, faces or ["front"]))


def _draw(reader: Reader, things: list[Thing], faces: list[str], by: str, canvas: Canvas, folder: str | None) -> None:
    from pathlib import Path

    from clusto_cli.pictures import racks

    if folder is None:
        canvas.deliver(racks.picture(reader, things, faces, by, canvas.link))
        return
    every = list(dict.fromkeys([*things, *racks.racks_of(reader, things)]))
    link = delivery.beside([thing.name for thing in every], canvas.output)
    drawn = ((thing.name, racks.picture(reader, [thing], faces, by, link)) for thing in every)
    write_lines(map(str, delivery.filed(Path(folder), drawn, canvas.output)))


def _pages(reader: Reader, things: Listed, faces: list[str]) -> Iterator[Line]:
    """A page each; nothing but racks, on a terminal, beside each other."""
    if on_terminal() and things.more_than(1) and all(thing.is_a(Rack) for thing in things):
        from shutil import get_terminal_size

        pages = [[list(block) for block in _page(reader, thing, faces)] for thing in things]
        yield from elevations.beside(pages, get_terminal_size().columns)
        return
    for place, thing in enumerate(things):
        if place:
            yield []
        for block in _page(reader, thing, faces):
            yield from block


def _transactions(reader: Reader, names: tuple[str, ...]) -> list[int]:
    """The numbers of transactions, where nothing but such is named: `@103`, unless an expression is saved as 103."""
    words = [name for name in names if isinstance(name, str) and name[:1] == "@" and name[1:].isdecimal()]
    if not words or len(words) < len(names) or any(reader.get(word[1:]) is not None for word in words):
        return []
    return [int(word[1:]) for word in words]


def _tell(reader: Reader, numbers: list[int], output: str) -> None:
    from clusto_cli import transactions
    from clusto_core.records import history

    if output != "text":
        raise Malformed(f"transactions are told to programs by clusto log {numbers[0]} -o {output}")
    entries = [history.entry(reader, number) for number in numbers]
    write_lines(transactions.lines(reader, entries, detailed=True))


def _page(reader: Reader, thing: Thing, faces: Iterable[str]) -> tuple[Iterable[Line], ...]:
    """What is known of a Thing, the faces of a rack, and what it has and holds."""
    seen = overview(reader, thing)
    units = elevation(reader, thing) if thing.is_a(Rack) else []
    drawn = (line for face in faces for line in elevations.face(units, face))
    return _known(seen), drawn, _had(reader, seen)


def _known(seen: Overview) -> Iterator[Line]:
    thing = seen.thing
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


def _had(reader: Reader, seen: Overview) -> Iterator[Line]:
    if power := list(_loads(reader, seen.thing)):
        yield [Span("power", "bold")]
        yield from columns(power)
    if seen.parts and not seen.thing.is_part:
        yield [Span("parts", "bold")]
        yield from columns(_parts(seen))
    if seen.members:
        yield [Span("holds", "bold")]
        yield from columns([Span(folded), Span(driver, "dim")] for folded, driver in _held(seen.members))


def _facts(seen: Overview) -> Iterator[list[Span]]:
    if seen.thing.is_part:
        yield [Span("connected", "cyan"), _far(seen.parts[0])]
    if seen.position:
        rack, _, span = (seen.at or "").partition(":")
        yield [Span("position", "cyan"), Span(f"{span} in {rack}")]
    if seen.places:
        yield [Span("in", "cyan"), Span(" < ".join(place.name for place in seen.places))]
    if seen.groupings:
        yield [Span("member of", "cyan"), Span(", ".join(f"{each.name} ({each.driver})" for each in seen.groupings))]
    if seen.reservation is not None:
        yield [Span("reserved", "cyan"), Span(_held_for(seen.reservation))]
    for address, part in seen.addresses:
        yield [Span("address", "cyan"), Span(str(address) + (f" on {part}" if part else ""))]


def _held_for(reservation: Reservation) -> str:
    what = f" for {reservation.purpose}" if reservation.purpose else ""
    return f"until {spelled(reservation.until)}{what}{', which is over' if reservation.over else ''}"


def _loads(reader: Reader, thing: Thing) -> Iterator[list[Span]]:
    """A row for each inlet and leg of what gives power, where an inlet, a leg or a draw is recorded."""
    for load in loads(reader, thing) if gives_power(reader, thing) else ():
        words = [load.inlet.part_name if load.inlet else "", f"leg {load.leg}" if load.leg else ""]
        what = " ".join(filter(None, words))
        if what or load.planned or load.maximum:
            drawn = ((load.planned, "W planned"), (load.maximum, "W at most"))
            watts = [f"{number:g} {unit}" for number, unit in drawn if number]
            unknown = [f"{load.unknown} unknown"] * bool(load.unknown)
            used = f"{load.used} of {load.outlets} outlets in use"
            yield [Span(what or "any inlet", "cyan"), Span(used), Span(", ".join([*watts, *unknown]))]


def _parts(seen: Overview) -> Iterator[list[Span]]:
    """A row for each part that has something to tell; the free ones of a kind together."""
    free: dict[str, list[str]] = {}
    for view in seen.parts:
        if view.link is None and not view.attributes:
            free.setdefault(view.part.driver, []).append(view.part.part_name)
            continue
        told = [each for each in view.attributes if each.key != OCCUPIED or view.link is not None]
        notes = " ".join(str(each) for each in told if not each.key.reserved)
        yield [Span(view.part.part_name, "cyan"), Span(view.part.driver, "dim"), _far(view), Span(notes, "dim")]
    for driver, names in free.items():
        yield [Span(",".join(fold(names)), "dim"), Span(driver, "dim"), Span("free", "dim")]


def _far(view: PartView) -> Span:
    if view.link is None:
        why = next((each.value.text for each in view.attributes if each.key == OCCUPIED), None)
        return Span("free", "dim") if why is None else Span(f"occupied: {why}")
    via = f" via {', '.join(view.via)}" if view.via else ""
    return Span(f"-> {view.link.end.place}{via}")


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
        "reserved": _reservation(seen.reservation) if seen.reservation is not None else None,
        "at": seen.at,
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
    if gives_power(reader, thing):
        record["power"] = [
            {**load._asdict(), "inlet": load.inlet.part_name if load.inlet else None} for load in loads(reader, thing)
        ]
    if thing.is_a(Rack):
        record["units"] = [_unit(unit) for unit in elevation(reader, thing)]
    return record


def _reservation(reservation: Reservation) -> dict[str, Any]:
    return {
        "until": reservation.until.isoformat().replace("+00:00", "Z"),
        "for": reservation.purpose or None,
        "by": reservation.by,
        "over": reservation.over,
    }


def _unit(unit: Unit) -> dict[str, Any]:
    """A unit: by face, what is in its lower and in its upper half."""
    faces = {face: [thing and thing.name for thing in unit.at(cells)] for face, cells in FACES.items()}
    return {"number": unit.number, "name": unit.thing and unit.thing.name, **faces}


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
