"""What a transaction makes otherwise than the store had it: what rules and policies look at when it ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.store.changes import Changes
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from clusto_core.drivers import Driver
    from clusto_core.model.attributes import Key

_NEW_CABLES = """
    SELECT c.cable_id, c.kind, c.part_id, c.thing_id, c.other_part_id, c.other_thing_id, c.slot
    FROM connections c WHERE c.side = 0 AND c.cable_id >= :first"""


class Differences(NamedTuple):
    """What a transaction makes otherwise: Things and parts that are new, gone, renamed (by id); attributes and cables
    that are new or gone, and cables whose path is another."""

    new: list[Thing]
    gone: list[Thing]
    renamed: set[int]
    attributes: list[Attribute]
    cables: list[Cable]


class Differing(Changes):
    """What is new, gone or renamed."""

    @property
    def changed(self) -> bool:
        """Whether anything differs from the store."""
        held = any(self._new) and not self._settled
        return bool(self._renamed or self._recast or held or any(self._gone) or self._put_away) or (
            bool(self._settled) and self._differs()
        )

    def _differs(self) -> bool:
        self.flush()
        return self._settled.differs

    def differences(self) -> Differences:
        """What differs from the store, as rows: all of them, also those that are no longer in memory."""
        new_things, new_attributes, new_cables = self._every_new()
        return Differences(
            new_things,
            list(self._gone[0].values()),
            set(self.renamed()),
            [*new_attributes, *self._gone[1].values()],
            [*new_cables, *self._gone[2].values(), *self._rerouted.values()],
        )

    def _every_new(self) -> tuple[list[Thing], list[Attribute], list[Cable]]:
        if not self._settled:
            things, attributes, cables = self._new
            return list(things.values()), list(attributes.values()), list(cables.values())
        self.flush()
        first = self.first_id
        joined = [Cable(*row) for row in self.database.rows(_NEW_CABLES, {"first": first})]
        return self._reader.things_from(first), self._reader.attributes_from(first), joined

    def renamed(self) -> dict[int, tuple[str, str]]:
        """The names before and now of the Things and parts that the store had under another name, by their ids."""
        return {id: names for id, names in self._renamed.items() if names[0] != names[1]}

    def stored(self, driver: type[Driver]) -> bool:
        """Whether the store had Things of just that driver before this transaction, or the transaction wrote some."""
        return bool(self._reader.all([driver.__name__]))

    # --- Things ------------------------------------------------------------------------------------------------------

    def new_things(self) -> Iterator[Thing]:
        """The whole Things that are new; of many, some are in memory at a time."""
        if not self._settled:
            yield from [thing for thing in self._new[0].values() if thing.owner_id is None]
            return
        self.settle()
        for ids in self._settled.things():
            yield from self.load_attributes(ids).values()
            self.settle()

    def gone_things(self) -> Iterator[Thing]:
        """The whole Things that the store has and that are taken out."""
        here = (each for each in self._gone[0].values() if each.owner_id is None and each.id not in self._put_away)
        return chain(here, (Thing(id, name, driver, None, None) for id, name, _, driver in self._told_gone))

    def is_gone(self, id: int) -> bool:
        """Whether a Thing or part that the store has is taken out."""
        return id in self._gone[0] or bool(self._put_away and id < self.first_id and not self._reader.by_ids([id]))

    # --- attributes --------------------------------------------------------------------------------------------------

    def new_keys(self) -> set[Key]:
        """The keys of attributes that are new, without reserved ones and those of which some were taken out."""
        new, gone = ({attribute.key for attribute in rows.values()} for rows in (self._new[1], self._gone[1]))
        return {key for key in (new | self._settled.keys) - gone if not key.reserved}

    def new_attributes(self, keys: Collection[Key]) -> list[Attribute]:
        """The attributes under any of these keys, without number and subkey, that are new: of those that were looked at
        before they were forgotten, the ones that are held."""
        names = {key.key for key in keys}
        return [each for each in self._new[1].values() if each.key.key in names and each.key in keys]

    def gone_attributes(self) -> Iterable[Attribute]:
        """The attributes that were there before this transaction and are gone."""
        return self._gone[1].values()

    def has_changed(self, key: Key) -> bool:
        """Whether attributes under a key may be new or gone."""
        known = key in self._settled.keys
        return known or any(each.key == key for rows_ in (self._new[1], self._gone[1]) for each in rows_.values())

    def attributes_changed(self, key: Key) -> tuple[list[Attribute], list[Attribute]]:
        """The attributes under a key that are new, and those that are gone."""
        return self.changed_under((key,))

    def changed_under(self, keys: Collection[Key]) -> tuple[list[Attribute], list[Attribute]]:
        """The attributes under some keys that are new, and those that are gone."""
        return self._new_under(keys), [each for each in self._gone[1].values() if each.key in keys]

    def _new_under(self, keys: Collection[Key]) -> list[Attribute]:
        if not self._settled:
            return [each for each in self._new[1].values() if each.key in keys]
        self.flush()
        names = sorted({key.key for key in keys})
        found = [each for name in names for each in self._reader.attributes_from(self.first_id, name)]
        return [each for each in found if each.key in keys]
