"""Relations as SQL: the arms by which one Thing leads to another, and what is reached along them.

Both ends of a relation are either whole Things or parts; each combination has arms of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.drivers import registry
from clusto_core.model import wiring
from clusto_core.query.statement import Arm, Statement

OWNERSHIP = "ownership"
"""No kind of connection, but that one is directly in the other."""


class Arms:
    """The arms of the two relations, for one statement."""

    def __init__(self, statement: Statement, stored: Iterable[str]) -> None:
        self.statement = statement
        self._panels = any(wiring.is_panel(registry.of(name)) for name in stored)

    def connected(self, known: str, known_part: bool, unknown_part: bool, via: str | None) -> list[Arm]:
        """One step from the id `known`: along a cable, to where its path ends, and, without `via`, in or out of
        what it is directly in; with `via` OWNERSHIP that alone."""
        if via == OWNERSHIP:
            return self._direct(known, known_part, unknown_part)
        here = "part_id" if known_part else "thing_id"
        there = "part_id" if unknown_part else "thing_id"
        arms = [self._cable(here, known, f"other_{there}", via)]
        if self._panels:
            # A path is the same from both ends; only a panel in its middle is seen from one end and not from the other.
            arms += [
                self._cable(here, known, f"far_{there}", via, through=True),
                self._cable(f"far_{here}", known, there, via, through=True),
            ]
        if via is None:
            arms += self._direct(known, known_part, unknown_part)
        return arms

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
        arms = [self._put_in(known), self._mounted(known, "other_thing_id")]
        return [*arms, self._mounted(known, "other_part_id")] if units else arms

    def _mounted(self, known: str, unknown: str) -> Arm:
        c = self.statement.alias("c")
        where = f"{c}.thing_id = {known} AND {c}.part_id IS NULL AND {c}.{unknown} IS NOT NULL"
        return Arm(f"connections {c}", where, f"{c}.{unknown}")

    def down(self, known: str) -> list[Arm]:
        """One step down from a whole Thing: what was put in it, what is mounted in it; not its parts."""
        c = self.statement.alias("c")
        mounted = Arm(f"connections {c}", f"{c}.other_thing_id = {known} AND {c}.part_id IS NULL", f"{c}.thing_id")
        return [self._holding(known), mounted]

    def in_unit(self, known: str) -> Arm:
        """From a rack unit to what is mounted in it."""
        c = self.statement.alias("c")
        return Arm(f"connections {c}", f"{c}.part_id = {known} AND {c}.kind = 'position'", f"{c}.other_thing_id")
