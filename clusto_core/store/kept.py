"""What a transaction has read, kept as it is in the transaction: each row is read once, and many at once where many are
asked for.

`Kept` is the first of the layers that the unit of work is made of, each of which uses those before it alone: `kept`,
`paths`, `pending`, `changes`, `differing`, `unit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.store import rows
from clusto_core.store.database import Row
from clusto_core.store.reader import Reader

_CABLES = """
    SELECT c.cable_id, c.kind, c.part_id, c.thing_id, c.other_part_id, c.other_thing_id, c.slot
    FROM connections c WHERE c.side = 0 AND c.cable_id IN (:ids)"""
_CABLE_IDS = "SELECT c.cable_id FROM connections c WHERE c.thing_id IN (:ids)"


class Kept:
    """The rows that one transaction has read or made, with those that it took out passed over."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.database = reader.database
        self._by_name: dict[str, Thing | None] = {}
        self._by_id: dict[int, Thing] = {}
        self._parts: dict[int, dict[int, Thing]] = {}
        self._attributes: dict[int, list[Attribute]] = {}
        self._cables: dict[int, dict[int, Cable]] = {}
        self._cable_of: dict[int, Cable] = {}
        # By rack unit, what is in it: several devices may be, in halves and on faces of it.
        self._occupying: dict[int, dict[int, Cable]] = {}
        self._claims: dict[str, int | None] = {}
        # Shared addresses by the claim that all their holders have, read when one is first asked for.
        self._shared: dict[str, list[Attribute]] | None = None
        # What differs from the store: rows that are new, and rows that are gone.
        self._new: tuple[dict[int, Thing], dict[int, Attribute], dict[int, Cable]] = ({}, {}, {})
        self._gone: tuple[dict[int, Thing], dict[int, Attribute], dict[int, Cable]] = ({}, {}, {})
        # New Things that are gone again.
        self._dropped: set[int] = set()
        # What is gone and not deleted yet.
        self._obsolete: tuple[list[Thing], list[int], list[int]] = ([], [], [])

    # --- Things and parts --------------------------------------------------------------------------------------------

    def get(self, name: str) -> Thing | None:
        """The Thing or part with exactly that name, as it is in this transaction."""
        if name not in self._by_name:
            self._keep(self._reader.get(name), name)
        return self._by_name[name]

    def in_memory(self, name: str) -> Thing | None:
        """The Thing or part with exactly that name, where it was read or made."""
        return self._by_name.get(name)

    def by_id(self, id: int) -> Thing:
        """The Thing or part with that id."""
        try:
            return self._by_id[id]
        except KeyError:
            found = self._by_id[id] = self._reader.by_ids([id])[id]
            return found

    def find(self, id: int) -> Thing | None:
        """The Thing or part with that id, None when it is not, or no longer, there."""
        if id in self._gone[0] or id in self._dropped:
            return None
        if id not in self._by_id:
            self._by_id.update(self._reader.by_ids([id]))
        return self._by_id.get(id)

    def _named(self, id: int) -> Thing:
        """The Thing or part with that id; where it is gone, as the store had it."""
        return self._gone[0].get(id) or self.by_id(id)

    def known(self, things: Iterable[Thing]) -> list[Thing]:
        """These Things, read just now by `reader`, as this transaction has them."""
        found = []
        for thing in things:
            thing = self._by_id.setdefault(thing.id, thing)
            self._by_name.setdefault(thing.name, thing)
            found.append(thing)
        return found

    def parts(self, thing: Thing) -> list[Thing]:
        """The parts of an equipment, in the order in which they were made."""
        if thing.id not in self._parts:
            self.prefetch([thing])
        return list(self._parts[thing.id].values())

    def part(self, owner: Thing, name: str) -> Thing | None:
        """The part of an equipment with exactly that name of its own (`eth0`)."""
        if owner.id not in self._parts:
            self.prefetch([owner])
        return self._by_name.get(f"{owner.name}:{name}")

    # --- attributes, and what they claim -----------------------------------------------------------------------------

    def attributes(self, thing: Thing) -> list[Attribute]:
        """The attributes of a Thing or part."""
        found = self._attributes.get(thing.id)
        if found is None:
            found = [] if thing.id in self._new[0] else self._reader.attributes(thing.id)
            self._attributes[thing.id] = found
        return found

    def look(self, thing: Thing) -> Sequence[Attribute]:
        """As `attributes`, only to be looked at: of new parts without any, of which there may be a million, nothing is
        kept."""
        found = self._attributes.get(thing.id)
        if found is None:
            return () if thing.id in self._new[0] else self.attributes(thing)
        return found

    def has_read_attributes(self, thing: Thing) -> bool:
        """Whether the attributes of a Thing are in memory."""
        return thing.id in self._attributes

    def claimant(self, claim: str) -> Thing | None:
        """Which Thing or part holds what no two may hold, as in this transaction."""
        if claim not in self._claims:
            self.prefetch_claims([claim])
        holder = self._claims[claim]
        return None if holder is None else self.by_id(holder)

    def sharers(self, claim: str) -> list[Attribute]:
        """The addresses of that claim that are shared, one a holder, as in this transaction."""
        if self._shared is None:
            self._shared = {}
            for attribute in self._reader.shared_addresses():
                if attribute.id not in self._gone[1]:
                    self._shared.setdefault(str(rows.address_claim(attribute)), []).append(attribute)
            for attribute in self._new[1].values():
                self._share(attribute)
        return self._shared.get(claim, [])

    def _share(self, attribute: Attribute) -> None:
        if self._shared is not None and (claim := rows.address_claim(attribute)) is not None and attribute.key.subkey:
            known = self._shared.setdefault(claim, [])
            if attribute not in known:
                known.append(attribute)

    def prefetch_claims(self, claims: Iterable[str]) -> None:
        """Reads at once who holds each of many claims."""
        unknown = [claim for claim in claims if claim not in self._claims]
        self._claims.update(dict.fromkeys(unknown))
        gone = self._gone[1]
        for claim, holder, attribute in self._reader.claimants(unknown):
            if attribute not in gone:
                self._claims[claim] = holder

    # --- cables ------------------------------------------------------------------------------------------------------

    def cables(self, thing: Thing) -> list[Cable]:
        """The cables of an equipment and its parts."""
        if thing.id not in self._cables:
            self._load_cables([thing.id])
        return list(self._cables[thing.id].values())

    def cable_of(self, part: Thing) -> Cable | None:
        """The cable in a part; of a rack unit, the first of those in it."""
        id, owner = part.id, part.owner_id
        if (id if owner is None else owner) not in self._cables:
            self._load_cables([part.entity_id])
        found = self._cable_of.get(id)
        if found is None and id in self._occupying:
            return next(iter(self._occupying[id].values()), None)
        return found

    def occupying(self, rack_unit: Thing) -> list[Cable]:
        """The connections of equipment to a rack unit."""
        if rack_unit.entity_id not in self._cables:
            self._load_cables([rack_unit.entity_id])
        return list(self._occupying.get(rack_unit.id, {}).values())

    def _load_cables(self, thing_ids: list[int]) -> None:
        for id in thing_ids:
            self._cables[id] = {}
        found: Iterable[Row] = self.database.rows_in(_CABLE_IDS, thing_ids)
        # What was new, and is taken out, is among those that are not deleted yet.
        ids = sorted({row[0] for row in found} - set(self._gone[2]) - set(self._obsolete[2]))
        known = set(thing_ids)
        for row in self.database.rows_in(_CABLES, ids):
            cable = Cable(*row)
            for id in {cable.thing, cable.other_thing} & known:
                self._cables[id][cable.id] = cable
            self._index(cable)

    def _index(self, cable: Cable) -> None:
        if cable.slot and cable.other_part is not None:
            self._occupying.setdefault(cable.other_part, {})[cable.id] = cable
            return
        for part in (cable.part, cable.other_part):
            if part is not None:
                self._cable_of[part] = cable

    # --- many at once ------------------------------------------------------------------------------------------------

    def load(self, ids: Iterable[int]) -> None:
        """Reads many whole Things by id at once, with all that is theirs; ids that are not there are passed over."""
        things = self._reader.by_ids(id for id in ids if id not in self._by_id)
        for id, thing in things.items():
            self._by_id[id] = thing
            self._by_name.setdefault(thing.name, thing)
        self.prefetch(things.values())

    def load_attributes(self, ids: Iterable[int]) -> dict[int, Thing]:
        """Reads many Things and parts at once, with their attributes alone; those that are there, by id."""
        wanted = list(ids)
        self._by_id.update(self._reader.by_ids(id for id in wanted if id not in self._by_id))
        unread = [id for id in wanted if id not in self._attributes]
        self._attributes.update((id, []) for id in unread)
        for attribute in self._reader.attributes(*unread):
            self._attributes[attribute.thing_id].append(attribute)
        return {id: self._by_id[id] for id in wanted if id in self._by_id and id not in self._gone[0]}

    def prefetch(self, things: Iterable[Thing]) -> None:
        """Reads parts, attributes and cables of many Things at once."""
        wanted = [thing.id for thing in things if thing.id not in self._parts]
        for id in wanted:
            self._parts[id] = {}
        part_ids = []
        for part in self._reader.parts_as_made(*wanted):
            if part.id in self._gone[0]:
                continue
            part = self._by_id.setdefault(part.id, part)
            self._by_name.setdefault(part.name, part)
            self._parts[part.entity_id][part.id] = part
            part_ids.append(part.id)
        unread = [id for id in [*wanted, *part_ids] if id not in self._attributes]
        for id in unread:
            self._attributes[id] = []
        fresh = set(unread)
        for attribute in [*self._reader.attributes(*wanted), *self._reader.attributes_of_parts(*wanted)]:
            if attribute.thing_id in fresh:
                self._attributes[attribute.thing_id].append(attribute)
        self._load_cables([id for id in wanted if id not in self._cables])

    def prefetch_names(self, names: Iterable[str]) -> None:
        """Reads many Things by name at once; names that are not there are remembered as such."""
        unknown = [name for name in names if name not in self._by_name]
        found = self._reader.find_names(unknown)
        for name in unknown:
            self._keep(found.get(name), name)

    def _keep(self, thing: Thing | None, name: str) -> None:
        if thing is not None:
            thing = self._by_id.setdefault(thing.id, thing)
            if thing.id in self._gone[0] or thing.name != name:
                thing = None
        self._by_name[name] = thing

    def _forget(self) -> None:
        """Forgets all that was read."""
        for found in (self._by_name, self._by_id, self._parts, self._attributes):
            found.clear()
        for index in (self._cables, self._cable_of, self._occupying, self._claims):
            index.clear()
        self._shared = None
