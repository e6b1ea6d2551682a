"""What a classic clusto can say and clusto cannot: it is told of each Thing, and kept where it can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusto_core.inventory import Inventory
from clusto_core.transfer.sync.report import Report
from tests.transfer.classic import stores
from tests.transfer.classic.test_classic import checked, into, taken

Fill = Callable[[stores.Classic], None]


def becomes(directory: Path, fill: Fill, **settings: Any) -> tuple[dict[str, Any], Report]:
    """What a classic clusto becomes that is filled so."""
    classic = stores.new(directory / "classic.db", versions=False)
    classic.begin(None)
    fill(classic)
    classic.close()
    inventory: Inventory = into(directory)
    report = taken(inventory, classic.url, **settings)
    return checked(inventory), report


def test_names_become_words_and_keep_what_they_were(tmp_path: Path) -> None:
    def fill(classic: stores.Classic) -> None:
        for name in ("web 1", "web-1", "-", "Müller", "a:b"):
            classic.entity(name, "server")

    found, report = becomes(tmp_path, fill)
    assert report.in_step
    assert {name: data["attrs"].get("classic.name") for name, data in found.items() if "attrs" in data} == {
        "web-1": "web 1", "web-1-2": "web-1", "entity-3": "-", "a-b": "a:b",
    }  # fmt: skip
    assert "Müller" in found


def test_values_and_keys_that_cannot_be_are_kept_beside(tmp_path: Path) -> None:
    def fill(classic: stores.Classic) -> None:
        server = classic.entity("s", "server")
        for key, value in (("protected", "perhaps"), ("_hidden", "x"), ("a b", 1), ("bell", "\x07"), ("none", None)):
            classic.attr(server, key, value)
        classic.attr(server, "disk", "x", number=3, subkey="what? this")
        classic.attr(server, "broken", "{", json=True)
        classic.attr(server, "tag", "twice")
        classic.attr(server, "tag", "twice")
        classic.attr(server, "tag", "007")

    found, report = becomes(tmp_path, fill)
    assert report.in_step
    assert found["s"]["attrs"] == {
        "classic.protected": "perhaps", "classic._hidden": "x", "classic.a-b": 1, "bell": "\\x07",
        "none": {"json": None}, "classic.disk:3.what-this": "x", "broken": "{", "tag": ["007", "twice"],
    }  # fmt: skip
    told = "\n".join(report.notes)
    assert "s: a key that cannot be here: 'a b' is classic.a-b" in told
    assert "s: a value that the key cannot have: protected=perhaps is classic.protected" in told
    assert "3 x a key that cannot be here" in told


def test_units_that_are_no_position_are_an_attribute(tmp_path: Path) -> None:
    def fill(classic: stores.Classic) -> None:
        rack = classic.entity("r", "rack")
        for name, *units in (("apart", 1, 3), ("first", 10), ("shares", 10, 11), ("above", 45, 46), ("fits", 20, 21)):
            classic.mount(rack, classic.entity(name, "server"), *units)

    found, report = becomes(tmp_path, fill)
    assert report.in_step
    places = {name: (data.get("at"), data.get("in"), data["attrs"].get("position")) for name, data in found.items()
              if name != "r"}  # fmt: skip
    assert places == {
        "apart": (None, ["r"], [1, 3]), "first": ("r:RU10", None, None), "shares": (None, ["r"], [10, 11]),
        "above": (None, ["r"], [45, 46]), "fits": ("r:RU20-21", None, None),
    }  # fmt: skip
    assert sum("units that are no position" in note for note in report.notes) == 4


def test_of_two_places_the_nearer_is_kept(tmp_path: Path) -> None:
    def fill(classic: stores.Classic) -> None:
        centre, zone, cage = (
            classic.entity(kind, kind, driver)
            for kind, driver in (("datacenter", ""), ("zone", "basiczone"), ("cage", ""))
        )
        server = classic.entity("s", "server")
        classic.insert(centre, server)
        classic.insert(zone, server)
        classic.insert(cage, server)

    found, report = becomes(tmp_path, fill)
    assert sorted(found["s"]["in"]) == ["cage", "zone"]
    assert found["zone"]["driver"] == "Pool"
    assert found["s"]["attrs"] == {"classic.in": {"ref": "datacenter"}}
    assert "s: a second place: datacenter, kept as classic.in" in report.notes


def test_cables_that_are_none_and_directions_that_are_unknown(tmp_path: Path) -> None:
    def fill(classic: stores.Classic) -> None:
        main, branch = classic.entity("main", "powerstrip"), classic.entity("branch", "powerstrip", "powertowerxm")
        one, two = classic.entity("one", "server"), classic.entity("two", "server")
        classic.cable("pwr-nema-5", main, 8, branch, 1)
        classic.cable("pwr-nema-5", main, 1, one, 1)
        classic.cable("pwr-nema-5", one, 2, two, 1)
        classic._half("nic-eth", one, 1, two, 1)

    found, report = becomes(tmp_path, fill)
    assert report.in_step
    assert found["main"]["parts"]["outlet"] == 8
    assert found["branch"]["connect"] == {"psu1": "main:8"}
    assert len(found["branch"]["parts"]["outlet"]) == 15
    assert "main: the direction of a cable is worked out: 8 to branch:psu1" in report.notes
    assert found["one"]["connect"] == {"psu1": "main:1"}
    assert found["one"]["part_attrs"]["psu2"] == {"classic.connection": {"ref": "two:psu1"}}
    assert "one: a cable that one end alone tells of: eth0 to two nic-eth 1" in report.notes


def test_an_address_forced_twice_is_held_once(tmp_path: Path) -> None:
    def fill(classic: stores.Classic) -> None:
        net = classic.entity("net", "resourcemanager", "ipmanager")
        for number in (1, 2):
            classic.address(classic.entity(f"s{number}", "server"), "10.0.0.1", net, number)

    found, report = becomes(tmp_path, fill)
    assert found["s1"]["ip"] == ["10.0.0.1"]
    assert "ip" not in found["s2"]
    assert found["s2"]["attrs"] == {"classic.ip": "10.0.0.1"}
    assert "s2: an address that another one has: 10.0.0.1, of s1" in report.notes
    assert found["net"].get("attrs") is None


def test_virtual_machines_are_in_what_runs_them(tmp_path: Path) -> None:
    def fill(classic: stores.Classic) -> None:
        host = classic.entity("host", "server")
        for name in ("vm1", "vm2"):
            classic.entity(name, "server", "kvmvirtualserver")
        classic.insert(host, host + 1)
        classic.attr(host + 2, "hypervisor", relation=host)

    found, _ = becomes(tmp_path, fill)
    assert [found[name]["driver"] for name in ("vm1", "vm2")] == ["VirtualServer"] * 2
    assert found["vm1"]["in"] == found["vm2"]["in"] == ["host"]


def widgets(classic: stores.Classic) -> None:
    widget = classic.entity("w", "widget")
    server = classic.entity("s", "server", "siteserver")
    rack = classic.entity("r", "rack")
    classic.mount(rack, widget, 1)
    classic.attr(server, "feeds", relation=widget)
    classic.cable("nic-eth", server, 1, widget, 1)


def test_an_unknown_driver_holds_back_what_has_it_alone(tmp_path: Path) -> None:
    found, report = becomes(tmp_path, widgets)
    assert [each.name for each in report.held] == ["w"]
    assert "no counterpart" in report.held[0].text
    assert "--driver basicwidget=" in report.held[0].text
    assert sorted(found) == ["r", "s"]
    assert found["s"]["attrs"] == {"classic.driver": "siteserver"}
    assert "s: a relation to what is not here: feeds" in report.notes


@pytest.mark.parametrize("name", ["basicwidget", "widget"])
def test_a_site_says_what_its_drivers_become(tmp_path: Path, name: str) -> None:
    ports = {"basicwidget": {"nic-eth": 4}}
    found, report = becomes(tmp_path, widgets, drivers={name: "appliance", "rack": ""}, ports=ports)
    assert report.in_step
    assert found["w"]["driver"] == "Appliance"
    assert found["w"]["parts"] == {"nic": 4, "inlet": 0}
    assert found["s"]["connect"] == {"eth0": "w:eth0"}
    assert "r" not in found
