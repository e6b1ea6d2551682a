"""What the source has no more: it is marked, takes up nothing any longer, and is taken out where that is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from clusto_core.drivers.resources import Query
from clusto_core.errors import Refused
from clusto_core.model.keys import is_true
from clusto_core.model.things import Thing, in_force
from clusto_core.query.saving import check_unused
from clusto_core.records.sources import Remembered
from clusto_core.rules import containment, protection, things
from clusto_core.transfer.sync import addressing, joining, structure
from clusto_core.transfer.sync.exchange import mark_gone
from clusto_core.transfer.sync.facts import Facts
from clusto_core.transfer.sync.matching import left
from clusto_core.transfer.sync.report import Told
from clusto_core.transfer.sync.work import Leaver, Work


class Leaving:
    """The objects that the source has no more."""

    def __init__(self, work: Work, *, prune: bool) -> None:
        self.work = work
        self.unit = work.unit
        self.prune = prune
        self.aside: dict[Leaver, str] = {}
        self.refused: list[Told] = []
        self.removed: list[Leaver] = []
        self.lost: list[Remembered] = []
        """What is neither in the source nor here any more."""

    def find(self) -> None:
        """Finds the Things that are marked, or are to be."""
        work = self.work
        spoken = {each.thing for each in work.due.values()}
        absent = work.ledger.objects.keys() - work.reading.same - work.reading.places.keys()
        every = [work.ledger.objects[origin] for origin in absent if left(work, origin)]
        self.unit.load(each.thing for each in every if each.thing is not None)
        facts = work.ledger.facts([each.id for each in every])
        for each in every:
            thing = self.unit.find(each.thing) if each.thing is not None else None
            if thing is None or thing.id in spoken:
                self.lost.append(each)
            else:
                base = Facts.load(facts.get(each.id, {}))
                work.leavers.append(Leaver(each, base, thing, _protected(work, thing)))

    def name(self) -> None:
        """Frees the names of what is to go."""
        if self.prune:
            self.aside = structure.set_aside(self.work, [each for each in self.work.leavers if not each.protected])

    def leave(self) -> None:
        """Frees units and addresses, and marks; what is protected stays as it is but for the mark."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for leaver in self.work.leavers:
            mark_gone(self.work, leaver.thing, now)
            if leaver.protected or leaver.known.gone is not None:
                continue
            joining.leave_for_good(self.work, leaver)
            addressing.release_all(self.work, leaver.thing, leaver.base)

    def remove(self) -> None:
        """Takes them out, those first that are in others; what other things hang on stays, and is told."""
        waiting = list(self.work.leavers) if self.prune else []
        problems: dict[Leaver, Refused] = {}
        while waiting:
            problems = {leaver: problem for leaver in waiting if (problem := self._remove(leaver)) is not None}
            if len(problems) == len(waiting):
                break
            waiting = list(problems)
        for leaver, problem in problems.items():
            self._stays(leaver, problem)

    def _remove(self, leaver: Leaver) -> Refused | None:
        thing = leaver.thing
        try:
            protection.check_removal(self.unit, thing)
            if thing.is_a(Query):
                check_unused(self.unit, thing)
            things.remove(self.unit, thing)
        except Refused as refusal:
            return refusal
        self.removed.append(leaver)
        return None

    def _stays(self, leaver: Leaver, problem: Refused) -> None:
        name = self.aside.get(leaver, leaver.thing.name)
        text = str(problem).replace(leaver.thing.name, name).replace(": --force removes it all the same", "")
        if leaver in self.aside and (taker := structure.give_back(self.work, leaver, name)) is not None:
            self.work.fault(taker, f"the name is taken: {name}, which {self.work.ledger.name} has no more ({text})")
        self.refused.append(Told(name, text))


def _protected(work: Work, thing: Thing) -> bool:
    effective = in_force([thing, *containment.ancestors(work.unit, thing)], work.unit.attributes)
    return any(each.attribute.key == protection.PROTECTED and is_true(each.attribute.value.text) for each in effective)
