"""A Thing with all that an operator thinks of: what it has, where it is, what it is wired to, and how it is changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from clusto_core.errors import Malformed, NotFound, Refused, did_you_mean
from clusto_core.library import asking
from clusto_core.library.attributes import Attributes, InForce, NoSuchKey
from clusto_core.library.batch import LARGEST, Batch
from clusto_core.library.source import Source
from clusto_core.model.addresses import SHARED
from clusto_core.model.things import Link, Thing, in_order
from clusto_core.spelling import suggest

if TYPE_CHECKING:
    from clusto_core.answers.location import Location
    from clusto_core.inventory import Transaction
    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node
    from clusto_core.records.history import Entry
    from clusto_core.rules.cabling import Joined


class Handle:
    """One Thing or part, as an inventory, a snapshot or a change gave it. Equal to every handle of the same Thing.

    What writes raises Refused unless the handle is of a change that is open. Where a Thing is to be given, it may be
    given as a handle, or by what an operator calls it: its name, an address, a MAC, a serial number.
    """

    __slots__ = ("batch", "thing")

    def __init__(self, thing: Thing, batch: Batch) -> None:
        self.thing = thing
        self.batch = batch

    @property
    def source(self) -> Source:
        """The inventory, snapshot or change that it is of."""
        return self.batch.source

    def at(self, thing: Thing) -> Handle:
        """The handle of something that was come upon from here."""
        return Handle(*self.batch.related(thing))

    def _all(self, things: Iterable[Thing]) -> list[Handle]:
        return [self.at(thing) for thing in things]

    @property
    def name(self) -> str:
        """Its name; a part's is `server1:eth0`."""
        return self.thing.name

    @property
    def driver(self) -> str:
        """The name of its driver."""
        return self.thing.driver

    def is_a(self, driver: str) -> bool:
        """Whether its driver is that one, or below it. Raises Malformed for an unknown driver."""
        from clusto_core.drivers import registry

        return self.thing.is_a(registry.get(driver))

    @property
    def is_part(self) -> bool:
        """Whether it belongs to an equipment."""
        return self.thing.is_part

    @property
    def part_name(self) -> str:
        """A part's own name: `eth0` of `server1:eth0`."""
        return self.thing.part_name

    @property
    def owner(self) -> Handle:
        """The equipment that a part belongs to; a whole Thing itself."""
        if self.thing.owner_id is None:
            return self
        with self.source.reading() as reader:
            return self.at(reader.by_ids([self.thing.owner_id])[self.thing.owner_id])

    # --- attributes --------------------------------------------------------------------------------------------------

    @property
    def attrs(self) -> Attributes[Handle]:
        """Its own attributes."""
        return Attributes(self)

    @property
    def inherited(self) -> InForce[Handle]:
        """The attributes in force: its own, and those of what it is in."""
        return InForce(self)

    @property
    def addresses(self) -> list[str]:
        """The IP addresses that it and its parts hold, in whatever address space, shared ones too."""
        with self.source.reading():
            if not self.is_part:
                return [each.address for each in self.batch.around(self.thing).held(self.thing)]
        keys = ("_ip", *(f"_ip.{shared}" for shared in SHARED))
        return [str(text) for key in keys for text in self.attrs.all(key)]

    # --- parts and cables --------------------------------------------------------------------------------------------

    @property
    def parts(self) -> Parts:
        """Its parts, by their own names (`eth0`), in natural order."""
        return Parts(self)

    @property
    def cable(self) -> Link | None:
        """The cable in a part, with its kind and both ends, as it is recorded."""
        return self.batch.link(self.thing)

    @property
    def other(self) -> Handle | None:
        """What a part's cable goes to: the next part, a patch panel's too, or the equipment in a rack unit."""
        link = self.batch.link(self.thing)
        return None if link is None else self.at(link.other)

    @property
    def far(self) -> Handle | None:
        """Where a part's path ends behind patch panels; None where it has no cable, or ends at a panel."""
        link = self.batch.link(self.thing)
        return None if link is None or link.far is None else self.at(link.far)

    @property
    def path(self) -> list[Handle]:
        """The whole path that a part is on, end to end, patch panels included."""
        with self.source.reading() as reader:
            return self._all(reader.trace(self.thing))

    def connected(self, driver: str | None = None, via: str | None = None) -> list[Handle]:
        """What it is connected to, as `connected to` of expressions tells it: one step along a cable, through patch
        panels, or directly in the other; of one driver, by one kind of cable (network, power, console, position)."""
        from clusto_core.query import tree
        from clusto_core.query.patterns import Literal

        asked = asking.question(tree.Connected(tree.Name(Literal(self.name)), via), None, driver)
        return handles(self.source, asking.find(self.source, asked))

    @property
    def feeds(self) -> list[Feed]:
        """Its inlets, each with the outlet that feeds it. Raises Malformed for a part that has no power."""
        from clusto_core.answers.power import supplies

        with self.source.reading() as reader:
            found = supplies(reader, [self.thing])[0].feeds
        return [Feed(*(None if end is None else self.at(end) for end in feed)) for feed in found]

    @property
    def console(self) -> Console | None:
        """The way to its console; None where there is none. Raises Malformed for a machine with several."""
        from clusto_core.answers.consoles import console_of

        with self.source.reading() as reader:
            try:
                way = console_of(reader, self.thing)
            except Refused:
                return None
        server, port = (None if end is None else self.at(end) for end in (way.device, way.port))
        return Console(way.kind, way.words, way.host, way.profile, server, port)

    @property
    def switch_ports(self) -> dict[str, Handle]:
        """The switch port that each network interface is on, by the interface's own name (`eth0`)."""
        from clusto_core.answers.network import nics_of, wired

        found = {}
        with self.source.reading() as reader:
            for nic in nics_of(reader, self.thing):
                with contextlib.suppress(NotFound, Refused):
                    found[nic.part_name] = wired(reader, nic).port
        return {name: self.at(port) for name, port in found.items()}

    # --- where it is -------------------------------------------------------------------------------------------------

    @property
    def parents(self) -> list[Handle]:
        """What it is directly in: categories, then places."""
        with self.source.reading():
            found = self.batch.around(self.thing).parents(self.thing)
        return self._all(found)

    @property
    def above(self) -> list[Handle]:
        """Everything that it is in, nearest first."""
        with self.source.reading():
            found = self.batch.around(self.thing).ancestors(self.thing)
        return self._all(found)

    def within(self, driver: str) -> Handle | None:
        """The nearest of a driver that it is in. Raises Malformed for an unknown driver."""
        return next((each for each in self.above if each.is_a(driver)), None)

    @property
    def rack(self) -> Handle | None:
        """The rack that it is in."""
        return self.within("Rack")

    @property
    def room(self) -> Handle | None:
        """The room that it is in."""
        return self.within("Room")

    @property
    def datacenter(self) -> Handle | None:
        """The datacenter that it is in."""
        return self.within("Datacenter")

    @property
    def position(self) -> str | None:
        """The rack units that it takes: `RU13`, `RU13-14`."""
        with self.source.reading() as reader:
            return next(iter(reader.rack_units([self.thing.id]).values()), None)

    @property
    def locations(self) -> list[Location]:
        """Where it is, as `clusto locate` tells it."""
        from clusto_core.answers.location import locate

        with self.source.reading() as reader:
            return locate(reader, self.thing)

    @property
    def contents(self) -> list[Handle]:
        """What is directly in it, in natural order, without its own parts."""
        with self.source.reading() as reader:
            found = reader.contents([self.thing.id], parts=False).get(self.thing.id, [])
        return handles(self.source, in_order(found))

    def find(
        self,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        allow_unknown: bool = False,
    ) -> list[Handle]:
        """What is in it, any number of steps down, and satisfies an expression: see `View.find`."""
        asked = asking.question(wanted, how, driver, self.thing)
        return handles(self.source, asking.find(self.source, asked, allow_unknown=allow_unknown))

    def matches(self, wanted: str | Node | Pairs, how: Match | None = None, *, allow_unknown: bool = False) -> bool:
        """Whether it is among what `View.find` gives. Raises as that does."""
        from clusto_core.query.search import matches

        with self.source.reading() as reader:
            return matches(reader, self.thing, wanted, how, allow_unknown=allow_unknown)

    # --- what is said of it ------------------------------------------------------------------------------------------

    @property
    def protection(self) -> str | None:
        """Why it must not be disrupted: `server1 is protected`; None when it is not."""
        from clusto_core.rules.protection import protection

        with self.source.reading() as reader:
            return protection(reader, self.thing)

    def history(self, limit: int | None = None) -> list[Entry]:
        """The transactions that changed it, newest first."""
        from clusto_core.records.history import entries

        with self.source.reading() as reader:
            return entries(reader, [self.thing.entity_id], limit)

    # --- changing it -------------------------------------------------------------------------------------------------

    def writing(self) -> Transaction:
        """The transaction in which it is changed. Raises Refused when it is of no change, or of one that is over;
        NotFound when it was taken out."""
        return self.source.writing(self.thing)

    def meant(self, named: str | Handle) -> Thing:
        """The record of what is named, as it is where this handle is from. Raises NotFound, Malformed."""
        return record(self.source, named)

    def value(self, value: Any) -> Any:
        """A value as a transaction takes it: a handle is a relation to its Thing."""
        return self.meant(value) if isinstance(value, Handle) else value

    def connect(self, other: str | Handle, kind: str | None = None, *, breakout: bool = False) -> list[Joint]:
        """Joins it to a Thing or a part, or equipment to rack units (`rack101:RU13-14`); a Thing stands for its first
        free part that fits. With `breakout`, a port to all that a range means (`server[1-4]:eth0`), by a cable with as
        many legs. Raises Refused when they do not fit, are in use, occupied or without a socket, Malformed when several
        kinds of cable fit and `kind` does not choose."""
        end = other if isinstance(other, str) else self.meant(other)
        return self._joints(self.writing().connect(self.thing, end, kind, breakout=breakout))

    def disconnect(self, other: str | Handle | None = None) -> list[Joint]:
        """Takes out its cables, all or those to `other`. Raises Refused when there is none."""
        across = None if other is None else self.meant(other)
        return self._joints(self.writing().disconnect(self.thing, across))

    def _joints(self, joined: Iterable[Joined]) -> list[Joint]:
        return [Joint(self.at(each.one), self.at(each.other)) for each in joined]

    def put(self, into: str | Handle) -> bool:
        """Puts it into a place or grouping; False when it was in it. Raises Refused for a second place and for cycles;
        when the change ends, for a Role whose Classes it lacks."""
        return self.writing().put(self.thing, self.meant(into))

    def take(self, out_of: str | Handle) -> None:
        """Takes it out of a place or grouping. Raises Refused when it was not put in it, or is mounted in it."""
        self.writing().take(self.thing, self.meant(out_of))

    def move(self, to: str | Handle, *, recable: bool = False, force: bool = False) -> list[Joint]:
        """Takes it out of its rack units and of the place it is in, and puts it into another: into a place, or into
        rack units (`rack101:RU13-14`). Its groupings stay, and its other cables; gives those that still lead to the
        rack it was in, which with `recable` lead to the equipment of the new one instead. Raises Refused, without
        `force` also when it is protected."""
        goal = to if isinstance(to, str) else self.meant(to)
        return self._joints(self.writing().move(self.thing, goal, recable=recable, force=force).leading_back)

    def replace(self, new: str | Handle, *, partial: bool = False, force: bool = False) -> list[Joint]:
        """Gives each of its cables to the same port of `new`, then each the other's name: the handle of the new one has
        the name afterwards. Gives the cables as they are then. Raises Refused when a port has no free counterpart,
        unless its cable is to stay (`partial`), and without `force` for what is protected."""
        done = self.writing().replace(self.thing, self.meant(new), partial=partial, force=force)
        return self._joints(done.joined)

    def rename(self, name: str) -> None:
        """Gives it, and with it its parts, another name. Raises Malformed, Refused."""
        self.writing().rename(self.thing, name)

    def remove(self, *, force: bool = False) -> None:
        """Takes it out of the inventory, with its parts, attributes and cables; or a part without a cable. Raises
        Refused while something is in it or names it, and without `force` when it is protected."""
        self.writing().remove(self.thing, force=force)

    def allocate_ip(self, network: str | Handle, shared: str | None = None, *, cooldown: int | None = None) -> str:
        """Gives it the lowest free address of a Network, in its address space, and none that came back in the last
        `cooldown` seconds (by default what the Network says); `shared` says as what others may hold it too ("vrrp").
        Raises Refused when none is left, Malformed."""
        from clusto_core.resources import ipam

        return ipam.allocate(self.writing(), self.meant(network), self.thing, shared, cooldown=cooldown)

    def give_ip(self, address: str, shared: str | None = None) -> bool:
        """Gives it that address (`10.2.0.7`, or `10.2.0.7@VRF`), which others may hold too with `shared` ("vrrp");
        False when it held it. Raises Malformed, Refused when it is taken or is outside every Network."""
        from clusto_core.resources import ipam

        return ipam.give(self.writing(), address, self.thing, shared)

    def free_ips(self) -> list[str]:
        """Takes back the addresses that it and its parts hold; gives them. Raises NotFound for none."""
        from clusto_core.resources import ipam

        return [held.address for held in ipam.release(self.writing(), self.name)]

    def run(self, service: str | Handle, vip: str | Handle | None = None) -> bool:
        """Records that it runs a Service, behind a VIP; False when all that was so. Raises Malformed, Refused as
        `services.add` does."""
        from clusto_core.rules import services

        unit = self.writing().unit
        behind = None if vip is None else services.vip_named(unit, str(vip))
        return services.add(unit, self.meant(service), self.thing, behind)

    def stop(self, service: str | Handle) -> None:
        """Records that it runs a Service no more. Raises Refused when it did not."""
        from clusto_core.rules import services

        services.remove(self.writing().unit, self.meant(service), self.thing)

    # --- ------------------------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and other.thing.id == self.thing.id and other.source.url == self.source.url

    def __hash__(self) -> int:
        return hash(self.thing.id)

    def __str__(self) -> str:
        return self.thing.name

    def __repr__(self) -> str:
        return f"<{self.thing.driver} {self.thing.name}>"


