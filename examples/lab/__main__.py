"""Runs simulated PDUs and switches, and a console server and real machines if asked, until it is interrupted.

python -m lab --inventory room.jsonl         # a room of its own, and its inventory to import
python -m lab --site --inventory how.jsonl   # the devices of the inventory that CLUSTO_DB names, and how to reach them
python -m lab --machine server1 --tftp DIR   # server1 is a machine in QEMU, which boots from the network first
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from functools import partial
from pathlib import Path

from clusto_cli.backends.power import profile as profiles
from lab.agent import Manners
from lab.consoles import Consoles
from lab.room import Room, mac_of
from lab.site import reached_at, recorded_macs, simulated, simulated_switches
from lab.vm import Boot, Machine, UserNetwork


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Simulated PDUs and switches on loopback ports.")
    parser.add_argument("--site", action="store_true", help="the PDUs and switches of the inventory instead")
    parser.add_argument("--pdus", type=int, default=4, help="how many, in pairs (4)")
    parser.add_argument("--outlets", type=int, default=8, help="outlets of each (8)")
    parser.add_argument("--family", action="append", choices=profiles.names(), help="profiles, in turn (apc-rpdu2)")
    parser.add_argument("--port", type=int, default=16100, help="the first UDP port (16100)")
    parser.add_argument("--consoles", type=int, metavar="PORT", help="a console server too: its lines from PORT+1 up")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="of a PDU's time for a request")
    parser.add_argument("--moves-after", type=float, default=0.3, metavar="SECONDS", help="before a relay moves (0.3)")
    parser.add_argument("--loss", type=float, default=0.0, metavar="FRACTION", help="of datagrams lost, each way")
    parser.add_argument(
        "--duplicates", type=float, default=0.0, metavar="FRACTION", help="of datagrams that come twice"
    )
    parser.add_argument("--late", type=float, default=0.0, metavar="FRACTION", help="of answers that are late")
    parser.add_argument("--max-varbinds", type=int, default=1000, help="variables a request may have, else genErr")
    parser.add_argument("--stuck", action="append", default=[], metavar="PDU:OUTLET", help="a relay that never moves")
    parser.add_argument("--locked", action="append", default=[], metavar="PDU:OUTLET", help="an outlet that is locked")
    parser.add_argument("--dead", action="append", default=[], metavar="PDU", help="a PDU that does not answer")
    parser.add_argument("--no-switches", action="store_true", help="PDUs alone")
    parser.add_argument(
        "--machine", action="append", default=[], metavar="NAME", help="a server that is a machine in QEMU"
    )
    parser.add_argument("--tftp", type=Path, metavar="DIR", help="what such machines boot: pxelinux.0 and its files")
    parser.add_argument(
        "--machines", type=Path, default=Path("machines"), metavar="DIR", help="DIR/NAME/console is the serial line"
    )
    parser.add_argument("--inventory", type=Path, metavar="FILE", help="write the room's inventory there (JSON lines)")
    options = parser.parse_args()
    manners = Manners(
        latency=options.latency,
        loss=options.loss,
        duplicates=options.duplicates,
        late=options.late,
        max_varbinds=options.max_varbinds,
    )
    families = options.family or ["apc-rpdu2"]
    pdus = 0 if options.site else options.pdus
    room = Room(
        pdus,
        options.outlets,
        families=families,
        manners=manners,
        moves_after=options.moves_after,
        switched=not options.no_switches,
    )
    if options.site:
        room.pdus = simulated(families, manners, options.moves_after)
        room.switches = [] if options.no_switches else simulated_switches(manners)
    for place in options.stuck + options.locked:
        name, _, outlet = place.partition(":")
        chosen = room[name].outlets[int(outlet) - 1]
        chosen.stuck = chosen.stuck or place in options.stuck
        chosen.locked = chosen.locked or place in options.locked
    for name in options.dead:
        room[name].agent.manners.dead = True
    if options.machine and options.tftp is None:
        parser.error("--machine needs --tftp")
    macs = recorded_macs() if options.site else {name: mac_of(n) for n, name in enumerate(room.servers(), 1)}
    for name in options.machine:
        if name not in macs:
            parser.error(f"no server {name} with a MAC address")
    machines = [
        Machine(
            name,
            options.machines.absolute() / name,
            macs[name],
            UserNetwork(options.tftp.absolute()),
            first=Boot.NETWORK,
            mains=partial(room.feeds, name),
        )
        for name in options.machine
    ]
    asyncio.run(_serve(room, machines, options.port, options.consoles, options.inventory, options.site))


async def _serve(
    room: Room, machines: list[Machine], first_port: int, consoles_at: int | None, inventory: Path | None, site: bool
) -> None:
    await room.start(first_port)
    things = list(reached_at(room.pdus, room.switches) if site else room.inventory())
    for machine in machines:
        await machine.start()
        if not site:
            things.append(machine.cable())
    if consoles_at is not None:
        consoles = Consoles(dict(enumerate(room.servers(), 1)), room.powered)
        await consoles.start(consoles_at)
        things += consoles.inventory()
    lines = [json.dumps(thing) for thing in things]
    if inventory is not None:
        inventory.write_text("".join(f"{line}\n" for line in lines))
    devices = [*room.pdus, *room.switches]
    ports = f"{devices[0].port} to {devices[-1].port}"
    counts = f"{len(room.pdus)} PDUs and {len(room.switches)} switches"
    sys.stderr.write(f"{counts} on 127.0.0.1, UDP ports {ports}; ^C ends\n")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
