"""Things that came together: what is asked of one of them is read for all, so that a loop costs a few statements.

Facts stay as they were read. Inside a change attributes come from its unit of work, where they are always current, and
the others are read again when something was changed since; then for one Thing at a time, because a loop that reads and
writes in turn would otherwise read all of them each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusto_core.answers import view as answers
from clusto_core.errors import NotFound
from clusto_core.library.source import Source
from clusto_core.model.attributes import Key, Value
from clusto_core.model.things import Attribute, Link, Thing

LARGEST = 5000
"""How many Things are read for at once."""


class Batch:
    """Some Things, and what was read of them."""

    __slots__ = ("_alone", "_around", "_attributes", "_links", "_related", "_values", "_version", "source", "things")

    def __init__(self, source: Source, things: Sequence[Thing]) -> None:
        self.source = source
        self.things = things
        self._related: dict[int, tuple[Thing, Batch]] = {}
        self._version = self._now
        self._alone: Thing | None = None
        self._forget()

    def _forget(self) -> None:
        self._values: dict[Key, dict[int, list[Value]]] = {}
        self._attributes: dict[int, list[Attribute]] | None = None
        self._around: answers.View | None = None
        self._links: dict[int, Link] | None = None

    @property
    def _now(self) -> int:
        """Which state of a change it is; always the same where nothing is changed."""
        return self.source.transaction.unit.version if self.source.transaction is not None else 0

    def related(self, thing: Thing) -> tuple[Thing, Batch]:
        """Something that was come upon from here, as a part or a rack, as the source knows it; and what it is read
        with, once for all that lead to it."""
        if thing.id not in self._related:
            self._keep([thing])
        return self._related[thing.id]

    def _keep(self, things: Iterable[Thing]) -> None:
        """Lets Things that are come upon at once be read together."""
        fresh = {thing.id: thing for thing in things if thing.id not in self._related}
        batch = Batch(self.source, self.source.current(fresh.values()))
        self._related.update((thing.id, (thing, batch)) for thing in batch.things)

    def _check_present(self, thing: Thing) -> None:
        """Raises NotFound for what was taken out in the change that is read."""
        transaction = self.source.transaction
        if transaction is not None and transaction.unit.find(thing.id) is None:
            raise NotFound(f"no such thing: {thing.name} was taken out in this change")

    # --- attributes --------------------------------------------------------------------------------------------------

    def values(self, thing: Thing, key: Key) -> Sequence[Value]:
        """The values under a key."""
        found = self._values.get(key)
        if found is None:
            if self.source.transaction is not None or self._attributes is not None or len(self.things) == 1:
                return [each.value for each in self.attributes(thing) if each.key == key]
            with self.source.reading() as reader:
                found = self._values[key] = reader.values_under(key, [each.id for each in self.things])
        return found.get(thing.id, ())

    def attributes(self, thing: Thing) -> list[Attribute]:
        """All attributes of one of the Things."""
        if self.source.transaction is not None:
            self._check_present(thing)
            unit = self.source.transaction.unit
            if not unit.has_read_attributes(thing):
                unit.load_attributes(each.id for each in self.things)
            return unit.attributes(thing)
        if self._attributes is None:
            self._attributes = {each.id: [] for each in self.things}
            with self.source.reading() as reader:
                for attribute in reader.attributes(*self._attributes):
                    self._attributes[attribute.thing_id].append(attribute)
        return self._attributes[thing.id]

    # --- surroundings ------------------------------------------------------------------------------------------------

    def around(self, thing: Thing) -> answers.View:
        """What is read in bulk of these Things and of what they are in; to be used while the source is reading."""
        if self._version != self._now:
            self._check_present(thing)
            self._version = self._now
            self._alone = thing
            self._forget()
        elif self._alone not in (None, thing):
            self._alone = thing
            self._forget()
        if self._around is None:
            with self.source.reading() as reader:
                self._around = answers.view_of(reader, self.things if self._alone is None else [thing])
        return self._around

    def parts(self, thing: Thing) -> list[Thing]:
        """The parts of an equipment, in natural order."""
        with self.source.reading():
            around = self.around(thing)
            found = around.parts.get(thing.id, [])
            if found and found[0].id not in self._related:
                self._keep(part for parts in around.parts.values() for part in parts)
        return found

    def link(self, part: Thing) -> Link | None:
        """The cable in a part."""
        with self.source.reading():
            around = self.around(part)
            if self._links is None:
                every = [link for links in around.links.values() for link in links]
                self._links = {link.part.id: link for link in every if link.part is not None}
                self._keep(end for link in self._links.values() for end in (link.other, link.end))
        return self._links.get(part.id)
