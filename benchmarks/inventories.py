"""Inventories of any number of wired servers, as transfer objects: racks of 40, with what feeds and connects them.

A rack has 40 servers of one unit, a switch, a console server, and two PDUs beside the units. Every server has a
network, two power and a console cable, a position, a serial number, a MAC, an address, a date, a pool and a status.
Every switch has an uplink, two feeds and its console. 50 racks are a room, with a core switch. Run it to write JSON
lines:

    python benchmarks/inventories.py 100000 >site.jsonl

Things are called server1, rack001, switch1a, pdu1 and pdu2, cs1; server K of a rack stands in its unit K, on port K of
its switch, on outlet K of both PDUs and on port K of its console server.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

RACK = 40
ROOM = 50
STATUS = ("allocated", "allocated", "allocated", "unallocated", "broken")
POOLS = ("web-pool", "db-pool", "batch-pool", "spare-pool")

Object = dict[str, Any]


def objects(servers: int) -> Iterator[Object]:
    """The transfer objects of an inventory of so many servers; the last rack may be less than full."""
    racks = -(-servers // RACK)
    rooms = -(-racks // ROOM)
    yield {"name": "datacenterZ", "driver": "Datacenter", "attrs": {"snmp.community": "env:SNMP_COMMUNITY"}}
    for pool in POOLS:
        yield {"name": pool, "driver": "Pool"}
    yield {"name": "vlan203", "driver": "VLAN", "attrs": {"vid": 203}}
    yield {"name": "net10", "driver": "Network", "attrs": {"cidr": "10.0.0.0/8", "vlan": {"ref": "vlan203"}}}
    for room in range(1, rooms + 1):
        yield {"name": f"room{room}", "driver": "Room", "in": ["datacenterZ"]}
        yield {"name": f"core{room}", "driver": "Switch", "in": [f"room{room}"], "parts": {"port": 2 * ROOM}}
    for rack in range(1, racks + 1):
        yield from _equipment(rack)
        for place in range(1, RACK + 1):
            number = (rack - 1) * RACK + place
            if number <= servers:
                yield server(number)


def _equipment(rack: int) -> Iterator[Object]:
    name = f"rack{rack:03}"
    room, place = (rack - 1) // ROOM + 1, (rack - 1) % ROOM + 1
    one, other = f"pdu{2 * rack - 1}", f"pdu{2 * rack}"
    yield {"name": name, "driver": "Rack", "in": [f"room{room}"], "attrs": {"row": (place - 1) // 10 + 1}}
    for pdu in (one, other):
        yield {"name": pdu, "driver": "PDU", "in": [name], "attrs": {"height": 0}, "parts": {"outlet": 48}}
    feeds = {"psu1": f"{one}:{RACK + 1}", "psu2": f"{other}:{RACK + 1}"}
    yield {
        "name": f"switch{rack}a",
        "driver": "Switch",
        "at": f"{name}:RU41",
        "attrs": {"serial": f"SW{rack:06}"},
        "connect": {"48": f"core{room}:{place}", **feeds, "console": f"cs{rack}:{RACK + 1}"},
    }
    yield {
        "name": f"cs{rack}",
        "driver": "ConsoleServer",
        "at": f"{name}:RU42",
        "attrs": {"serial": f"CS{rack:06}"},
        "connect": {"psu1": f"{one}:{RACK + 2}", "mgmt": f"switch{rack}a:47"},
    }


def server(number: int) -> Object:
    """Server `number`, from 1."""
    rack, place = (number - 1) // RACK + 1, (number - 1) % RACK + 1
    host = number + 256
    return {
        "name": f"server{number}",
        "driver": "Server",
        "in": [POOLS[number % len(POOLS)]],
        "at": f"rack{rack:03}:RU{place}",
        "attrs": {
            "status": STATUS[number % len(STATUS)],
            "serial": f"SN{number * 7919 % 10_000_000:07}",
            "ram": 64 << (number % 4),
            "bought": {"time": f"20{20 + number % 6}-0{1 + number % 9}-01"},
        },
        "ip": [{"eth0": [f"10.{host >> 16}.{host >> 8 & 255}.{host & 255}"]}],
        "connect": {
            "eth0": f"switch{rack}a:{place}",
            "psu1": f"pdu{2 * rack - 1}:{place}",
            "psu2": f"pdu{2 * rack}:{place}",
            "console": f"cs{rack}:{place}",
        },
        "part_attrs": {"eth0": {"mac": f"52:54:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"}},
    }


def write(servers: int, path: str) -> int:
    """Writes the inventory as JSON lines to a file; gives the number of lines."""
    lines = 0
    with open(path, "w", encoding="utf-8") as file:
        for each in objects(servers):
            file.write(json.dumps(each) + "\n")
            lines += 1
    return lines


def main() -> None:
    """Writes JSON lines to standard output."""
    for each in objects(int(sys.argv[1])):
        print(json.dumps(each))


if __name__ == "__main__":
    main()