class Parts(Mapping[str, Handle]):
    """The parts of an equipment, by their own names."""

    __slots__ = ("_owner",)

    def __init__(self, owner: Handle) -> None:
        self._owner = owner

    def _all(self) -> dict[str, Handle]:
        return {part.part_name: self._owner.at(part) for part in self._owner.batch.parts(self._owner.thing)}

    def __getitem__(self, name: str) -> Handle:
        """The part of that name, or that the device itself calls so. Raises NoSuchKey, Malformed for several."""
        every = self._all()
        if name in every:
            return every[name]
        labelled = [part for part in every.values() if name in part.attrs.all("label")]
        if len(labelled) == 1:
            return labelled[0]
        if labelled:
            raise Malformed(f"several parts of {self._owner.name} have the label {name}")
        guess = suggest(name, list(every))
        known = did_you_mean(guess and f"{self._owner.name}:{guess}")
        raise NoSuchKey(f"no such part: {self._owner.name}:{name}{known}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def of(self, driver: str) -> list[Handle]:
        """Those of a driver: `parts.of("NIC")`. Raises Malformed for an unknown one."""
        return [part for part in self._all().values() if part.is_a(driver)]

    def __repr__(self) -> str:
        return f"<parts of {self._owner.name}: {', '.join(self._all())}>"


class Feed(NamedTuple):
    """An inlet of a Thing and the outlet at the other end of its cable, through patch panels; None where no cable, or
    no end of it, is recorded."""

    inlet: Handle | None
    outlet: Handle | None


class Console(NamedTuple):
    """The way to a console.

    kind: by a `cable`, `direct`, by the machine's `controller` or its `hypervisor`. host: what is spoken to. profile:
    how, None where the settings name none. server, port: the console server (or hypervisor) and its port.
    """

    kind: str
    words: str
    host: str
    profile: str | None
    server: Handle | None
    port: Handle | None


class Joint(NamedTuple):
    """A connection that was made or taken out: two parts, or equipment and a rack unit."""

    one: Handle
    other: Handle


def handles(source: Source, things: Iterable[Thing]) -> list[Handle]:
    """Handles of Things that came together."""
    current = source.current(things)
    found: list[Handle] = []
    for start in range(0, len(current), LARGEST):
        batch = Batch(source, current[start : start + LARGEST])
        found += [Handle(thing, batch) for thing in batch.things]
    return found


def record(source: Source, named: str | Handle) -> Thing:
    """The Thing that is named, as the source knows it. Raises NotFound; Malformed, also for a handle of another
    inventory."""
    if isinstance(named, str):
        return source.resolve(named)
    if named.source is source:
        return named.thing
    if named.source.url != source.url:
        raise Malformed(f"{named.name} is of another inventory")
    return source.resolve(named.thing)
