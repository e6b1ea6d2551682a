"""The first rounds: Things get their names, come, become of another driver; so do their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from clusto_core.drivers import Driver, Equipment, Part, registry
from clusto_core.drivers.equipment import PLACES
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import ClustoError, NotFound, Refused
from clusto_core.model.names import trailing_number
from clusto_core.model.things import Thing
from clusto_core.rules import cabling, devicetypes, kinds, parts, things, values
from clusto_core.transfer.columns import sort
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sync.due import MAC, macs
from clusto_core.transfer.sync.facts import PartFacts
from clusto_core.transfer.sync.merging import Verdict, several, single
from clusto_core.transfer.sync.work import Item, Leaver, Work

_ASIDE = "\x01"
"""How a name begins that a Thing or part has until it gets another one, or is gone."""


def _aside(thing: Thing) -> str:
    """Such a name; it ends in no number, which would say where a part is."""
    return f"{_ASIDE}{thing.id}-"


# --- names -----------------------------------------------------------------------------------------------------------


def rename(work: Work) -> None:
    """Gives Things the names that the source gave them since: all at once, so that names may change hands."""
    wanted = {item: item.document.name for item in work.active if item.thing is not None and _renames(work, item)}
    for item in list(wanted):
        if (problem := _problem(work, item, wanted[item])) is not None:
            work.fault(item, problem)
            del wanted[item]
    while blocked := _blocked(work, wanted):
        for item, holder in blocked.items():
            work.fault(item, Refused(f"the name is taken: {wanted[item]}{_why(work, holder)}"))
            del wanted[item]
    for item in wanted:
        _call(work, item.present, _aside(item.present))
    for item, name in wanted.items():
        _call(work, item.present, name)


def _renames(work: Work, item: Item) -> bool:
    """Whether the source calls an object otherwise than it did, and the Thing here is to follow."""
    called = item.document.called or item.document.name
    item.said.called = called
    if item.base.called == called:
        # A name that clusto gave stays, whatever it would give now.
        item.said.name = item.base.name
        return False
    item.said.name = item.document.name
    here = item.present.name
    verdict = single(item.base.name or None, item.document.name, here, work.prefer)
    return work.takes(item, verdict, "its name", item.document.name, here)


def _problem(work: Work, item: Item, name: str) -> ClustoError | None:
    try:
        kinds.checked_name(name, item.present.kind)
    except ClustoError as error:
        return error
    return None


def _blocked(work: Work, wanted: Mapping[Item, str]) -> dict[Item, Thing]:
    """Those that would get a name which somebody has who does not give it away, or gets it too; with who that is."""
    movers = {item.present.id for item in wanted}
    first: dict[str, Item] = {}
    found = {}
    for item, name in wanted.items():
        holder = work.unit.get(name)
        if holder is not None and holder != item.present and holder.id not in movers:
            found[item] = holder
        elif (other := first.setdefault(name, item)) is not item:
            found[item] = other.present
    return found


def _why(work: Work, holder: Thing) -> str:
    if any(leaver.thing == holder for leaver in work.leavers):
        return f", which {work.ledger.name} has no more (--prune takes it out)"
    return ""


def set_aside(work: Work, leavers: Iterable[Leaver]) -> dict[Leaver, str]:
    """Frees the names of what is to be taken out, where others are to have them; gives the names that were."""
    names = {item.document.name for item in work.active}
    found = {leaver: leaver.thing.name for leaver in leavers if leaver.thing.name in names}
    for leaver in found:
        _call(work, leaver.thing, _aside(leaver.thing))
    return found


def give_back(work: Work, leaver: Leaver, name: str) -> Item | None:
    """Calls what stays as it was called; or gives the object that has its name now."""
    taker = work.unit.get(name)
    if taker is not None:
        return work.of_thing.get(taker.id)
    _call(work, leaver.thing, name)
    return None


def _call(work: Work, thing: Thing, name: str) -> None:
    every = [(part, f"{name}:{part.part_name}") for part in work.unit.parts(thing)]
    for each, new in [(thing, name), *every]:
        work.unit.rename_thing(each, new)


# --- Things ----------------------------------------------------------------------------------------------------------


def create(work: Work) -> None:
    """Makes the Things that are new: device types first, after which others are made."""
    redefine(work)
    new = [item for item in work.active if item.thing is None]
    types = [item for item in new if item.document.driver == DeviceType.__name__]
    first = set(types)
    for item in [*types, *(item for item in new if item not in first)]:
        try:
            _create(work, item)
            _define(work, item)
        except ClustoError as error:
            work.fault(item, error)


def _create(work: Work, item: Item) -> None:
    document = item.document
    said = document.driver or document.new_driver
    if not said:
        if document.if_there:
            work.unknown += 1
            item.removed = True
            return
        tell = not work.provisional and len(work.faults) < 10
        guess = work.unit.reader.suggestion(document.name) if tell else None
        near = f" (did you mean {guess}?)" if guess else ""
        raise NotFound(f"{document.name} is not in the inventory{near}: the source must say its driver if it is new")
    driver = kinds.named(said)
    item.model = work.change.shape(driver, document.parts_when_new, _type(work, document))
    work.became(item, things.add(work.unit, driver, document.name, model=item.model))
    item.new = True
    item.base.name = item.said.name = document.name
    item.said.called = document.called or document.name


def _type(work: Work, document: Document) -> str | None:
    """What the device type is called here that the source means."""
    if not document.type:
        return None
    try:
        return work.thing(work.lookup(document.type)).name
    except NotFound:
        return document.type


def _define(work: Work, item: Item) -> None:
    """What a device type defines is there before Things are made after it."""
    said = item.document.attrs.get(devicetypes.DEFINITION, ())
    if said and item.document.driver == DeviceType.__name__ and all(value.type != "relation" for value in said):
        values.put(work.unit, item.present, devicetypes.DEFINITION, said)


def columns(work: Work) -> None:
    """Tells a spreadsheet's columns that are parts of a Thing from those that are keys of attributes."""
    for item in work.active:
        if item.document.columns and item.thing is not None:
            item.document = replace(item.document)
            try:
                sort(work.unit, item.document, item.thing)
            except ClustoError as error:
                work.fault(item, error)


