"""The history's JSON of new Things, which is put together row by row."""

from __future__ import annotations

import json

from clusto_core.inventory import Inventory
from clusto_core.store.telling import encode


def test_what_is_written_row_by_row_is_what_the_encoder_writes(inventory: Inventory) -> None:
    """With quotes, other scripts, halves of rack units, tables, relations, and cables that panels pass on."""
    with inventory.change("test") as change:
        change.add("Rack", "rack1")
        change.add("PatchPanel", "panel1", part_counts={"port": 2})
        for name in ("sérver-1", "s2"):
            change.add("Server", name, attributes={"note": 'a "quote" and \\ ü', "disk#0.size": 3})
        change.set_values("s2", "height", 0.5)
        change.set_values("s2", "twin", change.resolve("sérver-1"))
        change.connect("s2", "rack1:RU3.5/rear")
        change.connect("sérver-1:eth0", "panel1:1")
        change.connect("panel1:rear1", "panel1:rear2")
        change.connect("panel1:2", "s2:eth0")
    with inventory.read() as reader:
        told = [row[0] for row in reader.database.rows("SELECT c.after FROM changes c ORDER BY c.thing_id")]
    assert len(told) == 4
    assert [encode(json.loads(text)) for text in told] == told
    cables = {(row[0], *row[1:2], *row[6:]) for text in told for row in json.loads(text).get("cables", ())}
    assert {kind for _, kind, *_ in cables} == {"network", "position"}
    assert [len(rest) for _, kind, *rest in cables if kind == "position"] == [3]
