"""A boot server for most tests, and what starts one for a test alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rebuild_serve.lab import BootServer, Store


@pytest.fixture(scope="session")
def boot(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[BootServer]:
    """A server that all tests share; each has machines, and a directory below the server's, of its own."""
    folder = tmp_path_factory.mktemp("boot")
    (folder / "tftp").mkdir()
    shutil.copy(sqlite_template, folder / "clusto.db")
    server = BootServer(Store(f"sqlite:///{folder}/clusto.db"), folder / "tftp")
    yield server
    assert server.stop() == 0, server.said()


@pytest.fixture
def folder(boot: BootServer, request: pytest.FixtureRequest) -> Path:
    """A directory of the test's own below the shared server's."""
    path = boot.directory / str(request.node.originalname)
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture
def store(sqlite_url: str) -> Store:
    """A store for this test alone."""
    return Store(sqlite_url)


@pytest.fixture
def own(store: Store, tmp_path: Path) -> Iterator[Callable[..., BootServer]]:
    """Starts a server for this test alone, with `setup` run first."""
    running: list[BootServer] = []

    def start(setup: str = "") -> BootServer:
        (tmp_path / "tftp").mkdir(exist_ok=True)
        running.append(BootServer(store, tmp_path / "tftp", setup))
        return running[-1]

    yield start
    for server in running:
        if server.process.poll() is None:
            server.stop()
