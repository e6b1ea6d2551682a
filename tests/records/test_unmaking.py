"""Large imports that are taken back some at a time: as one that is taken back at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.reserved import GIVEN, GIVEN_BACK
from clusto_core.records import history, integrity
from clusto_core.records import revert as reverting
from clusto_core.records.revert import revert
from clusto_core.resources import naming
from clusto_core.transfer import importer
from tests.inventories import content
from tests.transfer.test_batches import RACKS, SITE, documents, server

BEFORE: list[dict[str, Any]] = [*RACKS, {**server(1), "attrs": {"height": 1}}]
IMPORT: list[dict[str, Any]] = [
    *SITE,
    {"name": "sw1", "part_attrs": {"7": {"uplink": {"ref": "s2"}}}, "attrs": {"twin": {"ref": "s3"}}},
    {"name": "pp2", "driver": "PatchPanel", "in": ["rack1"], "parts": {"port": 2}, "connect": {"rear2": "pp1:rear2"}},
    {
        "name": "loop", "driver": "Switch", "parts": {"port": 2}, "connect": {"1": "loop:2"},
        "attrs": {"me": {"ref": "loop"}},
    },
    {"name": "t1", "driver": "Server", "connect": {"eth0": "pp2:2"}, "in": ["web-pool"]},
]  # fmt: skip


def load(inventory: Inventory, objects: list[dict[str, Any]]) -> None:
    merged: dict[str, dict[str, Any]] = {}
    for each in objects:
        merged[each["name"]] = {**merged.get(each["name"], {}), **each}
    with inventory.change("import") as change:
        importer.load(change, documents(list(merged.values()), 100))


def undo(inventory: Inventory, number: int, many: int, *, dry_run: bool = False) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reverting, "MANY", many)
        with inventory.change(f"revert {number}", reverts=number, dry_run=dry_run) as change:
            return revert(change.unit, number)


def told(inventory: Inventory, number: int) -> list[Any]:
    """What the history tells, in one order."""
    with inventory.read() as reader:
        changes = list(history.changes(reader, number))
    return sorted((id, name, _sorted(before), _sorted(after)) for id, name, before, after in changes)


def _sorted(told: history.Rows) -> list[Any]:
    return sorted((table, sorted(rows, key=itemgetter(0))) for table, rows in told.items())


def _nothing(change: Transaction) -> None:
    pass


def _named(change: Transaction) -> None:
    change.rename("web-pool", "www-pool")
    change.rename("sw1", "switch1")


def _valued(change: Transaction) -> None:
    change.set_values("s2", "status", "broken")


def _taken_out(change: Transaction) -> None:
    change.delete_values("s2", "serial")


def _renamed(change: Transaction) -> None:
    change.rename("s2", "s22")


def _connected(change: Transaction) -> None:
    change.connect("s2:eth1", "sw1:7")


def _disconnected(change: Transaction) -> None:
    change.disconnect("s2:eth0")


def _mentioned(change: Transaction) -> None:
    change.set_values("dc1", "best", change.resolve("s2"))


def _removed(change: Transaction) -> None:
    change.remove("t1")


def _larger(change: Transaction) -> None:
    change.add("NIC", "s2:eth9")


@pytest.mark.parametrize(
    "later",
    [_nothing, _named, _valued, _taken_out, _renamed, _connected, _disconnected, _mentioned, _removed, _larger],
)
def test_it_comes_to_what_it_does_at_once(
    tmp_path: Path, sqlite_template: Path, later: Callable[[Transaction], None]
) -> None:
    """The same inventory and the same history, or the same that is in the way, whatever came later."""
    first = tmp_path / "first.db"
    shutil.copy(sqlite_template, first)
    inventory = Inventory(Settings(f"sqlite:///{first}"))
    load(inventory, BEFORE)
    load(inventory, IMPORT)
    with inventory.change("later") as change:
        later(change)
    before = content(inventory)
    results: list[tuple[Any, ...]] = []
    for many in (10_000, 0):
        path = tmp_path / f"{many}.db"
        shutil.copy(first, path)
        copy = Inventory(Settings(f"sqlite:///{path}"))
        try:
            tried = undo(copy, 2, many, dry_run=True)
            assert content(copy) == before
            assert undo(copy, 2, many) == tried
        except Refused as refusal:
            assert content(copy) == before
            results.append((str(refusal).partition(": ")[0], str(refusal).endswith("is in the way: later)")))
            continue
        with copy.read() as reader:
            last = history.latest(reader)
            assert list(integrity.problems(reader)) == []
        results.append((tried, content(copy), told(copy, last)))
        undo(copy, last, many)
        assert content(copy) == before
    assert results[0] == results[1]
    assert (later in (_nothing, _named)) == (len(results[0]) == 3)


def test_on_each_database(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pages of few, and again undone."""
    load(inventory, BEFORE)
    before = content(inventory)
    load(inventory, IMPORT)
    after = content(inventory)
    pages = history.pages
    monkeypatch.setattr(history, "pages", lambda reader, number: pages(reader, number, 2))
    assert undo(inventory, 2, 0) == len(told(inventory, 2))
    assert content(inventory) == before
    undo(inventory, 3, 0)
    assert content(inventory) == after
    with inventory.read() as reader:
        assert list(integrity.problems(reader)) == []


def test_names_that_ranges_gave_come_back(tmp_path: Path, sqlite_template: Path) -> None:
    """Also those of Things that are no longer in memory, and of Things that are called otherwise."""
    found = []
    for many in (10_000, 0):
        path = tmp_path / f"{many}.db"
        shutil.copy(sqlite_template, path)
        inventory = Inventory(Settings(f"sqlite:///{path}"))
        with inventory.change() as change:
            naming.allocate(change, change.add("NameRange", "web", attributes=[("pattern", "web[01-09]")]), 2)
        with inventory.change() as change:
            change.add("Server", "web01")
            naming.allocate(change, change.resolve("web"), owner=change.add("Server", "other"))
        undo(inventory, 2, many)
        with inventory.read() as reader:
            given = [each.value.text for each in reader.attributes_under(GIVEN)]
            back = [each.value.python()["name"] for each in reader.attributes_under(GIVEN_BACK)]
        found.append((given, sorted(back)))
    assert found[0] == found[1]
    assert found[0][0] == ["web02"]
