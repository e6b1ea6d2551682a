"""Through equipment that gives power on: which inlet each outlet is fed by, what leg it is on, and what is drawn there.

Device types say which inlet feeds an outlet (`power_port`), kept as the outlet's attribute `inlet`: a part of the same
equipment, or, of a module in a chassis, `chassis1:A`. Draws are in watts, of an inlet: `draw` is what the site has
measured or planned, `allocated_draw` and `maximum_draw` are the maker's.
Source: https://netboxlabs.com/docs/netbox/models/dcim/poweroutlet/ and powerport.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.model.attributes import Key, Value
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader
from clusto_core.tuples import NamedTuple

INLET_KEY = Key("inlet")
LEG_KEY = Key("feed_leg")
DRAWS = (Key("draw"), Key("allocated_draw"))
MAXIMUM = Key("maximum_draw")
SEVERAL = 2000
"""How many are asked about step by step."""


def inlets_of(reader: Reader, outlets: Iterable[Thing]) -> dict[int, Thing | None]:
    """The inlet that feeds each outlet, by the outlet's id: the one that is recorded, else the only one that its
    equipment has; None where neither tells."""
    wanted = list(outlets)
    own: dict[int, list[Thing]] = {}
    for part in reader.parts(*{outlet.entity_id for outlet in wanted}, driver=Inlet):
        own.setdefault(part.entity_id, []).append(part)
    said = reader.values_under(INLET_KEY, [outlet.id for outlet in wanted])
    named = _named(reader, wanted, said)
    found: dict[int, Thing | None] = {}
    for outlet in wanted:
        only = own.get(outlet.entity_id, [])
        found[outlet.id] = named.get(outlet.id) or (only[0] if len(only) == 1 else None)
    return found


def _named(reader: Reader, outlets: Sequence[Thing], said: dict[int, list[Value]]) -> dict[int, Thing]:
    """The inlets that attributes name, by the outlet's id: references, or text that names a part."""
    refs = {outlet.id: value.ref for outlet in outlets for value in said.get(outlet.id, ()) if value.ref is not None}
    texts = {
        outlet.id: value.text if ":" in value.text else f"{outlet.owner_name}:{value.text}"
        for outlet in outlets
        for value in said.get(outlet.id, ())
        if value.ref is None
    }
    by_id, by_name = reader.by_ids(set(refs.values())), reader.find_names(set(texts.values()))
    found = [(id, by_id.get(ref)) for id, ref in refs.items()] + [(id, by_name.get(name)) for id, name in texts.items()]
    return {id: inlet for id, inlet in found if inlet is not None and inlet.is_a(Inlet)}


def fed_by(reader: Reader, inlets: Iterable[Thing]) -> list[Thing]:
    """The outlets that these inlets feed: of their own equipment, and of modules that say so."""
    wanted = {inlet.id: inlet for inlet in inlets}
    own = reader.parts(*{inlet.entity_id for inlet in wanted.values()}, driver=Outlet)
    beside = {found.thing_id for found in reader.referring(wanted) if found.key == INLET_KEY}
    for each in wanted.values():
        beside.update(part.id for part in reader.having(INLET_KEY, each.name))
    modules = [part for part in reader.by_ids(beside).values() if part.is_a(Outlet)]
    every = {part.id: part for part in [*own, *modules]}
    feeding = inlets_of(reader, every.values())
    return in_order(part for id, part in every.items() if (inlet := feeding[id]) is not None and inlet.id in wanted)


def downstream(reader: Reader, sources: Iterable[Thing]) -> set[int] | None:
    """The ids of all that has its power from these Things, inlets or outlets: inlets, outlets, and the equipment of the
    inlets. An outlet whose inlet is not recorded is fed by each that its equipment has. None where it is more than
    `SEVERAL`, which are read at once in less time (`powermap`)."""
    given = list(sources)
    whole = [thing.id for thing in given if not thing.is_part]
    start = [*(part for part in given if part.is_a(Outlet)), *reader.parts(*whole, driver=Outlet)]
    outlets = {part.id: part for part in [*start, *_passed_on(reader, [part for part in given if part.is_a(Inlet)])]}
    fresh, found = dict(outlets), set(outlets) - {part.id for part in start}
    while fresh:
        if len(fresh) > SEVERAL:
            return None
        inlets = {inlet.id: inlet for inlet in _hanging(reader, fresh.values()).values() if inlet.id not in found}
        found.update(inlets, (inlet.entity_id for inlet in inlets.values()))
        following = {part.id: part for part in _passed_on(reader, list(inlets.values()))}
        fresh = {id: part for id, part in following.items() if id not in found}
        found.update(fresh)
    return found


