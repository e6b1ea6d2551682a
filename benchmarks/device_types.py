"""How long an import of device types takes, beside `yaml.CSafeLoader` over the same files (at most 1.5 times as long).

`python benchmarks/device_types.py [FILE_OR_DIRECTORY...] [--types 3000]` multiplies the types that are given, or some
of its own, to so many files, each of a model of its own. The times are of processor, since others use the machine too.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import yaml

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.transfer import importer
from clusto_core.transfer.files import read

ROUNDS = 3


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


def given(paths: list[Path]) -> list[str]:
    files = [file for path in paths for file in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])]
    return [text for text in map(Path.read_text, files) if re.search(r"(?m)^model:", text)]


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--types", type=int, default=3000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        paths = multiplied(given(options.paths) if options.paths else list(own()), options.types, Path(place))
        loads, brings = [], []
        for number in range(ROUNDS):
            loads.append(load(paths))
            brings.append(bring(paths, Path(place) / f"{number}.db"))
    ratio = min(brings) / min(loads)
    print(f"{len(paths)} types: CSafeLoader {min(loads):.2f} s, import {min(brings):.2f} s: {ratio:.2f} times")


if __name__ == "__main__":
    main()
