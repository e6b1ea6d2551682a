"""Power on many PDUs: 1,000 outlets of 40 simulated PDUs that take 20 ms for an answer, in whole processes.

    python benchmarks/power.py [--quick] [--rounds 11]

All is measured in one run, in turn. PowerMan (Debian powerman) is the floor when it is installed; else 25 sequential
requests of 20 ms are.
"""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from lab.agent import SNMP_IN_PKTS
from table import CLUSTO, Row, alone, amount, arguments, beside, directory, environment, run, tell, told_of

from clusto_cli.backends.snmp.message import Kind, Message, Varbind, decode, encode
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.store.opening import create
from tests.power_room import record_objects

PDUS, OUTLETS, LATENCY, FIRST_PORT = 40, 25, 0.02, 17100
TITLE = "Power"
MOST, BARE_MOST, STATUS_MOST, MEMORY = 0.8, 2.0, 1.5, 150
SERVERS = f"server[1-{PDUS // 2 * OUTLETS}]"
COMMAND = "1.3.6.1.4.1.318.1.1.26.9.2.4.1.5"
NEWLINE = "\n"


@contextmanager
def lab(folder: Path, *options: str) -> Iterator[Path]:
    inventory = folder / "room.jsonl"
    inventory.unlink(missing_ok=True)
    command = [sys.executable, "-m", "lab", "--pdus", str(PDUS), "--outlets", str(OUTLETS), "--port", str(FIRST_PORT)]
    command += ["--latency", str(LATENCY), "--moves-after", "0", "--inventory", str(inventory), *options]
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


