"""Addresses within address spaces: an address may name its VRF, and its claim is longer for that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_CLAIM = {length: sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql") for length in (40, 80)}


def upgrade() -> None:
    """Adds the column. SQLite holds no text to a length, and would copy the whole table to say another one."""
    foreign_key = "fk_attributes_space_id"
    if op.get_context().dialect.name == "sqlite":
        column = f"space_id INTEGER CONSTRAINT {foreign_key} REFERENCES things (id)"
        op.execute(f"ALTER TABLE attributes ADD COLUMN {column}")
    else:
        op.add_column("attributes", sa.Column("space_id", _ID))
        op.create_foreign_key(foreign_key, "attributes", "things", ["space_id"], ["id"])
        op.alter_column("attributes", "claim", existing_type=_CLAIM[40], type_=_CLAIM[80], existing_nullable=True)
    spaces = sa.text("space_id IS NOT NULL")
    op.create_index("ix_attributes_space", "attributes", ["space_id"], sqlite_where=spaces, postgresql_where=spaces)