def redefine(work: Work) -> None:
    """Gives device types that are there the definitions that the source gives them."""
    for item in work.active:
        if item.thing is not None and item.present.is_a(DeviceType):
            _redefine(work, item)


def _redefine(work: Work, item: Item) -> None:
    """What is made after a device type in the same sync is made after its new definition."""
    said = item.document.attrs.get(devicetypes.DEFINITION, ())
    base = item.base.attrs.get(str(devicetypes.DEFINITION), ())
    here = tuple(each.value for each in work.unit.attributes(item.present) if each.key == devicetypes.DEFINITION)
    if several(base, said, here, work.prefer).verdict is Verdict.TAKE and said:
        values.put(work.unit, item.present, devicetypes.DEFINITION, said)


# --- drivers ---------------------------------------------------------------------------------------------------------


def recast(work: Work) -> None:
    """Makes Things those of another driver, where the source says so: a server that is a switch now."""
    for item in work.active:
        if item.thing is None or not item.document.driver:
            continue
        item.said.driver = item.document.driver
        here = item.present.driver
        verdict = single(item.base.driver or None, item.document.driver, here, work.prefer)
        if not item.new and work.takes(item, verdict, "its driver", item.document.driver, here):
            try:
                _check_recast(item.present, registry.of(item.document.driver))
            except ClustoError as error:
                work.fault(item, error)
            else:
                work.unit.recast_thing(item.present, item.document.driver)


def _check_recast(thing: Thing, driver: type[Driver]) -> None:
    """Raises Refused unless a Thing of one driver can become one of another: equipment that is no place."""
    for kind in (thing.kind, driver):
        if not issubclass(kind, Equipment) or issubclass(kind, PLACES):
            raise Refused(f"a {thing.driver} cannot become a {driver.__name__}: remove it here first")


# --- parts -----------------------------------------------------------------------------------------------------------


