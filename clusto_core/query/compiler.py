"""An expression as one SQL statement.

SQLite keeps no statistics, so where a statement begins is weighed here: at the test that the fewest Things satisfy,
counted by an index up to `statement.PROBE` rows. Everything else is then a condition on the few rows that come of it. A
relation is worked out from whichever of its sides is the smaller: from the set on its right side, or, when the
candidates are fewer, from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from clusto_core.drivers import Driver, registry
from clusto_core.drivers.parts import Inlet
from clusto_core.drivers.resources import UNSEEN
from clusto_core.model.things import Thing
from clusto_core.query import tree
from clusto_core.query.attribute_sql import TESTS, AttributeSql
from clusto_core.query.patterns import Literal, Range
from clusto_core.query.relations import Arms
from clusto_core.query.scope import scope
from clusto_core.query.statement import CROWD, MOST, PROBE, Arm, Statement, all_of, any_of, union
from clusto_core.query.tree import Node
from clusto_core.query.wired import Wiring
from clusto_core.store.reader import Reader

if TYPE_CHECKING:
    from clusto_core.answers.powermap import PowerMap

MANY = 10**9
"""More than anything counted: there is no index to begin at."""
CROWD_SIZE = 20_000
"""So many Things are sorted before anybody minds; more are read in order."""
SPARSE = 8
"""Where so many times more Things have to be looked at in order, sorting is quicker."""
IN_FACTOR = 100
CONNECTED_FACTOR = 30
"""How many Things one Thing is taken to have in it, or connected to it, where it is not counted."""

Columns = Sequence[str]


class Candidates:
    """What a statement begins at: `select` gives their ids, of which there are about `size`."""

    def __init__(self, compiler: Compiler, node: Node, part: bool, size: int) -> None:
        self.size = size
        self._compiler = compiler
        self._node = node
        self._part = part
        self._table: str | None = None

    @property
    def table(self) -> str:
        """The name of a table of the statement that holds the ids."""
        if self._table is None:
            body = self._compiler.select(self._node, self._part, ("id",))
            self._table = self._compiler.statement.table("candidates", "id", body)
        return self._table


class Compiler:
    """Makes one statement of one expression, bound to a store."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.statement = Statement(reader.database)
        self.attributes = AttributeSql(self.statement)
        self._sizes: dict[tuple[Node, bool], int] = {}
        self._sets: dict[tuple[Node, bool], str] = {}
        self._related: dict[tuple[Node, bool], str] = {}
        self._uses: Counter[tuple[Node, bool]] = Counter()
        self._powered: dict[Node, set[int]] = {}
        self._counts: dict[tuple[Node, bool, Candidates | None], str] = {}
        self.stored = reader.drivers()
        if self.statement.dialect == "mariadb":
            # Merged into semijoins, subqueries over recursive tables give rows that do not satisfy them (10.11).
            # So are long lists that it makes subqueries of.
            switches = "optimizer_switch = 'semijoin=off,derived_merge=off', in_predicate_conversion_threshold = 0"
            reader.database.rows(f"SET SESSION {switches}")
        self.wired = Wiring(self.statement, self.stored)
        self.arms = Arms(self.statement, self.stored)

    def compile(self, node: Node, columns: Columns) -> tuple[str, dict[str, object]]:
        """The statement that gives columns of `things` for all that the expression selects, and its parameters."""
        selects = [self.select(question, part, columns) for question, part in questions(node)]
        return self.statement.text("\nUNION ALL ".join(selects)), self.statement.parameters

    def compile_in_order(self, node: Node, part: bool, columns: Columns) -> tuple[str, dict[str, object]] | None:
        """The same for one of its questions, as a statement that begins to give rows at once: whole Things in natural
        order, or parts in that of their owners. None where they are too few for that to be quicker than to sort them.
        """
        if not self._is_crowd(node, part):
            return None
        x = self.statement.alias("t")
        shown = ", ".join(f"{x}.{column} AS {column}" for column in columns)
        if part:
            o = self.statement.alias("o")
            start = (
                f"things {o}{self.statement.by('ix_things_order')}"
                f" CROSS JOIN things {x}{self.statement.by('ix_things_owner')}"
            )
            where = [f"{o}.sort_key IS NOT NULL AND {x}.owner_id = {o}.id", self.condition(node, x, part)]
            order = o
        else:
            start, where, order = *self._whole_in_order(node, x), x
        return (
            self.statement.text(f"SELECT {shown} FROM {start} WHERE {all_of(where)} ORDER BY {order}.sort_key"),
            self.statement.parameters,
        )

    def _whole_in_order(self, node: Node, x: str) -> tuple[str, list[str]]:
        items = list(dict.fromkeys(node.items)) if isinstance(node, tree.And) else [node]
        # Of one driver there is an index in order.
        first = next((each for each in items if isinstance(each, tree.DriverIs) and len(self._names(each)) == 1), None)
        start = f"things {x}{self.statement.by('ix_things_order' if first is None else 'ix_things_driver')}"
        where = [f"{x}.sort_key IS NOT NULL", *self._seen(x)]
        if first is not None:
            where.append(f"{x}.driver = {self.statement.bind(self._names(first)[0])}")
        rest = [item for item in items if item is not first]
        return start, [*where, *((self.condition(tree.And(*rest), x, False),) if rest else ())]

    def _is_crowd(self, node: Node, part: bool) -> bool:
        """Whether so many satisfy a node that it is quicker to look at all there are, in order."""
        if not self._is_of_row(node):
            return False
        if isinstance(node, tree.And):
            return all(self._is_crowd(item, part) for item in node.items)
        if isinstance(node, tree.Or):
            return any(self._is_crowd(item, part) for item in node.items)
        size = self.size(node, part)
        if size < PROBE or size >= MANY:
            return size >= MANY
        counted = self._counted_by(node, part)
        return counted is not None and self._is_dense(self.statement.probe(counted, SPARSE * CROWD_SIZE), part)

    def _is_of_row(self, node: Node) -> bool:
        """Whether it is seen by a Thing alone that it satisfies a node: nothing has to be worked out of all before.

        Only SQLite goes through Things one by one as it is told. Others make joins of questions about attributes and,
        when they are to begin at once, may compare each Thing with each attribute.
        """
        if isinstance(node, (tree.And, tree.Or)):
            return all(map(self._is_of_row, node.items))
        if isinstance(node, tree.Not):
            return self._is_of_row(node.item)
        if isinstance(node, (tree.Name, tree.DriverIs, tree.PartName)):
            return True
        of_attributes = isinstance(node, (*TESTS, tree.Wired)) and not getattr(node, "inherited", False)
        return of_attributes and self.statement.dialect == "sqlite"

    def _is_dense(self, found: int, part: bool) -> bool:
        """Whether that many are a good part of all there are."""
        if CROWD_SIZE <= found < SPARSE * CROWD_SIZE:
            domain = "t.owner_id IS NOT NULL" if part else "t.sort_key IS NOT NULL"
            return self.statement.probe(f"SELECT 1 FROM things t WHERE {domain}", SPARSE * found) < SPARSE * found
        return found >= CROWD_SIZE

    def compile_one(self, node: Node, thing: Thing) -> tuple[str, dict[str, object]]:
        """The statement that gives a row when the expression selects that Thing or part, and its parameters."""
        named = tree.Name(Literal(thing.name))
        selects = [
            self.select(tree.And(named, question), part, ("id",))
            for question, part in questions(node)
            if part == thing.is_part
        ]
        return self.statement.text(selects[0] if selects else "SELECT 1 WHERE 1 = 0"), self.statement.parameters

    # --- sets --------------------------------------------------------------------------------------------------------

    def select(self, node: Node, part: bool, columns: Columns) -> str:
        """A select of the whole Things, or the parts, that satisfy a tree; each once."""
        node = self._reduced(node, part)
        items = list(dict.fromkeys(node.items)) if isinstance(node, tree.And) else [node]
        few = [item for item in items if isinstance(item, tree.Among) and len(item.ids) < PROBE]
        # What else there is need not be counted beside these.
        first = few[0] if few else min(items, key=lambda item: self.size(item, part), default=None)
        x = self.statement.alias("t")
        shown = ", ".join(f"{x}.{column} AS {column}" for column in columns)
        domain = f"{x}.owner_id IS {'NOT ' if part else ''}NULL"
        if not part:
            domain = all_of([domain, *self._seen(x)])
        if first is None or self.size(first, part) >= MANY:
            conditions = [domain, *(self.condition(item, x, part) for item in items)]
            return f"SELECT {shown} FROM things {x} WHERE {all_of(conditions)}"
        rest = [item for item in items if item is not first]
        candidates = Candidates(self, first, part, self.size(first, part))
        if isinstance(first, tree.DriverIs):
            domain = domain.replace(f"{x}.owner_id", self.statement.plain(f"{x}.owner_id"), 1)
            start, where = f"things {x}", [self._driver(first, f"{x}.driver"), domain]
        elif isinstance(first, tree.Name):
            start, where = f"things {x}", [self._name(first, f"{x}.name", x, part), domain]
        else:
            s = self.statement.alias("s")
            start = f"({self.source(first, part)}) {s} CROSS JOIN {self.statement.looked_up('things', f'{s}.id')} {x}"
            where = [f"{x}.id = {s}.id", domain]
        conditions = [*where, all_of(self.condition(item, x, part, candidates) for item in rest)]
        return f"SELECT {shown} FROM {start} WHERE {all_of(conditions)}"

    def _seen(self, x: str) -> list[str]:
        """That a whole Thing is none of what expressions do not select."""
        unseen = sorted(UNSEEN.intersection(self.stored))
        return [f"{self.statement.plain(f'{x}.driver')} <> {self.statement.bind(each)}" for each in unseen]

    def source(self, node: Node, part: bool) -> str:
        """A select of the ids of all that satisfy a node for which `size` knows an index; perhaps more than once the
        domain, which the caller narrows."""
        if isinstance(node, tree.Among):
            return f"SELECT t.id FROM things t WHERE t.id IN {self.statement.ids(node.ids)}"
        if isinstance(node, TESTS):
            found = self.attributes.source(node, part)
            if found is not None:
                return found
        if isinstance(node, (tree.Relation, tree.Count)):
            return f"SELECT id FROM {self._related_table(node, part)}"
        if isinstance(node, tree.Or):
            return union(self.select(item, part, ("id",)) for item in node.items)
        return self.select(node, part, ("id",))

    def size(self, node: Node, part: bool) -> int:
        """About how many satisfy a node, MANY where no index tells."""
        key = (node, part)
        if key not in self._sizes:
            self._sizes[key] = self._size(node, part)
        return self._sizes[key]

    def _size(self, node: Node, part: bool) -> int:
        if isinstance(node, tree.Name):
            if isinstance(node.pattern, Literal):
                return 1
            if isinstance(node.pattern, Range):
                return len(node.pattern.texts)
        if isinstance(node, (tree.Name, tree.DriverIs, *TESTS)):
            counted = self._counted_by(node, part)
            return MANY if counted is None else self.statement.probe(counted)
        if isinstance(node, tree.Among):
            return len(node.ids)
        if isinstance(node, tree.Connected):
            return self._target_size(node.target) * CONNECTED_FACTOR
        if isinstance(node, (tree.In, tree.Fed)):
            return self._target_size(node.target) * IN_FACTOR
        if isinstance(node, tree.Count):
            return MANY if node.holds(0) else self.size(node.relation, part)
        if isinstance(node, tree.Or):
            return min(MANY, sum(self.size(item, part) for item in node.items))
        if isinstance(node, tree.And):
            return min((self.size(item, part) for item in node.items), default=MANY)
        return MANY

    def _counted_by(self, node: Node, part: bool) -> str | None:
        """A select of an index, of as many rows as satisfy a node, or a few more; None where there is none."""
        if isinstance(node, tree.Name) and node.pattern.prefix:
            return f"SELECT 1 FROM things t WHERE {self.statement.between('t.name', node.pattern.prefix)}"
        if isinstance(node, tree.DriverIs) and Driver not in node.drivers:
            return f"SELECT 1 FROM things t WHERE {self._driver(node, 't.driver')}"
        if isinstance(node, TESTS) and not getattr(node, "inherited", False):
            return self.attributes.source(node, part)
        return None

    def _target_size(self, target: Node) -> int:
        return min(MANY, sum(self.size(question, part) for question, part in questions(target)))

    def _set(self, node: Node, part: bool) -> str:
        """The name of a table of the statement that holds the ids of a set."""
        if (node, part) not in self._sets:
            self._sets[node, part] = self.statement.table("set", "id", self.select(node, part, ("id",)))
        return self._sets[node, part]

    def _too_many(self, node: Node) -> bool:
        return isinstance(node, (tree.And, tree.Or)) and len(node.items) > MOST.get(self.statement.dialect, MANY)

    def _reduced(self, node: Node, part: bool) -> Node:
        """The same set, of no more tests than a database plans at once: those before are asked, some at a time."""
        if not self._too_many(node):
            return node
        assert isinstance(node, (tree.And, tree.Or))
        most = MOST[self.statement.dialect]
        if isinstance(node, tree.Or):
            portions = (tree.Or(*node.items[at : at + most]) for at in range(0, len(node.items), most))
            return tree.Among(frozenset().union(*(self._selected(portion, part) for portion in portions)))
        items = sorted(node.items, key=lambda item: self.size(item, part))
        while len(items) > most:
            items = [tree.Among(self._selected(tree.And(*items[:most]), part)), *items[most:]]
        return tree.And(*items)

    # --- conditions --------------------------------------------------------------------------------------------------

    def condition(self, node: Node, x: str, part: bool, candidates: Candidates | None = None) -> str:
        """That the row of `things` called `x`, a whole Thing or a part, satisfies a node; never NULL."""
        if isinstance(node, tree.Not):
            return f"NOT ({self.condition(node.item, x, part, candidates)})"
        if self._too_many(node):
            return f"{x}.id IN {self.statement.ids(self._selected(node, part))}"
        if isinstance(node, tree.And):
            return all_of(self.condition(item, x, part, candidates) for item in dict.fromkeys(node.items))
        if isinstance(node, tree.Or):
            return any_of(self.condition(item, x, part, candidates) for item in dict.fromkeys(node.items))
        if isinstance(node, tree.Name):
            return self._name(node, self.statement.plain(f"{x}.name"), x, part)
        if isinstance(node, tree.DriverIs):
            return self._driver(node, self.statement.plain(f"{x}.driver"))
        if isinstance(node, tree.Among):
            return f"{x}.id IN {self.statement.ids(node.ids)}"
        if isinstance(node, tree.PartName):
            return self._part_name(node, x) if part else "1 = 0"
        if isinstance(node, (tree.Relation, tree.Count)):
            return self._relation(node, x, part, candidates)
        if isinstance(node, tree.Wired):
            return self.wired.condition(node, x, part)
        assert isinstance(node, TESTS), f"a saved expression was not written out: {node!r}"
        if getattr(node, "inherited", False):
            return self._inherited(node, x, part, candidates)
        return self.attributes.condition(node, x, part)

    def _name(self, node: tree.Name, column: str, x: str, part: bool) -> str:
        prefix = node.pattern.prefix
        domain = f"t.owner_id IS {'NOT ' if part else ''}NULL"
        bounds = self.statement.between("t.name", prefix) if prefix else "1 = 1"
        candidates = f"SELECT t.id, t.name FROM things t WHERE {domain} AND {bounds}"
        found = self.statement.matches(column, node.pattern, f"{x}.id", candidates)
        if isinstance(node.pattern, (Literal, Range)) or not prefix:
            return found
        return f"({self.statement.between(column, prefix)} AND {found})"

    def _driver(self, node: tree.DriverIs, column: str) -> str:
        if Driver in node.drivers:
            return "1 = 1"
        return f"{column} IN ({self.statement.bind_all(self._names(node))})"

    def _names(self, node: tree.DriverIs) -> list[str]:
        """Of the drivers that the store has: those of other packages are then found without looking for all."""
        names = [name for name in self.stored if issubclass(registry.of(name), node.drivers)]
        return names or [node.drivers[0].__name__]

    def _part_name(self, node: tree.PartName, x: str) -> str:
        place = "strpos" if self.statement.dialect == "postgresql" else "instr"

        def text(row: str) -> str:
            return f"substr({row}.name, {place}({row}.name, ':') + 1)"

        candidates = f"SELECT t.id, {text('t')} FROM things t WHERE t.owner_id IS NOT NULL"
        return self.statement.matches(text(x), node.pattern, f"{x}.id", candidates)

    def _inherited(self, node: Node, x: str, part: bool, candidates: Candidates | None) -> str:
        assert isinstance(node, (tree.Attr, tree.Compare, tree.Exactly, tree.HasKey))
        from clusto_core.query.inheritance import in_force

        few = self._ids(candidates) if candidates is not None and candidates.size < PROBE else None
        whole, deciding, parts = in_force(self.reader, node, few)
        if not part:
            return f"{x}.id IN {self.statement.ids(whole)}"
        inherited = f"{x}.owner_id IN {self.statement.ids(whole)} AND {x}.id NOT IN {self.statement.ids(deciding)}"
        return f"({x}.id IN {self.statement.ids(parts)} OR ({inherited}))"

    # --- relations ---------------------------------------------------------------------------------------------------

    def _relation(self, node: tree.Relation | tree.Count, x: str, part: bool, candidates: Candidates | None) -> str:
        relation = node.relation if isinstance(node, tree.Count) else node
        forward = candidates is not None and candidates.size <= self.size(relation, part)
        forward = forward and not self.statement.crowded
        if isinstance(relation, tree.Fed) and candidates is not None and candidates.size >= PROBE:
            forward = False
        if isinstance(node, tree.Count):
            return self._count(node, x, part, candidates if forward else None)
        if candidates is not None and forward:
            if isinstance(node, tree.Connected):
                return self._connected_forward(node, x, part)
            pairs = self._pairs(node, part, candidates)
            return f"{x}.id IN (SELECT id FROM ({pairs}) p)"
        return f"{x}.id IN (SELECT id FROM {self._related_table(node, part)})"

    def _related_table(self, node: tree.Relation | tree.Count, part: bool) -> str:
        """The name of a table of all that a relation reaches from its right side, or a count that is not zero."""
        self._uses[node, part] += 1
        # MariaDB works a table out at each place that names it, and plans all of them together.
        often = self._uses[node, part] == CROWD[self.statement.dialect]
        if (node, part) not in self._related or often:
            if self.statement.crowded or often:
                table = self._found(node, part)
            elif isinstance(node, tree.Count):
                sign, number = _sql_sign(node.sign), self.statement.bind(node.number)
                body = f"SELECT id FROM {self._counted(node.relation, part)} WHERE reached {sign} {number}"
                table = self.statement.table("enough", "id", body)
            elif isinstance(node, tree.Connected):
                arms = self._connected_backward(node, part)
                table = self.statement.table(
                    "connected", "id", "\n    UNION ".join(f"SELECT {arm} AS id FROM {start}" for start, arm, _ in arms)
                )
            elif isinstance(node, tree.Fed):
                fed = self._fed(node)
                table = self.statement.table(
                    "fed", "id", f"SELECT t.id FROM things t WHERE t.id IN {self.statement.ids(fed)}"
                )
            else:
                assert isinstance(node, tree.In)
                table = self._below(node, part)
            self._related[node, part] = table
        return self._related[node, part]

    def _found(self, node: Node, part: bool) -> str:
        """A table of what satisfies a node, asked at once: planners are slow with hundreds of tables, and MariaDB takes
        64."""
        return f"{self.statement.ids(self._selected(node, part))} {self.statement.alias('found')}"

    def _selected(self, node: Node, part: bool) -> frozenset[int]:
        """The ids of whole Things, or of parts, that satisfy a node, asked at once."""
        asking = Compiler(self.reader)
        sql = asking.statement.text(asking.select(node, part, ("id",)))
        return frozenset(row[0] for row in self.reader.database.rows(sql, asking.statement.parameters))

    def _connected_backward(self, node: tree.Connected, part: bool) -> list[tuple[str, str, str]]:
        """For each arm: where it comes from, the id that is reached, and the id of the right side that it is from."""
        found = []
        for target, target_part in questions(node.target):
            s = self.statement.alias("s")
            table = self._set(target, target_part)
            for arm in self.arms.connected(f"{s}.id", target_part, part, node.via):
                found.append((f"{table} {s} CROSS JOIN {arm.table} WHERE {arm.where}", arm.unknown, f"{s}.id"))
        return found

    def _connected_forward(self, node: tree.Connected, x: str, part: bool) -> str:
        found = []
        for target, target_part in questions(node.target):
            for arm in self.arms.connected(f"{x}.id", part, target_part, node.via):
                r = self.statement.alias("r")
                condition = self.condition(target, r, target_part)
                found.append(
                    f"EXISTS (SELECT 1 FROM {arm.table} CROSS JOIN things {r}"
                    f" WHERE {arm.where} AND {r}.id = {arm.unknown} AND {condition})"
                )
        return any_of(found)

    def _below(self, node: tree.In, part: bool) -> str:
        """A table of what is in the Things of a set, any number of steps down."""
        bases = []
        owners = []
        for target, target_part in questions(node.target):
            table = self._set(target, target_part)
            s = self.statement.alias("s")
            arms = [self.arms.in_unit(f"{s}.id")] if target_part else self.arms.down(f"{s}.id")
            bases += [f"SELECT {arm.unknown} FROM {table} {s} CROSS JOIN {arm.table} WHERE {arm.where}" for arm in arms]
            if not target_part:
                owners.append(f"SELECT id FROM {table}")
        steps = [("", arm) for arm in self.arms.down("w.id")]
        below = self.statement.recursive("below", "id", "\n    UNION ".join(bases), "{}", steps)
        if not part and (arm := self.arms.belonging("w.id", up=False)) is not None:
            places = " UNION ".join([*owners, f"SELECT id FROM {below}"])
            groupings = f"SELECT {arm.unknown} FROM ({places}) w CROSS JOIN {arm.table} WHERE {arm.where}"
            return self.statement.table("within", "id", f"SELECT id FROM {below} UNION {groupings}")
        if not part:
            return below
        h = self.statement.alias("t")
        holding = " UNION ".join([*owners, f"SELECT id FROM {below}"])
        return self.statement.table("parts", "id", f"SELECT {h}.id FROM things {h} WHERE {h}.owner_id IN ({holding})")

    def _up(self, node: tree.In, part: bool, candidates: Candidates) -> str:
        """A select of pairs: the id of a candidate, and `other`, the id of a Thing of the right side that it is in."""
        s, p = self.statement.alias("s"), self.statement.alias("t")
        if part:
            base = (
                f"SELECT {s}.id, {p}.owner_id FROM {candidates.table} {s} CROSS JOIN things {p} WHERE {p}.id = {s}.id"
            )
        else:
            base = f"SELECT {s}.id, {s}.id FROM {candidates.table} {s}"
            if (arm := self.arms.belonging(f"{s}.id", up=True)) is not None:
                base += (
                    f" UNION SELECT {s}.id, {arm.unknown} FROM {candidates.table} {s}"
                    f" CROSS JOIN {arm.table} WHERE {arm.where}"
                )
        targets = questions(node.target)
        arms = self.arms.up("w.id", units=any(target_part for _, target_part in targets))
        above = self.statement.recursive("above", "start, id", base, "w.start, {}", [("", arm) for arm in arms])
        selects = []
        for target, target_part in targets:
            u, r = self.statement.alias("u"), self.statement.alias("r")
            domain = f"{r}.owner_id IS {'NOT ' if target_part else ''}NULL"
            selects.append(
                f"SELECT {u}.start AS id, {u}.id AS other FROM {above} {u} CROSS JOIN things {r}"
                f" WHERE {u}.id <> {u}.start AND {r}.id = {u}.id AND {domain}"
                f" AND {self.condition(target, r, target_part)}"
            )
        return " UNION ".join(selects)

    def _count(self, node: tree.Count, x: str, part: bool, candidates: Candidates | None) -> str:
        """That so many of the right side are reached; those that reach none are in no table of pairs."""
        if self.statement.crowded and not node.holds(0):
            return f"{x}.id IN (SELECT id FROM {self._found(node, part)})"
        sign, number = _sql_sign(node.sign), self.statement.bind(node.number)
        counted = self._counted(node.relation, part, candidates)
        if node.holds(0):
            return f"{x}.id NOT IN (SELECT id FROM {counted} WHERE NOT (reached {sign} {number}))"
        return f"{x}.id IN (SELECT id FROM {counted} WHERE reached {sign} {number})"

    def _counted(self, relation: tree.Relation, part: bool, candidates: Candidates | None = None) -> str:
        """The name of a table: `id`, and how many different ones of the right side it has `reached`."""
        key = (relation, part, candidates)
        if key not in self._counts:
            if isinstance(relation, tree.Fed):
                sources = self._sources(relation, part, candidates)
                body = self.statement.pairs((id, len(others)) for id, others in sources.items())
            else:
                pairs = self._pairs(relation, part, candidates)
                body = f"SELECT p.id, COUNT(DISTINCT p.other) FROM ({pairs}) p GROUP BY p.id"
            self._counts[key] = self.statement.table("counted", "id, reached", body)
        return self._counts[key]

    def _pairs(self, relation: tree.Relation, part: bool, candidates: Candidates | None) -> str:
        """A select of pairs: `id`, what reaches, and `other`, what of the right side it reaches."""
        if isinstance(relation, tree.Fed):
            sources = self._sources(relation, part, candidates)
            return self.statement.pairs((id, other) for id, others in sources.items() for other in others)
        if isinstance(relation, tree.In):
            return self._up(relation, part, candidates) if candidates else self._down_pairs(relation, part)
        assert isinstance(relation, tree.Connected)
        if candidates is None:
            return "\n    UNION ALL ".join(
                f"SELECT {reached} AS id, {origin} AS other FROM {start}"
                for start, reached, origin in self._connected_backward(relation, part)
            )
        found = []
        for target, target_part in questions(relation.target):
            s, r = self.statement.alias("s"), self.statement.alias("r")
            for arm in self.arms.connected(f"{s}.id", part, target_part, relation.via):
                found.append(
                    f"SELECT {s}.id AS id, {r}.id AS other FROM {candidates.table} {s} CROSS JOIN {arm.table}"
                    f" CROSS JOIN things {r} WHERE {arm.where} AND {r}.id = {arm.unknown}"
                    f" AND {self.condition(target, r, target_part)}"
                )
        return "\n    UNION ALL ".join(found)

    def _fed(self, relation: tree.Fed) -> set[int]:
        """What has its power from the right side: worked out step by step, or of many at once."""
        from clusto_core.answers import feeding

        if relation not in self._powered:
            sources = self._asked(relation.target)
            found = self._downstream(sources) if len(sources) <= feeding.SEVERAL else None
            self._powered[relation] = self._power_map.below(sources) if found is None else found
        return self._powered[relation]

    def _downstream(self, sources: list[int]) -> set[int] | None:
        from clusto_core.answers import feeding

        things = self.reader.by_ids(sources).values()
        # An outlet of the one kind may have its power from an inlet of the other.
        found = [
            feeding.downstream(self.reader, [thing for thing in things if thing.is_a(Inlet) == are_inlets])
            for are_inlets in (True, False)
        ]
        return None if None in found else set().union(*(each for each in found if each))

    @cached_property
    def _power_map(self) -> PowerMap:
        from clusto_core.answers.powermap import PowerMap

        return PowerMap(self.reader)

    def _sources(self, relation: tree.Fed, part: bool, candidates: Candidates | None) -> Mapping[int, Collection[int]]:
        """From few candidates up to what of the right side they have their power from, else for all that have it from
        there."""
        from clusto_core.answers import feeding

        giving = None if candidates is not None else set(self._asked(relation.target))
        if giving is not None and len(giving) > feeding.SEVERAL:
            return self._power_map.above(self._power_map.takers(parts=part), giving)
        fed = self._fed(relation) if candidates is None else self._ids(candidates)
        if len(fed) > feeding.SEVERAL:
            return self._power_map.above(fed, set(self._asked(relation.target)) if giving is None else giving)
        found = feeding.sources(self.reader, self.reader.by_ids(fed).values())
        every = frozenset().union(*found.values())
        giving = set(self._asked(tree.And(tree.Among(every), relation.target)))
        return {id: others & giving for id, others in found.items() if others & giving}

    def _ids(self, candidates: Candidates) -> list[int]:
        """The ids of candidates, asked at once."""
        return [row[0] for row in self.statement.rows(self.statement.text(f"SELECT id FROM {candidates.table}"))]

    def _asked(self, node: Node) -> list[int]:
        """The ids of what satisfies a node, asked at once."""
        sql, parameters = Compiler(self.reader).compile(node, ("id",))
        return [row[0] for row in self.reader.database.rows(sql, parameters)]

    def _down_pairs(self, relation: tree.In, part: bool) -> str:
        """Pairs of what is in the right side, and what of it that is."""
        bases = []
        owners = []
        for target, target_part in questions(relation.target):
            table = self._set(target, target_part)
            s = self.statement.alias("s")
            arms = [self.arms.in_unit(f"{s}.id")] if target_part else self.arms.down(f"{s}.id")
            bases += [
                f"SELECT {s}.id, {arm.unknown} FROM {table} {s} CROSS JOIN {arm.table} WHERE {arm.where}"
                for arm in arms
            ]
            if not target_part:
                owners.append(f"SELECT id, id FROM {table}")
        steps: list[tuple[str, Arm]] = [("", arm) for arm in self.arms.down("w.id")]
        below = self.statement.recursive("below", "start, id", "\n    UNION ".join(bases), "w.start, {}", steps)
        if not part:
            found = f"SELECT b.id AS id, b.start AS other FROM {below} b"
            if (belonging := self.arms.belonging("w.id", up=False)) is not None:
                places = " UNION ".join([*owners, f"SELECT start, id FROM {below}"])
                places = self.statement.table("places", "start, id", places)
                found += (
                    f" UNION SELECT {belonging.unknown} AS id, w.start AS other FROM {places} w"
                    f" CROSS JOIN {belonging.table} WHERE {belonging.where}"
                )
            return found
        h = self.statement.alias("t")
        holders = self.statement.table(
            "holders", "start, id", " UNION ".join([*owners, f"SELECT start, id FROM {below}"])
        )
        return f"SELECT {h}.id AS id, b.start AS other FROM {holders} b CROSS JOIN things {h} WHERE {h}.owner_id = b.id"


def questions(node: Node) -> list[tuple[Node, bool]]:
    """What an expression asks of whole Things, and of parts: see `scope`; with each, whether it is of parts."""
    whole, parts = scope(node)
    return [(question, part) for question, part in ((whole, False), (parts, True)) if question is not None]


def _sql_sign(sign: str) -> str:
    return "<>" if sign == "!=" else sign
