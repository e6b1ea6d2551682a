"""Fixtures: stores on each of the three databases, and the command line as a function."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clusto_cli.main import invoke
from clusto_core import secrecy
from clusto_core.boundary.permissions import INSECURE
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.store.opening import create
from tests import configured, servers

DATABASES = ("sqlite", "postgresql", "mariadb")


@pytest.fixture(scope="session", autouse=True)
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's configuration file and state while tests run: no test reads or writes those of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    path = configured.write(home / "config")
    told = home / "state" / "clusto" / "told"
    told.parent.mkdir(parents=True)
    told.write_text("".join(f"{kind}\n" for kind in INSECURE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.delenv("CLUSTO_CONFIG", raising=False)
        yield path


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test has read as a secret is masked in no other."""
    monkeypatch.setattr(secrecy, "_resolved", set())
    monkeypatch.setattr(secrecy, "_declared", set())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[servers.PostgreSQL | None]:
    """The tests' PostgreSQL, with a database `template` to copy."""
    server = servers.start_postgresql()
    if server is not None:
        server.run("CREATE DATABASE template")
        create(server.url("template"))
    yield server
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[servers.MariaDB | None]:
    """The tests' MariaDB."""
    server = servers.start_mariadb()
    yield server
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite store, to copy."""
    path = tmp_path_factory.mktemp("template") / "clusto.db"
    create(f"sqlite:///{path}")
    return path


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a place for a store, with nothing in it, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    server = request.getfixturevalue(request.param)
    if server is None:
        pytest.skip(f"{request.param} is not installed (Debian: {request.param}-server or postgresql)")
    url: str = server.new()
    return url


@pytest.fixture(params=DATABASES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{_copied(request, tmp_path)}"
    server = request.getfixturevalue(request.param)
    if server is None:
        pytest.skip(f"{request.param} is not installed (Debian: {request.param}-server or postgresql)")
    if isinstance(server, servers.PostgreSQL):
        name = f"copy_{id(request)}"
        server.run(f"CREATE DATABASE {name} TEMPLATE template")
        return server.url(name)
    url: str = server.new()
    create(url)
    return url


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store on SQLite."""
    return f"sqlite:///{_copied(request, tmp_path)}"


def _copied(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "clusto.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return path


@pytest.fixture
def inventory(store_url: str) -> Inventory:
    """An empty inventory on each database in turn."""
    return Inventory(Settings(store_url))


@pytest.fixture(autouse=True, scope="session")
def _json_is_as_documented() -> Iterator[None]:
    """Holds all JSON that any test has clusto print against the schemas; not where jsonschema is missing."""
    if importlib.util.find_spec("jsonschema") is None:
        yield
        return
    from tests import schemas

    with schemas.watch():
        yield


_ECHO = re.compile(r"(?:^|\s)(\S+) \(did you mean \1\?\)")


class Result(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def clusto(sqlite_url: str) -> Run:
    """Runs the real program on an SQLite store: `clusto("add", "Server", "server1")`; `stdin=` is what is piped in."""

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "clusto_cli.main", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env={**os.environ, "CLUSTO_DB": sqlite_url, **(env or {})},
            timeout=120,
            check=False,
        )
        assert not _ECHO.search(done.stderr), f"what was typed is suggested: {done.stderr}"
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def here(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs commands on an SQLite store in this process, in the time that the program takes to start less."""
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["clusto", *arguments])
        capsys.readouterr()
        code = invoke(list(arguments))
        return Result(code, *capsys.readouterr())

    return run


def said(url: str, *arguments: str) -> Result:
    """What a command says of a store, in this process and without a fixture."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = invoke(["--db", url, *arguments])
    return Result(code, out.getvalue(), err.getvalue())
