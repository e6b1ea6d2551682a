"""Lines for a switch that is a Unix system, over a real sshd: what comes back, and what is made of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clusto_cli.backends.errors import AuthenticationFailed, Refused, Unreachable
from clusto_cli.backends.switch import ssh_session
from clusto_cli.backends.switch.cliwrite import Line
from clusto_cli.backends.switch.model import Rejected, SwitchSettings
from clusto_cli.backends.switch.ssh_session import SshSession

from .sshdlab import sshd


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchSettings]:
    with sshd(tmp_path_factory.mktemp("sshd"), {"LANG": "C"}) as daemon:
        yield SwitchSettings(
            "127.0.0.1",
            user=daemon.user,
            key_file=str(daemon.key),
            known_hosts=str(daemon.known_hosts),
            ssh_port=daemon.port,
        )


@pytest.fixture
def session(settings: SwitchSettings) -> Iterator[SshSession]:
    opened = SshSession(settings)
    yield opened
    opened.close()


def test_lines_are_answered_over_one_connection(session: SshSession) -> None:
    assert session.send(Line("echo one; echo aside >&2")) == "one\n"
    first, second = (session.send(Line("echo $SSH_CONNECTION")) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("echo out; echo no such bridge >&2; false", "'no such bridge'"),
        ("echo only this; exit 3", "'only this'"),
        ("false", "'nothing'"),
        ("printf 'first\\nsecond\\n' >&2; false", "'first; second'"),
    ],
)
def test_a_line_that_fails_is_told_with_the_address(
    session: SshSession, settings: SwitchSettings, line: str, words: str
) -> None:
    with pytest.raises(Rejected) as caught:
        session.send(Line(line))
    assert str(caught.value).startswith(f"127.0.0.1 port {settings.ssh_port}: it answered {words} to ")


@pytest.mark.parametrize("stream", ["", " >&2"], ids=["output", "errors"])
def test_an_answer_without_end_is_not_read_on(
    session: SshSession, settings: SwitchSettings, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_session, "LONGEST_ANSWER", 100_000)
    with pytest.raises(Refused, match=rf"port {settings.ssh_port}: .*more than 100000 octets"):
        session.send(Line(f"yes{stream}"))
    monkeypatch.undo()
    assert session.send(Line("echo still there")) == "still there\n"


def test_a_long_answer_comes_whole(session: SshSession) -> None:
    assert len(session.send(Line("yes | head -c 3000000"))) == 3_000_000


def test_why_there_is_no_session(settings: SwitchSettings, tmp_path: Path) -> None:
    for changed, kind, words in (
        ({"ssh_port": 9}, Unreachable, "127.0.0.1 port 9: .*refused.*ssh.port"),
        ({"known_hosts": str(tmp_path / "none")}, AuthenticationFailed, "ssh.known_hosts"),
        ({"user": "nobody"}, AuthenticationFailed, "ssh.user"),
    ):
        opened = SshSession(replace(settings, **changed))  # type: ignore[arg-type]
        with pytest.raises(kind, match=words):
            opened.send(Line("true"))
        opened.close()
