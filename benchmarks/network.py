"""Moving ports between VLANs over SNMP, in whole processes, on simulated switches that take 20 ms for an answer.

`python benchmarks/network.py`: one `setvlan`, verified, against a bare pysnmp script that sends the same requests; and
20 ports of each of 10 switches against 20 ports of one. Measured in turn in one run; exit code 1 when a ratio is beyond
what it is held against.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from clusto_cli.backends.snmp.message import Kind, Tag, decode, format_oid  # noqa: E402

SWITCHES, PORTS, LATENCY, FIRST_PORT, ROUNDS = 10, 20, 0.02, 17300, 5
MOST_OF_BARE, MOST_OF_ONE = 2.0, 3.0
VLANS = ("vlan203", "office")
failures: list[str] = []


def say(what: str, value: str, held: str = "", good: bool = True) -> None:
    print(f"{what:<52} {value:>10}   {held}{'' if good else '   <-- beyond'}", flush=True)
    if not good:
        failures.append(what)


@contextmanager
def lab(directory: Path) -> Iterator[Path]:
    """Switches 1 to SWITCHES on the last ports of a room with two PDUs each; the file of its inventory."""
    inventory = directory / "room.jsonl"
    command = [sys.executable, "-m", "lab", "--pdus", str(2 * SWITCHES), "--outlets", str(PORTS)]
    command += ["--port", str(FIRST_PORT), "--latency", str(LATENCY), "--inventory", str(inventory)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'examples'}"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        while not (inventory.exists() and inventory.stat().st_size):
            if process.poll() is not None:
                sys.exit("the lab did not start (are its ports taken?)")
            time.sleep(0.05)
        time.sleep(0.2)
        yield inventory
    finally:
        process.terminate()
        process.wait()


class Recorder:
    """A relay in front of one switch that keeps what was asked."""

    def __init__(self, behind: int) -> None:
        self.requests: list[Any] = []
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.connect(("127.0.0.1", behind))
        self._peer: Any = None
        self.port: int = self._front.getsockname()[1]
        for work in (self._forth, self._home):
            threading.Thread(target=work, daemon=True).start()

    def _forth(self) -> None:
        letters = {Tag.INTEGER: "i", Tag.GAUGE32: "u", Tag.OCTET_STRING: "x"}
        kinds = {Kind.SET: "set", Kind.GET_BULK: "bulk", Kind.GET: "get"}
        while True:
            data, self._peer = self._front.recvfrom(65535)
            message = decode(data)
            varbinds = [
                [
                    format_oid(one.oid),
                    letters.get(Tag(one.tag), ""),
                    one.value.hex() if isinstance(one.value, bytes) else one.value,
                ]
                for one in message.varbinds
            ]
            self.requests.append([kinds[Kind(message.kind)], varbinds, message.error_index])
            self._back.send(data)

    def _home(self) -> None:
        while True:
            self._front.sendto(self._back.recv(65535), self._peer)


def timed(command: list[str], url: str = "") -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CLUSTO_DB": url}, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return time.perf_counter() - began


def clusto(*words: str) -> list[str]:
    return [sys.executable, "-m", "clusto_cli.main", *words]


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        url = f"sqlite:///{directory}/clusto.db"
        with lab(directory) as inventory:
            timed(clusto("import", str(inventory)), url)
            timed(clusto("network", "setvlan", "server1", "eth0", VLANS[1]), url)
            one_port(directory, url)
            many_ports(url)
    return 1 if failures else 0


def one_port(directory: Path, url: str) -> None:
    switch = FIRST_PORT + 2 * SWITCHES
    recorder = Recorder(switch)
    timed(clusto("attr", "set", "snmp.port", str(recorder.port), "-t", "switch1"), url)
    timed(clusto("network", "setvlan", "server1", "eth0", VLANS[0]), url)
    requests = directory / "requests.json"
    requests.write_text(json.dumps(recorder.requests))
    timed(clusto("attr", "set", "snmp.port", str(switch), "-t", "switch1"), url)
    script = [sys.executable, str(ROOT / "benchmarks" / "replay_pysnmp.py"), str(switch), str(requests)]
    ours, bare = [], []
    for round_ in range(ROUNDS):
        bare.append(timed(script))
        ours.append(timed(clusto("network", "setvlan", "server1", "eth0", VLANS[(round_ + 1) % 2]), url))
    say("requests of one setvlan, verified", str(len(recorder.requests)))
    say("a bare pysnmp script that sends them", f"{statistics.median(bare):.3f} s")
    ratio = statistics.median(ours) / statistics.median(bare)
    say("clusto network setvlan, whole process", f"{statistics.median(ours):.3f} s")
    say("  ratio", f"{ratio:.2f}", f"at most {MOST_OF_BARE:g}", ratio <= MOST_OF_BARE)


def many_ports(url: str) -> None:
    one, all_of_them = [], []
    for round_ in range(ROUNDS):
        vlan = VLANS[round_ % 2]
        one.append(timed(clusto("network", "setvlan", f"server[1-{PORTS}]", "eth0", vlan), url))
        # Back first, so that both have as many ports to move.
        timed(clusto("network", "setvlan", f"server[1-{PORTS}]", "eth0", VLANS[(round_ + 1) % 2]), url)
        words = ("network", "setvlan", f"server[1-{PORTS * SWITCHES}]", "eth0", vlan)
        all_of_them.append(timed(clusto(*words), url))
    say(f"{PORTS} ports on one switch", f"{statistics.median(one):.3f} s")
    say(f"{PORTS * SWITCHES} ports on {SWITCHES} switches", f"{statistics.median(all_of_them):.3f} s")
    ratio = statistics.median(all_of_them) / statistics.median(one)
    say("  ratio", f"{ratio:.2f}", f"at most {MOST_OF_ONE:g}", ratio <= MOST_OF_ONE)


if __name__ == "__main__":
    sys.exit(main())
