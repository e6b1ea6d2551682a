"""Brings a device type that changed to the Things that were made after it.

Three definitions meet at each Thing: the one that it was made after, the one that the type has now, and what the Thing
is. What only the type changed is taken; what somebody changed on the Thing stays, and so does whatever a cable is in.

Which definition a Thing was made after follows from ids, which only grow: the newest that was there before the Thing's
value `type`. That value is written anew by an update. Former definitions are in the history.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clusto_core.drivers import registry
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import ClustoError, NotFound, Refused, did_you_mean
from clusto_core.model.attributes import Key, Value
from clusto_core.model.interfaces import PARENT
from clusto_core.model.things import Attribute, Thing, in_order
from clusto_core.rules import cabling, devicetypes, kinds, things, values
from clusto_core.rules.devicetypes import DEFINITION, TYPE, TypedPart
from clusto_core.spelling import natural_key, suggest
from clusto_core.store.unit import UnitOfWork

ADD, SET, DELETE, KEEP = "add", "set", "delete", "keep"


class Step(NamedTuple):
    """What an update does to a Thing or a part, or leaves as it is (`keep`), and why."""

    name: str
    action: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.action} {self.what}"


def update(unit: UnitOfWork, name: str | None = None) -> list[Step]:
    """Updates the Things made after a device type, or after any; gives what was done, in the order of their names.

    Raises NotFound for a type that is not there.
    """
    types = [thing for thing in unit.known(unit.reader.all([DeviceType.__name__])) if name in (None, thing.name)]
    if name is not None and not types:
        known = [thing.name for thing in unit.reader.all([DeviceType.__name__])]
        raise NotFound(f"no such device type: {name[:80]}{did_you_mean(suggest(name, known))}")
    return [step for type in in_order(types) for step in _Type(unit, kinds.checked(type, DeviceType)).update()]


class _Type:
    def __init__(self, unit: UnitOfWork, type: Thing) -> None:
        self.unit = unit
        self.type = type
        self.versions = dict(sorted(_versions(unit, type)))
        """The definitions that the type has had, by the ids of their rows, oldest first."""

    def update(self) -> Iterator[Step]:
        current = next(reversed(self.versions), None)
        if current is None:
            return
        for thing, stamp in self._users():
            base = max((id for id in self.versions if id < stamp.id), default=None)
            if base == current:
                continue
            driver = registry.of(thing.driver)
            try:
                now = devicetypes.model(self.versions[current], self.type.name, driver)
            except ClustoError as error:
                yield Step(thing.name, KEEP, f"as it is: {error}")
                continue
            before = devicetypes.Model([], {})
            if base is not None:
                before = devicetypes.model(self.versions[base], self.type.name, driver)
            yield from _Update(self.unit, thing, before, now).steps()
            self.unit.delete_attribute(stamp)
            self.unit.insert_attribute(stamp._replace(id=self.unit.new_id()))

    def _users(self) -> list[tuple[Thing, Attribute]]:
        """The Things made after the type, each with the value that says so."""
        reader = self.unit.reader
        named = {thing.id for thing in reader.having(TYPE, self.type.name)}
        named |= {each.thing_id for each in reader.referring([self.type.id]) if each.key == TYPE}
        self.unit.load(named)
        found = []
        for thing in in_order(self.unit.by_id(id) for id in named):
            said = [each for each in self.unit.attributes(thing) if each.key == TYPE]
            if len(said) == 1 and not thing.is_part and said[0].value.text == self.type.name:
                found.append((thing, said[0]))
        return found


def _versions(unit: UnitOfWork, type: Thing) -> Iterator[tuple[int, object]]:
    for _, *sides in unit.reader.later_changes(type.id, 0):
        for side in sides:
            for id, _, part, key, kind, text, *_ in json.loads(side).get("attributes", ()) if side else ():
                if part is None and key == str(DEFINITION) and kind == "json":
                    yield id, json.loads(text)
    for attribute in unit.attributes(type):
        if attribute.key == DEFINITION and attribute.value.type == "json":
            yield attribute.id, attribute.value.python()


class _Update:
    """One Thing brought from one definition to another."""

    def __init__(self, unit: UnitOfWork, thing: Thing, before: devicetypes.Model, now: devicetypes.Model) -> None:
        self.unit = unit
        self.thing = thing
        self.before = before
        self.now = now

    def steps(self) -> Iterator[Step]:
        yield from self._attributes(self.thing, self.before.attributes, self.now.attributes)
        before = {part.name: part for part in self.before.parts}
        now = {part.name: part for part in self.now.parts}
        for name in sorted(before.keys() - now.keys(), key=natural_key):
            yield from self._left_out(before[name])
        for name, planned in now.items():
            yield from self._part(planned, before.get(name))
        for planned in self.now.parts:
            self._join(planned)

    def _left_out(self, planned: TypedPart) -> Iterator[Step]:
        """A part that the type has no longer."""
        part = self.unit.part(self.thing, planned.name)
        if part is None or part.driver != planned.driver.__name__:
            return
        own = [each for each in self.unit.attributes(part) if planned.attributes.get(each.key) != each.value]
        own = [each for each in own if each.key != PARENT]
        reason = f"it has {own[0]}" if own else ""
        if not reason:
            try:
                things.remove(self.unit, part)
            except Refused as refusal:
                reason = str(refusal)
        if reason:
            yield Step(part.name, KEEP, f"the {planned.driver.__name__} that the type has no longer: {reason}")
        else:
            yield Step(self.thing.name, DELETE, f"{planned.driver.__name__} {planned.name}")

    def _part(self, planned: TypedPart, before: TypedPart | None) -> Iterator[Step]:
        part = self.unit.part(self.thing, planned.name)
        kind = planned.driver.__name__
        if part is not None and part.driver != kind:
            yield Step(part.name, KEEP, f"the {part.driver}, where the type has a {kind}")
        elif part is not None:
            yield from self._attributes(part, before.attributes if before else {}, planned.attributes)
        elif before is not None:
            yield Step(self.thing.name, KEEP, f"without {kind} {planned.name}, which was removed by hand")
        else:
            try:
                name = f"{self.thing.name}:{planned.name}"
                things.add_part(self.unit, planned.driver, name, list(planned.attributes.items()))
            except Refused as refusal:
                yield Step(self.thing.name, KEEP, f"without {kind} {planned.name}: {refusal}")
            else:
                yield Step(self.thing.name, ADD, f"{kind} {planned.name}")

    def _join(self, planned: TypedPart) -> None:
        part = self.unit.part(self.thing, planned.name)
        parent = self.unit.part(self.thing, planned.parent) if planned.parent else None
        if part is not None and parent is not None:
            values.put(self.unit, part, PARENT, [values.relation(parent)])

    def _attributes(self, thing: Thing, before: Mapping[Key, Value], now: Mapping[Key, Value]) -> Iterator[Step]:
        for key in sorted({*before, *now} - {TYPE}, key=str):
            was, wanted = before.get(key), now.get(key)
            present = [each.value for each in self.unit.attributes(thing) if each.key == key]
            if was == wanted or present == _listed(wanted):
                continue
            says = _told(key, _listed(wanted))
            if present != _listed(was):
                yield Step(thing.name, KEEP, f"{key}={_told(key, present)}, set by hand (the type says {says})")
            elif key == cabling.HEIGHT and cabling.positions(self.unit, thing):
                yield Step(thing.name, KEEP, f"{key} as it is, since it is mounted (the type says {says})")
            else:
                values.put(self.unit, thing, key, _listed(wanted))
                yield Step(thing.name, SET if wanted else DELETE, f"{key}={says}" if wanted else str(key))


def _listed(value: Value | None) -> list[Value]:
    return [] if value is None else [value]


def _told(key: Key, given: Iterable[Value]) -> str:
    return ", ".join(value.shown(key) for value in given) or "none"
