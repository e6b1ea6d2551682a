"""Commands at once on a store of an older clusto: one upgrades it, the others wait, and all do what they are for."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.errors import StoreBroken
from clusto_core.inventory import Inventory
from clusto_core.records import integrity
from clusto_core.store import database, opening
from tests.store.older import REVISIONS, make_older

long_tests = pytest.mark.skipif(not os.environ.get("CLUSTO_LONG_TESTS"), reason="CLUSTO_LONG_TESTS=1")


@pytest.mark.parametrize("revision", [REVISIONS[0], *(pytest.param(each, marks=long_tests) for each in REVISIONS[1:])])
def test_commands_at_once_on_an_older_store(empty_url: str, revision: str, tmp_path: Path) -> None:
    make_older(empty_url, revision)
    commands = [("add", "Pool", f"pool{number}") for number in range(2)] + [("find", "driver:Pool")]
    commands += [("db", "upgrade")] * 2
    if not empty_url.startswith("sqlite"):
        # Those that do not upgrade a shared store do not ask for it either: they wait for whoever does.
        commands = commands[3:]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "clusto_cli.main", "--db", empty_url, *each],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in commands
    ]
    said = ""
    for each in running:
        _, err = each.communicate(timeout=300)
        assert each.returncode == 0, err
        assert "error" not in err
        said += err
    assert said.count("upgraded the schema") == 1
    copies = list(tmp_path.glob("*.backup"))
    assert len(copies) == empty_url.startswith("sqlite") == said.count("kept a copy")
    with Inventory(Settings(empty_url)).read() as reader:
        added = {f"pool{number}" for number in range(2)} if empty_url.startswith("sqlite") else set()
        assert {thing.name for thing in reader.all()} == {"old", *added}
        assert list(integrity.problems(reader)) == []


def test_who_reads_or_writes_waits_for_an_upgrade_that_runs(empty_url: str) -> None:
    """Whoever finds an old schema and a migration under way asks again when that has ended."""
    if empty_url.startswith("sqlite"):
        pytest.skip("SQLite's stores are upgraded by whoever comes first")
    make_older(empty_url, REVISIONS[-1])
    with contextlib.closing(database.connect_to_write(empty_url)) as migrating:
        opening._take_turns(migrating)
        waiting = [
            subprocess.Popen(
                [sys.executable, "-m", "clusto_cli.main", "--db", empty_url, *each],
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for each in (("find", "driver:Pool"), ("add", "Pool", "pool1"), ("db", "upgrade"))
        ]
        with pytest.raises(subprocess.TimeoutExpired):
            waiting[2].wait(1)
        assert [each.poll() for each in waiting] == [None] * 3
    for each in waiting:
        _, err = each.communicate(timeout=300)
        upgraded = each.returncode == 0
        assert upgraded or "run clusto db upgrade" in err
    assert waiting[2].returncode == 0


def test_copies_of_one_second_have_names_of_their_own(sqlite_url: str) -> None:
    kept = {opening.backup(database.sqlite_path(sqlite_url)) for _ in range(3)}
    assert len(kept) == 3
    assert {stat.S_IMODE(os.stat(each).st_mode) for each in kept} == {0o600}


def test_no_copy_is_left_of_an_upgrade_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/clusto.db"
    make_older(url, REVISIONS[-1])

    def failing(config: object, revision: str) -> None:
        raise StoreBroken("no")

    monkeypatch.setattr("alembic.command.upgrade", failing)
    with pytest.raises(StoreBroken, match="no"):
        opening.upgrade(url, print)
    assert not list(tmp_path.glob("*.backup"))
    monkeypatch.undo()
    opening.upgrade(url, print)
    assert len(list(tmp_path.glob("*.backup"))) == 1
