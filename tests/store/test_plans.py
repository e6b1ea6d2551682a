"""Where SQLite begins: what is asked about some Things begins at these, whatever there is besides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from clusto_core.store import bulk, reader
from clusto_core.store.database import connect

_IDS = re.compile(r"\.(?:id|\w+_id) (?:IN \(:ids\)|= :(?:id|owner|ref)\b)")


def statements(module: ModuleType) -> Iterator[tuple[str, str]]:
    """The statements of a module that are about Things or parts with given ids, by their names."""
    for name, found in vars(module).items():
        if isinstance(found, str) and "SELECT" in found and _IDS.search(found):
            yield name, found


@pytest.mark.parametrize(
    ("name", "sql"), [pytest.param(*each, id=each[0]) for module in (reader, bulk) for each in statements(module)]
)
def test_a_statement_about_some_things_begins_at_them(name: str, sql: str, sqlite_url: str) -> None:
    database = connect(sqlite_url)
    filled = sql.replace(":ids", ", ".join(map(str, range(500)))).replace("%s", "count(*)")
    known = dict.fromkeys(re.findall(r":([a-z]\w*)", filled), "1")
    plan = [row[3] for row in database.rows(f"EXPLAIN QUERY PLAN {filled}", known)]
    database.close()
    assert not [step for step in plan if "(key=?" in step or "(driver=?" in step or step.startswith("SCAN a")]
