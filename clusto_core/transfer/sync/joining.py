"""The rounds of positions and cables: what the source says no more is taken out before anything goes in."""

from __future__ import annotations

from clusto_core.errors import ClustoError, Refused
from clusto_core.model import mounting
from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import RackUnits
from clusto_core.model.names import split_part
from clusto_core.model.things import Cable, Thing
from clusto_core.rules import cabling, parts
from clusto_core.transfer.sync.facts import Facts, canonical
from clusto_core.transfer.sync.merging import Verdict, single
from clusto_core.transfer.sync.work import Item, Leaver, Work

Place = tuple[int, int, int, int]
"""A rack, the lowest and the highest half of its units, and 1 for what is mounted from the rear."""

# --- positions -------------------------------------------------------------------------------------------------------


class Positions:
    """Where things are mounted."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.unit = work.unit
        self.taking: list[Item] = []

    def leave(self) -> None:
        """Takes devices out of their units where the source says others since."""
        for item in self.work.active:
            if item.thing is None:
                continue
            try:
                item.said.at = self._said(item)
            except ClustoError as error:
                self.work.fault(item, error)
                continue
            here = position(self.work, item.present)
            verdict = single(item.base.at, item.said.at, here, self.work.prefer)
            if verdict is Verdict.SETTLED and here is not None and self._depth_changes(item):
                verdict = Verdict.TAKE
            if self.work.takes(item, verdict, "its position", self.words(item.said.at), self.words(here)):
                if here is not None:
                    self._unmount(item, here)
                if item.said.at is not None:
                    self.taking.append(item)

    def _depth_changes(self, item: Item) -> bool:
        """Whether it takes more or less of the same units than it did."""
        said = item.document.attrs.get(cabling.FULL_DEPTH) or self._typed(item, cabling.FULL_DEPTH)
        return canonical(said) != item.base.attrs.get(str(cabling.FULL_DEPTH), ())

    def _typed(self, item: Item, key: Key) -> tuple[Value, ...]:
        """What its device type says under a key."""
        found = item.model.attributes.get(key) if item.model is not None and item.document.type else None
        return (found,) if found is not None else ()

    def _said(self, item: Item) -> Place | None:
        span = mounting.parse_span(item.document.at)
        if span is None:
            return None
        tall = self._height(item) if span.high is None else None
        top = span.low + tall - 1 if tall else span.top
        return self.work.lookup(span.rack), span.low, top, int(span.face == "rear")

    def _height(self, item: Item) -> int | None:
        """How many halves of units a device will be high, which decides how many are meant where one is named."""
        said = item.document.attrs.get(cabling.HEIGHT) or self._typed(item, cabling.HEIGHT)
        read = RackUnits().read(said[0]) if said else None
        return int(2 * float(read.text)) if read is not None else cabling.height(self.unit, item.present)

    def _unmount(self, item: Item, here: Place) -> None:
        for cable in cabling.positions(self.unit, item.present):
            self.unit.delete_cable(cable)
        self.work.unmounted.add(item)

    def words(self, place: Place | None) -> str:
        """A position for people."""
        if place is None:
            return "none"
        return f"{self.work.called(place[0])}:{spelled(place)}"

    def take(self) -> None:
        """Puts devices where the source says."""
        for item in self.work.attempt(self.taking):
            if item.said.at is None:
                continue
            rack, _, high, _ = item.said.at
            span = mounting.parse_span(item.document.at)
            try:
                self._make_room(item)
                cabling.mount(self.unit, item.present, self.work.thing(rack), span and span._replace(high=high))
            except ClustoError as error:
                self.work.fault(item, error)

    def _make_room(self, item: Item) -> None:
        """Where the source is preferred, a place here is left for the one that it says."""
        from clusto_core.rules import containment

        place = containment.standing(self.unit, item.present)
        if self.work.prefer == "source" and place is not None and place.id != (item.said.at or (0,))[0]:
            rack = self.work.thing((item.said.at or (0,))[0])
            if not containment.is_in(self.unit, rack, place):
                containment.take(self.unit, item.present, place)


def position(work: Work, thing: Thing) -> Place | None:
    """Where a device is mounted here."""
    taken = cabling.positions(work.unit, thing)
    if not taken:
        return None
    halves = mounting.halves((work.unit.by_id(cable.other_part or 0).number or 0, cable.slot) for cable in taken)
    return taken[0].other_thing, halves[0], halves[-1], int(mounting.face_of(taken[0].slot, "") == "rear")


def spelled(place: Place) -> str:
    """The units of a position: `RU13-14`."""
    _, low, high, rear = place
    cells = mounting.WHOLE | (mounting.FACING_REAR if rear else 0)
    return mounting.spelled(mounting.taken(low, high, cells).items())


# --- cables ----------------------------------------------------------------------------------------------------------

End = int | tuple[int, str]
"""A part, or a whole Thing, by its id; or a part that is not made yet, by its owner and name."""
Pair = frozenset[End]


class Cables:
    """The cables that the source says, each by its two ends, whichever of the two Documents says it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.unit = work.unit
        self.said: dict[Pair, tuple[Item, str, str]] = {}
        self.before: dict[Pair, tuple[int, int]] = {}
        self._others: dict[int, Facts] = {}

    def leave(self) -> None:
        """Takes out the cables that the source says no more, and that are here as it said them."""
        for item in self.work.active:
            if item.thing is not None:
                self._note(item)
        for leaver in self.work.leavers:
            if not leaver.protected:
                self._note_before(leaver.base)
        told = self._told_elsewhere([pair for pair in self.before if pair not in self.said])
        for pair, (part, far) in self.before.items():
            if pair not in self.said and pair not in told:
                self._take_out(part, far)

    def _note(self, item: Item) -> None:
        self._note_before(item.base)
        for name, far in item.document.connect.items():
            try:
                pair = frozenset((self._end(item.present, name), self._far(far)))
            except ClustoError as error:
                self.work.fault(item, f"connect {name}: {error}")
            else:
                self.said.setdefault(pair, (item, name, far))

    def _note_before(self, base: Facts) -> None:
        for part, far in base.cables:
            self.before[frozenset((part, far))] = (part, far)

    def _end(self, owner: Thing, name: str) -> End:
        """The part of that name, which a Document may call otherwise than it is called yet."""
        item = self.work.of_thing.get(owner.id)
        key = item.part_keys.get(name) if item is not None and not self.work.is_held(item.origin) else None
        if item is not None and key is not None:
            return item.said.parts[key].id or (owner.id, name)
        part = self.unit.part(owner, name)
        return part.id if part is not None else self._to_come(item, owner, name)

    def _to_come(self, item: Item | None, owner: Thing, name: str) -> End:
        """A part that is known by its label, or by what it was called when the source was read last."""
        if item is None and (known := self.work.remembered_of(owner.id)) is not None:
            for said in self._facts(known).parts.values():
                if said.name == name and self.unit.find(said.id) is not None:
                    return said.id
        return parts.labelled(self.unit, owner, name).id

    def _far(self, text: str) -> End:
        owner_name, part_name = split_part(text)
        owner = self.work.thing(self.work.lookup(owner_name))
        return owner.id if part_name is None else self._end(owner, part_name)

    def _told_elsewhere(self, pairs: list[Pair]) -> set[Pair]:
        """Those that another object still says, which is not looked at, or is held back."""
        owners = {self._owner(end) for pair in pairs for end in pair if isinstance(end, int)}
        owners -= {item.thing.id for item in self.work.active if item.thing is not None}
        owners -= {leaver.thing.id for leaver in self.work.leavers}
        owners -= {each.thing or 0 for each in self.work.ledger.objects.values() if each.gone is not None}
        silent = [number for owner in owners if (number := self.work.remembered_of(owner)) is not None]
        return {frozenset(pair) for number in silent for pair in self._facts(number).cables}

    def _owner(self, id: int) -> int:
        found = self.unit.find(id)
        return found.entity_id if found is not None else 0

    def _facts(self, object_id: int) -> Facts:
        if object_id not in self._others:
            self._others[object_id] = Facts.load(self.work.ledger.facts([object_id]).get(object_id, {}))
        return self._others[object_id]

    def _take_out(self, part_id: int, far: int) -> None:
        part = self.unit.find(part_id)
        cable = self.unit.cable_of(part) if part is not None else None
        if cable is not None and self._leads(cable, part_id, far):
            self.unit.delete_cable(cable)

    def _leads(self, cable: Cable, part: int, far: int) -> bool:
        """Whether the cable in a part goes to another part, or to any of a whole Thing."""
        across = cable.across(part)
        return across is not None and far in (across, self.unit.by_id(across).owner_id)

    # --- what goes in ------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Puts in the cables that the source says since; notes all that it says."""
        for item, name, far_text in self.said.values():
            if self.work.is_held(item.origin):
                continue
            try:
                part, far = self._made(item, name), self._far(far_text)
                if not isinstance(far, int):
                    raise Refused(f"no such part: {far_text}")
                item.said.cables += ((part, far),)
                self._join(item, part, far)
            except ClustoError as error:
                self.work.fault(item, f"connect {name}: {error}")

    def _made(self, item: Item, name: str) -> int:
        end = self._end(item.present, name)
        if not isinstance(end, int):
            raise Refused(f"no such part: {item.present.name}:{name}")
        return end

    def _join(self, item: Item, part_id: int, far_id: int) -> None:
        if frozenset((part_id, far_id)) in self.before:
            return  # the source says what it said: what was done to it here stays
        part, far = self.work.thing(part_id), self.work.thing(far_id)
        cable = self.unit.cable_of(part)
        if cable is not None and self._leads(cable, part_id, far_id):
            return
        for end in (part, far):
            if end.is_part and not self._free(item, end, far if end is part else part):
                return
        if far.is_part:
            cabling.join(self.unit, part, far)
        else:
            cabling.connect(self.unit, part, far)

    def _free(self, item: Item, end: Thing, wanted: Thing) -> bool:
        """Whether the source's cable is to go into a part; what is in it since is taken out where that is preferred."""
        cable = self.unit.cable_of(end)
        if cable is None:
            return True
        across = self.unit.by_id(cable.across(end.id) or cable.thing)
        verdict = single(None, wanted.name, across.name, self.work.prefer)
        if frozenset((end.id, across.id)) in self.said:
            verdict = Verdict.CONFLICT
        if not self.work.takes(item, verdict, f"what is connected to {end.name}", wanted.name, across.name):
            return False
        self.unit.delete_cable(cable)
        return True


def leave_for_good(work: Work, leaver: Leaver) -> None:
    """Frees the units and the addresses of what the source has no more, as far as it said them."""
    here = position(work, leaver.thing)
    if here is not None and here == leaver.base.at:
        for cable in cabling.positions(work.unit, leaver.thing):
            work.unit.delete_cable(cable)
