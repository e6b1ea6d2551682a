"""Real lldpd and snmpd in network namespaces: two bridges that hear each other, and a machine on one of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from clusto_core.inventory import Inventory

from .agents import COMMUNITY, PATH, Agents, end, until

NEEDED = ("unshare", "nsenter", "ip", "lldpd", "lldpcli", "snmpd")


def _missing() -> str:
    lacking = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
    if lacking:
        return f"{', '.join(lacking)} not installed (Debian packages util-linux, iproute2, lldpd, snmpd)"
    done = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    return "no network namespaces may be made here" if done.returncode else ""


class Namespace:
    """A network namespace, for as long as its process lives."""

    def __init__(self, stack: ExitStack) -> None:
        self._process = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        stack.callback(end, self._process)
        self.pid = self._process.pid
        while os.readlink(f"/proc/{self.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        self("ip link set lo up")

    def __call__(self, line: str) -> str:
        done = subprocess.run([*self.inside, *line.split()], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    @property
    def inside(self) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-n"]


@contextmanager
def room(folder: Path) -> Iterator[Namespace]:
    """The namespace from which the bridges' agents are reached, at 10.77.0.2 and 10.77.1.2."""
    with ExitStack() as stack:
        outside, one, two, machine = (Namespace(stack) for _ in range(4))
        for number, bridge in enumerate((one, two)):
            outside(f"ip link add m{number} type veth peer name mgmt netns {bridge.pid}")
            outside(f"ip addr add 10.77.{number}.1/24 dev m{number}")
            outside(f"ip link set m{number} up")
            bridge(f"ip addr add 10.77.{number}.2/24 dev mgmt")
            bridge("ip link set mgmt up")
            bridge("ip link add br0 type bridge")
            bridge("ip link set br0 up")
        one(f"ip link add swp1 type veth peer name swp5 netns {two.pid}")
        one(f"ip link add swp2 type veth peer name eth0 netns {machine.pid}")
        for bridge, port in ((one, "swp1"), (one, "swp2"), (two, "swp5")):
            bridge(f"ip link set {port} master br0 up")
        machine("ip link set eth0 up")
        agents = Agents(folder, stack)
        for name, bridge in (("real-one", one), ("real-two", two)):
            agentx = agents.snmpd(name, bridge.inside)
            agents.lldpd(name, bridge.inside, f"-x -X unix:{agentx} -I swp* -C mgmt")
        agents.lldpd("real-machine", machine.inside, "-I eth0")
        until(lambda: agents.lldpcli("real-one", "show neighbors").count("real-") == 2)
        until(lambda: "real-one" in agents.lldpcli("real-two", "show neighbors"))
        yield outside


@pytest.mark.skipif(bool(_missing()), reason=_missing())
def test_real_neighbours(sqlite_url: str) -> None:
    with Inventory.open(sqlite_url).change() as change:
        for name, address in (("real-one", "10.77.0.2"), ("real-two", "10.77.1.2")):
            settings = {"snmp.host": address, "snmp.community": COMMUNITY, "switch.profile": "qbridge"}
            change.add("Switch", name, attributes=list(settings.items()))
        change.add("Server", "real-machine")
    with tempfile.TemporaryDirectory() as temporary, room(Path(temporary)) as outside:
        command = [*outside.inside, sys.executable, "-m", "clusto_cli.main", "discover"]
        environment = {**os.environ, "CLUSTO_DB": sqlite_url}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (
        "+ real-one:1 -- real-two:5  sure  LLDP of real-one swp1 and of real-two swp5 agree" in done.stdout.splitlines()
    )
    heard = "LLDP of real-one swp2: real-machine.example.org eth0"
    assert f"+ real-machine:eth0 -- real-one:2  likely  {heard}" in done.stdout.splitlines()
