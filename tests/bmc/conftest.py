"""Machines with controllers for the verb `bmc`, and a clusto that asks them in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests.bmc.mockup import Mockup
from tests.conftest import Run
from tests.redfish.service import PASSWORD, USER

Clusto = Run
Start = Callable[..., Mockup]


@pytest.fixture
def inventory(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)
    return Inventory(Settings(sqlite_url))


@pytest.fixture
def clusto(here: Run) -> Run:
    return here


@pytest.fixture
def start(inventory: Inventory) -> Iterator[Start]:
    """Starts the controller of a new server."""
    with ExitStack() as stack:

        def started(name: str = "server1", mockup: Mockup | None = None, **more: object) -> Mockup:
            service = stack.enter_context((mockup or Mockup()).running())
            settings = {"protocol": "redfish", "host": service.url, "user": USER, "password": PASSWORD, "timeout": 3}
            with inventory.change() as change:
                pairs = [(f"bmc.{key}", value) for key, value in (settings | more).items()]
                change.add("Server", name, attributes=pairs)
            return service

        yield started
