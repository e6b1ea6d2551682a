"""A mirror is the store that it is of, whatever happened there meanwhile and wherever it was interrupted."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import clusto_core
from clusto_cli.main import invoke
from clusto_core.config import Settings
from clusto_core.errors import ClustoError, Malformed, Refused, StoreBroken
from clusto_core.inventory import Inventory
from clusto_core.records import integrity
from clusto_core.records.revert import revert
from clusto_core.store import database, mirroring, seals
from clusto_core.store.mirroring import mirror
from clusto_core.store.opening import upgrade
from clusto_core.store.schema import metadata
from tests.records.changing import step
from tests.store.older import REVISIONS, make_older
from tests.store.test_seals import furnish


def tables(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of a store; the seal of SQLite's own schema is its own."""
    found = {}
    with contextlib.closing(database.connect(url)) as reading:
        for table in metadata.sorted_tables:
            order = ", ".join(f"x.{column.name}" for column in table.primary_key)
            columns = ", ".join(f"x.{column.name}" for column in table.columns)
            own = " WHERE x.id >= 0" if table.name == "seals" else ""
            found[table.name] = reading.rows(f"SELECT {columns} FROM {table.name} x{own} ORDER BY {order}")
    return found


def sound(url: str) -> bool:
    with Inventory(Settings(url)).read() as reader:
        return not list(integrity.problems(reader))


def brought(url: str, target: str) -> mirroring.Mirrored:
    return mirror(url, target, lambda table, count: None)


def disturb(inventory: Inventory, random_: random.Random, number: int) -> None:
    """One transaction of random changes, or one that reverts another."""
    with contextlib.suppress(ClustoError), inventory.change("disturb") as change:
        for _ in range(random_.randrange(1, 9)):
            with contextlib.suppress(ClustoError):
                step(change, random_)
    if random_.random() < 0.2:
        with contextlib.suppress(ClustoError), inventory.change() as change:
            revert(change.unit, random_.randrange(1, number + 2))


