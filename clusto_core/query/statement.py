"""The pieces that statements are built of: bound parameters, common table expressions, what each database spells apart.

Nothing that an expression says is ever part of a statement's text: it is bound, always.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clusto_core.model.attributes import ANY_NUMBER, ANY_SUBKEY, HEAD, Key
from clusto_core.query.patterns import TOP, Glob, Literal, Pattern, Range, Regex, like, sqlite_glob
from clusto_core.store.database import Database, Row

PROBE = 5000
"""Rows are counted so far when it is weighed where a statement begins; beyond, they are many."""


FEW = 50
"""What stands in a row in a statement; more is put together by fifties, within what databases take."""


CROWD = {"sqlite": 25, "postgresql": 5, "mariadb": 5}
"""With so many tables in a statement the next one is asked for at once: MariaDB breaks at many recursive ones."""


MOST = {"postgresql": FEW}
"""So many tests are asked at once: PostgreSQL plans each as a query of its own, all in time that grows with their
square."""


class Arm(NamedTuple):
    """One way from a Thing that is known to one that is not: a table, the condition, and the column that tells."""

    table: str
    where: str
    unknown: str


class Statement:
    """A statement being built for one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.dialect = database.dialect
        self.parameters: dict[str, object] = {}
        self._bound: dict[tuple[type, object], str] = {}
        self._tables: list[str] = []
        self._aliases = 0

    # --- text and parameters -----------------------------------------------------------------------------------------

    def bind(self, value: object) -> str:
        """A parameter with that value; one for all the places where the same value stands."""
        same = (type(value), value)
        if same not in self._bound:
            name = f"p{len(self.parameters)}"
            self.parameters[name] = value
            self._bound[same] = f":{name}"
        return self._bound[same]

    def bind_all(self, values: Iterable[object]) -> str:
        """Parameters for a list between parentheses."""
        return ", ".join(map(self.bind, values))

    def alias(self, letter: str) -> str:
        """A name for a table that no other one in the statement has."""
        self._aliases += 1
        return f"{letter}{self._aliases}"

    def table(self, letter: str, columns: str, body: str) -> str:
        """Adds a common table expression, and gives its name."""
        name = self.alias(letter)
        self._tables.append(f"{name}({columns}) AS (\n    {body})")
        return name

    @property
    def crowded(self) -> bool:
        """Whether there are so many tables that planners grow slow; MariaDB takes 64."""
        return len(self._tables) >= CROWD[self.dialect]

    def recursive(self, letter: str, columns: str, base: str, step: str, arms: Sequence[tuple[str, Arm]]) -> str:
        """Adds a recursive one: `base`, and over and over `step.format(unknown)` from its own rows along the arms.

        PostgreSQL lets the recursion be named once only, so that there the arms are put together beside it.
        """
        name = self.alias(letter)
        if self.dialect == "postgresql":
            union = " UNION ALL ".join(
                f"SELECT {arm.unknown} AS id FROM {arm.table} WHERE {arm.where}" for _, arm in arms
            )
            steps = [f"SELECT {step.format('k.id')} FROM {name} w CROSS JOIN LATERAL ({union}) k"]
        else:
            steps = [
                f"SELECT {step.format(arm.unknown)} FROM {name} w CROSS JOIN {arm.table} WHERE {arm.where}"
                for _, arm in arms
            ]
        body = "\n    UNION ".join([base, *steps])
        self._tables.append(f"{name}({columns}) AS (\n    {body})")
        return name

    def text(self, select: str) -> str:
        """The whole statement."""
        return (f"WITH RECURSIVE {', '.join(self._tables)}\n" if self._tables else "") + select

    def looked_up(self, table: str, id: str) -> str:
        """A table of which the row with an id is looked up, for each of a few ids. PostgreSQL, which does not know that
        a recursion gives few, would rather read all rows of a driver."""
        if self.dialect != "postgresql":
            return table
        y = self.alias("y")
        return f"LATERAL (SELECT * FROM {table} {y} WHERE {y}.id = {id} OFFSET 0)"

    def by(self, index: str) -> str:
        """Behind a table: has SQLite, which has no statistics, go through that index."""
        return f" INDEXED BY {index}" if self.dialect == "sqlite" else ""

    def plain(self, column: str) -> str:
        """A column that SQLite is not to look for in an index: it has no statistics to choose an index by."""
        return f"+{column}" if self.dialect == "sqlite" else column

    def ids(self, ids: Iterable[int]) -> str:
        """A subquery that gives these ids, of which there may be very many."""
        parameter = self.bind(f"[{', '.join(map(str, ids))}]")
        if self.dialect == "sqlite":
            return f"(SELECT j.value AS id FROM json_each({parameter}) j)"
        if self.dialect == "postgresql":
            return (
                f"(SELECT CAST(j.id AS BIGINT) AS id FROM json_array_elements_text(CAST({parameter} AS json)) AS j(id))"
            )
        return f"(SELECT j.id FROM JSON_TABLE({parameter}, '$[*]' COLUMNS (id BIGINT PATH '$')) j)"

    def pairs(self, pairs: Iterable[tuple[int, int]]) -> str:
        """A select of pairs of ids, `id` and `other`, of which there may be very many."""
        parameter = self.bind(f"[{', '.join(f'[{one}, {other}]' for one, other in pairs)}]")
        if self.dialect == "sqlite":
            return (
                "SELECT json_extract(j.value, '$[0]') AS id, json_extract(j.value, '$[1]') AS other"
                f" FROM json_each({parameter}) j"
            )
        if self.dialect == "postgresql":
            return (
                "SELECT CAST(j.pair->>0 AS BIGINT) AS id, CAST(j.pair->>1 AS BIGINT) AS other"
                f" FROM json_array_elements(CAST({parameter} AS json)) AS j(pair)"
            )
        columns = "id BIGINT PATH '$[0]', other BIGINT PATH '$[1]'"
        return f"SELECT j.id AS id, j.other AS other FROM JSON_TABLE({parameter}, '$[*]' COLUMNS ({columns})) j"

    # --- asking ahead ------------------------------------------------------------------------------------------------

    def rows(self, sql: str) -> list[Row]:
        """The rows of a small question asked while the statement is built."""
        return self.database.rows(sql, self.parameters)

    def probe(self, select: str, most: int = PROBE) -> int:
        """How many rows a select gives, counted up to PROBE, or another number."""
        found: int = self.rows(f"SELECT count(*) FROM ({select} LIMIT {most}) z")[0][0]
        return found

    # --- texts -------------------------------------------------------------------------------------------------------

    def between(self, column: str, prefix: str) -> str:
        """That a column's text begins with a prefix, so that an index can tell."""
        return f"{column} >= {self.bind(prefix)} AND {column} < {self.bind(prefix + TOP)}"

    def matches(self, text: str, pattern: Pattern, row_id: str, candidates: str) -> str:
        """That the SQL expression `text` matches a pattern.

        What the database cannot say itself is decided here: SQLite calls back for each text, the others are asked for
        `candidates`, a select of ids and texts, and get the ids of those that match.
        """
        if isinstance(pattern, Literal):
            return f"{text} = {self.bind(pattern.text)}"
        if isinstance(pattern, Range):
            return f"{text} IN ({self.bind_all(pattern.texts)})"
        if isinstance(pattern, Glob):
            if self.dialect == "sqlite":
                return any_of(f"{text} GLOB {self.bind(sqlite_glob(places))}" for places in pattern.alternatives)
            found = [like(places) for places in pattern.alternatives]
            if all(exact for _, exact in found):
                return any_of(f"{text} LIKE {self.bind(each)} ESCAPE '!'" for each, _ in found)
        elif self.dialect == "sqlite":
            return f"{self._callback(pattern)}({text})"
        return f"{row_id} IN {self.ids(row[0] for row in self.rows(candidates) if pattern.matches(row[1]))}"

    def _callback(self, pattern: Regex) -> str:
        """Lets SQLite ask whether a text matches a regex."""
        name = self.alias("clusto_regex")
        self.database.connection.create_function(
            name, 1, lambda text: text is not None and pattern.matches(text), deterministic=True
        )
        return name

    def keyed(self, alias: str, key: Key, *, indexed: bool = True) -> str:
        """That a row of `attributes` is under a key; not `indexed`: found by its Thing rather than by the key."""
        subkey = f"{alias}.subkey" if indexed else self.plain(f"{alias}.subkey")
        below = [
            f"{alias}.subkey IS NOT NULL" if key.subkey == ANY_SUBKEY else self._is(subkey, key.subkey),
            f"{alias}.number IS NOT NULL" if key.number == ANY_NUMBER else self._is(f"{alias}.number", key.number),
        ]
        return f"{alias}.key = {self.bind(key.key)} AND {' AND '.join(below)}"

    def had(self, alias: str, key: Key, *, indexed: bool = True) -> str:
        """That a row of `attributes` is one by which a Thing has a key: see `Key.has`."""
        if key.number is not None or key.subkey is not None:
            return self.keyed(alias, key, indexed=indexed)
        return (
            f"{alias}.key = {self.bind(key.key)} AND ({self.plain(f'{alias}.subkey')} IS NULL"
            f" OR {alias}.number IS NOT NULL)"
        )

    def _is(self, column: str, value: object) -> str:
        return f"{column} IS NULL" if value is None else f"{column} = {self.bind(value)}"


