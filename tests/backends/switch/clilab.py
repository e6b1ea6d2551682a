"""A fake switch that is served over ssh, with clusto's session with it, for the tests of command lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clusto_cli.backends.switch import profiles
from clusto_cli.backends.switch.change import carry_out, prepare
from clusto_cli.backends.switch.cli import CliSwitch
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.backends.switch.netmiko_session import NetmikoSession
from clusto_cli.backends.switch.refusal import Move

from .dialects import DIALECTS
from .fakecli import FakeCliServer, FakePort, FakeSwitch

PORT_NAMES = {
    "cisco_nxos": "Ethernet1/4",
    "arista_eos": "Et4",
    "juniper_junos_els": "ge-0/0/4",
    "juniper_junos_nonels": "ge-0/0/4",
    "hp_procurve": "4",
    "aruba_aoscx": "1/1/4",
    "dell_os9": "TenGigabitEthernet 0/4",
    "dell_os10": "ethernet1/1/4",
    "mikrotik_routeros": "ether4",
    "ruckus_icx": "1/1/4",
    "extreme_exos": "1:4",
    "ubiquiti_edgeswitch": "0/4",
    "nokia_srl": "ethernet-1/4",
}


class Lab:
    """A fake switch that is served, and clusto's session with it."""

    def __init__(self, folder: Path, platform: str) -> None:
        self.port = PORT_NAMES.get(platform, "GigabitEthernet1/0/4")
        other = self.port.replace("4", "5")
        self.fake = FakeSwitch(DIALECTS[platform], {self.port: FakePort(10), other: FakePort(10)})
        for number in range(10, 24):
            self.fake.ports[self.port.replace("4", str(number))] = FakePort(10)
        self.server = FakeCliServer(self.fake)
        self.hosts = folder / "known_hosts"
        self.hosts.write_text(self.server.known_hosts())
        self.settings = SwitchSettings(
            "127.0.0.1",
            user="ops",
            password="let-me-in",
            known_hosts=str(self.hosts),
            ssh_port=self.server.port,
            timeout=4,
        )
        self.profile = profiles.load(platform)

    def switch(self, **changes: Any) -> CliSwitch:
        settings = replace(self.settings, **changes)
        assert self.profile.ssh is not None
        return CliSwitch(self.profile, self.profile.ssh, settings, NetmikoSession(self.profile.ssh, settings))


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    made = Lab(tmp_path, getattr(request, "param", "cisco_ios"))
    yield made
    made.server.close()


class RefusedMove(Exception):
    """The reasons for which the move was refused."""


async def move(switch: CliSwitch, port: str, vlan: int, **options: Any) -> str:
    """Put a port into a VLAN: `already`, `done`, or what the switch said when it did not save. Refusals raise."""
    try:
        prepared = await prepare(switch, [Move(port, vlan)], **options)
        if prepared.refused:
            raise RefusedMove(prepared.refused[port])
        if prepared.already:
            return "already"
        return (await carry_out(switch, prepared)).unsaved or "done"
    finally:
        await switch.close()
