"""One server for all that only reads, and one of its own for each test that needs another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import clusto_core
from tests.library.conftest import fill
from tests.web.site import Site, running


def filled(directory: Path) -> str:
    """The URL of a new store with the site in it."""
    url = f"sqlite:///{directory / 'site.db'}"
    with clusto_core.open(url).change("site") as change:
        fill(change)
    return url


@pytest.fixture(scope="package")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that nothing is changed in."""
    directory = tmp_path_factory.mktemp("reading")
    with running(filled(directory), directory / "log") as site:
        yield site


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Starts a server of the test's own, with these options."""
    with ExitStack() as stack:
        store = filled(tmp_path)
        yield lambda *options, **more: stack.enter_context(running(store, tmp_path / "log", *options, **more))


@pytest.fixture
def fresh(serving: Callable[..., Site]) -> Site:
    """A server of the test's own."""
    return serving()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server whose inventory any test may change: what one asks for, it has made itself."""
    directory = tmp_path_factory.mktemp("changing")
    with running(filled(directory), directory / "log") as site:
        yield site
