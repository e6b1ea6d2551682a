"""The example site: it imports without a fault, changes nothing the second time, and answers as its comments say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clusto_core.answers.location import locate
from clusto_core.config import Settings
from clusto_core.drivers.equipment import Rack, Server, Switch
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.records.integrity import problems
from clusto_core.store.opening import create
from clusto_core.store.reader import Reader
from clusto_core.transfer.formats import reader_of
from clusto_core.transfer.importer import load
from tests.conftest import Run

EXAMPLE = Path(__file__).parents[1] / "examples" / "datacenter.yaml"


def bring(inventory: Inventory) -> int | None:
    with EXAMPLE.open(encoding="utf-8") as file, inventory.change("import") as change:
        load(change, reader_of("yaml")(file, EXAMPLE.name))
    return change.id


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    url = f"sqlite:///{tmp_path_factory.mktemp('example') / 'clusto.db'}"
    create(url)
    inventory = Inventory(Settings(url))
    assert bring(inventory) is not None
    return inventory


@pytest.fixture
def reader(site: Inventory) -> Iterator[Reader]:
    with site.read() as reader:
        yield reader


def test_it_is_sound_and_the_second_time_changes_nothing(site: Inventory) -> None:
    assert bring(site) is None
    with site.read() as reader:
        assert list(problems(reader)) == []


def test_server1_is_where_the_readme_says(site: Inventory, clusto: Run) -> None:
    result = clusto("locate", "server1", env={"CLUSTO_DB": site.settings.url})
    assert result.out.splitlines() == [
        "server1 -> connected to port 4 on switch2a",
        "server1 -> connected to RU13 in rack101",
        "server1 -> connected to outlet 7 on pdu3",
        "server1 -> connected to outlet 7 on pdu4",
        "server1 -> connected to port 12 on cs1",
    ]
    result = clusto("-v", "locate", "server1", env={"CLUSTO_DB": site.settings.url})
    assert "(eth0, via pp12:7)" in result.out.splitlines()[0]


def test_every_mounted_server_is_wired_as_the_head_of_the_file_says(reader: Reader) -> None:
    mounted = 0
    for server in reader.all([Server.__name__]):
        found = {location.part or location.kind: location for location in reversed(locate(reader, server))}
        if "position" not in found:
            continue
        mounted += 1
        to_part = found["position"].to_part
        assert to_part is not None
        unit = int(to_part.removeprefix("RU"))
        assert found["eth0"].to_part == str(unit - 9)
        assert (found["psu1"].to_part, found["psu2"].to_part) == (str(unit - 6),) * 2
        assert found["psu1"].to != found["psu2"].to
        if "console" in found:
            assert found["console"].to_part == str(unit - 1)
    assert mounted == 120


def test_top_of_rack_switches_reach_both_cores(reader: Reader) -> None:
    tops = [each for each in reader.all([Switch.__name__]) if each.name.startswith("switch2")]
    assert len(tops) == 4
    for switch in tops:
        ends = {location.part: location for location in locate(reader, switch)}
        assert {ends["47"].to, ends["48"].to} == {"switch1a", "switch1b"}
        assert len(ends["47"].via) == len(ends["48"].via) == 2


def test_there_is_room_and_there_are_spares(reader: Reader) -> None:
    racks = reader.all([Rack.__name__])
    assert len(racks) == 6
    for rack in racks:
        assert len([part for part in reader.parts(rack.id) if not reader.links_of(part)]) >= 9
    status = Key("status")
    spares = [
        server
        for server in reader.all([Server.__name__])
        if any(each.key == status and each.value.text == "unallocated" for each in reader.attributes(server.id))
    ]
    assert 20 < len(spares) < 60
