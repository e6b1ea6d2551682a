"""Taking in what was read from a source, in one transaction: all rounds again without what turns out to be at fault,
until nothing does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clusto_core.errors import ClustoError, Malformed, Refused
from clusto_core.inventory import Transaction
from clusto_core.model.origins import Origin
from clusto_core.records import sources
from clusto_core.records.sources import Remembered, Writing
from clusto_core.rules import cabling, categories, newkeys, spaces
from clusto_core.store import collector
from clusto_core.store.database import portions
from clusto_core.transfer import pile
from clusto_core.transfer.sources.protocol import Progress
from clusto_core.transfer.sync import addressing, deviations, exchange, matching, structure
from clusto_core.transfer.sync.due import SPACES, Due, due
from clusto_core.transfer.sync.facts import Facts
from clusto_core.transfer.sync.joining import Cables, Positions
from clusto_core.transfer.sync.leaving import Leaving
from clusto_core.transfer.sync.merging import Prefer
from clusto_core.transfer.sync.reading import Reading
from clusto_core.transfer.sync.report import Report, Told
from clusto_core.transfer.sync.work import Held, Item, Work


@dataclass(frozen=True)
class Options:
    """How to sync. prefer: who wins where both changed. prune: whether what the source has no more is taken out."""

    prefer: Prefer = ""
    prune: bool = False


def take_in(change: Transaction, reading: Reading, options: Options, progress: Progress) -> Report:
    """Brings the inventory in step with what was read. Raises Refused when another sync of the source was done since it
    was read, or when `change` has changed something before."""
    with change.attempts() as begin_anew, collector.paused():
        held: Held = {origin: [(text, False) for text in texts] for origin, texts in reading.broken.items()}
        while True:
            attempt = _Attempt(change, reading, options, held, progress)
            faults = attempt.run()
            if not faults:
                return attempt.finish()
            held |= faults
            begin_anew()


class _Attempt:
    def __init__(self, change: Transaction, reading: Reading, options: Options, held: Held, progress: Progress) -> None:
        self.change = change
        self.unit = change.unit
        self.reading = reading
        self.options = options
        self.progress = progress
        self.ledger = reading.ledger.current(self.unit.database)
        self.work = Work(change, reading, self.ledger, options.prefer, held)
        self.leaving = Leaving(self.work, prune=options.prune)
        self.touched = self._touched()
        self.kept: dict[Origin, tuple[str, ...]] = {}
        self.kept_there: dict[Origin, tuple[str, ...]] = {}
        """As `kept`, of what is no longer in memory, and remembered already."""
        self.added: list[str] = []
        self.spaces: list[Due] = []

    def _touched(self) -> set[int]:
        """The Things that somebody changed since the source was taken in last."""
        if not self.ledger.summary.id:
            return set()
        return sources.touched_since(self.unit.reader, self.ledger.summary.seen)

    def run(self) -> Held:
        """All rounds; gives what is at fault."""
        work = self.work
        work.due = {each.origin: each for each in due(self.reading, self.ledger)}
        self.progress("matching", 0, len(work.due))
        matching.match(work, work.due.values())
        self._in_portions()
        self._look_at(each for each in work.due.values() if not each.done)
        self.leaving.find()
        self._rounds(self.leaving)
        if not work.faults:
            self._check()
        return work.faults

    def _rounds(self, leaving: Leaving | None = None) -> None:
        """Brings in what is looked at; what is at fault is noted."""
        work = self.work
        positions, cables = Positions(work), Cables(work)
        rounds: list[Callable[[], None] | None] = [
            leaving.name if leaving is not None else None,
            lambda: structure.rename(work),
            lambda: structure.create(work),
            lambda: structure.columns(work),
            lambda: structure.recast(work),
            lambda: structure.plan_parts(work),
            # What goes, before anything comes: so that places, ports and addresses can change hands.
            cables.leave,
            positions.leave,
            lambda: exchange.leave(work),
            lambda: addressing.release(work),
            leaving.leave if leaving is not None else None,
            lambda: structure.change_parts(work),
            lambda: exchange.attributes(work),
            lambda: structure.remove_parts(work),
            lambda: addressing.hold(work),
            lambda: exchange.enter(work),
            positions.take,
            cables.enter,
            leaving.remove if leaving is not None else None,
        ]
        for done, step in enumerate(rounds):
            if leaving is not None:
                self.progress("taking in", done, len(rounds))
            if step is not None:
                step()

    def _look_at(self, every: Iterable[Due]) -> None:
        by_place = {each.place: each for each in every}
        chosen = self.reading.documents.chosen(sorted(by_place))
        matching.look_at(self.work, ((by_place[place], document) for batch in chosen for place, document in batch))

    # --- more than memory should hold --------------------------------------------------------------------------------

    def _in_portions(self) -> None:
        """Brings in what is seen for the first time, some at a time, where it is very much; what seems to be at fault
        then, perhaps because of what is not there yet, is left for the rounds over all that is left.

        Of what is seen for the first time nothing here is another than it was, unless somebody prefers one side: so
        the same object twice comes to what it does once.
        """
        size = self.reading.documents.size
        fresh = [each for each in self.work.due.values() if each.is_first_seen and each.origin not in self.work.held]
        if self.options.prefer or len(fresh) <= size or len(self.reading.documents) <= size:
            return
        self.work.provisional = True
        self._redefine()
        self.spaces = [each for each in self.work.due.values() if each.driver in SPACES]
        first = [each for each in fresh if each.holds_others]
        self._bring_in(first, max(size, pile.FEW))
        self._bring_in([each for each in fresh if not each.holds_others], size)
        left = [each for each in fresh if not each.done]
        if len(left) > size:
            self._bring_in(left, size)
        self.work.provisional = False

    def _redefine(self) -> None:
        """Things are made after what their types are in the source now."""
        self._look_at(each for each in self.work.due.values() if each.defines and not each.is_first_seen)
        structure.redefine(self.work)
        self.change.settle()

    def _bring_in(self, every: Sequence[Due], size: int) -> None:
        for batch in portions(every, size):
            self.progress("taking in", len(self.work.taken_in), len(self.work.due))
            self._look_at(batch)
            self._await_spaces()
            self._rounds()
            self._check_sizes()
            self._put_away()

    def _await_spaces(self) -> None:
        """Which space an address is in is known when all Networks are there."""
        if not all(each.done for each in self.spaces):
            for item in self.work.items:
                if item.document.addresses:
                    self.work.fault(item, "it is too early for its addresses")

    def _put_away(self) -> None:
        """Remembers what is brought in, and forgets it; of the others, which Thing each is."""
        work = self.work
        for item in work.items:
            item.due.thing = item.thing.id if item.thing is not None else 0
        taken = [item for item in work.active if item.thing is not None]
        for item in taken:
            if not item.new and (kept := self._deviating_of(item)):
                self.kept_there[item.origin] = kept
        every = [(self._remembered(item, self.kept_there.get(item.origin, ())), item.said.dump()) for item in taken]
        writing = Writing(self.unit, self.ledger)
        writing.number = self.unit.next_transaction
        writing.begin()
        writing.objects(self.ledger.summary.id, every)
        work.taken_in.update((item.present.id, each.id) for item, (each, _) in zip(taken, every, strict=True))
        self.added += [item.present.name for item in taken if item.new]
        for item in work.items:
            item.due.done = not work.is_held(item.origin)
        work.begin([])
        self.change.settle()

    # --- what is looked at when all is done --------------------------------------------------------------------------

    def _check(self) -> None:
        """The rules that hold for a transaction as a whole, each held against the Thing that breaks it."""
        self._check_sizes()
        things = {each.thing: each.origin for each in self.work.due.values() if each.thing}
        things |= {id: item.origin for id, item in self.work.of_thing.items()}
        for thing, refusal in [*categories.violated(self.unit), *spaces.violated(self.unit)]:
            if (offender := things.get(thing.id)) is None:
                raise refusal
            self.work.hold_back(offender, refusal)
        try:
            for _ in newkeys.notes(self.unit, strict=self.change.strict):
                pass
        except (Malformed, Refused) as error:
            self._new_key(error)

    def _check_sizes(self) -> None:
        for item in self.work.active:
            if item.thing is not None:
                try:
                    cabling.check_size(self.unit, item.thing)
                except ClustoError as error:
                    self.work.fault(item, error)

    def _new_key(self, error: ClustoError) -> None:
        """Holds back who has a key that cannot be beside those that there are."""
        words = {word.rstrip(":") for word in str(error).split()}
        offenders = [item.origin for item in self.work.active if not words.isdisjoint(_keys(item.said))]
        offenders += [origin for origin, said in self._said_before() if not words.isdisjoint(_keys(said))]
        if not offenders:
            raise error
        for origin in offenders:
            self.work.hold_back(origin, error)

    def _said_before(self) -> Iterator[tuple[Origin, Facts]]:
        """What was said of the objects that are no longer in memory."""
        numbers = self.work.taken_in
        done = (each for each in self.work.due.values() if each.thing in numbers)
        for batch in portions(done):
            facts = self.ledger.facts([numbers[each.thing] for each in batch])
            yield from ((each.origin, Facts.load(facts.get(numbers[each.thing], {}))) for each in batch)

    # --- what is remembered, and told --------------------------------------------------------------------------------

    def finish(self) -> Report:
        """Writes what is to be remembered; tells what was done."""
        self._kept()
        writing = Writing(self.unit, self.ledger)
        if self.work.taken_in and writing.number is None:
            writing.unnumber(self.unit.next_transaction)
        outcome = sources.CONFLICTS if self.work.held or self.leaving.refused else sources.IN_STEP
        source_id = writing.summary(outcome, state=self.ledger.state_to_keep(self.reading.state))
        for id, row in self._told_before(source_id):
            self.unit.before_sync[id] = row
        writing.forget(self._forgotten())
        writing.objects(source_id, [*self._taken(), *self._held(), *self._left(), *self._deviating()])
        return self._report()

    def _kept(self) -> None:
        work = self.work
        for item in work.items:
            if item.removed and item.known is not None:
                self.kept[item.origin] = self._removed_here(item.base)
            elif item.thing is not None and not item.new and not work.is_held(item.origin):
                self.kept[item.origin] = self._deviating_of(item)
        looked_at = work.due.keys() | {each.known.origin for each in work.leavers}
        due = [each for each in self._changed_here() if each.origin not in looked_at]
        self.unit.load(each.thing for each in due if each.thing is not None)
        facts = self.ledger.facts([each.id for each in due])
        for each in due:
            thing = self.unit.find(each.thing or 0)
            said = Facts.load(facts.get(each.id, {}))
            found = deviations.of(work, thing, said) if thing is not None else self._removed_here(said)
            self.kept[each.origin] = tuple(found)

    def _deviating_of(self, item: Item) -> tuple[str, ...]:
        return tuple(deviations.of(self.work, item.present, item.said))

    def _removed_here(self, said: Facts) -> tuple[str, ...]:
        """What is told of a removed Thing; nothing where the source only had something to say of another one's."""
        return (f"removed here, and still in {self.ledger.name}",) if said.driver else ()

    def _changed_here(self) -> list[Remembered]:
        lost = {each.origin for each in self.leaving.lost}
        return [each for id in self.touched if (each := self.work.by_thing.get(id)) and each.origin not in lost]

    def _taken(self) -> Iterator[tuple[Remembered, str | None]]:
        for item in self.work.active:
            if item.thing is not None:
                yield self._remembered(item, self.kept.get(item.origin, ())), item.said.dump()
        for item in self.work.items:
            if item.removed and item.known is not None and not self.work.is_held(item.origin):
                stamp = item.document.stamp
                yield replace(item.known, stamp=stamp, gone=None, held=(), kept=self.kept[item.origin]), None

    def _remembered(self, item: Item, kept: tuple[str, ...]) -> Remembered:
        id = item.known.id if item.known is not None else 0
        return Remembered(id, item.origin, item.present.id, item.document.name, item.document.stamp, kept=kept)

    def _held(self) -> Iterator[tuple[Remembered, str | None]]:
        for origin, why in self.work.held.items():
            texts = tuple(text for text, _ in why)
            known = self.ledger.objects.get(origin)
            if known is None:
                known = Remembered(0, origin, None, self.reading.called(origin) or "")
            yield replace(known, held=texts), None

    def _left(self) -> Iterator[tuple[Remembered, str | None]]:
        removed = {leaver.known.origin for leaver in self.leaving.removed}
        for leaver in self.work.leavers:
            if leaver.known.origin not in removed and leaver.known.gone is None:
                base = leaver.base if leaver.protected else leaver.base.without_joins()
                yield replace(leaver.known, gone=time.time_ns() // 1000, held=(), kept=()), base.dump()

    def _deviating(self) -> Iterator[tuple[Remembered, str | None]]:
        for origin, kept in self.kept.items():
            known = self.ledger.objects.get(origin)
            if known is not None and origin not in self.work.due and known.kept != kept:
                yield replace(known, kept=kept), None

    def _forgotten(self) -> list[Remembered]:
        return [*self.leaving.lost, *(leaver.known for leaver in self.leaving.removed)]

    def _told_before(self, source_id: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """What was remembered of the Things that are changed, for the history."""
        known = [(item.thing, item.known) for item in self.work.active if item.thing is not None and item.known]
        known += [(leaver.thing, leaver.known) for leaver in self.work.leavers]
        facts = self.ledger.facts([each.id for _, each in known]) if self.unit.changed else {}
        for thing, each in known:
            if each.id in facts:
                yield thing.id, sources.told_before(source_id, each, facts[each.id])

    def _report(self) -> Report:
        work = self.work
        report = Report(self.ledger.name, self.reading.objects, len(work.due), notes=list(self.reading.notes))
        report.unknown = work.unknown
        report.added = self.added + [item.present.name for item in work.active if item.new]
        gone = {leaver.known.origin for leaver in self.leaving.removed}
        report.removed = [self.leaving.aside.get(each, each.thing.name) for each in self.leaving.removed]
        report.gone = [leaver.thing.name for leaver in work.leavers if leaver.known.origin not in gone]
        report.kept = [Told(self._name(origin), text) for origin, texts in self._all_kept() for text in texts]
        for origin, why in work.held.items():
            for text, conflict in why:
                (report.conflicts if conflict else report.held).append(Told(self._name(origin), text))
        report.held += self.leaving.refused
        return report

    def _all_kept(self) -> Iterator[tuple[Origin, tuple[str, ...]]]:
        lost = {each.origin for each in self._forgotten()}
        before = {origin: each.kept for origin, each in self.ledger.objects.items() if each.kept}
        for origin, kept in {**before, **self.kept_there, **self.kept}.items():
            if origin not in lost and not self.work.is_held(origin):
                yield origin, kept

    def _name(self, origin: Origin) -> str:
        known = self.ledger.objects.get(origin)
        thing = self.unit.find(known.thing) if known is not None and known.thing is not None else None
        if thing is not None:
            return thing.name
        called = self.reading.called(origin)
        return called if called is not None else known.name if known is not None else str(origin)


def _keys(said: Facts) -> set[str]:
    """The keys that are said of a Thing and its parts."""
    return {*said.attrs, *(key for part in said.parts.values() for key in part.attrs)}
