"""Real snmpd and lldpd inside network namespaces, for as long as a stack of contexts lives."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

COMMUNITY = "public"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Agents:
    """What runs in the namespaces of a room; `folder` has its sockets, and lldpd, which leaves root behind, has its
    own there all the same."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        folder.chmod(0o777)
        self._folder, self._stack = folder, stack
        self._speakers: dict[str, Sequence[str]] = {}

    def snmpd(self, name: str, inside: Sequence[str]) -> str:
        """Starts an agent at all addresses of a namespace, whose sysName is `name`; gives the path of its AgentX."""
        agentx = self._folder / f"{name}.agentx"
        config = self._folder / f"{name}.conf"
        config.write_text(
            f"rocommunity {COMMUNITY}\nsysName {name}.example.org\nmaster agentx\nagentXSocket unix:{agentx}\n"
        )
        logs = f"-Lf {self._folder}/{name}.log -p {self._folder}/{name}.pid"
        self.start(inside, f"snmpd -f {logs} -C -c {config} -r -I -smux udp:161")
        until(agentx.exists)
        return str(agentx)

    def lldpd(self, name: str, inside: Sequence[str], options: str) -> None:
        """Starts a speaker that announces itself each second as `name`."""
        self.start(inside, f"lldpd -d -u {self._socket(name)} {options}")
        until(self._socket(name).exists)
        self._speakers[name] = inside
        self.lldpcli(name, f"configure system hostname {name}.example.org")
        self.lldpcli(name, "configure lldp tx-interval 1")

    def lldpcli(self, name: str, words: str) -> str:
        """What a speaker answers."""
        command = [*self._speakers[name], "lldpcli", "-u", str(self._socket(name)), *words.split()]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def start(self, inside: Sequence[str], line: str) -> None:
        """Runs a program in a namespace until the stack ends."""
        command = [*inside, *line.split()]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._stack.callback(end, process)

    def _socket(self, name: str) -> Path:
        return self._folder / f"{name}.sock"


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that was started."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def until(done: Callable[[], bool]) -> None:
    """Waits for what comes soon."""
    ends = time.monotonic() + 60
    while not done():
        assert time.monotonic() < ends, "it does not come"
        time.sleep(0.1)
