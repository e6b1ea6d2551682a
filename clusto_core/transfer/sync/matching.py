"""Which Thing each object of a source is: the one that it was last time, else the one with its identity, its serial
number or a MAC of it, and last the one with its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from clusto_core.model import addresses
from clusto_core.model.attributes import Key
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.rules import containment
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sync.due import MAC, SERIAL, Due
from clusto_core.transfer.sync.facts import Facts
from clusto_core.transfer.sync.work import Item, Work


def match(work: Work, every: Collection[Due]) -> None:
    """Finds the Things of all that is due."""
    wanted = {each.known.thing: each for each in every if each.known is not None and each.known.thing is not None}
    for id in _present(work, wanted):
        wanted[id].thing = id
    _Matching(work, every).run()


def _present(work: Work, ids: Iterable[int]) -> dict[int, Thing]:
    """Those of these Things that are there, by their ids."""
    found = work.unit.reader.by_ids(ids)
    work.unit.known(found.values())
    return found


class _Matching:
    def __init__(self, work: Work, every: Collection[Due]) -> None:
        self.work = work
        self.every = every
        self.taken = {each.thing for each in every if each.thing}

    def run(self) -> None:
        """In the order of how sure each way is, for what is not found yet."""
        ways: Sequence[tuple[Callable[[Due], Sequence[str]], Key]] = (
            (lambda each: (str(each.origin),), self.work.key),
            (lambda each: each.serials, SERIAL),
            (lambda each: each.macs, MAC),
        )
        for texts_of, found_by in ways:
            self._by_value({each: texts_of(each) for each in self._missing()}, found_by)
        self._by_name()
        for each in self._missing():
            each.removed = each.known is not None and each.known.thing is not None and not self._comes_back(each)

    def _missing(self) -> list[Due]:
        return [each for each in self.every if not each.thing]

    def _comes_back(self, each: Due) -> bool:
        """Whether an object that was removed here is to be made again."""
        assert each.known is not None
        return self.work.prefer == "source" or each.known.gone is not None

    def _by_value(self, wanted: dict[Due, Sequence[str]], key: Key) -> None:
        """By values that only one object and only one Thing have."""
        counted = Counter(text for texts in wanted.values() for text in texts)
        once = [text for text, count in counted.items() if count == 1]
        holding = self.work.unit.reader.holding(key, once) if once else {}
        found = {}
        for each, texts in wanted.items() if holding else ():
            holders = {one.entity_id for text in texts for one in holding.get(text, ()) if key != MAC or one.is_part}
            if len(holders) == 1:
                found[each] = holders.pop()
        there = _present(self.work, found.values())
        for each, id in found.items():
            if id in there:
                self._take(each, id)

    def _by_name(self) -> None:
        missing = self._missing()
        self.work.unit.prefetch_names([each.name for each in missing])
        for each in missing:
            thing = self.work.unit.get(each.name)
            if thing is not None and not thing.is_part and _alike(each.driver, thing):
                self._take(each, thing.id)

    def _take(self, each: Due, id: int) -> None:
        """Makes a Thing that of an object, unless it is that of another one which the source still has. What was said
        of it as an object that is gone is what was said of it last."""
        before = self.work.by_thing.get(id)
        other = before if before is not None and before.origin != each.origin else None
        if id in self.taken or (other is not None and not left(self.work, other.origin)):
            return
        self.taken.add(id)
        each.thing, each.heir_of = id, other


def left(work: Work, origin: object) -> bool:
    """Whether the source has an object no more."""
    reading = work.reading
    if origin in reading.places or origin in reading.same:
        return False
    known = work.ledger.objects.get(origin)  # type: ignore[call-overload]
    return reading.complete or origin in reading.gone or (known is not None and known.gone is not None)


def _alike(driver: str, thing: Thing) -> bool:
    """Whether a Thing may be what a document of its name speaks of: of its driver, or both equipment."""
    from clusto_core.drivers import Equipment, registry

    if not driver or driver == thing.driver:
        return True
    return thing.is_a(Equipment) and issubclass(registry.of(driver), Equipment)


# --- what is to be looked at now -------------------------------------------------------------------------------------


def look_at(work: Work, chosen: Iterable[tuple[Due, Document]]) -> None:
    """Has these objects be the ones that the rounds look at; reads what will be needed of them."""
    work.begin([Item(document, each.origin, each) for each, document in chosen])
    unit = work.unit
    there = _present(work, [item.due.thing for item in work.items if item.due.thing])
    facts = work.ledger.facts([each.id for item in work.items if (each := item.due.heir_of or item.due.known)])
    for item in work.items:
        if (before := item.due.heir_of or item.due.known) is not None:
            item.base = Facts.load(facts.get(before.id, {}))
        item.removed = item.due.removed
        if item.due.thing in there:
            work.became(item, unit.by_id(item.due.thing))
            item.new = item.due.thing >= unit.first_id
        if item.new:
            item.base.name = item.document.name
    _prefetch(work)


def _prefetch(work: Work) -> None:
    """Reads the Things that the items are, all that they name, and what that is in."""
    unit = work.unit
    names: set[str] = set()
    held: list[str] = []
    for item in work.items:
        document = item.document
        names.update((document.name, document.type, document.at.partition(":")[0], *document.parents))
        names.update(split_part(far)[0] for far in document.connect.values())
        held.extend(text for texts in document.addresses.values() for text in texts)
    names.discard("")
    unit.prefetch_names(names)
    unit.prefetch_claims([claim for text in held if (claim := addresses.claim_of(text))])
    named = [thing for name in names if (thing := unit.get(name)) is not None and not thing.is_part]
    there = (item.thing for item in work.items if item.thing is not None)
    containment.prefetch_above(unit, dict.fromkeys([*named, *there]))
