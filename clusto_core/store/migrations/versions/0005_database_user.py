"""Beside the user whom a transaction claims, the one whom the database knows: written by the database itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the column; the default comes after it, so that what is older stays empty."""
    with op.batch_alter_table("transactions") as batch:
        batch.add_column(sa.Column("database_user", sa.String(400)))
    dialect = op.get_context().dialect.name
    if dialect == "postgresql":
        op.execute("ALTER TABLE transactions ALTER COLUMN database_user SET DEFAULT session_user")
    elif dialect != "sqlite":
        op.execute("ALTER TABLE transactions ALTER COLUMN database_user SET DEFAULT (USER())")
