"""`free` and `cabled` as SQL: what makes a part free is said here, and in `memory`, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.drivers import Part, registry
from clusto_core.model import wiring
from clusto_core.query import tree
from clusto_core.query.statement import Statement


class Wiring:
    """The conditions of both tests, for one statement."""

    def __init__(self, statement: Statement, stored: Iterable[str]) -> None:
        self.statement = statement
        self._stored = tuple(stored)

    def condition(self, node: tree.Wired, x: str, part: bool) -> str:
        """That the row of `things` called `x`, a whole Thing or a part, satisfies the test."""
        if node.kind is None and not part:
            return "1 = 0"
        if isinstance(node, tree.Cabled):
            return self._cabled(f"{'part_id' if part else 'thing_id'} = {x}.id", node.kind)
        if part:
            return self._free(x, node.kind)
        p = self.statement.alias("p")
        return f"EXISTS (SELECT 1 FROM things {p} WHERE {p}.owner_id = {x}.id AND {self._free(p, node.kind)})"

    def _free(self, part: str, kind: str | None) -> str:
        drivers = self._drivers(kind)
        if not drivers:
            return "1 = 0"
        fitting = f"{self.statement.plain(f'{part}.driver')} IN ({self.statement.bind_all(drivers)})"
        return f"({fitting} AND NOT {self._cabled(f'part_id = {part}.id', None)})"

    def _cabled(self, end: str, kind: str | None) -> str:
        c = self.statement.alias("c")
        of_kind = "" if kind is None else f" AND {c}.kind = {self.statement.bind(kind)}"
        return f"EXISTS (SELECT 1 FROM connections {c} WHERE {c}.{end}{of_kind})"

    def _drivers(self, kind: str | None) -> list[str]:
        """The drivers, as the store names them, of parts that something can be joined to."""
        return [
            name
            for name in self._stored
            if issubclass(driver := registry.of(name), Part)
            and (found := wiring.taken_by(driver)) is not None
            and kind in (None, found)
        ]
