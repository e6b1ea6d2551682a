"""The database of the classic clusto: its tables as they are, on SQLite, MySQL or MariaDB, and PostgreSQL.

Schema version 3 (clusto 0.7, `src/clusto/schema.py`): entities, entity_attrs, counters, clustoversioning. A database
that was made before there were versions lacks the last one, and the columns `version` and `deleted_at_version`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from clusto_core.errors import Malformed, Refused, StoreBroken
from clusto_core.store.database import Database, connect_elsewhere

OFFSET = 2**31
"""What classic clusto takes from an IPv4 address, so that it goes into a signed integer."""


class Entity(NamedTuple):
    """A row of `entities`. died: the version that deleted it, None while it lives."""

    id: int
    name: str
    type: str
    driver: str
    born: int = 1
    died: int | None = None


class Row(NamedTuple):
    """A row of `entity_attrs`. value: an int, a string, a datetime or None; the id of an entity where `type` is
    `relation`."""

    id: int
    entity: int
    key: str
    subkey: str | None
    number: int | None
    type: str
    value: Any
    born: int = 1
    died: int | None = None

    @property
    def relation(self) -> int | None:
        """The id of the entity that it names."""
        return self.value if self.type == "relation" else None

    def __str__(self) -> str:
        number = "" if self.number is None else f"#{self.number}"
        return f"{self.key}{number}" if self.subkey is None else f"{self.key}{number}.{self.subkey}"


class Version(NamedTuple):
    """A row of `clustoversioning`: a transaction. The time has no zone of its own."""

    number: int
    time: datetime | None
    user: str
    description: str


@dataclass
class Content:
    """All of a database."""

    entities: dict[int, Entity] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    counters: dict[tuple[int, str], int] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)

    @property
    def state(self) -> str:
        """What is another one whenever anything changed; empty where no versions are kept that would say so."""
        if not self.versions:
            return ""
        return f"{self.versions[-1].number} {sum(self.counters.values())} {len(self.counters)}"


def load(url: str, zone: tzinfo = UTC) -> Content:
    """Everything that a database has. `zone` is that of its dates. Raises NotFound, Refused for one that cannot be
    read, Malformed for one that is not the classic clusto's."""
    try:
        with contextlib.closing(connect_elsewhere(url)) as database:
            return _content(database, zone)
    except StoreBroken as error:
        raise Refused(f"the database of the classic clusto cannot be read: {error}") from None


def _content(database: Database, zone: tzinfo) -> Content:
    content = Content()
    for row in _table(database, "entities", "entity_id", "name", "type", "driver"):
        id, name, type, driver, born, died = row
        content.entities[id] = Entity(id, _text(name), _text(type), _text(driver), born or 0, died)
    content.rows = [_row(row, zone) for row in _table(database, "entity_attrs", *_ATTRIBUTE)]
    for entity, key, value, *_ in _optional(database, "counters", "entity_id", "attr_key", "value"):
        content.counters[entity, _text(key)] = int(value or 0)
    for number, time, user, description, *_ in _optional(database, "clustoversioning", *_VERSION):
        content.versions.append(Version(number, _moment(time, zone), _text(user), _text(description)))
    content.versions.sort(key=lambda version: version.number)
    return content


_ATTRIBUTE = (
    *("attr_id", "entity_id", "key", "subkey", "number", "datatype"),
    *("int_value", "string_value", "datetime_value", "relation_id"),
)
_VERSION = ("version", "timestamp", "user", "description")
_VALUE_OF = {"int": 6, "string": 7, "json": 7, "datetime": 8, "relation": 9}


def _row(found: tuple[Any, ...], zone: tzinfo) -> Row:
    id, entity, key, subkey, number, type = found[:6]
    value = found[_VALUE_OF.get(type, 7)]
    if type == "datetime":
        value = _moment(value, zone)
    elif isinstance(value, bytes):
        value = _text(value)
    number = None if number is None else int(number)
    return Row(id, entity, _text(key), None if subkey is None else _text(subkey), number, type, value, *found[10:])


def _text(given: object) -> str:
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else "" if given is None else str(given)


def _moment(given: object, zone: tzinfo) -> datetime | None:
    """SQLite gives the text that SQLAlchemy has written, the others a datetime."""
    if isinstance(given, str) and given:
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            return None
    if not isinstance(given, datetime):
        return None
    return (given if given.tzinfo else given.replace(tzinfo=zone)).astimezone(UTC)


def _table(database: Database, table: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    """The columns of a table, then `version` and `deleted_at_version` where it has them, in the order of its ids."""
    present = _columns(database, table)
    lacking = [column for column in columns if column not in present]
    if lacking:
        raise Malformed(
            f"not the database of a classic clusto: "
            f"{f'its table {table} has no {lacking[0]}' if present else f'it has no table {table}'}"
        )
    versions = ["version" if "version" in present else "1"]
    versions += ["deleted_at_version" if "deleted_at_version" in present else "NULL"]
    quote = "`" if database.dialect == "mariadb" else '"'
    names = [f"t.{quote}{column}{quote}" for column in columns]
    names += [f"t.{each}" if each in present else each for each in versions]
    return database.iterate(f"SELECT {', '.join(names)} FROM {table} t ORDER BY 1")


def _optional(database: Database, table: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    return _table(database, table, *columns) if set(columns) <= _columns(database, table) else iter(())


def _columns(database: Database, table: str) -> set[str]:
    """The columns of a table; none where there is no such table."""
    if database.dialect == "sqlite":
        return {row[0] for row in database.rows(f"SELECT p.name FROM pragma_table_info('{table}') p")}
    schema = "current_schema()" if database.dialect == "postgresql" else "database()"
    sql = f"SELECT c.column_name FROM information_schema.columns c WHERE c.table_schema = {schema}"
    return {str(row[0]) for row in database.rows(f"{sql} AND c.table_name = :table", {"table": table})}
