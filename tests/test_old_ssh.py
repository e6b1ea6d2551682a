"""Switches and console servers that speak SHA-1 alone: refused with the setting to set, reached when it is set."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from clusto_cli.backends.console.access import CONSOLE_SETTINGS, Access
from clusto_cli.backends.console.profile import load
from clusto_cli.backends.console.values import Values
from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Refused, Unreachable
from clusto_cli.backends.openssh import legacy_options
from clusto_cli.backends.switch import profiles
from clusto_cli.backends.switch.model import SwitchSettings, describe
from clusto_cli.backends.switch.opening import open_switch
from clusto_cli.backends.switch.openssh_shell import Shell
from tests.console.driver import attach, read_until
from tests.console.lab import Lab, find, free_ports, ssh_client, sshd

PROGRAM = Path(__file__).with_name("old_ssh.py")
PASSWORD = "let-me-in"
CASES = {
    "key exchange by SHA-1": ("diffie-hellman-group14-sha1", "ssh-rsa"),
    "the oldest key exchange": ("diffie-hellman-group1-sha1", "ssh-rsa"),
}


class Old(NamedTuple):
    port: int
    known_hosts: Path


@pytest.fixture(params=CASES.values(), ids=CASES)
def old(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Old]:
    pytest.importorskip("asyncssh")
    find("ssh", "openssh-client")
    kex, signature = request.param
    if not any(kex in word for word in legacy_options()):
        pytest.skip(f"the ssh that is installed here does not know {kex}")
    command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(tmp_path / "host")]
    subprocess.run(command, check=True, capture_output=True)
    port = free_ports()
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {' '.join((tmp_path / 'host.pub').read_text().split()[:2])}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    lab = Lab(tmp_path)
    lab.start([sys.executable, str(PROGRAM), str(tmp_path), str(port), kex, signature], port=port)
    yield Old(port, known)
    lab.stop()


def settings(old: Old, *, legacy: bool = True, password: str = PASSWORD) -> SwitchSettings:
    return SwitchSettings(
        "127.0.0.1",
        profile="cisco_ios",
        via="ssh",
        user="ops",
        password=password,
        known_hosts=str(old.known_hosts),
        ssh_port=old.port,
        legacy=legacy,
    )


async def _read(given: SwitchSettings) -> str:
    control = (await open_switch(given, None)).control
    try:
        return describe((await control.read(["Gi0/4"])).ports["Gi0/4"])
    finally:
        await control.close()


def refused(given: SwitchSettings) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        asyncio.run(_read(given))
    return caught.value


def test_a_switch(old: Old) -> None:
    assert asyncio.run(_read(settings(old))) == "access 10"
    assert "127.0.0.1" in str(refused(settings(old, legacy=False)))


def test_a_switch_says_what_is_wrong(old: Old) -> None:
    said = refused(settings(old, password="wrong"))
    assert isinstance(said, AuthenticationFailed)
    assert "ssh.password" in str(said)
    assert "wrong" not in str(said).replace("is wrong", "")
    said = refused(settings(old, password=""))
    assert isinstance(said, AuthenticationFailed)
    old.known_hosts.write_text("")
    said = refused(settings(old))
    assert isinstance(said, AuthenticationFailed)
    assert "ssh.known_hosts" in str(said)


def test_a_switch_that_does_not_answer(tmp_path: Path) -> None:
    find("ssh", "openssh-client")
    said = refused(settings(Old(free_ports(), tmp_path / "none")))
    assert isinstance(said, Unreachable)
    assert "Connection refused (see ssh.host and ssh.port)" in str(said)


def test_a_console_server(old: Old, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Its configuration is the operator's own, which the lab's wrapper stands for.
    wrapper = tmp_path / "bin" / "ssh"
    wrapper.parent.mkdir()
    ssh = find("ssh", "openssh-client")
    wrapper.write_text(f'#!/bin/sh\nexec {ssh} -F none -o UserKnownHostsFile={old.known_hosts} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/bin:/bin")
    profile = load("generic-ssh-port")
    values = Values(texts={"host": "127.0.0.1", "user": "ops"}, tcp_port=old.port, secret=PASSWORD)

    def way(*, legacy: bool) -> Access:
        return Access(profile, profile.methods[0], values, CONSOLE_SETTINGS, legacy)

    line = attach(way(legacy=False))
    with pytest.raises(Unreachable, match=r"Their offer: .*set ssh\.legacy to true"):
        read_until(line, b"never")
    line.close()
    assert "SHA-1" in " ".join(way(legacy=True).cautions)
    line = attach(way(legacy=True))
    read_until(line, b"sw1#")
    line.write(b"show vlan brief\n")
    read_until(line, b"office")
    line.close()


def test_a_host_key_that_signs_by_sha1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's sshd, made to use nothing but ssh-rsa."""
    program = find("sshd", "openssh-server")
    lab = Lab(tmp_path)
    try:
        server = sshd(lab, "HostKeyAlgorithms ssh-rsa", kind="rsa")
        monkeypatch.setenv("PATH", f"{ssh_client(lab, [server.base + 1])}:{Path(program).parent}:/usr/bin:/bin")
        profile = load("generic-ssh-port")
        values = Values(number=1, base=server.base, texts={"host": "127.0.0.1"})
        line = attach(Access(profile, profile.methods[0], values))
        with pytest.raises(Unreachable, match=r"no matching host key type .*set ssh\.legacy to true"):
            read_until(line, b"never")
        line.close()
        line = attach(Access(profile, profile.methods[0], values, CONSOLE_SETTINGS, legacy=True))
        read_until(line, b"server1 login: ")
        line.close()
    finally:
        lab.stop()


def test_a_profile_may_ask_for_it() -> None:
    rules = profiles.parse("old", 'title = "x"\n[ssh]\ndriver = "cisco_ios"\nfailures = []\nlegacy = true\n').ssh
    assert rules is not None
    assert rules.legacy


def test_an_answer_without_end_is_refused() -> None:
    import pexpect

    child: pexpect.spawn[bytes] = pexpect.spawn("yes", ["x" * 1000], maxread=65536)
    shell = Shell(child, "10.0.0.1 port 22")

    def read_on() -> None:
        while True:
            shell.recv(65536)

    try:
        with pytest.raises(Refused, match="no end"):
            read_on()
    finally:
        shell.close()
