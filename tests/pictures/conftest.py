"""A small site with everything that a picture can show: halves, faces, blades, cables with colours, reservations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory, Transaction
from clusto_core.model.reserving import deadline
from clusto_core.store.opening import create
from clusto_core.store.reader import Reader


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the site's store, which no test changes."""
    url = f"sqlite:///{tmp_path_factory.mktemp('site')}/clusto.db"
    create(url)
    with Inventory(Settings(url)).change() as change:
        _fill(change)
    return url


def _fill(change: Transaction) -> None:
    add, connect = change.add, change.connect
    add("Room", "room1")
    add("Rack", "r1", parents="room1", part_counts={"ru": 8}, attributes={"row": "A"})
    add("Rack", "r2", parents="room1", part_counts={"ru": 8}, attributes={"row": "A"})
    add("Server", "half", attributes={"height": 0.5, "status": "live"})
    add("Server", "whole", attributes={"status": "spare"})
    add("Appliance", "chassis", attributes={"height": 3})
    for name in ("blade1", "blade2"):
        add("Server", name, parents="chassis", attributes={"status": "live"})
    add("VirtualServer", "vm1", parents="blade1")
    add("Server", "loose")
    add("PatchPanel", "behind", part_counts={"front": 4, "rear": 4})
    add("Switch", "sw1", part_counts={"port": 4})
    add("PDU", "pdu1", parents="r1", part_counts={"outlet": 4})
    add("PDU", "pdu2", parents="r1", part_counts={"outlet": 4})
    for name, where in (("half", "r1:RU1.5"), ("whole", "r1:RU2/front"), ("chassis", "r1:RU4-6"),
                        ("behind", "r1:RU2/rear"), ("sw1", "r2:RU8")):  # fmt: skip
        connect(name, where)
    for one, other in (("whole:eth0", "behind:rear1"), ("behind:1", "sw1:1"), ("whole:psu1", "pdu1:1"),
                       ("whole:psu2", "pdu2:1"), ("half:psu1", "pdu1:2")):  # fmt: skip
        connect(one, other)
    change.add_values("whole:eth0", "cable.color", "ff0000")
    change.add_values("whole:eth0", "cable.label", "C-17")
    change.reserve(["r1:RU8", "whole"], deadline(hold="2h"), "project x")


@pytest.fixture
def reader(url: str) -> Iterator[Reader]:
    """The site, read."""
    with Inventory(Settings(url)).read() as reader:
        yield reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where pictures may go."""
    return tmp_path / "pictures"
