"""Sources to be in step with, and what each of them said last."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0009"
down_revision = "0008"

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


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "sources",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("name", _name(60), nullable=False),
        sa.Column("state", _LONG, nullable=False),
        sa.Column("taken", sa.BigInteger),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.Column("who", sa.String(400), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("message", _LONG, nullable=False),
        **_TABLE,
    )
    op.create_index("ux_sources_name", "sources", ["name"], unique=True)
    op.create_table(
        "source_objects",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("source_id", _ID, sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("kind", _name(100), nullable=False),
        sa.Column("identity", _name(255), nullable=False),
        sa.Column("thing_id", sa.BigInteger),
        sa.Column("name", _name(255), nullable=False),
        sa.Column("stamp", sa.String(100), nullable=False),
        sa.Column("gone", sa.BigInteger),
        sa.Column("held", _LONG),
        sa.Column("kept", _LONG),
        sa.Column("transaction_id", sa.BigInteger),
        **_TABLE,
    )
    identity = ["source_id", "kind", "identity"]
    op.create_index("ux_source_objects_identity", "source_objects", identity, unique=True)
    op.create_index("ix_source_objects_thing", "source_objects", ["thing_id"])
    op.create_index("ix_source_objects_transaction", "source_objects", ["transaction_id"])
    op.create_table(
        "source_facts",
        sa.Column("object_id", _ID, sa.ForeignKey("source_objects.id"), primary_key=True, autoincrement=False),
        sa.Column("facts", _LONG, nullable=False),
        **_TABLE,
    )
