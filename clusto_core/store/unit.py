"""The unit of work: what one command changes, held in memory, written in few statements, with its history.

Whatever is read for a change is read once and kept here, changed here, and flushed in bulk, so that one `attr set` and
an import of 100,000 wired servers go the same way. A question to the store itself, as an expression is one, goes by
`reader`: what was changed until then is written first, so that it is answered as things are in the transaction. The
rules of the model are not here; these modules know rows: `kept` what was read, `paths` where cables lead, `pending`
what is not written yet, `changes` how that is told for the history, `differing` what is otherwise than before, and this
one how rows change.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from clusto_core.model import wiring
from clusto_core.model.attributes import IN, IP
from clusto_core.model.names import trailing_number
from clusto_core.model.reserved import KEY_DEFINITION
from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.store import rows
from clusto_core.store.differing import Differing
from clusto_core.store.reader import Reader


class UnitOfWork(Differing):
    """The rows that one transaction reads and changes."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        # What this transaction has put something in.
        self._entered: set[int] = set()
        self.declared: dict[Any, Any] = {}
        """What is known of keys, and of keys of Things of a driver, each worked out once; forgotten when a key of the
        site changes."""
        self.failed: BaseException | None = None
        """What ended halfway something that is done wholly or not at all: nothing of this unit may be kept then."""
        self.version = 0
        """Grows with every change."""
        self.noted = False
        """Whether something beside the inventory was written, which is to be kept though nothing else is changed."""

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

    def is_empty(self, thing: Thing) -> bool:
        """Whether it is certain that nothing was ever in a Thing, and no Thing by way of it in another."""
        return thing.id in self._new[0] and thing.id >= self.first_id and thing.id not in self._entered

    # --- Things and parts --------------------------------------------------------------------------------------------

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

    # --- attributes --------------------------------------------------------------------------------------------------

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

    # --- cables ------------------------------------------------------------------------------------------------------

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
