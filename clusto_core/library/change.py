"""A change: all that a view answers, as things are in it, and what can be done; committed at the end, whole or not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.library.attributes import several
from clusto_core.library.handle import Handle
from clusto_core.library.view import Named, View, choice, warn_of
from clusto_core.model.things import Thing
from clusto_core.rules import cabling, containment

if TYPE_CHECKING:
    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node
    from clusto_core.rules.cabling import Joined
    from clusto_core.store.reader import Reader


class Joint(NamedTuple):
    """A connection that was made or taken out: two parts, or equipment and a rack unit."""

    one: Handle
    other: Handle


class Change(View):
    """A change to an inventory: what is done in it is done together, or not at all.

    Things are given by name or as handles, of this change or of any view of the same inventory. Every refusal is an
    error of `clusto_core.errors`; one that leaves the `with` block takes everything back.
    """

    def __init__(self, transaction: Transaction, url: str) -> None:
        self._transaction = transaction
        self.url = url
        self.over = False

    @property
    def id(self) -> int | None:
        """The number of the transaction in the history, when it is committed; None when nothing changed."""
        return self._transaction.id

    @property
    def transaction(self) -> Transaction:
        """What is changed. Raises Refused when the change is over."""
        if self.over:
            raise Refused("the change is over: ask the inventory")
        return self._transaction

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """The store as things are in this change."""
        yield self.transaction.unit.reader

    def _resolved(self, name: str) -> Thing:
        return self.transaction.resolve(name)

    def _current(self, things: Iterable[Thing]) -> Sequence[Thing]:
        return self.transaction.unit.known(things)

    def writing(self, handle: Handle) -> Change:
        """The change itself. Raises Refused when it is over, NotFound for what was taken out in it."""
        if self.transaction.unit.get(handle.name) is not handle.thing:
            raise NotFound(f"no such thing: {handle.name} was taken out in this change")
        return self

    def __getitem__(self, name: Named) -> Handle:
        """See `View.__getitem__`; a handle of any view of the inventory gives the one to write by."""
        return self.handle(self.thing(name))

    def thing(self, named: Named) -> Thing:
        """The record of what is meant. Raises NotFound, Malformed."""
        if isinstance(named, str):
            return self._resolved(named)
        if named.view is self:
            return self.writing(named).transaction.unit.by_id(named.thing.id)
        if named.view.url != self.url:
            raise Malformed(f"{named.name} is of another inventory")
        found = self.transaction.unit.find(named.thing.id)
        if found is None:
            raise NotFound(f"no such thing: {named.name} is there no more")
        return found

    def value(self, value: object) -> object:
        """A value as a transaction takes it: a handle is a relation to its Thing."""
        return self.thing(value) if isinstance(value, Handle) else value

    # --- Things ------------------------------------------------------------------------------------------------------

    def add(
        self,
        driver: str,
        name: str,
        *,
        attrs: Mapping[str, object] | None = None,
        inside: Named | Iterable[Named] = (),
        at: str | None = None,
        parts: Mapping[str, int | Sequence[str]] | None = None,
        device_type: str | None = None,
    ) -> Handle:
        """A new Thing, with the parts and attributes of its driver or device type; or a new part, named `owner:part`.

        `inside`: what it is put in. `at`: rack units (`rack101:RU13-14`). `parts`: by kind, how many or how they are
        called (`{"nic": 4}`). Raises Malformed, Refused, NotFound as `Transaction.add` does.
        """
        given = [(key, self.value(each)) for key, value in (attrs or {}).items() for each in several(value)]
        places = [inside] if isinstance(inside, (str, Handle)) else inside
        thing = self.transaction.add(
            driver,
            name,
            parents=[self.thing(place) for place in places],
            attributes=given,
            part_counts=parts,
            device_type=device_type,
        )
        if at is not None:
            self.transaction.connect(thing, at)
        return self.handle(thing)

    def remove(self, named: Named) -> None:
        """Takes a Thing out, with its parts, attributes and cables; or a part without a cable. Raises Refused while
        something is in it or names it."""
        self.transaction.remove(self.thing(named))

    def rename(self, named: Named, name: str) -> None:
        """Gives a Thing, and with it its parts, or a part, another name. Raises Malformed, Refused."""
        self.transaction.rename(self.thing(named), name)

    # --- places and cables -------------------------------------------------------------------------------------------

    def put(self, named: Named, into: Named) -> bool:
        """Puts a Thing into a place or grouping; False when it was in it. Raises Refused for a second place, cycles,
        and a Role whose Classes it lacks."""
        return self.transaction.put(self.thing(named), self.thing(into))

    def take(self, named: Named, out_of: Named) -> bool:
        """Takes a Thing out of a place or grouping; False when it was not put in it. Raises Refused when it is there
        because it is mounted in it."""
        return self.transaction.take(self.thing(named), self.thing(out_of))

    def move(self, named: Named, to: Named) -> None:
        """Takes a Thing out of its rack units and of the place it is in, and puts it into another: into rack units
        (`rack101:RU13-14`), or into a place. Its other cables and its groupings stay. Raises Refused."""
        unit, thing = self.transaction.unit, self.thing(named)
        span = cabling.parse_span(str(to))
        goal = None if span is not None else self.thing(to)
        for cable in cabling.positions(unit, thing):
            unit.delete_cable(cable)
        while (place := containment.standing(unit, thing)) is not None:
            self.transaction.take(thing, place)
        if goal is None or goal.is_part:
            self.transaction.connect(thing, str(to) if goal is None else goal)
        else:
            self.transaction.put(thing, goal)

    def connect(self, one: Named, other: Named, kind: str | None = None) -> list[Joint]:
        """Joins two Things or parts, or equipment and rack units (`rack101:RU13-14`); a Thing stands for its first
        free part that fits. Raises Refused when they do not fit or are in use, Malformed when several kinds of cable
        fit and `kind` does not choose."""
        return self._joints(self.transaction.connect(self._end(one), self._end(other), kind))

    def disconnect(self, one: Named, other: Named | None = None) -> list[Joint]:
        """Takes out the cables of a Thing or part, all or those to `other`. Raises Refused when there is none."""
        across = self.thing(other) if other is not None else None
        return self._joints(self.transaction.disconnect(self.thing(one), across))

    def _end(self, named: Named) -> str | Thing:
        """What is connected: rack units stay as they are spelled."""
        return named if isinstance(named, str) and cabling.parse_span(named) else self.thing(named)

    def _joints(self, joined: Iterable[Joined]) -> list[Joint]:
        return [Joint(self.handle(each.one), self.handle(each.other)) for each in joined]

    # --- what is given out -------------------------------------------------------------------------------------------

    def allocate(
        self,
        number: int,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: Named | None = None,
        spread: str | Sequence[str] = (),
        pack: str | None = None,
        prefer: str | Node | None = None,
        seed: int | None = None,
        set: Mapping[str, object] | None = None,
        put: Named | None = None,
    ) -> list[Handle]:
        """Picks so many Things, or none at all, as `pick` does, sets attributes of them and puts them somewhere.

        What is picked in a change is not picked in it again; that others do not pick it is what `set` and `put` are
        for. Raises as `pick` does, and as setting and putting does.
        """
        from clusto_core.resources.allocation import allocate

        question = self._question(wanted, how, driver, inside)
        place = self.thing(put) if put is not None else None
        found = allocate(self.transaction, choice(number, question, spread, pack, prefer, seed), put=place)
        warn_of(found.notes)
        handles = self.handles(found.things)
        for handle in handles:
            handle.attrs.update(set or {})
        return handles

    def allocate_ip(self, network: Named, holder: Named) -> str:
        """Gives a Thing or part the lowest free address of a Network. Raises Refused when none is left, Malformed."""
        from clusto_core.resources import ipam

        return ipam.allocate(self.transaction, self.thing(network), self.thing(holder))

    def give_ip(self, address: str, holder: Named) -> bool:
        """Gives a Thing or part that address; False when it held it. Raises Malformed, Refused when it is taken or is
        outside every Network."""
        from clusto_core.resources import ipam

        return ipam.give(self.transaction, address, self.thing(holder))

    def free_ips(self, named: Named) -> list[str]:
        """Takes an address back, or all that a Thing and its parts hold; gives them. Raises NotFound for none."""
        from clusto_core.resources import ipam

        return [held.address for held in ipam.release(self.transaction, str(named))]

    def allocate_vlan(self, name: str, ids: str | None = None, inside: Named | None = None) -> Handle:
        """A new VLAN of that name with the lowest free id, of a range as `200-299`, free in a place. Raises Refused
        when none is free, Malformed."""
        from clusto_core.resources import vlans

        place = self.thing(inside) if inside is not None else None
        return self.handle(vlans.allocate(self.transaction, name, *vlans.parse_range(ids), place)[0])

    def allocate_names(self, range_: Named, number: int = 1) -> list[str]:
        """Gives out the next free names of a NameRange. Raises Refused when there are not enough, Malformed."""
        from clusto_core.resources import naming

        return naming.allocate(self.transaction, self.thing(range_), number)

    def free_name(self, name: str) -> None:
        """Takes a name back that was given out. Raises NotFound."""
        from clusto_core.resources import naming

        naming.release(self.transaction, name)

    # --- services ----------------------------------------------------------------------------------------------------

    def add_service(self, service: Named, machine: Named, vip: Named | None = None) -> bool:
        """Records that a machine runs a Service, behind a VIP; False when all that was so. Raises Malformed, Refused as
        `services.add` does."""
        from clusto_core.rules import services

        behind = services.vip_named(self.transaction, str(vip)) if vip is not None else None
        return services.add(self.transaction, self.thing(service), self.thing(machine), behind)

    def remove_service(self, service: Named, machine: Named) -> None:
        """Records that a machine runs a Service no more. Raises Refused when it did not."""
        from clusto_core.rules import services

        services.remove(self.transaction, self.thing(service), self.thing(machine))
