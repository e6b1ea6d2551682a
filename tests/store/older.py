"""Stores as each older clusto made them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from clusto_core.spelling import natural_key
from clusto_core.store import database, opening

_MIGRATIONS = Path(opening.__file__).parent / "migrations"
REVISIONS = sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))[:-1]
"""The schemas that there were before this one, oldest first."""


def make_older(url: str, revision: str) -> None:
    """A store of that schema, in which there is a pool `old`."""
    from alembic import command
    from alembic.config import Config

    if url.startswith("sqlite"):
        Path(database.sqlite_path(url)).touch(0o600)
    config = Config()
    config.set_main_option("script_location", os.fspath(_MIGRATIONS))
    engine = opening.engine_for(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with contextlib.closing(database.connect_to_write(url)) as writing:
        pool = {"id": 1, "name": "old", "driver": "Pool"}
        if revision >= "0014":
            pool["sort_key"] = natural_key("old")
        writing.insert("things", tuple(pool), [tuple(pool.values())])
        writing.execute("UPDATE store SET next_id = 2")
        writing.connection.commit()
