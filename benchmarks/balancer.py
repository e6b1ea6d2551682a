"""Adding a member to a real HAProxy beside `socat` with the same lines plus `import click`: whole processes.

    python benchmarks/balancer.py [--quick] [--rounds 15]

Needs Debian's haproxy and socat. The goal is 1.5 times both together.
"""

from __future__ import annotations

import operator
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from table import CLUSTO, Measured, arguments, directory, least, line, run, tell

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.store.opening import create
from tests.balancer.lab import BACKEND, Haproxy
from tests.console.lab import Lab

TITLE = "A member at its balancer"
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


def main() -> None:
    rounds = arguments(__doc__, rounds=(15, 5)).rounds
    found: dict[str, Measured | None] = dict.fromkeys((SOCAT, CLICK, ADD))
    with directory() as folder:
        lab = Lab(folder)
        haproxy = Haproxy(lab)
        url, config, said = f"sqlite:///{folder}/clusto.db", folder / "clusto.toml", folder / "said"
        config.write_text(f'[devices]\npaths = ["{folder}"]\n')
        record(url, haproxy.socket, rounds + 1)
        for number in range(rounds + 1):
            said.write_text(lines(number, "bare"))
            commands = {
                SOCAT: ["socat", f"OPEN:{said}!!STDOUT", f"UNIX-CONNECT:{haproxy.socket}"],
                CLICK: [sys.executable, "-c", "import click; print()"],
                ADD: [CLUSTO, "service", "add", "shop", f"server{number}", "--vip", "lb1:shop"],
            }
            for what, command in commands.items():
                measured = run(command, url, CLUSTO_CONFIG=str(config))
                found[what] = least(found[what], measured) if number else None
            for server in (f"bare{number}", f"server{number}"):
                haproxy.ask(f"set server {BACKEND}/{server} state maint;del server {BACKEND}/{server}")
        lab.stop()
    socat, click, add = (each for each in found.values() if each is not None)
    floor = Measured(*map(operator.add, socat, click))
    tell(TITLE, [line(f"{ADD}, beside {SOCAT} and {CLICK}", add, floor, BUDGET)])


if __name__ == "__main__":
    main()
