"""Clusto's own checks, which no expression says: of the paths that power takes, of sums, of what a type has become.

Each is off until a policy names it (`clusto policy enable`), and looks at what it is given, or at all that there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from clusto_core.answers import feeding
from clusto_core.drivers import Part, registry
from clusto_core.drivers.equipment import Rack
from clusto_core.drivers.parts import Inlet, Outlet, RackUnit
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import Malformed, did_you_mean
from clusto_core.model.attributes import IP, Key
from clusto_core.model.things import Attribute, Thing, in_order
from clusto_core.query import tree
from clusto_core.query.tree import Node
from clusto_core.rules.cabling import HEIGHT
from clusto_core.rules.devicetypes import DEFINITION, TYPE
from clusto_core.spelling import natural_key, suggest
from clusto_core.store.reader import Reader

Ids = frozenset[int]
Broken = Iterator[tuple[Thing, str] | tuple[Thing, str, bool]]
"""What breaks a check, and how; with False, what did not say whether anything does."""
Find = Callable[[Reader, Ids | None], Broken]

CABLES = "cables"
"""The check that switches answer: who can ask them does it."""
MARK = "%"
"""What the names of policies begin with in the store."""

RATING = Key("rating")
FEED = Key("feed")
_POWER_KEYS = (RATING, *feeding.DRAWS, feeding.MAXIMUM, feeding.INLET_KEY)


def _nobody_asked(reader: Reader, among: Ids | None) -> Broken:
    """What devices would have to say where nobody asks them: not that all is well."""
    if (policy := reader.get(MARK + CABLES)) is not None:
        yield policy, "not known: no switch is asked here", False


def _no_more(reader: Reader, ids: Ids) -> Ids:
    return frozenset()


class Check(NamedTuple):
    """One of the checks. `find` gives what does not hold, of some Things or of all, with words for each."""

    meaning: str
    find: Find
    depends: Node = tree.NOTHING
    """An expression that may hold otherwise for a Thing wherever the check may (see `affected`), `widen` besides."""
    widen: Callable[[Reader, Ids], Ids] = _no_more
    """What else a change of these Things may change it for."""
    enforceable: bool = True


def named(name: str) -> Check:
    """The check of that name. Raises Malformed with a suggestion."""
    if name not in CHECKS:
        known = ", ".join(CHECKS)
        raise Malformed(f"no such check: {name[:60]}{did_you_mean(suggest(name, CHECKS))} (there are {known})")
    return CHECKS[name]


# --- what feeds what -------------------------------------------------------------------------------------------------


def _two_feeds(reader: Reader, among: Ids | None) -> Broken:
    """Equipment that takes power and gives none, without two PDUs of two sources."""
    by_owner: dict[int, list[Thing]] = {}
    for inlet in _parts(reader, Inlet, among):
        by_owner.setdefault(inlet.entity_id, []).append(inlet)
    giving = {outlet.entity_id for outlet in reader.parts(*by_owner, driver=Outlet)}
    wanted = [thing for thing in in_order(reader.by_ids(by_owner).values()) if thing.id not in giving]
    feeds = _Feeds(reader, [inlet for thing in wanted for inlet in by_owner[thing.id]])
    for thing in wanted:
        if words := feeds.lacking(by_owner[thing.id]):
            yield thing, words


class _Feeds:
    """The way up from some inlets, read step by step for all at once."""

    def __init__(self, reader: Reader, inlets: Iterable[Thing]) -> None:
        self._outlet: dict[int, Thing] = {}
        self._inlets: dict[int, list[Thing]] = {}
        self._sources: dict[int, frozenset[str]] = {}
        waiting = {inlet.id: inlet for inlet in inlets}
        seen: set[int] = set()
        while waiting:
            seen.update(waiting)
            outlets = self._above(reader, waiting)
            waiting = {part.id: part for part in self._through(reader, outlets) if part.id not in seen}
        roots = {part.entity_id for part in self._outlet.values() if not self._inlets[part.id]}
        self._names = {id: thing.name for id, thing in reader.by_ids(roots).items()}
        for id, values in reader.values_under(FEED, sorted(roots)).items():
            self._names[id] = f"feed {values[0].text}"

    def _above(self, reader: Reader, inlets: dict[int, Thing]) -> list[Thing]:
        found = []
        for link in reader.links_of_parts(*inlets):
            if link.part is not None and link.far is not None and link.far.is_a(Outlet):
                self._outlet[link.part.id] = link.far
                found.append(link.far)
        return [outlet for outlet in found if outlet.id not in self._inlets]

    def _through(self, reader: Reader, outlets: list[Thing]) -> Iterator[Thing]:
        """The inlets by which outlets have their power: the one that is recorded, else each of their equipment."""
        feeding_each = feeding.inlets_of(reader, outlets)
        own: dict[int, list[Thing]] = {}
        for inlet in reader.parts(*{outlet.entity_id for outlet in outlets}, driver=Inlet):
            own.setdefault(inlet.entity_id, []).append(inlet)
        for outlet in outlets:
            recorded = feeding_each[outlet.id]
            self._inlets[outlet.id] = [recorded] if recorded is not None else own.get(outlet.entity_id, [])
            yield from self._inlets[outlet.id]

    def sources(self, inlet: Thing) -> frozenset[str]:
        """The names of what the power of an inlet comes from in the end: equipment, or the feed that it is said to be
        on; nothing where a cable is missing on every way."""
        if inlet.id not in self._sources:
            self._sources[inlet.id] = frozenset()  # of a circle, in which nothing is a source
            outlet = self._outlet.get(inlet.id)
            if outlet is not None:
                above = self._inlets[outlet.id]
                found = [self.sources(each) for each in above] or [frozenset((self._names[outlet.entity_id],))]
                # A PDU whose own feed is not recorded is taken for a source.
                self._sources[inlet.id] = frozenset().union(*found) or frozenset((outlet.owner_name,))
        return self._sources[inlet.id]

    def lacking(self, inlets: Iterable[Thing]) -> str:
        """What is wrong with the feeds of one Thing; empty where they are two."""
        fed = [inlet for inlet in inlets if inlet.id in self._outlet]
        devices = sorted({self._outlet[inlet.id].owner_name for inlet in fed}, key=natural_key)
        if len(devices) < 2:
            return f"all its power is from {devices[0]}" if devices else "it has no feed"
        sources = sorted({source for inlet in fed for source in self.sources(inlet)}, key=natural_key)
        return f"{' and '.join(devices)} have their power from {sources[0]}" if len(sources) < 2 else ""


# --- power against ratings -------------------------------------------------------------------------------------------


def _power_draw(reader: Reader, among: Ids | None) -> Broken:
    """What draws more than the rating of the equipment, inlet or outlet that it has its power from."""
    rated: dict[int, float] = {}
    for each in reader.attributes_under(RATING):
        if (among is None or each.thing_id in among) and each.value.type in ("integer", "float"):
            rated[each.thing_id] = float(each.value.text)
    things = in_order(reader.by_ids(rated).values())
    for thing in things:
        watts = _drawn(reader, thing)
        if watts > rated[thing.id]:
            yield thing, f"{watts:g} W are drawn, it is rated at {rated[thing.id]:g} W"


def _drawn(reader: Reader, thing: Thing) -> float:
    if thing.is_a(Inlet):
        draw = feeding.draws(reader, [thing])[thing.id]
        return draw.planned or draw.maximum or 0
    outlets = [thing] if thing.is_part else reader.parts(thing.id, driver=Outlet)
    return sum(feeding.drawn_from(reader, outlets).values())


def _upstream(reader: Reader, ids: Ids) -> Ids:
    """What these Things have their power from, and the Things whose parts these are."""
    found = set(ids)
    things = reader.by_ids(ids)
    owners = {thing.entity_id for thing in things.values()}
    found |= owners
    waiting = {part.id: part for part in reader.parts(*owners, driver=Inlet)}
    while waiting:
        found.update(waiting)
        outlets = {link.far.id: link.far for link in reader.links_of_parts(*waiting) if link.far is not None}
        fresh = {id: part for id, part in outlets.items() if id not in found and part.is_a(Outlet)}
        found.update(fresh)
        above = {part.entity_id for part in fresh.values()}
        found |= above
        inlets = [*reader.parts(*above, driver=Inlet), *_named_inlets(reader, fresh.values())]
        waiting = {part.id: part for part in inlets if part.id not in found}
        found.update(part.entity_id for part in inlets)
    return frozenset(found)


def _named_inlets(reader: Reader, outlets: Iterable[Thing]) -> list[Thing]:
    """The inlets, of other equipment perhaps, that outlets name."""
    return [inlet for inlet in feeding.inlets_of(reader, outlets).values() if inlet is not None]


# --- racks -----------------------------------------------------------------------------------------------------------


def _rack_units(reader: Reader, among: Ids | None) -> Broken:
    """Racks whose contents, mounted or merely put in, are higher than they are."""
    kinds = [name for name in reader.drivers() if issubclass(registry.of(name), Rack)]
    racks = reader.all(kinds) if kinds else []
    racks = in_order(rack for rack in racks if among is None or rack.id in among)
    units: dict[int, int] = {}
    for part in reader.parts(*(rack.id for rack in racks), driver=RackUnit):
        units[part.entity_id] = units.get(part.entity_id, 0) + 1
    contents = reader.contents([rack.id for rack in racks], parts=False)
    heights = reader.values_under(HEIGHT, [each.id for found in contents.values() for each in found])
    for rack in racks:
        each = (heights[thing.id][0].text for thing in contents.get(rack.id, ()) if thing.id in heights)
        taken = sum(map(float, each))
        if taken > units.get(rack.id, 0):
            yield rack, f"{taken:g} units are taken, it has {units.get(rack.id, 0)}"


def _places(reader: Reader, ids: Ids) -> Ids:
    """What these Things are in."""
    return frozenset(parent.id for parents in reader.parents_of(ids).values() for parent in parents)


# --- addresses, types ------------------------------------------------------------------------------------------------


def _one_address(reader: Reader, among: Ids | None) -> Broken:
    """What holds several addresses of its own of one version in one address space: its name then means any of them."""
    held: dict[tuple[int, int, int | None], list[str]] = {}
    for each in _addresses(reader, among):
        version = 6 if ":" in each.value.text else 4
        held.setdefault((each.thing_id, version, each.value.ref), []).append(each.value.text)
    several = {id: texts for (id, _, _), texts in held.items() if len(texts) > 1}
    for thing in in_order(reader.by_ids(several).values()):
        yield thing, f"it has the addresses {', '.join(sorted(several[thing.id], key=natural_key))}"


def _addresses(reader: Reader, among: Ids | None) -> Iterable[Attribute]:
    """Addresses that one holder has; shared ones have a subkey."""
    found = reader.attributes_under(Key(IP)) if among is None else reader.attributes(*among)
    return (each for each in found if each.key == Key(IP))


def _drifted(reader: Reader, among: Ids | None) -> Broken:
    """What was made after a definition of its type that the type no longer has: ids only grow."""
    types = {thing.id: thing for thing in reader.all([DeviceType.__name__])}
    defined = {each.thing_id: each.id for each in reader.attributes_under(DEFINITION)}
    made = {each.thing_id: each for each in reader.attributes_under(TYPE) if among is None or each.thing_id in among}
    refs = {id: each.value.ref or 0 for id, each in made.items() if each.id < defined.get(each.value.ref or 0, 0)}
    for thing in in_order(reader.by_ids(refs).values()):
        if refs[thing.id] in types:
            yield thing, f"{types[refs[thing.id]].name} has changed since"


# --- what all use ----------------------------------------------------------------------------------------------------


def _parts(reader: Reader, kind: type[Part], among: Ids | None) -> list[Thing]:
    """The parts of a kind: of these Things, or all."""
    if among is not None:
        return reader.parts(*among, driver=kind)
    names = [name for name in reader.drivers() if issubclass(registry.of(name), kind)]
    rows = reader.database.rows_in(_OF_DRIVERS, names)
    return [Thing(*row) for row in rows]


_OF_DRIVERS = "SELECT t.id, t.name, t.driver, t.owner_id, t.number FROM things t WHERE t.driver IN (:ids)"


CHECKS: dict[str, Check] = {
    "two-feeds": Check(
        "equipment has two feeds, from two PDUs of two sources",
        _two_feeds,
        tree.Fed(tree.HasKey(FEED)),
    ),
    "one-address": Check(
        "a name has one address, of each version in each address space",
        _one_address,
        tree.HasKey(Key(IP)),
    ),
    "rack-units": Check(
        "what is in a rack is not higher than the rack",
        _rack_units,
        tree.Or(tree.Wired(), tree.HasKey(HEIGHT)),
        _places,
    ),
    "power-draw": Check(
        "what hangs on a PDU, an inlet or an outlet draws no more than its rating",
        _power_draw,
        tree.Or(tree.Wired(), tree.Fed(tree.NOTHING), *map(tree.HasKey, _POWER_KEYS)),
        _upstream,
    ),
    CABLES: Check("no switch sees another cable than the recorded one", _nobody_asked, enforceable=False),
    "type-drift": Check("a Thing is as its device type is now", _drifted, enforceable=False),
}
"""The checks, by their names."""
