"""Brings what files say into the inventory: checked wholly, in one transaction, changing only what differs.

Things may come in any order, so the work goes in rounds over all of them: the Things and their parts, then values,
addresses and memberships, then positions and cables, of which all old ones are taken out before new ones go in. The
rules are those of the model. What is wrong with one Thing does not keep the next from being looked at.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from clusto_core.drivers import registry
from clusto_core.drivers.resources import VRF, DeviceType
from clusto_core.errors import ClustoError, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.model import addresses, keys
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import NEXT_NUMBER, Key, Value
from clusto_core.model.names import split_part
from clusto_core.model.things import Thing
from clusto_core.records import imported
from clusto_core.records.imported import NOTHING, Imported
from clusto_core.rules import claims, containment, kinds, parts, things, values
from clusto_core.rules.devicetypes import DEFINITION, TYPE
from clusto_core.rules.spaces import Spaces
from clusto_core.store.unit import UnitOfWork
from clusto_core.transfer import columns, instep, missing, proposed
from clusto_core.transfer.documents import Document, Values
from clusto_core.transfer.faults import Faulty, place
from clusto_core.transfer.joins import Joins
from clusto_core.transfer.pile import Pile
from clusto_core.transfer.work import EARLY, DamagedError, Placed, Work

Progress = Callable[[str, int, int], None]
"""Told what is being done, and for how many Things of how many it is done."""

Made = list[tuple[Document, Thing]]
Action = Callable[[Document, Thing], None]


class Counts(NamedTuple):
    """How many Things the files name, and how many of those were new; `implied` are those that were made because others
    name them."""

    named: int
    added: int
    implied: Sequence[Document] = ()


def load(
    change: Transaction,
    documents: Iterable[Document],
    progress: Progress = lambda what, done, total: None,
    create: bool | None = None,
    files: str = "",
) -> Counts:
    """Makes the inventory agree with the documents, within `change`. `create` says whether Things that a spreadsheet
    names and does not speak of are made (`missing.settled`). Where it is said which files they are of
    (`imported.files_digest`), those that were in step are not looked at once more (`instep`), and it is remembered
    which are now. Raises Faulty with all that is wrong with them."""
    work = Work(change, documents if isinstance(documents, Pile) else Pile(documents))
    known = imported.of_files(work.unit.database, files) if files else NOTHING
    with work.unit.wholly():
        made = _Rounds(work, progress).run(create, known)
        if work.faults:
            raise Faulty(work.faults)
    if files:
        _remember(change, files, known, frozenset(work.documents.digests) - {0})
    return Counts(made, work.added, tuple(work.implied))


def _remember(change: Transaction, files: str, before: Imported, digests: frozenset[int]) -> None:
    """Keeps which documents are in step, if nothing is changed after they were brought in."""
    database = change.unit.database
    if change.unit.changed or before != Imported(change.unit.next_transaction - 1, digests):
        change.at_last(lambda number: imported.keep(database, files, Imported(number, digests)))


def without_faulty(documents: Iterable[Document], error: Faulty) -> Pile:
    """The documents that nothing was wrong with: what can be tried again without the others."""
    faulty = error.documents
    return Pile(document for document in documents if place(document) not in faulty)


class _Rounds:
    def __init__(self, work: Work, progress: Progress) -> None:
        self.work = work
        self.change = work.change
        self.unit = work.unit
        self.joins = Joins(work)
        self.told = progress
        self.done = 0

    def run(self, create: bool | None, known: Imported) -> int:
        """All of it; gives how many Things the files name."""
        work = self.work
        self.progress("reading", 0)
        only_named = work.look_through()
        work.implied = missing.settled(work, only_named, create)
        work.due = instep.due(self.unit.reader, work.documents, known)
        keys, types = (work.early[driver] for driver in EARLY)
        # Keys of the site are declared before the first value is read by what they say.
        named = work.left_out + sum(self._declare(batch) for batch in work.chosen(keys))
        # Things are made after the definition of their type, which may be in the same file.
        for batch in work.chosen(types):
            self._define(batch)
        later = array("q")
        for batch in work.batches():
            named += self._bring_in(batch, later)
            self.done += len(batch)
        self.done = 0
        if later:
            self._bring_in_later(later)
        return named

    def progress(self, what: str, done: int) -> None:
        self.told(what, min(self.done + done, len(self.work.documents)), len(self.work.documents))

    def _declare(self, batch: Placed) -> int:
        documents = [document for _, document in batch]
        self._prefetch(documents)
        declared = self._things(documents)
        self._round("keys", declared, self._attributes)
        return len(declared)

    def _define(self, batch: Placed) -> None:
        documents = [document for _, document in batch]
        self._prefetch(documents)
        made = self._things(documents)
        self._round("types", made, self._columns)
        self._round("types", made, self._definition)

    def _bring_in(self, batch: Placed, later: array[int]) -> int:
        """Brings in what can be, of a batch of Documents that may be one of many; `later` gets the places of others."""
        work = self.work
        documents = [document for _, document in batch]
        self._prefetch(documents)
        new = self._things([each for each in documents if each.driver not in EARLY])
        made = self._made([each for each in documents if each.driver == DeviceType.__name__]) + new
        work.later = set() if work.many else None
        self._round("columns", made, self._columns)
        self.joins.begin()
        self._settle(made)
        if work.later is not None:
            later.extend(place for place, document in batch if id(document) in work.later)
            work.later = None
            self.change.settle()
        return len(made)

    def _bring_in_later(self, later: array[int]) -> None:
        """Brings in what had to wait for others, or seemed to be at fault when those were not looked at."""
        if len(later) <= self.work.documents.size:
            self._each(later, self._settle)
            return
        self._each(later, lambda made: self._round("attributes", made, self._attributes))
        # What goes, before anything comes: so that places, ports and addresses can change hands.
        parents: set[str] = set()
        self._each(later, lambda made: self._leave(made, parents))
        if self.joins.spoken:
            self._each(later, self._leave_cables)
        self._enter_holders(later, parents)
        self._each(later, self._enter)

    def _each(self, places: Iterable[int], action: Callable[[Made], None]) -> None:
        """Does something with the Things of some Documents, a batch at a time."""
        for batch in self.work.chosen(places):
            documents = [document for _, document in batch]
            self._prefetch(documents)
            made = self._made(documents)
            self._round("columns", made, self._columns)
            self.joins.begin()
            action(made)
            self.change.settle()

    def _made(self, documents: list[Document]) -> Made:
        """The Documents that are brought in already, with their Things."""
        sound = (document for document in documents if document.name not in self.work.damaged)
        return [(document, thing) for document in sound if (thing := self.unit.get(document.name)) is not None]

    def _leave(self, made: Made, parents: set[str]) -> None:
        self._round("addresses", made, self._release)
        self._round("positions", made, self.joins.leave_place)
        places = [each for each in made if containment.is_place(each[1])]
        self._round("memberships", places, self._memberships)
        self._round("cables", made, self.joins.cables)
        self.joins.speak()
        parents.update(name for document, _ in made for name in document.parents)

    def _leave_cables(self, made: Made) -> None:
        self._round("cables", made, self.joins.cables)
        self.joins.leave()

    def _enter_holders(self, places: Iterable[int], parents: set[str]) -> None:
        """Puts what others are put in where it is, outermost first."""
        holders: Made = []
        for batch in self.work.chosen(places):
            documents = [document for _, document in batch if document.name in parents]
            self._prefetch(documents)
            holders += self._made(documents)
        self._enter_place(holders)

    def _enter_place(self, made: Made) -> None:
        self.joins.places.clear()
        self._round("positions", made, self.joins.leave_place)
        self._round("positions", self.joins.places, self.joins.take_place)
        self._round("memberships", _outermost_first(made), self._memberships)

    def _enter(self, made: Made) -> None:
        self._round("addresses", made, self._hold)
        self._enter_place(made)
        self._round("cables", made, self.joins.cables)
        self.joins.connect(lambda done: self.progress("cables", done))

    def _settle(self, made: Made) -> None:
        """All that Things have, and where they are."""
        joins = self.joins
        self._round("attributes", made, self._attributes)
        self._round("addresses", made, self._release)
        self._round("addresses", made, self._hold)
        self._round("positions", made, joins.leave_place)
        # Where racks and chassis are comes before what stands in them: it may say the same, less exactly.
        places = [each for each in made if containment.is_place(each[1])]
        self._round("memberships", places, self._memberships)
        self._round("positions", joins.places, joins.take_place)
        self._round("memberships", _outermost_first(made), self._memberships)
        self._round("cables", made, joins.cables)
        joins.connect(lambda done: self.progress("cables", done))

    def _round(self, what: str, made: Made, action: Action) -> None:
        for done, (document, thing) in enumerate(made):
            if done % 1000 == 0:
                self.progress(what, done)
            action(document, thing)

    # --- reading at once ---------------------------------------------------------------------------------------------

    def _prefetch(self, documents: list[Document]) -> None:
        """Reads all that the documents name, and what that is in, in few statements."""
        unit = self.unit
        names: set[str] = set()
        held: list[str] = []
        for document in documents:
            names |= document.named()
            for texts in document.addresses.values():
                held.extend(texts)
        unit.prefetch_names(names)
        unit.prefetch_claims([claim for text in held if (claim := addresses.claim_of(text))])
        named = [thing for name in names if (thing := unit.get(name)) is not None and not thing.is_part]
        containment.prefetch_above(unit, named)

    # --- Things and parts --------------------------------------------------------------------------------------------

    def _things(self, documents: list[Document]) -> Made:
        work = self.work
        made: Made = []
        for done, document in enumerate(documents):
            if done % 1000 == 0:
                self.progress("things", done)
            try:
                thing = self.unit.get(document.name)
                if thing is None:
                    thing = self._new(document)
                else:
                    if document.evidence:
                        self._hold_against(document, thing)
                    self._existing(document, thing)
            except DamagedError:
                work.damaged.add(document.name)
            except ClustoError as error:
                work.damaged.add(document.name)
                work.fault(document, error)
            else:
                made.append((document, thing))
        return made

    def _new(self, document: Document) -> Thing:
        driver = document.driver or document.new_driver
        if not driver:
            guess = self.work.guess(document.name)
            raise NotFound(f"{document.name} is not in the inventory{guess}: say its driver if it is new")
        if document.type in self.work.damaged:
            raise DamagedError
        kind = kinds.named(driver)
        model = self.change.shape(kind, document.parts_when_new, document.type or None)
        thing = things.add(self.unit, kind, document.name, model=model)
        self.work.added += 1
        return thing

    def _existing(self, document: Document, thing: Thing) -> None:
        """Holds a Thing's driver against the document, and makes its parts those that the document says."""
        if document.driver and document.driver != thing.driver:
            raise Refused(f"{thing.name} is a {thing.driver}, not a {document.driver}")
        if thing.is_a(DeviceType):
            _check_same_model(self.unit, thing, document)
        device_type = document.type or None
        if any(each.key == TYPE and each.value.text == device_type for each in self.unit.attributes(thing)):
            device_type = None
        if device_type is None and not document.parts:
            return
        driver = registry.of(thing.driver)
        model = self.change.shape(driver, document.parts, device_type)
        if device_type is None:
            said = {each.__name__ for each in parts.kinds(driver, document.parts)}
        else:
            said = {part.driver for part in self.unit.parts(thing)} | {part.driver.__name__ for part in model.parts}
            for key, value in model.attributes.items():
                values.put(self.unit, thing, key, [value])
        wanted = {part.name: part for part in model.parts if part.driver.__name__ in said}
        for part in self.unit.parts(thing):
            planned = wanted.get(part.part_name)
            if planned is not None and planned.driver.__name__ == part.driver:
                del wanted[part.part_name]
            elif planned is not None or part.driver in said:
                things.remove(self.unit, part)
        for name, planned in wanted.items():
            things.add_part(self.unit, planned.driver, f"{thing.name}:{name}", list(planned.attributes.items()))

    def _hold_against(self, document: Document, thing: Thing) -> None:
        """Notes what a proposal says otherwise than the inventory: it overwrites nothing."""
        found = list(proposed.against(self.unit, document, thing))
        for path, refusal in found:
            self.work.fault(document, refusal, *path)
        if found:
            raise DamagedError

    def _columns(self, document: Document, thing: Thing) -> None:
        """Tells a spreadsheet's columns that are parts of the Thing from those that are keys of attributes."""
        if document.columns:
            try:
                columns.sort(self.unit, document, thing)
            except ClustoError as error:
                self.work.fault(document, error)

    # --- values, addresses, memberships ------------------------------------------------------------------------------

    def _definition(self, document: Document, thing: Thing) -> None:
        """What a device type defines; its other attributes may name Things that are not made yet."""
        said = document.attrs.get(DEFINITION, ())
        if said and all(value.type != "relation" for value in said):
            self._values(document, thing, {DEFINITION: said}, "attrs")

    def _attributes(self, document: Document, thing: Thing) -> None:
        if document.attrs:
            self._values(document, thing, document.attrs, "attrs")
        for name, said in document.part_attrs.items():
            try:
                part = self.work.part(thing, name)
            except NotFound as error:
                self.work.fault(document, NotFound(f"{error}{_column(name, said)}"), "part_attrs", name)
            except ClustoError as error:
                self.work.fault(document, error, "part_attrs", name)
            else:
                self._values(document, part, said, "part_attrs", name)

    def _values(self, document: Document, thing: Thing, said: Values, *path: str) -> None:
        for key, given in self._numbered(thing, said).items():
            try:
                write = values.keep if key.reserved else values.put
                write(self.unit, thing, key, [self._named(each) if each.type == "relation" else each for each in given])
            except DamagedError:
                continue
            except ClustoError as error:
                self.work.fault(document, error, *path, str(key))

    def _numbered(self, thing: Thing, said: Values) -> Values:
        if NEXT_NUMBER not in [key.number for key in said]:
            return said
        found: dict[Key, tuple[Value, ...]] = {}
        for key, value in values.numbered(
            self.unit, thing, [(key, each) for key, given in said.items() for each in given]
        ):
            found[key] = (*found.get(key, ()), value)
        return found

    def _named(self, value: Value) -> Value:
        """A relation with the id of what it names."""
        owner_name, part_name = split_part(value.text)
        owner = self.work.lookup(owner_name)
        return values.relation(owner if part_name is None else self.work.part(owner, part_name))

    def _release(self, document: Document, thing: Thing) -> None:
        """Frees what a document takes away, so that addresses can change hands within one file."""
        if self.work.is_added(thing) or self._awaits_spaces(document):
            return
        for name, texts in document.addresses.items():
            part = self.unit.part(thing, name) if name else thing
            if part is not None:
                # What is wrong with an address is told when it is to be held.
                with contextlib.suppress(ClustoError):
                    kept = [(said, self._space(said)) for said in map(addresses.assigned, texts)]
                    claims.release(self.unit, part, keep=kept)

    @cached_property
    def _has_spaces(self) -> bool:
        return self.work.spaces_made or self.unit.stored(VRF)

    def _awaits_spaces(self, document: Document) -> bool:
        """Whether it is too early for addresses: which space one is in is known when all Networks are there."""
        if self.work.later is None or not document.addresses or not self._has_spaces:
            return False
        self.work.later.add(id(document))
        return True

    @cached_property
    def _spaces(self) -> Spaces | None:
        return Spaces(self.unit.reader) if self._has_spaces else None

    def _space(self, said: Assigned) -> Thing | None:
        """The address space of an address; nothing is looked for where there is but the one without a name."""
        if self._spaces is None and not said.space:
            return None
        return (self._spaces or Spaces(self.unit.reader)).of(said)

    def _hold(self, document: Document, thing: Thing) -> None:
        if self._awaits_spaces(document):
            return
        for name, texts in document.addresses.items():
            try:
                holder = self.work.part(thing, name) if name else thing
                for said in map(addresses.assigned, texts):
                    claims.hold(self.unit, holder, said, self._space(said))
            except ClustoError as error:
                self.work.fault(document, error, "ip", name)

    def _memberships(self, document: Document, thing: Thing) -> None:
        for name in document.parents:
            try:
                containment.put(self.unit, thing, self.work.lookup(name))
            except DamagedError:
                continue
            except ClustoError as error:
                self.work.fault(document, error, "in")