def sources(reader: Reader, fed: Iterable[Thing]) -> dict[int, set[int]]:
    """By the id of each of these Things, inlets and outlets, the ids of all that it has its power from: the other way
    round of `downstream`."""
    wanted = list(fed)
    own: dict[int, list[Thing]] = {}
    for inlet in reader.parts(*(thing.id for thing in wanted if not thing.is_part), driver=Inlet):
        own.setdefault(inlet.entity_id, []).append(inlet)
    begun = {thing.id: [thing] if thing.is_part else own.get(thing.id, []) for thing in wanted}
    feeders = _feeders(reader, [part for parts in begun.values() for part in parts])
    return {id: _all_above(parts, feeders) for id, parts in begun.items()}


def _feeders(reader: Reader, parts: Iterable[Thing]) -> dict[int, list[Thing]]:
    """What feeds each of these inlets and outlets directly, and each of what does so, by their ids."""
    found: dict[int, list[Thing]] = {}
    fresh = {part.id: part for part in parts}
    while fresh:
        found |= _feeding_directly(reader, fresh.values())
        fresh = {above.id: above for id in fresh for above in found[id] if above.id not in found}
    return found


def _feeding_directly(reader: Reader, parts: Iterable[Thing]) -> dict[int, list[Thing]]:
    found: dict[int, list[Thing]] = {part.id: [] for part in parts}
    for link in reader.links_of_parts(*(part.id for part in parts if part.is_a(Inlet))):
        if link.part is not None and link.far is not None and link.far.is_a(Outlet):
            found[link.part.id] = [link.far]
    outlets = [part for part in parts if part.is_a(Outlet)]
    feeding = inlets_of(reader, outlets)
    unsaid = {outlet.entity_id for outlet in outlets if feeding[outlet.id] is None}
    inlets = reader.parts(*unsaid, driver=Inlet)
    for outlet in outlets:
        said = feeding[outlet.id]
        found[outlet.id] = [each for each in inlets if each.entity_id == outlet.entity_id] if said is None else [said]
    return found


def _all_above(parts: Iterable[Thing], feeders: dict[int, list[Thing]]) -> set[int]:
    """The ids of all inlets and outlets above some, and of the equipment of the outlets."""
    found: set[int] = set()
    fresh = list(parts)
    while fresh:
        above = {each.id: each for part in fresh for each in feeders[part.id] if each.id not in found}
        found.update(above, (each.entity_id for each in above.values() if each.is_a(Outlet)))
        fresh = list(above.values())
    return found


def _passed_on(reader: Reader, inlets: Sequence[Thing]) -> list[Thing]:
    """The outlets that may have power from these inlets."""
    owners = {inlet.entity_id for inlet in inlets}
    own = reader.parts(*owners, driver=Outlet)
    feeding = inlets_of(reader, own)
    return [*fed_by(reader, inlets), *(part for part in own if feeding[part.id] is None)]


def upstream(reader: Reader, outlet: Thing) -> tuple[list[Thing], str | None]:
    """The path by which an outlet gets its power: its inlet, the outlet that feeds that, and so on, with the panels
    between; and where it ends because no inlet is recorded, what is assumed."""
    path: list[Thing] = []
    here, seen = outlet, {outlet.id}
    while here.is_a(Outlet):
        inlet = inlets_of(reader, [here])[here.id]
        if inlet is None:
            several = reader.parts(here.entity_id, driver=Inlet)
            return path, assumption([here], several) if several else None
        if inlet.id in seen:
            break
        way = reader.trace(inlet)
        path += way
        seen.update(part.id for part in way)
        here = way[-1]
    return path, None


def assumption(outlets: Sequence[Thing], inlets: Sequence[Thing]) -> str:
    """What is taken for true of outlets of one device whose inlet is not recorded."""
    names = ", ".join(outlet.part_name for outlet in outlets[:10]) + (", ..." if len(outlets) > 10 else "")
    several = " or ".join(inlet.part_name for inlet in inlets)
    what = "outlet" if len(outlets) == 1 else "outlets"
    return f"{outlets[0].owner_name}: the inlet of {what} {names} is not recorded: taken as fed while {several} is"


