"""How what a transaction changed is told for the history, and what is forgotten because it is told or written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import Any

from clusto_core.model.names import trailing_number
from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.store import rows, telling
from clusto_core.store.database import Row
from clusto_core.store.pending import Pending
from clusto_core.store.reader import Reader
from clusto_core.store.settled import Rows, Settled, Told
from clusto_core.store.spill import Spill
from clusto_core.store.telling import encode, spelled

_TABLES = ("things", "attributes", "cables")


class Changes(Pending):
    """What happened to each Thing, also to those that are no longer in memory."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        # Things as they were before a change: their names before and now, and their drivers before.
        self._renamed: dict[int, tuple[str, str]] = {}
        self._recast: dict[int, str] = {}
        # Cables whose path has been worked out again, because of another one behind a panel.
        self._rerouted: dict[int, Cable] = {}
        # What was new and is written, and no longer in memory.
        self._settled = Settled(self.database, self.first_id)
        # Whole Things that are gone and no longer in memory, and how they are told.
        self._put_away: set[int] = set()
        self._told_gone = Spill()
        self.before_sync: dict[int, Row] = {}
        """By Thing, what was remembered of it as a source's object and is now remembered otherwise: for the history, so
        that an undone sync is one that never was."""

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

    # --- forgetting --------------------------------------------------------------------------------------------------

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


def _in_order(told: Rows) -> Rows:
    """The rows of all tables by their ids, so that it makes no difference when they were written."""
    return {table: sorted(told[table], key=itemgetter(0)) for table in _TABLES if table in told}
