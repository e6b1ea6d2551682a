"""Switches whose command line answers anything: what cannot be understood is the device's failure, and nothing else."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.switch import profiles
from clusto_cli.backends.switch.cli import CliSwitch
from clusto_cli.backends.switch.cliwrite import Line
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.output import clean
from tests.fuzz.mutations import bounded, fuzz, harmless, mutated

PLATFORMS = [name for name in profiles.names() if profiles.load(name).ssh is not None]
ANSWERS = (
    b"Name: Gi0/4\nSwitchport: Enabled\nAdministrative Mode: static access\nOperational Mode: static access\n"
    b"Access Mode VLAN: 10 (office)\nTrunking Native Mode VLAN: 1 (default)\nVoice VLAN: none\n"
    b"Trunking VLANs Enabled: 1-5,10,20-22\n     23-30\n",
    b"VLAN Name                             Status    Ports\n---- ----- ------\n1    default                 active    "
    b"Gi0/1\n10   office                  active\n203  vlan203                 act/lshut\n",
    b"GigabitEthernet1/0/4\nCurrent state: UP\nPVID: 10\nPort link-type: Access\n Tagged VLANs:   None\n"
    b" Untagged VLANs: 10\nPort link-type: Trunk\n VLAN Passing:   1(default), 10, 20\n"
    b" VLAN permitted: 1(default), 10\n",
    b"interface GigabitEthernet1/0/4\n port link-type hybrid\n port hybrid vlan 5 tagged\n"
    b" port hybrid vlan 10 untagged\n#\n",
    b"Routing instance        VLAN name             Tag          Interfaces\n"
    b"default-switch          office                10       \n                         ge-0/0/4.0*\n",
    b"Logical          Vlan          TAG     MAC         STP         Logical           Tagging\n"
    b"ge-0/0/4.0  office 10 65535 Forwarding untagged\n",
    b" Status and Counters - VLAN Information - for ports 4\n  VLAN ID Name   | Status     Voice Jumbo Mode\n"
    b"  ------- --- + ---\n  10      office | Port-based No    No    Untagged\n",
    b'{"headings":["name","tag","trunks","vlan_mode","interfaces"],"data":[["eth4",10,["set",[]],["set",[]],'
    b'["uuid","x"]]]}',
    b'[{"ifname":"eth4","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]},{"vlan":20,"vlanEnd":30}]}]',
    b"Local Intf: Gi0/4\nChassis id: 0011.2233.4455\nPort id: eth0\nPort Description: eth0\nSystem Name: server1\n\n",
    b"  10    0011.2233.4455    DYNAMIC     Gi0/4\n  10    0011-2233-4455 Learned GE1/0/4 Y\n",
    b"% Invalid input detected at '^' marker.\n",
)


class Speaking:
    """A Session that answers whatever is asked with these, one after the other."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = itertools.cycle(answers or [b""])

    def send(self, line: Line) -> str:
        return next(self._answers).decode("utf-8", "replace")

    def close(self) -> None: ...


async def everything(control: CliSwitch) -> list[DeviceError]:
    failures = []
    for ask in (lambda: control.read(["Gi0/4"]), lambda: control.read(), control.survey):
        try:
            await ask()
        except DeviceError as error:
            failures.append(error)
    return failures


JSON = b'{"headings":["name"],"data":["x"]}'


@fuzz()
@given(st.sampled_from(PLATFORMS), st.lists(mutated(ANSWERS), min_size=1, max_size=3))
@example("cumulus_nvue", [JSON])
@example("linux_bridge", [JSON])
@example("openvswitch", [JSON])
@example("arista_eos", [ANSWERS[1]])
def test_a_switch_that_answers_anything(platform: str, answers: list[bytes]) -> None:
    profile = profiles.load(platform)
    assert profile.ssh is not None
    with bounded():
        control = CliSwitch(profile, profile.ssh, SwitchSettings("10.0.0.1"), Speaking(answers))
        for failure in asyncio.run(everything(control)):
            assert harmless(clean(str(failure)))
            assert len(str(failure)) < 1500
