"""What the rounds of a sync share: the objects and the Things that they are, what is held back, and what names mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from clusto_core.drivers.resources import VRF
from clusto_core.errors import ClustoError, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.model import keys
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import OwnPart
from clusto_core.model.names import split_part
from clusto_core.model.origins import Origin
from clusto_core.model.reserved import SOURCE
from clusto_core.model.things import Thing
from clusto_core.records.sources import Ledger, Remembered
from clusto_core.rules import parts, values
from clusto_core.rules.devicetypes import Model
from clusto_core.rules.spaces import Spaces
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sync.due import Due
from clusto_core.transfer.sync.facts import Facts, PartFacts
from clusto_core.transfer.sync.merging import Merged, Prefer, Verdict
from clusto_core.transfer.sync.reading import Reading

Held = dict[Origin, list[tuple[str, bool]]]
"""What is held back, and why; True with what is a conflict."""


@dataclass(eq=False)
class Item:
    """An object that is looked at. base: what the source said last; said: what it says now, as far as it is worked out.

    removed: its Thing was taken out here. part_keys: of each part that is spoken of, its identity in the source.
    planned: the attributes that the device type gives parts, by their names.
    """

    document: Document
    origin: Origin
    due: Due
    base: Facts = field(default_factory=Facts)
    said: Facts = field(default_factory=Facts)
    thing: Thing | None = None
    new: bool = False
    removed: bool = False
    model: Model | None = None
    part_keys: dict[str, str] = field(default_factory=dict)
    planned: dict[str, Mapping[Key, Value]] = field(default_factory=dict)

    @property
    def known(self) -> Remembered | None:
        """What is remembered of the object."""
        return self.due.known

    def before(self, key: str) -> PartFacts | None:
        """What was said of a part last time, which the source may know by another identity now."""
        if (found := self.base.parts.get(key)) is not None:
            return found
        said = self.said.parts.get(key)
        if said is None or not said.id or not self.base.parts:
            return None
        return next((part for part in self.base.parts.values() if part.id == said.id), None)

    @property
    def present(self) -> Thing:
        """Its Thing, where there is one."""
        assert self.thing is not None
        return self.thing


@dataclass(eq=False)
class Leaver:
    """An object that the source has no more, and its Thing, which is still here."""

    known: Remembered
    base: Facts
    thing: Thing
    protected: bool = False


class Work:
    """One attempt at a sync."""

    def __init__(self, change: Transaction, reading: Reading, ledger: Ledger, prefer: Prefer, held: Held) -> None:
        self.change = change
        self.unit = change.unit
        self.reading = reading
        self.ledger = ledger
        self.prefer: Prefer = prefer
        self.held = held
        self.due: dict[Origin, Due] = {}
        """All that is to be looked at, whether it is in memory now or not."""
        self.taken_in: dict[int, int] = {}
        """By its Thing, the number under which an object is remembered that is done and no longer in memory."""
        self.provisional = False
        """Whether what seems to be at fault may only be looked at too early."""
        self.leavers: list[Leaver] = []
        self.unknown = 0
        self.key = Key(SOURCE, None, ledger.name)
        self.by_thing = {each.thing: each for each in ledger.objects.values() if each.thing is not None}
        self._remembered: dict[str, Remembered] | None = None
        self.begin([])

    def begin(self, items: list[Item]) -> None:
        """Looks at these objects, and at no others any longer."""
        self.items = items
        names = self.reading.names
        self.by_name = {item.document.name: item for item in items if names.get(item.document.name) == item.origin}
        self.of_thing: dict[int, Item] = {}
        self.faults: Held = {}
        self.added_parts: set[int] = set()
        self.unmounted: set[Item] = set()
        self.__dict__.pop("_spaces", None)

    @property
    def active(self) -> list[Item]:
        """What is to go in, and has not turned out to be at fault."""
        return [item for item in self.items if not self.is_held(item.origin) and not item.removed]

    def is_held(self, origin: Origin) -> bool:
        """Whether nothing of an object is to go in."""
        return origin in self.held or origin in self.faults

    def attempt(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items of a round that are not at fault."""
        return (item for item in items if item.origin not in self.faults)

    def fault(self, item: Item, error: ClustoError | str, *, conflict: bool = False) -> None:
        """Holds an object back that is looked at."""
        self.hold_back(item.origin, error, conflict=conflict)

    def hold_back(self, origin: Origin, error: ClustoError | str, *, conflict: bool = False) -> None:
        """Holds an object back."""
        self.faults.setdefault(origin, []).append((str(error), conflict))

    # --- verdicts ----------------------------------------------------------------------------------------------------

    def takes(self, item: Item, verdict: Verdict, what: str, said: str, here: str) -> bool:
        """Whether the source's value is to be taken; a conflict holds the object back."""
        if verdict is Verdict.CONFLICT:
            text = f"{what} is {said} in {self.ledger.name} and {here} here"
            self.fault(item, text, conflict=True)
        return verdict is Verdict.TAKE

    def takes_values(self, item: Item, merged: Merged, what: str, said: str, here: str) -> bool:
        """As `takes`, for the values under one key."""
        return self.takes(item, merged.verdict, what, said, here)

    # --- what names mean ---------------------------------------------------------------------------------------------

    def lookup(self, name: str) -> int:
        """The id of the whole Thing that the source means by a name, which may be gone here. Raises NotFound, and
        Refused for one that is held back itself."""
        item = self.by_name.get(name)
        if item is not None:
            if item.thing is not None:
                return item.thing.id
            if item.known is not None and item.known.thing is not None:
                return item.known.thing
            if not item.removed:
                raise Refused(f"it names {name}, which is held back")
        elif (due := self._elsewhere(name)) is not None:
            if not due.done:
                raise Refused(f"it names {name}, which is not brought in yet")
            if due.thing:
                return due.thing
        remembered = self._named(name)
        if remembered is not None and remembered.thing is not None:
            return remembered.thing
        thing = self.unit.get(name)
        if thing is None or thing.is_part:
            raise NotFound(f"no such thing: {name}")
        return thing.id

    def _elsewhere(self, name: str) -> Due | None:
        """Whose name that is among what is due and not looked at just now."""
        origin = self.reading.names.get(name)
        return self.due.get(origin) if origin is not None else None

    def remembered_of(self, thing: int) -> int | None:
        """The number under which the object is remembered that is a Thing, where it is none that is looked at."""
        known = self.by_thing.get(thing)
        return known.id if known is not None else self.taken_in.get(thing)

    def _named(self, name: str) -> Remembered | None:
        if self._remembered is None:
            self._remembered = {
                each.name: each
                for each in self.ledger.objects.values()
                if each.origin not in self.due and each.gone is None and each.origin not in self.reading.gone
            }
        return self._remembered.get(name)

    def thing(self, id: int) -> Thing:
        """The Thing with that id. Raises Refused where it was taken out here."""
        found = self.unit.find(id)
        if found is None:
            raise Refused("it names what was taken out here")
        return found

    def became(self, item: Item, thing: Thing) -> None:
        """An object is that Thing."""
        item.thing = thing
        self.of_thing[thing.id] = item

    def called(self, id: int) -> str:
        """The name of a Thing or part, for messages."""
        found = self.unit.find(id)
        return found.name if found is not None else "something that was taken out here"

    # --- values ------------------------------------------------------------------------------------------------------

    def resolved(self, given: Iterable[Value]) -> list[Value]:
        """Values with relations to the Things that the source means."""
        return [values.relation(self._named_by(value.text)) if value.type == "relation" else value for value in given]

    def named(self, thing: Thing, key: Key, value: Value) -> Value:
        """A value under a key that names Things or parts, as the one that the source means by a text. What no Thing or
        part of the source is called, the rules look up."""
        if value.type == "relation":
            return values.relation(self._named_by(value.text))
        try:
            if isinstance(keys.references()[key].grammar, OwnPart):
                owner = self.unit.by_id(thing.entity_id)
                return values.relation(self._part(owner, value.text) or self._named_by(value.text))
            return values.relation(self._named_by(value.text))
        except NotFound:
            return value

    def _part(self, owner: Thing, name: str) -> Thing | None:
        """The part that the source calls so now."""
        item = self.of_thing.get(owner.id)
        key = item.part_keys.get(name) if item is not None else None
        part = self.unit.find(item.said.parts[key].id) if item is not None and key is not None else None
        return part or self.unit.part(owner, name)

    def space_around(self, address: Assigned) -> Thing | None:
        """The VRF of an address of which nobody says one. Raises Malformed where it may be in several."""
        if address.space is not None or self._spaces is None:
            return None
        return self._spaces.of(address)

    @cached_property
    def _spaces(self) -> Spaces | None:
        """Looked at when all Networks are there; None where there is but the space without a name."""
        reader = self.unit.reader
        return Spaces(reader) if reader.all([VRF.__name__]) else None

    def _named_by(self, text: str) -> Thing:
        """What a relation of the source names: a Thing, or a part by what the source calls it now."""
        owner_name, part_name = split_part(text)
        owner = self.thing(self.lookup(owner_name))
        if part_name is None:
            return owner
        part = self._part(owner, part_name)
        return part if part is not None else parts.labelled(self.unit, owner, part_name)

    def full(self, given: Iterable[Value]) -> list[Value]:
        """Values as they are written, for those as they are compared."""
        return [values.relation(self.thing(value.ref or 0)) if value.type == "relation" else value for value in given]
