"""The tables of the store: the one definition that migrations are held against and that writes go through.

Ids come from the counter in `store`, never from the database, and are never used again: history names rows by them.
Names and texts compare byte by byte on every database: SQLite does so by itself, PostgreSQL by the collation C,
MariaDB and MySQL by a binary collation that does not pad.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects import mysql

from clusto_core.model.attributes import HEAD

_TABLE: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
_ID = BigInteger().with_variant(Integer, "sqlite")
_LONG = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def _name(length: int) -> String:
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def _where(condition: Any) -> dict[str, Any]:
    """Keeps an index to the rows that it is for, where the database can."""
    return {"sqlite_where": condition, "postgresql_where": condition}


PARTIAL = {f"ux_connections_cell{cell}": cell for cell in (1, 2, 4, 8)}
"""Indexes that keep one device to each cell of a rack unit. MariaDB and MySQL have no index of some rows only, so none
of these: there the rule alone does it, under the write lock."""

metadata = MetaData(
    naming_convention={"fk": "fk_%(table_name)s_%(column_0_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"}
)

store = Table(
    "store",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("next_id", BigInteger, nullable=False),
    Column("next_transaction", BigInteger, nullable=False),
    **_TABLE,
)
"""One row; a writer locks it first, so that writers come one after the other on every database."""

things = Table(
    "things",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("name", _name(511), nullable=False),
    Column("driver", _name(64), nullable=False),
    Column("owner_id", _ID, ForeignKey("things.id")),
    Column("number", BigInteger),
    Column("sort_key", _name(511)),
    Index("ux_things_name", "name", unique=True),
    Index("ix_things_owner", "owner_id", "name"),
    Index("ix_things_driver", "driver", "sort_key"),
    Index("ix_things_order", "sort_key", **_where(Column("sort_key").isnot(None))),
    **_TABLE,
)
"""A part's name is `owner:part`, its owner the equipment that it belongs to, its number what its name ends in.

`sort_key` is a whole Thing's `spelling.natural_key`, so that the database gives Things in the order of their names, the
first of them at once; of parts it is NULL, which come with their owner."""

attributes = Table(
    "attributes",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("thing_id", _ID, ForeignKey("things.id"), nullable=False),
    Column("key", _name(100), nullable=False),
    Column("number", Integer),
    Column("subkey", _name(100)),
    Column("type", String(8), nullable=False),
    Column("head", _name(HEAD)),
    Column("rest", _LONG),
    Column("integer_value", BigInteger),
    Column("float_value", Double),
    Column("ref_id", _ID, ForeignKey("things.id")),
    Column("claim", _name(80).with_variant(String(40), "sqlite")),
    Column("space_id", _ID, ForeignKey("things.id")),
    Index("ix_attributes_thing", "thing_id", "key"),
    Index("ix_attributes_value", "key", "subkey", "head"),
    Index("ix_attributes_ref", "ref_id", **_where(Column("ref_id").isnot(None))),
    Index("ux_attributes_claim", "claim", unique=True, **_where(Column("claim").isnot(None))),
    Index("ix_attributes_space", "space_id", **_where(Column("space_id").isnot(None))),
    CheckConstraint("(type = 'relation') = (ref_id IS NOT NULL)", name="relation"),
    **_TABLE,
)
"""`head` and `rest` are a value's text, cut at HEAD characters; `claim` is what no two Things may hold: an address
within its address space, `space_id` the VRF that it is in."""

connections = Table(
    "connections",
    metadata,
    Column("cable_id", _ID, primary_key=True, autoincrement=False),
    Column("side", Integer, CheckConstraint("side IN (0, 1)", name="side"), primary_key=True, autoincrement=False),
    Column("kind", String(8), nullable=False),
    Column("part_id", _ID, ForeignKey("things.id")),
    Column("thing_id", _ID, ForeignKey("things.id"), nullable=False),
    Column("other_part_id", BigInteger),
    Column("other_thing_id", BigInteger, nullable=False),
    Column("far_part_id", BigInteger),
    Column("far_thing_id", BigInteger),
    Column("slot", Integer, nullable=False, server_default="0"),
    Index("ux_connections_slot", "part_id", "slot", unique=True, **_where(Column("part_id").isnot(None))),
    *(Index(name, "part_id", unique=True, **_where(text(f"(slot & {cell}) <> 0"))) for name, cell in PARTIAL.items()),
    Index("ix_connections_thing", "thing_id"),
    Index("ix_connections_mounted", "other_thing_id", **_where(Column("part_id").is_(None))),
    Index("ix_connections_far", "far_thing_id", "far_part_id", **_where(text("far_part_id <> other_part_id"))),
    sqlite_with_rowid=False,
    **_TABLE,
)
"""A cable is two rows that mirror each other, one a direction; `part_id` is NULL for equipment in a rack unit.

`far_*` is where the path ends that goes on through patch panels: the other end where there is no panel, NULL where
the path ends at a panel. It could be derived; kept, a question about any number of cables is one join.

`slot` is what equipment takes of a rack unit, as `model.mounting` has it; 0 for all else, so that a part has one cable.
"""

transactions = Table(
    "transactions",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("user", String(100), nullable=False),
    Column("host", String(255), nullable=False),
    Column("command", _LONG, nullable=False),
    Column("message", _LONG),
    Column("reverts", BigInteger),
    Column("database_user", String(400)),
    **_TABLE,
)
"""`time` is in microseconds since 1970, UTC; `reverts` the transaction that this one undid.

