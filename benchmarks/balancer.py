"""Adding a member to a real HAProxy beside `socat` with the same lines plus `import click`: whole processes.

`python benchmarks/balancer.py [--rounds 15]` needs Debian's haproxy and socat. The goal is 1.5 times both together.
"""

from __future__ import annotations

import argparse
import operator
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from table import CLUSTO, Measured, line, run, tell  # noqa: E402 -- after the path to it

from clusto_core.config import Settings  # noqa: E402 -- after the path to it
from clusto_core.inventory import Inventory  # noqa: E402
from clusto_core.store.opening import create  # noqa: E402
from tests.balancer.lab import BACKEND, Haproxy  # noqa: E402
from tests.console.lab import Lab  # noqa: E402

BUDGET = 1.5
PORT = 8443
SOCAT, CLICK, ADD = "socat", "import click", "clusto service add"


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


def least(before: Measured | None, now: Measured) -> Measured:
    return now if before is None else Measured(*map(min, before, now))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    found: dict[str, Measured | None] = dict.fromkeys((SOCAT, CLICK, ADD))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = Lab(folder)
        haproxy = Haproxy(lab)
        url, config, said = f"sqlite:///{folder}/clusto.db", folder / "clusto.toml", folder / "said"
        config.write_text(f'[devices]\npaths = ["{folder}"]\n')
        os.environ["CLUSTO_CONFIG"] = str(config)
        record(url, haproxy.socket, rounds + 1)
        for number in range(rounds + 1):
            said.write_text(lines(number, "bare"))
            commands = {
                SOCAT: ["socat", f"OPEN:{said}!!STDOUT", f"UNIX-CONNECT:{haproxy.socket}"],
                CLICK: [sys.executable, "-c", "import click; print()"],
                ADD: [CLUSTO, "service", "add", "shop", f"server{number}", "--vip", "lb1:shop"],
            }
            for what, command in commands.items():
                measured = run(command, url)
                found[what] = least(found[what], measured) if number else None
            for server in (f"bare{number}", f"server{number}"):
                haproxy.ask(f"set server {BACKEND}/{server} state maint;del server {BACKEND}/{server}")
        lab.stop()
    socat, click, add = (each for each in found.values() if each is not None)
    floor = Measured(*map(operator.add, socat, click))
    tell("A member at its balancer", [line(SOCAT, socat), line(CLICK, click), line(ADD, add, floor, BUDGET)])


if __name__ == "__main__":
    main()
