"""Digests of what is written, so that `db check` finds what was changed behind clusto's back.

The tables alone: what is in them is worked out when all migrations are done, which may rewrite what is sealed.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TABLE: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "seals",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(32), nullable=False),
        **_TABLE,
    )
    op.create_table(
        "transaction_seals",
        sa.Column("transaction_id", _ID, sa.ForeignKey("transactions.id"), primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(32), nullable=False),
        **_TABLE,
    )
