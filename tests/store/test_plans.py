"""Questions about many Things cost what these have, not what the store holds: how SQLite means to answer them."""

from __future__ import annotations

from clusto_core.store.database import connect
from clusto_core.store.reader import _CONTENTS_BUT_PARTS


def test_what_stands_in_many_things_is_found_from_these(sqlite_url: str) -> None:
    """SQLite keeps no statistics here, so that it plans alike for any number of rows."""
    for count in (1, 2, 40, 500):
        ids = ", ".join(str(number) for number in range(count))
        database = connect(sqlite_url)
        plan = [row[3] for row in database.rows(f"EXPLAIN QUERY PLAN {_CONTENTS_BUT_PARTS.replace(':ids', ids)}")]
        database.close()
        found = [step for step in plan if " a USING " in step or " c USING " in step]
        assert len(found) == 2, plan
        assert "ix_attributes_ref" in found[0]
        assert "ix_connections_mounted" in found[1]
        assert not any(step.startswith("SCAN") for step in plan), plan
