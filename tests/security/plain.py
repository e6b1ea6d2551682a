"""A plain installation: an operator with a store and an empty home; and strangers who listen for what comes."""

from __future__ import annotations

import os
import selectors
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.store.opening import create
from tests.conftest import Result


@dataclass
class Plain:
    """The operator: `operator("power status server1")` runs clusto, as from a terminal in an empty folder."""

    home: Path

    @property
    def config(self) -> Path:
        return self.home / ".config" / "clusto" / "config.toml"

    @property
    def secrets(self) -> Path:
        """The user's folder of secrets."""
        found = self.config.parent / "secrets"
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        return found

    def secret(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.secrets / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def __call__(self, line: str, seconds: float = 60, **environment: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "clusto_cli.main", *shlex.split(line)],
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def has(self, name: str, attributes: Mapping[str, object]) -> None:
        """Makes these the attributes of a Thing, which somebody has written."""
        with Inventory(Settings(f"sqlite:///{self.home}/clusto.db")).change() as change:
            for key, value in attributes.items():
                change.set_values(change.resolve(name), Key.parse(key), [value])

    def does(self, lines: str, **environment: str) -> None:
        """Commands that are done, a line each."""
        for line in filter(None, map(str.strip, lines.splitlines())):
            result = self(line, **environment)
            assert result.code == 0, (line, result)

    @property
    def environment(self) -> dict[str, str]:
        keep = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "LANG") if key in os.environ}
        python = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), keep.get("PYTHONPATH", ""))))
        return {**keep, "PYTHONPATH": python, "HOME": str(self.home), "CLUSTO_DB": str(self.home / "clusto.db")}


def plain(home: Path) -> Plain:
    """An operator of a datacenter `dc` in which `rack1` has `pdu1`, with `server1` at its first outlet, `switch1`, with
    `server1:eth0` at its first port, and the console server `cs1`."""
    home.mkdir(exist_ok=True)
    store = f"sqlite:///{home}/clusto.db"
    create(store)
    with Inventory(Settings(store)).change() as change:
        change.add("Datacenter", "dc")
        change.add("Rack", "rack1", parents=["dc"])
        change.add("PDU", "pdu1", parents=["rack1"], part_counts={"outlet": 2})
        change.add("Switch", "switch1", parents=["rack1"], part_counts={"port": 2})
        change.add("ConsoleServer", "cs1", parents=["rack1"], part_counts={"consoleport": 2})
        change.add("Server", "server1", parents=["rack1"], part_counts={"inlet": 1, "nic": 1, "serialport": 1})
        change.connect("server1:psu1", "pdu1:1")
        change.connect("server1:eth0", "switch1:1")
    return Plain(home)


@dataclass
class Stranger:
    """One port of loopback, TCP and UDP, at which nothing is to arrive."""

    port: int
    tcp: socket.socket
    udp: socket.socket

    @property
    def heard(self) -> bytes:
        """What came, of all that came."""
        said = b""
        with selectors.DefaultSelector() as selector:
            for each in (self.tcp, self.udp):
                each.setblocking(False)
                selector.register(each, selectors.EVENT_READ)
            while ready := selector.select(0.05):
                for key, _ in ready:
                    if key.fileobj is self.udp:
                        said += self.udp.recv(65536)
                    else:
                        self.tcp.accept()[0].close()
                        said += b"<a connection>"
        return said


@contextmanager
def stranger() -> Iterator[Stranger]:
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            yield Stranger(port, tcp, udp)
            return
    raise AssertionError("no port is free for both")
