"""A change: all that a view answers, as things are in it, and what can be done; committed at the end, whole or not."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.library import asking
from clusto_core.library.attributes import several
from clusto_core.library.handle import Handle, Joint, handles, record
from clusto_core.library.view import View
from clusto_core.model.things import Thing

if TYPE_CHECKING:
    from datetime import datetime

    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node
    from clusto_core.resources.fitting import Need
    from clusto_core.resources.returning import Returned
    from clusto_core.rules.parts import Counts
    from clusto_core.store.reader import Reader


class Change(View):
    """A change to an inventory: what is done in it is done together, or not at all.

    Things are given by name or as handles, of this change or of any view of the same inventory. Every refusal is an
    error of `clusto_core`; one that leaves the `with` block takes everything back.
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
    def message(self) -> str | None:
        """Why it is done, for the history; may be said at any time before the end."""
        return self._transaction.message

    @message.setter
    def message(self, text: str | None) -> None:
        self.transaction.message = text

    @property
    def changes(self) -> list[str]:
        """What is done so far, in lines as `clusto log -p` tells it: `- server1 status=spare`."""
        from clusto_core.records import history

        cables: set[int] = set()
        return [line for change in history.pending(self.transaction.unit) for line in history.told(change, cables)]

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

    def resolve(self, named: str | Thing) -> Thing:
        """See `Source.resolve`."""
        if isinstance(named, str):
            return self.transaction.resolve(named)
        found = self.transaction.unit.find(named.id)
        if found is None:
            raise NotFound(f"no such thing: {named.name} is there no more")
        return found

    def current(self, things: Iterable[Thing]) -> Sequence[Thing]:
        """See `Source.current`."""
        return self.transaction.unit.known(things)

    def writing(self, thing: Thing) -> Transaction:
        """See `Source.writing`. Raises Refused when the change is over, NotFound for what was taken out in it."""
        if self.transaction.unit.get(thing.name) is not thing:
            raise NotFound(f"no such thing: {thing.name} was taken out in this change")
        return self.transaction

    # --- Things ------------------------------------------------------------------------------------------------------

    def add(
        self,
        driver: str,
        name: str,
        *,
        attrs: Mapping[str, Any] | None = None,
        inside: str | Handle | Iterable[str | Handle] = (),
        at: str | None = None,
        parts: Counts | None = None,
        device_type: str | None = None,
    ) -> Handle:
        """A new Thing, with the parts and attributes of its driver or device type; or a new part, named `owner:part`.

        `inside`: what it is put in. `at`: rack units (`rack101:RU13-14`). `parts`: by kind, how many or how they are
        called (`{"nic": 4}`). Raises Malformed for names and drivers that cannot be, Refused for a name that is taken,
        NotFound for a place or device type that is not there.
        """
        given = {key: [self._value(each) for each in several(value)] for key, value in (attrs or {}).items()}
        places = [inside] if isinstance(inside, (str, Handle)) else inside
        with self.transaction.unit.wholly():
            thing = self.transaction.add(
                driver,
                name,
                parents=[record(self, place) for place in places],
                attributes=given,
                part_counts=parts,
                device_type=device_type,
            )
            if at is not None:
                self.transaction.connect(thing, at)
        return self._handle(thing)

    def _value(self, value: Any) -> Any:
        return record(self, value) if isinstance(value, Handle) else value

    def _handle(self, thing: Thing) -> Handle:
        return handles(self, [thing])[0]

    def remove(self, *named: str | Handle, force: bool = False) -> None:
        """Takes Things out, all or none; what is in another of them goes first: see `Handle.remove`."""
        self.transaction.remove_all([record(self, each) for each in named], force=force)

    def rename(self, named: str | Handle, name: str) -> None:
        """See `Handle.rename`."""
        self[named].rename(name)

    def rename_all(self, names: Mapping[str, str]) -> None:
        """Gives several Things or parts other names at once, all or none: a name may pass from one to another. Ranges
        go together one to one (`{"old[1-9]": "new[1-9]"}`). Raises Malformed, NotFound, Refused."""
        from clusto_core.rules.pairs import paired

        self.transaction.rename_all(pair for old, new in names.items() for pair in paired(old, new))

    def define_policy(
        self,
        name: str,
        never: str = "",
        *,
        say: str = "",
        level: str = "error",
        enforce: bool = False,
        check: str = "",
        allow_unknown: bool = False,
    ) -> None:
        """Says what must never be, as `clusto policy define` does; with `check` turns one of clusto's own checks on,
        and `never` says of which Things. With `enforce` no change may break it anew, this one neither.

        Raises Malformed for what cannot be, NotFound for names and keys that nothing has, unless `allow_unknown`."""
        from clusto_core.query import policies

        policy = policies.Policy(name, never, say, level, enforce, check)
        policies.define(self.transaction.unit, policy, allow_unknown=allow_unknown)

    def forget_policy(self, name: str) -> None:
        """Takes a policy away. Raises NotFound."""
        from clusto_core.query import policies

        policies.delete(self.transaction.unit, name)

    def define_key(self, key: str, declaration: Mapping[str, Any], *, convert: bool = False) -> int:
        """Declares a key of the site, as `clusto key define` does: `type`, `meaning`, `on`, `unit`, `choices`, `regex`,
        `to`, `low`, `high`, `many`, `unique`, `required`, `no_inherit`. Gives how many values were converted.

        Raises Malformed; Refused, with a line for each in `details`, for values of before that do not fit.
        """
        return self.transaction.define_key(key, declaration, convert=convert)

    def forget_key(self, key: str) -> None:
        """Takes the declaration of a key away; its values stay. Raises NotFound."""
        self.transaction.forget_key(key)

    def create_service(self, name: str, port: int | None = None, role: str | Handle | None = None) -> Handle:
        """A new Service, on a port, for machines in a Role. Raises Malformed, Refused."""
        from clusto_core.rules import services

        return self._handle(
            services.create(self.transaction.unit, name, port, None if role is None else record(self, role))
        )

    # --- places and cables -------------------------------------------------------------------------------------------

    def put(self, named: str | Handle, into: str | Handle) -> bool:
        """See `Handle.put`."""
        return self[named].put(into)

    def take(self, named: str | Handle, out_of: str | Handle) -> None:
        """See `Handle.take`."""
        self[named].take(out_of)

    def move(self, named: str | Handle, to: str | Handle, *, recable: bool = False, force: bool = False) -> list[Joint]:
        """See `Handle.move`."""
        return self[named].move(to, recable=recable, force=force)

    def replace(
        self, old: str | Handle, new: str | Handle, *, partial: bool = False, force: bool = False
    ) -> list[Joint]:
        """See `Handle.replace`."""
        return self[old].replace(new, partial=partial, force=force)

    def connect(
        self, one: str | Handle, other: str | Handle, kind: str | None = None, *, breakout: bool = False
    ) -> list[Joint]:
        """See `Handle.connect`."""
        return self[one].connect(other, kind, breakout=breakout)

    def disconnect(self, one: str | Handle, other: str | Handle | None = None) -> list[Joint]:
        """See `Handle.disconnect`."""
        return self[one].disconnect(other)

    # --- what is given out -------------------------------------------------------------------------------------------

    def allocate(
        self,
        number: int,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: str | Handle | None = None,
        spread: str | Sequence[str] = (),
        pack: str | None = None,
        prefer: str | Node | None = None,
        seed: int | None = None,
        set: Mapping[str, Any] | None = None,
        put: str | Handle | None = None,
        until: str | datetime | None = None,
        hold: str | None = None,
        purpose: str = "",
        claim: str | None = None,
        fit: str | Need | None = None,
    ) -> list[Handle]:
        """Picks so many Things, or none at all, as `pick` does, sets attributes of them and puts them somewhere.

        What is picked in a change is not picked in it again; that others do not pick it is what `set` and `put` are
        for, or a reservation `until` a time (`2026-12-24`) or for so long (`hold`: `2h`), for some `purpose`. `claim`:
        only what is reserved for that purpose. `fit`: only racks with that much room, and what stands in them. Raises
        as `pick` does, and as setting and putting does.
        """
        from clusto_core.resources.allocation import allocate

        asked = self._question(wanted, how, driver, inside)
        place = None if put is None else record(self, put)
        end = None if until is None and hold is None else _deadline(until, hold)
        choice = asking.choice(number, asked, spread, pack, prefer, seed, claim, fit)
        with self.transaction.unit.wholly():
            found = allocate(self.transaction, choice, put=place, until=end, purpose=purpose)
            picked = handles(self, found.things)
            for handle in picked:
                handle.attrs.update(set or {})
        asking.warn(found.notes)
        return picked

    def deallocate(
        self,
        *named: str | Handle,
        gives: Collection[str] | None = None,
        keeps: Collection[str] = (),
        set: Mapping[str, Any] | None = None,
        force: bool = False,
    ) -> list[Returned]:
        """Gives back what Things were given for their job: addresses, services and their VIPs, pools and roles, or what
        the attribute `deallocate.gives` of their place says; all or none. `gives`: these kinds instead; `keeps`: not
        these. Kinds are cables, addresses, vips, pools, position. Raises Refused, without `force` also for what is
        protected; Malformed."""
        return self._give_back("deallocate", named, gives=gives, keeps=keeps, settings=self._pairs(set), force=force)

    def retire(
        self,
        *named: str | Handle,
        gives: Collection[str] | None = None,
        keeps: Collection[str] = (),
        record: str | None = None,
        set: Mapping[str, Any] | None = None,
        force: bool = False,
    ) -> list[Returned]:
        """Gives back all that Things have, or what the attribute `retire.gives` of their place says; see `deallocate`.
        `record`: `keep` or `remove`, by default what `retire.record` says, else it stays."""
        return self._give_back(
            "retire", named, gives=gives, keeps=keeps, record=record, settings=self._pairs(set), force=force
        )

    def _give_back(self, verb: str, named: Sequence[str | Handle], **said: Any) -> list[Returned]:
        from clusto_core.resources import returning

        return returning.give_back(self.transaction, [record(self, each) for each in named], verb, **said).returned

    def _pairs(self, given: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
        return [(key, [self._value(each) for each in several(value)]) for key, value in (given or {}).items()]

    def reserve(
        self,
        *named: str | Handle,
        until: str | datetime | None = None,
        hold: str | None = None,
        purpose: str = "",
    ) -> None:
        """Keeps Things or parts from being picked until a time, or for so long. Raises Refused for one that is reserved
        for something else, Malformed for a time that is over."""
        self.transaction.reserve(self._records(named), _deadline(until, hold), purpose)

    def extend(self, *named: str | Handle, until: str | datetime | None = None, hold: str | None = None) -> None:
        """Has reservations end at another time. Raises NotFound for what is not reserved, or whose time has come."""
        self.transaction.extend(self._records(named), _deadline(until, hold))

    def release(self, *named: str | Handle) -> None:
        """Ends reservations. Raises NotFound for what is not reserved."""
        self.transaction.release(self._records(named))

    def _records(self, named: Iterable[str | Handle]) -> list[Thing]:
        return [record(self, each) for each in named]

    def allocate_ip(
        self,
        network: str | Handle,
        holder: str | Handle,
        shared: str | None = None,
        *,
        cooldown: int | None = None,
    ) -> str:
        """See `Handle.allocate_ip`."""
        return self[holder].allocate_ip(network, shared, cooldown=cooldown)

    def give_ip(self, address: str, holder: str | Handle, shared: str | None = None) -> bool:
        """See `Handle.give_ip`."""
        return self[holder].give_ip(address, shared)

    def free_ips(self, named: str | Handle) -> list[str]:
        """Takes an address back, or all that a Thing and its parts hold; gives them. Raises NotFound for none."""
        from clusto_core.resources import ipam

        return [held.address for held in ipam.release(self.transaction, str(named))]

    def allocate_vlan(
        self,
        name: str,
        ids: str | None = None,
        inside: str | Handle | None = None,
        *,
        cooldown: int | None = None,
    ) -> Handle:
        """A new VLAN of that name with the lowest free id, of a range as `200-299`, free in a place, and none that came
        back in the last `cooldown` seconds (by default what the place says). Raises Refused when none is free,
        Malformed."""
        from clusto_core.resources import vlans

        place = None if inside is None else record(self, inside)
        return self._handle(
            vlans.allocate(self.transaction, name, *vlans.parse_range(ids), place, cooldown=cooldown)[0]
        )

    def allocate_names(
        self, range_: str | Handle, number: int = 1, *, owner: str | Handle | None = None, cooldown: int | None = None
    ) -> list[str]:
        """Gives out the next free names of a NameRange, to a Thing perhaps, with which they come back; none that came
        back in the last `cooldown` seconds (by default what the range says). Raises Refused when there are not enough,
        Malformed."""
        from clusto_core.resources import naming

        whose = None if owner is None else record(self, owner)
        return naming.allocate(self.transaction, record(self, range_), number, owner=whose, cooldown=cooldown)

    def free_name(self, name: str) -> None:
        """Takes a name back that was given out. Raises NotFound."""
        from clusto_core.resources import naming

        naming.release(self.transaction, name)


def _deadline(until: str | datetime | None, hold: str | None) -> datetime:
    from clusto_core.model import reserving

    if until is None or isinstance(until, str):
        return reserving.deadline(until, hold)
    if hold is not None:
        raise Malformed("until when? (until or hold, not both)")
    return reserving.future(until)
