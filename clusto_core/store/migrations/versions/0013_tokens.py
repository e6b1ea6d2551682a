"""Tokens by which a server knows who asks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0013"
down_revision = "0010"

_TABLE: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(60).with_variant(sa.String(60, collation="C"), "postgresql"), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("scope", _LONG),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("maker", sa.String(100), nullable=False),
        **_TABLE,
    )
