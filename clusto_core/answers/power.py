"""What feeds what: the supplies of Things, and what goes dark with an outlet.

Power runs from an Outlet (of a PDU or a UPS) over a cable, patch panels or none, to an Inlet. Equipment that stands
in other equipment and has no power cable of its own (a blade, a virtual server) lives on what that one is fed from. An
outlet lives on its own inlet: see `feeding`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_core.answers.feeding import assumption, fed_by, inlets_of
from clusto_core.drivers import Equipment
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.errors import Malformed
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader

POWER = "power"
OUTLET_KEY = Key("power", None, "outlet")
"""What the device calls an outlet, where that is not what the inventory calls it."""

_NUMBERED = re.compile(r"(?:outlet|port|plug|socket|receptacle)?[ _-]*(\d+)", re.IGNORECASE)


class Feed(NamedTuple):
    """One inlet of a Thing and the outlet at the other end of its cable; None when no cable, or no end of it, is
    recorded.
    """

    inlet: Thing | None
    outlet: Thing | None


@dataclass(slots=True)
class Supply:
    """A target of a power command and the feeds that it means: all of a Thing's, one inlet's, or one outlet."""

    target: Thing
    feeds: list[Feed] = field(default_factory=list)
    gives: bool = False
    """Whether it has outlets of its own."""

    @property
    def outlets(self) -> list[Thing]:
        """The recorded outlets, each once."""
        return list(dict.fromkeys(feed.outlet for feed in self.feeds if feed.outlet is not None))

    @property
    def unrecorded(self) -> list[Thing]:
        """The inlets whose feed is not recorded."""
        return [feed.inlet for feed in self.feeds if feed.outlet is None and feed.inlet is not None]


class Effect(NamedTuple):
    """What becomes of a Thing: it goes dark, or it loses `lost` and lives on `left` (the outlets, in order)."""

    thing: Thing
    dark: bool
    lost: tuple[Thing, ...]
    left: tuple[Thing, ...]


def supplies(reader: Reader, targets: Iterable[Thing]) -> list[Supply]:
    """What feeds each target: a Thing, an inlet, or an outlet. Raises Malformed for a part that has no power."""
    wanted = list(targets)
    whole = [target.id for target in wanted if not target.is_part]
    feeds: dict[int, list[Feed]] = {}
    gives: set[int] = set()
    for part, far in reader.power_parts(*whole):
        if part.is_a(Inlet):
            feeds.setdefault(part.entity_id, []).append(_feed(part, far))
        else:
            gives.add(part.entity_id)
    alone = [target.id for target in wanted if target.is_part]
    ends = {link.part.id: link.far for link in reader.links_of_parts(*alone) if link.part is not None}
    found = []
    for target in wanted:
        if target.is_a(Outlet):
            found.append(Supply(target, [Feed(None, target)]))
        elif target.is_a(Inlet):
            found.append(Supply(target, [_feed(target, ends.get(target.id))]))
        elif target.is_part:
            raise Malformed(f"{target.name} takes and gives no power: name a Thing, an inlet or an outlet")
        else:
            found.append(Supply(target, feeds.get(target.id, []), target.id in gives))
    return found


def outlet_names(reader: Reader, outlets: Iterable[Thing]) -> dict[int, str]:
    """What the device calls each outlet, by id: `power.outlet`, else the number or the name of the part."""
    parts = list(outlets)
    given: dict[int, str] = {}
    if next(reader.having(OUTLET_KEY), None) is not None:
        for attribute in reader.attributes(*(part.id for part in parts)):
            if attribute.key == OUTLET_KEY:
                given[attribute.thing_id] = attribute.value.text
    return {part.id: given.get(part.id) or _plain(part.part_name) for part in parts}


def fed_from(reader: Reader, device: Thing) -> dict[int, list[Thing]]:
    """What hangs on each outlet of a device, by the outlet's id: the inlets at the far ends."""
    found: dict[int, list[Thing]] = {}
    for link in reader.links(device.id, kind=POWER):
        if link.part is not None and link.part.is_a(Outlet) and link.far is not None and link.far.is_a(Inlet):
            found.setdefault(link.part.id, []).append(link.far)
    return found


def others(reader: Reader, found: Sequence[Supply]) -> list[Effect]:
    """What else goes dark or loses a feed when all of these are switched off."""
    whole = [supply.target for supply in found if not supply.target.is_part]
    ours = {supply.target.entity_id for supply in found if not supply.target.is_a(Outlet)}
    outlets = list(dict.fromkeys(outlet for supply in found for outlet in supply.outlets))
    alone = all(
        (
            len(whole) == len(found),
            not any(supply.gives for supply in found),
            not reader.contents([thing.id for thing in whole], parts=False),
            next(reader.having(OUTLET_KEY), None) is None,
        )
    )
    if alone:
        # Each outlet is in one cable, and nothing hangs on or stands in what hangs on them.
        return []
    named = {supply.target for supply in found}
    effects = impact(reader, outlets, whole, found).effects
    return [effect for effect in effects if effect.thing.id not in ours and not named.intersection(effect.lost)]


class Impact(NamedTuple):
    """What becomes of Things when power goes, in the order of names; and what is assumed of outlets whose inlet is not
    recorded, a sentence a device.
    """

    effects: list[Effect]
    assumed: list[str]


