"""Many consoles listened to, over real TCP; and the probe of an installed system."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.profile import load
from clusto_cli.backends.console.values import Values
from clusto_cli.rebuild.listening import Listening
from clusto_cli.rebuild.probe import Probe
from tests.console.lab import until

PATTERNS = {
    "started": re.compile(rb"^installer: started$", re.MULTILINE),
    "up": re.compile(rb"^server1 login:", re.MULTILINE),
}


class Port:
    """A serial line on a TCP port, as a console server has it."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.number: int = self.server.getsockname()[1]

    def accept(self) -> socket.socket:
        self.server.settimeout(10)
        return self.server.accept()[0]

    @property
    def access(self) -> Access:
        profile = load("generic-tcp")
        return Access(profile, profile.method("raw"), Values(texts={"host": "127.0.0.1"}, tcp_port=self.number))


@contextmanager
def listening(port: Port) -> Iterator[tuple[Listening, list[tuple[str, str, str]]]]:
    heard: list[tuple[str, str, str]] = []
    with Listening(lambda name, event, line: heard.append((name, event, line))) as found:
        found.attach("server1", port.access, PATTERNS, Attach.READ_ONLY)
        yield found, heard


def test_what_was_said_before_does_not_count() -> None:
    port = Port()
    with listening(port) as (consoles, heard), port.accept() as line:
        line.sendall(b"\r\nserver1 login: ")
        until(lambda: consoles.tail("server1"), "it is read")
        consoles.begin("server1")
        line.sendall(b"\r\ninstaller: started\r\n")
        until(lambda: heard, "it is heard")
        assert heard == [("server1", "started", "installer: started")]
        line.sendall(b"\x1b[2J\x1b[1;31mserver1 login:\x1b[0m ")
        until(lambda: len(heard) == 2, "colours do not hide it")
        assert heard[1][1] == "up"
        line.sendall(b"\r\ninstaller: started\r\nserver1 login: ")
        until(lambda: "installer: started" in consoles.tail("server1")[-2:], "it is read")
        assert len(heard) == 2


def test_a_pattern_in_two_pieces_is_one() -> None:
    port = Port()
    with listening(port) as (consoles, heard), port.accept() as line:
        consoles.begin("server1")
        line.sendall(b"server1 lo")
        until(lambda: consoles.tail("server1"), "it is read")
        line.sendall(b"gin:")
        until(lambda: heard, "it is heard")


def test_a_console_that_is_lost_is_attached_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusto_cli.rebuild.listening._AGAIN", 0.1)
    port = Port()
    with listening(port) as (consoles, heard):
        port.accept().close()
        with port.accept() as line:
            consoles.begin("server1")
            line.sendall(b"\r\ninstaller: started\r\n")
            until(lambda: heard, "it is heard")
            until(lambda: consoles.trouble("server1") is None, "it is attached")


def test_one_that_cannot_be_attached_says_why() -> None:
    port = Port()
    port.server.close()
    with listening(port) as (consoles, heard):
        until(lambda: consoles.trouble("server1"), "it is tried")
        assert "refused" in (consoles.trouble("server1") or "")
        assert not heard


def test_the_last_words_stay_after_leaving() -> None:
    port = Port()
    with listening(port) as (consoles, _), port.accept() as line:
        line.sendall(b"kernel panic\r\n\r\n")
        until(lambda: consoles.tail("server1"), "it is read")
        consoles.leave("server1")
        line.settimeout(10)
        assert line.recv(1) == b""
        assert consoles.tail("server1") == ["kernel panic"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ssh", "ssh 10.0.0.1:22"),
        ("ssh:2222", "ssh 10.0.0.1:2222"),
        ("tcp:443", "tcp 10.0.0.1:443"),
        ("none", "None"),
    ],
)
def test_probes_are_spelled(text: str, shown: str) -> None:
    assert str(Probe.parse(text, "10.0.0.1")) == shown


@pytest.mark.parametrize("text", ["", "tcp", "ssh:x", "tcp:0", "tcp:65536", "none:1", "http:80"])
def test_other_probes_are_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"write ssh|no such port"):
        Probe.parse(text, "10.0.0.1")


@pytest.mark.parametrize(
    ("greeting", "as_ssh", "as_tcp"),
    [(b"SSH-2.0-x\r\n", True, True), (b"220 mail\r\n", False, True), (b"", False, True)],
)
def test_an_ssh_server_greets(greeting: bytes, as_ssh: bool, as_tcp: bool) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def answer() -> None:
        for _ in range(2):
            connection, _ = server.accept()
            connection.sendall(greeting)
            connection.close()

    answering = threading.Thread(target=answer, daemon=True)
    answering.start()
    assert asyncio.run(Probe("127.0.0.1", port, greets=True).answers()) is as_ssh
    assert asyncio.run(Probe("127.0.0.1", port, greets=False).answers()) is as_tcp
    # While it still accepts, the port stays open whoever closes it.
    answering.join()
    server.close()
    assert asyncio.run(Probe("127.0.0.1", port, greets=False).answers()) is False
