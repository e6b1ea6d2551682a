"""Linux bridge VLAN filtering, in user-mode Linux where this kernel has none: the planned lines, run as they are, and
pings between the hosts on the bridge's ports."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from clusto_cli.backends.switch import cliread, cliwrite, profiles
from clusto_cli.backends.switch.change import differences
from clusto_cli.backends.switch.model import PortState, SwitchSettings, SwitchState, access_port

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MARK = "=== "

INIT = """\
#!/bin/sh
# The first process of the machine: a bridge with three ports, a host behind each, what is asked, and the end.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmp /run
mkdir -p /run/netns
mkdir -p /run/tree/lib/modules
ln -s /usr/lib/uml/modules/$(uname -r) /run/tree/lib/modules/
modprobe -d /run/tree -a bridge veth 8021q
ip link add br0 type bridge vlan_filtering 1 || echo '{mark}no bridge'
ip link set br0 up
for n in 1 2 3; do
    ip netns add h$n
    ip link add swp$n type veth peer name eth0 netns h$n
    ip link set swp$n master br0 up
    bridge vlan del dev swp$n vid 1
    bridge vlan add dev swp$n vid 10 pvid untagged
    ip netns exec h$n ip address add 192.0.2.$n/24 dev eth0
    ip netns exec h$n ip link set eth0 up
done
sleep 0.3
try() {{ ip netns exec h$1 ping -c1 -W1 -q 192.0.2.$2 >/dev/null 2>&1 && echo yes || echo no; }}
echo '{mark}before'; bridge -j vlan show
echo '{mark}cross before'; try 1 2
echo '{mark}lines'
{lines}
echo '{mark}after'; bridge -j vlan show
echo '{mark}cross after'; try 1 2
echo '{mark}cross others'; try 3 2
echo '{mark}back'
{back}
echo '{mark}cross back'; try 1 2
echo '{mark}end'
echo o > /proc/sysrq-trigger; sleep 5
"""


def planned(before: PortState, vlan: int) -> str:
    """The lines that are sent to the switch, as a script that tells each one that fails."""
    rules = profiles.load("linux_bridge").ssh
    assert rules is not None
    now = SwitchState({before.name: before}, {})
    goals = {before.name: access_port(before.name, vlan)}
    plan = cliwrite.lines_for(rules, SwitchSettings("h"), now, goals, {}, ())
    return "\n".join(f"{line} || echo failed" for line in plan.lines())


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the machine printed, by mark."""
    for program, package in (("linux.uml", "user-mode-linux"), ("bridge", "iproute2"), ("ping", "iputils-ping")):
        if shutil.which(program, path=PATH) is None:
            pytest.skip(f"{program} is not installed (Debian package {package})")
    folder = tmp_path_factory.mktemp("uml")
    init = folder / "init.sh"
    there, back = planned(access_port("swp1", 10), 203), planned(access_port("swp1", 203), 10)
    init.write_text(INIT.format(mark=MARK, lines=there, back=back))
    init.chmod(0o755)
    words = ["linux.uml", "mem=128M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", f"init={init}"]
    try:
        done = subprocess.run(
            [*words, f"uml_dir={folder}", "con=null", "con0=fd:0,fd:1", "con1=null", "quiet"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={"PATH": PATH, "HOME": str(folder), "TMPDIR": str(folder)},
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("user-mode Linux does not come to its end here")
    parts: dict[str, str] = {}
    for part in done.stdout.split(MARK)[1:]:
        name, _, text = part.replace("\r", "").partition("\n")
        parts[name.strip()] = text.strip()
    if "end" not in parts or "no bridge" in parts:
        pytest.skip(f"user-mode Linux cannot run a bridge here: {done.stdout[-200:]!r} {done.stderr[-200:]!r}")
    return parts


def state(output: str) -> PortState:
    rules = profiles.load("linux_bridge").ssh
    assert rules is not None
    return cliread.read_port(rules.read, "swp1", output, {})


def test_what_is_read_before_and_after(story: dict[str, str]) -> None:
    assert state(story["before"]).vlan == 10
    after = SwitchState({"swp1": state(story["after"])}, {})
    assert differences({"swp1": access_port("swp1", 203)}, after) == []
    assert (story["lines"], story["back"]) == ("", "")


def test_pings_cross_before_and_not_after_and_the_reverse(story: dict[str, str]) -> None:
    crossed = {name: text for name, text in story.items() if name.startswith("cross")}
    assert crossed == {"cross before": "yes", "cross after": "no", "cross others": "yes", "cross back": "yes"}