# --- legs and draws ---------------------------------------------------------------------------------------------------


class Draw(NamedTuple):
    """What an inlet draws, in watts: as it is planned, and at most; None where nothing of it is recorded."""

    planned: float | None
    maximum: float | None


class Load(NamedTuple):
    """The outlets of a device that hang on one inlet and leg: how many there are, how many are in use, what their loads
    draw in watts as far as is recorded, and of how many nothing is."""

    inlet: Thing | None
    leg: str
    outlets: int
    used: int
    planned: float
    maximum: float
    unknown: int


def gives_power(reader: Reader, thing: Thing) -> bool:
    """Whether a whole Thing has outlets."""
    return not thing.is_part and bool(reader.parts(thing.id, driver=Outlet))


def legs(reader: Reader, outlets: Iterable[Thing]) -> dict[int, str]:
    """The leg that each outlet is on (A, B or C), by its id, where it is recorded."""
    found = reader.values_under(LEG_KEY, [outlet.id for outlet in outlets])
    return {id: values[0].text for id, values in found.items()}


def draws(reader: Reader, inlets: Iterable[Thing], passed: frozenset[int] = frozenset()) -> dict[int, Draw]:
    """What each inlet draws, by its id: as recorded, else all that hangs on the outlets that it feeds."""
    wanted = {inlet.id: inlet for inlet in inlets}
    own = {key: reader.values_under(key, list(wanted)) for key in (*DRAWS, MAXIMUM)}
    found: dict[int, Draw] = {}
    for id, inlet in wanted.items():
        planned = next((watts for key in DRAWS if (watts := _watts(own[key].get(id))) is not None), None)
        maximum = _watts(own[MAXIMUM].get(id))
        if planned is None and maximum is None and id not in passed:
            hanging = _hanging(reader, fed_by(reader, [inlet]))
            each = draws(reader, hanging.values(), passed | wanted.keys()).values()
            planned = _sum(draw.planned for draw in each)
            maximum = _sum(draw.maximum for draw in each)
        found[id] = Draw(planned, maximum)
    return found


def drawn_from(reader: Reader, outlets: Iterable[Thing]) -> dict[int, float]:
    """What hangs on each outlet draws as planned, else at most, in watts, by the outlet's id; nothing where neither is
    recorded."""
    hanging = _hanging(reader, outlets)
    drawn = draws(reader, hanging.values())
    each = {id: drawn[inlet.id] for id, inlet in hanging.items()}
    known = {id: draw.planned if draw.planned is not None else draw.maximum for id, draw in each.items()}
    return {id: watts for id, watts in known.items() if watts is not None}


def loads(reader: Reader, device: Thing) -> list[Load]:
    """What hangs on each inlet and leg of a device that gives power."""
    outlets = reader.parts(device.id, driver=Outlet)
    feeding, on_leg, hanging = inlets_of(reader, outlets), legs(reader, outlets), _hanging(reader, outlets)
    drawn = draws(reader, hanging.values())
    groups: dict[tuple[int, str], list[Thing]] = {}
    for outlet in outlets:
        inlet = feeding[outlet.id]
        groups.setdefault((inlet.id if inlet else 0, on_leg.get(outlet.id, "")), []).append(outlet)
    found = []
    for (_, leg), own in groups.items():
        used = [drawn[hanging[outlet.id].id] for outlet in own if outlet.id in hanging]
        planned = sum(draw.planned or 0 for draw in used)
        maximum = sum(draw.maximum or 0 for draw in used)
        unknown = sum(draw == (None, None) for draw in used)
        found.append(Load(feeding[own[0].id], leg, len(own), len(used), planned, maximum, unknown))
    return sorted(found, key=lambda load: (load.inlet.name if load.inlet else "~", load.leg))


def _hanging(reader: Reader, outlets: Iterable[Thing]) -> dict[int, Thing]:
    """The inlet at the far end of each outlet's cable, by the outlet's id."""
    links = reader.links_of_parts(*(outlet.id for outlet in outlets))
    return {link.part.id: link.far for link in links if link.part and link.far is not None and link.far.is_a(Inlet)}


def _watts(values: list[Value] | None) -> float | None:
    numbers = (value.python() for value in values or () if value.type in ("integer", "float"))
    return next((float(number) for number in numbers), None)


def _sum(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
