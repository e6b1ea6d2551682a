"""What is exported and imported into an empty store makes an equal one, in every format that holds all."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.transfer import formats, importer
from tests.inventories import Operation, build, content, operations

FORMATS = ("jsonl", "yaml", "csv", "xlsx")
# Making a smaller example of a whole inventory takes minutes and does not make it much smaller.
PROFILE = settings(
    deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


def exported(inventory: Inventory, format_name: str) -> bytes:
    """The whole inventory as a file of that format."""
    held = io.BytesIO()
    out = io.TextIOWrapper(held, encoding="utf-8", newline="")
    with inventory.read() as reader:
        formats.writer_of(format_name)(reader, reader.all(), out)
    out.flush()
    return held.getvalue()


def import_bytes(inventory: Inventory, data: bytes, format_name: str) -> int | None:
    """Imports a file; gives the transaction's number, None when nothing changed."""
    file = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    with inventory.change() as change:
        importer.load(change, formats.reader_of(format_name)(file, "file"))
    return change.id


@contextmanager
def two_stores(template: Path) -> Iterator[tuple[Inventory, Inventory]]:
    with tempfile.TemporaryDirectory() as directory:
        paths = [f"{directory}/{name}.db" for name in ("one", "other")]
        for path in paths:
            shutil.copy(template, path)
        one, other = (Inventory(Settings(f"sqlite:///{path}")) for path in paths)
        yield one, other


@pytest.mark.parametrize("format_name", FORMATS)
@settings(PROFILE, max_examples=40)
@given(wanted=operations)
def test_an_export_imported_into_an_empty_store_gives_an_equal_one(
    sqlite_template: Path, format_name: str, wanted: list[Operation]
) -> None:
    with two_stores(sqlite_template) as (one, other):
        build(one, wanted)
        text = exported(one, format_name)
        import_bytes(other, text, format_name)
        assert content(other) == content(one)
        assert exported(other, format_name) == text
        assert import_bytes(other, text, format_name) is None
        assert import_bytes(one, text, format_name) is None


@settings(PROFILE, max_examples=25)
@given(before=operations, after=operations, through=st.sampled_from(FORMATS))
def test_no_import_of_an_export_leaves_a_store_that_db_check_would_not_pass(
    sqlite_template: Path, before: list[Operation], after: list[Operation], through: str
) -> None:
    from clusto_core.records.integrity import problems
    from clusto_core.transfer.faults import Faulty

    with two_stores(sqlite_template) as (one, other):
        build(one, after)
        build(other, before)
        as_it_was = content(other)
        try:
            import_bytes(other, exported(one, through), through)
        except Faulty:
            assert content(other) == as_it_was
        with other.read() as reader:
            assert list(problems(reader)) == []


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_database_takes_what_every_database_gives(inventory: Inventory, tmp_path: Path, format_name: str) -> None:
    build(inventory, [("connect", place, place * 7, None) for place in range(40)])
    with inventory.change() as change:
        change.set_values(change.resolve("thing1"), Key("note"), ["x" * 1000, 1.5, True, "Straße 😀\n\ttab", 2**62])
    text = exported(inventory, format_name)
    other = Inventory(Settings(f"sqlite:///{tmp_path}/other.db"))
    import_bytes(other, text, format_name)
    assert content(other) == content(inventory)
    assert import_bytes(inventory, text, format_name) is None
