"""A computer in QEMU that boots from the network first, on an outlet of its own: something to reinstall.

    python -m lab.computer web1 52:54:00:00:99:01 FOLDER --tftp DIRECTORY

prints what the inventory is to know of it, as objects of the transfer format, and goes on until it is interrupted. Its
network is QEMU's own: there, this computer's loopback is 10.0.2.2.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import chassis
from lab.vm import Boot, Machine, UserNetwork


def inventory(machine: Machine) -> Iterator[dict[str, Any]]:
    """The computer, and the outlet that feeds it."""
    command = [sys.executable, "-SE", str(Path(chassis.__file__).resolve()), str(machine.control.resolve())]
    pdu = f"{machine.name}-outlet"
    yield {
        "name": pdu,
        "driver": "PDU",
        "parts": {"outlet": 1},
        "attrs": {"power.command": json.dumps([*command, "outlet", "{action}"])},
    }
    yield {
        "name": machine.name,
        "driver": "Server",
        "attrs": {"console.profile": "qemu-serial", "console.path": str(machine.console.resolve())},
        "part_attrs": {"eth0": {"mac": machine.mac}},
        "connect": {"psu1": f"{pdu}:1"},
    }


async def _serve(machine: Machine, seconds: float | None) -> None:
    await machine.start()
    machine.turn_on()
    for thing in inventory(machine):
        sys.stdout.write(f"{json.dumps(thing)}\n")
    sys.stdout.flush()
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), seconds)
    finally:
        machine.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.computer", description=__doc__.partition("\n")[0])
    parser.add_argument("name")
    parser.add_argument("mac", help="the address of its network card")
    parser.add_argument("folder", type=Path, help="of its disk, its console and its logs")
    parser.add_argument("--tftp", type=Path, required=True, help="the boot directory, with pxelinux.0")
    parser.add_argument("--seconds", type=float, metavar="N", help="end by itself after so long")
    options = parser.parse_args()
    network = UserNetwork(options.tftp.resolve())
    machine = Machine(options.name, options.folder, options.mac, network, first=Boot.NETWORK)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(machine, options.seconds))


if __name__ == "__main__":
    main()
