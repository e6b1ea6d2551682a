"""What policies cost: `clusto check` of ten beside the ten finds, and a small write with and without enforced policies.

    python benchmarks/policies.py [--quick] [--servers 100000] [--rounds 5] [--keep DIRECTORY]

In one process and on one SQLite store; the least of all rounds, by the processor. `--keep` keeps the store, of which
a copy is changed.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import store
from table import Row, arguments, beside, directory, tell

from clusto_core.errors import Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.query import policies
from clusto_core.query.policies import Policy
from clusto_core.query.search import find

TITLE = "Policies"
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
CHECK = 1.2


def main() -> None:
    """Measures and tells."""
    given = arguments(__doc__, servers=(100_000, 10_000), rounds=(5, 2))
    with directory(given.keep) as kept, directory() as folder:
        inventory = Inventory.open(f"sqlite:///{shutil.copy(store(given.servers, kept), folder)}")
        tell(f"{TITLE}, {given.servers:,} servers", list(_rows(inventory, given.rounds)))


def _rows(inventory: Inventory, rounds: int) -> Iterator[Row]:
    _define(inventory, enforce=False)
    finds, check = _least(rounds, lambda: _finds(inventory), lambda: _check(inventory))
    yield beside("check of ten, beside the ten finds", check, finds, most=CHECK)
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
        yield beside(f"{name} with {count} enforced, beside none", held, plain)


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
    """The least time of each action, all in turn, in seconds of the processor."""
    found = [float("inf")] * len(actions)
    for _ in range(rounds):
        for place, action in enumerate(actions):
            start = time.process_time()
            action()
            found[place] = min(found[place], time.process_time() - start)
    return found


if __name__ == "__main__":
    main()
