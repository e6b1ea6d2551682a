"""How long an import of device types takes, beside `yaml.CSafeLoader` over the same files (at most 1.5 times as long).

    python benchmarks/device_types.py [--quick] [--types 3000] [--rounds 3]

Some types are multiplied to so many files, each of a model of its own. The times are of processor.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import yaml
from table import arguments, beside, directory, tell

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.transfer import importer
from clusto_core.transfer.files import read

TITLE = "Device types"
MOST = 1.5


def own() -> Iterator[str]:
    """Types as the library has them: a switch, a server, a PDU, a panel."""
    for interfaces, outlets, panels in ((54, 0, 0), (6, 0, 0), (1, 24, 0), (0, 0, 24), (28, 0, 0)):
        lines = ["---", "manufacturer: Maker", "model: Model", "slug: maker-model", "part_number: P-1"]
        lines += ["u_height: 1", "is_full_depth: false", "weight: 4.5", "weight_unit: kg"]
        lines += ["comments: '[Datasheet](https://example.com/datasheet.pdf)'", "power-ports:"]
        lines += [f"  - {{name: PSU{n}, type: iec-60320-c14, maximum_draw: 500}}" for n in (1, 2)]
        lines += ["console-ports:", "  - name: Console", "    type: rj-45", "interfaces:"]
        for number in range(1, interfaces + 1):
            lines += [f"  - name: GigabitEthernet1/0/{number}", "    type: 1000base-t", "    poe_mode: pse"]
        lines += ["  - name: mgmt0", "    type: 1000base-t", "    mgmt_only: true", "power-outlets:"]
        for number in range(1, outlets + 1):
            lines += [f"  - name: Outlet {number}", "    type: iec-60320-c13", "    power_port: PSU1"]
        lines += ["front-ports:"]
        for number in range(1, panels + 1):
            lines += [f"  - name: Port {number}", "    type: 8p8c", f"    rear_port: Rear {number}"]
        lines += ["rear-ports:", *(f"  - {{name: Rear {number}, type: 8p8c}}" for number in range(1, panels + 1))]
        yield "\n".join(lines) + "\n"


def multiplied(texts: list[str], number: int, into: Path) -> list[str]:
    paths = []
    for place, text in enumerate(islice(cycle(texts), number)):
        path = into / f"{place}.yaml"
        path.write_text(re.sub(r"(?m)^model:.*$", f"model: Model {place}", text, count=1))
        paths.append(str(path))
    return paths


def load(paths: list[str]) -> float:
    start = time.process_time()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            yaml.load(file, Loader=yaml.CSafeLoader)
    return time.process_time() - start


def bring(paths: list[str], store: Path) -> float:
    inventory = Inventory(Settings(f"sqlite:///{store}"))
    with inventory.change():
        pass
    start = time.process_time()
    documents = read(paths, "device-type")
    with inventory.change() as change:
        importer.load(change, documents)
    return time.process_time() - start


def main() -> None:
    given = arguments(__doc__, types=(3000, 500), rounds=(3, 2))
    with directory() as folder:
        paths = multiplied(list(own()), given.types, folder)
        loads, brings = [], []
        for number in range(given.rounds):
            loads.append(load(paths))
            brings.append(bring(paths, folder / f"{number}.db"))
    tell(TITLE, [beside(f"{len(paths):,} types, beside CSafeLoader alone", min(brings), min(loads), most=MOST)])


if __name__ == "__main__":
    main()
