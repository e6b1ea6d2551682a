"""The page of a Thing, and its pictures: the rack, the paths of its cables, what goes dark with it, how much it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clusto_cli import transactions
from clusto_cli.pictures import bars, feeds, paths, racks
from clusto_cli.pictures.colouring import DRIVER
from clusto_cli.pictures.description import Picture
from clusto_cli.web.answering import Answer
from clusto_cli.web.asking import Asked
from clusto_cli.web.pages.rendering import Links, drawn, page
from clusto_cli.web.routing import Route
from clusto_core.answers.bundles import meant
from clusto_core.answers.overview import Overview, overview
from clusto_core.answers.paths import inside, ways
from clusto_core.answers.power import impact, supplies
from clusto_core.drivers.equipment import Rack
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.drivers.resources import Network
from clusto_core.errors import Malformed
from clusto_core.model.reserving import spelled
from clusto_core.model.things import Thing
from clusto_core.records import history
from clusto_core.records.history import Entry
from clusto_core.resources.capacity import capacities
from clusto_core.store.reader import Reader

_RECENT = 5
_MEMBERS = 300
_LONGEST = 500
_MOST = 60
"""Of more racks no page has a picture: that would take long to make, and nobody would find anything in it."""


def routes() -> Iterator[Route]:
    """A Thing, and its pictures."""
    yield Route("/things/{name}", _thing)
    yield Route("/things/{name}/trace", _trace)
    yield Route("/things/{name}/impact", _impact)
    yield Route("/things/{name}/capacity", _capacity)


def wanted(asked: Asked) -> Thing:
    """The Thing or part that the path names. Raises NotFound, Malformed."""
    return asked.reader.resolve(asked.request.path["name"])


def _thing(asked: Asked) -> Answer:
    thing = wanted(asked)
    seen = overview(asked.reader, thing)
    entries = history.entries(asked.reader, [thing.entity_id], _RECENT)
    count = len(racks.racks_in(asked.reader, [thing])) if racks.drawable(thing) else 0
    by = asked.request.query.get("by") or DRIVER
    return page(
        asked,
        "thing.html",
        title=thing.name,
        thing=thing,
        seen=seen,
        model=next((each.value.text for each in seen.own if str(each.key) == "type"), ""),
        reserved=_reserved(seen),
        members=seen.members[:_MEMBERS],
        more=len(seen.members) - _MEMBERS,
        count=count,
        pictures=_pictures(asked, thing, by) if 0 < count <= _MOST else [],
        by=by,
        is_network=thing.is_a(Network),
        gives=any(view.part.is_a(Outlet) or view.part.is_a(Inlet) for view in seen.parts),
        is_place=racks.drawable(thing),
        entries=entries,
        told=_told(asked.reader, thing, entries),
        when=transactions.when,
        spelled=spelled,
        live=True,
    )


def _reserved(seen: Overview) -> str:
    if seen.reservation is None:
        return ""
    purpose = f" for {seen.reservation.purpose}" if seen.reservation.purpose else ""
    return f"until {spelled(seen.reservation.until)}{purpose}{', which is over' if seen.reservation.over else ''}"


def _told(reader: Reader, thing: Thing, entries: Sequence[Entry]) -> dict[int, list[str]]:
    """What transactions did to a Thing, in lines. The page of a transaction has long ones as a whole."""
    changes = history.changes_to(reader, thing.entity_id, [entry.id for entry in entries])
    return {number: [_cut(line) for line in history.told(change, set())] for number, change in changes.items()}


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _pictures(asked: Asked, thing: Thing, by: str) -> list[object]:
    """The racks of a place; the faces of a rack each by themselves, so that they stand below each other where a screen
    is narrow."""
    picture = racks.picture(asked.reader, [thing], by=by, link=Links(asked.moment).thing)
    parts = list(_faces(picture)) if thing.is_a(Rack) else [picture]
    return [drawn(each, f"picture{place}") for place, each in enumerate(parts)]


def _faces(picture: Picture) -> Iterator[Picture]:
    (rack,) = picture.elevations
    for place, face in enumerate(rack.faces):
        title = f"{rack.name}, {face.name}"
        alone = rack._replace(name=title, link=None, faces=(face,), beside=rack.beside if place == 0 else ())
        yield picture._replace(title=title, elevations=(alone,), legend=picture.legend if place == 0 else ())


# --- pictures of their own -------------------------------------------------------------------------------------------


def _trace(asked: Asked) -> Answer:
    name = asked.request.path["name"]
    found = [way for thing in meant(asked.reader, name) for way in ways(asked.reader, thing)]
    picture = paths.picture(asked.reader, "", found, Links(asked.moment).thing)
    hops = [list(_hops(way.parts)) for way in found]
    notes = list(dict.fromkeys(way.assumed for way in found if way.assumed))
    return _drawing(asked, f"Cables of {name}", picture, hops, notes)


def _hops(parts: Sequence[Thing]) -> Iterator[tuple[str, Thing]]:
    for place, part in enumerate(parts):
        yield ("" if place == 0 else "through" if inside(parts[place - 1], part) else "by cable to"), part


def _impact(asked: Asked) -> Answer:
    thing = wanted(asked)
    if thing.is_part and not thing.is_a(Outlet) and not thing.is_a(Inlet):
        raise Malformed(f"{thing.name} takes and gives no power: name a Thing, an inlet or an outlet")
    outlets = [outlet for supply in supplies(asked.reader, [thing]) for outlet in supply.outlets]
    off = [] if thing.is_part else [thing]
    effects, assumed = impact(asked.reader, outlets, off, inlets=[thing] if thing.is_a(Inlet) else [])
    picture = feeds.picture(asked.reader, [thing], effects, Links(asked.moment).thing)
    return _drawing(asked, f"{thing.name} without power", picture, [], assumed)


def _capacity(asked: Asked) -> Answer:
    picture = bars.picture(capacities(asked.reader, [wanted(asked)]), Links(asked.moment).thing)
    return _drawing(asked, f"Capacity of {wanted(asked).name}", picture, [], [])


def _drawing(
    asked: Asked, title: str, picture: Picture, hops: list[list[tuple[str, Thing]]], notes: list[str]
) -> Answer:
    name = asked.request.path["name"]
    svg = drawn(picture._replace(title=title))
    return page(asked, "drawing.html", title=title, name=name, picture=svg, hops=hops, notes=notes, live=True)