`user` is whom the program claims; `database_user` whom the database let in, by the column's own default. Nobody but an
operator's role may write that column. SQLite knows no users, and leaves it empty.
"""

changes = Table(
    "changes",
    metadata,
    Column("transaction_id", _ID, ForeignKey("transactions.id"), primary_key=True, autoincrement=False),
    Column("thing_id", _ID, primary_key=True, autoincrement=False),
    Column("name", _name(255), nullable=False),
    Column("before", _LONG),
    Column("after", _LONG),
    Index("ix_changes_thing", "thing_id", "transaction_id"),
    Index("ix_changes_name", "name", "transaction_id"),
    **_TABLE,
)
"""What a transaction did to one Thing and its parts: the rows it changed, as JSON, before and after."""

seals = Table(
    "seals",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("digest", String(32), nullable=False),
    **_TABLE,
)
"""Digests of the rows of things, attributes and connections, by ranges of their ids: see `store.seals`."""

transaction_seals = Table(
    "transaction_seals",
    metadata,
    Column("transaction_id", _ID, ForeignKey("transactions.id"), primary_key=True, autoincrement=False),
    Column("digest", String(32), nullable=False),
    **_TABLE,
)
"""The chain of the history: of each transaction, the digest of all that it wrote there and of the seal before it. It is
beside `transactions`, of which nobody but an operator may change a row."""

locks = Table(
    "locks",
    metadata,
    Column("thing_id", _ID, primary_key=True, autoincrement=False),
    Column("owner", String(255), nullable=False),
    Column("token", String(16), nullable=False),
    Column("expires", BigInteger, nullable=False),
    **_TABLE,
)
"""Who is changing which device, and until when: microseconds since 1970, UTC. A removed Thing's lock just runs out."""

rebuilds = Table(
    "rebuilds",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("thing_id", _ID, nullable=False),
    Column("name", _name(255), nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("who", String(255), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("token", String(64), nullable=False),
    Column("plan", _LONG, nullable=False),
    Index("ix_rebuilds_thing", "thing_id", "id"),
    Index("ix_rebuilds_phase", "phase"),
    Index("ux_rebuilds_token", "token", unique=True),
    **_TABLE,
)
"""Every reinstallation that was begun: of what, by whom, how far it has come, and what it set out to do, as JSON.

Times are in microseconds since 1970, UTC; `token` is the SHA-256 of what the machine calls back with. A removed Thing's
rebuilds stay.
"""

rebuild_events = Table(
    "rebuild_events",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("rebuild_id", _ID, ForeignKey("rebuilds.id"), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("source", String(16), nullable=False),
    Column("event", String(32), nullable=False),
    Column("once", String(32)),
    Column("message", _LONG),
    Index("ix_rebuild_events_rebuild", "rebuild_id", "id"),
    Index("ux_rebuild_events_once", "rebuild_id", "once", unique=True, **_where(Column("once").isnot(None))),
    **_TABLE,
)
"""What was heard of a rebuild, and from where; `once` keeps a call-back from being taken twice."""

sources = Table(
    "sources",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("name", _name(60), nullable=False),
    Column("state", _LONG, nullable=False),
    Column("taken", BigInteger),
    Column("seen", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Column("who", String(400), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("message", _LONG, nullable=False),
    Index("ux_sources_name", "name", unique=True),
    **_TABLE,
)
"""Every source that the inventory was brought in step with: what it wants to know next time, when it was taken in last
and when it was last tried, by whom and how that ended. Times are in microseconds since 1970, UTC; `seen` is the newest
transaction of that moment.
"""

source_objects = Table(
    "source_objects",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("source_id", _ID, ForeignKey("sources.id"), nullable=False),
    Column("kind", _name(100), nullable=False),
    Column("identity", _name(255), nullable=False),
    Column("thing_id", BigInteger),
    Column("name", _name(255), nullable=False),
    Column("stamp", String(100), nullable=False),
    Column("gone", BigInteger),
    Column("held", _LONG),
    Column("kept", _LONG),
    Column("transaction_id", BigInteger),
    Index("ux_source_objects_identity", "source_id", "kind", "identity", unique=True),
    Index("ix_source_objects_thing", "thing_id"),
    Index("ix_source_objects_transaction", "transaction_id"),
    **_TABLE,
)
"""The objects of a source, and the Thing that each is, which may be gone: that is how a removal here is told from a new
object there. `gone` is since when the source has it no more; `held` and `kept` say, as JSON, why it was held back, and
what is otherwise here. `transaction_id` is the change that wrote the row.
"""

source_facts = Table(
    "source_facts",
    metadata,
    Column("object_id", _ID, ForeignKey("source_objects.id"), primary_key=True, autoincrement=False),
    Column("facts", _LONG, nullable=False),
    **_TABLE,
)
"""What a source said of an object when it was last in step, as JSON: beside the objects, which are read every time."""

tokens = Table(
    "tokens",
    metadata,
    Column("name", _name(60), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("scope", _LONG),
    Column("made", BigInteger, nullable=False),
    Column("maker", String(100), nullable=False),
    **_TABLE,
)
"""By which tokens `clusto serve` knows who asks: `hash` is a token's SHA-256, `scope` the expression that selects what
it sees, `made` in microseconds since 1970, UTC."""

imported = Table(
    "imported",
    metadata,
    Column("files", String(32), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("transaction_id", BigInteger, nullable=False),
    Column("seal", String(32), nullable=False),
    Column("digests", _LONG, nullable=False),
    **_TABLE,
)
"""Which objects of some files said what the inventory had after a transaction, which is known by its seal: 64 bits of
BLAKE2b of each, in hexadecimal, in several parts. It saves work, and may be emptied at any time."""
