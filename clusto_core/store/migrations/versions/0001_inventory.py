"""Things, attributes, connections and their history."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

_TABLE: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def _name(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Creates the tables, the view of containment and the one row of `store`."""
    op.create_table(
        "store",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("next_id", sa.BigInteger, nullable=False),
        sa.Column("next_transaction", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_store_one_row"),
        **_TABLE,
    )
    op.create_table(
        "things",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("name", _name(511), nullable=False),
        sa.Column("driver", _name(64), nullable=False),
        sa.Column("owner_id", _ID, sa.ForeignKey("things.id", name="fk_things_owner_id")),
        sa.Column("number", sa.BigInteger),
        **_TABLE,
    )
    op.create_index("ux_things_name", "things", ["name"], unique=True)
    op.create_index("ix_things_owner", "things", ["owner_id", "name"])
    op.create_index("ix_things_driver", "things", ["driver"])
    op.create_table(
        "attributes",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("thing_id", _ID, sa.ForeignKey("things.id", name="fk_attributes_thing_id"), nullable=False),
        sa.Column("key", _name(100), nullable=False),
        sa.Column("number", sa.Integer),
        sa.Column("subkey", _name(100)),
        sa.Column("type", sa.String(8), nullable=False),
        sa.Column("head", _name(255)),
        sa.Column("rest", _LONG),
        sa.Column("integer_value", sa.BigInteger),
        sa.Column("float_value", sa.Double),
        sa.Column("ref_id", _ID, sa.ForeignKey("things.id", name="fk_attributes_ref_id")),
        sa.Column("claim", _name(40)),
        sa.CheckConstraint("(type = 'relation') = (ref_id IS NOT NULL)", name="ck_attributes_relation"),
        **_TABLE,
    )
    op.create_index("ix_attributes_thing", "attributes", ["thing_id", "key"])
    op.create_index("ix_attributes_value", "attributes", ["key", "subkey", "head"])
    op.create_index("ix_attributes_ref", "attributes", ["ref_id"], **_where("ref_id IS NOT NULL"))
    op.create_index("ux_attributes_claim", "attributes", ["claim"], unique=True, **_where("claim IS NOT NULL"))
    op.create_table(
        "connections",
        sa.Column("cable_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("side", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("part_id", _ID, sa.ForeignKey("things.id", name="fk_connections_part_id")),
        sa.Column("thing_id", _ID, sa.ForeignKey("things.id", name="fk_connections_thing_id"), nullable=False),
        sa.Column("other_part_id", sa.BigInteger),
        sa.Column("other_thing_id", sa.BigInteger, nullable=False),
        sa.Column("far_part_id", sa.BigInteger),
        sa.Column("far_thing_id", sa.BigInteger),
        sa.CheckConstraint("side IN (0, 1)", name="ck_connections_side"),
        sqlite_with_rowid=False,
        **_TABLE,
    )
    op.create_index("ux_connections_part", "connections", ["part_id"], unique=True, **_where("part_id IS NOT NULL"))
    op.create_index("ix_connections_thing", "connections", ["thing_id"])
    op.create_index("ix_connections_mounted", "connections", ["other_thing_id"], **_where("part_id IS NULL"))
    op.create_table(
        "transactions",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("user", sa.String(100), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("command", _LONG, nullable=False),
        sa.Column("message", _LONG),
        sa.Column("reverts", sa.BigInteger),
        **_TABLE,
    )
    op.create_table(
        "changes",
        sa.Column(
            "transaction_id",
            _ID,
            sa.ForeignKey("transactions.id", name="fk_changes_transaction_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("thing_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("name", _name(255), nullable=False),
        sa.Column("before", _LONG),
        sa.Column("after", _LONG),
        **_TABLE,
    )
    op.create_index("ix_changes_thing", "changes", ["thing_id", "transaction_id"])
    op.create_index("ix_changes_name", "changes", ["name", "transaction_id"])
    op.execute(
        "CREATE VIEW containment (child_id, parent_id) AS "
        "SELECT t.id, t.owner_id FROM things t WHERE t.owner_id IS NOT NULL UNION ALL "
        "SELECT a.thing_id, a.ref_id FROM attributes a WHERE a.ref_id IS NOT NULL AND a.key = '_in' UNION ALL "
        "SELECT c.thing_id, c.other_thing_id FROM connections c WHERE c.part_id IS NULL"
    )
    op.execute("INSERT INTO store (id, next_id, next_transaction) VALUES (1, 1, 1)")
