"""Questions to an inventory, answered by handles: the same outside of everything, in a snapshot and inside a change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from clusto_core.errors import Malformed, NotFound
from clusto_core.library import asking
from clusto_core.library.handle import Handle, handles, record
from clusto_core.library.source import Source
from clusto_core.store.database import EmptyStore

if TYPE_CHECKING:
    from clusto_core.model.reserving import Reservation
    from clusto_core.query.matching import Match, Pairs
    from clusto_core.query.tree import Node
    from clusto_core.records.history import Entry
    from clusto_core.resources.capacity import Capacity
    from clusto_core.resources.fitting import Need


class Broken(NamedTuple):
    """A Thing or part that breaks a policy: which one, its level (`error` or `warning`), and how."""

    thing: Handle
    policy: str
    level: str
    words: str


class View(Source):
    """Questions to an inventory."""

    def __getitem__(self, name: str | Handle) -> Handle:
        """The Thing or part that is meant: by its name, its label, an address, a MAC or a serial number; or the one of
        a handle, as it is here. Raises NotFound, with a suggestion; Malformed when it could be several."""
        return handles(self, [record(self, name)])[0]

    def get(self, name: str | Handle) -> Handle | None:
        """The same; None where there is no such Thing. Raises NotFound where there is no inventory."""
        try:
            return self[name]
        except EmptyStore:
            raise
        except NotFound:
            return None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, (str, Handle)) and self.get(name) is not None

    def find(
        self,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: str | Handle | None = None,
        allow_unknown: bool = False,
    ) -> list[Handle]:
        """What an expression selects, in natural order: given as text, as a tree (`expression`), or as pairs of keys
        and values, matched in one of the ways of `Match`; only of a driver, only inside of something, if these are
        given.

        Raises Malformed for what is no expression, NotFound for names and keys that nothing has, unless
        `allow_unknown`; warns (UnknownValueWarning) of values that nothing has.
        """
        asked = self._question(wanted, how, driver, inside)
        return handles(self, asking.find(self, asked, allow_unknown=allow_unknown))

    def one(
        self,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: str | Handle | None = None,
    ) -> Handle:
        """The one Thing that `find` gives. Raises NotFound for none, Malformed for several."""
        asked = self._question(wanted, how, driver, inside)
        found = handles(self, asking.find(self, asked))
        if len(found) == 1:
            return found[0]
        if not found:
            raise NotFound(f"nothing satisfies {asked}")
        shown = ", ".join(handle.name for handle in found[:5])
        raise Malformed(f"{len(found)} Things satisfy {asked}: {shown}{', ...' if len(found) > 5 else ''}")

    def pick(
        self,
        number: int,
        wanted: str | Node | Pairs | None = None,
        how: Match | None = None,
        *,
        driver: str | None = None,
        inside: str | Handle | None = None,
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

        asked = self._question(wanted, how, driver, inside)
        with self.reading() as reader:
            found = pick(reader, asking.choice(number, asked, spread, pack, prefer, seed))
        asking.warn(found.notes)
        return handles(self, found.things)

    def violations(self, where: str | None = None) -> list[Broken]:
        """What breaks the policies, of all or of what an expression selects: as `clusto check` tells it, but for what
        switches would have to be asked. Raises Malformed, NotFound for the expression."""
        from clusto_core.query import policies

        among = None if where is None else {thing.id for thing in asking.find(self, asking.question(where, None))}
        with self.reading() as reader:
            found = [each for each in policies.check(reader, policies.policies(reader), among) if each.known]
        things = handles(self, [each.thing for each in found])
        return [
            Broken(thing, each.policy.name, each.policy.level, each.words)
            for thing, each in zip(things, found, strict=True)
        ]

    def reservations(self, *named: str | Handle) -> list[Reservation]:
        """What is reserved, of these and their parts or of all, over or not; the first to end goes first."""
        from clusto_core.rules import reservations

        among = [record(self, each) for each in named] or None
        with self.reading() as reader:
            return reservations.reservations(reader, among)

    def capacity(self, *named: str | Handle) -> list[Capacity]:
        """What each of these has, uses, has reserved and has free: racks, places, PDUs, switches, Networks; of nobody
        named, every rack. See `clusto capacity`."""
        from clusto_core.resources import capacity

        with self.reading() as reader:
            wanted = [record(self, each) for each in named] or capacity.racks(reader)
            return capacity.capacities(reader, wanted)

    def fitting(self, need: str | Need, *among: str | Handle) -> list[Capacity]:
        """The racks with room for something (`units=2,watts=800`), all or those among these and in them, the best
        first; none of which nobody said enough to tell. Raises Malformed."""
        from clusto_core.resources import fitting

        wanted = fitting.need(need) if isinstance(need, str) else need
        with self.reading() as reader:
            return fitting.fitting(reader, wanted, [record(self, each) for each in among] or None).racks

    def history(self, limit: int | None = None) -> list[Entry]:
        """The transactions, newest first."""
        from clusto_core.records.history import entries

        with self.reading() as reader:
            return entries(reader, limit=limit)

    def _question(
        self, wanted: str | Node | Pairs | None, how: Match | None, driver: str | None, inside: str | Handle | None
    ) -> Node:
        return asking.question(wanted, how, driver, None if inside is None else record(self, inside))
