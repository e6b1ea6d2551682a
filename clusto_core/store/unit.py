"""The unit of work: what one command changes, held in memory, written in few statements, with its history.

Whatever is read for a change is read once and kept here, changed here, and flushed in bulk, so that one `attr set` and
an import of 100,000 wired servers go the same way. A question to the store itself, as an expression is one, goes by
`reader`: what was changed until then is written first, so that it is answered as things are in the transaction. The
rules of the model are not here; this module knows rows.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from clusto_core.drivers.parts import FrontPort, RearPort
from clusto_core.model import wiring
from clusto_core.model.attributes import IN, IP
from clusto_core.model.names import trailing_number
from clusto_core.model.reserved import KEY_DEFINITION
from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.store import rows, telling
from clusto_core.store.database import Row
from clusto_core.store.reader import Reader
from clusto_core.store.seals import Touched
from clusto_core.store.settled import Rows, Settled, Told
from clusto_core.store.spill import Spill
from clusto_core.store.telling import encode, spelled
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from clusto_core.drivers import Driver
    from clusto_core.model.attributes import Key

_CABLES = """
    SELECT c.cable_id, c.kind, c.part_id, c.thing_id, c.other_part_id, c.other_thing_id, c.slot
    FROM connections c WHERE c.side = 0 AND c.cable_id IN (:ids)"""
_CABLE_IDS = "SELECT c.cable_id FROM connections c WHERE c.thing_id IN (:ids)"
_TABLES = ("things", "attributes", "cables")
_NEW_CABLES = """
    SELECT c.cable_id, c.kind, c.part_id, c.thing_id, c.other_part_id, c.other_thing_id, c.slot
    FROM connections c WHERE c.side = 0 AND c.cable_id >= :first"""
_NEW_PATH = """
    UPDATE connections SET kind = :kind, far_part_id = :part, far_thing_id = :thing
    WHERE cable_id = :cable AND side = :side"""


_ID = attrgetter("id")


class Differences(NamedTuple):
    """What a transaction makes otherwise: Things and parts that are new, gone, renamed (by id); attributes and cables
    that are new or gone, and cables whose path is another."""

    new: list[Thing]
    gone: list[Thing]
    renamed: set[int]
    attributes: list[Attribute]
    cables: list[Cable]


class UnitOfWork:
    """The rows that one transaction reads and changes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.database = reader.database
        counters = self.database.rows("SELECT s.next_id, s.next_transaction FROM store s")[0]
        self._counters: Row = counters
        self.first_id: int = counters[0]
        """The first id of what this transaction makes."""
        self._next_id: int = self.first_id
        self._next_transaction: int = counters[1]
        self._by_name: dict[str, Thing | None] = {}
        self._by_id: dict[int, Thing] = {}
        self._parts: dict[int, dict[int, Thing]] = {}
        self._attributes: dict[int, list[Attribute]] = {}
        self._cables: dict[int, dict[int, Cable]] = {}
        self._cable_of: dict[int, Cable] = {}
        # By rack unit, what is in it: several devices may be, in halves and on faces of it.
        self._occupying: dict[int, dict[int, Cable]] = {}
        # What differs from the store: rows that are new, rows that are gone, Things as they were before a change.
        self._new: tuple[dict[int, Thing], dict[int, Attribute], dict[int, Cable]] = ({}, {}, {})
        self._gone: tuple[dict[int, Thing], dict[int, Attribute], dict[int, Cable]] = ({}, {}, {})
        self._renamed: dict[int, tuple[str, str]] = {}
        self._recast: dict[int, str] = {}
        self._claims: dict[str, int | None] = {}
        self._shared: dict[str, list[Attribute]] | None = None
        # Shared addresses by the claim that all their holders have, read when one is first asked for.
        # New Things that are gone again.
        self._dropped: set[int] = set()
        # What this transaction has put something in.
        self._entered: set[int] = set()
        # New cables that go into a panel's port.
        self._patched: set[int] = set()
        # What was new and is written, and no longer in memory.
        self._settled = Settled(self.database, self.first_id)
        # What of that is not written yet. A row that was new and is gone again is passed over when its turn comes.
        self._unwritten: tuple[list[Thing], list[Attribute], list[Cable]] = ([], [], [])
        self._obsolete: tuple[list[Thing], list[int], list[int]] = ([], [], [])
        self._told_gone = Spill()
        self._put_away: set[int] = set()
        # Whole Things that are gone and no longer in memory, and how they are told.
        self._misnamed: set[int] = set()
        self._paths: set[int] = set()
        self._rerouted: dict[int, Cable] = {}
        # Cables whose path has been worked out again, because of another one behind a panel.
        self.declared: dict[Any, Any] = {}
        """What is known of keys, and of keys of Things of a driver, each worked out once; forgotten when a key of the
        site changes."""
        self.failed: BaseException | None = None
        """What ended halfway something that is done wholly or not at all: nothing of this unit may be kept then."""
        self.version = 0
        """Grows with every change."""
        self.touched = Touched()
        """What is to be sealed anew when all is written."""
        self.noted = False
        """Whether something beside the inventory was written, which is to be kept though nothing else is changed."""
        self.before_sync: dict[int, Row] = {}
        """By Thing, what was remembered of it as a source's object and is now remembered otherwise: for the history, so
        that an undone sync is one that never was."""

    @property
    def reader(self) -> Reader:
        """Questions to the store, answered as things are in this transaction."""
        self.flush()
        return self._reader

    # --- reading, through what is kept -------------------------------------------------------------------------------

    def get(self, name: str) -> Thing | None:
        """The Thing or part with exactly that name, as it is in this transaction."""
        if name not in self._by_name:
            self._keep(self._reader.get(name), name)
        return self._by_name[name]

    def in_memory(self, name: str) -> Thing | None:
        """The Thing or part with exactly that name, where it was read or made."""
        return self._by_name.get(name)

    def by_id(self, id: int) -> Thing:
        """The Thing or part with that id."""
        try:
            return self._by_id[id]
        except KeyError:
            found = self._by_id[id] = self._reader.by_ids([id])[id]
            return found

    def find(self, id: int) -> Thing | None:
        """The Thing or part with that id, None when it is not, or no longer, there."""
        if id in self._gone[0] or id in self._dropped:
            return None
        if id not in self._by_id:
            self._by_id.update(self._reader.by_ids([id]))
        return self._by_id.get(id)

    def _named(self, id: int) -> Thing:
        """The Thing or part with that id; where it is gone, as the store had it."""
        return self._gone[0].get(id) or self.by_id(id)

    def load(self, ids: Iterable[int]) -> None:
        """Reads many whole Things by id at once, with all that is theirs; ids that are not there are passed over."""
        things = self._reader.by_ids(id for id in ids if id not in self._by_id)
        for id, thing in things.items():
            self._by_id[id] = thing
            self._by_name.setdefault(thing.name, thing)
        self.prefetch(things.values())

    def load_attributes(self, ids: Iterable[int]) -> dict[int, Thing]:
        """Reads many Things and parts at once, with their attributes alone; those that are there, by id."""
        wanted = list(ids)
        self._by_id.update(self._reader.by_ids(id for id in wanted if id not in self._by_id))
        unread = [id for id in wanted if id not in self._attributes]
        self._attributes.update((id, []) for id in unread)
        for attribute in self._reader.attributes(*unread):
            self._attributes[attribute.thing_id].append(attribute)
        return {id: self._by_id[id] for id in wanted if id in self._by_id and id not in self._gone[0]}

    def has_read_attributes(self, thing: Thing) -> bool:
        """Whether the attributes of a Thing are in memory."""
        return thing.id in self._attributes

    def known(self, things: Iterable[Thing]) -> list[Thing]:
        """These Things, read just now by `reader`, as this transaction has them."""
        found = []
        for thing in things:
            thing = self._by_id.setdefault(thing.id, thing)
            self._by_name.setdefault(thing.name, thing)
            found.append(thing)
        return found

    def parts(self, thing: Thing) -> list[Thing]:
        """The parts of an equipment, in the order in which they were made."""
        if thing.id not in self._parts:
            self.prefetch([thing])
        return list(self._parts[thing.id].values())

    def part(self, owner: Thing, name: str) -> Thing | None:
        """The part of an equipment with exactly that name of its own (`eth0`)."""
        if owner.id not in self._parts:
            self.prefetch([owner])
        return self._by_name.get(f"{owner.name}:{name}")

    def attributes(self, thing: Thing) -> list[Attribute]:
        """The attributes of a Thing or part."""
        found = self._attributes.get(thing.id)
        if found is None:
            found = [] if thing.id in self._new[0] else self._reader.attributes(thing.id)
            self._attributes[thing.id] = found
        return found

    def look(self, thing: Thing) -> Sequence[Attribute]:
        """As `attributes`, only to be looked at: of new parts without any, of which there may be a million, nothing is
        kept."""
        found = self._attributes.get(thing.id)
        if found is None:
            return () if thing.id in self._new[0] else self.attributes(thing)
        return found

    def cables(self, thing: Thing) -> list[Cable]:
        """The cables of an equipment and its parts."""
        if thing.id not in self._cables:
            self._load_cables([thing.id])
        return list(self._cables[thing.id].values())

    def cable_of(self, part: Thing) -> Cable | None:
        """The cable in a part; of a rack unit, the first of those in it."""
        id, owner = part.id, part.owner_id
        if (id if owner is None else owner) not in self._cables:
            self._load_cables([part.entity_id])
        found = self._cable_of.get(id)
        if found is None and id in self._occupying:
            return next(iter(self._occupying[id].values()), None)
        return found

    def is_empty(self, thing: Thing) -> bool:
        """Whether it is certain that nothing was ever in a Thing, and no Thing by way of it in another."""
        return thing.id in self._new[0] and thing.id >= self.first_id and thing.id not in self._entered

    def occupying(self, rack_unit: Thing) -> list[Cable]:
        """The connections of equipment to a rack unit."""
        if rack_unit.entity_id not in self._cables:
            self._load_cables([rack_unit.entity_id])
        return list(self._occupying.get(rack_unit.id, {}).values())

    def referring(self, ids: Iterable[int]) -> list[Attribute]:
        """The attributes that name one of these Things, as in this transaction."""
        return self.reader.referring(ids)

    def claimant(self, claim: str) -> Thing | None:
        """Which Thing or part holds what no two may hold, as in this transaction."""
        if claim not in self._claims:
            self.prefetch_claims([claim])
        holder = self._claims[claim]
        return None if holder is None else self.by_id(holder)

    def sharers(self, claim: str) -> list[Attribute]:
        """The addresses of that claim that are shared, one a holder, as in this transaction."""
        if self._shared is None:
            self._shared = {}
            for attribute in self._reader.shared_addresses():
                if attribute.id not in self._gone[1]:
                    self._shared.setdefault(str(rows.address_claim(attribute)), []).append(attribute)
            for attribute in self._new[1].values():
                self._share(attribute)
        return self._shared.get(claim, [])

    def _share(self, attribute: Attribute) -> None:
        if self._shared is not None and (claim := rows.address_claim(attribute)) is not None and attribute.key.subkey:
            known = self._shared.setdefault(claim, [])
            if attribute not in known:
                known.append(attribute)

    def prefetch_claims(self, claims: Iterable[str]) -> None:
        """Reads at once who holds each of many claims."""
        unknown = [claim for claim in claims if claim not in self._claims]
        self._claims.update(dict.fromkeys(unknown))
        gone = self._gone[1]
        for claim, holder, attribute in self._reader.claimants(unknown):
            if attribute not in gone:
                self._claims[claim] = holder

    def prefetch(self, things: Iterable[Thing]) -> None:
        """Reads parts, attributes and cables of many Things at once."""
        wanted = [thing.id for thing in things if thing.id not in self._parts]
        for id in wanted:
            self._parts[id] = {}
        part_ids = []
        for part in self._reader.parts_as_made(*wanted):
            if part.id in self._gone[0]:
                continue
            part = self._by_id.setdefault(part.id, part)
            self._by_name.setdefault(part.name, part)
            self._parts[part.entity_id][part.id] = part
            part_ids.append(part.id)
        unread = [id for id in [*wanted, *part_ids] if id not in self._attributes]
        for id in unread:
            self._attributes[id] = []
        fresh = set(unread)
        for attribute in [*self._reader.attributes(*wanted), *self._reader.attributes_of_parts(*wanted)]:
            if attribute.thing_id in fresh:
                self._attributes[attribute.thing_id].append(attribute)
        self._load_cables([id for id in wanted if id not in self._cables])

    def prefetch_names(self, names: Iterable[str]) -> None:
        """Reads many Things by name at once; names that are not there are remembered as such."""
        unknown = [name for name in names if name not in self._by_name]
        found = self._reader.find_names(unknown)
        for name in unknown:
            self._keep(found.get(name), name)

    def _keep(self, thing: Thing | None, name: str) -> None:
        if thing is not None:
            thing = self._by_id.setdefault(thing.id, thing)
            if thing.id in self._gone[0] or thing.name != name:
                thing = None
        self._by_name[name] = thing

    def _load_cables(self, thing_ids: list[int]) -> None:
        for id in thing_ids:
            self._cables[id] = {}
        found: Iterable[Row] = self.database.rows_in(_CABLE_IDS, thing_ids)
        # What was new, and is taken out, is among those that are not deleted yet.
        ids = sorted({row[0] for row in found} - set(self._gone[2]) - set(self._obsolete[2]))
        known = set(thing_ids)
        for row in self.database.rows_in(_CABLES, ids):
            cable = Cable(*row)
            for id in {cable.thing, cable.other_thing} & known:
                self._cables[id][cable.id] = cable
            self._index(cable)

    def _index(self, cable: Cable) -> None:
        if cable.slot and cable.other_part is not None:
            self._occupying.setdefault(cable.other_part, {})[cable.id] = cable
            return
        for part in (cable.part, cable.other_part):
            if part is not None:
                self._cable_of[part] = cable

    @contextlib.contextmanager
    def wholly(self) -> Iterator[None]:
        """What is done meanwhile is done wholly: when it fails halfway, `failed` says so, whoever catches the error."""
        before = self.version
        try:
            yield
        except BaseException as error:
            if self.failed is None and self.version != before:
                self.failed = error
            raise

    # --- changing ----------------------------------------------------------------------------------------------------

    def new_id(self) -> int:
        """An id that no row ever had."""
        id = self._next_id
        self._next_id += 1
        return id

    @property
    def next_id(self) -> int:
        """The id that the next new row will have."""
        return self._next_id

    @property
    def next_transaction(self) -> int:
        """The number that this transaction will have in the history, if it changes something."""
        return self._next_transaction

    def new_transaction_id(self) -> int:
        """The number of the next transaction in the history."""
        number = self._next_transaction
        self._next_transaction += 1
        return number

    def insert_thing(self, thing: Thing) -> None:
        """A new row; nothing of it is in the store, so nothing will be looked for there."""
        id = thing.id
        owner = thing.owner_id
        if owner is None:
            self._parts[id] = {}
            self._cables[id] = {}
        else:
            if owner not in self._parts:
                self.prefetch([self.by_id(owner)])
            self._parts[owner][id] = thing
        self._new[0][id] = thing
        self._dropped.discard(id)
        self._unwritten[0].append(thing)
        self.version += 1
        self._by_name[thing.name] = thing
        self._by_id[id] = thing

    def insert_parts(self, owner: Thing, planned: Iterable[tuple[str, str, int | None]]) -> None:
        """New parts of an equipment, each given as its own name, driver and number. There may be a million in all."""
        own = self._parts[owner.id]
        new, by_name, by_id = self._new[0], self._by_name, self._by_id
        owner_id, prefix, id = owner.id, owner.name + ":", self._next_id
        write = self._unwritten[0].append
        for part_name, driver, number in planned:
            name = prefix + part_name
            part = own[id] = new[id] = by_id[id] = by_name[name] = Thing(id, name, driver, owner_id, number)
            write(part)
            id += 1
        self._next_id = id
        self.version += 1

    def delete_thing(self, thing: Thing) -> None:
        """Takes the row out; its parts, attributes and cables must be gone before."""
        if self._take_out(0, thing.id, thing):
            self._gone[0][thing.id] = self._as_stored(thing)
        else:
            self._dropped.add(thing.id)
        self._obsolete[0].append(thing)
        self._misnamed.discard(thing.id)
        self.version += 1
        self._by_name[thing.name] = None
        if thing.owner_id is not None and thing.owner_id in self._parts:
            self._parts[thing.owner_id].pop(thing.id, None)

    def rename_thing(self, thing: Thing, name: str) -> None:
        """Changes the name of one row."""
        before = self._renamed.get(thing.id, (thing.name, ""))[0]
        self._settled.rename()
        if not self._is_new(thing):
            self._renamed[thing.id] = (before, name)
            if before == name:
                del self._renamed[thing.id]
        self._misnamed.add(thing.id)
        self.version += 1
        self._by_name[thing.name] = None
        thing.name = name
        thing.number = trailing_number(name) if thing.is_part else None
        self._by_name[name] = thing

    def recast_thing(self, thing: Thing, driver: str) -> None:
        """Makes one row that of another driver."""
        if self._is_new(thing):
            self._touch(thing)
        else:
            before = self._recast.setdefault(thing.id, thing.driver)
            if before == driver:
                del self._recast[thing.id]
        self._misnamed.add(thing.id)
        self.version += 1
        thing.driver = driver
        if wiring.passes_on(driver) and (cable := self.cable_of(thing)) is not None:
            self._patched.add(cable.id)

    def _is_new(self, thing: Thing) -> bool:
        return thing.id in self._new[0] or thing.id >= self.first_id

    def _take_out(self, table: int, id: int, *things: Thing) -> bool:
        """Takes a row of these Things out of what is new; whether it is one that the store had before."""
        if self._new[table].pop(id, None) is not None:
            return False
        if id < self.first_id:
            return True
        for thing in things:
            self._touch(thing)
        return False

    def _touch(self, thing: Thing) -> None:
        """Notes that a Thing is otherwise than it was told."""
        if self._settled:
            self._settled.touched.add(thing.entity_id)

    def _as_stored(self, thing: Thing) -> Thing:
        if thing.id not in self._renamed and thing.id not in self._recast:
            return thing
        name, _ = self._renamed.pop(thing.id, (thing.name, ""))
        driver = self._recast.pop(thing.id, thing.driver)
        return Thing(thing.id, name, driver, thing.owner_id, trailing_number(name) if thing.is_part else None)

    def insert_attribute(self, attribute: Attribute) -> None:
        """A new value of a Thing."""
        id, thing_id, key, _ = attribute
        if (held := self._attributes.get(thing_id)) is None:
            held = self.attributes(self.by_id(thing_id))
        held.append(attribute)
        self._new[1][id] = attribute
        self._unwritten[1].append(attribute)
        self.version += 1
        self._forget_declared(attribute)
        if key.key == IP and (claim := rows.claim_of(attribute)) is not None:
            self._claims[claim] = thing_id
            self._share(attribute)
        elif key.key == IN and attribute.value.ref is not None:
            self._entered.add(attribute.value.ref)

    def delete_attribute(self, attribute: Attribute) -> None:
        """Takes one value out."""
        self.attributes(self.by_id(attribute.thing_id)).remove(attribute)
        if (claim := rows.claim_of(attribute)) is not None:
            self._claims[claim] = None
            if self._shared is not None and attribute.key.subkey:
                self._shared[str(rows.address_claim(attribute))].remove(attribute)
        if self._take_out(1, attribute.id, self.by_id(attribute.thing_id)):
            self._gone[1][attribute.id] = attribute
        self._obsolete[1].append(attribute.id)
        self.version += 1
        self._forget_declared(attribute)

    def _forget_declared(self, attribute: Attribute) -> None:
        if attribute.key == KEY_DEFINITION:
            self.declared.clear()
            self.database.definitions = None

    def insert_cable(self, cable: Cable) -> None:
        """A new cable."""
        for id in (cable.thing, cable.other_thing):
            if id not in self._cables:
                self._load_cables([id])
            self._cables[id][cable.id] = cable
        if cable.part is None:
            self._entered.add(cable.other_thing)
        self._index(cable)
        self._new[2][cable.id] = cable
        self._unwritten[2].append(cable)
        self.version += 1
        for end in (cable.part, cable.other_part):
            if end is not None and wiring.passes_on((part := self.by_id(end)).driver):
                self._patched.add(cable.id)
                self._touch_path(part)

    def delete_cable(self, cable: Cable) -> None:
        """Takes a cable out, and marks what its path went through."""
        for part in (cable.part, cable.other_part):
            if part is not None:
                self._touch_path(self.by_id(part))
        for id in {cable.thing, cable.other_thing}:
            if id in self._cables:
                self._cables[id].pop(cable.id, None)
        for part in (cable.part, cable.other_part):
            if part is not None:
                self._cable_of.pop(part, None)
                self._occupying.get(part, {}).pop(cable.id, None)
        if self._take_out(2, cable.id, self.by_id(cable.thing), self.by_id(cable.other_thing)):
            self._gone[2][cable.id] = cable
        self._obsolete[2].append(cable.id)
        self.version += 1
        self._paths.discard(cable.id)

    # --- paths -------------------------------------------------------------------------------------------------------

    def partner(self, part: Thing) -> Thing | None:
        """The other side of a panel's port, as in this transaction."""
        if not wiring.passes_on(part.driver):
            return None
        wanted = RearPort if part.is_a(FrontPort) else FrontPort
        for candidate in self.parts(self.by_id(part.entity_id)):
            if candidate.number == part.number and candidate.is_a(wanted):
                return candidate
        return None

    def end_behind(self, part: Thing) -> Thing:
        """Where the path ends that comes in at `part` and goes on behind it: `part` itself unless it is of a panel."""
        if not wiring.passes_on(part.driver):
            return part
        here = part
        seen = {part.id}
        while (partner := self.partner(here)) is not None:
            cable = self.cable_of(partner)
            if cable is None:
                return partner
            across = cable.across(partner.id)
            if across is None or across in seen:
                return partner
            seen.add(across)
            here = self.by_id(across)
        return here

    def _touch_path(self, part: Thing) -> None:
        """Marks all cables behind a panel's port: where their paths end is to be worked out again."""
        if not wiring.passes_on(part.driver):
            return
        seen = {part.id}
        while (partner := self.partner(part)) is not None and (cable := self.cable_of(partner)) is not None:
            self._paths.add(cable.id)
            self._rerouted[cable.id] = cable
            for id in (cable.thing, cable.other_thing):
                self._touch(self.by_id(id))
            across = cable.across(partner.id)
            if across is None or across in seen:
                return
            seen.add(across)
            part = self.by_id(across)

    def retrace(self, part_ids: Iterable[int]) -> None:
        """Works out again where the paths end that go through these parts of patch panels, for who has changed rows
        beside this unit; parts that are not there are passed over."""
        parts = self._reader.by_ids(part_ids).values()
        self.load({part.entity_id for part in parts})
        for part in (self.by_id(part.id) for part in parts):
            for side in (part, self.partner(part)):
                if side is not None and (cable := self.cable_of(side)) is not None:
                    self._paths.add(cable.id)
                    if (across := cable.across(side.id)) is not None:
                        self._touch_path(self.by_id(across))
        self.flush()

    # --- writing -----------------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        """Whether anything differs from the store."""
        held = any(self._new) and not self._settled
        return bool(self._renamed or self._recast or held or any(self._gone) or self._put_away) or (
            bool(self._settled) and self._differs()
        )

    def _differs(self) -> bool:
        self.flush()
        return self._settled.differs

    def changes(self) -> Iterator[tuple[int, str, Rows, Rows]]:
        """What happened to each Thing: its id and name, and its rows and those of its parts before and after.

        A row of `things` is [id, name, driver, owner id, number], of `attributes` [id, Thing's id, part, key, type,
        text, id of the Thing named], of `cables` [id, kind, part, Thing, other part, other Thing, the names of both
        ends, and for equipment in a rack unit what it takes of that]. A cable is told with both Things that it joins.
        New Things are told one at a time: there may be many.
        `sources` before has what a sync remembered of the Thing, where it is remembered otherwise now.
        """
        yield from self._old_changes()
        for id, name, before, _ in self._told_gone:
            yield id, name, json.loads(before), {}
        for told in self._new_changes():
            yield told.id, told.name, {}, json.loads(told.after)

    def told(self) -> Iterator[tuple[int, str, str | None, str | None]]:
        """As `changes`, the rows as JSON; None for none."""
        for id, name, before, after in self._old_changes():
            yield id, name, encode(before) if before else None, encode(after) if after else None
        yield from ((id, name, before, None) for id, name, before, _ in self._told_gone)
        for told in self._new_changes():
            yield told.id, told.name, None, told.after

    def _old_changes(self) -> Iterator[tuple[int, str, Rows, Rows]]:
        """What happened to the Things that the store had before."""
        if self._settled:
            self.settle()
        found = self._changed_in_memory()
        if not self._settled:
            for entity, (gone, added) in found.items():
                yield entity, self._named(entity).owner_name, gone, _in_order(added)
            return
        for ids in self._settled.old(found):
            names = {id: thing.name for id, thing in self._reader.by_ids(ids).items()}
            for id, written in self._settled.rows(ids).items():
                gone, added = found.get(id, ({}, {}))
                for table, rows_ in written.items():
                    added[table] = [*added.get(table, ()), *rows_]
                if gone or added:
                    yield id, names.get(id) or self._named(id).owner_name, gone, _in_order(added)

    def _new_changes(self) -> Iterator[Told]:
        """How the new Things are told."""
        return self._settled.new() if self._settled else self._tell(self._new_entities())

    def _new_entities(self) -> set[int]:
        return {thing.id for thing in self._new[0].values() if thing.owner_id is None}

    def _changed_in_memory(self) -> dict[int, tuple[Rows, Rows]]:
        """By Thing of before, the rows of it that are gone, and those that are new and in memory."""
        new = self._new_entities()
        found: dict[int, tuple[Rows, Rows]] = {}

        def entry(entity: int, which: int, table: str, row: Sequence[Any]) -> None:
            found.setdefault(entity, ({}, {}))[which].setdefault(table, []).append(row)

        there = self._new if not self._settled else ({}, {}, {})
        for which, (some_things, some_attributes, some_cables) in enumerate((self._gone, there)):
            for thing in some_things.values():
                if (entity := thing.entity_id) not in new:
                    entry(entity, which, "things", rows.of_thing(thing))
            for attribute in some_attributes.values():
                holder = self._named(attribute.thing_id)
                if (entity := holder.entity_id) not in new:
                    entry(entity, which, "attributes", self._told_attribute(holder, attribute))
            for cable in some_cables.values():
                for entity in {cable.thing, cable.other_thing} - new:
                    entry(entity, which, "cables", self._told_cable(cable))
        for id in {**self._renamed, **self._recast}:
            thing = self.by_id(id)
            names = self._renamed.get(id, (thing.name, thing.name))
            drivers = (self._recast.get(id, thing.driver), thing.driver)
            for which, (name, driver) in enumerate(zip(names, drivers, strict=True)):
                number = trailing_number(name) if thing.is_part else None
                entry(thing.entity_id, which, "things", (id, name, driver, thing.owner_id, number))
        for entity in found.keys() & self._put_away:
            del found[entity]
        for entity in found.keys() & self.before_sync.keys():
            entry(entity, 0, "sources", self.before_sync[entity])
        return found

    def _tell(self, new: Iterable[int]) -> Iterator[Told]:
        """How new Things that are in memory are told."""
        things = self._new[0]
        cables: dict[int, str] = {}
        # A cable is told twice, and written once.
        for entity in sorted(new):
            thing = things[entity]
            every = [thing, *self._parts[entity].values()]
            told = {"things": list(map(telling.thing, every))}
            held = [(each, values) for each in every if (values := self._attributes.get(each.id))]
            if held:
                told["attributes"] = [text for each, values in held for text in telling.attributes(each, values)]
            if own := self._cables[entity]:
                cables.update((id, self._written_cable(cable)) for id, cable in own.items() if id not in cables)
                told["cables"] = [cables[id] for id in own]
            yield Told(entity, thing.name, telling.tables(told))

    def _written_cable(self, cable: Cable) -> str:
        one, other = self._by_id.get(cable.part or cable.thing), self._by_id.get(cable.other_part or cable.other_thing)
        if one is None or other is None or self._gone[0] or self._rerouted:
            return encode(self._told_cable(cable))
        return telling.cable(cable, one.name, other.name)

    def _told_attribute(self, holder: Thing, attribute: Attribute) -> Sequence[Any]:
        id, thing_id, key, value = attribute
        return (id, thing_id, holder.part_name if holder.is_part else None, spelled(*key), *value)

    def _told_cable(self, cable: Cable) -> Sequence[Any]:
        part, thing, other_part, other_thing, slot = cable[2:]
        one, other = self._by_id.get(part or thing), self._by_id.get(other_part or other_thing)
        if one is None or other is None or self._gone[0]:
            one, other = self._named(part or thing), self._named(other_part or other_thing)
        names = (one.name, other.name)
        # What a new cable carries is known when all are there.
        kind = self._path(cable)[0] if cable.id in self._rerouted and cable.id in self._new[2] else cable.kind
        row = (cable.id, kind, part, thing, other_part, other_thing, *names)
        return (*row, slot) if slot else row

    def differences(self) -> Differences:
        """What differs from the store, as rows: all of them, also those that are no longer in memory."""
        new_things, new_attributes, new_cables = self._every_new()
        return Differences(
            new_things,
            list(self._gone[0].values()),
            set(self.renamed()),
            [*new_attributes, *self._gone[1].values()],
            [*new_cables, *self._gone[2].values(), *self._rerouted.values()],
        )

    def _every_new(self) -> tuple[list[Thing], list[Attribute], list[Cable]]:
        if not self._settled:
            things, attributes, cables = self._new
            return list(things.values()), list(attributes.values()), list(cables.values())
        self.flush()
        first = self.first_id
        joined = [Cable(*row) for row in self.database.rows(_NEW_CABLES, {"first": first})]
        return self._reader.things_from(first), self._reader.attributes_from(first), joined

    def new_keys(self) -> set[Key]:
        """The keys of attributes that are new, without reserved ones and those of which some were taken out."""
        new, gone = ({attribute.key for attribute in rows.values()} for rows in (self._new[1], self._gone[1]))
        return {key for key in (new | self._settled.keys) - gone if not key.reserved}

    def renamed(self) -> dict[int, tuple[str, str]]:
        """The names before and now of the Things and parts that the store had under another name, by their ids."""
        return {id: names for id, names in self._renamed.items() if names[0] != names[1]}

    def changed_under(self, keys: Collection[Key]) -> tuple[list[Attribute], list[Attribute]]:
        """The attributes under some keys that are new, and those that are gone."""
        return self._new_under(keys), [each for each in self._gone[1].values() if each.key in keys]

    def _new_under(self, keys: Collection[Key]) -> list[Attribute]:
        if not self._settled:
            return [each for each in self._new[1].values() if each.key in keys]
        self.flush()
        names = sorted({key.key for key in keys})
        found = [each for name in names for each in self._reader.attributes_from(self.first_id, name)]
        return [each for each in found if each.key in keys]

    def gone_attributes(self) -> Iterable[Attribute]:
        """The attributes that were there before this transaction and are gone."""
        return self._gone[1].values()

    def stored(self, driver: type[Driver]) -> bool:
        """Whether the store had Things of just that driver before this transaction, or the transaction wrote some."""
        return bool(self._reader.all([driver.__name__]))

    def attributes_changed(self, key: Key) -> tuple[list[Attribute], list[Attribute]]:
        """The attributes under a key that are new, and those that are gone."""
        return self.changed_under((key,))

    def has_changed(self, key: Key) -> bool:
        """Whether attributes under a key may be new or gone."""
        known = key in self._settled.keys
        return known or any(each.key == key for rows_ in (self._new[1], self._gone[1]) for each in rows_.values())

    def new_things(self) -> Iterator[Thing]:
        """The whole Things that are new; of many, some are in memory at a time."""
        if not self._settled:
            yield from [thing for thing in self._new[0].values() if thing.owner_id is None]
            return
        self.settle()
        for ids in self._settled.things():
            yield from self.load_attributes(ids).values()
            self.settle()

    def new_attributes(self, keys: Collection[Key]) -> list[Attribute]:
        """The attributes under any of these keys, without number and subkey, that are new: of those that were looked at
        before they were forgotten, the ones that are held."""
        names = {key.key for key in keys}
        return [each for each in self._new[1].values() if each.key.key in names and each.key in keys]

    def gone_things(self) -> Iterator[Thing]:
        """The whole Things that the store has and that are taken out."""
        here = (each for each in self._gone[0].values() if each.owner_id is None and each.id not in self._put_away)
        return chain(here, (Thing(id, name, driver, None, None) for id, name, _, driver in self._told_gone))

    def is_gone(self, id: int) -> bool:
        """Whether a Thing or part that the store has is taken out."""
        return id in self._gone[0] or bool(self._put_away and id < self.first_id and not self._reader.by_ids([id]))

    def settle(self, held: Iterable[Attribute] = ()) -> None:
        """Writes all that is not written yet, and forgets what was read and made: for changes that are larger than
        memory should hold. Things that were read before are still known by their ids. Attributes that are `held` stay
        among `new_attributes`.

        Nothing is forgotten where rows are put back with the ids that they had.
        """
        self.flush()
        if any(next(iter(found), self.first_id) < self.first_id for found in self._new):
            return
        self._settled.tell(self._tell(self._note_new()))
        kept = {each.id: each for each in held if each.id in self._new[1]}
        for found in self._new:
            found.clear()
        self._forget()
        self._new[1].update(kept)

    def _forget(self) -> None:
        """Forgets all that was read."""
        for found in (self._by_name, self._by_id, self._parts, self._attributes):
            found.clear()
        for index in (self._cables, self._cable_of, self._occupying, self._claims):
            index.clear()
        self._shared = None

    def put_away(self, things: Iterable[int], attributes: Iterable[int], cables: Iterable[int]) -> None:
        """Writes what is not written yet, and forgets what was read, and of these rows, given by their ids, that they
        are gone: `tell_gone` tells of them. Only before anything is new."""
        self.flush()
        for gone, ids in zip(self._gone, (things, attributes, cables), strict=True):
            for id in ids:
                gone.pop(id, None)  # type: ignore[attr-defined]
        self._forget()

    def tell_gone(self, told: Iterable[tuple[int, str, str, str]]) -> None:
        """How whole Things are told that are gone with all that they had: the id, the name, the rows before as JSON,
        and the driver."""
        every = list(told)
        self._told_gone.append(every)
        self._put_away.update(each[0] for each in every)

    def _note_new(self) -> set[int]:
        """Notes of what is to be forgotten which keys it has, and what it belongs to that was told before; gives the
        Things that were not."""
        things, attributes, cables = self._new
        new = self._new_entities()
        touched = self._settled.touched
        self._settled.keys.update(map(attrgetter("key"), attributes.values()))
        touched.update(set(map(attrgetter("owner_id"), things.values())) - new - {None})
        holders = set(map(attrgetter("thing_id"), attributes.values())) - things.keys()
        touched.update(self._named(id).entity_id for id in holders)
        ends = (set(map(attrgetter(end), cables.values())) for end in ("thing", "other_thing"))
        touched.update(set().union(*ends) - new)
        return new

    def flush(self) -> None:
        """Writes all that is not written yet, into the database's transaction: nobody else sees it before that ends."""
        if self._misnamed or self._paths or any(self._unwritten) or any(self._obsolete):
            again = any(self._obsolete)
            self._delete()
            self._rename()
            self._insert(again)
        counters = (self._next_id, self._next_transaction)
        if counters != self._counters:
            self._counters = counters
            named = {"id": self._next_id, "transaction": self._next_transaction}
            self.database.execute("UPDATE store SET next_id = :id, next_transaction = :transaction", named)

    def _delete(self) -> None:
        things, attributes, cables = self._obsolete
        self._obsolete = ([], [], [])
        self.touched.add(chain((thing.id for thing in things), attributes, cables))
        self.database.execute_in("DELETE FROM connections WHERE cable_id IN (:ids)", cables)
        self.database.execute_in("DELETE FROM attributes WHERE id IN (:ids)", attributes)
        for owned in (True, False):
            gone = [thing.id for thing in things if thing.is_part == owned]
            self.database.execute_in("DELETE FROM things WHERE id IN (:ids)", gone)

    def _rename(self) -> None:
        renamed = [self._by_id[id] for id in self._misnamed]
        self._misnamed.clear()
        if renamed:
            self.touched.add(thing.id for thing in renamed)
            # A name may pass from one row to another: all old ones are given up first.
            self.database.execute(
                "UPDATE things SET name = :name WHERE id = :id",
                *({"id": thing.id, "name": f"\x01{thing.id}"} for thing in renamed),
            )
            self.database.execute(
                rows.RENAME, *(dict(zip(rows.STORED_THINGS, rows.stored(thing), strict=True)) for thing in renamed)
            )

    def _insert(self, some_gone: bool) -> None:
        """Writes the rows that are new, without those that are gone again, where there may be such."""
        things, attributes, cables = self._unwritten
        self._unwritten = ([], [], [])
        if some_gone:
            new_things, new_attributes, new_cables = self._new
            things = list({each.id: each for each in things if new_things.get(each.id) is each}.values())
            attributes = list({each.id: each for each in attributes if new_attributes.get(each.id) is each}.values())
            cables = list({each.id: each for each in cables if new_cables.get(each.id) is each}.values())
        self.touched.add(map(_ID, chain(things, attributes, cables)))
        # Parts have greater ids than their owner.
        things.sort(key=attrgetter("id"))
        self.database.insert("things", rows.STORED_THINGS, map(rows.stored, things))
        self.database.insert("attributes", rows.ATTRIBUTES, map(rows.of_attribute, attributes))
        self.database.insert("connections", rows.CONNECTIONS, chain.from_iterable(map(self._cable_rows, cables)))
        self._write_paths(self._paths.difference(cable.id for cable in cables))
        self._paths.clear()

    def _cable_rows(self, cable: Cable) -> Iterable[rows.Row]:
        if cable.id in self._patched:
            return rows.of_cable(cable, *self._path(cable))
        return rows.of_plain_cable(cable)

    def _write_paths(self, cable_ids: Iterable[int]) -> None:
        """Writes anew where the paths of these cables end."""
        cable_ids = list(cable_ids)
        self.touched.add(cable_ids)
        again = [
            {"cable": id, "side": side, "kind": kind, **dict(zip(("part", "thing"), rows.end(far), strict=True))}
            for id, (kind, *ends) in ((id, self._path(self._known_cable(id))) for id in cable_ids)
            for side, far in enumerate(ends)
        ]
        if again:
            self.database.execute(_NEW_PATH, *again)

    def _path(self, cable: Cable) -> tuple[str, Thing | None, Thing | None]:
        """The kind of a cable's path, and where it ends as seen from the cable's first and second end."""
        one, other = self.by_id(cable.part or cable.thing), self.by_id(cable.other_part or cable.other_thing)
        if not wiring.passes_on(one.driver) and not wiring.passes_on(other.driver):
            return cable.kind, other, one
        ends = [self.end_behind(part) for part in (other, one)]
        kinds = [wiring.kind_of(end.kind) for end in ends]
        far, near = (None if wiring.is_panel(end.kind) else end for end in ends)
        return kinds[0] or kinds[1] or wiring.PATCH, far, near

    def _known_cable(self, cable_id: int) -> Cable:
        return next(cables[cable_id] for cables in self._cables.values() if cable_id in cables)


def _in_order(told: Rows) -> Rows:
    """The rows of all tables by their ids, so that it makes no difference when they were written."""
    return {table: sorted(told[table], key=itemgetter(0)) for table in _TABLES if table in told}
