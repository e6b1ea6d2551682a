"""Open vSwitch in user space with hosts on its ports, for tests of what a change does to traffic.

Everything lives in network namespaces made here: one for the switch, one for each host, joined by veth pairs. Nothing
is visible outside of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from pathlib import Path

import pytest

PROGRAMS = ("ip", "ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ping")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")


def requirements() -> None:
    """Skip the test, saying what is missing, where Open vSwitch or the right to make namespaces is."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing or not SCHEMA.exists():
        pytest.skip(f"not installed: {', '.join(missing) or SCHEMA} (Debian packages openvswitch-switch, iputils-ping)")
    probe = subprocess.run(["ip", "netns", "add", "clusto-probe"], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "delete", "clusto-probe"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"no network namespace can be made: {probe.stderr.strip()}")


class OvsLab:
    """A bridge `br0` with ports swp1..N, and a host hN with eth0 at 192.0.2.N behind each."""

    def __init__(self, folder: Path, hosts: int = 3) -> None:
        self.folder, self.hosts = folder, range(1, hosts + 1)
        self.tag = uuid.uuid4().hex[:6]
        self.space = f"c{self.tag}-sw"
        self.environment = {
            **os.environ,
            "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
            "OVS_RUNDIR": str(folder),
            "OVS_LOGDIR": str(folder),
            "OVS_DBDIR": str(folder),
            "OVS_SYSCONFDIR": str(folder),
        }

    def __enter__(self) -> OvsLab:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("ovs-vswitchd", "ovsdb-server"):
            pid = self.folder / f"{name}.pid"
            if pid.exists():
                subprocess.run(["kill", pid.read_text().strip()], check=False, capture_output=True)
        for space in (self.space, *(self._host(number) for number in self.hosts)):
            subprocess.run(["ip", "netns", "delete", space], check=False, capture_output=True, env=self.environment)

    def run(self, *words: str, space: str = "") -> str:
        """What a command prints, inside a namespace; CalledProcessError when it fails."""
        inside = ["ip", "netns", "exec", space] if space else []
        done = subprocess.run(
            [*inside, *words], capture_output=True, text=True, check=True, env=self.environment, timeout=20
        )
        return done.stdout

    def vsctl(self, *words: str) -> str:
        return self.run("ovs-vsctl", f"--db=unix:{self.folder}/db.sock", *words)

    def pings(self, one: int, other: int) -> bool:
        """Whether a host reaches another."""
        try:
            self.run("ping", "-c1", "-W0.5", "-q", f"192.0.2.{other}", space=self._host(one))
        except subprocess.CalledProcessError:
            return False
        return True

    def mac(self, number: int) -> str:
        return f"02:00:00:00:00:{number:02x}"

    def replug(self, one: int, other: int) -> None:
        """Swap the cables of two hosts: each gets the end that leads to the other's port."""
        spaces = self._host(one), self._host(other)
        self.run("ip", "link", "set", "eth0", "name", "cable", "netns", spaces[1], space=spaces[0])
        # A daemon that watches interfaces is to notice that the one is gone before another of that name is there.
        time.sleep(1)
        self.run("ip", "link", "set", "eth0", "netns", spaces[0], space=spaces[1])
        time.sleep(1)
        self.run("ip", "link", "set", "cable", "name", "eth0", space=spaces[1])
        for number, space in zip((one, other), spaces, strict=True):
            self.run("ip", "link", "set", "eth0", "address", self.mac(number), space=space)
            self.run("ip", "address", "add", f"192.0.2.{number}/24", "dev", "eth0", space=space)
            self.run("ip", "link", "set", "eth0", "up", space=space)

    def _host(self, number: int) -> str:
        return f"c{self.tag}-h{number}"

    def host(self, number: int) -> str:
        """The namespace of a host."""
        return self._host(number)

    def _start(self) -> None:
        socket = f"{self.folder}/db.sock"
        self.run("ip", "netns", "add", self.space)
        self.run("ip", "link", "set", "lo", "up", space=self.space)
        self.run("ovsdb-tool", "create", str(self.folder / "conf.db"), str(SCHEMA))
        quiet = ["--no-chdir", "--log-file=/dev/null"]
        self.run(
            "ovsdb-server",
            str(self.folder / "conf.db"),
            f"--remote=punix:{socket}",
            f"--pidfile={self.folder}/ovsdb-server.pid",
            f"--unixctl={self.folder}/ovsdb-server.ctl",
            "--detach",
            *quiet,
        )
        self.vsctl("--no-wait", "init")
        self.run(
            "ovs-vswitchd",
            f"unix:{socket}",
            f"--pidfile={self.folder}/ovs-vswitchd.pid",
            "--disable-system",
            "--detach",
            *quiet,
            space=self.space,
        )
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        for number in self.hosts:
            space = self._host(number)
            self.run("ip", "netns", "add", space)
            self.run(
                *("ip", "link", "add", f"swp{number}", "netns", self.space),
                *("type", "veth", "peer", "name", "eth0", "netns", space),
            )
            self.run("ip", "link", "set", f"swp{number}", "up", space=self.space)
            self.run("ip", "link", "set", "eth0", "address", self.mac(number), space=space)
            self.run("ip", "address", "add", f"192.0.2.{number}/24", "dev", "eth0", space=space)
            self.run("ip", "link", "set", "eth0", "up", space=space)
            self.vsctl("add-port", "br0", f"swp{number}", "tag=10")
        # The first frames wait for the port to come up.
        deadline = time.monotonic() + 5
        while not self.pings(1, 2) and time.monotonic() < deadline:
            time.sleep(0.05)
