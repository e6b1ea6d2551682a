"""Where handles are from: what reads the store for them, and whether they may write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from clusto_core.errors import Refused
from clusto_core.model.things import Thing

if TYPE_CHECKING:
    from clusto_core.inventory import Transaction
    from clusto_core.store.reader import Reader


class Source(ABC):
    """An inventory, a snapshot of one, or a change to one."""

    url: str

    @abstractmethod
    def reading(self) -> AbstractContextManager[Reader]:
        """The store, for one question and those that it leads to."""

    @property
    def transaction(self) -> Transaction | None:
        """What is changed by it, inside a change."""
        return None

    def resolve(self, named: str | Thing) -> Thing:
        """The Thing or part that is meant, as it is here. Raises NotFound, Malformed."""
        with self.reading() as reader:
            return reader.resolve(str(named) if isinstance(named, str) else named.name)

    def current(self, things: Iterable[Thing]) -> Sequence[Thing]:
        """These Things, read just now, as they are known here."""
        return list(things)

    def writing(self, thing: Thing) -> Transaction:
        """The transaction in which a Thing of it is changed. Raises Refused where nothing is changed."""
        raise Refused(f"{thing.name} was only read: with inventory.change() as change: change[{thing.name!r}]...")