def timed(command: list[str], url: str) -> tuple[float, str]:
    """Seconds, and what was said."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment(url), check=False)
    seconds = time.perf_counter() - began
    if done.returncode not in (0, 5):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return seconds, done.stdout


def clusto(*words: str) -> list[str]:
    return [CLUSTO, "power", *words]


def packets() -> int:
    total = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        for place in range(PDUS):
            client.connect(("127.0.0.1", FIRST_PORT + place))
            client.send(encode(Message(1, b"public", Kind.GET, 1, 0, 0, [Varbind(SNMP_IN_PKTS)])))
            value = decode(client.recv(1500)).varbinds[0].value
            assert isinstance(value, int)
            total += value
    return total - PDUS


@contextmanager
def powerman(folder: Path) -> Iterator[list[str] | None]:
    """PowerMan's daemon over the same agents; the client's command without its action."""
    daemon = shutil.which("powermand", path="/usr/sbin:/usr/bin")
    if daemon is None:
        yield None
        return
    plugs = " ".join(f'"{number}"' for number in range(1, OUTLETS + 1))
    scripts = [
        f'script {verb} {{ send "set {COMMAND}.%s i {code}\\n" expect ".[0-9]+: {code}\\n" expect "snmppower> " }}'
        for verb, code in (("on", 1), ("off", 2))
    ]
    lines = ['listen "127.0.0.1:17099"']
    for place in range(PDUS):
        port = FIRST_PORT + place
        login = f'script login {{ expect "snmppower> " send "start 127.0.0.1:{port} private\\n" expect "snmppower> " }}'
        lines.append(
            f'specification "pdu{place}" {{ timeout 10 plug name {{ {plugs} }}\n{login}\n{NEWLINE.join(scripts)} }}'
        )
        helper = f"{sys.executable} {ROOT / 'benchmarks' / 'snmppower.py'} |&"
        lines.append(f'device "d{place}" "pdu{place}" "{helper}"')
        lines += [f'node "p{place}n{number}" "d{place}" "{number}"' for number in range(1, OUTLETS + 1)]
    config = folder / "powerman.conf"
    config.write_text("\n".join(lines) + "\n")
    process = subprocess.Popen([daemon, "-f", "-c", str(config)], env=environment(), stderr=subprocess.DEVNULL)
    try:
        time.sleep(8)
        yield ["pm", "-h", "127.0.0.1:17099"] if process.poll() is None else None
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    given = arguments(__doc__, rounds=(11, 2))
    with directory() as folder:
        url = f"sqlite:///{folder}/clusto.db"
        create(url)
        with lab(folder) as inventory:
            record_objects(Inventory(Settings(url)), map(json.loads, inventory.read_text().splitlines()))
            timed(clusto("status", SERVERS), url)
            rows = [*switched(folder, url, given.rounds), status(url, given.rounds)]
        tell(f"{TITLE}, {PDUS * OUTLETS:,} outlets on {PDUS} PDUs of 20 ms an answer", [*rows, *one_dead(folder, url)])


def switched(folder: Path, url: str, rounds: int) -> Iterator[Row]:
    """All off and verified, and PowerMan in turn; then a bare loop, of ten seconds each."""
    ours, theirs, bare = [], [], []
    with powerman(folder) as pm:
        nodes = ",".join(f"p{place}n[1-{OUTLETS}]" for place in range(PDUS))
        for _ in range(rounds):
            before = packets()
            seconds, out = timed(clusto("off", SERVERS, "--yes"), url)
            ours.append(seconds)
            sent = packets() - before - PDUS
            assert len([line for line in out.splitlines() if line.endswith(" off")]) == PDUS // 2 * OUTLETS
            timed(clusto("on", SERVERS), url)
            if pm is not None:
                seconds, out = timed([*pm, "-0", nodes], url)
                assert "completed successfully" in out, out
                theirs.append(seconds)
                timed(clusto("on", SERVERS), url)
    loop = [sys.executable, str(ROOT / "benchmarks" / "bare_pysnmp.py"), *map(str, (FIRST_PORT, PDUS, OUTLETS))]
    for _ in range(-(-rounds // 4)):
        seconds, out = timed(loop, url)
        assert int(out) == sent, f"the bare loop sent {out.strip()} packets, clusto {sent}"
        bare.append(seconds)
        timed(clusto("on", SERVERS), url)
    whole = run(clusto("off", SERVERS, "--yes"), url)
    own, floor = statistics.median(ours), statistics.median(theirs) if theirs else OUTLETS * LATENCY
    whose = "PowerMan, unverified" if theirs else "25 x 20 ms (no powermand)"
    yield beside(f"off and verified, beside {whose}, by the clock", own, floor, most=MOST, besides=told_of(whole))
    yield beside("the same beside a bare pysnmp loop, by the clock", own, statistics.median(bare), most=BARE_MOST)
    yield beside("packets, beside outlets", sent, PDUS * OUTLETS, "", most=1)
    yield alone("memory", whole.memory, "MiB", most=MEMORY)


def status(url: str, rounds: int) -> Row:
    imports = [sys.executable, "-c", "import click, pysnmp.hlapi.v1arch.asyncio"]
    found = [(timed(clusto("status", "server1"), url)[0], timed(imports, url)[0]) for _ in range(rounds)]
    one, floor = (statistics.median(each) for each in zip(*found, strict=True))
    what = "power status server1, beside importing click and pysnmp and a round trip, by the clock"
    return beside(what, one, floor + LATENCY, most=STATUS_MOST)


def one_dead(folder: Path, url: str) -> Iterator[Row]:
    with lab(folder, "--dead", "pdu7a"):
        began = time.perf_counter()
        command = clusto("off", SERVERS, "--yes", "-o", "jsonl")
        arrived: dict[bool, list[float]] = {True: [], False: []}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(url)) as process:
            assert process.stdout is not None
            for record in map(json.loads, process.stdout):
                arrived[record["done"]].append(time.perf_counter() - began)
    dead = f"those of the dead one after {amount(max(arrived[False]))}, its own 5 s and the start"
    yield alone("one dead PDU: the last of the others, by the clock", max(arrived[True]), most=4, besides=dead)


if __name__ == "__main__":
    main()
