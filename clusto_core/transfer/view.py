"""What exports to other tools ask of the inventory, read in bulk: addresses, settings, and what is wired to what."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.attributes import IP, Key
from clusto_core.reader import Reader
from clusto_core.things import Attribute, Inherited, Link, Thing, in_force, link_order
from clusto_core.transfer.exporter import whole

_IP_KEY = Key(IP)


class View:
    """Some Things with their parts, attributes and cables."""

    def __init__(self, reader: Reader, things: Iterable[Thing]) -> None:
        self.reader = reader
        self.things = whole(reader, things)
        ids = [thing.id for thing in self.things]
        self.parts: dict[int, list[Thing]] = {id: [] for id in ids}
        for part in reader.parts(*ids):
            self.parts[part.entity_id].append(part)
        self.attributes: dict[int, list[Attribute]] = {}
        for attribute in [*reader.attributes(*ids), *reader.attributes_of_parts(*ids)]:
            self.attributes.setdefault(attribute.thing_id, []).append(attribute)
        self.links: dict[int, list[Link]] = {id: [] for id in ids}
        for link in reader.links(*ids):
            self.links[link.thing_id].append(link)
        for found in self.links.values():
            found.sort(key=link_order)
        self._ancestors: dict[int, list[Thing]] = {}
        self._parents: dict[int, list[Thing]] = {}
        self._of_ancestors: dict[int, list[Attribute]] = {}

    def own(self, thing: Thing) -> list[Attribute]:
        """A Thing's own attributes."""
        return self.attributes.get(thing.id, [])

    def addresses(self, thing: Thing) -> list[tuple[Thing | None, str]]:
        """The addresses that a Thing holds: those of the Thing itself, then its parts' with the part, in order."""
        holders: list[Thing | None] = [None, *self.parts.get(thing.id, ())]
        found = []
        for holder in holders:
            for attribute in self.own(holder or thing):
                if attribute.key == _IP_KEY:
                    found.append((holder, attribute.value.text))
        return found

    def address(self, thing: Thing) -> str | None:
        """The address by which a Thing is spoken to: its own, else the first part's; v4 before v6."""
        found = [text for _, text in self.addresses(thing)]
        return next((text for text in found if "." in text), found[0] if found else None)

    def effective(self, thing: Thing) -> list[Inherited]:
        """As `Reader.effective`: the attributes in force, with what they come from."""
        return in_force([thing, *self.ancestors(thing)], self._attributes_of)

    def setting(self, thing: Thing, key: str) -> str | None:
        """The one value in force under a key, own or inherited."""
        wanted = Key.parse(key)
        for origin in [thing, *self.ancestors(thing)]:
            for attribute in self._attributes_of(origin):
                if attribute.key == wanted:
                    return attribute.value.text
        return None

    def ancestors(self, thing: Thing) -> list[Thing]:
        """Everything that a Thing is in, nearest first; what many are in is asked for once."""
        if thing.id not in self._ancestors:
            seen, found, level = {thing.id}, [], [thing.id]
            while level:
                parents = [parent for id in level for parent in self._parents_of(id)]
                level = []
                for parent in parents:
                    if parent.id not in seen:
                        seen.add(parent.id)
                        found.append(parent)
                        level.append(parent.id)
            self._ancestors[thing.id] = found
        return self._ancestors[thing.id]

    def parents(self, thing: Thing) -> list[Thing]:
        """What a Thing is directly in."""
        return self._parents_of(thing.id)

    def _parents_of(self, id: int) -> list[Thing]:
        if id not in self._parents:
            self._parents[id] = self.reader.parents(id)
        return self._parents[id]

    def _attributes_of(self, thing: Thing) -> list[Attribute]:
        if thing.id in self.parts:
            return self.own(thing)
        if thing.id not in self._of_ancestors:
            self._of_ancestors[thing.id] = self.reader.attributes(thing.id)
        return self._of_ancestors[thing.id]
