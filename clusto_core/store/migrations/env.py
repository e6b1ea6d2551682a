"""Run by Alembic: migrates over the connection that `clusto_core.store.opening` hands in, in its transaction."""

from __future__ import annotations

from alembic import context

from clusto_core.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
