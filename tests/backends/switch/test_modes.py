"""Every platform's ports in every mode, its neighbours and its learned addresses, by the texts of one generator."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.switch import cliread, profiles
from clusto_cli.backends.switch.cli import CliSwitch
from clusto_cli.backends.switch.cliwrite import Line
from clusto_cli.backends.switch.model import PortMode, PortState, Survey, SwitchSettings, SwitchState, describe
from clusto_cli.backends.switch.names import same_port
from clusto_cli.backends.switch.rejection import judged

from .devicetext import DESCRIPTION, FAR, HOST, KINDS, MAC, PLATFORMS, UNUSED, Platform


class Printed:
    """A session that prints the answers it was given, and rejects any other line."""

    def __init__(self, answers: Mapping[str, str], rejection: str) -> None:
        self.answers, self.rejection = answers, rejection

    def send(self, line: Line) -> str:
        return self.answers.get(line.text, self.rejection)

    def close(self) -> None:
        pass


REJECTIONS = {"openvswitch": "", "linux_bridge": "", "sonic": "Error: No such command"}


def switch(name: str, answers: Mapping[str, str]) -> CliSwitch:
    profile = profiles.load(name)
    assert profile.ssh is not None
    rejection = REJECTIONS[name] if name in REJECTIONS else _rejection(profile.ssh)
    return CliSwitch(profile, profile.ssh, SwitchSettings("h", bridge="br0"), Printed(answers, rejection))


def _rejection(rules: profiles.SshRules) -> str:
    tried = ("% Invalid input", "Error: Unrecognized command", "syntax error", "bad command name", "Invalid input")
    for text in (*tried, "Invalid config"):
        try:
            judged(rules, "sw1", "", text)
        except DeviceError:
            return text
    raise AssertionError("how does it reject?")


def one(name: str, kind: str, change: tuple[str, str] | None = None) -> PortState:
    platform, rules = PLATFORMS[name], profiles.load(name).ssh
    assert rules is not None
    texts = platform.one(kind, platform.port)
    assert texts is not None
    vlans = dict.fromkeys(rules.read.vlans, platform.vlans)
    answers = vlans | {command.replace("{port}", platform.port): text for command, text in texts.items()}
    if change is not None:
        answers = {command: text.replace(*change) for command, text in answers.items()}
    return asyncio.run(switch(name, answers).read([platform.port])).ports[platform.port]


TABLE = [
    (name, kind)
    for name, platform in sorted(PLATFORMS.items())
    for kind in KINDS
    if platform.one(kind, platform.port) is not None
]


def plain(state: PortState) -> PortState:
    return replace(state, name="", note="", description="", link=None)


def test_every_platform_has_its_texts() -> None:
    assert set(PLATFORMS) == {name for name in profiles.names() if profiles.load(name).ssh is not None}


@pytest.mark.parametrize(("name", "kind"), TABLE)
def test_a_port_in_each_mode(name: str, kind: str) -> None:
    platform = PLATFORMS[name]
    state, expected = one(name, kind), platform.expected(kind)
    assert plain(state) == (replace(expected, lag=state.lag) if not expected.lag else expected), describe(state)
    assert same_port(state.name, platform.port)


@pytest.mark.parametrize("name", sorted(name for name, platform in PLATFORMS.items() if platform.odd))
def test_a_list_that_nobody_understands_is_an_error_that_shows_the_line(name: str) -> None:
    kind, words = PLATFORMS[name].odd or ("", "")
    with pytest.raises(cliread.NotUnderstood, match=r"is not understood: .*some-more"):
        one(name, kind, (words, f"{words} some-more"))


# A word of an ordinary port's answer that tells its mode, on platforms where that is not one of a closed list.
MODE_WORDS = {
    "arista_eos": "Mode: static access",
    "cisco_ios": "Mode: static access",
    "cisco_iosxe": "Mode: static access",
    "cisco_nxos": "Operational Mode: access",
    "dell_os6": "Access Mode\n",
    "hp_comware": "link-type: Access",
    "juniper_junos_els": "interface-mode access",
    "juniper_junos_nonels": "port-mode access",
}


@pytest.mark.parametrize(("name", "word"), sorted(MODE_WORDS.items()))
def test_a_mode_that_nobody_understands_is_an_error_that_shows_the_line(name: str, word: str) -> None:
    odd = word.replace("access", "quantum").replace("Access", "quantum")
    with pytest.raises(cliread.NotUnderstood, match=r"is not understood: .*(?i:quantum)"):
        one(name, "access", (word, odd))


def seen(name: str, more: tuple[str, str] = ("", "")) -> Survey:
    platform, rules = PLATFORMS[name], profiles.load(name).ssh
    assert rules is not None
    answers = {rules.lldp.commands[-1]: platform.neighbours + more[0]}
    answers |= dict.fromkeys(rules.fdb.commands, "") | {
        rules.fdb.commands[-1].replace("{bridge}", "br0"): platform.stations + more[1]
    }
    return asyncio.run(switch(name, answers).survey())


@pytest.mark.parametrize("name", sorted(PLATFORMS))
def test_neighbours_and_learned_addresses(name: str) -> None:
    platform, survey = PLATFORMS[name], seen(name)
    assert (survey.missing, survey.faults) == ((), ())
    (neighbour,) = survey.neighbours
    assert same_port(neighbour.port, platform.port)
    assert (neighbour.system, neighbour.remote_port) == (HOST, FAR)
    assert platform.no_description or neighbour.remote_description == DESCRIPTION
    assert neighbour.chassis in (MAC, "")
    (station,) = survey.stations
    assert station.mac == MAC
    assert same_port(station.port, platform.port)
    assert station.vlan in (10, None)


@pytest.mark.parametrize("name", sorted(PLATFORMS))
def test_a_row_that_nobody_understands_is_told(name: str) -> None:
    platform = PLATFORMS[name]
    survey = seen(name, (platform.odd_neighbour, platform.odd_station))
    expected = [text for text in (platform.odd_neighbour, platform.odd_station) if text]
    assert len(survey.faults) == len(expected), survey.faults
    for fault in survey.faults:
        assert "its answer is not understood" in fault
    assert (len(survey.neighbours), len(survey.stations)) == (1, 1)


def listed(name: str, kinds: tuple[str, ...]) -> SwitchState:
    """All ports of a switch, one of each kind, out of the command that lists all."""
    platform, rules = PLATFORMS[name], profiles.load(name).ssh
    assert rules is not None
    texts = [platform.one(kind, _numbered(platform, place)) for place, kind in enumerate(kinds)]
    parts = ["".join(list(text.values())[:1]) for text in texts if text]
    answers = dict.fromkeys(rules.read.vlans, platform.vlans)
    answers |= {rules.read.all[0]: "\n".join(parts)}
    for place, text in enumerate(texts):
        more = list((text or {}).items())[1:]
        answers |= {command.replace("{port}", _numbered(platform, place)): said for command, said in more}
    return asyncio.run(switch(name, answers).read())


def _numbered(platform: Platform, place: int) -> str:
    return platform.port[:-1] + str(place + 1)


LISTING = sorted(
    name for name in PLATFORMS if (rules := profiles.load(name).ssh) is not None and rules.read.all and rules.read.block
)


@pytest.mark.parametrize("name", LISTING)
def test_all_ports_of_a_listing(name: str) -> None:
    platform = PLATFORMS[name]
    kinds = tuple(kind for kind in KINDS if platform.one(kind, platform.port) is not None)
    state = listed(name, kinds)
    assert len(state.ports) == len(kinds), list(state.ports)
    for place, kind in enumerate(kinds):
        port = next(one for found, one in state.ports.items() if same_port(found, _numbered(platform, place)))
        expected = platform.expected(kind)
        assert plain(port) == replace(expected, lag=expected.lag or port.lag), (kind, describe(port))


@pytest.mark.parametrize("name", [name for name in LISTING if PLATFORMS[name].odd])
def test_one_odd_port_does_not_hide_the_others(name: str) -> None:
    platform = PLATFORMS[name]
    kind, words = platform.odd or ("", "")
    rules = profiles.load(name).ssh
    assert rules is not None
    texts = [platform.one(kind, _numbered(platform, 0)), platform.one("access", _numbered(platform, 1))]
    first = list((texts[0] or {}).values())
    answers = dict.fromkeys(rules.read.vlans, platform.vlans)
    second = list((texts[1] or {}).values())
    answers[rules.read.all[0]] = first[0].replace(words, f"{words} some-more") + second[0]
    for command, said in list((texts[0] or {}).items())[1:]:
        answers[command.replace("{port}", _numbered(platform, 0))] = said.replace(words, f"{words} some-more")
    odd, good = asyncio.run(switch(name, answers).read()).ports.values()
    assert (odd.mode, good.vlan) == (PortMode.UNKNOWN, 10)
    assert "some-more" in odd.fault
    assert "some-more" in describe(odd)


@pytest.mark.parametrize("name", LISTING)
def test_a_listing_without_a_port_says_so(name: str) -> None:
    rules = profiles.load(name).ssh
    assert rules is not None
    for text in ("", "nothing here\n"):
        answers = dict.fromkeys(rules.read.vlans, PLATFORMS[name].vlans)
        answers |= dict.fromkeys(rules.read.all, text)
        with pytest.raises(DeviceError, match="no port is in its answer"):
            asyncio.run(switch(name, answers).read())


@pytest.mark.parametrize(
    ("name", "listing", "off"),
    [
        (
            "cisco_ios",
            "20   lab20      suspended\n21   lab21      act/lshut Gi1/0/1\n10   office     active\n",
            "20 21",
        ),
        (
            "cisco_nxos",
            "20   lab20      suspended Eth1/1\n21   lab21      act/lshut\n10   office     active\n",
            "20 21",
        ),
        ("arista_eos", "20    lab20      suspended\n10    office     active\n", "20"),
        (
            "aruba_aoscx",
            "20    lab20   down   admin_down   static\n21    lab21   down   no_member_port  static\n",
            "20",
        ),
    ],
)
def test_vlans_that_are_there_and_pass_nothing(name: str, listing: str, off: str) -> None:
    rules = profiles.load(name).ssh
    assert rules is not None
    found = cliread.vlans_off(rules.read, listing)
    assert sorted(found) == [int(vlan) for vlan in off.split()]
    assert set(found) <= set(cliread.read_vlans(rules.read, listing))


def test_a_port_that_was_never_used_is_in_a_table_of_its_own() -> None:
    assert {name for name, kind in TABLE if kind == UNUSED} == set(PLATFORMS)