def whole_text(alias: str) -> str:
    """The full text of a value: `head` and what is beyond it."""
    return f"CASE WHEN {alias}.rest IS NULL THEN {alias}.head ELSE {alias}.head || {alias}.rest END"


def is_text(statement: Statement, column: str, alias: str, text: str) -> str:
    """That a value's text is `text`."""
    found = f"{column} = {statement.bind(text[:HEAD])}"
    if len(text) < HEAD:
        return found
    rest = f"{alias}.rest = {statement.bind(text[HEAD:])}" if len(text) > HEAD else f"{alias}.rest IS NULL"
    return f"({found} AND {rest})"


def negated(condition: str) -> str:
    """That a condition does not hold, or is unknown because a column is NULL."""
    return f"(CASE WHEN {condition} THEN 0 ELSE 1 END) = 1"


def any_of(conditions: Iterable[str]) -> str:
    """One of the conditions; false when there is none."""
    return _balanced(list(conditions), " OR ") or "1 = 0"


def all_of(conditions: Iterable[str]) -> str:
    """All of the conditions; true when there is none. Of very many PostgreSQL would make joins, and plan for hours."""
    found = list(conditions)
    text = _balanced(found, " AND ") or "1 = 1"
    return text if len(found) <= FEW else f"(CASE WHEN {text} THEN 1 ELSE 0 END) = 1"


def sum_of(numbers: Iterable[str]) -> str:
    """Their sum."""
    return _balanced(list(numbers), " + ")


def _balanced(conditions: list[str], joint: str) -> str:
    """Conditions in a row, in parentheses by fifties: SQLite takes a thousand levels (SQLITE_MAX_EXPR_DEPTH)."""
    while len(conditions) > FEW:
        conditions = [_joined(conditions[at : at + FEW], joint) for at in range(0, len(conditions), FEW)]
    return _joined(conditions, joint) if conditions else ""


def _joined(texts: list[str], joint: str) -> str:
    return texts[0] if len(texts) == 1 else f"({joint.join(texts)})"


def union(selects: Iterable[str]) -> str:
    """What one of some selects of ids gives, each id once; SQLite takes five hundred selects in a row and no more."""
    found = list(selects)
    while len(found) > FEW:
        groups = [found[at : at + FEW] for at in range(0, len(found), FEW)]
        found = [f"SELECT id FROM ({' UNION '.join(group)}) z" for group in groups]
    return " UNION ".join(found)