def impact(
    reader: Reader,
    outlets: Iterable[Thing],
    off: Iterable[Thing] = (),
    known: Iterable[Supply] = (),
    inlets: Iterable[Thing] = (),
) -> Impact:
    """What happens when these outlets, Things and inlets are switched off.

    That is all that goes dark with them, through PDUs that are fed by PDUs, inlet by inlet, and through what stands in
    what, and all that loses a feed. Outlets that the device knows by one name are one: all of them go. What is `known`
    is not read again.
    """
    return _Outage(reader, known).spread(outlets, off, inlets)


class _Outage:
    """An outage that spreads, step by step."""

    def __init__(self, reader: Reader, known: Iterable[Supply]) -> None:
        self.reader = reader
        self.feeds = {supply.target.id: _recorded(supply) for supply in known if not supply.target.is_part}
        self.dark: dict[int, Thing] = {}
        self.lost: dict[int, Thing] = {}
        self.outlets: set[Thing] = set()
        self.inlets: set[Thing] = set()

    def spread(self, outlets: Iterable[Thing], off: Iterable[Thing], inlets: Iterable[Thing]) -> Impact:
        self.dark = {thing.id: thing for thing in off}
        self.outlets = set(_with_aliases(self.reader, outlets))
        self.inlets = set(inlets)
        fresh_outlets, fresh_dark, fresh_inlets = set(self.outlets), dict(self.dark), set(self.inlets)
        while fresh_outlets or fresh_dark or fresh_inlets:
            gone = set(self.reader.parts(*fresh_dark, driver=Outlet)) | set(fed_by(self.reader, fresh_inlets))
            fresh_outlets |= gone - self.outlets
            self.outlets |= gone
            inner = [each for held in self._contents(fresh_dark).values() for each in held]
            ends = _ends(self.reader, fresh_outlets)
            fresh_inlets = set(ends) - self.inlets
            self.inlets |= fresh_inlets
            fresh_dark = self._darken(self.reader.by_ids({end.entity_id for end in ends}), inner)
            fresh_outlets = set()
        return Impact(self._effects(), self._assumed())

    def _contents(self, things: Iterable[int]) -> dict[int, list[Thing]]:
        return self.reader.contents(list(things), parts=False)

    def _darken(self, touched: dict[int, Thing], inner: list[Thing]) -> dict[int, Thing]:
        """What of those that lost a feed, or stand in what went dark, goes dark itself."""
        found: dict[int, Thing] = {}
        concerned = {**touched, **{thing.id: thing for thing in inner}}
        self._read_feeds(concerned.values())
        for thing in concerned.values():
            if thing.id in self.dark or not thing.is_a(Equipment):
                continue
            own = self.feeds.get(thing.id, [])
            inside = thing in inner and not own
            if inside or (own and all(feed.outlet in self.outlets for feed in own)):
                self.dark[thing.id] = found[thing.id] = thing
                self.lost.pop(thing.id, None)
            elif own:
                self.lost[thing.id] = thing
        return found

    def _read_feeds(self, things: Iterable[Thing]) -> None:
        new = [thing for thing in things if thing.id not in self.feeds and not thing.is_part]
        for supply in supplies(self.reader, new):
            self.feeds[supply.target.id] = _recorded(supply)

    def _effects(self) -> list[Effect]:
        effects = []
        for thing in in_order({**self.lost, **self.dark}.values()):
            own = [feed.outlet for feed in self.feeds.get(thing.id, []) if feed.outlet is not None]
            gone = tuple(outlet for outlet in own if outlet in self.outlets)
            left = tuple(outlet for outlet in own if outlet not in self.outlets)
            effects.append(Effect(thing, thing.id in self.dark, gone, left))
        return effects

    def _assumed(self) -> list[str]:
        """Of devices that lost some inlet and go on: what is taken for true of outlets on an inlet nobody recorded."""
        owners = {inlet.entity_id for inlet in self.inlets} - self.dark.keys()
        unknown: dict[int, list[Thing]] = {}
        outlets = self.reader.parts(*owners, driver=Outlet)
        feeding = inlets_of(self.reader, outlets)
        for outlet in outlets:
            if feeding[outlet.id] is None:
                unknown.setdefault(outlet.entity_id, []).append(outlet)
        return [assumption(own, self.reader.parts(owner, driver=Inlet)) for owner, own in unknown.items()]


def _recorded(supply: Supply) -> list[Feed]:
    return [feed for feed in supply.feeds if feed.outlet is not None]


def _feed(inlet: Thing, far: Thing | None) -> Feed:
    return Feed(inlet, far if far is not None and far.is_a(Outlet) else None)


def _ends(reader: Reader, outlets: Iterable[Thing]) -> list[Thing]:
    """The inlets that hang on these outlets."""
    links = reader.links_of_parts(*(outlet.id for outlet in outlets))
    return [link.far for link in links if link.far is not None and link.far.is_a(Inlet)]


def _with_aliases(reader: Reader, outlets: Iterable[Thing]) -> list[Thing]:
    """The outlets and all others that the device has under the same names."""
    wanted = list(outlets)
    named = outlet_names(reader, wanted)
    owners = {outlet.owner_id for outlet in wanted if outlet.owner_id is not None}
    others = reader.parts(*owners, driver=Outlet)
    names = outlet_names(reader, others)
    dead = {(outlet.owner_id, named[outlet.id]) for outlet in wanted}
    return [part for part in others if (part.owner_id, names[part.id]) in dead]


def _plain(part_name: str) -> str:
    match = _NUMBERED.fullmatch(part_name)
    return match[1] if match else part_name
