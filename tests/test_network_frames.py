"""`clusto network` on a switch that moves real frames: Open vSwitch with hosts behind it, over SNMP and over ssh."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backends.snmpd import free_port
from tests.backends.switch.agent import QBridgeAgent
from tests.backends.switch.ovsagent import OvsBridge
from tests.backends.switch.ovslab import OvsLab, requirements
from tests.backends.switch.sshdlab import sshd
from tests.conftest import Result, Run

COMMANDS = """
add Switch sw1 --parts port=3
add Server server[1-3]
add VLAN vlan203 --attr vid=203
connect server1:eth0 sw1:1
connect server2:eth0 sw1:2
connect server3:eth0 sw1:3
"""


@dataclass
class Floor:
    """The switch, its hosts, and the command line on an inventory in which they are wired."""

    ovs: OvsLab
    run: Run

    def attributes(self, **values: object) -> None:
        for key, value in values.items():
            assert self.run("attr", "set", key.replace("_", ".", 1), str(value), "-t", "sw1").code == 0


@pytest.fixture(scope="module")
def ovs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OvsLab]:
    requirements()
    with OvsLab(tmp_path_factory.mktemp("ovs")) as lab:
        yield lab


@pytest.fixture
def floor(ovs: OvsLab, here: Run) -> Floor:
    for line in COMMANDS.strip().splitlines():
        assert here(*line.split()).code == 0, line
    for number in ovs.hosts:
        ovs.vsctl("set", "port", f"swp{number}", "tag=10", "vlan_mode=access", "trunks=[]")
    return Floor(ovs, here)


def the_story(floor: Floor) -> None:
    """Pings cross before and not after, and the reverse, and back by undo."""
    ovs, run = floor.ovs, floor.run
    assert ovs.pings(1, 2)
    moved = run("network", "setvlan", "server1", "eth0", "vlan203")
    assert (moved.code, moved.out) == (0, "server1:eth0 -> access 203 on sw1 swp1 (was access 10)\n"), moved.err
    assert not ovs.pings(1, 2)
    assert ovs.pings(3, 2)
    assert run("network", "setvlan", "server2:eth0", "203").code == 0
    assert ovs.pings(1, 2)
    assert not ovs.pings(3, 2)
    assert run("network", "undo", "server2").code == 0
    assert ovs.pings(3, 2)
    assert not ovs.pings(1, 2)


def test_over_snmp(floor: Floor) -> None:
    with QBridgeAgent(OvsBridge.in_front_of(floor.ovs)) as agent:
        floor.attributes(
            snmp_host="127.0.0.1", snmp_port=agent.port, snmp_community="private", switch_profile="qbridge"
        )
        the_story(floor)
        shown = floor.run("network", "ports", "sw1", "-o", "json").out
        assert floor.ovs.mac(3) in shown


def test_over_ssh(floor: Floor, tmp_path: Path) -> None:
    environment = {key: floor.ovs.environment[key] for key in ("PATH", "OVS_RUNDIR", "OVS_DBDIR")}
    with sshd(tmp_path, environment) as daemon:
        floor.attributes(ssh_host="127.0.0.1", ssh_port=daemon.port, ssh_user=daemon.user, ssh_identity=daemon.key)
        floor.attributes(ssh_known_hosts=daemon.known_hosts, switch_profile="openvswitch", switch_bridge="br0")
        floor.run("attr", "set", "label", "swp1", "-t", "sw1:1")
        floor.run("attr", "set", "label", "swp2", "-t", "sw1:2")
        the_story(floor)


@dataclass
class Lldp:
    """lldpd on the switch, shown by net-snmp's snmpd over AgentX, and an lldpd in each host's namespace."""

    ovs: OvsLab
    folder: Path
    port: int

    def update(self) -> None:
        """Send at once instead of every thirty seconds, from everybody."""
        for name, space in self.spaces().items():
            subprocess.run(
                ["ip", "netns", "exec", space, "lldpcli", "-u", str(self.folder / f"{name}.sock"), "update"],
                check=True,
                capture_output=True,
                env=self.ovs.environment,
            )

    def clusto(self, *words: str) -> Result:
        """A command in the namespace of the switch, whose agent is there with its interfaces."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.ovs.space, sys.executable, "-m", "clusto_cli.main", *words],
            capture_output=True,
            text=True,
            env={**self.ovs.environment, "CLUSTO_DB": os.environ["CLUSTO_DB"]},
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def spaces(self) -> dict[str, str]:
        return {"switch": self.ovs.space, **{f"server{number}": self.ovs.host(number) for number in self.ovs.hosts}}


