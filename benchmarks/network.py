"""Moving ports between VLANs over SNMP, in whole processes, on simulated switches that take 20 ms for an answer.

    python benchmarks/network.py [--quick] [--rounds 7]

One `setvlan`, verified, beside a bare pysnmp script that sends the same requests; and 20 ports of each of 10 switches
beside 20 ports of one. Measured in turn in one run.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from table import CLUSTO, Row, arguments, beside, directory, environment, tell

from clusto_cli.backends.snmp.message import Kind, Tag, decode, format_oid

TITLE = "Moving ports between VLANs"
SWITCHES, PORTS, LATENCY, FIRST_PORT = 10, 20, 0.02, 17300
MOST_OF_BARE, MOST_OF_ONE = 1.3, 3.0
VLANS = ("vlan203", "office")


@contextmanager
def lab(folder: Path) -> Iterator[Path]:
    """Switches 1 to SWITCHES on the last ports of a room with two PDUs each; the file of its inventory."""
    inventory = folder / "room.jsonl"
    command = [sys.executable, "-m", "lab", "--pdus", str(2 * SWITCHES), "--outlets", str(PORTS)]
    command += ["--port", str(FIRST_PORT), "--latency", str(LATENCY), "--inventory", str(inventory)]
    settings = environment(PYTHONPATH=f"{ROOT}:{ROOT / 'examples'}")
    process = subprocess.Popen(command, env=settings, stderr=subprocess.DEVNULL)
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


def timed(command: list[str], url: str | None = None) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment(url), check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return time.perf_counter() - began


def setvlan(names: str, turn: int) -> list[str]:
    return [CLUSTO, "network", "setvlan", names, "eth0", VLANS[turn % 2]]


def main() -> None:
    given = arguments(__doc__, rounds=(7, 3))
    with directory() as folder:
        url = f"sqlite:///{folder}/clusto.db"
        with lab(folder) as inventory:
            timed([CLUSTO, "import", str(inventory)], url)
            timed(setvlan("server1", 1), url)
            rows = [one_port(folder, url, given.rounds), many_ports(url, given.rounds)]
    tell(f"{TITLE}, switches of 20 ms an answer", rows)


def one_port(folder: Path, url: str, rounds: int) -> Row:
    switch = FIRST_PORT + 2 * SWITCHES
    recorder = Recorder(switch)
    timed([CLUSTO, "attr", "set", "snmp.port", str(recorder.port), "-t", "switch1"], url)
    timed(setvlan("server1", 0), url)
    requests = folder / "requests.json"
    requests.write_text(json.dumps(recorder.requests))
    timed([CLUSTO, "attr", "set", "snmp.port", str(switch), "-t", "switch1"], url)
    script = [sys.executable, str(ROOT / "benchmarks" / "replay_pysnmp.py"), str(switch), str(requests)]
    ours, bare = [], []
    for turn in range(rounds):
        bare.append(timed(script))
        ours.append(timed(setvlan("server1", turn + 1), url))
    what = "one setvlan, verified, beside bare pysnmp with the same requests, by the clock"
    besides = f"{len(recorder.requests)} requests"
    return beside(what, statistics.median(ours), statistics.median(bare), most=MOST_OF_BARE, besides=besides)


def many_ports(url: str, rounds: int) -> Row:
    one, all_of_them = [], []
    for turn in range(rounds):
        one.append(timed(setvlan(f"server[1-{PORTS}]", turn), url))
        # Back first, so that both have as many ports to move.
        timed(setvlan(f"server[1-{PORTS}]", turn + 1), url)
        all_of_them.append(timed(setvlan(f"server[1-{PORTS * SWITCHES}]", turn), url))
    what = f"{PORTS * SWITCHES} ports on {SWITCHES} switches, beside {PORTS} on one, by the clock"
    return beside(what, statistics.median(all_of_them), statistics.median(one), most=MOST_OF_ONE)


if __name__ == "__main__":
    main()