@pytest.mark.parametrize("seed", range(2))
def test_a_mirror_becomes_what_the_store_has_become(
    store_url: str, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ranges are small here, so that paths through panels lie in ranges of which nothing else changes.
    monkeypatch.setattr(seals, "RANGE", 8)
    monkeypatch.setattr(mirroring, "_PAGE", 3)
    random_ = random.Random(seed)
    inventory, target = Inventory(Settings(store_url)), f"sqlite:///{tmp_path}/mirror.db"
    for number in range(12):
        disturb(inventory, random_, number)
        if random_.random() < 0.5:
            brought(store_url, target)
            assert tables(target) == tables(store_url)
            assert sound(target)


class Cut(Exception):
    """The network goes."""


def test_what_was_interrupted_goes_on(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "RANGE", 8)
    monkeypatch.setattr(mirroring, "_AT_ONCE", 1)
    target, path = f"sqlite:///{tmp_path}/mirror.db", tmp_path / "mirror.db"
    furnish(sqlite_url)
    whole = brought(sqlite_url, f"sqlite:///{tmp_path}/another.db").rows

    def cut(table: str, count: int) -> None:
        if count > whole // 2:
            raise Cut

    with pytest.raises(Cut):
        mirror(sqlite_url, target, cut)
    assert not path.exists()
    # The store goes on meanwhile.
    with Inventory(Settings(sqlite_url)).change() as change:
        change.rename_all([("pdu1", "pool1"), ("pool1", "pdu1")])
    done = brought(sqlite_url, target)
    assert done.new
    assert done.rows < whole * 0.8
    assert tables(target) == tables(sqlite_url)
    assert sound(target)
    assert not list(tmp_path.glob("mirror.db.part*"))
    with Inventory(Settings(sqlite_url)).change() as change:
        change.add("Pool", "pool2")
    before = tables(target)
    with pytest.raises(Cut):
        mirror(sqlite_url, target, lambda table, count: cut(table, whole))
    assert tables(target) == before
    assert brought(sqlite_url, target).new is False
    assert tables(target) == tables(sqlite_url)


def test_several_that_make_one_mirror_at_once(sqlite_url: str, tmp_path: Path) -> None:
    furnish(sqlite_url)
    target = f"sqlite:///{tmp_path}/mirror.db"
    command = [sys.executable, "-m", "clusto_cli.main", "--db", sqlite_url, "db", "mirror", f"{tmp_path}/mirror.db"]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    told = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, told
    assert sum("made a mirror" in each for each in told) == 1, told
    assert tables(target) == tables(sqlite_url)
    assert not list(tmp_path.glob("mirror.db.part*"))


def test_a_mirror_without_room_takes_none(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Inventory(Settings(sqlite_url)).change() as change:
        for number in range(500):
            change.add("Pool", f"pool{number}")
    opened = mirroring._opened

    def small(url: str) -> database.Database:
        found = opened(url)
        pages = found.rows("PRAGMA page_count")[0][0]
        found.rows(f"PRAGMA max_page_count = {pages + 2}")
        return found

    monkeypatch.setattr(mirroring, "_opened", small)
    with pytest.raises(StoreBroken, match="no space is left for the store"):
        brought(sqlite_url, f"sqlite:///{tmp_path}/mirror.db")
    assert not list(tmp_path.glob("mirror.db*"))


def test_what_is_no_mirror_of_this_store_is_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    furnish(sqlite_url)
    target = f"sqlite:///{tmp_path}/mirror.db"
    behind = f"{tmp_path}/behind.db"
    shutil.copy(database.sqlite_path(sqlite_url), behind)
    with Inventory(Settings(sqlite_url)).change("later") as change:
        change.add("Pool", "pool2")
    brought(sqlite_url, target)
    kept = tables(target)
    with pytest.raises(Refused, match=r"its last one is 3, that store's is 2.*behind, has lost some"):
        brought(f"sqlite:///{behind}", target)
    with Inventory(Settings(f"sqlite:///{behind}")).change("another") as change:
        change.add("Pool", "pool3")
    with pytest.raises(Refused, match="knows of transactions"):
        brought(f"sqlite:///{behind}", target)
    with pytest.raises(Refused, match="not a mirror"):
        brought(target, f"sqlite:///{behind}")
    with pytest.raises(Malformed, match="SQLite"):
        brought(sqlite_url, "postgresql:///clusto")
    assert tables(target) == kept


def test_a_mirror_is_read_and_told_of(sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    furnish(sqlite_url)
    path = f"{tmp_path}/mirror.db"
    assert invoke(["--db", sqlite_url, "db", "mirror", path]) == 0
    assert "made a mirror" in capsys.readouterr().err
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"
    assert invoke(["--db", path, "locate", "server1"]) == 0
    told = capsys.readouterr()
    assert "pdu1" in told.out
    assert f"clusto: a mirror of {sqlite_url}, " in told.err
    assert "old\n" in told.err
    for words in (["add", "Pool", "p"], ["attr", "set", "a", "1", "-t", "server1"], ["revert", "1"]):
        assert invoke(["--db", path, *words]) == 4
        assert f"is a mirror, which is only read: write to {sqlite_url}\n" in capsys.readouterr().err
    assert invoke(["--db", path, "db", "check"]) == 0
    # The way back, when the store itself is lost.
    assert invoke(["--db", path, "db", "copy", f"{tmp_path}/again.db"]) == 0
    assert invoke(["--db", f"{tmp_path}/again.db", "add", "Pool", "p"]) == 0
    capsys.readouterr()
    assert invoke(["--db", sqlite_url, "attr", "set", "a", "1", "-t", "server1"]) == 0
    assert invoke(["--db", sqlite_url, "db", "mirror", path]) == 0
    assert "from transaction 2 to 3" in capsys.readouterr().err
    assert invoke(["--db", sqlite_url, "db", "mirror", path]) == 0
    assert "nothing has changed since transaction 3" in capsys.readouterr().err


def test_a_mirror_of_an_older_clusto_is_upgraded_first(tmp_path: Path) -> None:
    url, target = f"sqlite:///{tmp_path}/store.db", f"sqlite:///{tmp_path}/mirror.db"
    for each in (url, target):
        make_older(each, REVISIONS[-1])
    with contextlib.closing(database.connect_to_write(target)) as writing:
        writing.execute(mirroring._MARK)
    upgrade(url, lambda line: None)
    with Inventory(Settings(url)).change() as change:
        change.add("Pool", "new")
    assert brought(url, target).new is False
    assert tables(target) == tables(url)
    assert sound(target)


def test_programs_are_told_of_a_mirror(sqlite_url: str, tmp_path: Path) -> None:
    furnish(sqlite_url)
    brought(sqlite_url, f"sqlite:///{tmp_path}/mirror.db")
    found = clusto_core.open(f"sqlite:///{tmp_path}/mirror.db").mirror
    assert found is not None
    assert found.origin == sqlite_url
    assert found.taken > 0
    assert clusto_core.open(sqlite_url).mirror is None
