"""Picking Things that satisfy an expression: all that are wanted or none, apart from each other or close together.

It is done inside a write transaction, which holds the store's one write lock: what is picked is marked before anybody
else looks, so that nothing is ever handed out twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from clusto_core.drivers import Driver
from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Transaction
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing, in_order
from clusto_core.query import tree, vain
from clusto_core.query.binding import bind
from clusto_core.query.columns import Column, Table
from clusto_core.query.compiler import Compiler
from clusto_core.query.patterns import Literal
from clusto_core.query.search import COLUMNS, tree_of
from clusto_core.query.tree import Node
from clusto_core.resources import fitting
from clusto_core.resources.fitting import Need
from clusto_core.rules import reservations
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

if TYPE_CHECKING:
    from datetime import datetime

STEPS = 200_000
"""How far a choice is searched for among Things that are in several groups at once."""

Groups = frozenset[str]
"""The names of the racks, PDUs, ... that something is in or connected to."""


class Wanted(NamedTuple):
    """What is to be picked.

    `spread`: of the first driver (Rack) no two may share one; of the further ones (PDU) as few as can be.
    `pack`: on as few of that driver as can be. `prefer`: an expression; what satisfies it goes first.
    `claim`: only what is reserved for that, which nothing else picks before its time.
    `fit`: only racks that have room for it, and what stands in them.
    `seed`: a repeatable shuffle; without one, Things go in natural order, as the store comes upon them.
    """

    number: int
    where: str | Node
    within: Thing | None = None
    spread: Sequence[type[Driver]] = ()
    pack: type[Driver] | None = None
    prefer: str | Node | None = None
    seed: int | None = None
    claim: str | None = None
    fit: Need | None = None


class Allocation(NamedTuple):
    """What was picked, in natural order, and what the author of the expression should know."""

    things: list[Thing]
    notes: list[str]


def allocate(
    change: Transaction,
    wanted: Wanted,
    *,
    settings: Iterable[tuple[str | Key, Any]] = (),
    put: Thing | None = None,
    until: datetime | None = None,
    purpose: str = "",
) -> Allocation:
    """Picks so many Things, sets attributes of them, puts them into `put`, and reserves them `until` then.

    What reservations they had, over or claimed, end.

    Raises Refused when there are not enough, saying which condition lacks; Malformed, NotFound as `query.find` does,
    Refused as `Transaction.put`.
    """
    if purpose and until is None:
        raise Malformed(f"reserved for {purpose}: until when? (--until 2026-12-24, or --hold 2h)")
    chosen, notes = pick(change.unit.reader, wanted, change.allocated)
    values = list(settings)
    things = change.unit.known(chosen)
    with change.unit.wholly():
        for thing in things:
            reservations.clear(change.unit, thing)
            for key, value in change.numbered(thing, values):
                change.set_values(thing, key, value)
            if put is not None:
                change.put(thing, put)
        if until is not None:
            change.reserve(things, until, purpose)
    change.allocated.update(thing.id for thing in things)
    return Allocation(things, notes)


def pick(reader: Reader, wanted: Wanted, taken: Container[int] = ()) -> Allocation:
    """Picks so many Things, without those that are reserved and those of the ids that are `taken`, and does nothing
    with them. Raises as `allocate` does."""
    if wanted.number < 1:
        raise Malformed(f"{wanted.number} Things cannot be picked")
    if wanted.spread and wanted.pack:
        raise Malformed("--spread and --pack are contraries: give one of them")
    bound = bind(reader, tree_of(wanted.where))
    conditions = list(bound.tree.items) if isinstance(bound.tree, tree.And) else [bound.tree]
    if wanted.within is not None:
        conditions.append(tree.In(tree.Name(Literal(wanted.within.name))))
    picker = _Picker(reader, wanted, taken)
    preferred = bind(reader, tree_of(wanted.prefer)).tree if wanted.prefer is not None else None
    chosen = picker.pick(tree.And(*conditions), preferred)
    if chosen is None:
        raise Refused(_lacking(reader, wanted, conditions, picker))
    told = [*bound.notes, *vain.notes(reader, bound.tree)]
    return Allocation(in_order(chosen), told)


class _Picker:
    """Reads candidates in portions until a choice among them is as good as any can be."""

    def __init__(self, reader: Reader, wanted: Wanted, taken: Container[int]) -> None:
        self.reader = reader
        self.wanted = wanted
        self.taken = taken
        self.claimed: set[int] | None = None
        self.roomy: set[int] | None = None
        if wanted.fit is not None:
            within = [wanted.within] if wanted.within is not None else None
            self.roomy = fitting.inside(reader, fitting.fitting(reader, wanted.fit, within).racks)
        if wanted.claim is not None:
            known = reservations.reservations(reader)
            self.claimed = {each.thing.id for each in known if not each.over and each.purpose == wanted.claim}
        self.groups: list[dict[int, Groups]] = [{} for _ in wanted.spread]

    @cached_property
    def reserved(self) -> set[int]:
        """What is reserved for something, by id."""
        return reservations.held(self.reader)

    def may_pick(self, id: int) -> bool:
        """Whether it is not handed out already, nor reserved for something else."""
        if id in self.taken or (self.roomy is not None and id not in self.roomy):
            return False
        return id not in self.reserved if self.claimed is None else id in self.claimed

    def pick(self, node: Node, preferred: Node | None) -> list[Thing] | None:
        """So many Things, or None when there are not enough."""
        streams = [node]
        if preferred is not None:
            streams = [tree.And(*node.children, preferred), tree.And(*node.children, tree.Not(preferred))]
        # Only a choice that cannot be bettered by what comes later ends the reading.
        eager = self.wanted.seed is None and self.wanted.pack is None
        found: list[Thing] = []
        best: list[Thing] | None = None
        for stream in streams:
            for portion in self._portions(stream, eager):
                found += portion
                best = self._choose(found)
                if best is not None and eager and not self._shared(best):
                    return best
            if best is not None and self.wanted.pack is None and not self._shared(best):
                return best
        return best

    def _portions(self, node: Node, eager: bool) -> Iterator[list[Thing]]:
        sql, parameters = Compiler(self.reader).compile(node, COLUMNS)
        size = max(64, 4 * self.wanted.number)
        portion: list[Thing] = []
        for row in self.reader.database.iterate(sql, parameters):
            if self.may_pick(row[0]):
                portion.append(Thing(*row))
            if eager and len(portion) >= size:
                yield self._ready(portion)
                portion = []
                size *= 4
        yield self._ready(portion)

    def _ready(self, portion: list[Thing]) -> list[Thing]:
        """A portion in order, with the groups of its Things read; those that are in none of the first are left out."""
        portion.sort(key=lambda thing: natural_key(thing.name))
        if self.wanted.seed is not None:
            from random import Random

            Random(self.wanted.seed).shuffle(portion)
        for driver, groups in zip(self.wanted.spread, self.groups, strict=True):
            groups.update(groups_of(self.reader, portion, driver))
        if self.groups:
            portion = [thing for thing in portion if self.groups[0][thing.id]]
        return portion

    def _shared(self, chosen: Sequence[Thing]) -> int:
        """How often two of them share a group that they need not."""
        shared = 0
        for groups in self.groups[1:]:
            counted = Counter(group for thing in chosen for group in groups[thing.id])
            shared += sum(count - 1 for count in counted.values())
        return shared

    def _choose(self, candidates: list[Thing]) -> list[Thing] | None:
        if len(candidates) < self.wanted.number:
            return None
        if self.wanted.pack is not None:
            return self._packed(candidates)
        if not self.groups:
            return candidates[: self.wanted.number]
        return self._spread(candidates) or self._searched(candidates)

    def _spread(self, candidates: list[Thing]) -> list[Thing] | None:
        """One after the other whatever shares least with those before."""
        chosen: list[Thing] = []
        used: set[str] = set()
        counted: list[Counter[str]] = [Counter() for _ in self.groups[1:]]
        left = candidates
        while len(chosen) < self.wanted.number:
            left = [thing for thing in left if used.isdisjoint(self.groups[0][thing.id])]
            if not left:
                return None
            best = left[0]
            if counted:
                best = min(
                    left,
                    key=lambda thing: [
                        sum(count[group] for group in groups[thing.id])
                        for count, groups in zip(counted, self.groups[1:], strict=True)
                    ],
                )
            chosen.append(best)
            used |= self.groups[0][best.id]
            for count, groups in zip(counted, self.groups[1:], strict=True):
                count.update(groups[best.id])
        return chosen

    def _searched(self, candidates: list[Thing]) -> list[Thing] | None:
        """So many that share none of the first groups, where taking one after the other has found too few.

        That happens only where something is in several such groups at once, as on two PDUs.
        """
        groups = self.groups[0]
        kinds: dict[Groups, Thing] = {}
        for thing in candidates:
            kinds.setdefault(groups[thing.id], thing)
        if len(kinds) < self.wanted.number or all(len(kind) == 1 for kind in kinds):
            return None
        rarity = Counter(group for kind in kinds for group in kind)
        order = sorted(kinds, key=lambda kind: (len(kind), sum(rarity[group] for group in kind), sorted(kind)))
        steps = 0
        chosen: list[Groups] = []
        stack: list[int] = [0]
        while stack and steps < STEPS:
            steps += 1
            place = stack[-1]
            if len(chosen) + len(order) - place < self.wanted.number:
                stack.pop()
                if chosen:
                    chosen.pop()
                continue
            stack[-1] += 1
            kind = order[place]
            if all(kind.isdisjoint(other) for other in chosen):
                chosen.append(kind)
                if len(chosen) == self.wanted.number:
                    return [kinds[each] for each in chosen]
                stack.append(place + 1)
        return None

    def _packed(self, candidates: list[Thing]) -> list[Thing]:
        """The smallest group that has enough; else the largest ones, until there are enough."""
        assert self.wanted.pack is not None
        members: dict[str, list[Thing]] = {}
        groups = groups_of(self.reader, candidates, self.wanted.pack)
        for thing in candidates:
            for group in groups[thing.id] or {""}:
                members.setdefault(group, []).append(thing)
        chosen: dict[Thing, None] = {}
        while len(chosen) < self.wanted.number:
            missing = self.wanted.number - len(chosen)
            left = {group: [each for each in found if each not in chosen] for group, found in members.items()}
            enough = [group for group, found in left.items() if group and len(found) >= missing]
            if enough:
                group = min(enough, key=lambda group: (len(left[group]), natural_key(group)))
            else:
                group = max(left, key=lambda group: (bool(group) and bool(left[group]), len(left[group])))
            chosen.update(dict.fromkeys(left[group][:missing]))
        return list(chosen)


def groups_of(reader: Reader, things: Sequence[Thing], driver: type[Driver]) -> dict[int, Groups]:
    """For each Thing, by id, the nearest of a driver that it is in; or, where it is in none, those of that driver that
    its cables lead to."""
    table = Table(reader, things)
    inside = table.column(Column("", "in:", driver=driver))
    found = {
        thing.id: frozenset(cell.text for cell in cells) for thing, cells in zip(things, inside, strict=True) if cells
    }
    outside = [thing for thing in things if thing.id not in found]
    connected = Table(reader, outside).column(Column("", "connected:", driver=driver))
    for thing, cells in zip(outside, connected, strict=True):
        found[thing.id] = frozenset(cell.text for cell in cells)
    return found


def _lacking(reader: Reader, wanted: Wanted, conditions: list[Node], picker: _Picker) -> str:
    """Why there are not enough: how many satisfy the conditions, one after the other."""
    counted = []
    total = 0
    ids: list[int] = []
    for number in range(1, len(conditions) + 1):
        sql, parameters = Compiler(reader).compile(tree.And(*conditions[:number]), ("id",))
        ids = [row[0] for row in reader.database.iterate(sql, parameters)]
        total = sum(map(picker.may_pick, ids))
        counted.append(f"{'and ' if number > 1 else ''}{conditions[number - 1]}: {total}")
    reserved = len(picker.reserved.intersection(ids)) if picker.claimed is None else 0
    besides = f"; {reserved} besides {'is' if reserved == 1 else 'are'} reserved (clusto reservations)" * bool(reserved)
    if picker.roomy is not None:
        besides += "; only racks with that much room count, and what is in them (clusto capacity --for)"
    if picker.claimed is not None:
        besides = f"; {len(picker.claimed)} are reserved for {wanted.claim}"
    if total >= wanted.number and wanted.spread:
        driver = wanted.spread[0].__name__
        groups = len(set().union(*picker.groups[0].values())) if picker.groups[0] else 0
        lost = sum(1 for found in picker.groups[0].values() if not found)
        beside = f", {lost} of them in none" if lost else ""
        return f"not enough: {wanted.number} wanted, {total} found, on {groups} different {driver}s{beside}{besides}"
    return f"not enough: {wanted.number} wanted, {total} found ({', '.join(counted)}){besides}"
