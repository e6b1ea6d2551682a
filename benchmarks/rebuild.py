"""Rebuilds of many machines: 200 simulated ones at once by one command, and the boot files of 10,000.

    python benchmarks/rebuild.py [--quick] [--machines 200] [--files 10000] [--rounds 3]

The machines are those of the lab: on simulated PDUs, with a console each, called back at `clusto rebuild serve`. The
floor of the boot files is a bare loop that writes the same bytes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from table import CLUSTO, Row, alone, arguments, beside, directory, run, tell

from clusto_cli.backends.provision.render import Facts, Renderer
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.store.opening import create
from tests.rebuild.site import site

TITLE = "Rebuilding"
MOST, MEMORY = 2.0, 150
MAC = Key("mac")


def at_once(folder: Path, machines: int) -> Row:
    """So many machines in one command: its memory, and how long it takes."""
    store = f"sqlite:///{folder}/clusto.db"
    create(store)
    with site(folder, store, machines=machines) as lab:
        lab.serve()
        names = [f"server{number}" for number in range(1, machines + 1)]
        command = [CLUSTO, "rebuild", *names, "--yes", "--pause", "0.5"]
        began = time.perf_counter()
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(
                [*command, "--parallel", str(machines)],
                env=lab.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        installed = sum(machine.installs == 1 and machine.installed != "old" for machine in lab.machines.values())
        if os.waitstatus_to_exitcode(status) or installed != machines:
            sys.exit(f"{installed} of {machines} were rebuilt:\n{(directory / 'out').read_text()[-3000:]}")
    besides = f"{seconds:.0f} s by the clock"
    return alone(f"{machines} machines at once: memory", usage.ru_maxrss / 1024, "MiB", most=MEMORY, besides=besides)


def boot_files(folder: Path, files: int, rounds: int) -> Row:
    """Explicit local boot files of many machines, by the whole command and by its library, beside a bare loop."""
    store = f"sqlite:///{folder}/clusto.db"
    create(store)
    root = folder / "boot"
    root.mkdir()
    config = folder / "config.toml"
    config.write_text(f'[devices]\npaths = ["{root}"]\n')
    with Inventory(Settings(store)).change() as change:
        change.add("Datacenter", "dc", attributes=[("rebuild.dir", str(root))])
        for rack in range(-(-files // 40)):
            change.add("Rack", f"rack{rack}", parents=["dc"], part_counts={"ru": 1})
        for number in range(files):
            server = change.add("Server", f"server{number}", parents=[f"rack{number // 40}"], part_counts={"nic": 1})
            nic = change.resolve(f"{server.name}:eth0")
            change.add_values(nic, MAC, [mac_of(number)])
    renderer = Renderer()
    texts = [renderer.local(Facts(f"server{number}", (mac_of(number),), None, {}, {})).local for number in range(files)]
    command = [CLUSTO, "rebuild", "local", "--where", "driver:Server"]
    whole, bare = [], []
    for turn in range(rounds):
        whole.append(run(command, store, CLUSTO_CONFIG=str(config)).seconds)
        bare.append(written(texts, folder / f"loop{turn}"))
    besides = f"{sum(1 for each in root.rglob('*') if each.is_file()):,} files"
    what = f"boot files of {files:,} machines, beside a bare loop, by the clock"
    return beside(what, statistics.median(whole), statistics.median(bare), most=MOST, besides=besides)


def written(texts: list[dict[str, str]], loop: Path) -> float:
    for name in ("pxelinux.cfg", "ipxe", "grub"):
        (loop / name).mkdir(parents=True)
    began = time.perf_counter()
    for files in texts:
        for path, text in files.items():
            with open(loop / path, "w") as file:
                file.write(text)
    return time.perf_counter() - began


def mac_of(number: int) -> str:
    return ":".join(f"{octet:02x}" for octet in (0x52, 0x54, 0, *number.to_bytes(3, "big")))


def main() -> None:
    given = arguments(__doc__, machines=(200, 20), files=(10_000, 1_000), rounds=(3, 3))
    tell(TITLE, _rows(given.machines, given.files, given.rounds))


def _rows(machines: int, files: int, rounds: int) -> Iterator[Row]:
    with directory() as folder:
        yield at_once(folder, machines)
    with directory() as folder:
        yield boot_files(folder, files, rounds)


if __name__ == "__main__":
    main()
