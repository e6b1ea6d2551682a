"""How many Things there are, by driver and status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from clusto_core.store.reader import Reader

_STATUS = "status"
_COUNTED = """
    SELECT t.driver, a.head, count(*) FROM things t
    LEFT JOIN attributes a ON a.thing_id = t.id AND a.key = :status AND a.subkey IS NULL
    WHERE t.owner_id IS NULL{these} GROUP BY t.driver, a.head"""


def census(reader: Reader, ids: Sequence[int] | None = None) -> Counter[tuple[str, str]]:
    """How many of some whole Things, or of all, there are of each driver and status; the status of those without is
    empty. One that has several statuses counts under each."""
    known = {"status": _STATUS}
    database = reader.database
    if ids is None:
        rows = database.iterate(_COUNTED.format(these=""), known)
    else:
        rows = database.rows_in(_COUNTED.format(these=" AND t.id IN (:ids)"), ids, known)
    found: Counter[tuple[str, str]] = Counter()
    for driver, status, count in rows:
        found[driver, status or ""] += count
    return found
