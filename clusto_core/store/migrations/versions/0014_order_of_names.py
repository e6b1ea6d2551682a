"""Things in the order of their names by a column, so that lists of very many begin at once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from clusto_core.spelling import natural_key

revision = "0014"
down_revision = "0013"

_PORTION = 250


def upgrade() -> None:
    """Adds the column, works out what is in it, and makes the indexes."""
    long = sa.String(511)
    op.add_column("things", sa.Column("sort_key", long.with_variant(sa.String(511, collation="C"), "postgresql")))
    connection = op.get_bind()
    whole = connection.execute(sa.text("SELECT id, name FROM things WHERE owner_id IS NULL ORDER BY id")).all()
    for start in range(0, len(whole), _PORTION):
        connection.execute(*_filling(whole[start : start + _PORTION]))
    op.drop_index("ix_things_driver", "things")
    op.create_index("ix_things_driver", "things", ["driver", "sort_key"])
    kept = sa.text("sort_key IS NOT NULL")
    op.create_index("ix_things_order", "things", ["sort_key"], sqlite_where=kept, postgresql_where=kept)


def _filling(rows: Any) -> tuple[sa.TextClause, dict[str, object]]:
    """One statement for some rows: far fewer round trips than one for each."""
    known: dict[str, object] = {f"i{place}": row.id for place, row in enumerate(rows)}
    known |= {f"k{place}": natural_key(row.name) for place, row in enumerate(rows)}
    each = " ".join(f"WHEN :i{place} THEN :k{place}" for place in range(len(rows)))
    ids = ", ".join(f":i{place}" for place in range(len(rows)))
    return sa.text(f"UPDATE things SET sort_key = CASE id {each} END WHERE id IN ({ids})"), known
