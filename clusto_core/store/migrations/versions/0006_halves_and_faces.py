"""Halves and faces of rack units: what of a unit equipment takes, and no cell of it twice."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_WHOLE, _LOWER = 15, 5
_HALF_UNITS = """
    UPDATE connections SET slot = :lower WHERE kind = 'position' AND cable_id IN (
        SELECT m.cable_id FROM (
            SELECT c.cable_id, u.number, t.half, (SELECT max(v.number) FROM connections d
                JOIN things v ON v.id = d.other_part_id WHERE d.thing_id = c.thing_id AND d.part_id IS NULL) AS top
            FROM connections c JOIN things u ON u.id = c.other_part_id
            JOIN (SELECT a.thing_id, min(a.float_value) AS half FROM attributes a
                  WHERE a.key = 'height' AND a.number IS NULL AND a.subkey IS NULL AND a.type = 'float'
                  GROUP BY a.thing_id HAVING count(*) = 1) t ON t.thing_id = c.thing_id
            WHERE c.part_id IS NULL
        ) m WHERE m.number = m.top AND m.half > floor(m.half))"""
"""What is some units and a half high took one unit more, the highest one: of that it takes the lower half."""


def upgrade() -> None:
    """Adds the column: what is mounted took whole units through both faces, but for the half of the highest one."""
    op.add_column("connections", sa.Column("slot", sa.Integer, nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE connections SET slot = :whole WHERE kind = 'position'").bindparams(whole=_WHOLE))
    op.execute(sa.text(_HALF_UNITS.replace("floor(m.half)", _floor())).bindparams(lower=_LOWER))
    connected = sa.text("part_id IS NOT NULL")
    where: dict[str, Any] = {"sqlite_where": connected, "postgresql_where": connected}
    # Before the old one goes: MariaDB has foreign keys lean on an index that begins with their column.
    op.create_index("ux_connections_slot", "connections", ["part_id", "slot"], unique=True, **where)
    op.drop_index("ux_connections_part", "connections")
    if op.get_context().dialect.name in ("sqlite", "postgresql"):
        for cell in (1, 2, 4, 8):
            takes = sa.text(f"(slot & {cell}) <> 0")
            name = f"ux_connections_cell{cell}"
            op.create_index(name, "connections", ["part_id"], unique=True, sqlite_where=takes, postgresql_where=takes)


def _floor() -> str:
    """SQLite has no floor() unless it was built with it; its casts cut off."""
    return "CAST(m.half AS INTEGER)" if op.get_context().dialect.name == "sqlite" else "floor(m.half)"
