"""Open vSwitch in user space, driven over a real ssh: what a change does to the frames of the hosts on its ports."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clusto_cli.backends.errors import AuthenticationFailed, NoSuchPort, Refused
from clusto_cli.backends.switch import profiles
from clusto_cli.backends.switch.change import Done, Prepared
from clusto_cli.backends.switch.cli import CliSwitch
from clusto_cli.backends.switch.model import PortMode, Survey, SwitchSettings
from clusto_cli.backends.switch.refusal import Move
from clusto_cli.backends.switch.ssh_session import SshSession

from .moving import moved
from .ovslab import OvsLab, requirements
from .sshdlab import sshd


@dataclass
class Lab:
    ovs: OvsLab
    settings: SwitchSettings

    def switch(self) -> CliSwitch:
        profile = profiles.load("openvswitch")
        assert profile.ssh is not None
        return CliSwitch(profile, profile.ssh, self.settings, SshSession(self.settings))

    def move(self, *moves: Move, **options: Any) -> tuple[Prepared, Done | None]:
        return moved(self.switch, *moves, **options)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    requirements()
    folder = tmp_path_factory.mktemp("ovs")
    with OvsLab(folder) as ovs:
        environment = {key: ovs.environment[key] for key in ("PATH", "OVS_RUNDIR", "OVS_DBDIR")}
        with sshd(folder, environment) as daemon:
            settings = SwitchSettings(
                "127.0.0.1",
                user=daemon.user,
                key_file=str(daemon.key),
                known_hosts=str(daemon.known_hosts),
                ssh_port=daemon.port,
                bridge="br0",
            )
            yield Lab(ovs, settings)


@pytest.fixture(autouse=True)
def _as_at_first(lab: Lab) -> None:
    for number in lab.ovs.hosts:
        lab.ovs.vsctl("set", "port", f"swp{number}", "tag=10", "vlan_mode=access", "trunks=[]")


def test_pings_cross_before_and_not_after_and_the_reverse(lab: Lab) -> None:
    assert lab.ovs.pings(1, 2)
    prepared, done = lab.move(Move("swp1", 203))
    assert prepared.plan is not None
    assert prepared.plan.lines() == ["ovs-vsctl set port swp1 vlan_mode=access tag=203 trunks=[]"]
    assert done is not None
    assert done.now.ports["swp1"].vlan == 203
    assert not lab.ovs.pings(1, 2)
    assert lab.ovs.pings(3, 2)
    lab.move(Move("swp2", 203))
    assert lab.ovs.pings(1, 2)
    assert not lab.ovs.pings(3, 2)
    lab.move(Move("swp1", 10), Move("swp2", 10))
    assert lab.ovs.pings(1, 2)
    assert lab.ovs.pings(3, 2)


def test_a_port_without_a_tag_is_a_trunk(lab: Lab) -> None:
    lab.ovs.vsctl("clear", "port", "swp1", "tag", "trunks", "vlan_mode")
    prepared, done = lab.move(Move("swp1", 203))
    assert done is None
    assert "it is a trunk (no tag: carries all VLANs)" in prepared.refused["swp1"]
    prepared, done = lab.move(Move("swp1", 203), force=True)
    assert done is not None
    assert lab.ovs.vsctl("get", "port", "swp1", "tag").strip() == "203"


def test_already_there(lab: Lab) -> None:
    prepared, done = lab.move(Move("swp1", 10))
    assert (prepared.already, done) == (("swp1",), None)


def test_a_port_that_is_not_there(lab: Lab) -> None:
    with pytest.raises(NoSuchPort, match="swp9"):
        lab.move(Move("swp9", 203))


def test_who_is_on_which_port(lab: Lab) -> None:
    lab.ovs.pings(1, 2)

    async def survey() -> Survey:
        switch = lab.switch()
        try:
            return await switch.survey()
        finally:
            await switch.close()

    seen = asyncio.run(survey())
    assert {(station.mac, station.port, station.vlan) for station in seen.stations} >= {
        (lab.ovs.mac(1), "swp1", 10),
        (lab.ovs.mac(2), "swp2", 10),
    }


def test_all_ports(lab: Lab) -> None:
    async def read() -> dict[str, PortMode]:
        switch = lab.switch()
        try:
            return {name: state.mode for name, state in (await switch.read()).ports.items()}
        finally:
            await switch.close()

    modes = asyncio.run(read())
    assert {modes[f"swp{number}"] for number in lab.ovs.hosts} == {PortMode.ACCESS}


def test_a_key_that_is_not_accepted_and_a_host_that_is_another(lab: Lab, tmp_path: Path) -> None:
    from dataclasses import replace

    empty = tmp_path / "hosts"
    empty.write_text("")
    with pytest.raises(AuthenticationFailed, match="host key"):
        Lab(lab.ovs, replace(lab.settings, known_hosts=str(empty))).move(Move("swp1", 203))
    with pytest.raises(AuthenticationFailed, match="Permission denied"):
        Lab(lab.ovs, replace(lab.settings, user="nobody")).move(Move("swp1", 203))


def test_what_the_switch_rejects_is_put_back(lab: Lab) -> None:
    from clusto_cli.backends.switch import cliwrite

    with pytest.raises(Refused, match=r"swp1 as before|4095"):
        lab.move(Move("swp1", 4095), create={4095: ""})
    assert lab.ovs.vsctl("get", "port", "swp1", "tag").strip() == "10"
    assert cliwrite.port_name("swp1") == "swp1"
