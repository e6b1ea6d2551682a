"""What a console may do to who looks at it by a script: be read, and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from clusto_cli.console.attach import power_actions
from clusto_cli.context import App
from clusto_cli.main import invoke
from tests.conftest import Run

SAID = b"\x1b]52;c;aGVsbG8=\x07\x1b]0;mine\x07\x1b[2Jhello\xe2\x80\xae\xc2\x9b31m\x00\r\nclusto: error: no\r\nlogin: "


@pytest.fixture
def machine() -> Iterator[int]:
    """A machine behind a TCP port that says that to everybody, and listens."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            held.append(client)
            client.sendall(SAID)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    for client in held:
        client.close()


@pytest.fixture
def site(machine: int, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)
    for line in (
        "add ConsoleServer cs1 --parts consoleport=2",
        "add Server server1",
        "connect server1:console cs1:1",
        "attr set console.profile generic-tcp -t cs1",
        "attr set console.host 127.0.0.1 -t cs1",
        f"attr set console.port {machine} -t cs1:1",
    ):
        assert invoke(line.split()) == 0, capsys.readouterr().err


def harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.replace("\r\n", "\n").split("\n"))


@pytest.mark.usefixtures("site")
def test_a_script_prints_text(clusto: Run) -> None:
    result = clusto("console", "server1", "--expect", "login: ")
    assert result.code == 0
    assert "hello" in result.out
    assert harmless(result.out)
    result = clusto("console", "server1", "--expect", "never", "--timeout", "0.5")
    assert result.code == 5
    assert harmless(result.out + result.err)
    assert "hello" in result.err


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("raw", [False, True])
def test_on_a_terminal_too(clusto: Run, sqlite_url: str, raw: bool) -> None:
    arguments = ["-m", "clusto_cli.main", "console", "server1", "--expect", "login: ", *(["--raw"] if raw else [])]
    child = pexpect.spawn(sys.executable, arguments, env=os.environ | {"CLUSTO_DB": sqlite_url}, timeout=20)
    child.expect(pexpect.EOF)
    assert (b"\x1b]52;" in child.before) is raw
    assert raw or harmless(child.before.decode())


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [["--capture", "600"], ["--expect", "never", "--timeout", "600"]])
def test_a_signal_ends_a_script(sqlite_url: str, number: signal.Signals, options: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "clusto_cli.main", "console", "server1", *options],
        env=os.environ | {"CLUSTO_DB": sqlite_url},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    while b"hello" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(number)
    assert process.wait(20) in (130, 128 + number)
    process.stdout.close()


def test_the_power_keys_run_nothing_of_the_directory(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)
    assert invoke(["add", "Server", "server1"]) == 0
    for name in ("click", "clusto_cli", "json", "sqlite3"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    ask: Callable[[], str] = power_actions(App(sqlite_url), "server1")[0].run
    assert "server1" in ask()
    assert not (tmp_path / "ran").exists()
