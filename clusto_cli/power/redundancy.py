"""What happens to a rack when one of its feeds fails: what each Thing on several feeds drew moves to its others, and
what has a single one goes dark."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from clusto_cli.power.loads import FeedLoad, PduLoad, watts_of


class Socket(NamedTuple):
    """An outlet that a Thing hangs on, as its PDU calls it, and the feed of that."""

    pdu: str
    outlet: str
    feed: str


class Hung(NamedTuple):
    """A Thing, and all outlets that it hangs on, in the rack and elsewhere."""

    name: str
    sockets: tuple[Socket, ...]

    @property
    def alone(self) -> str | None:
        """The one feed that it lives on; None where it has several."""
        feeds = {socket.feed for socket in self.sockets}
        return feeds.pop() if len(feeds) == 1 else None


class Failing(NamedTuple):
    """What a feed carries when another one fails, in watts, and whether that is more than it may."""

    feed: str
    watts: float
    over: bool | None


def failing(feeds: Sequence[FeedLoad], hung: Sequence[Hung] = ()) -> Mapping[str, Failing]:
    """For each feed the failure of another one that is the worst for it.

    What a Thing drew from a feed goes to its other outlets in equal shares, out of the rack where they are there, and
    nowhere where it has none. What a feed carries beyond what is recorded on it is taken to hang on all feeds.
    """
    known = {each.feed: load.watts for each in feeds if (load := each.load) is not None}
    draws = [*_draws(feeds, hung)]
    worst: dict[str, Failing] = {}
    for failed in known:
        moved = _moved(failed, known, draws)
        for each in feeds:
            if each.feed == failed or each.feed not in known:
                continue
            watts = round(known[each.feed] + moved[each.feed], 3)
            if each.feed not in worst or watts > worst[each.feed].watts:
                worst[each.feed] = Failing(failed, watts, None if each.limit is None else watts > each.limit)
    return worst


def alone_on(feed: str, hung: Iterable[Hung]) -> list[str]:
    """What goes dark with a feed."""
    return [each.name for each in hung if each.alone == feed]


_Draw = tuple[Hung, Mapping[str, float]]
"""A Thing, and what it draws of each feed of the rack, in watts."""


def _moved(failed: str, known: Mapping[str, float], draws: Sequence[_Draw]) -> Mapping[str, float]:
    """What each other feed carries more."""
    moved: dict[str, float] = defaultdict(float)
    rest = known[failed]
    for hung, drawn in draws:
        watts = drawn.get(failed, 0.0)
        rest -= watts
        left = [socket.feed for socket in hung.sockets if socket.feed != failed]
        for feed in left:
            moved[feed] += watts / len(left)
    others = [feed for feed in known if feed != failed]
    for feed in others:
        moved[feed] += max(0.0, rest) / len(others)
    return moved


def _draws(feeds: Iterable[FeedLoad], hung: Sequence[Hung]) -> Iterator[_Draw]:
    """What is measured at its outlets; where a PDU measures none, an equal share of what it carries beside those that
    it does."""
    loads = {pdu.name: pdu for feed in feeds for pdu in feed.pdus}
    shares = _shares(loads, hung)
    for each in hung:
        drawn: dict[str, float] = defaultdict(float)
        for socket in each.sockets:
            if socket.pdu in loads:
                measured = _measured(loads[socket.pdu], socket)
                drawn[socket.feed] += shares[socket.pdu] if measured is None else measured
        yield each, drawn


def _shares(loads: Mapping[str, PduLoad], hung: Iterable[Hung]) -> dict[str, float]:
    left = {name: load.watts if (load := pdu.load) is not None else 0.0 for name, pdu in loads.items()}
    unmeasured: Counter[str] = Counter()
    for socket in (socket for each in hung for socket in each.sockets if socket.pdu in loads):
        measured = _measured(loads[socket.pdu], socket)
        unmeasured[socket.pdu] += measured is None
        left[socket.pdu] -= measured or 0.0
    return {name: max(0.0, watts) / max(1, unmeasured[name]) for name, watts in left.items()}


def _measured(pdu: PduLoad, socket: Socket) -> float | None:
    reading = pdu.outlet(socket.outlet)
    load = watts_of(reading, pdu.volts) if reading is not None else None
    return None if load is None else load.watts
