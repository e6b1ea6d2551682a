"""Power on many PDUs: 1,000 outlets of 40 simulated PDUs that take 20 ms for an answer, in whole processes.

`python benchmarks/power.py`: all is measured in one run, side by side, and printed with what it is held against. Exit
code 1 when something is beyond it. PowerMan (Debian powerman) is measured when it is installed; else 25 sequential
requests of 20 ms are the line.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from lab.agent import SNMP_IN_PKTS  # noqa: E402

from clusto_cli.backends.snmp.message import Kind, Message, Varbind, decode, encode  # noqa: E402
from clusto_core.config import Settings  # noqa: E402
from clusto_core.inventory import Inventory  # noqa: E402
from clusto_core.store.opening import create  # noqa: E402
from tests.power_room import record_objects  # noqa: E402

PDUS, OUTLETS, LATENCY, FIRST_PORT = 40, 25, 0.02, 17100
ROUNDS, BARE_ROUNDS = 11, 3
"""How often clusto and PowerMan are measured, in turn; and, at ten seconds each, the bare loop."""
SERVERS = f"server[1-{PDUS // 2 * OUTLETS}]"
COMMAND = "1.3.6.1.4.1.318.1.1.26.9.2.4.1.5"
NEWLINE = "\n"
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
"""Processes start as an operator's do: with their bytecode kept and their output buffered."""
failures: list[str] = []


def say(what: str, value: str, held: str = "", good: bool = True) -> None:
    print(f"{what:<58} {value:>12}   {held}{'' if good else '   <-- beyond'}", flush=True)
    if not good:
        failures.append(what)


@contextmanager
def lab(directory: Path, *options: str) -> Iterator[Path]:
    inventory = directory / "room.jsonl"
    inventory.unlink(missing_ok=True)
    command = [sys.executable, "-m", "lab", "--pdus", str(PDUS), "--outlets", str(OUTLETS), "--port", str(FIRST_PORT)]
    command += ["--latency", str(LATENCY), "--moves-after", "0", "--inventory", str(inventory), *options]
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{ROOT}:{ROOT / 'examples'}"}
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


def timed(command: list[str], url: str) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**ENVIRONMENT, "CLUSTO_DB": url}, check=False)
    seconds = time.perf_counter() - began
    if done.returncode not in (0, 5):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return seconds, done.stdout


def clusto(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "clusto_cli.main", "power", *arguments]


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
def powerman(directory: Path) -> Iterator[list[str] | None]:
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
    config = directory / "powerman.conf"
    config.write_text("\n".join(lines) + "\n")
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([daemon, "-f", "-c", str(config)], env=environment, stderr=subprocess.DEVNULL)
    try:
        time.sleep(8)
        yield ["pm", "-h", "127.0.0.1:17099"] if process.poll() is None else None
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        url = f"sqlite:///{directory}/clusto.db"
        create(url)
        with lab(directory) as inventory:
            record_objects(Inventory(Settings(url)), map(json.loads, inventory.read_text().splitlines()))
            timed(clusto("status", SERVERS), url)
            everything(directory, url)
        one_dead(directory, url)
    if failures:
        sys.exit(f"{len(failures)} beyond what they are held against")


def everything(directory: Path, url: str) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    bare: list[float] = []
    with powerman(directory) as pm:
        nodes = ",".join(f"p{place}n[1-{OUTLETS}]" for place in range(PDUS))
        for _ in range(ROUNDS):
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
    for _ in range(BARE_ROUNDS):
        seconds, out = timed(loop, url)
        assert int(out) == sent, f"the bare loop sent {out.strip()} packets, clusto {sent}"
        bare.append(seconds)
        timed(clusto("on", SERVERS), url)
    own = statistics.median(ours)
    line = statistics.median(theirs) if theirs else OUTLETS * LATENCY
    whose = "PowerMan, unverified" if theirs else "25 x 20 ms (no powermand)"
    outlets = PDUS * OUTLETS
    say(
        f"{outlets} outlets on {PDUS} PDUs, off and verified",
        f"{own:.2f} s",
        f"{whose}: {line:.2f} s, ratio {own / line:.2f}",
        own < line,
    )
    say("  packets", str(sent), f"fewer than {outlets}", sent < outlets)
    least = statistics.median(bare)
    say(
        "  bare pysnmp loop with the same packets",
        f"{least:.2f} s",
        f"ratio {own / least:.2f}, at most 2",
        own <= 2 * least,
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    say("  memory", f"{peak:.0f} MiB", "under 150 MiB", peak < 150)
    floor = [sys.executable, "-c", "import click, pysnmp.hlapi.v1arch.asyncio"]
    status, imports = [], []
    for _ in range(7):
        status.append(timed(clusto("status", "server1"), url)[0])
        imports.append(timed(floor, url)[0])
    one, least = statistics.median(status), statistics.median(imports) + LATENCY
    ratio = one / least
    say(
        "power status server1",
        f"{one:.3f} s",
        f"import of click and pysnmp, one round trip: {least:.3f} s, ratio {ratio:.2f}",
        ratio <= 1.5,
    )


def one_dead(directory: Path, url: str) -> None:
    with lab(directory, "--dead", "pdu7a"):
        began = time.perf_counter()
        command = clusto("off", SERVERS, "--yes", "-o", "jsonl")
        environment = {**ENVIRONMENT, "CLUSTO_DB": url}
        arrived: dict[bool, list[float]] = {True: [], False: []}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            for record in map(json.loads, process.stdout):
                arrived[record["done"]].append(time.perf_counter() - began)
        last, dead = max(arrived[True]), max(arrived[False])
        say(
            "one dead PDU of 40: the last of the others",
            f"{last:.2f} s",
            "not delayed: before the dead one's 5 s",
            last < 4,
        )
        say("  the dead one's servers", f"{dead:.2f} s", "its own timeout of 5 s, and start-up", dead < 6.5)


if __name__ == "__main__":
    main()
