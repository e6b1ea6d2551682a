"""What a classic clusto says becomes what it means here, from each database, with versions and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.records import history
from clusto_core.records.integrity import problems
from clusto_core.store.opening import create
from clusto_core.transfer.sources import classic as source
from clusto_core.transfer.sources.protocol import Declared
from clusto_core.transfer.sync.report import Report
from tests.transfer.classic import stores
from tests.transfer.sync import sites


def opened(url: str, **settings: Any) -> source.ClassicSource:
    """The source at a URL."""
    kind = "file" if url.startswith("sqlite:///") else "address"
    return source.source(Declared("classic", "classic", settings={kind: url.removeprefix("sqlite:///"), **settings}))


def taken(inventory: Inventory, url: str, *, prune: bool = False, dry_run: bool = False, **settings: Any) -> Report:
    """One sync of an inventory with a classic clusto."""
    reading = opened(url, **settings)
    return sites.sync(inventory, {}, source=reading, name="classic", prune=prune, dry_run=dry_run)


def into(directory: Path, name: str = "clusto") -> Inventory:
    """A new inventory."""
    url = f"sqlite:///{directory}/{name}.db"
    create(url)
    return Inventory(Settings(url, None))


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return into(tmp_path)


def checked(inventory: Inventory) -> dict[str, Any]:
    """All Things, once the store was proved."""
    with inventory.read() as reader:
        assert not list(problems(reader))
    return sites.exported(inventory)


def test_everything_becomes_what_it_means(empty_url: str, inventory: Inventory) -> None:
    classic = stores.Classic(empty_url)
    stores.site(classic)
    classic.close()
    report = taken(inventory, empty_url)
    assert report.in_step, (report.held, report.conflicts)
    found = checked(inventory)
    assert found["web01"] == {
        "name": "web01", "driver": "Server", "at": "rackA:RU1-2", "in": ["production"],
        "attrs": {
            "ram": 512, "disk#0.serial": "WD-1", "serial": "S1", "bought": {"time": "2018-01-02T03:04:05Z"},
            "facts": {"json": {"cores": 8}}, "primary": {"ref": "sw"}, "vlan": {"ref": "vlan101"}, "tags": 41,
            "height": 2,
        },
        "parts": {"nic": ["em1", "eth1"], "inlet": 1},
        "ip": [{"em1": ["10.9.0.11"]}],
        "connect": {"em1": "sw:1", "psu1": "pdu:1", "console": "cs:1"},
        "part_attrs": {"em1": {"mac": "00:11:22:33:44:01"}},
    }  # fmt: skip
    assert found["web02"]["attrs"]["note"] == "während"
    assert found["rackA"]["parts"] == {"ru": 45}
    assert found["rackA"]["in"] == ["dc"]
    assert found["dc"]["attrs"] == {"snmp.community": "env:COMMUNITY"}
    assert found["sw"]["attrs"] == {"classic.driver": "cisco4948", "height": 1}
    assert len(found["sw"]["parts"]["port"]) == 50
    assert found["pdu"]["parts"] == {"outlet": 8, "nic": 0}
    assert found["net"]["attrs"] == {"cidr": "10.9.0.0/24", "gateway": "10.9.0.1"}
    assert found["names"]["attrs"] == {"pattern": "web[01-99]", "_given": ["web01", "web02", "web03"]}
    assert found["vlan101"] == {"name": "vlan101", "driver": "VLAN", "in": ["vlans"], "attrs": {"vid": 101}}
    assert found["tags"]["attrs"]["pattern"] == "[0-5000]"
    assert found["tags"]["attrs"]["_given"] == ["41", "42"]
    assert "web03" not in found
    assert "clustometa" not in found


@pytest.mark.parametrize("columns", [True, False])
def test_without_versions_it_is_the_same_in_one_entry(tmp_path: Path, columns: bool) -> None:
    found = []
    for name, how in (("with", {}), ("without", {"versions": False, "columns": columns})):
        classic = stores.new(tmp_path / f"{name}.classic", **how)
        stores.site(classic)
        classic.close()
        inventory = into(tmp_path, name)
        assert taken(inventory, classic.url).in_step
        with inventory.read() as reader:
            found.append((checked(inventory), len(history.entries(reader))))
    assert found[0][0] == found[1][0]
    assert [count for _, count in found] == [4, 1]


def test_versions_are_the_history(tmp_path: Path, inventory: Inventory) -> None:
    classic = stores.new(tmp_path / "classic.db")
    stores.site(classic)
    classic.close()
    report = taken(inventory, classic.url, zone="Europe/Berlin")
    assert report.past == 4
    assert report.transaction is None
    assert "web01" in report.added
    assert "web03" not in report.added
    assert report.removed == []
    with inventory.read() as reader:
        every = history.entries(reader)
        of_server = history.entries(reader, history.things_called(reader, "web03"))
        told = [line for change in history.changes(reader, every[1].id) for line in history.told(change, set())]
    assert [(each.user, each.host, each.message) for each in every] == [
        ("bob", "classic", "web03 is gone"), ("ann", "classic", "changes"),
        ("bob", "classic", "devices"), ("ann", "classic", "a room"),
    ]  # fmt: skip
    began = stores.BEGAN.replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert [(each.time - began) / 3600 for each in every] == [5, 4, 3, 2]
    assert every[0].command == "version 5 of the classic clusto"
    assert [each.id for each in of_server] == [every[0].id, every[2].id]
    assert sorted(told) == ["+ web01 ram=512", "+ web02 note=während", "- web01 ram=64"]
