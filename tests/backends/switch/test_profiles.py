"""Platforms as data: every profile is good, is documented, and is found by what a switch says of itself."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.snmp import SnmpSettings
from clusto_cli.backends.switch import profiles, saving
from clusto_cli.backends.switch.model import SwitchSettings, SwitchState, access_port
from clusto_cli.backends.switch.opening import Opened, open_switch
from clusto_cli.backends.switch.snmp_switch import MANUAL

from .agent import Bridge, QBridgeAgent
from .dialects import DIALECTS

DOCS = Path(__file__).parents[3] / "docs" / "switches.md"


@pytest.mark.parametrize("name", profiles.names())
def test_every_profile_is_whole_and_documented(name: str) -> None:
    profile = profiles.load(name)
    assert profile.sources
    assert f"| `{name}` | {profile.title} | {profile.prefer} |" in DOCS.read_text()
    assert profile.ssh is not None or (profile.snmp is not None and profile.snmp.orders)
    if profile.snmp is not None:
        assert bool(profile.snmp.orders) is not bool(profile.snmp.why_not)
        assert profile.snmp.save == MANUAL or saving.steps(profile.snmp.save) or not profile.snmp.save
    if profile.ssh is not None:
        assert profile.ssh.driver == "system" or name in DIALECTS, "add a dialect for it to the tests"
        read, write = profile.ssh.read, profile.ssh.write
        assert write.access
        assert read.port or read.all
        for pattern in (read.block, read.exists, read.mode, read.access, read.untagged, read.tagged, read.vlan):
            re.compile(pattern.replace("{port}", "x"))


def test_a_bad_profile_says_what_is_wrong_in_it() -> None:
    with pytest.raises(ValueError, match="switch profile mine: Profile has no titel"):
        profiles.parse("mine", 'titel = "x"')
    with pytest.raises(ValueError, match="SnmpRules has no order"):
        profiles.parse("mine", 'title = "x"\n[snmp]\norder = 1')
    with pytest.raises(KeyError):
        profiles.load("../../secrets")


@pytest.mark.parametrize(
    ("identity", "description", "name"),
    [
        ("1.3.6.1.4.1.9.1.1208", "Cisco IOS Software, C2960X", "cisco_ios"),
        ("1.3.6.1.4.1.9.1.2067", "Cisco IOS Software, IOS-XE Software", "cisco_iosxe"),
        ("1.3.6.1.4.1.9.12.3.1.3.1163", "Cisco NX-OS(tm) n3000", "cisco_nxos"),
        ("1.3.6.1.4.1.9.6.1.94.24.5", "24-Port Gigabit PoE", "cisco_sb"),
        ("1.3.6.1.4.1.25506.11.1.24", "HPE Comware", "hp_comware"),
        ("1.3.6.1.4.1.11.2.3.7.11.5", "ProCurve", "hp_procurve"),
        ("1.3.6.1.4.1.2636.1.1.1.4.63.9", "Juniper", "juniper_junos_els"),
        ("1.3.6.1.4.1.171.10.64.1", "D-Link", "dlink"),
        ("1.3.6.1.4.1.99999", "nobody knows", ""),
        ("1.3.6.1.4.1.91.1", "a prefix ends at a dot", ""),
    ],
)
def test_recognising(identity: str, description: str, name: str) -> None:
    assert profiles.recognise(identity, description) == name


def opened(settings: SwitchSettings, snmp: SnmpSettings | None) -> Opened:
    async def whole() -> Opened:
        found = await open_switch(settings, snmp)
        await found.control.close()
        return found

    return asyncio.run(whole())


def test_the_way_is_what_the_profile_prefers_and_the_credentials_allow() -> None:
    snmp = SnmpSettings("127.0.0.1")
    assert opened(SwitchSettings("h", profile="cisco_ios", user="ops"), snmp).via == "snmp"
    assert opened(SwitchSettings("h", profile="cisco_ios", user="ops"), None).via == "ssh"
    assert opened(SwitchSettings("h", profile="arista_eos", user="ops"), snmp).via == "ssh"
    assert opened(SwitchSettings("h", profile="arista_eos"), snmp).via == "snmp"
    assert opened(SwitchSettings("h", profile="openvswitch"), None).via == "ssh"
    assert "not been seen" in opened(SwitchSettings("h", profile="arista_eos", user="ops"), None).control.experimental


def test_what_cannot_be_opened_says_what_to_set() -> None:
    snmp = SnmpSettings("127.0.0.1")
    with pytest.raises(DeviceError, match="did you mean cisco_ios"):
        opened(SwitchSettings("h", profile="cisco-ios"), None)
    with pytest.raises(DeviceError, match=r"set switch\.profile, or snmp\.community"):
        opened(SwitchSettings("h"), None)
    with pytest.raises(DeviceError, match=r"set snmp\.community"):
        opened(SwitchSettings("h", profile="dlink", via="snmp"), None)
    with pytest.raises(Refused, match=r"set switch\.via=snmp"):
        opened(SwitchSettings("h", profile="dlink", via="ssh"), snmp)
    with pytest.raises(DeviceError, match="use snmp or ssh"):
        opened(SwitchSettings("h", profile="dlink", via="telnet"), snmp)
    with QBridgeAgent(Bridge.of(4), identity="1.3.6.1.4.1.99999.1") as agent:
        unknown = SnmpSettings("127.0.0.1", port=agent.port)
        with pytest.raises(DeviceError, match=r"its kind is not known \(sysObjectID 1\.3\.6\.1\.4\.1\.99999\.1\)"):
            opened(SwitchSettings("h"), unknown)


def test_what_is_read_only_over_snmp_says_so() -> None:
    with QBridgeAgent(Bridge.of(4), identity="1.3.6.1.4.1.2636.1.1.1.4.63.9") as agent:

        async def whole() -> None:
            found = await open_switch(
                SwitchSettings("127.0.0.1", via="snmp"), SnmpSettings("127.0.0.1", port=agent.port)
            )
            now = await found.control.read(["swp1"])
            assert isinstance(now, SwitchState)
            try:
                with pytest.raises(Refused, match=r"no SET of VLANs over SNMP: switch\.via=ssh"):
                    found.control.plan(now, {"swp1": access_port("swp1", 203)}, order=found.control.orders[0])
            finally:
                await found.control.close()

        asyncio.run(whole())


@pytest.mark.parametrize(
    ("name", "listing", "lines"),
    [
        (
            "sonic",
            "Name      VID  Member       Mode\n-------  ----  -----------  --------\n"
            "Vlan10     10  Ethernet0    untagged\nVlan20     20  Ethernet4    tagged\n"
            "Vlan203   203  Ethernet8    untagged\n",
            ["sudo -n config vlan member del 10 Ethernet0", "sudo -n config vlan member add -u 203 Ethernet0"],
        ),
        (
            "cumulus_nvue",
            '[{"ifname":"swp1","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]}]}]',
            [
                "nv unset interface swp1 bridge domain br_default untagged",
                "nv set interface swp1 bridge domain br_default access 203",
                "nv config apply --assume-yes",
            ],
        ),
        (
            "linux_bridge",
            '[{"ifname":"swp1","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]}]}]',
            ["bridge vlan add dev swp1 vid 203 pvid untagged", "bridge vlan del dev swp1 vid 10"],
        ),
    ],
)
def test_platforms_that_are_unix_systems(name: str, listing: str, lines: list[str]) -> None:
    from clusto_cli.backends.switch import cliread, cliwrite

    rules = profiles.load(name).ssh
    assert rules is not None
    port = "Ethernet0" if name == "sonic" else "swp1"
    vlans = cliread.read_vlans(rules.read, listing) if rules.read.vlan else {10: "", 203: ""}
    state = cliread.read_port(rules.read, port, listing, vlans)
    assert state.vlan == 10
    now = SwitchState({port: state}, vlans)
    plan = cliwrite.lines_for(rules, SwitchSettings("h"), now, {port: access_port(port, 203)}, {}, ())
    assert [line for step in plan.steps for line in step.lines()] == lines