@pytest.fixture
def lldp(ovs: OvsLab) -> Iterator[Lldp]:
    path = ovs.environment["PATH"]
    for program, package in (("lldpd", "lldpd"), ("snmpd", "snmpd")):
        if shutil.which(program, path=path) is None:
            pytest.skip(f"{program} is not installed (Debian package {package})")
    for folder in ("/var/run/lldpd", "/var/lib/snmp"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    # lldpd gives up its rights and must still find the socket, which pytest's own directories do not allow.
    tmp_path = Path(tempfile.mkdtemp(prefix="clusto-lldp-"))
    tmp_path.chmod(0o755)
    lab = Lldp(ovs, tmp_path, free_port())
    config = tmp_path / "snmpd.conf"
    config.write_text(
        f"agentaddress udp:127.0.0.1:{lab.port}\nrocommunity public\nmaster agentx\nagentXSocket {tmp_path}/agentx\n"
        "agentXPerms 0777 0755\n"
    )
    running = [
        subprocess.Popen(
            [
                "ip",
                "netns",
                "exec",
                ovs.space,
                "snmpd",
                "-f",
                "-Lf",
                str(tmp_path / "snmpd.log"),
                "-C",
                "-c",
                str(config),
                "-p",
                str(tmp_path / "pid"),
            ],
            env={**ovs.environment, "SNMP_PERSISTENT_DIR": str(tmp_path)},
            stderr=subprocess.DEVNULL,
        )
    ]
    try:
        deadline = time.monotonic() + 10
        while not (tmp_path / "agentx").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        for name, space in lab.spaces().items():
            ports = ",".join(f"swp{number}" for number in ovs.hosts) if name == "switch" else "eth0"
            words = ["lldpd", "-d", "-u", str(tmp_path / f"{name}.sock"), "-I", ports, "-S", name]
            if name == "switch":
                words += ["-x", "-X", f"unix:{tmp_path}/agentx"]
            running.append(
                subprocess.Popen(
                    ["ip", "netns", "exec", space, *words],
                    env=ovs.environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        for name, space in lab.spaces().items():
            control = ["ip", "netns", "exec", space, "lldpcli", "-u", str(tmp_path / f"{name}.sock")]
            while subprocess.run([*control, "show", "chassis"], capture_output=True, env=ovs.environment).returncode:
                assert time.monotonic() < deadline + 20, f"lldpd of {name} does not run"
                time.sleep(0.05)
            # An announcement a second that holds for two: what was unplugged is forgotten soon.
            for setting in (("system", "hostname", name), ("lldp", "tx-interval", "1"), ("lldp", "tx-hold", "2")):
                subprocess.run([*control, "configure", *setting], check=True, capture_output=True, env=ovs.environment)
        yield lab
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(10)
        shutil.rmtree(tmp_path, ignore_errors=True)


def seen(lldp: Lldp, wanted: Callable[[Result], bool]) -> Result:
    """The result of `verify` once the announcements that were just sent have arrived."""
    deadline = time.monotonic() + 20
    while True:
        lldp.update()
        result = lldp.clusto("network", "verify", "sw1")
        if wanted(result) or time.monotonic() > deadline:
            return result
        time.sleep(0.2)


def test_verify_by_lldp_before_and_after_two_cables_are_swapped(floor: Floor, lldp: Lldp) -> None:
    floor.attributes(snmp_host="127.0.0.1", snmp_port=lldp.port, snmp_community="public", switch_profile="qbridge")
    lines = [f"server{number}:eth0 -> sw1:{number}: confirmed (LLDP)" for number in floor.ovs.hosts]
    result = seen(lldp, lambda result: result.out.splitlines() == lines)
    assert (result.code, result.out.splitlines()) == (0, lines), result.err
    floor.ovs.replug(1, 2)
    try:
        swapped = [
            "server1:eth0 -> sw1:1: contradicted (LLDP sees it on sw1 swp2)",
            "server2:eth0 -> sw1:2: contradicted (LLDP sees it on sw1 swp1)",
            "server3:eth0 -> sw1:3: confirmed (LLDP)",
        ]
        result = seen(lldp, lambda result: result.out.splitlines() == swapped)
        assert (result.code, result.out.splitlines()) == (4, swapped)
    finally:
        floor.ovs.replug(1, 2)


def test_what_lldpd_tells_its_own_client(lldp: Lldp) -> None:
    from clusto_cli.backends.switch import cliread, profiles

    rules = profiles.load("openvswitch").ssh
    assert rules is not None
    words = rules.lldp.commands[0].split()
    words[1:1] = ["-u", str(lldp.folder / "switch.sock")]
    deadline = time.monotonic() + 20
    wanted = {(f"swp{number}", f"server{number}", "eth0") for number in lldp.ovs.hosts}
    while True:
        lldp.update()
        found = cliread.read_neighbours(rules.lldp, lldp.ovs.run(*words, space=lldp.ovs.space))
        told = {(one.port, one.system, one.remote_description) for one in found}
        if told == wanted or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert told == wanted


def test_proposals_by_lldp(floor: Floor, lldp: Lldp) -> None:
    floor.attributes(snmp_host="127.0.0.1", snmp_port=lldp.port, snmp_community="public", switch_profile="qbridge")
    assert floor.run("disconnect", "server3:eth0").code == 0
    seen(lldp, lambda result: result.out.count("confirmed") == 2)
    result = lldp.clusto("network", "verify", "sw1", "--propose")
    assert "clusto connect server3:eth0 sw1:3  # seen by LLDP" in result.out


if sys.platform != "linux" or os.geteuid() != 0:
    pytestmark = pytest.mark.skip(reason="network namespaces want root on Linux")
