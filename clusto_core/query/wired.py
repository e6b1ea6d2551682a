"""`free` and `cabled` as SQL: what makes a part free is said here, and in `memory`, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from clusto_core.drivers import Part, registry
from clusto_core.model import interfaces as model
from clusto_core.model import wiring
from clusto_core.model.attributes import Key, Value
from clusto_core.model.interfaces import BROKEN_OUT, CONNECTOR, KIND, LEG, OCCUPIED, PARENT
from clusto_core.model.names import split_part
from clusto_core.model.reserved import RESERVED_UNTIL
from clusto_core.query import tree
from clusto_core.query.statement import Statement

KEYS = (OCCUPIED, KIND, CONNECTOR, RESERVED_UNTIL)
"""Of a part: what else but cables keeps it from being free."""
_TOLD = (KIND, CONNECTOR)


def _barring(name: str, kind: str | None, connector: str | None) -> str | None:
    """The part whose being there tells that an interface has no socket: itself, or what it is a sub-interface of."""
    owner, part = split_part(name)
    told = model.Interface(kind or "", connector or "", "", "")
    beneath: list[str] = []

    def ask_the_store(parent: str) -> bool:
        beneath.append(parent)
        return False

    if not model.has_socket(model.kind(part or "", told, ask_the_store)):
        return name
    return f"{owner}:{beneath[0]}" if beneath else None


class Wiring:
    """The conditions of both tests, for one statement."""

    def __init__(self, statement: Statement, stored: Iterable[str]) -> None:
        self.statement = statement
        self._stored = tuple(stored)
        self._now = Value("datetime", statement.database.now.isoformat()).integer

    def condition(self, node: tree.Wired, x: str, part: bool) -> str:
        """That the row of `things` called `x`, a whole Thing or a part, satisfies the test."""
        if node.kind is None and not part:
            return "1 = 0"
        if isinstance(node, tree.Cabled):
            if part:
                return f"({self._cabled(f'part_id = {x}.id', node.kind)} OR {self._leg(x, node.kind, cabled=True)})"
            return self._cabled(f"thing_id = {x}.id", node.kind)
        if part:
            return self._free(x, node.kind)
        p = self.statement.alias("p")
        return f"EXISTS (SELECT 1 FROM things {p} WHERE {p}.owner_id = {x}.id AND {self._free(p, node.kind)})"

    def _free(self, part: str, kind: str | None) -> str:
        drivers = self._drivers(kind)
        if not drivers:
            return "1 = 0"
        found = [self._of(part, drivers), *self._nothing_in(part)]
        if any(map(wiring.is_interface, drivers)):
            found.append(self._with_socket(part, [name for name in drivers if wiring.is_interface(name)]))
        return f"({' AND '.join(found)})"

    def _of(self, part: str, drivers: Iterable[str]) -> str:
        return f"{self.statement.plain(f'{part}.driver')} IN ({self.statement.bind_all(drivers)})"

    def _nothing_in(self, part: str) -> Iterable[str]:
        """That no cable is in a part, that nothing else is said to be but a breakout cable of which no leg is joined to
        anything, and that nobody has it reserved."""
        yield f"NOT {self._cabled(f'part_id = {part}.id', None)}"
        a = self.statement.alias("a")
        begun = f"SUBSTR({a}.head, 1, {len(BROKEN_OUT)}) = {self.statement.bind(BROKEN_OUT)}"
        idle = f"{begun} AND {self._leg(part, None, cabled=False)} AND NOT {self._leg(part, None, cabled=True)}"
        occupied = f"{self._under(a, part, OCCUPIED)} AND {a}.head <> '' AND NOT ({idle})"
        held = f"{self._under(a, part, RESERVED_UNTIL)} AND {a}.integer_value > {self.statement.bind(self._now)}"
        yield from (f"NOT EXISTS (SELECT 1 FROM attributes {a} WHERE {each})" for each in (occupied, held))

    def _leg(self, port: str, kind: str | None, *, cabled: bool) -> str:
        """That a port has a leg; one that a cable is in, where that is asked."""
        a, k = self.statement.alias("a"), self.statement.alias("k")
        leg = f"{self.statement.keyed(k, KIND, indexed=False)} AND {k}.head = {self.statement.bind(LEG)}"
        joined = f" AND {self._cabled(f'part_id = {a}.thing_id', kind)}" if cabled else ""
        return (
            f"EXISTS (SELECT 1 FROM attributes {a} JOIN attributes {k} ON {k}.thing_id = {a}.thing_id"
            f" WHERE {a}.ref_id = {port}.id AND {self.statement.keyed(a, PARENT, indexed=False)} AND {leg}{joined})"
        )

    def _under(self, a: str, part: str, key: Key) -> str:
        return f"{a}.thing_id = {part}.id AND {self.statement.keyed(a, key, indexed=False)}"

    def _with_socket(self, part: str, interfaces: Sequence[str]) -> str:
        """That a part has a socket, where it is an interface.

        What names tell is decided here: SQLite calls back for each, the others are given those that are none.
        """
        if self.statement.dialect == "sqlite":
            q = self.statement.alias("q")
            told = ", ".join((f"{part}.name", *(self._said(part, key) for key in _TOLD)))
            barred = f"EXISTS (SELECT 1 FROM things {q} WHERE {q}.name = {self._callback}({told}))"
            return f"NOT ({self._of(part, interfaces)} AND {barred})"
        return f"{part}.id NOT IN {self.statement.ids(self._barred(interfaces))}"

    def _said(self, part: str, key: Key) -> str:
        a = self.statement.alias("a")
        return f"(SELECT {a}.head FROM attributes {a} WHERE {self._under(a, part, key)} LIMIT 1)"

    @cached_property
    def _callback(self) -> str:
        name = self.statement.alias("clusto_socketless")
        self.statement.database.connection.create_function(name, 1 + len(_TOLD), _barring, deterministic=True)
        return name

    def _barred(self, interfaces: Sequence[str]) -> list[int]:
        """The interfaces that have no socket."""
        x = self.statement.alias("x")
        told = ", ".join((f"{x}.id", f"{x}.name", *(self._said(x, key) for key in _TOLD)))
        bare = f"{self._of(x, interfaces)} AND NOT {self._cabled(f'part_id = {x}.id', None)}"
        rows = self.statement.rows(f"SELECT {told} FROM things {x} WHERE {bare}")
        barring = {id: name for id, *said in rows if (name := _barring(*said)) is not None}
        names = {name for _, name, *_ in rows}
        beyond = list({*barring.values()} - names)
        names.update(
            row[0]
            for row in self.statement.database.rows_in("SELECT t.name FROM things t WHERE t.name IN (:ids)", beyond)
        )
        return [id for id, name in barring.items() if name in names]

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
