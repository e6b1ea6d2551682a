"""Undoing one whole transaction, or refusing because a later change is in the way.

What a transaction took out is put back with the ids it had, what it put in is taken out. Everything must still be as
the transaction left it; what came later and would be lost or left hanging is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from clusto_core.drivers import registry
from clusto_core.errors import ClustoError, Refused
from clusto_core.model.attributes import IP, Key, Value
from clusto_core.model.names import split_part, trailing_number
from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.records import history, sources, unmaking
from clusto_core.rules import cabling, containment, declared
from clusto_core.store import rows
from clusto_core.store.rows import address_claim
from clusto_core.store.unit import UnitOfWork

Table = dict[int, list[Any]]
MANY = 5_000
"""How many Things a transaction changed whose undoing is done some at a time: each portion costs time."""


def revert(unit: UnitOfWork, number: int) -> int:
    """Undoes the transaction of that number; gives the number of Things that this changes.

    Raises NotFound when there is no such transaction, Refused when a later one is in the way.
    """
    history.entry(unit.reader, number)
    with unit.wholly():
        if unmaking.pays(unit, number, MANY):
            return _LargeRevert(unit, number).apply()
        return _Revert(unit, number, history.changes(unit.reader, number)).apply()


class Undoing:
    """Has what some changes took out put back, and what they put in taken out."""

    def __init__(self, unit: UnitOfWork, changes: Iterable[history.Change]) -> None:
        self.unit = unit
        self.before: dict[str, Table] = {"things": {}, "attributes": {}, "cables": {}}
        self.after: dict[str, Table] = {"things": {}, "attributes": {}, "cables": {}}
        self.names: dict[int, str] = {}
        self.remembered: list[list[Any]] = []
        self.removed: list[int] = []
        for entry in changes:
            self.names[entry.thing_id] = entry.name
            for side, told in ((self.before, entry.before), (self.after, entry.after)):
                for table, every in told.items():
                    if table in side:
                        side[table].update((row[0], row) for row in every)
            self.remembered.extend(entry.before.get("sources", ()))

    def redo(self) -> None:
        """Does it. Raises Refused for what is in the way."""
        self.unit.load(self.names)
        self._take_out()
        self._rename()
        self._put_back()

    # --- what the transaction put in is taken out -------------------------------------------------------------------

    def _take_out(self) -> None:
        unit = self.unit
        gone = {table: self._only(self.after, self.before, table) for table in self.after}
        for row in gone["cables"].values():
            cable = rows.remembered_cable(row)
            present = self._cable(cable)
            if present is None or present._replace(slot=cable.slot) != cable:
                self._in_the_way(cable.thing, row[0], f"{row[6]} and {row[7]} are not connected now as they were then")
            unit.delete_cable(present)
        for row in gone["attributes"].values():
            attribute = self._attribute(row)
            unit.delete_attribute(attribute)
        removed = gone["things"]
        things = []
        for row in sorted(removed.values(), key=lambda row: row[3] is not None):
            thing = unit.find(row[0])
            if thing is None or thing.name != row[1]:
                self._in_the_way(row[3] or row[0], row[0], f"{row[1]} is not there now as it was then")
            things.append(thing)
        for attribute in unit.referring(removed):
            if attribute.thing_id not in removed:
                holder = unit.by_id(attribute.thing_id)
                self._in_the_way(holder.entity_id, attribute.id, f"{holder.name} names {attribute.value.text} now")
        for thing in things:
            unmaking.check_bare(unit, thing, removed, self._in_the_way)
        for thing in reversed(things):
            unit.delete_thing(thing)
        self.removed = list(removed)

    def _cable(self, cable: Cable) -> Cable | None:
        thing = self.unit.find(cable.thing)
        found = {each.id: each for each in self.unit.cables(thing)} if thing is not None else {}
        present = found.get(cable.id)
        # What a cable carries follows from the ends of its path, which later changes may have moved.
        return present._replace(kind=cable.kind) if present is not None else None

    def _attribute(self, row: list[Any]) -> Attribute:
        holder = self.unit.find(row[1])
        every = self.unit.attributes(holder) if holder is not None else []
        found = next((attribute for attribute in every if attribute.id == row[0]), None)
        if found is None:
            owner = holder.entity_id if holder is not None else row[1]
            self._in_the_way(owner, row[0], f"{row[3]} of {self.names.get(owner, 'a Thing')} is not now as it was then")
        return found

    # --- names ------------------------------------------------------------------------------------------------------

    def _rename(self) -> None:
        both = self.after["things"].keys() & self.before["things"].keys()
        waiting = []
        for id in both:
            thing = self.unit.find(id)
            now, then = self.after["things"][id], self.before["things"][id]
            if thing is None or thing.name != now[1]:
                self._in_the_way(now[3] or id, id, f"{now[1]} is not called so now")
            if thing.driver != now[2]:
                self._in_the_way(now[3] or id, id, f"{now[1]} is no {now[2]} now")
            waiting.append((thing, then[1]))
            if thing.driver != then[2]:
                self.unit.recast_thing(thing, then[2])
        # Names may have been swapped: all are free before the first is given again.
        for thing, _ in waiting:
            self.unit.rename_thing(thing, f"\x01{thing.id}")
        for thing, name in waiting:
            self._name_is_free(name)
            self.unit.rename_thing(thing, name)

    def _name_is_free(self, name: str) -> None:
        taken = self.unit.get(name)
        if taken is not None:
            self._in_the_way(taken.entity_id, taken.id, f"there is another {name} now")

    # --- what the transaction took out is put back ------------------------------------------------------------------

    def _put_back(self) -> None:
        unit = self.unit
        back = {table: self._only(self.before, self.after, table) for table in self.before}
        unit.prefetch_names(row[1] for row in back["things"].values())
        unit.prefetch_claims(filter(None, map(_claim, back["attributes"].values())))
        for row in sorted(back["things"].values(), key=lambda row: row[3] is not None):
            self._name_is_free(row[1])
            if row[3] is not None:
                if (owner := unit.find(row[3])) is None:
                    self._in_the_way(row[3], row[0], f"{split_part(row[1])[0]} is not there now")
                self._allowed(owner.id, cabling.check_pairing, owner, registry.part(row[2]), row[1])
            unit.insert_thing(Thing(row[0], row[1], row[2], row[3], trailing_number(row[1]) if row[3] else None))
        for id, thing_id, _part, spelled, type, text, ref in back["attributes"].values():
            holder = unit.find(thing_id)
            if holder is None:
                self._in_the_way(thing_id, id, f"what had {spelled} is not there now")
            key = Key.parse(spelled)
            if ref is not None and unit.find(ref) is None:
                named = text if type == "relation" else f"the address space of {text}"
                self._in_the_way(ref, id, f"{named}, which {holder.name} named, is not there now")
            if key == containment.IN_KEY:
                self._allowed(ref, containment.check, holder, unit.by_id(ref))
            attribute = Attribute(id, thing_id, key, self._as_declared(holder, key, Value(type, text, ref)))
            if key.key == IP:
                self._address_is_free(attribute)
            unit.insert_attribute(attribute)
        for row in back["cables"].values():
            cable = rows.remembered_cable(row)
            for part_id, thing_id, name in (
                (cable.part, cable.thing, row[6]),
                (cable.other_part, cable.other_thing, row[7]),
            ):
                part = unit.find(part_id or thing_id)
                if part is None:
                    self._in_the_way(thing_id, row[0], f"{name} is not there now")
                if cable.slot and part_id is not None:
                    self._allowed(thing_id, cabling.check_free, part, cable.slot)
                elif part_id is not None and unit.cable_of(part) is not None:
                    self._in_the_way(thing_id, None, f"{part.name} is connected otherwise now")
            self._fits(cable)
            unit.insert_cable(cable)
        for row in back["cables"].values():
            if row[2] is None:
                self._allowed(row[5], cabling.check_position, unit.by_id(row[3]))

    def _as_declared(self, holder: Thing, key: Key, value: Value) -> Value:
        """The value as its key has it by now."""
        present = sum(each.key == key for each in self.unit.attributes(holder))
        try:
            (kept,) = declared.checked(self.unit, holder, key, [value])
            declared.check_number(self.unit, holder, key, present + 1)
        except ClustoError as error:
            self._in_the_way(holder.entity_id, None, str(error))
        return kept

    def _fits(self, cable: Cable) -> None:
        """Whether the path that a cable would make now still joins what fits."""
        if cable.part is not None and cable.other_part is not None:
            one, other = self.unit.by_id(cable.part), self.unit.by_id(cable.other_part)
            self._allowed(cable.thing, cabling.check_path, one, other)

    def _allowed(self, entity: int, rule: Callable[..., object], *arguments: object) -> None:
        try:
            rule(self.unit, *arguments)
        except Refused as error:
            self._in_the_way(entity, None, str(error))

    def _address_is_free(self, attribute: Attribute) -> None:
        claim = address_claim(attribute) or ""
        others = [each.thing_id for each in self.unit.sharers(claim) if each.key != attribute.key]
        holder = self.unit.claimant(claim) or next(map(self.unit.by_id, others), None)
        if holder is not None:
            self._in_the_way(holder.entity_id, None, f"{holder.name} holds {attribute.value.text} now")

    # --- ------------------------------------------------------------------------------------------------------------

    @staticmethod
    def _only(side: dict[str, Table], other: dict[str, Table], table: str) -> Table:
        return {id: row for id, row in side[table].items() if id not in other[table]}

    def _in_the_way(self, entity: int, row_id: int | None, what: str) -> NoReturn:
        """Refuses."""
        raise NotImplementedError


class _Revert(Undoing):
    def __init__(self, unit: UnitOfWork, number: int, changes: Iterable[history.Change]) -> None:
        super().__init__(unit, changes)
        self.number = number

    def apply(self) -> int:
        self.redo()
        sources.undo(self.unit, self.number, self.remembered, self.removed)
        return len(self.names)

    def _in_the_way(self, entity: int, row_id: int | None, what: str) -> NoReturn:
        """Refuses, naming the newest later transaction that touched the row, or the Thing."""
        touched = self.unit.reader.later_changes(entity, self.number)
        named = next((number for number, *sides in touched if row_id is not None and _mentions(sides, row_id)), None)
        if named is None and touched:
            named = touched[0][0]
        if named is None:
            raise Refused(f"transaction {self.number} cannot be undone: {what}")
        by = history.entry(self.unit.reader, named)
        raise Refused(
            f"transaction {self.number} cannot be undone: {what} (transaction {named} is in the way: {by.command})"
        )


class _LargeRevert(_Revert):
    """One that takes out the Things that the transaction had made some at a time."""

    def __init__(self, unit: UnitOfWork, number: int) -> None:
        self.made = unmaking.Unmaking(unit, number)
        super().__init__(unit, number, self.made.others)

    def apply(self) -> int:
        return super().apply() + len(self.made.made)

    def redo(self) -> None:
        self.made.empty(self._in_the_way)
        for id in self.made.cut:
            self.after["cables"].pop(id, None)
        self.unit.load(self.names)
        self._take_out()
        self.removed += self.made.made
        self.made.take_out(self._in_the_way)
        self.unit.load(self.names)
        self._rename()
        self._put_back()


def _claim(row: Any) -> str | None:
    """What an attribute that is to be put back would hold that no two may."""
    id, thing_id, _, spelled, type, text, ref = row
    return address_claim(Attribute(id, thing_id, Key.parse(spelled), Value(type, text, ref)))


def _mentions(sides: Iterable[str | None], row_id: int) -> bool:
    documents = (json.loads(side) for side in sides if side)
    return any(row[0] == row_id for document in documents for rows in document.values() for row in rows)
