"""An index from the end of a path back to the panels on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates the index, of the cables on paths through panels only where the database can."""
    through = sa.text("far_part_id <> other_part_id")
    op.create_index(
        "ix_connections_far",
        "connections",
        ["far_thing_id", "far_part_id"],
        sqlite_where=through,
        postgresql_where=through,
    )
