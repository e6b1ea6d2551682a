"""What policies cost: `clusto check` of ten beside the ten finds, and a small write with and without enforced policies.

    python benchmarks/policies.py [--servers 100000] [--rounds 5] [--keep DIRECTORY]

In one process and on one SQLite store; the least of all rounds, in milliseconds by the processor, and by the clock
beside it. `--keep` keeps the store, which is changed and changed back.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import store

from clusto_core.errors import Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.query import policies
from clusto_core.query.policies import Policy
from clusto_core.query.search import find

NEVER = (
    "driver:Server and attr:status,allocated and count(connected to driver:PDU) < 2",
    "driver:Server and not (connected to driver:PDU via power)",
    "driver:Server and not (in driver:Rack)",
    "driver:Server in name:datacenterZ and not attr:status,allocated",
    "driver:Server and attr:_ip,10.2.0.0/16",
    "driver:NIC and attr:mac,52:54:*",
    "driver:Server and haskey(decommissioned)",
    "driver:Switch and count(connected to driver:Server) > 40",
    "driver:PDU connected to (driver:Server in name:rack101)",
    "(driver:Server in name:web-pool) and not haskey(serial)",
)
FAR_REACHING = (
    "driver:Server and not (fed by driver:PDU)",
    "driver:Server and count(fed by driver:PDU) < 2",
    "driver:Server and not attr:snmp.community,* inherited",
)
"""What follows paths and containment however far: held in small writes, beside the ten."""
CHECK, WRITE = 1.2, 2.0


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="What policies cost.")
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", metavar="DIRECTORY", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = store(given.servers, given.keep or Path(directory))
        inventory = Inventory.open(f"sqlite:///{path}")
        _measure(inventory, given.rounds, given.servers)


def _measure(inventory: Inventory, rounds: int, servers: int) -> None:
    _define(inventory, enforce=False)
    finds, check = _least(rounds, lambda: _finds(inventory), lambda: _check(inventory))
    print(f"{finds:8.0f} ms  the ten finds, of {servers:,} servers")
    print(f"{check:8.0f} ms  check of the ten policies: {check / finds:.2f} x (at most {CHECK})")
    writes: dict[str, Callable[[Transaction], object]] = {
        "a value of one server": lambda change: change.set_values("server2", "note", time.time_ns()),
        "the status of one server": lambda change: change.set_values("server2", "status", f"x{time.time_ns()}"),
        "a cable": lambda change: change.disconnect("server2:psu1"),
        "a pool": lambda change: change.put("server2", "spare-pool"),
    }
    for name, write in writes.items():
        _define(inventory, enforce=False)
        (plain,) = _least(rounds, lambda write=write: _write(inventory, write))  # type: ignore[misc]
        _define(inventory, enforce=True)
        (held,) = _least(rounds, lambda write=write: _write(inventory, write))  # type: ignore[misc]
        count = len(NEVER) + len(FAR_REACHING)
        print(f"{plain:8.1f} ms  {name}, nothing enforced; {held:.1f} ms with {count} enforced policies")
    with inventory.change() as change:
        for policy in policies.policies(change.unit.reader):
            policies.delete(change.unit, policy.name)


def _define(inventory: Inventory, *, enforce: bool) -> None:
    with inventory.change() as change:
        for number, never in enumerate((*NEVER, *FAR_REACHING) if enforce else NEVER):
            policies.define(change.unit, Policy(f"p{number}", never, enforce=enforce), allow_unknown=True)


def _finds(inventory: Inventory) -> None:
    with inventory.read() as reader:
        for never in NEVER:
            find(reader, never, allow_unknown=True)


def _check(inventory: Inventory) -> None:
    with inventory.read() as reader:
        policies.check(reader, policies.policies(reader))


def _write(inventory: Inventory, write: Callable[[Transaction], object]) -> None:
    with contextlib.suppress(Refused), inventory.change(dry_run=True) as change:
        write(change)


def _least(rounds: int, *actions: Callable[[], object]) -> list[float]:
    """The least time of each action, all in turn, in milliseconds of the processor."""
    found = [float("inf")] * len(actions)
    for _ in range(rounds):
        for place, action in enumerate(actions):
            start = time.process_time()
            action()
            found[place] = min(found[place], (time.process_time() - start) * 1000)
    return found


if __name__ == "__main__":
    main()
