"""Adding a member to a real HAProxy beside `socat` with the same lines plus `import click`: whole processes.

`python benchmarks/balancer.py [--rounds 15]` needs Debian's haproxy and socat. Exit code 1 when `clusto service add`
takes more than 1.5 times as long.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from clusto_core.config import Settings  # noqa: E402 -- after the path to it
from clusto_core.inventory import Inventory  # noqa: E402
from clusto_core.store.opening import create  # noqa: E402
from tests.balancer.lab import BACKEND, Haproxy  # noqa: E402
from tests.console.lab import Lab  # noqa: E402

BUDGET = 1.5
PORT = 8443
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "CLUSTO"))}


def record(url: str, socket: Path, machines: int) -> None:
    create(url)
    with Inventory(Settings(url)).change("site") as change:
        change.add("LoadBalancer", "lb1", attributes=[("balancer.socket", str(socket))])
        change.add("Vip", "lb1:shop")
        change.add("Service", "shop", attributes=[("port", PORT)])
        for number in range(machines):
            change.add("Server", f"server{number}", attributes=[("balancer.address", address(number))])


def address(number: int) -> str:
    return f"127.0.1.{number + 1}"


def lines(number: int, name: str) -> str:
    server = f"{BACKEND}/{name}{number}"
    add = f"add server {server} {address(number)}:{PORT} check;enable health {server};set server {server} state ready"
    return f"{add};show servers state {BACKEND};show stat {BACKEND} 4 -1\n"


def seconds(argv: Sequence[str], environment: dict[str, str], said: str = "") -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, env=environment, input=said, text=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = Lab(folder)
        haproxy = Haproxy(lab)
        url, config = f"sqlite:///{folder}/clusto.db", folder / "clusto.toml"
        config.write_text(f'[devices]\npaths = ["{folder}"]\n')
        record(url, haproxy.socket, rounds + 1)
        environment = {**ENVIRONMENT, "CLUSTO_DB": url, "CLUSTO_CONFIG": str(config), "PYTHONPATH": str(ROOT)}
        add = [sys.executable, "-m", "clusto_cli.main", "service", "add", "shop"]
        found: dict[str, list[float]] = {"socat": [], "import click": [], "clusto service add": []}
        for number in range(rounds + 1):
            found["socat"].append(
                seconds(["socat", "-", f"UNIX-CONNECT:{haproxy.socket}"], environment, lines(number, "bare"))
            )
            found["import click"].append(seconds([sys.executable, "-c", "import click"], environment))
            found["clusto service add"].append(seconds([*add, f"server{number}", "--vip", "lb1:shop"], environment))
            for server in (f"bare{number}", f"server{number}"):
                haproxy.ask(f"set server {BACKEND}/{server} state maint;del server {BACKEND}/{server}")
        lab.stop()
    best = {what: min(times[1:]) for what, times in found.items()}
    for what, times in found.items():
        print(f"{what:<20} at best {best[what] * 1000:8.1f} ms, median {statistics.median(times[1:]) * 1000:8.1f} ms")
    held = best["socat"] + best["import click"]
    ratio = best["clusto service add"] / held
    print(f"{ratio:.2f} times socat and import click together ({held * 1000:.1f} ms at best); at most {BUDGET}")
    return int(ratio > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
