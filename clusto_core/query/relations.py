"""Relations as SQL: the arms by which one Thing leads to another, and what is reached along them.

Both ends of a relation are either whole Things or parts; each combination has arms of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from clusto_core.drivers import Category, registry
from clusto_core.model import wiring
from clusto_core.model.interfaces import KIND, LEG, PARENT
from clusto_core.query.statement import Arm, Statement

OWNERSHIP = "ownership"
"""No kind of connection, but that one is directly in the other."""
_LEAVING = """
    SELECT a.id FROM things t CROSS JOIN attributes a CROSS JOIN things p
    WHERE a.thing_id = t.id AND a.key = '_in' AND p.id = a.ref_id
          AND t.driver IN ({groupings}) AND p.driver NOT IN ({groupings})"""


class Arms:
    """The arms of the two relations, for one statement."""

    def __init__(self, statement: Statement, stored: Iterable[str]) -> None:
        self.statement = statement
        self._stored = list(stored)
        self._panels = any(wiring.is_panel(registry.of(name)) for name in self._stored)

    @cached_property
    def leaving(self) -> str:
        """The ids, in brackets, of what says that a grouping belongs to a place; nothing where nothing does. That is no
        way up for what is in the grouping: see `leads_on`."""
        groupings = [name for name in self._stored if issubclass(registry.of(name), Category)]
        if not groupings:
            return ""
        names = {f"grouping{number}": name for number, name in enumerate(groupings)}
        sql = _LEAVING.format(groupings=", ".join(f":{name}" for name in names))
        found = [row[0] for row in self.statement.database.rows(sql, names)]
        return self.statement.ids(found) if found else ""

    def belonging(self, known: str, *, up: bool) -> Arm | None:
        """From a grouping up to the place that it belongs to, or from a place down to such groupings."""
        if not self.leaving:
            return None
        a = self.statement.alias("a")
        here, there = ("thing_id", "ref_id") if up else ("ref_id", "thing_id")
        return Arm(f"attributes {a}", f"{a}.{here} = {known} AND {a}.id IN {self.leaving}", f"{a}.{there}")

    def _staying(self, arm: Arm) -> Arm:
        """The same way without those from a grouping to where it belongs."""
        if not self.leaving:
            return arm
        return arm._replace(where=f"{arm.where} AND {arm.unknown.partition('.')[0]}.id NOT IN {self.leaving}")

    def connected(self, known: str, known_part: bool, unknown_part: bool, via: str | None) -> list[Arm]:
        """One step from the id `known`: along a cable, to where its path ends, and, without `via`, in or out of
        what it is directly in; with `via` OWNERSHIP that alone."""
        if via == OWNERSHIP:
            return self._direct(known, known_part, unknown_part)
        here = "part_id" if known_part else "thing_id"
        there = "part_id" if unknown_part else "thing_id"
        ways = [(here, f"other_{there}", False)]
        if self._panels:
            # A path is the same from both ends; only a panel in its middle is seen from one end and not from the other.
            ways += [(here, f"far_{there}", True), (f"far_{here}", there, True)]
        arms = [self._cable(one, known, other, via, through=through) for one, other, through in ways]
        if self._has_legs:
            arms += [
                arm
                for one, other, through in ways
                for arm in self._by_legs(one, known, other, via, known_part, unknown_part, through=through)
            ]
        if via is None:
            arms += self._direct(known, known_part, unknown_part)
        return arms

    @cached_property
    def _has_legs(self) -> bool:
        """Whether a breakout cable is in any port."""
        sql = "SELECT a.thing_id FROM attributes a WHERE a.key = :key AND a.head = :leg AND a.subkey IS NULL LIMIT 1"
        return bool(self.statement.database.rows(sql, {"key": KIND.key, "leg": LEG}))

    def _by_legs(
        self, here: str, known: str, unknown: str, via: str | None, from_port: bool, to_port: bool, *, through: bool
    ) -> Iterator[Arm]:
        """What a port is joined to by the legs of its breakout cable: from it, to it, from one to another."""
        from_leg, to_leg = self.statement.alias("a"), self.statement.alias("a")
        if from_port:
            by = self._cable(here, f"{from_leg}.thing_id", unknown, via, through=through)
            first = Arm(
                f"attributes {from_leg} CROSS JOIN {by.table}", f"{self._leg(from_leg, known)} AND {by.where}", ""
            )
            yield first._replace(unknown=by.unknown)
            if to_port:
                yield self._to_port(first._replace(unknown=by.unknown), to_leg)
        if to_port:
            yield self._to_port(self._cable(here, known, unknown, via, through=through), to_leg)

    def _to_port(self, arm: Arm, to_leg: str) -> Arm:
        """From a leg that an arm leads to on to its port."""
        where = f"{arm.where} AND {self._leg(to_leg)} AND {to_leg}.thing_id = {arm.unknown}"
        return Arm(f"{arm.table} CROSS JOIN attributes {to_leg}", where, f"{to_leg}.ref_id")

    def _leg(self, a: str, port: str | None = None) -> str:
        """That a row of `attributes` says whose leg its part is, of a port if that is given."""
        k = self.statement.alias("a")
        kind = f"{k}.thing_id = {a}.thing_id AND {self.statement.keyed(k, KIND, indexed=False)}"
        is_leg = f"EXISTS (SELECT 1 FROM attributes {k} WHERE {kind} AND {k}.head = {self.statement.bind(LEG)})"
        if port is None:
            return f"{self.statement.keyed(a, PARENT, indexed=False)} AND {is_leg}"
        key = f"{self.statement.plain(f'{a}.key')} = {self.statement.bind(PARENT.key)}"
        return f"{a}.ref_id = {port} AND {key} AND {is_leg}"

    def _cable(self, here: str, known: str, unknown: str, via: str | None, *, through: bool = False) -> Arm:
        c = self.statement.alias("c")
        where = f"{c}.{here} = {known} AND {c}.{unknown} IS NOT NULL"
        if through:
            where += f" AND {c}.far_part_id <> {c}.other_part_id"
        if here == "far_part_id":
            # The index of far ends begins with the Thing.
            o = self.statement.alias("o")
            where += f" AND {c}.far_thing_id = (SELECT {o}.owner_id FROM things {o} WHERE {o}.id = {known})"
        if via is not None:
            where += f" AND {c}.kind = {self.statement.bind(via)}"
        return Arm(f"connections {c}", where, f"{c}.{unknown}")

    def _direct(self, known: str, known_part: bool, unknown_part: bool) -> list[Arm]:
        t = self.statement.alias("t")
        if known_part and unknown_part:
            return []
        if known_part:
            return [Arm(f"things {t}", f"{t}.id = {known} AND {t}.owner_id IS NOT NULL", f"{t}.owner_id")]
        if unknown_part:
            return [Arm(f"things {t}", f"{t}.owner_id = {known}", f"{t}.id")]
        return [self._put_in(known), self._holding(known)]

    def _put_in(self, known: str) -> Arm:
        a = self.statement.alias("a")
        where = f"{a}.thing_id = {known} AND {a}.key = '_in' AND {a}.ref_id IS NOT NULL"
        return Arm(f"attributes {a}", where, f"{a}.ref_id")

    def _holding(self, known: str) -> Arm:
        a = self.statement.alias("a")
        return Arm(
            f"attributes {a}", f"{a}.ref_id = {known} AND {self.statement.plain(f'{a}.key')} = '_in'", f"{a}.thing_id"
        )

    def up(self, known: str, *, units: bool) -> list[Arm]:
        """One step up from a whole Thing: what it was put in, its rack, and the rack `units` themselves."""
        arms = [self._staying(self._put_in(known)), self._mounted(known, "other_thing_id")]
        return [*arms, self._mounted(known, "other_part_id")] if units else arms

    def _mounted(self, known: str, unknown: str) -> Arm:
        c = self.statement.alias("c")
        where = f"{c}.thing_id = {known} AND {c}.part_id IS NULL AND {c}.{unknown} IS NOT NULL"
        return Arm(f"connections {c}", where, f"{c}.{unknown}")

    def down(self, known: str) -> list[Arm]:
        """One step down from a whole Thing: what was put in it, what is mounted in it; not its parts."""
        c = self.statement.alias("c")
        mounted = Arm(f"connections {c}", f"{c}.other_thing_id = {known} AND {c}.part_id IS NULL", f"{c}.thing_id")
        return [self._staying(self._holding(known)), mounted]

    def in_unit(self, known: str) -> Arm:
        """From a rack unit to what is mounted in it."""
        c = self.statement.alias("c")
        return Arm(f"connections {c}", f"{c}.part_id = {known} AND {c}.kind = 'position'", f"{c}.other_thing_id")
