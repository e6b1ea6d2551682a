"""Whatever a source becomes, and in whatever order: the inventory is what the source alone would make of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.records.integrity import problems
from clusto_core.store.opening import create
from tests.transfer.sync.sites import State, exported, sync

RACKS, HOSTS, UNITS, PORTS = 2, 4, 6, 3


@st.composite
def states(draw: st.DrawFn) -> State:
    """Racks in places, switches and servers in racks, wired, with addresses: nothing that breaks a rule."""
    state: State = {f"dc{n}": {"name": f"DC{n}", "driver": "Datacenter"} for n in range(2)}
    rack_names = draw(st.permutations([f"R{n}" for n in range(RACKS)]))
    for n in range(RACKS):
        place = draw(st.sampled_from(["DC0", "DC1"]))
        state[f"r{n}"] = {"name": rack_names[n], "driver": "Rack", "in": [place], "parts": {"ru": UNITS}}
    names = draw(st.permutations([f"host{n}" for n in range(HOSTS + 1)]))
    places = draw(st.permutations([f"{rack}:RU{unit}" for rack in rack_names for unit in range(1, UNITS + 1)]))
    addresses = draw(st.permutations([f"10.0.0.{n}" for n in range(1, HOSTS * PORTS + 1)]))
    present = [n for n in range(HOSTS) if draw(st.booleans())]
    ends: list[str] = []
    for n in present:
        state[f"h{n}"] = _host(draw, names[n], places[n], addresses[n * PORTS : (n + 1) * PORTS], ends)
    _wire(draw, state, [f"h{n}" for n in present], ends)
    return state


def _host(draw: st.DrawFn, name: str, place: str, addresses: list[str], ends: list[str]) -> dict[str, Any]:
    ports = draw(st.permutations(["a", "b", "c"]))[: draw(st.integers(1, PORTS))]
    data: dict[str, Any] = {
        "name": name,
        "driver": draw(st.sampled_from(["Server", "Appliance"])),
        "parts": {"nic": list(ports), "inlet": 0, "serial": 0},
        "part_ids": {port: f"{ord('a') + position}" for position, port in enumerate(ports)},
        "attrs": draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "status": st.sampled_from(["active", "staged"]),
                    "tag": st.lists(st.sampled_from("xyz"), min_size=1, unique=True),
                },
            )
        ),
        "part_attrs": {port: {"label": label} for port in ports if (label := draw(st.sampled_from(["", "l", "m"])))},
        "ip": [{port: [address]} for port, address in zip(ports, addresses, strict=False) if draw(st.booleans())],
    }
    if draw(st.booleans()):
        data["at"] = place
    else:
        data["in"] = [draw(st.sampled_from(["DC0", "DC1"]))]
    ends.extend(f"{name}:{port}" for port in ports)
    return data


def _wire(draw: st.DrawFn, state: State, ids: list[str], ends: list[str]) -> None:
    owners = {state[id]["name"]: state[id] for id in ids}
    order = draw(st.permutations(ends))
    for one, other in list(zip(order[::2], order[1::2], strict=False))[: draw(st.integers(0, 3))]:
        name, _, port = one.partition(":")
        owners[name].setdefault("connect", {})[port] = other


def _inventory(directory: str, name: str) -> Inventory:
    url = f"sqlite:///{Path(directory) / name}"
    create(url)
    return Inventory(Settings(url))


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(states(), min_size=2, max_size=3))
def test_any_sequence_of_states_ends_in_step(sequence: list[State]) -> None:
    """After each, nothing is left to say, the store is sound, and the second time there is nothing to do."""
    with tempfile.TemporaryDirectory() as directory:
        inventory = _inventory(directory, "synced.db")
        for state in sequence:
            report = sync(inventory, state, prune=True)
            assert (report.conflicts, report.held, report.kept) == ([], [], [])
            again = sync(inventory, state, prune=True)
            assert (again.changed, again.transaction) == (0, None)
        anew = _inventory(directory, "anew.db")
        assert sync(anew, sequence[-1]).in_step
        assert exported(inventory) == exported(anew)
        with inventory.read() as reader:
            assert list(problems(reader)) == []
