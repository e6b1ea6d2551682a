"""By the program: `import --format classic`, a source of the type `classic`, and what they refuse."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import servers
from tests.conftest import Result, Run
from tests.transfer.classic import stores


@pytest.fixture
def classic(tmp_path: Path) -> Path:
    """The file of a classic clusto."""
    store = stores.new(tmp_path / "classic.db")
    stores.site(store)
    store.close()
    return tmp_path / "classic.db"


@pytest.fixture
def configured(clusto: Run, tmp_path: Path) -> Callable[..., Run]:
    """The program with a source `old` of the type classic, declared by such lines."""

    def configure(*lines: str) -> Run:
        config = tmp_path / "config.toml"
        table = ["[devices]", f'paths = ["{tmp_path}"]', 'networks = ["localhost"]', "[source.old]", 'type = "classic"']
        config.write_text("\n".join([*table, *lines, ""]))

        def run(*words: str) -> Result:
            return clusto(*words, env={"CLUSTO_CONFIG": str(config)})

        return run

    return configure


def kept(directory: Path, text: str) -> None:
    """Keeps a secret `old` beside the configuration."""
    path = directory / "secrets" / "old"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(f"{text}\n")
    os.chmod(path, 0o600)


def test_import_takes_over_everything(clusto: Run, classic: Path) -> None:
    """With its history, told by `log`; the lossy points on standard error."""
    tried = clusto("import", "--format", "classic", str(classic), "--dry-run")
    assert tried.out.splitlines()[-1].startswith("would be in step with classic: 16 objects, 16 looked at, 16 new")
    done = clusto("import", "--format", "classic", str(classic))
    assert (done.code, done.out) == (
        0,
        "in step with classic: 16 objects, 24 looked at, 16 new, 4 entries of its history\n",
    )
    last, *_, first = clusto("log", "--oneline").out.splitlines()
    assert last.endswith("bob: web03 is gone")
    assert first.endswith("ann: a room")
    assert "User:    bob@classic\nDate:    2019-03-01" in clusto("log", "web01").out
    again = clusto("import", "--format", "classic", str(classic))
    assert again.out == "in step with classic: 16 objects, 0 looked at, 0 new\n"


def test_a_nightly_sync_takes_the_versions_since(configured: Callable[..., Run], tmp_path: Path) -> None:
    store = stores.new(tmp_path / "classic.db")
    server = stores.site(store)["web02"]
    store.close()
    run = configured(f'file = "{tmp_path}/classic.db"')
    assert run("sync", "old", "-o", "json").code == 0
    store.again()
    for hours, memory in ((1_000, 7), (1_001, 8)):
        store.begin("cay", f"free is {memory}", hours=hours)
        store.attr(server, "ram_free", memory)
    store.close()
    [record] = json.loads(run("sync", "old", "-o", "json").out)
    assert (record["past"], record["in_step"], record["transaction"]) == (2, True, None)
    assert [line.split(" ", 3)[3] for line in run("log", "web02", "--oneline").out.splitlines()[:2]] == [
        "cay: free is 8", "cay: free is 7",
    ]  # fmt: skip


def test_what_is_older_than_a_change_here_comes_as_one(clusto: Run, classic: Path) -> None:
    """Times in the history never go back."""
    clusto("add", "Pool", "mine")
    done = clusto("import", "--format", "classic", str(classic))
    assert done.code == 0
    assert "of its history" not in done.out
    assert len(clusto("log", "--oneline").out.splitlines()) == 2
    assert "5 of its versions are older than the last change here" in done.err


def test_a_database_with_a_password(
    configured: Callable[..., Run], mariadb: servers.MariaDB | None, tmp_path: Path
) -> None:
    if mariadb is None:
        pytest.skip("mariadb is not installed (Debian: mariadb-server)")
    url = mariadb.new()
    store = stores.Classic(url)
    stores.site(store)
    store.close()
    name = urlsplit(url).path.strip("/")
    mariadb.run("CREATE USER IF NOT EXISTS old@localhost IDENTIFIED BY 'p@ss/word'")
    mariadb.run(f"GRANT SELECT ON {name}.* TO old@localhost")
    kept(tmp_path, "p@ss/word")
    address = url.replace("root@", "old@").replace("mariadb://", "mysql://")
    run = configured(f'address = "{address}"', 'password = "secret:old"')
    done = run("sync", "old")
    assert done.code == 0, done.err
    assert "4 entries of its history" in done.out
    kept(tmp_path, "wrong")
    refused = run("sync", "old")
    assert refused.code == 4
    assert "Access denied" in refused.err
    assert "wrong" not in refused.err


REFUSED = [
    (["import", "--format", "classic", "nowhere.db"], 3, "no such file: nowhere.db"),
    (["import", "--format", "classic", "{empty}"], 2, "not the database of a classic clusto: it has no table entities"),
    (["import", "--format", "classic", "{classic}", "{classic}"], 2, "a classic clusto has one database"),
    (["import", "--format", "classic", "{classic}", "--driver", "x"], 2, "write CLASSIC=DRIVER"),
    (["import", "--format", "classic", "{classic}", "--driver", "x=Sever"], 2, "no such driver: Sever"),
    (["import", "--format", "classic", "{classic}", "--driver", "x=NIC"], 2, "x cannot become a NIC"),
    (["import", "{classic}.yaml", "--driver", "x=Server"], 2, "--driver is about a classic clusto"),
    (["import", "--format", "classic", "{text}"], 4, "not an SQLite database"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_what_is_refused(clusto: Run, classic: Path, tmp_path: Path, words: list[str], code: int, message: str) -> None:
    (tmp_path / "text").write_text("text " * 1000)
    (tmp_path / "classic.db.yaml").write_text("things: []\n")
    (tmp_path / "empty").touch()
    places = {"classic": str(classic), "empty": str(tmp_path / "empty"), "text": str(tmp_path / "text")}
    done = clusto(*(word.format(**places) for word in words))
    assert done.code == code
    assert message in done.err


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        ([], 3, "source.old has no address or file, or both"),
        (['file = "x"', 'address = "mysql://x/y"'], 3, "source.old has no address or file, or both"),
        (['file = "x"', 'zone = "Mars/Base"'], 2, "no such time zone: 'Mars/Base'"),
        (['file = "x"', "ports = { x = 3 }"], 2, "ports is a table by classic driver"),
        (['file = "x"', "drivers = { x = 3 }"], 2, "drivers is a table of drivers by classic ones"),
        (['address = "mysql://a:b@localhost/y"', 'password = "secret:old"'], 2, "leave one out"),
    ],
)
def test_settings_that_cannot_be(
    configured: Callable[..., Run], tmp_path: Path, lines: list[str], code: int, message: str
) -> None:
    kept(tmp_path, "x")
    done = configured(*lines)("sync", "old")
    assert done.code == code
    assert message in done.err
