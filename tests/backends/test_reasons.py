"""What programs say when they do not get to a device: all lines that matter, the address, and the setting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from clusto_cli.backends.endpoint import Endpoint, endpoint
from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Refused, Unreachable
from clusto_cli.backends.ipmi import Ipmitool
from clusto_cli.backends.power import controller_endpoint, open_bmc
from clusto_cli.backends.power.ipmi import IpmiPower
from clusto_cli.backends.program import MOST, ProgramSilent, run_program
from clusto_cli.backends.reasons import CONSERVER, IPMITOOL, OPENSSH, OTHERS, Speaker, roles
from tests import controllers

SETTINGS = roles("bmc", "host", "port", "user", "password", "timeout", cipher="bmc.cipher_suite")


@pytest.mark.parametrize(
    ("speaker", "said", "kind", "message"),
    [
        (
            IPMITOOL,
            "Loading IANA PEN Registry...\nError in open session response message : invalid authentication "
            "algorithm\n\nError: Unable to establish IPMI v2 / RMCP+ session\n",
            Refused,
            "x: Error in open session response message : invalid authentication algorithm; Error: Unable to establish "
            "IPMI v2 / RMCP+ session (set bmc.cipher_suite to a suite that it has: 17 and 3 are usual)",
        ),
        (
            IPMITOOL,
            "Address lookup for bmc1 failed\nCould not open socket!\n",
            Unreachable,
            "x: Address lookup for bmc1 failed; Could not open socket! (bmc.host is no name or address that is known "
            "here)",
        ),
        (
            IPMITOOL,
            "Set Chassis Power Control to Down/Off failed: Insufficient privilege level",
            AuthenticationFailed,
            "x: Set Chassis Power Control to Down/Off failed: Insufficient privilege level (bmc.user may not do that)",
        ),
        (IPMITOOL, "a\nb\nc\nd", Refused, "x: b; c; d"),
        (
            IPMITOOL,
            "Get Auth Capabilities error\nError: Unable to establish IPMI v2 / RMCP+ session",
            Unreachable,
            "x: Get Auth Capabilities error; Error: Unable to establish IPMI v2 / RMCP+ session (no answer: see "
            "bmc.host and bmc.port; bmc.timeout is how long it may take)",
        ),
        (
            IPMITOOL,
            "Error: Unable to establish IPMI v2 / RMCP+ session",
            Unreachable,
            "x: Error: Unable to establish IPMI v2 / RMCP+ session (see bmc.host, bmc.port, bmc.user, bmc.password and "
            "bmc.cipher_suite)",
        ),
        (IPMITOOL, "", Refused, "x: it said nothing"),
        (
            OPENSSH,
            "Unauthorised use is prohibited.\r\nUnable to negotiate with 10.0.0.1 port 22: no matching key exchange "
            "method found. Their offer: diffie-hellman-group14-sha1\r\n",
            Unreachable,
            "x: Unable to negotiate with 10.0.0.1 port 22: no matching key exchange method found. Their offer: "
            "diffie-hellman-group14-sha1 (it speaks old algorithms only: set ssh.legacy to true)",
        ),
        (
            OPENSSH,
            "@@@@@\r\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\n@@@@@\r\nIT IS POSSIBLE THAT\r\n"
            "Offending RSA key in /home/ann/.ssh/known_hosts:3\r\nHost key verification failed.\r\n",
            AuthenticationFailed,
            "x: @ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @; Offending RSA key in "
            "/home/ann/.ssh/known_hosts:3; Host key verification failed. (its host key has changed: see known hosts)",
        ),
        (
            OPENSSH,
            "ann@10.0.0.1: Permission denied (publickey,password).",
            AuthenticationFailed,
            "x: ann@10.0.0.1: Permission denied (publickey,password). (see bmc.user, bmc.password and identity)",
        ),
        (
            CONSERVER,
            "console: getaddrinfo(nosuch): Name or service not known\r\n",
            Unreachable,
            "x: console: getaddrinfo(nosuch): Name or service not known (bmc.host is no name or address that is known "
            "here)",
        ),
        (
            OTHERS,
            "\x1b]52;c;aGk=\x07Connection refused\x07",
            Unreachable,
            "x: Connection refused\\x07 (see bmc.host and bmc.port)",
        ),
    ],
)
def test_reasons(speaker: Speaker, said: str, kind: type[DeviceError], message: str) -> None:
    failure = speaker.explained("x", said, SETTINGS)
    assert (type(failure), str(failure)) == (kind, message)


@pytest.mark.parametrize(
    ("text", "found", "shown"),
    [
        ("bmc1", Endpoint("bmc1"), "bmc1"),
        ("bmc-1.example.net", Endpoint("bmc-1.example.net"), "bmc-1.example.net"),
        ("10.0.0.1", Endpoint("10.0.0.1"), "10.0.0.1"),
        ("10.0.0.1:6230", Endpoint("10.0.0.1", 6230), "10.0.0.1:6230"),
        ("fe80::1", Endpoint("fe80::1"), "[fe80::1]"),
        ("fe80::1%eth0", Endpoint("fe80::1%eth0"), "[fe80::1%eth0]"),
        ("[::1]", Endpoint("::1"), "[::1]"),
        ("[::1]:623", Endpoint("::1", 623), "[::1]:623"),
    ],
)
def test_endpoints(text: str, found: Endpoint, shown: str) -> None:
    assert endpoint("bmc.host", text) == found
    assert str(found) == shown


@pytest.mark.parametrize(
    "text",
    [
        "user@host",
        "fe80::1%",
        "$(x)",
        "",
        "-H",
        "a b",
        "host:",
        "host:0",
        "host:65536",
        "host:x",
        "[::1",
        "[::1]x",
        "[host]:",
        "::g",
        "a:b:c",
        "x\n",
    ],
)
def test_what_is_no_endpoint_names_the_setting(text: str) -> None:
    with pytest.raises(ValueError, match=r"^bmc\.host is "):
        endpoint("bmc.host", text)


def test_settings_of_a_controller() -> None:
    given = {"bmc.host": "::1", "bmc.user": "a", "bmc.password": "b"}
    assert controller_endpoint(given, 623) == Endpoint("::1", 623)
    with pytest.raises(ValueError, match=r"bmc\.host says port 22, and bmc\.port 623"):
        controller_endpoint(given | {"bmc.host": "[::1]:22", "bmc.port": "623"}, 623)
    with pytest.raises(ValueError, match=r"set bmc\.protocol to redfish"):
        open_bmc("server1", given | {"bmc.host": "https://bmc1"})


def failure(answer: Awaitable[Any]) -> DeviceError:
    async def main() -> None:
        await answer

    with pytest.raises(DeviceError) as caught:
        asyncio.run(main())
    return caught.value


def test_a_controller_says_why(tmp_path: Path) -> None:
    """The real ipmitool: the line before its last, and the setting."""
    with controllers.ipmi_sim(tmp_path, controllers.chassis(tmp_path)) as port:
        for settings, words in (
            ({"cipher_suite": 17}, ("invalid authentication algorithm", "bmc.cipher_suite")),
            ({"user": "nobody"}, ("unauthorized name", "bmc.user")),
            ({"password": "wrong"}, ("RAKP 2 HMAC is invalid", "bmc.password")),
            ({"host": "no-such-host.invalid"}, ("Address lookup for no-such-host.invalid failed", "bmc.host")),
        ):
            given: dict[str, Any] = {"host": "127.0.0.1", "user": controllers.USER, "password": controllers.PASSWORD}
            power = IpmiPower(Ipmitool(**given | {"port": port, "cipher_suite": 3} | settings))
            said = str(failure(power.outlets()))
            assert said.startswith(f"{settings.get('host', '127.0.0.1')}:{port}: ")
            assert all(word in said for word in words), said


@pytest.mark.parametrize("timeout", [1, 3])
def test_a_dead_controller_is_said_to_be_silent(timeout: float) -> None:
    """Whether ipmitool gives up first or we do."""
    power = IpmiPower(Ipmitool("127.0.0.1", "a", "b", port=9, cipher_suite=3, timeout=timeout))
    said = failure(power.outlets())
    assert isinstance(said, Unreachable | Refused)
    if "cannot run" in str(said):
        pytest.skip("ipmitool is not installed (Debian package ipmitool)")
    assert "127.0.0.1:9: " in str(said)
    assert "no answer: see bmc.host and bmc.port" in str(said)


def test_what_a_program_said_until_it_was_ended_is_kept() -> None:
    said = failure(run_program(["sh", "-c", "echo hearing nothing >&2; sleep 60 & wait"], 0.5))
    assert isinstance(said, ProgramSilent)
    assert said.said == ["hearing nothing"]


@pytest.mark.parametrize("stream", ["", ">&2"])
def test_a_program_that_prints_without_end(stream: str) -> None:
    said = failure(run_program(["sh", "-c", f"while :; do echo {'x' * 1000}; done {stream}"], 60))
    assert f"more than {MOST} octets" in str(said)