def plan_parts(work: Work) -> None:
    """Works out which parts the source says, and which of the Thing's they are; gives them their names.

    What has no parts by what it is, a pool say, has none that are said.
    """
    for item in work.active:
        if item.thing is None:
            continue
        try:
            wanted = _wanted(work, item)
            _PartMatching(work, item, wanted).run()
        except ClustoError as error:
            work.fault(item, error)


def _wanted(work: Work, item: Item) -> dict[str, str]:
    """The parts that a source says there are, each with its driver."""
    document = item.document
    item.said.made = item.new or item.base.made
    if not document.type and not document.parts and not (item.said.made and document.driver):
        return {}
    driver = registry.of(document.driver or item.present.driver)
    if item.model is None:
        known = document.parts_when_new if item.said.made else document.parts
        item.model = work.change.shape(driver, known, _type(work, document))
    said = None if document.type or item.said.made else {each.__name__ for each in parts.kinds(driver, document.parts)}
    item.planned = {part.name: part.attributes for part in item.model.parts if part.attributes}
    every = ((part.name, part.driver.__name__) for part in item.model.parts)
    return {name: stored for name, stored in every if said is None or stored in said}


class _PartMatching:
    """Which part of a Thing each one is that a document speaks of."""

    def __init__(self, work: Work, item: Item, wanted: dict[str, str]) -> None:
        self.work = work
        self.unit = work.unit
        self.item = item
        self.wanted = wanted
        self.own = {part.id: part for part in work.unit.parts(item.present)}
        self.taken: set[int] = set()

    def run(self) -> None:
        document, item = self.item.document, self.item
        spoken = [*self.wanted, *document.part_attrs, *document.connect, *(each for each in document.addresses if each)]
        keys = {name: self._key(name) for name in dict.fromkeys(spoken)}
        found = self._by_identity(keys) | {}
        for name in keys:
            if name not in found and (part := self.unit.part(item.present, name)) is not None:
                self._claim(found, name, part)
        self._by_mac(keys, found)
        for name, key in keys.items():
            if name not in self.wanted and name not in found:
                found[name] = parts.labelled(self.unit, item.present, name)
            part = found.get(name)
            driver = self.wanted.get(name, "")
            called = part.part_name if part is not None and not driver else name
            item.said.parts[key] = PartFacts(part.id if part is not None else 0, called, driver)
            item.part_keys[name] = key
        self._rename()

    def _key(self, name: str) -> str:
        origin = self.item.document.part_origins.get(name)
        return str(origin) if origin is not None else _by_name(name)

    def _by_identity(self, keys: dict[str, str]) -> dict[str, Thing]:
        """Those that the source knew last time, or that remember what they are."""
        remembered = {
            each.value.text: part for part in self.own.values() for each in self.unit.attributes(part)
            if each.key == self.work.key
        }  # fmt: skip
        found: dict[str, Thing] = {}
        for name, key in keys.items():
            before = self.item.base.parts.get(key)
            part = self.own.get(before.id) if before is not None else None
            if part is None and not key.startswith("="):
                part = remembered.get(key)
            if part is not None and (not key.startswith("=") or part.part_name == name):
                self._claim(found, name, part)
        return found

    def _by_mac(self, keys: dict[str, str], found: dict[str, Thing]) -> None:
        holders: dict[str, list[Thing]] = {}
        for part in self.own.values():
            for each in self.unit.attributes(part):
                if each.key == MAC:
                    holders.setdefault(each.value.text, []).append(part)
        for name in keys:
            given = macs(self.item.document.part_attrs.get(name, {}).get(MAC, ())) if name not in found else []
            parts = {part.id: part for mac in given for part in holders.get(mac, ())}
            if len(parts) == 1:
                self._claim(found, name, *parts.values())

    def _claim(self, found: dict[str, Thing], name: str, part: Thing) -> None:
        if part.id not in self.taken:
            self.taken.add(part.id)
            found[name] = part

    def _rename(self) -> None:
        """Gives parts the names that the source gave them since; parts may change names with each other."""
        wanted: dict[int, str] = {}
        for key, said in self.item.said.parts.items():
            part = self.own.get(said.id)
            if part is None or not said.driver:
                continue
            before = self.item.before(key)
            base = before.name if before is not None else None
            verdict = single(base, said.name, part.part_name, self.work.prefer)
            if self.work.takes(self.item, verdict, f"the name of {part.name}", said.name, part.part_name):
                self._check(part, said.name)
                wanted[part.id] = said.name
        for id in wanted:
            self.unit.rename_thing(self.own[id], f"{self.item.present.name}:{_aside(self.own[id])}")
        for id, name in wanted.items():
            target = f"{self.item.present.name}:{name}"
            holder = self.unit.get(target)
            if holder is not None and not self._goes(holder):
                raise Refused(f"the name is taken: {target}")
            if holder is not None:
                self.unit.rename_thing(holder, f"{self.item.present.name}:{_aside(holder)}")
            self.unit.rename_thing(self.own[id], target)

    def _goes(self, part: Thing) -> bool:
        """Whether a part was the source's, and is not any more."""
        was = {each.id for each in self.item.base.parts.values() if each.driver}
        return part.id in was and part.id not in {each.id for each in self.item.said.parts.values()}

    def _check(self, part: Thing, name: str) -> None:
        parts.checked_part_name(name)
        if trailing_number(name) != part.number:
            cabling.check_number_is_free_to_change(self.unit, part)


