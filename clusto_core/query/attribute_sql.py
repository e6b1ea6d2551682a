"""Tests of attributes as SQL: as a condition on a Thing, and as the set of Things that satisfy them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clusto_core.model.addresses import last_claim
from clusto_core.model.attributes import HEAD, IP, Key
from clusto_core.query import tree
from clusto_core.query.patterns import Literal, Pattern, Range
from clusto_core.query.statement import FEW, Statement, all_of, any_of, is_text, negated, sum_of, whole_text
from clusto_core.query.values import NUMBERS, float_bound, integer_bound, order, spellings

Test = tree.Address | tree.Attr | tree.Compare | tree.Exactly | tree.HasKey | tree.OnlyAttrs
TESTS = (tree.Address, tree.Attr, tree.Compare, tree.Exactly, tree.HasKey, tree.OnlyAttrs)


AGGREGATES = 1000
"""So many aggregates stand in one select: SQLite takes 2,000."""


class AttributeSql:
    """Writes tests of attributes into a statement."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._relations: dict[Key, bool] = {}

    # --- as a condition ----------------------------------------------------------------------------------------------

    def condition(self, node: Test, row: str, part: bool) -> str:
        """That the Thing or part in the row of `things` called `row` satisfies a test."""
        if isinstance(node, tree.Address) or (isinstance(node, (tree.Attr, tree.HasKey)) and node.key == Key(IP)):
            return f"{row}.id IN ({self.source(node, part)})"
        if isinstance(node, tree.OnlyAttrs):
            return self._only(node, row)
        if isinstance(node, tree.HasKey):
            a = self.statement.alias("a")
            had = self.statement.had(a, node.key, indexed=False)
            return f"EXISTS (SELECT 1 FROM attributes {a} WHERE {a}.thing_id = {row}.id AND {had})"
        if isinstance(node, tree.Attr):
            return self._exists(row, node.key, node.pattern)
        if isinstance(node, tree.Exactly):
            return self._exactly(node, row)
        if node.sign == "=":
            return self._exists(row, node.key, node.value)
        if node.sign == "!=":
            return f"({self._exists(row, node.key)} AND NOT {self._exists(row, node.key, node.value)})"
        a = self.statement.alias("a")
        return (
            f"EXISTS (SELECT 1 FROM attributes {a} WHERE {a}.thing_id = {row}.id"
            f" AND {self.statement.keyed(a, node.key, indexed=False)} AND {self._ordered(a, node)})"
        )

    def _exists(self, row: str, key: Key, pattern: Pattern | None = None) -> str:
        a = self.statement.alias("a")
        found = f"{a}.thing_id = {row}.id AND {self.statement.keyed(a, key, indexed=False)}"
        if pattern is not None:
            found += f" AND {self._value(a, key, pattern)}"
        return f"EXISTS (SELECT 1 FROM attributes {a} WHERE {found})"

    def _exactly(self, node: tree.Exactly, row: str) -> str:
        a = self.statement.alias("a")
        other = (
            f"NOT EXISTS (SELECT 1 FROM attributes {a} WHERE {a}.thing_id = {row}.id"
            f" AND {self.statement.keyed(a, node.key, indexed=False)}"
            f" AND {negated(any_of(self._value(a, node.key, value) for value in node.values))})"
        )
        return all_of([*self._all_exist(row, [(node.key, value) for value in node.values]), other])

    def _only(self, node: tree.OnlyAttrs, row: str) -> str:
        a = self.statement.alias("a")
        known = any_of(f"({self._is(a, *pair)})" for pair in node.pairs)
        other = (
            f"NOT EXISTS (SELECT 1 FROM attributes {a} WHERE {a}.thing_id = {row}.id"
            f" AND substr({a}.key, 1, 1) <> '_' AND {negated(known)})"
        )
        return all_of([*self._all_exist(row, node.pairs), other])

    def _all_exist(self, row: str, pairs: Sequence[tuple[Key, Pattern]]) -> Iterator[str]:
        """That there is a value for each pair: of very many, told in few passes over the values that the Thing has."""
        if len(pairs) <= FEW:
            yield from (self._exists(row, key, value) for key, value in pairs)
            return
        for start in range(0, len(pairs), AGGREGATES):
            a, portion = self.statement.alias("a"), pairs[start : start + AGGREGATES]
            found = sum_of(f"MAX(CASE WHEN {self._is(a, *pair)} THEN 1 ELSE 0 END)" for pair in portion)
            counted = f"SELECT {found} FROM attributes {a} WHERE {a}.thing_id = {row}.id"
            yield f"COALESCE(({counted}), 0) = {len(portion)}"

    def _is(self, a: str, key: Key, value: Pattern) -> str:
        return f"{self.statement.keyed(a, key, indexed=False)} AND {self._value(a, key, value)}"

    # --- as a set ----------------------------------------------------------------------------------------------------

    def source(self, node: Test, part: bool) -> str | None:
        """A select of the ids of all that satisfy a test, by an index, or None where there is no index for it."""
        s, a, h = self.statement, self.statement.alias("a"), self.statement.alias("h")
        if isinstance(node, tree.Address):
            claims = f"{a}.claim >= {s.bind(node.low)} AND {a}.claim < {s.bind(last_claim(node.high))}"
            if node.space is not None:
                claims += f" AND {self._in_space(a, node.space)}"
            return self._holders(f"attributes {a}", claims, a, h, part)
        if isinstance(node, tree.HasKey):
            if node.key == Key(IP):
                return self._holders(f"attributes {a}", f"{a}.key = {s.bind(IP)}", a, h, part)
            return f"SELECT DISTINCT {a}.thing_id AS id FROM attributes {a} WHERE {s.had(a, node.key)}"
        if isinstance(node, tree.Attr):
            pattern = node.pattern
        elif isinstance(node, tree.Compare) and node.sign == "=":
            pattern = node.value
        else:
            return None
        if isinstance(node, tree.Attr) and node.key == Key(IP):
            # Shared ones have a subkey: an index that begins with the key and it finds either sort, not both at once.
            sorts = (f"{a}.subkey IS NULL", f"{a}.subkey > ''")
            return " UNION ".join(
                self._holders(
                    f"attributes {a}",
                    f"{a}.key = {s.bind(IP)} AND {sort} AND {self._text(a, node.key, pattern, indexed=True)}",
                    a,
                    h,
                    part,
                )
                for sort in sorts
            )
        distinct = "" if self.holds_relations(node.key) else "DISTINCT "
        found = (
            f"SELECT {distinct}{a}.thing_id AS id FROM attributes {a} WHERE {s.keyed(a, node.key)}"
            f" AND {self._text(a, node.key, pattern, indexed=True)}"
        )
        if self.holds_relations(node.key):
            b = s.alias("a")
            found += (
                f" UNION SELECT {b}.thing_id FROM attributes {b} WHERE {s.keyed(b, node.key)} AND {b}.head IS NULL"
                f" AND {self._reference(b, node.key, pattern)}"
            )
        return found

    def _under(self, a: str, key: Key) -> str:
        """That a row is under a key, or holds an address of whatever sort."""
        return f"{a}.key = {self.statement.bind(IP)}" if key == Key(IP) else self.statement.keyed(a, key)

    def _in_space(self, a: str, space: str) -> str:
        if not space:
            return f"{a}.space_id IS NULL"
        v = self.statement.alias("v")
        return f"{a}.space_id IN (SELECT {v}.id FROM things {v} WHERE {v}.name = {self.statement.bind(space)})"

    def _holders(self, table: str, where: str, a: str, h: str, part: bool) -> str:
        """The parts that hold an address; or the Things that do, themselves or by a part."""
        holder = f"{h}.id" if part else f"COALESCE({h}.owner_id, {h}.id)"
        return (
            f"SELECT DISTINCT {holder} AS id FROM {table} CROSS JOIN things {h} WHERE {where} AND {h}.id = {a}.thing_id"
        )

    # --- one value ---------------------------------------------------------------------------------------------------

    def holds_relations(self, key: Key) -> bool:
        """Whether some value under a key is a relation."""
        if key not in self._relations:
            # In the order of an index: else PostgreSQL, told that one is enough, reads the table and hopes.
            first = "ORDER BY a.subkey, a.head LIMIT 1"
            select = f"SELECT 1 FROM attributes a WHERE {self.statement.keyed('a', key)} AND a.head IS NULL {first}"
            self._relations[key] = bool(self.statement.rows(select))
        return self._relations[key]

    def _value(self, a: str, key: Key, pattern: Pattern) -> str:
        """That the value in the row of `attributes` called `a` matches."""
        found = self._text(a, key, pattern)
        if not self.holds_relations(key):
            return found
        return f"({found} OR ({a}.head IS NULL AND {self._reference(a, key, pattern)}))"

    def _text(self, a: str, key: Key, pattern: Pattern, *, indexed: bool = False) -> str:
        s = self.statement
        head = f"{a}.head" if indexed else s.plain(f"{a}.head")
        if isinstance(pattern, Literal):
            return self._literal(a, head, pattern.text)
        if isinstance(pattern, Range):
            if max(map(len, pattern.texts)) >= HEAD:
                return any_of(is_text(s, head, a, text) for text in pattern.texts)
            return f"{head} IN ({s.bind_all(pattern.texts)})"
        prefix = pattern.prefix[:HEAD]
        b = s.alias("a")
        bounded = f" AND {s.between(f'{b}.head', prefix)}" if prefix else ""
        candidates = (
            f"SELECT {b}.id, {whole_text(b)} FROM attributes {b}"
            f" WHERE {self._under(b, key)} AND {b}.head IS NOT NULL{bounded}"
        )
        found = s.matches(whole_text(a), pattern, f"{a}.id", candidates)
        return f"({s.between(head, prefix)} AND {found})" if prefix else f"({a}.head IS NOT NULL AND {found})"

    def _literal(self, a: str, head: str, text: str) -> str:
        s = self.statement
        known = spellings(text)
        found = [is_text(s, head, a, text)]
        if known.numbers:
            found.append(f"({head} IN ({s.bind_all(known.numbers)}) AND {a}.type IN ({s.bind_all(NUMBERS)}))")
        if known.instants:
            found.append(f"({head} IN ({s.bind_all(known.instants)}) AND {a}.type = {s.bind('datetime')})")
        if len(found) == 1:
            return found[0]
        heads = s.bind_all([text[:HEAD], *known.numbers, *known.instants])
        return f"({head} IN ({heads}) AND {any_of(found)})"

    def _reference(self, a: str, key: Key, pattern: Pattern) -> str:
        """That a relation is to a Thing whose name matches."""
        s, r = self.statement, self.statement.alias("r")
        if isinstance(pattern, Literal):
            names = dict.fromkeys([pattern.text, pattern.text.removeprefix("@")])
            return f"{a}.ref_id IN (SELECT {r}.id FROM things {r} WHERE {r}.name IN ({s.bind_all(names)}))"
        b, t = s.alias("a"), s.alias("t")
        candidates = (
            f"SELECT {t}.id, {t}.name FROM attributes {b} JOIN things {t} ON {t}.id = {b}.ref_id"
            f" WHERE {s.keyed(b, key)}"
        )
        found = s.matches(f"{r}.name", pattern, f"{r}.id", candidates)
        return f"EXISTS (SELECT 1 FROM things {r} WHERE {r}.id = {a}.ref_id AND {found})"

    def _ordered(self, a: str, node: tree.Compare) -> str:
        """That a value is less or more than a literal."""
        s = self.statement
        sort, bound = order(node.value)
        if isinstance(bound, str):
            return f"{a}.type = {s.bind('string')} AND {whole_text(a)} {node.sign} {s.bind(bound)}"
        if sort == "instant":
            return f"{a}.type = {s.bind('datetime')} AND {a}.integer_value {node.sign} {s.bind(bound)}"
        sign, integer = integer_bound(node.sign, bound)
        float_sign, number = float_bound(node.sign, bound)
        return (
            f"(({a}.type = {s.bind('integer')} AND {a}.integer_value {sign} {s.bind(integer)})"
            f" OR {a}.float_value {float_sign} {s.bind(number)})"
        )
