"""The Things that one transaction made, taken out again with all that it gave them: a portion at a time, however many.

What they have goes first, of all, since they name each other; then the Things. How each is told waits in a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable
from typing import Any, NoReturn

from clusto_core.model.reserved import OWNED_NAME
from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.records import history
from clusto_core.records.history import Change, Rows
from clusto_core.store import rows
from clusto_core.store.database import Row
from clusto_core.store.spill import Spill
from clusto_core.store.telling import encode
from clusto_core.store.unit import UnitOfWork

Refuse = Callable[[int, int | None, str], NoReturn]
"""Refuses for what is in the way: the id of the Thing, that of the row, and what it is in words."""


class Unmaking:
    """What a transaction made, and `others`: what it did to what had been there before."""

    def __init__(self, unit: UnitOfWork, number: int) -> None:
        self.unit = unit
        self.number = number
        self.made: set[int] = set()
        """The ids of the whole Things."""
        self.others: list[Change] = []
        self.cut: set[int] = set()
        """The cables to others that are taken out."""
        self._half_told: set[int] = set()
        # Cables that are taken out, and still to be told with their second end.
        self._ends: set[int] = set()
        # Things and parts that others are told by.
        self._contents = Spill()
        for page in history.pages(unit.reader, number):
            for row in page:
                if _is_made(row):
                    self.made.add(row[0])
                else:
                    self.others.append(history.change(row))

    # --- what the Things have ----------------------------------------------------------------------------------------

    def empty(self, refuse: Refuse) -> None:
        """Takes out their attributes and cables."""
        for page in history.pages(self.unit.reader, self.number):
            made = [(id, name, json.loads(after)) for id, name, _, after in page if id in self.made]
            self._load(made)
            taken: tuple[list[int], list[int]] = ([], [])
            for id, name, told in made:
                self._take_cables(id, told, taken[1], refuse)
                self._take_attributes(name, told, taken[0], refuse)
            self._contents.append(made)
            self.unit.put_away((), *taken)

    def _load(self, made: Iterable[tuple[int, str, Rows]]) -> None:
        unit = self.unit
        found = unit.reader.by_ids(id for id, _, _ in made)
        ends = (id for _, _, told in made for row in told.get("cables", ()) for id in row[2:6] if id is not None)
        unit.known(unit.reader.by_ids({*ends} - found.keys()).values())
        unit.prefetch(unit.known(found.values()))

    def _take_cables(self, id: int, told: Rows, taken: list[int], refuse: Refuse) -> None:
        thing = self.unit.find(id)
        present = {each.id: each for each in self.unit.cables(thing)} if thing is not None else {}
        for row in told.get("cables", ()):
            if row[0] in self._half_told:
                self._half_told.discard(row[0])
                continue
            then = rows.remembered_cable(row)
            now = present.get(then.id)
            # What a cable carries follows from the ends of its path, which later changes may have moved.
            if now is None or now._replace(kind=then.kind) != then:
                refuse(id, row[0], f"{row[6]} and {row[7]} are not connected now as they were then")
            # What it leads to may have another name now.
            row[6:8] = [self.unit.by_id(end).name for end in (row[2] or row[3], row[4] or row[5])]
            self.unit.delete_cable(now)
            self._note(id, now, taken)

    def _note(self, id: int, cable: Cable, taken: list[int]) -> None:
        other = cable.other_thing if cable.thing == id else cable.thing
        if other not in self.made:
            self.cut.add(cable.id)
            self._ends.update((cable.part or cable.thing, cable.other_part or cable.other_thing))
            return
        taken.append(cable.id)
        if other != id:
            self._half_told.add(cable.id)

    def _take_attributes(self, name: str, told: Rows, taken: list[int], refuse: Refuse) -> None:
        for row in told.get("attributes", ()):
            found = self._attribute(row)
            if found is None:
                refuse(told["things"][0][0], row[0], f"{row[3]} of {name} is not now as it was then")
            row[5] = found.value.text  # what it names may have another name now
            self.unit.delete_attribute(found)
            if found.key == OWNED_NAME:
                self._ends.add(found.thing_id)
            else:
                taken.append(found.id)

    def _attribute(self, row: list[Any]) -> Attribute | None:
        holder = self.unit.find(row[1])
        every = self.unit.attributes(holder) if holder is not None else []
        return next((each for each in every if each.id == row[0]), None)

    # --- the Things --------------------------------------------------------------------------------------------------

    def take_out(self, refuse: Refuse) -> None:
        """Takes them out themselves, once nothing of others names them any more."""
        unit = self.unit
        for number in range(len(self._contents)):
            made = self._contents.batch(number)
            self._load((id, name, {}) for id, name, _ in made)
            removed = {row[0] for _, _, told in made for row in told["things"]}
            things = [self._present(row, refuse) for _, _, told in made for row in told["things"]]
            for attribute in unit.referring(removed):
                holder = unit.by_id(attribute.thing_id)
                refuse(holder.entity_id, attribute.id, f"{holder.name} names {attribute.value.text} now")
            for thing in things:
                check_bare(unit, thing, removed, refuse)
            for thing in reversed(things):
                unit.delete_thing(thing)
            unit.tell_gone((id, name, encode(_in_order(told)), told["things"][0][2]) for id, name, told in made)
            unit.put_away(removed - self._ends, (), ())

    def _present(self, row: list[Any], refuse: Refuse) -> Thing:
        thing = self.unit.find(row[0])
        if thing is None or thing.name != row[1]:
            refuse(row[3] or row[0], row[0], f"{row[1]} is not there now as it was then")
        return thing


def _is_made(row: Row) -> bool:
    """Whether a change, as the history keeps it, made a whole Thing."""
    id, _, before, after = row
    return before is None and str(after).startswith(f'{{"things":[[{id},')


def _in_order(told: Rows) -> Rows:
    return {table: sorted(every, key=lambda row: int(row[0])) for table, every in told.items()}


def check_bare(unit: UnitOfWork, thing: Thing, removed: Container[int], refuse: Refuse) -> None:
    """Whether nothing is left of a Thing but its row, and those of its parts that go too."""
    for left in unit.attributes(thing):
        refuse(thing.entity_id, left.id, f"{thing.name} has {left} now")
    if thing.is_part:
        if unit.cable_of(thing) is not None:
            refuse(thing.entity_id, None, f"{thing.name} is connected now")
        return
    for part in unit.parts(thing):
        if part.id not in removed:
            refuse(thing.id, part.id, f"{part.name} is there now")
    if unit.cables(thing):
        refuse(thing.id, None, f"{thing.name} is connected now")


def pays(unit: UnitOfWork, number: int, many: int) -> bool:
    """Whether so much was done in a transaction that what it made is to be taken out some at a time. Enforced policies
    are held against all that is changed, in memory."""
    return not unit.version and history.size(unit.reader, number) > many and not _policies(unit)


def _policies(unit: UnitOfWork) -> bool:
    from clusto_core.drivers.resources import Policy

    return bool(unit.reader.all([Policy.__name__]))
