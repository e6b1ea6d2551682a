"""A login to a switch without a password: by the user's own key, by an agent's, by one that is named; a real sshd."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusto_cli.backends.errors import AuthenticationFailed, Unusable
from clusto_cli.backends.switch import profiles
from clusto_cli.backends.switch.cliwrite import Line
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.backends.switch.netmiko_session import NetmikoSession

from .sshdlab import Sshd, sshd

SWITCH = """
import sys
answers = {"show clock": "12:00:00 UTC"}
print("sw1#", end="", flush=True)
for line in sys.stdin:
    print(answers.get(line.strip(), ""), end="\\r\\nsw1#", flush=True)
"""


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """An sshd that is a switch, and a home and an environment without any key."""
    (tmp_path / "switch.py").write_text(SWITCH)
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with sshd(tmp_path, {"LANG": "C"}, f"{sys.executable} {tmp_path / 'switch.py'}") as running:
        yield running


@pytest.fixture
def agent(tmp_path: Path, daemon: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent that has the key."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("ssh-agent is not installed (Debian package openssh-client)")
    socket = tmp_path / "agent"
    running = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    try:
        assert running.stdout is not None
        running.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", str(daemon.key)], check=True)
        yield
    finally:
        running.terminate()
        running.wait(10)


def asked(daemon: Sshd, *, platform: str = "cisco_ios", key_file: str = "") -> str:
    settings = SwitchSettings(
        "127.0.0.1",
        user=daemon.user,
        key_file=key_file,
        known_hosts=str(daemon.known_hosts),
        ssh_port=daemon.port,
    )
    rules = profiles.load(platform).ssh
    assert rules is not None
    session = NetmikoSession(rules, settings)
    try:
        return session.send(Line("show clock", config=False))
    finally:
        session.close()


def make_default(daemon: Sshd) -> None:
    shutil.copy(daemon.key, Path.home() / ".ssh" / "id_ed25519")


def test_by_the_users_own_key(daemon: Sshd) -> None:
    make_default(daemon)
    assert "12:00:00" in asked(daemon)


def test_by_an_agent(daemon: Sshd, agent: None) -> None:
    assert "12:00:00" in asked(daemon)


def test_by_a_key_that_is_named(daemon: Sshd) -> None:
    assert "12:00:00" in asked(daemon, key_file=str(daemon.key))


def test_where_there_is_no_key_it_says_what_to_set(daemon: Sshd) -> None:
    with pytest.raises(AuthenticationFailed, match=rf"port {daemon.port}: .*ssh\.password.*ssh\.identity"):
        asked(daemon)


def test_a_key_file_that_is_not_there(daemon: Sshd, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"ssh\.identity names no file: .*none"):
        asked(daemon, key_file=str(tmp_path / "none"))
