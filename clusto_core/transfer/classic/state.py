"""What a classic clusto says at one of its versions: entities that live, and their attributes, both ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from clusto_core.transfer.classic.rows import Content, Entity, Row

CONTAINS = "_contains"
ADDRESS = "ip"
MANAGER = "manager"


class State:
    """The entities and rows that are there; `change` goes on to another version."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.entities: dict[int, Entity] = {}
        self._own: dict[int, dict[int, Row]] = defaultdict(dict)
        self._naming: dict[int, dict[int, Row]] = defaultdict(dict)
        self._holding: dict[int, dict[int, Row]] = defaultdict(dict)

    @classmethod
    def present(cls, content: Content) -> State:
        """What lives now."""
        state = cls(content)
        state.change((each for each in content.entities.values() if each.died is None), ())
        state.add(row for row in content.rows if row.died is None)
        return state

    def change(self, born: Iterable[Entity], died: Iterable[Entity]) -> None:
        """Entities that come and go."""
        for entity in died:
            self.entities.pop(entity.id, None)
        for entity in born:
            self.entities[entity.id] = entity

    def add(self, rows: Iterable[Row]) -> None:
        """Rows that come."""
        for row in rows:
            for index in self._indexes(row):
                index[row.id] = row

    def drop(self, rows: Iterable[Row]) -> None:
        """Rows that go."""
        for row in rows:
            for index in self._indexes(row):
                index.pop(row.id, None)

    def _indexes(self, row: Row) -> Iterator[dict[int, Row]]:
        yield self._own[row.entity]
        if row.relation is not None:
            yield self._naming[row.relation]
        if row.key == ADDRESS and row.subkey is None and isinstance(row.value, int):
            yield self._holding[row.value]

    def own(self, entity: int) -> list[Row]:
        """The rows of an entity, in the order in which they were made."""
        return sorted(self._own.get(entity, {}).values())

    def naming(self, entity: int, key: str | None = None, subkey: str | None = None) -> list[Row]:
        """The rows of others that are relations to an entity, of those that live; those of one key and subkey."""
        found = (row for row in self._naming.get(entity, {}).values() if row.entity in self.entities)
        wanted = (row for row in found if (key is None or row.key == key) and (subkey is None or row.subkey == subkey))
        return sorted(wanted, key=lambda row: row.id)

    def holding(self, number: int) -> list[Row]:
        """The rows that give an address out, by its number."""
        return sorted(self._holding.get(number, {}).values(), key=lambda row: row.id)

    def value(self, entity: int, key: str, subkey: str | None, number: int | None = None) -> object:
        """The first value under a key; None where there is none."""
        for row in self.own(entity):
            if (row.key, row.subkey, row.number) == (key, subkey, number):
                return row.value
        return None
