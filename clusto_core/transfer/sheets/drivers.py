"""What kind of Thing a cell means: `Rack Server`, `network switch`, `PDU`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from clusto_core.errors import Malformed
from clusto_core.transfer.documents import driver_name

_OTHERS = {
    "vm": "VirtualServer",
    "virtual machine": "VirtualServer",
    "host": "Server",
    "blade": "Server",
    "node": "Server",
    "compute": "Server",
    "hypervisor": "Server",
    "storage": "Appliance",
    "nas": "Appliance",
    "terminal server": "ConsoleServer",
    "power distribution unit": "PDU",
    "power strip": "PDU",
    "cabinet": "Rack",
    "site": "Datacenter",
    "data center": "Datacenter",
    "lb": "LoadBalancer",
}


@lru_cache(1000)
def meant(text: str) -> str:
    """The driver that a cell names. Raises Malformed with a suggestion."""
    spread = " ".join(text.lower().replace("_", " ").replace("-", " ").split())
    for word in (spread, spread.replace(" ", ""), spread.rpartition(" ")[2], spread.removesuffix("s")):
        if word in _OTHERS:
            return _OTHERS[word]
        try:
            return driver_name(word)
        except Malformed:
            continue
    return driver_name(text)


def mostly(cells: Iterable[str]) -> bool:
    """Whether most of the cells name a driver."""
    known = [_known(cell) for cell in set(cells)]
    return bool(known) and sum(known) * 2 >= len(known)


def _known(cell: str) -> bool:
    try:
        return bool(meant(cell))
    except Malformed:
        return False
