"""The last rounds of an import: positions in racks, and cables. What differs is taken out before anything goes in."""

from __future__ import annotations

from collections.abc import Callable

from clusto_core.drivers.parts import RackUnit
from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.model import mounting
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.rules import cabling
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
        self._joins: list[tuple[Document, Thing, Thing]] = []
        # Which document said that a part is in the cable that is in it.
        self._said: dict[int, Document] = {}

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
        owner_name, part_name = split_part(text)
        owner = self.work.lookup(owner_name)
        return owner if part_name is None else self.work.part(owner, part_name)

    def _joins_to(self, part: Thing, far: Thing) -> bool:
        """Whether the cable in a part goes to `far`, a part or any part of a whole Thing."""
        cable = self.unit.cable_of(part)
        across = cable.across(part.id) if cable is not None else None
        return across is not None and far.id in (across, self.unit.by_id(across).owner_id)

    def connect(self, progress: Callable[[int, int], None]) -> None:
        """Takes out the cables that the documents say otherwise, and puts in those that are not there."""
        missing = []
        for join in self._joins:
            document, part, far = join
            if (cable := self.unit.cable_of(part)) is not None and self._joins_to(part, far):
                for end in (cable.part, cable.other_part):
                    self._said[end or 0] = document
            else:
                missing.append(join)
        self._leave(missing)
        for done, (document, part, far) in enumerate(missing):
            if done % 1000 == 0:
                progress(done, len(missing))
            if part.id in self._said and self._joins_to(part, far):
                continue
            try:
                joined = cabling.join(self.unit, part, far) if far.is_part else self._first_free(part, far)
            except Refused as refusal:
                earlier = self._said.get(part.id) or self._said.get(far.id)
                told = f" (as {where(earlier, document)} says)" if earlier is not None else ""
                self.work.fault(document, Refused(f"{refusal}{told}"), "connect", part.part_name)
            except ClustoError as error:
                self.work.fault(document, error, "connect", part.part_name)
            else:
                for each in joined:
                    self._said[each.id] = document

    def _leave(self, missing: list[tuple[Document, Thing, Thing]]) -> None:
        """Takes out old cables: of each part that a document connects, and between two ends that are to be connected to
        others. A cable that leads to something no document speaks of is left: it is in the way, and that is told."""
        spoken = {end.id for _, part, far in missing for end in (part, far)}
        for _, part, far in missing:
            for own, end in ((True, part), (False, far)):
                cable = self.unit.cable_of(end) if end.is_part else None
                if cable is not None and end.id not in self._said and (own or cable.across(end.id) in spoken):
                    self.unit.delete_cable(cable)

    def _first_free(self, part: Thing, far: Thing) -> cabling.Joined:
        return cabling.connect(self.unit, part, far)[0]
