"""Where a Thing is: its connections told one by one, or what it is in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clusto_core.model import addresses
from clusto_core.model.names import split_part
from clusto_core.model.things import Link, Thing, link_order
from clusto_core.spelling import natural_key
from clusto_core.store.database import portions
from clusto_core.store.reader import Held, Reader
from clusto_core.tuples import NamedTuple


class Location(NamedTuple):
    """One answer to "where is it".

    `kind` is network, position, power, console, patch, `in` (put somewhere, with no connection), or `none`; `part` the
    own part that is connected; `to` and `to_part` the equipment and the part of it at the far end; `via` the ports of
    patch panels between, as `pp12:7`, nearest first. `half` and `face` are of a rack unit of which not all is taken:
    lower half or upper half, front or rear.
    """

    name: str
    kind: str
    part: str | None
    to: str | None
    to_part: str | None
    via: list[str]
    words: str
    half: str = ""
    face: str = ""


def holders(reader: Reader, word: str) -> list[Held]:
    """Who holds the address that a word is, in every address space or in the one that it says; nobody where it is no
    address."""
    wanted = addresses.sought(word)
    return reader.holders(wanted) if wanted is not None else []


def locate(reader: Reader, thing: Thing) -> list[Location]:
    """The locations of a Thing or of one part: network first, then position, power and console, in part
    order; of a port with a breakout cable those of its legs."""
    return next(locate_all(reader, [thing]))[1]


def locate_all(reader: Reader, things: Iterable[Thing]) -> Iterator[tuple[Thing, list[Location]]]:
    """The locations of each of many, as `locate` tells them, a portion at a time."""
    for portion in portions(things):
        links = _links(reader, portion)
        found = {thing: [_connected(reader, thing, link) for link in links[thing.id]] for thing in portion}
        elsewhere = [thing.id for thing, locations in found.items() if not locations and not thing.is_part]
        parents = reader.parents_of(elsewhere) if elsewhere else {}
        for thing in portion:
            yield thing, found[thing] or _unconnected(reader, thing, parents.get(thing.id, ()))


def _links(reader: Reader, things: list[Thing]) -> dict[int, list[Link]]:
    """What Things and parts are connected to, by their ids, in order."""
    found: dict[int, list[Link]] = {thing.id: [] for thing in things}
    if whole := [thing.id for thing in things if not thing.is_part]:
        for link in reader.links(*whole):
            found[link.thing_id].append(link)
    if parts := [thing.id for thing in things if thing.is_part]:
        for link in reader.links_of_parts(*parts):
            if link.part is not None:
                found[link.part.id].append(link)
    return {
        id: sorted((each for each in links if not _is_mounting(each)), key=link_order) for id, links in found.items()
    }


def _unconnected(reader: Reader, thing: Thing, parents: Iterable[Thing]) -> list[Location]:
    if thing.is_part:
        if mounted := sorted(reader.links_of(thing), key=lambda link: natural_key(link.other.name)):
            return [_occupied(thing, link) for link in mounted]
        from clusto_core.answers.bundles import legs

        if by_legs := [each for leg in legs(reader, thing) if reader.links_of(leg) for each in locate(reader, leg)]:
            return by_legs
    places = [parent for parent in parents if not parent.is_part]
    if places:
        return [Location(thing.name, "in", None, parent.name, None, [], f"in {parent.name}") for parent in places]
    return [Location(thing.name, "none", None, None, None, [], "not connected")]


def _is_mounting(link: Link) -> bool:
    """Whether it is seen from the rack unit that something is mounted in."""
    return link.kind == "position" and link.part is not None


def _connected(reader: Reader, thing: Thing, link: Link) -> Location:
    end, via = link.end, []
    if link.part is not None and link.far != link.other:
        path = reader.trace(link.part)[1:]
        via = panels(reader, path)
        if link.far is None:
            end = path[-1]
    part = link.part.part_name if link.part is not None and not thing.is_part else None
    words = f"connected to {end.place}"
    return _beside(Location(thing.name, link.kind, part, *split_part(end.name), via, words), link)


def _occupied(rack_unit: Thing, link: Link) -> Location:
    words = f"connected to {link.other.name}"
    return _beside(Location(rack_unit.name, link.kind, None, link.other.name, None, [], words), link)


def _beside(location: Location, link: Link) -> Location:
    """With what is taken of a rack unit, where that is not all of it."""
    if not link.is_of_cells:
        return location
    from clusto_core.model.mounting import aside, face_of, half_of

    words = location.words + aside(link.slot)
    return location._replace(words=words, half=half_of(link.slot), face=face_of(link.slot, ""))


def panels(reader: Reader, path: list[Thing]) -> list[str]:
    """The patch panels that a path passes, each once, as `pp12:7`: the panel and the number of the path through it."""
    found = {f"{part.owner_name}:{part.number}": None for part in path if reader.partner(part) is not None}
    return list(found)
