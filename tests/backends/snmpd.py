"""net-snmp's snmpd on a free loopback port, with writable variables of the test's choice."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clusto_cli.backends.snmp.message import Kind, Message, Varbind, encode

READ, WRITE = "reader", "writer"
V3_USER, V3_KEY = "operator", "correct horse battery"


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def snmpd(directory: Path, lines: list[str], sys_object_id: str = "1.3.6.1.4.1.8072.3.2.10") -> Iterator[int]:
    """The port of a running agent. `lines` go into its configuration (snmpd.conf(5))."""
    program = shutil.which("snmpd", path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        pytest.skip("snmpd is not installed (Debian package snmpd)")
    port = free_port()
    config = directory / "snmpd.conf"
    config.write_text(
        "\n".join(
            (
                f"agentaddress udp:127.0.0.1:{port}",
                f"rocommunity {READ}",
                f"rwcommunity {WRITE}",
                f'createUser {V3_USER} SHA-256 "{V3_KEY}" AES "{V3_KEY}"',
                f"rwuser {V3_USER} priv",
                f"sysobjectid .{sys_object_id}",
                *lines,
                "",
            )
        )
    )
    log = (directory / "snmpd.log").open("wb")
    command = [program, "-f", "-C", "-c", str(config), "-Lo", "-I", "-smux", "-p", str(directory / "pid")]
    state = {"SNMP_PERSISTENT_DIR": str(directory), "SNMPCONFPATH": str(directory), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(command, stdout=log, stderr=log, env=state)
    try:
        await_answer(port, READ, process, directory / "snmpd.log")
        yield port
    finally:
        process.terminate()
        process.wait(10)
        log.close()


@contextmanager
def answering_from(address: str, agent: int) -> Iterator[int]:
    """A port on 127.0.0.1 for the agent on the port `agent`, whose answers come from `address`."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answering,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as behind,
    ):
        asked.bind(("127.0.0.1", 0))
        answering.bind((address, asked.getsockname()[1]))
        behind.connect(("127.0.0.1", agent))
        ended = threading.Event()

        def relay() -> None:
            asked.settimeout(0.1)
            behind.settimeout(0.3)
            while not ended.is_set():
                with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                    data, sender = asked.recvfrom(65535)
                    behind.send(data)
                    answering.sendto(behind.recv(65535), sender)

        thread = threading.Thread(target=relay)
        thread.start()
        try:
            yield asked.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def await_answer(port: int, community: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until the agent answers; fails the test with its log when it ends or stays silent."""
    deadline = time.monotonic() + 20
    probe = encode(Message(1, community.encode(), Kind.GET_NEXT, 1, 0, 0, [Varbind((1, 3))]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.1)
        client.connect(("127.0.0.1", port))
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.send(probe)
                client.recv(2048)
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.05)
            else:
                return
    pytest.fail(f"the agent did not start: {log.read_text()[-500:]}")
