"""Rebuilds of many machines: 200 simulated ones at once by one command, and the boot files of 10,000.

`python benchmarks/rebuild.py`: everything in one run, printed with what it is held against. Exit code 1 when something
is beyond it. The machines are those of the lab: on simulated PDUs, with a console each, called back at `clusto rebuild
serve`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from clusto_cli.backends.provision.render import Facts, Renderer  # noqa: E402
from clusto_core.config import Settings  # noqa: E402
from clusto_core.inventory import Inventory  # noqa: E402
from clusto_core.store.opening import create  # noqa: E402
from tests.rebuild.site import site  # noqa: E402

MACHINES, FILES, ROUNDS = 200, 10_000, 3
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
failures: list[str] = []


def say(what: str, value: str, held: str = "", good: bool = True) -> None:
    print(f"{what:<58} {value:>12}   {held}{'' if good else '   <-- beyond'}", flush=True)
    if not good:
        failures.append(what)


def at_once(directory: Path) -> None:
    """So many machines in one command: its memory, and how long it takes."""
    store = f"sqlite:///{directory}/clusto.db"
    create(store)
    with site(directory, store, machines=MACHINES) as lab:
        lab.serve()
        names = [f"server{number}" for number in range(1, MACHINES + 1)]
        command = [sys.executable, "-m", "clusto_cli.main", "rebuild", *names, "--yes", "--pause", "0.5"]
        began = time.perf_counter()
        with (directory / "out").open("wb") as out:
            process = subprocess.Popen(
                [*command, "--parallel", str(MACHINES)],
                env=lab.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        installed = sum(machine.installs == 1 and machine.installed != "old" for machine in lab.machines.values())
        if os.waitstatus_to_exitcode(status) or installed != MACHINES:
            sys.exit(f"{installed} of {MACHINES} were rebuilt:\n{(directory / 'out').read_text()[-3000:]}")
        mebibytes = usage.ru_maxrss / 1024
    say(f"{MACHINES} machines at once: memory", f"{mebibytes:.0f} MiB", "below 150", mebibytes < 150)
    say(f"{MACHINES} machines at once: time", f"{seconds:.1f} s")


def boot_files(directory: Path) -> None:
    """Explicit local boot files of many machines, by the whole command and by its library, beside a bare loop."""
    store = f"sqlite:///{directory}/clusto.db"
    create(store)
    root = directory / "boot"
    root.mkdir()
    config = directory / "config.toml"
    config.write_text(f'[devices]\npaths = ["{root}"]\n')
    with Inventory(Settings(store)).change() as change:
        change.add("Datacenter", "dc", attributes=[("rebuild.dir", str(root))])
        for rack in range(FILES // 40):
            change.add("Rack", f"rack{rack}", parents=["dc"], part_counts={"ru": 1})
        for number in range(FILES):
            server = change.add("Server", f"server{number}", parents=[f"rack{number // 40}"], part_counts={"nic": 1})
            nic = change.resolve(f"{server.name}:eth0")
            change.add_values(nic, MAC, [mac_of(number)])
    renderer = Renderer()
    texts = [renderer.local(Facts(f"server{number}", (mac_of(number),), None, {}, {})).local for number in range(FILES)]
    command = [sys.executable, "-m", "clusto_cli.main", "rebuild", "local", "--where", "driver:Server"]
    whole, bare = [], []
    for turn in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(
            command,
            env={**ENVIRONMENT, "PYTHONPATH": str(ROOT), "CLUSTO_DB": store, "CLUSTO_CONFIG": str(config)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        whole.append(time.perf_counter() - began)
        loop = directory / f"loop{turn}"
        for folder in ("pxelinux.cfg", "ipxe", "grub"):
            (loop / folder).mkdir(parents=True)
        began = time.perf_counter()
        for files in texts:
            for path, text in files.items():
                with open(loop / path, "w") as file:
                    file.write(text)
        bare.append(time.perf_counter() - began)
    written = sum(1 for _ in root.rglob("*") if _.is_file())
    ratio = statistics.median(whole) / statistics.median(bare)
    say(f"boot files of {FILES:,} machines: a bare loop", f"{statistics.median(bare):.2f} s")
    say(f"boot files of {FILES:,} machines: the command ({written:,} files)", f"{ratio:.2f} x", "at most 2", ratio <= 2)


def mac_of(number: int) -> str:
    return ":".join(f"{octet:02x}" for octet in (0x52, 0x54, 0, *number.to_bytes(3, "big")))


if __name__ == "__main__":
    from clusto_core.model.attributes import Key

    MAC = Key("mac")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for measure in (at_once, boot_files):
        with tempfile.TemporaryDirectory(prefix="clusto-bench-") as directory:
            measure(Path(directory))
    sys.exit(1 if failures else 0)
