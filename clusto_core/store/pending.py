"""What a transaction has changed in memory and not written yet, and the few statements that write it in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from operator import attrgetter

from clusto_core.model.things import Attribute, Cable, Thing
from clusto_core.store import rows
from clusto_core.store.database import Row
from clusto_core.store.paths import Paths
from clusto_core.store.reader import Reader
from clusto_core.store.seals import Touched

_NEW_PATH = """
    UPDATE connections SET kind = :kind, far_part_id = :part, far_thing_id = :thing
    WHERE cable_id = :cable AND side = :side"""

_ID = attrgetter("id")


class Pending(Paths):
    """What is to be written, and the counters of the store."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        counters = self.database.rows("SELECT s.next_id, s.next_transaction FROM store s")[0]
        self._counters: Row = counters
        self.first_id: int = counters[0]
        """The first id of what this transaction makes."""
        self._next_id: int = self.first_id
        self._next_transaction: int = counters[1]
        # Rows that are new and not written yet. One that is gone again is passed over when its turn comes.
        self._unwritten: tuple[list[Thing], list[Attribute], list[Cable]] = ([], [], [])
        # Things whose name or driver is to be written anew.
        self._misnamed: set[int] = set()
        # New cables that go into a panel's port.
        self._patched: set[int] = set()
        # Cables of which it is to be written anew where their paths end.
        self._paths: set[int] = set()
        self.touched = Touched()
        """What is to be sealed anew when all is written."""

    @property
    def reader(self) -> Reader:
        """Questions to the store, answered as things are in this transaction."""
        self.flush()
        return self._reader

    def referring(self, ids: Iterable[int]) -> list[Attribute]:
        """The attributes that name one of these Things, as in this transaction."""
        return self.reader.referring(ids)

    def new_id(self) -> int:
        """An id that no row ever had."""
        id = self._next_id
        self._next_id += 1
        return id

    @property
    def next_id(self) -> int:
        """The id that the next new row will have."""
        return self._next_id

    @property
    def next_transaction(self) -> int:
        """The number that this transaction will have in the history, if it changes something."""
        return self._next_transaction

    def new_transaction_id(self) -> int:
        """The number of the next transaction in the history."""
        number = self._next_transaction
        self._next_transaction += 1
        return number

    # --- writing -----------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Writes all that is not written yet, into the database's transaction: nobody else sees it before that ends."""
        if self._misnamed or self._paths or any(self._unwritten) or any(self._obsolete):
            again = any(self._obsolete)
            self._delete()
            self._rename()
            self._insert(again)
        counters = (self._next_id, self._next_transaction)
        if counters != self._counters:
            self._counters = counters
            named = {"id": self._next_id, "transaction": self._next_transaction}
            self.database.execute("UPDATE store SET next_id = :id, next_transaction = :transaction", named)

    def _delete(self) -> None:
        things, attributes, cables = self._obsolete
        self._obsolete = ([], [], [])
        self.touched.add(chain((thing.id for thing in things), attributes, cables))
        self.database.execute_in("DELETE FROM connections WHERE cable_id IN (:ids)", cables)
        self.database.execute_in("DELETE FROM attributes WHERE id IN (:ids)", attributes)
        for owned in (True, False):
            gone = [thing.id for thing in things if thing.is_part == owned]
            self.database.execute_in("DELETE FROM things WHERE id IN (:ids)", gone)

    def _rename(self) -> None:
        renamed = [self._by_id[id] for id in self._misnamed]
        self._misnamed.clear()
        if renamed:
            self.touched.add(thing.id for thing in renamed)
            # A name may pass from one row to another: all old ones are given up first.
            self.database.execute(
                "UPDATE things SET name = :name WHERE id = :id",
                *({"id": thing.id, "name": f"\x01{thing.id}"} for thing in renamed),
            )
            self.database.execute(
                rows.RENAME, *(dict(zip(rows.STORED_THINGS, rows.stored(thing), strict=True)) for thing in renamed)
            )

    def _insert(self, some_gone: bool) -> None:
        """Writes the rows that are new, without those that are gone again, where there may be such."""
        things, attributes, cables = self._unwritten
        self._unwritten = ([], [], [])
        if some_gone:
            new_things, new_attributes, new_cables = self._new
            things = list({each.id: each for each in things if new_things.get(each.id) is each}.values())
            attributes = list({each.id: each for each in attributes if new_attributes.get(each.id) is each}.values())
            cables = list({each.id: each for each in cables if new_cables.get(each.id) is each}.values())
        self.touched.add(map(_ID, chain(things, attributes, cables)))
        # Parts have greater ids than their owner.
        things.sort(key=attrgetter("id"))
        self.database.insert("things", rows.STORED_THINGS, map(rows.stored, things))
        self.database.insert("attributes", rows.ATTRIBUTES, map(rows.of_attribute, attributes))
        self.database.insert("connections", rows.CONNECTIONS, chain.from_iterable(map(self._cable_rows, cables)))
        self._write_paths(self._paths.difference(cable.id for cable in cables))
        self._paths.clear()

    def _cable_rows(self, cable: Cable) -> Iterable[rows.Row]:
        if cable.id in self._patched:
            return rows.of_cable(cable, *self._path(cable))
        return rows.of_plain_cable(cable)

    def _write_paths(self, cable_ids: Iterable[int]) -> None:
        """Writes anew where the paths of these cables end."""
        cable_ids = list(cable_ids)
        self.touched.add(cable_ids)
        again = [
            {"cable": id, "side": side, "kind": kind, **dict(zip(("part", "thing"), rows.end(far), strict=True))}
            for id, (kind, *ends) in ((id, self._path(self._known_cable(id))) for id in cable_ids)
            for side, far in enumerate(ends)
        ]
        if again:
            self.database.execute(_NEW_PATH, *again)
