"""A small wired site, and syncs of files with it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.rules import claims
from clusto_core.transfer.formats import writer_of
from clusto_core.transfer.leaving import Leaving
from clusto_core.transfer.sources.file import FileSource
from clusto_core.transfer.sources.protocol import Declared, quiet
from clusto_core.transfer.sync import running
from clusto_core.transfer.sync.engine import Options
from clusto_core.transfer.sync.report import Report

Sync = Callable[..., Report]
"""Takes a format and what a file of it says."""


@pytest.fixture
def site(sqlite_url: str) -> Inventory:
    """Two servers with two power supplies each, a console server, two PDUs and a switch; nothing is wired."""
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        change.add("Datacenter", "dc", attributes=[("dns.domain", "example.net")])
        for driver, name in (("ConsoleServer", "cs1"), ("PDU", "pdu-a"), ("PDU", "pdu-b"), ("Switch", "sw1")):
            change.add(driver, name, parents=["dc"])
        change.add("Pool", "web-pool")
        change.add("Role", "web", parents=["web-pool"])
        for name in ("srv1", "srv2"):
            change.add("Server", name, parents=["dc"])
        claims.hold(change.unit, change.resolve("cs1:mgmt"), "10.0.9.1")
        claims.hold(change.unit, change.resolve("srv1:eth0"), "10.0.0.1")
    return inventory


@pytest.fixture
def sync(site: Inventory, tmp_path: Path) -> Sync:
    """Brings the site in step with a file."""

    def run(format_name: str, text: str, *, prefer: str = "", source: str = "") -> Report:
        path = tmp_path / format_name
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        store = running.Store(site.read, site.change, site.change)
        declared = Declared(source or format_name, format_name)
        options = Options(prefer, prune=False)  # type: ignore[arg-type]
        return running.run(store, declared, FileSource((str(path),), format_name), options, quiet)

    return run


def wires(inventory: Inventory, *names: str) -> dict[str, str]:
    """What each connected part of these Things leads to directly."""
    with inventory.read() as reader:
        links = [link for name in names for link in reader.links(reader.resolve(name).id)]
    return {link.part.name: link.other.name for link in links if link.part is not None}


def written(inventory: Inventory, format_name: str, *allowed: str) -> str:
    """The inventory in a format."""
    out = io.StringIO()
    with inventory.read() as reader:
        writer_of(format_name)(reader, reader.all(), out, Leaving(frozenset(allowed)))
    return out.getvalue()