def _outermost_first(made: Made) -> Made:
    """What is no place, in an order in which nothing comes before what it is to be put in."""
    others = [each for each in made if not containment.is_place(each[1])]
    holders = {name for document, _ in others for name in document.parents}
    waiting = {document.name: (document, thing) for document, thing in others if document.name in holders}
    first: dict[str, tuple[Document, Thing]] = {}

    def take(name: str) -> None:
        if (each := waiting.pop(name, None)) is not None:
            for outer in each[0].parents:
                take(outer)
            first[name] = each

    for name in list(waiting):
        take(name)
    return [*first.values(), *(each for each in others if each[0].name not in first)]


def _column(part: str, said: Values) -> str:
    """What may have been meant where a column of two words (`Serial Number`) is read as a part and its key."""
    near = next((str(key) for key in keys.every() if str(key) == part.lower()), None)
    if near is None:
        return ""
    return f" ({part} {next(iter(said))} says an attribute of a part: did you mean {near}?)"


def _check_same_model(unit: UnitOfWork, thing: Thing, document: Document) -> None:
    """Raises Refused where two models that are spelled differently would be one device type."""
    for key in (Key("manufacturer"), Key("model")):
        now = next((each.value.text for each in unit.attributes(thing) if each.key == key), None)
        said = next((value.text for value in document.attrs.get(key, ())), None)
        if now is not None and said is not None and now.casefold() != said.casefold():
            raise Refused(
                f"{thing.name} is the type of the {key} {now!a}, not {said!a}: rename it first, as both are called so"
            )
