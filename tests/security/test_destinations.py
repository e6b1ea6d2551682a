"""A secret goes only where it was meant to: refused before a packet leaves, whatever way it would take."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusto_core.boundary.destinations import host_in, listed, permitted
from tests.security.plain import Plain, plain, stranger

DC = {
    "snmp.community": "c0mmunity",
    "bmc.user": "admin",
    "bmc.password": "s3cret",
    "console.profile": "generic-tcp",
    "console.method": "telnet",
    "console.user": "ops",
    "console.password": "s3cret",
    "ssh.user": "ops",
    "ssh.password": "s3cret",
    "os.profile": "debian",
    "os.release": "bookworm",
    "os.mirror": "http://192.0.2.5/debian",
    "os.root_password": "s3cret",
    "rebuild.url": "http://192.0.2.1",
    "rebuild.probe": "none",
}
"""What the operator has set on the datacenter, for all that is in it."""

WAYS: dict[str, tuple[str, dict[str, object], str, str]] = {
    "snmp": ("pdu1", {"snmp.host": "127.0.0.1", "snmp.port": "PORT"}, "power status server1", "snmp.community of dc"),
    "address": ("pdu1", {"snmp.port": "PORT"}, "power status server1", "snmp.community of dc"),
    "ipmi": (
        "server1",
        {"bmc.host": "127.0.0.1", "bmc.port": "PORT"},
        "power status server1 --via bmc",
        "bmc.password of dc",
    ),
    "redfish": (
        "server1",
        {"bmc.host": "127.0.0.1", "bmc.port": "PORT", "bmc.protocol": "redfish", "bmc.verify": "false"},
        "power off server1 --via bmc --yes",
        "bmc.password of dc",
    ),
    "redfish in clear": (
        "server1",
        {"bmc.host": "http://127.0.0.1:PORT", "bmc.protocol": "redfish"},
        "power status server1 --via bmc",
        "bmc.password of dc",
    ),
    "sol": (
        "server1",
        {"bmc.host": "127.0.0.1", "bmc.port": "PORT"},
        "console server1 --via controller --capture 1",
        "bmc.password of dc",
    ),
    "console": (
        "server1",
        {"console.profile": "generic-tcp", "console.host": "127.0.0.1", "console.port": "PORT"},
        "console server1 --capture 1",
        "console.password of dc",
    ),
    "switch": (
        "switch1",
        {"ssh.host": "127.0.0.1", "ssh.port": "PORT", "switch.profile": "cisco_ios", "switch.via": "ssh"},
        "network vlan server1",
        "ssh.password of dc",
    ),
    "switch over snmp": (
        "switch1",
        {"snmp.host": "127.0.0.1", "snmp.port": "PORT", "switch.profile": "qbridge", "switch.via": "snmp"},
        "network setvlan server1 eth0 203 --yes",
        "snmp.community of dc",
    ),
    "sftp": ("server1", {"rebuild.dir": "sftp://127.0.0.1:PORT/srv"}, "rebuild local server1", "ssh.password of dc"),
    "cobbler": (
        "server1",
        {"cobbler.url": "http://127.0.0.1:PORT/cobbler_api"},
        "rebuild local server1",
        "cobbler.password of dc",
    ),
}


@pytest.fixture
def operator(tmp_path: Path) -> Plain:
    found = plain(tmp_path / "home")
    found.has("dc", DC)
    found.has("server1:eth0", {"mac": "52:54:00:00:00:01"})
    return found


def aimed(settings: dict[str, object], port: int) -> dict[str, object]:
    return {
        key: value.replace("PORT", str(port)) if isinstance(value, str) else value for key, value in settings.items()
    }


@pytest.mark.parametrize("way", WAYS)
def test_an_inherited_credential_goes_to_no_address_of_a_neighbour(operator: Plain, way: str) -> None:
    thing, settings, verb, whose = WAYS[way]
    if way == "cobbler":
        operator.has("dc", {"cobbler.user": "ops", "cobbler.password": "s3cret"})
    with stranger() as listening:
        operator.has(thing, aimed(settings, listening.port))
        refused = operator(verb)
        assert listening.heard == b""
    assert refused.code == 4, refused
    assert f"{whose} is not meant for" in refused.err
    assert "clusto config allow network" in refused.err
    assert "s3cret" not in refused.out + refused.err


def test_what_goes_into_answers_is_sent_to_no_boot_server_of_a_neighbour(operator: Plain) -> None:
    operator.has("server1", {"rebuild.dir": "sftp://192.0.2.66/srv", "console.path": "/run/qemu/server1"})
    operator.has("server1", {"console.profile": "qemu-serial", "ssh.password": "of his own"})
    refused = operator("rebuild server1 --dry-run")
    assert refused.code == 4
    assert "os.root_password of dc is not meant for 192.0.2.66" in refused.err


@pytest.mark.parametrize("way", ["snmp", "ipmi", "console", "switch over snmp"])
@pytest.mark.parametrize(
    "meant",
    [
        "config allow network 127.0.0.0/8",
        "attr set {group}.hosts 127.0.0.1 -t dc",
        "attr set {group}.hosts '192.0.2.0/24, 127.0.0.0/30' -t dc",
    ],
)
def test_a_network_that_belongs_to_the_credential_is_enough(operator: Plain, way: str, meant: str) -> None:
    thing, settings, verb, whose = WAYS[way]
    operator.does(meant.format(group=whose.partition(".")[0]))
    with stranger() as listening:
        quick = {"snmp.retries": 0, "snmp.timeout": "0.2", "bmc.timeout": 1}
        operator.has(thing, aimed({**settings, **quick}, listening.port))
        tried = operator(verb)
        assert listening.heard != b""
    assert tried.code in (0, 5)
    assert "is not meant for" not in tried.err


def test_an_address_beside_the_credential_or_above_it_is_enough(operator: Plain) -> None:
    for place in ("server1", "rack1", "dc"):
        with stranger() as listening:
            operator.has("server1", {"bmc.user": "admin", "bmc.password": "s3cret", "bmc.timeout": 1})
            operator.has(place, {"bmc.host": "127.0.0.1", "bmc.port": listening.port})
            assert operator("power status server1 --via bmc").code == 5
            assert listening.heard != b""
        operator.does(f"attr del bmc.host -t {place}")
        operator.does(f"attr del bmc.port -t {place}")


def test_hosts_beside_the_address_say_nothing(operator: Plain) -> None:
    """Who may write the one may write the other."""
    operator.has("server1", {"bmc.host": "192.0.2.66", "bmc.hosts": "192.0.2.0/24"})
    refused = operator("power status server1 --via bmc")
    assert refused.code == 4
    assert "bmc.host of server1" in refused.err


def test_a_pool_in_a_pool_is_not_nearer_to_the_root(operator: Plain) -> None:
    """However many steps it is away: the datacenter is not in it."""
    operator.does("""
        pool create far
        pool create farther
        pool create farthest
        put server1 --in far
        put far --in farther
        put farther --in farthest
    """)
    operator.has("farthest", {"bmc.host": "192.0.2.66"})
    refused = operator("power status server1 --via bmc")
    assert refused.code == 4
    assert "bmc.host of farthest" in refused.err


def test_a_port_of_another_program_on_the_same_computer_is_another_place(operator: Plain) -> None:
    with stranger() as listening:
        operator.has("dc", {"bmc.host": "127.0.0.1"})
        operator.has("server1", {"bmc.port": listening.port})
        refused = operator("power status server1 --via bmc")
        assert listening.heard == b""
    assert refused.code == 4
    assert "bmc.port of server1" in refused.err


@pytest.mark.parametrize(
    "host",
    [
        "good@192.0.2.66",
        "https://10.0.0.1\\@192.0.2.66",
        "https://10.0.0.1@192.0.2.66/",
        "10.0.0.1 192.0.2.66",
        "",
    ],
)
def test_a_host_that_programs_read_in_two_ways_is_none(operator: Plain, host: str) -> None:
    operator.does("config allow network 10.0.0.0/8")
    operator.has("server1", {"bmc.host": host, "bmc.protocol": "redfish"})
    assert operator("power status server1 --via bmc").code in (2, 4)


def test_a_secret_of_the_operators_is_bound_by_his_configuration(operator: Plain) -> None:
    """Whoever writes a reference beside an address of his own gets nothing once it is said what the secret is for."""
    operator.secret("bmc", "the operator's own")
    operator.does("config allow network 10.0.0.0/8")
    with stranger() as listening:
        address = {"bmc.host": "127.0.0.1", "bmc.port": listening.port, "bmc.hosts": "127.0.0.1"}
        operator.has("server1", {**address, "bmc.password": "secret:bmc", "bmc.timeout": 1})
        refused = operator("power status server1 --via bmc")
        assert listening.heard == b""
        assert refused.code == 4
        assert "bmc.password of server1 is not meant for 127.0.0.1" in refused.err
        operator.does("config allow network 127.0.0.1 --for secret:bmc")
        assert operator("power status server1 --via bmc").code == 5
        assert listening.heard != b""
    operator.does("config allow network 192.0.2.0/24 --for secret:other")
    operator.has("server1", {"bmc.host": "10.1.1.1", "bmc.password": "secret:bmc"})
    assert "is not meant for 10.1.1.1" in operator("power status server1 --via bmc").err


def test_a_bound_secret_goes_nowhere_else_by_another_reference_or_into_a_file(operator: Plain) -> None:
    path = operator.secret("bmc", "the operator's own")
    operator.does("config allow network 192.0.2.0/24 --for secret:bmc")
    operator.does("config allow network 127.0.0.0/8")
    for reference in ("secret:bmc", f"file:{path}", "file:~/.config/clusto/secrets/bmc"):
        with stranger() as listening:
            operator.has("pdu1", {"snmp.host": "127.0.0.1", "snmp.port": listening.port, "snmp.community": reference})
            refused = operator("power status server1")
            assert listening.heard == b""
        assert refused.code == 4
        assert "snmp.community of pdu1 is not meant for 127.0.0.1" in refused.err
    files = {"rebuild.dir": "/srv/tftp", "console.profile": "qemu-serial", "console.path": "/run/qemu/x"}
    operator.has("server1", {**files, "os.root_password": "secret:bmc"})
    refused = operator("rebuild server1 --dry-run")
    assert refused.code == 4
    assert "os.root_password of server1 is for devices in networks of its own" in refused.err
    operator.does("config deny secret secret:bmc")
    assert "bmc" not in operator("config").out


def test_what_an_error_asks_for_is_enough(operator: Plain) -> None:
    with stranger() as listening:
        operator.has("server1", {"bmc.host": "127.0.0.1", "bmc.port": listening.port, "bmc.timeout": 1})
        refused = operator("power status server1 --via bmc")
        line = refused.err.partition("(clusto ")[2].partition(",")[0]
        assert line == "config allow network 127.0.0.1"
        operator.does(line)
        assert operator("power status server1 --via bmc").code == 5


# --- what may be required

INSECURE = {
    "snmpv3": ({"snmp.host": "127.0.0.1"}, "power status server1", "snmp.community goes over the network in clear"),
    "http": (
        {"bmc.host": "http://127.0.0.1:9", "bmc.protocol": "redfish"},
        "power status server1 --via bmc",
        "bmc.password goes over the network in clear",
    ),
    "unverified": (
        {"bmc.host": "https://127.0.0.1:9", "bmc.protocol": "redfish", "bmc.verify": "false"},
        "power status server1 --via bmc",
        "bmc.password goes to whoever answers",
    ),
    "a boot server's, which pins nothing": (
        {
            "cobbler.url": "https://127.0.0.1:9",
            "cobbler.user": "ops",
            "cobbler.password": "s3cret",
            "cobbler.verify": "false",
            "cobbler.fingerprint": "0" * 64,
        },
        "rebuild local server1",
        "cobbler.password goes to whoever answers",
    ),
    "telnet": (
        {"console.profile": "generic-tcp", "console.host": "127.0.0.1", "console.port": 9},
        "console server1 --capture 1",
        "console.password goes over the network in clear",
    ),
}


@pytest.mark.parametrize("way", INSECURE)
def test_insecure_ways_are_told_once_and_forbidden_where_that_is_required(operator: Plain, way: str) -> None:
    settings, verb, says = INSECURE[way]
    operator.has("pdu1", {"snmp.retries": 0, "snmp.timeout": "0.2"})
    operator.has("pdu1" if way == "snmpv3" else "server1", settings)
    operator.does("config allow network 127.0.0.0/8")
    told = [operator(line).err.count(says) for line in (verb, verb, f"-v {verb}")]
    assert told == [1, 0, 1]
    operator.does(f"config require {'snmpv3' if way == 'snmpv3' else 'tls'}")
    refused = operator(verb)
    assert refused.code == 4
    assert says in refused.err
    assert "requires" in refused.err


SECURE: dict[str, dict[str, object]] = {
    "pinned": {"bmc.protocol": "redfish", "bmc.verify": "false", "bmc.fingerprint": "0" * 64},
    "no certificate is looked at": {"bmc.protocol": "ipmi", "bmc.verify": "false"},
}


@pytest.mark.parametrize("way", SECURE)
def test_what_keeps_a_secret_is_neither_told_nor_forbidden(operator: Plain, way: str) -> None:
    operator.does("config allow network 127.0.0.0/8")
    operator.does("config require tls")
    with stranger() as listening:
        address = {"bmc.host": "127.0.0.1", "bmc.port": listening.port, "bmc.timeout": "0.5"}
        operator.has("server1", {**address, **SECURE[way]})
        done = operator("-v power status server1 --via bmc")
    assert (done.code, "insecure" in done.err) == (5, False)


# --- hosts and networks


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("pdu1", "pdu1"),
        ("PDU1.Example.com.", "pdu1.example.com"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3:8443", "10.1.2.3"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("https://bmc1:8443/redfish", "bmc1"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
        ("sftp://ops@boot/srv/tftp", "boot"),
        ("qemu+ssh://kvm1/system", "kvm1"),
        ("qemu:///system", ""),
        ("good@evil", None),
        ("https://good@evil@worse/", None),
        ("https://good\\@evil/", None),
        ("https://good#@evil/", None),
        ("https://good?@evil/", None),
        ("good evil", None),
        ("good:evil", None),
        ("-oProxyCommand=x", None),
        ("", None),
    ],
)
def test_the_host_that_is_meant(text: str, host: str | None) -> None:
    assert host_in(text) == host


@pytest.mark.parametrize(
    ("host", "allowed", "may"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("fe80::1%eth0", "fe80::/10", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "10.0.0.0/8", False),
        ("pdu1", "10.0.0.0/8", False),
        ("pdu1.10.0.0.0", "10.0.0.0/8", False),
        ("167837955", "10.0.0.0/8", False),
        ("pdu1", "pdu1", True),
        ("pdu12", "pdu1", False),
        ("pdu12", "pdu*", True),
        ("pdu.evil.com", "pdu*", False),
        ("a.example.com", ".example.com", True),
        ("a.b.example.com", "*.example.com", True),
        ("example.com", ".example.com", False),
        ("evilexample.com", ".example.com", False),
        ("a.example.com.evil.net", ".example.com", False),
        ("10.1.2.3", "*", False),
    ],
)
def test_networks_and_domains(host: str, allowed: str, may: bool) -> None:
    assert permitted(host, [allowed]) is may


def test_lists_of_networks() -> None:
    assert listed(["10.0.0.0/8, 192.0.2.0/24", "pdu*  .example.com\n"]) == [
        *("10.0.0.0/8", "192.0.2.0/24", "pdu*", ".example.com")
    ]
