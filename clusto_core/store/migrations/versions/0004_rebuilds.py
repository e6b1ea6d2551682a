"""Rebuilds, and what was heard of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"

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
_NAME = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "rebuilds",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("thing_id", _ID, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("plan", _LONG, nullable=False),
        **_TABLE,
    )
    op.create_index("ix_rebuilds_thing", "rebuilds", ["thing_id", "id"])
    op.create_index("ix_rebuilds_phase", "rebuilds", ["phase"])
    op.create_index("ux_rebuilds_token", "rebuilds", ["token"], unique=True)
    op.create_table(
        "rebuild_events",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("rebuild_id", _ID, sa.ForeignKey("rebuilds.id"), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("once", sa.String(32)),
        sa.Column("message", _LONG),
        **_TABLE,
    )
    op.create_index("ix_rebuild_events_rebuild", "rebuild_events", ["rebuild_id", "id"])
    once = sa.text("once IS NOT NULL")
    op.create_index(
        "ux_rebuild_events_once",
        "rebuild_events",
        ["rebuild_id", "once"],
        unique=True,
        sqlite_where=once,
        postgresql_where=once,
    )