@lru_cache(10_000)
def _by_name(name: str) -> str:
    """The key of a part that has no identity but its name; one text for the parts of all machines that are alike."""
    return f"={name}"


def change_parts(work: Work) -> None:
    """Makes the parts that are new, and of another kind those that are; after old cables are out."""
    for item in work.active:
        if item.thing is None:
            continue
        try:
            _make_room(work, item)
            _add_parts(work, item)
            _recast_parts(work, item)
        except ClustoError as error:
            work.fault(item, error)


def remove_parts(work: Work) -> None:
    """Takes out the parts that the source has no more, when nothing names them any longer."""
    for item in work.active:
        if item.thing is None:
            continue
        try:
            for part in _going(work, item):
                things.remove(work.unit, part)
        except ClustoError as error:
            work.fault(item, str(error).replace(_ASIDE, "part "))


def _going(work: Work, item: Item) -> list[Thing]:
    """The parts of a Thing that the source had, and has no more."""
    present = {each.id for each in item.said.parts.values()}
    gone = [each.id for each in item.base.parts.values() if each.driver and each.id not in present]
    found = [part for id in gone if (part := work.unit.find(id)) is not None]
    return [part for part in found if part.owner_id == item.present.id]


def _make_room(work: Work, item: Item) -> None:
    """Frees the names of parts that are to go, where others are to have them."""
    names = {said.name for said in item.said.parts.values() if not said.id}
    for part in _going(work, item):
        if part.part_name in names:
            work.unit.rename_thing(part, f"{item.present.name}:{_aside(part)}")


def _add_parts(work: Work, item: Item) -> None:
    for key, said in item.said.parts.items():
        if said.id or not said.driver:
            continue
        before = item.base.parts.get(key)
        if before is not None and work.prefer != "source":
            said.id = before.id  # taken out here, and that stays
            continue
        driver = registry.part(said.driver)
        part = things.add_part(work.unit, driver, f"{item.present.name}:{said.name}")
        said.id = part.id
        work.added_parts.add(part.id)


def _recast_parts(work: Work, item: Item) -> None:
    for key, said in item.said.parts.items():
        part = work.unit.find(said.id) if said.driver else None
        if part is None:
            continue
        before = item.before(key)
        base = before.driver or None if before is not None else None
        verdict = single(base, said.driver, part.driver, work.prefer)
        if work.takes(item, verdict, f"the driver of {part.name}", said.driver, part.driver):
            _recast_part(work, part, registry.part(said.driver))


def _recast_part(work: Work, part: Thing, driver: type[Part]) -> None:
    """Of another kind, in its cable still. Raises Refused where that does not fit."""
    cable = work.unit.cable_of(part)
    across = cable.across(part.id) if cable is not None else None
    if cable is not None:
        work.unit.delete_cable(cable)
    cabling.check_pairing(work.unit, work.unit.by_id(part.entity_id), driver, part.part_name)
    work.unit.recast_thing(part, driver.__name__)
    if across is not None:
        cabling.join(work.unit, part, work.unit.by_id(across))
