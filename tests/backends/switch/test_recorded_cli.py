"""Recorded answers of real switches, where a checkout of them lies beside this one: each is read without exception,
and as those who recorded it read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusto_cli.backends.switch import cliread, profiles
from clusto_cli.backends.switch.model import PortMode, ranges

DATA = Path(os.environ.get("CLUSTO_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "cli"
# Folders of recordings (platform, command) are found; these say which of our profiles speaks to which platform.
PROFILES = {
    "cisco_ios": "cisco_ios",
    "cisco_nxos": "cisco_nxos",
    "arista_eos": "arista_eos",
    "hp_procurve": "hp_procurve",
    "extreme_exos": "extreme_exos",
    "dell_force10": "dell_os9",
    "juniper_junos": "juniper_junos_els",
}


def recordings(command: str) -> Iterator[Any]:
    found = False
    for raw in sorted(DATA.glob(f"*/{command}/*.raw")):
        platform = raw.parent.parent.name
        if platform in PROFILES:
            found = True
            parsed = yaml.safe_load(raw.with_suffix(".yml").read_text())["parsed_sample"]
            yield pytest.param(PROFILES[platform], raw.read_text(), parsed, id=raw.stem)
    if not found:
        yield pytest.param("", "", [], marks=pytest.mark.skip(reason=f"no recordings in {DATA}"))


@pytest.mark.parametrize(("profile", "output", "parsed"), [*recordings("show_interface*_switchport")])
def test_ports(profile: str, output: str, parsed: list[dict[str, Any]]) -> None:
    rules = profiles.load(profile).ssh
    assert rules is not None
    parts = cliread.blocks(rules.read, output)
    assert list(parts) == [row["interface"] for row in parsed]
    for row in parsed:
        state = cliread.read_port(rules.read, row["interface"], parts[row["interface"]], {})
        admin = row.get("admin_mode") or row["mode"]
        if row["switchport"] != "Enabled":
            assert state.mode is PortMode.ROUTED
        elif admin in ("trunk", "access", "static access"):
            assert state.mode is (PortMode.TRUNK if admin == "trunk" else PortMode.ACCESS)
        if state.mode is PortMode.ACCESS:
            assert state.pvid == (int(row["access_vlan"]) or None)
            assert state.vlan == (None if state.voice else state.pvid)
        elif state.mode is PortMode.TRUNK:
            assert state.pvid == (int(row["native_vlan"]) or None)


@pytest.mark.parametrize(
    ("profile", "output", "parsed"),
    [*recordings("show_vlan"), *recordings("show_vlans"), *recordings("show_vlan_description")],
)
def test_vlans(profile: str, output: str, parsed: list[dict[str, Any]]) -> None:
    if profile == "juniper_junos_els":
        pytest.skip("the profile reads the configuration's VLANs, of which nothing is recorded")
    rules = profiles.load(profile).ssh
    assert rules is not None
    known = {int(row["vlan_id"]): str(row.get("vlan_name", row.get("name", ""))) for row in parsed}
    assert cliread.read_vlans(rules.read, output) == {vlan: name for vlan, name in known.items() if vlan <= 4094}


@pytest.mark.parametrize(("profile", "output", "parsed"), [*recordings("show_lldp_neighbors_detail")])
def test_neighbours(profile: str, output: str, parsed: list[dict[str, Any]]) -> None:
    rules = profiles.load(profile).ssh
    assert rules is not None
    with_port = [row for row in parsed if row.get("local_interface")]
    assert cliread.unread(rules.lldp, output) == ""
    assert [neighbour.port for neighbour in cliread.read_neighbours(rules.lldp, output)] == [
        row["local_interface"] for row in with_port
    ]


@pytest.mark.parametrize(("profile", "output", "parsed"), [*recordings("show_mac*address-table*")])
def test_learned_addresses(profile: str, output: str, parsed: list[dict[str, Any]]) -> None:
    rules = profiles.load(profile).ssh
    assert rules is not None
    assert cliread.unread_station(rules.fdb, output) == ""
    read = {(station.mac, station.port) for station in cliread.read_stations(rules.fdb, output)}
    recorded = set()
    for row in parsed:
        ports = row.get("destination_port") or row.get("ports")
        for port in ports if isinstance(ports, list) else [ports]:
            recorded.add((cliread.mac_address(row.get("destination_address") or row["mac_address"]), port))
    assert read <= recorded


def test_lists_of_vlans() -> None:
    assert ranges(cliread.vlan_ids("1,10-12, 20 (servers)")) == "1,10-12,20"
    assert cliread.vlan_ids("none") == frozenset()
    assert cliread.vlan_ids("ALL") == cliread.ALL_VLANS
    assert cliread.vlan_ids("servers", {"servers": 20}) == {20}
    assert cliread.vlan_ids("0,4095,70000") == frozenset()
