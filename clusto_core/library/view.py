"""Questions to an inventory, answered by handles: the same outside of everything, in a snapshot and inside a change."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.library.batch import LARGEST, Batch
from clusto_core.library.handle import Handle
from clusto_core.model.things import Thing

if TYPE_CHECKING:
    from clusto_core.inventory import Transaction
    from clusto_core.library.change import Change
    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node
    from clusto_core.resources.allocation import Wanted
    from clusto_core.store.reader import Reader

Named = str | Handle
"""A Thing by what an operator calls it (its name, a part's, an address, a MAC, a serial number), or a handle of it."""


class UnknownValueWarning(UserWarning):
    """An expression asks for a value that nothing has: perhaps mistyped."""


class View(ABC):
    """Questions to an inventory."""

    url: str

    # --- what an inventory, a snapshot and a change have of their own ------------------------------------------------

    @abstractmethod
    def reading(self) -> AbstractContextManager[Reader]:
        """The store, for one question."""

    @property
    def transaction(self) -> Transaction | None:
        """What is changed by it, inside a change."""
        return None

    def _resolved(self, name: str) -> Thing:
        with self.reading() as reader:
            return reader.resolve(name)

    def _current(self, things: Iterable[Thing]) -> Sequence[Thing]:
        """These Things as they are known here."""
        return list(things)

    def writing(self, handle: Handle) -> Change:
        """The change that a handle of it writes to. Raises Refused where nothing is changed."""
        raise Refused(f"{handle.name} was only read: with inventory.change() as change: change[{handle.name!r}]...")

    # --- handles -----------------------------------------------------------------------------------------------------

    def handles(self, things: Iterable[Thing]) -> list[Handle]:
        """Handles of Things that came together."""
        current = self._current(things)
        found: list[Handle] = []
        for start in range(0, len(current), LARGEST):
            batch = Batch(self, current[start : start + LARGEST])
            found += [Handle(thing, batch) for thing in batch.things]
        return found

    def handle(self, thing: Thing) -> Handle:
        """A handle of one Thing."""
        return self.handles([thing])[0]

    def by_id(self, id: int) -> Handle:
        """The Thing with that id."""
        with self.reading() as reader:
            return self.handle(reader.by_ids([id])[id])

    def __getitem__(self, name: Named) -> Handle:
        """The Thing or part that is meant. Raises NotFound, with a suggestion; Malformed when it could be several."""
        return self.handle(self._resolved(str(name)))

    def get(self, name: Named) -> Handle | None:
        """The same; None where there is none."""
        try:
            return self[name]
        except NotFound:
            return None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, (str, Handle)) and self.get(name) is not None

    # --- expressions -------------------------------------------------------------------------------------------------

    def find(
        self,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: Named | None = None,
        allow_unknown: bool = False,
    ) -> list[Handle]:
        """What an expression selects, in natural order: given as text, as a tree (`expression`), or as pairs of keys
        and values, matched in one of the ways of `Match`; only of a driver, only inside of something, if these are
        given.

        Raises Malformed, NotFound as `query.find` does; warns (UnknownValueWarning) of values that nothing has.
        """
        from clusto_core.query.search import find

        with self.reading() as reader:
            found = find(reader, self._question(wanted, how, driver, inside), allow_unknown=allow_unknown)
            warn_of(found.notes)
            return self.handles(found.things)

    def one(
        self,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: Named | None = None,
    ) -> Handle:
        """The one Thing that `find` gives. Raises NotFound for none, Malformed for several."""
        found = self.find(wanted, how, driver=driver, inside=inside)
        if len(found) == 1:
            return found[0]
        question = self._question(wanted, how, driver, inside)
        if not found:
            raise NotFound(f"nothing satisfies {question}")
        shown = ", ".join(handle.name for handle in found[:5])
        raise Malformed(f"{len(found)} Things satisfy {question}: {shown}{', ...' if len(found) > 5 else ''}")

    def pick(
        self,
        number: int,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: Named | None = None,
        spread: str | Sequence[str] = (),
        pack: str | None = None,
        prefer: str | Node | None = None,
        seed: int | None = None,
    ) -> list[Handle]:
        """So many Things of those that `find` gives, or none at all; nothing is marked: inside a change, `allocate`.

        `spread`: a driver (Rack) of which no two may share one, and further ones (PDU) of which as few as can be.
        `pack`: on as few of that driver as can be. `prefer`: what satisfies it goes first. `seed`: shuffled, the same
        for the same number. Raises Refused when there are not enough, Malformed and NotFound as `find` does.
        """
        from clusto_core.resources.allocation import pick

        question = self._question(wanted, how, driver, inside)
        with self.reading() as reader:
            found = pick(reader, choice(number, question, spread, pack, prefer, seed))
            warn_of(found.notes)
            return self.handles(found.things)

    def _question(
        self, wanted: str | Node | Pairs | None, how: Match | None, driver: str | None, inside: Named | None
    ) -> Node:
        """The tree of what is asked for. Raises Malformed, NotFound."""
        from clusto_core.drivers import registry
        from clusto_core.query import tree
        from clusto_core.query.patterns import Literal
        from clusto_core.query.search import tree_of

        conditions: list[Node] = []
        if driver is not None:
            kind = registry.get(driver)
            conditions.append(tree.DriverIs(Literal(kind.__name__), (kind,)))
        if wanted is not None:
            conditions.append(tree_of(wanted, how))
        if inside is not None:
            conditions.append(tree.In(tree.Name(Literal(self._resolved(str(inside)).name))))
        if not conditions:
            raise Malformed("nothing is asked for: give an expression, pairs, a driver, or what it is inside of")
        return conditions[0] if len(conditions) == 1 else tree.And(*conditions)


def choice(
    number: int,
    question: Node,
    spread: str | Sequence[str],
    pack: str | None,
    prefer: str | Node | None,
    seed: int | None,
) -> Wanted:
    """What is to be picked, with drivers by name. Raises Malformed."""
    from clusto_core.drivers import registry
    from clusto_core.resources.allocation import Wanted

    apart = [spread] if isinstance(spread, str) else spread
    if apart and pack is not None:
        raise Malformed("spread and pack are contraries: give one of them")
    together = registry.get(pack) if pack is not None else None
    return Wanted(number, question, None, [registry.get(each) for each in apart], together, prefer, seed)


def warn_of(notes: Iterable[str]) -> None:
    """Tells whoever called the caller."""
    for note in notes:
        warnings.warn(note, UnknownValueWarning, stacklevel=3)
