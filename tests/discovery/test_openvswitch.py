"""A real Open vSwitch between a machine and a Linux bridge: its own LLDP, which has no name, and what snmpd says there.

It is in user space and a network namespace. lldpd speaks for it to the machine, and Open vSwitch itself to the bridge.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from clusto_core.inventory import Inventory
from tests.backends.switch.ovslab import OvsLab, requirements

from .agents import COMMUNITY, PATH, Agents, until

MACHINE, BRIDGE = 1, 2


@contextmanager
def room() -> Iterator[OvsLab]:
    """The switch, from whose namespace its own agent is reached at 127.0.0.1, and that of the bridge at 10.77.1.2."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ovs = stack.enter_context(OvsLab(folder, hosts=2))
        agents = Agents(folder, stack)
        switch, machine, bridge = (_inside(name) for name in (ovs.space, ovs.host(MACHINE), ovs.host(BRIDGE)))
        _join(ovs)
        agents.lldpd("real-ovs", switch, f"-x -X unix:{agents.snmpd('real-ovs', switch)} -I swp*")
        # There Open vSwitch speaks for itself, and hears nobody: that is lldpd's.
        agents.lldpcli("real-ovs", f"configure ports swp{BRIDGE} lldp status rx-only")
        agents.lldpd("real-machine", machine, "-I eth0")
        agents.lldpd("real-bridge", bridge, f"-x -X unix:{agents.snmpd('real-bridge', bridge)} -I swp5")
        ovs.vsctl("set", "interface", f"swp{BRIDGE}", "lldp:enable=true")
        until(lambda: "real-machine" in agents.lldpcli("real-ovs", "show neighbors"))
        until(lambda: f"ifname swp{BRIDGE}" in agents.lldpcli("real-bridge", "show neighbors"))
        yield ovs


def _inside(space: str) -> list[str]:
    return ["ip", "netns", "exec", space]


def _join(ovs: OvsLab) -> None:
    """The second host is a Linux bridge, with its card as a port, and a cable for management."""
    far = ovs.host(BRIDGE)
    ovs.run("ip", "link", "add", "m0", "netns", ovs.space, "type", "veth", "peer", "name", "mgmt", "netns", far)
    for space, name, address in ((ovs.space, "m0", "10.77.1.1/24"), (far, "mgmt", "10.77.1.2/24")):
        ovs.run("ip", "addr", "add", address, "dev", name, space=space)
        ovs.run("ip", "link", "set", name, "up", space=space)
    ovs.run("ip", "link", "add", "br0", "type", "bridge", space=far)
    ovs.run("ip", "link", "set", "br0", "up", space=far)
    ovs.run("ip", "link", "set", "eth0", "down", space=far)
    ovs.run("ip", "link", "set", "eth0", "name", "swp5", "master", "br0", "up", space=far)


def test_open_vswitch_and_its_neighbours(sqlite_url: str) -> None:
    requirements()
    if lacking := [name for name in ("lldpd", "lldpcli", "snmpd") if shutil.which(name, path=PATH) is None]:
        pytest.skip(f"{', '.join(lacking)} not installed (Debian packages lldpd, snmpd)")
    with Inventory.open(sqlite_url).change() as change:
        for name, address in (("real-ovs", "127.0.0.1"), ("real-bridge", "10.77.1.2")):
            settings = {"snmp.host": address, "snmp.community": COMMUNITY, "switch.profile": "qbridge"}
            change.add("Switch", name, attributes=list(settings.items()))
        change.add("Server", "real-machine")
    with room() as ovs:
        command = [*_inside(ovs.space), sys.executable, "-m", "clusto_cli.main", "discover"]
        environment = {**os.environ, "CLUSTO_DB": sqlite_url}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert "+ real-bridge:5 -- real-ovs:2  sure  LLDP of real-bridge swp5 and of real-ovs swp2 agree" in said
    heard = "LLDP of real-ovs swp1: real-machine.example.org eth0"
    assert f"+ real-machine:eth0 -- real-ovs:1  likely  {heard}" in said
    assert f"+ real-machine:eth0 mac={ovs.mac(MACHINE)}  likely  {heard}" in said
