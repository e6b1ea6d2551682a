"""Machines with controllers for the verb `bmc`, and a clusto that asks them in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from clusto_cli.main import invoke
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests.bmc.mockup import Mockup
from tests.redfish.service import PASSWORD, USER


class Run(NamedTuple):
    code: int
    out: str
    err: str


Clusto = Callable[..., Run]
Start = Callable[..., Mockup]


@pytest.fixture
def inventory(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)
    return Inventory(Settings(sqlite_url))


@pytest.fixture
def clusto(inventory: Inventory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Clusto:
    def run(*arguments: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["clusto", *arguments])
        capsys.readouterr()
        code = invoke(list(arguments))
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err)

    return run


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
