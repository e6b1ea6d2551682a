"""Which Thing each object of a source is: the one that it was last time, else the one with its identity, its serial
number or a MAC of it, and last the one with its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import Mac
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.rules import containment
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sync.facts import Facts
from clusto_core.transfer.sync.work import Item, Work

SERIAL = Key("serial")
MAC = Key("mac")


def match(work: Work) -> None:
    """Finds the Things of all items, and reads what will be needed of them."""
    facts = work.ledger.facts([item.known.id for item in work.items if item.known is not None])
    work.unit.load(item.known.thing for item in work.items if item.known is not None and item.known.thing)
    for item in work.items:
        if item.known is not None:
            item.base = Facts.load(facts.get(item.known.id, {}))
            found = work.unit.find(item.known.thing) if item.known.thing else None
            if found is not None:
                work.became(item, found)
    _Matching(work).run()
    prefetch(work)


class _Matching:
    def __init__(self, work: Work) -> None:
        self.work = work
        self.taken = {item.thing.id for item in work.items if item.thing is not None}

    def run(self) -> None:
        """In the order of how sure each way is, for what is not found yet."""
        for texts_of, found_by in (
            (self._identities, self.work.key),
            (_serials, SERIAL),
            (_macs, MAC),
        ):
            self._by_value({item: texts_of(item) for item in self._missing()}, found_by)
        self._by_name()
        for item in self._missing():
            item.removed = item.known is not None and item.known.thing is not None and not self._comes_back(item)

    def _missing(self) -> list[Item]:
        return [item for item in self.work.items if item.thing is None]

    def _comes_back(self, item: Item) -> bool:
        """Whether an object that was removed here is to be made again."""
        assert item.known is not None
        return self.work.prefer == "source" or item.known.gone is not None

    def _identities(self, item: Item) -> list[str]:
        return [str(item.origin)]

    def _by_value(self, wanted: dict[Item, list[str]], key: Key) -> None:
        """By values that only one object and only one Thing have."""
        counted = Counter(text for texts in wanted.values() for text in texts)
        once = [text for text, count in counted.items() if count == 1]
        holding = self.work.unit.reader.holding(key, once) if once else {}
        for item, texts in wanted.items():
            holders = {each.entity_id for text in texts for each in holding.get(text, ()) if key != MAC or each.is_part}
            if len(holders) == 1 and (thing := self.work.unit.find(holders.pop())) is not None:
                self._take(item, thing)

    def _by_name(self) -> None:
        missing = self._missing()
        self.work.unit.prefetch_names([item.document.name for item in missing])
        for item in missing:
            thing = self.work.unit.get(item.document.name)
            if thing is not None and not thing.is_part and _alike(item.document, thing):
                self._take(item, thing)

    def _take(self, item: Item, thing: Thing) -> None:
        """Makes a Thing that of an object, unless it is that of another one which the source still has. What was said
        of it as an object that is gone is what was said of it last."""
        work = self.work
        before = work.by_thing.get(thing.id)
        if thing.id in self.taken or (
            before is not None and before.origin != item.origin and not left(work, before.origin)
        ):
            return
        self.taken.add(thing.id)
        work.became(item, thing)
        if before is not None and before.origin != item.origin:
            item.base = Facts.load(work.ledger.facts([before.id]).get(before.id, {}))


def left(work: Work, origin: object) -> bool:
    """Whether the source has an object no more."""
    reading = work.reading
    if origin in reading.whole or origin in reading.same:
        return False
    known = work.ledger.objects.get(origin)  # type: ignore[call-overload]
    return reading.complete or origin in reading.gone or (known is not None and known.gone is not None)


def _alike(document: Document, thing: Thing) -> bool:
    """Whether a Thing may be what a document of its name speaks of: of its driver, or both equipment."""
    from clusto_core.drivers import Equipment, registry

    if not document.driver or document.driver == thing.driver:
        return True
    return thing.is_a(Equipment) and issubclass(registry.of(document.driver), Equipment)


def _serials(item: Item) -> list[str]:
    document = item.document
    cells = document.columns.get(str(SERIAL), ())
    return [value.text for value in (*document.attrs.get(SERIAL, ()), *cells)]


def _macs(item: Item) -> list[str]:
    return [mac for found in item.document.part_attrs.values() for mac in macs(found.get(MAC, ()))]


def macs(given: Iterable[Value]) -> list[str]:
    """MAC addresses as the store spells them."""
    return [read.text for value in given if (read := Mac().read(value)) is not None]


def prefetch(work: Work) -> None:
    """Reads the Things that the items are, all that they name, and what that is in."""
    unit = work.unit
    names: set[str] = set()
    for item in work.items:
        document = item.document
        names.update((document.name, document.type, document.at.partition(":")[0], *document.parents))
        names.update(split_part(far)[0] for far in document.connect.values())
    names.discard("")
    unit.prefetch_names(names)
    named = [thing for name in names if (thing := unit.get(name)) is not None and not thing.is_part]
    there = (item.thing for item in work.items if item.thing is not None)
    containment.prefetch_above(unit, dict.fromkeys([*named, *there]))
