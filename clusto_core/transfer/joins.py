"""The last rounds of an import: positions in racks, and cables. What differs is taken out before anything goes in."""

from __future__ import annotations

from collections.abc import Callable

from clusto_core.drivers.parts import RackUnit
from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.model import mounting
from clusto_core.model.names import split_part
from clusto_core.model.things import Cable, Thing
from clusto_core.rules import cabling, parts
from clusto_core.transfer.documents import Document
from clusto_core.transfer.faults import where
from clusto_core.transfer.work import DamagedError, Work


class Joins:
    """Positions and cables that the documents of one import say."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.unit = work.unit
        self.places: list[tuple[Document, Thing]] = []
        """Whose positions are to be taken."""
        self.spoken: set[int] | None = None
        """The parts in cables that are to be connected otherwise, where more are spoken of than are in memory."""
        self._joins: list[tuple[Document, Thing, Thing]] = []
        self._said = bytearray()
        # By id, a bit for each cable of before that a document says: ids are given out one after the other.

    def begin(self) -> None:
        """Begins another batch of Documents."""
        self.places.clear()
        self._joins.clear()

    def _note(self, part: Thing) -> None:
        """Notes that a document says the cable in a part."""
        if (cable := self.unit.cable_of(part)) is not None and cable.id < self.work.first_id:
            if (short := cable.id // 8 + 1 - len(self._said)) > 0:
                self._said.extend(bytes(short + len(self._said) // 8))
            self._said[cable.id // 8] |= 1 << cable.id % 8

    def _is_said(self, cable: Cable) -> bool:
        """Whether a document says a cable: as it does of all that are new."""
        byte, bit = divmod(cable.id, 8)
        return cable.id >= self.work.first_id or (byte < len(self._said) and bool(self._said[byte] >> bit & 1))

    def _earlier(self, part: Thing) -> Document | None:
        """The first document that says the cable in a part."""
        cable = self.unit.cable_of(part) if part.is_part else None
        if cable is None or not self._is_said(cable):
            return None
        ends = [self.unit.by_id(id) for id in (cable.part, cable.other_part) if id is not None]
        documents = self.work.documents
        places = {documents.places[end.owner_name] for end in ends if end.owner_name in documents.places}
        found = map(documents.at, sorted(places))
        return next((each for each in found if any(self._says(each, end) for end in ends)), None)

    def _says(self, document: Document, end: Thing) -> bool:
        if document.name != end.owner_name:
            return False
        names = {*document.connect, *document.columns}
        return end.part_name in names or any(self._calls(end, name) for name in names)

    def _calls(self, end: Thing, name: str) -> bool:
        """Whether a name is what the device itself calls a part."""
        return any(each.key == parts.LABEL and each.value.text == name for each in self.unit.attributes(end))

    # --- positions ---------------------------------------------------------------------------------------------------

    def leave_place(self, document: Document, thing: Thing) -> None:
        """Takes a device out of rack units where the document says others."""
        if not document.at:
            return
        present = cabling.positions(self.unit, thing)
        if present and (span := mounting.parse_span(document.at)) is not None:
            try:
                wanted = cabling.taking(self.unit, thing, span)
            except Refused as refusal:
                self.work.fault(document, refusal, "at")
                return
            units = {self.unit.by_id(cable.other_part or 0).number: cable.slot for cable in present}
            rack = self.unit.by_id(present[0].other_thing)
            if rack.name == span.rack and units == wanted:
                return
            for cable in present:
                self.unit.delete_cable(cable)
        self.places.append((document, thing))

    def take_place(self, document: Document, thing: Thing) -> None:
        """Puts a device where the document says."""
        span = mounting.parse_span(document.at)
        if span is None:
            return
        try:
            cabling.mount(self.unit, thing, self.work.lookup(span.rack), span)
        except DamagedError:
            return
        except ClustoError as error:
            self.work.fault(document, error, "at")

    # --- cables ------------------------------------------------------------------------------------------------------

    def cables(self, document: Document, thing: Thing) -> None:
        """Notes which parts the document connects to what."""
        for name, text in document.connect.items():
            try:
                part, far = self.work.part(thing, name), self._far(text)
                if part.is_a(RackUnit):
                    raise Malformed(f"{part.name} is a rack unit: say at: {part.name} of {far.owner_name}")
            except DamagedError:
                continue
            except ClustoError as error:
                self.work.fault(document, error, "connect", name)
            else:
                self._joins.append((document, part, far))

    def _far(self, text: str) -> Thing:
        if (found := self.unit.in_memory(text)) is not None:
            return found
        owner_name, part_name = split_part(text)
        owner = self.work.lookup(owner_name)
        return owner if part_name is None else self.work.part(owner, part_name)

    def _joins_to(self, part: Thing, far: Thing) -> bool:
        """Whether the cable in a part goes to `far`, a part or any part of a whole Thing."""
        cable = self.unit.cable_of(part)
        across = cable.across(part.id) if cable is not None else None
        return across is not None and far.id in (across, self.unit.by_id(across).owner_id)

    def speak(self) -> None:
        """Notes which parts in cables the documents connect to others."""
        self.spoken = self.spoken or set()
        ends = (end for _, part, far in self._missing() for end in (part, far) if end.is_part)
        self.spoken.update(end.id for end in ends if self.unit.cable_of(end) is not None)

    def leave(self) -> None:
        """Takes out the cables that the documents say otherwise."""
        self._leave(self._missing())

    def _missing(self) -> list[tuple[Document, Thing, Thing]]:
        """What is not connected as the documents say; what is, they are noted to say."""
        missing = []
        for join in self._joins:
            if self._joins_to(join[1], join[2]):
                self._note(join[1])
            else:
                missing.append(join)
        return missing

    def connect(self, progress: Callable[[int], None]) -> None:
        """Takes out the cables that the documents say otherwise, and puts in those that are not there."""
        missing = self._missing()
        self._leave(missing)
        for done, (document, part, far) in enumerate(missing):
            if done % 1000 == 0:
                progress(0)
            if self._joins_to(part, far):
                continue
            if self.work.later is not None and not far.is_part:
                # What is named comes before what is free.
                self.work.later.add(id(document))
                continue
            try:
                if far.is_part:
                    cabling.join(self.unit, part, far)
                else:
                    cabling.connect(self.unit, part, far)
            except Refused as refusal:
                earlier = self._earlier(part) or self._earlier(far)
                told = f" (as {where(earlier, document)} says)" if earlier is not None else ""
                self.work.fault(document, Refused(f"{refusal}{told}"), "connect", part.part_name)
            except ClustoError as error:
                self.work.fault(document, error, "connect", part.part_name)

    def _leave(self, missing: list[tuple[Document, Thing, Thing]]) -> None:
        """Takes out old cables: of each part that a document connects, and between two ends that are to be connected to
        others. A cable that leads to something no document speaks of is left: it is in the way, and that is told."""
        cable_of = self.unit.cable_of
        taken = [
            (own, end)
            for _, part, far in missing
            for own, end in ((True, part), (False, far))
            if end.owner_id is not None and cable_of(end) is not None
        ]
        if not taken:
            return
        spoken = {end.id for _, part, far in missing for end in (part, far)} | (self.spoken or set())
        for own, end in taken:
            cable = self.unit.cable_of(end)
            if cable is not None and not self._is_said(cable) and (own or cable.across(end.id) in spoken):
                self.unit.delete_cable(cable)
