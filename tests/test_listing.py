"""What lists very much is written as it is read: by what writes it, and by each verb."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from clusto_cli import output
from clusto_cli.main import invoke
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.query import compiler
from clusto_core.store.database import PORTION, Database, Parameters, Row

VERBS = (
    "attr get --where driver:Pool",
    "attr get status --where driver:Pool",
    "attr get --inherited --where driver:Pool -o json",
    "attr get --inherited --all --where driver:Pool -o yaml",
    "locate --where driver:Pool",
    "locate --where driver:Pool -o jsonl",
    "find driver:Pool --columns name,attr:status,in",
    "find driver:Pool --columns name,attr:status -o csv",
    "find driver:Pool --columns name,inherited:status -o json",
    "export --format jsonl",
    "export --format yaml",
    "show --where driver:Pool",
)
AT_ONCE = (
    "find driver:Pool",
    "find name:*",
    "find driver:Pool --columns name,in",
    "locate --where driver:Pool",
    "attr get status --where driver:Pool",
    "show --where driver:Pool",
    "export --format jsonl",
    "export --format yaml",
)


class Written(io.BytesIO):
    """A standard output that knows how many statements had been run when something came out first."""

    def __init__(self, asked: list[str]) -> None:
        super().__init__()
        self.asked = asked
        self.first: int | None = None

    def write(self, data: Any) -> int:
        if self.first is None:
            self.first = len(self.asked)
        return super().write(data)


@pytest.fixture(scope="module")
def site(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with three portions of Things that have something."""
    path = tmp_path_factory.mktemp("site") / "clusto.db"
    path.write_bytes(sqlite_template.read_bytes())
    with Inventory(Settings(f"sqlite:///{path}")).change() as change:
        change.add("Pool", "all", attributes=[("status", "known")])
        for number in range(2 * PORTION + 1):
            change.add("Pool", f"pool{number}", parents=["all"], attributes=[("status", "spare")])
    return f"sqlite:///{path}"


@pytest.mark.parametrize("verb", VERBS)
def test_the_first_line_comes_out_before_the_last_statement_is_run(
    verb: str, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    rows = Database.rows

    def noted(self: Database, sql: str, parameters: Parameters | None = None) -> list[Row]:
        asked.append(sql)
        return rows(self, sql, parameters)

    monkeypatch.setattr(Database, "rows", noted)
    written = Written(asked)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(written), "utf-8"))  # type: ignore[type-var]
    assert invoke(["--db", site, *verb.split()]) == 0
    sys.stdout.flush()
    assert b"pool1000" in written.getvalue()
    assert written.first is not None
    assert written.first <= len(asked) - 2


@pytest.mark.parametrize("verb", AT_ONCE)
def test_the_first_line_comes_out_before_the_last_thing_is_read(
    verb: str, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    lazily = Database.lazily

    def noted(self: Database, sql: str, parameters: Parameters | None = None) -> Iterator[Row]:
        for row in lazily(self, sql, parameters):
            read.append(row[1])
            yield row

    monkeypatch.setattr(Database, "lazily", noted)
    monkeypatch.setattr(compiler, "PROBE", 1)
    monkeypatch.setattr(compiler, "CROWD_SIZE", 1)
    written = Written(read)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(written), "utf-8"))  # type: ignore[type-var]
    assert invoke(["--db", site, *verb.split()]) == 0
    sys.stdout.flush()
    assert len(read) == 2 * PORTION + 2
    assert written.first is not None
    assert written.first <= len(read) // 2


@pytest.mark.parametrize("form", ["jsonl", "json", "yaml", "names"])
def test_a_record_is_passed_on_before_the_next_one_is_made(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(written), "utf-8"))  # type: ignore[type-var]
    monkeypatch.setattr(output, "_PACE", 0)

    def records() -> Iterator[dict[str, str]]:
        yield {"name": "first"}
        assert b"first" in written.getvalue() or form == "json"
        yield {"name": "second"}
        assert b"first" in written.getvalue()

    output.write_records(form, records())
    sys.stdout.flush()
    assert b"second" in written.getvalue()
