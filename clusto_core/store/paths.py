"""Paths of cables through patch panels, as they are in a transaction: found by following what is kept."""

from __future__ import annotations

from clusto_core.drivers.parts import FrontPort, RearPort
from clusto_core.model import wiring
from clusto_core.model.things import Cable, Thing
from clusto_core.store.kept import Kept


class Paths(Kept):
    """Where paths end."""

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
