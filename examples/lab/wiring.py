"""A site to be found again: leaf and spine switches, servers on two leaves each, PDUs with labels, all on loopback.

What is true of it is `cables`; what its devices show of that is less, and now and then misleading, as in a real room:
servers that say nothing by LLDP, machines behind one card, an unmanaged switch, a card that was moved a moment ago,
a link that is down, addresses that routers share.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from clusto_cli.backends.power import profile as profiles
from clusto_cli.backends.snmp import Oid, Tag, Varbind, parse_oid
from lab.agent import Agent, Manners
from lab.pdu import Pdu
from lab.redfish import PASSWORD, USER, Controllers
from lab.room import READ, WRITE
from lab.switch import FDB_PORT, IF_INDEX_OF_PORT_1, Switch

SYS_NAME = parse_oid("1.3.6.1.2.1.1.5.0")
IF_TYPE = parse_oid("1.3.6.1.2.1.2.2.1.3")
IF_PHYS_ADDRESS = parse_oid("1.3.6.1.2.1.2.2.1.6")
_PHYSICAL = parse_oid("1.3.6.1.2.1.47.1.1.1.1")
_LOCAL = parse_oid("1.0.8802.1.1.2.1.3.7.1")
_REMOTE = parse_oid("1.0.8802.1.1.2.1.4.1.1")
_ETHERNET, _CHASSIS, _INTERFACE_NAME, _MAC_ADDRESS = 6, 3, 5, 4
_BRIDGE, _STATION = b"\x20", b"\x01"

Cable = tuple[str, str]
"""The whole names of its ends, in order."""
SHARED_MAC = "00:00:5e:00:01:0a"


@dataclass(frozen=True)
class Neighbour:
    """What an LLDP frame says: the sender's own address, name and port, and whether it is a bridge."""

    mac: str
    system: str
    port: str
    bridge: bool = False


@dataclass
class WiredSwitch(Switch):
    """A switch that hears neighbours and has learned any number of addresses on each port."""

    name: str = ""
    serial: str = ""
    mac: str = ""
    heard: dict[int, Neighbour] = field(default_factory=dict)
    learned: dict[str, int] = field(default_factory=dict)

    def _built(self) -> dict[Oid, Varbind]:
        if self._table is None:
            table = super()._built()
            table |= {row.oid: row for row in self._more()}
            self._names = sorted(table)
        assert self._table is not None
        return self._table

    def _more(self) -> Iterator[Varbind]:
        yield Varbind(SYS_NAME, Tag.OCTET_STRING, self.name.encode())
        yield Varbind((*_PHYSICAL, 4, 1), Tag.INTEGER, 0)
        yield Varbind((*_PHYSICAL, 5, 1), Tag.INTEGER, _CHASSIS)
        yield Varbind((*_PHYSICAL, 11, 1), Tag.OCTET_STRING, self.serial.encode())
        for port in range(1, self.ports + 1):
            interface, name = IF_INDEX_OF_PORT_1 + port - 1, self.port_names.get(port, f"port{port}").encode()
            yield Varbind((*IF_TYPE, interface), Tag.INTEGER, _ETHERNET)
            yield Varbind((*IF_PHYS_ADDRESS, interface), Tag.OCTET_STRING, _octets(self.mac))
            yield Varbind((*_LOCAL, 2, port), Tag.INTEGER, _INTERFACE_NAME)
            yield Varbind((*_LOCAL, 3, port), Tag.OCTET_STRING, name)
            yield Varbind((*_LOCAL, 4, port), Tag.OCTET_STRING, name)
        for port, each in self.heard.items():
            index = (0, port, 1)
            yield Varbind((*_REMOTE, 4, *index), Tag.INTEGER, _MAC_ADDRESS)
            yield Varbind((*_REMOTE, 5, *index), Tag.OCTET_STRING, _octets(each.mac))
            yield Varbind((*_REMOTE, 6, *index), Tag.INTEGER, _INTERFACE_NAME)
            yield Varbind((*_REMOTE, 7, *index), Tag.OCTET_STRING, each.port.encode())
            yield Varbind((*_REMOTE, 8, *index), Tag.OCTET_STRING, each.port.encode())
            yield Varbind((*_REMOTE, 9, *index), Tag.OCTET_STRING, each.system.encode())
            yield Varbind((*_REMOTE, 12, *index), Tag.OCTET_STRING, _BRIDGE if each.bridge else _STATION)
        for mac, port in self.learned.items():
            yield Varbind((*FDB_PORT, self.pvids[port], *_octets(mac)), Tag.INTEGER, port)


@dataclass
class Machine:
    """A server of the site. cards: by name, the MAC and where it is plugged in. speaks: by LLDP; up: the cards whose
    link is; guests: MACs of virtual machines behind eth0.
    """

    name: str
    cards: dict[str, tuple[str, str, int]]
    speaks: bool = True
    up: frozenset[str] = frozenset(("eth0", "eth1"))
    guests: tuple[str, ...] = ()


class Site:
    """Servers in racks of 20, each with two leaf switches and two PDUs; two spines above. `seed` says who is odd."""

    def __init__(self, servers: int = 120, *, seed: int = 1, per_rack: int = 20) -> None:
        self._random = Random(seed)
        self._per_rack = per_rack
        racks = (servers + per_rack - 1) // per_rack
        self.racks = [f"rack{number + 1:02}" for number in range(racks)]
        self.leaves = [f"leaf{number + 1:02}{side}" for number in range(racks) for side in "ab"]
        self.spines = ["spine1", "spine2"]
        self.pdus = [f"pdu{number + 1:02}{side}" for number in range(racks) for side in "ab"]
        self.switches = {name: self._switch(place, name) for place, name in enumerate([*self.leaves, *self.spines])}
        self.machines = [self._machine(number) for number in range(servers)]
        self.outlets = {name: Pdu(profiles.load("apc-rpdu2"), 24, name=name) for name in self.pdus}
        self._uplinks = dict(self._uplinked())
        self._show()
        self.agents: dict[str, Agent] = {}
        self.port = 0
        told = enumerate(self.machines, 1)
        self.controllers = Controllers(
            {
                f"127.77.1.{n}": (f"SN{n:05}", {card: mac for card, (mac, _, _) in each.cards.items()})
                for n, each in told
            }
        )

    # --- what is true ------------------------------------------------------------------------------------------------

    def _switch(self, place: int, name: str) -> WiredSwitch:
        ports = self._per_rack + 4 if name in self.leaves else len(self.leaves) + 2
        names = {port: f"swp{port}" for port in range(1, ports + 1)}
        mac = f"00:1b:21:00:00:{place + 1:02x}"
        return WiredSwitch(ports, port_names=names, name=name, serial=f"SW{place + 1:05}", mac=mac)

    def _machine(self, number: int) -> Machine:
        rack, place = divmod(number, self._per_rack)
        # Two of one maker's cards in a row, as they come.
        macs = [f"3c:ec:ef:{rack:02x}:{place:02x}:{card:02x}" for card in range(2)]
        cards = {f"eth{side}": (macs[side], self.leaves[2 * rack + side], place + 1) for side in (0, 1)}
        machine = Machine(f"server{number + 1:03}", cards, speaks=self._random.random() < 0.7)
        if self._random.random() < 0.03:
            machine.up = frozenset(("eth0",))
        elif machine.speaks and self._random.random() < 0.1:
            machine.guests = tuple(f"52:54:00:{rack:02x}:{place:02x}:{guest:02x}" for guest in range(3))
        return machine

    def _uplinked(self) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
        """Each leaf's last two ports to a port of each spine, and the spines to each other."""
        for place, leaf in enumerate(self.leaves):
            for side, spine in enumerate(self.spines):
                yield (leaf, self._per_rack + 3 + side), (spine, place + 1)
        last = len(self.leaves) + 1
        yield (self.spines[0], last), (self.spines[1], last)

    @property
    def network_cables(self) -> set[Cable]:
        """All between switches, and between machines and switches."""
        found = {_cable(f"{one[0]}:{one[1]}", f"{far[0]}:{far[1]}") for one, far in self._uplinks.items()}
        for machine in self.machines:
            found |= {_cable(f"{machine.name}:{card}", f"{at}:{n}") for card, (_, at, n) in machine.cards.items()}
        return found

    @property
    def power_cables(self) -> set[Cable]:
        """psu1 of the server in a rack's place n on outlet n of its first PDU, psu2 of its second."""
        return {
            _cable(f"{machine.name}:psu{side + 1}", f"{self.pdus[2 * rack + side]}:{place + 1}")
            for number, machine in enumerate(self.machines)
            for rack, place in (divmod(number, self._per_rack),)
            for side in (0, 1)
        }

    @property
    def cables(self) -> set[Cable]:
        """All of them."""
        return self.network_cables | self.power_cables

    # --- what is shown of it -----------------------------------------------------------------------------------------

    def _show(self) -> None:
        for (one, port), (other, far) in self._uplinks.items():
            for at, number, there, number_there in ((one, port, other, far), (other, far, one, port)):
                name, mac = f"swp{number_there}", self.switches[there].mac
                self.switches[at].heard[number] = Neighbour(mac, there, name, bridge=True)
        for machine in self.machines:
            for card, (mac, at, port) in machine.cards.items():
                if card not in machine.up:
                    continue
                if machine.speaks:
                    first = machine.cards["eth0"][0]
                    self.switches[at].heard[port] = Neighbour(first, machine.name, card, bridge=bool(machine.guests))
                for each in (mac, *(machine.guests if card == "eth0" else ())):
                    self._learn(each, at, port)
        for name, switch in self.switches.items():
            self._learn(switch.mac, name, 0)
        self._mislead()
        for number, machine in enumerate(self.machines):
            rack, place = divmod(number, self._per_rack)
            for side in (0, 1):
                outlets = self.outlets[self.pdus[2 * rack + side]].outlets
                list(outlets.values())[place].label = f"{machine.name} psu{side + 1}"

    def _learn(self, mac: str, at: str, port: int) -> None:
        """The frames of an address come in at a port; they are seen on the way by spine1, and so everywhere."""
        if port:
            self.switches[at].learned[mac] = port
        up = dict.fromkeys(self.leaves, self._per_rack + 3) | {"spine2": len(self.leaves) + 1}
        down = {leaf: place + 1 for place, leaf in enumerate(self.leaves)} | {"spine2": len(self.leaves) + 1}
        if at != "spine1":
            self.switches["spine1"].learned[mac] = down[at]
        for other, uplink in up.items():
            if other != at:
                self.switches[other].learned[mac] = uplink

    def _mislead(self) -> None:
        """An address that routers share, an unmanaged switch with two machines, a card that was on another port."""
        self._learn(SHARED_MAC, self.leaves[0], self._per_rack + 1)
        for guest in ("00:a0:c9:00:00:01", "00:a0:c9:00:00:02"):
            self._learn(guest, self.leaves[-1], self._per_rack + 1)
        silent = next((each for each in self.machines if not each.speaks and "eth1" in each.up), None)
        if silent is not None and len(self.leaves) > 2:
            _, at, _ = silent.cards["eth1"]
            other = next(leaf for leaf in self.leaves if leaf != at)
            self.switches[other].learned[silent.cards["eth1"][0]] = self._per_rack + 2

    # --- on loopback -------------------------------------------------------------------------------------------------

    def address(self, name: str) -> str:
        """Where a device listens."""
        return f"127.77.0.{[*self.switches, *self.pdus].index(name) + 1}"

    async def start(self, manners: Manners | None = None) -> None:
        """Has every device listen, all at one UDP port: one that is free at all their addresses."""
        for last in (False, False, False, True):
            try:
                await self._listen(manners or Manners())
                break
            except OSError:
                for agent in self.agents.values():
                    agent.stop()
                self.port = 0
                if last:
                    raise
        await self.controllers.start()

    async def _listen(self, manners: Manners) -> None:
        for name, variables in {**self.switches, **self.outlets}.items():
            agent = self.agents[name] = Agent(variables, read=READ, write=WRITE, manners=replace(manners))
            self.port = await agent.start(self.address(name), self.port)

    def stop(self) -> None:
        """Ends all of them."""
        self.controllers.stop()
        for agent in self.agents.values():
            agent.stop()

    # --- inventories -------------------------------------------------------------------------------------------------

    def place(self) -> list[dict[str, Any]]:
        """The site and its management network: what there is before anything was found."""
        settings = {"snmp.community": READ, "snmp.port": self.port, "snmp.hosts": "127.77.0.0/16"}
        settings |= {"discover.names": {"ref": "servers"}}
        settings |= {"bmc.user": USER, "bmc.password": PASSWORD, "bmc.port": self.controllers.port}
        settings |= {"bmc.verify": False, "bmc.protocol": "redfish", "bmc.hosts": "127.77.0.0/16"}
        attributes = {"cidr": f"127.77.0.0/{25 if len(self.switches) + len(self.pdus) < 126 else 24}"}
        return [
            {"name": "site", "driver": "Datacenter", "attrs": settings},
            {"name": "mgmt", "driver": "Network", "in": ["site"], "attrs": attributes},
            {"name": "oob", "driver": "Network", "in": ["site"], "attrs": {"cidr": "127.77.1.0/24"}},
            {"name": "servers", "driver": "NameRange", "attrs": {"pattern": "server[001-999]"}},
        ]

    def leases(self) -> str:
        """What dnsmasq has lent to those who say nothing by LLDP, as its file has it."""
        silent = [each for each in self.machines if not each.speaks]
        rows = [f"0 {each.cards['eth0'][0]} 10.9.0.{n} {each.name} *" for n, each in enumerate(silent, 1)]
        return "".join(f"{row}\n" for row in rows)

    def things(self, *, macs: bool = True) -> list[dict[str, Any]]:
        """All equipment, without a cable; with `macs` the addresses of the cards of those who say nothing themselves.

        What speaks by LLDP is found without.
        """
        found = self.place()
        for name, switch in self.switches.items():
            found.append({"name": name, "driver": "Switch", "in": ["site"], "parts": {"port": switch.ports}})
        found += [{"name": name, "driver": "PDU", "in": ["site"], "parts": {"outlet": 24}} for name in self.pdus]
        for each in found[4:]:
            each["attrs"] = {"snmp.host": self.address(each["name"]), "switch.profile": "qbridge"}
            if each["driver"] == "PDU":
                del each["attrs"]["switch.profile"]
        for machine in self.machines:
            thing: dict[str, Any] = {"name": machine.name, "driver": "Server", "in": ["site"]}
            if macs and not machine.speaks:
                thing["part_attrs"] = {card: {"mac": mac} for card, (mac, _, _) in machine.cards.items()}
            found.append(thing)
        return found


def found_again(site: Site, exported: Iterable[dict[str, Any]]) -> tuple[set[Cable], set[Cable]]:
    """The cables of a site that an export of an inventory has, and those that are not so; a machine that got a name of
    its own is known by the addresses of its cards.
    """
    things = list(exported)
    cards = {mac: f"{each.name}:{card}" for each in site.machines for card, (mac, _, _) in each.cards.items()}
    names = {
        f"{thing['name']}:{part}": cards.get(said.get("mac", ""), "")
        for thing in things
        for part, said in thing.get("part_attrs", {}).items()
    }

    def end(name: str) -> str:
        owner, _, part = name.partition(":")
        return names.get(name) or f"{owner}:{part.removeprefix('swp')}"

    pairs = ((f"{thing['name']}:{part}", far) for thing in things for part, far in thing.get("connect", {}).items())
    found = {_cable(end(one), end(far)) for one, far in pairs}
    return found & site.cables, found - site.cables


def _octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _cable(one: str, other: str) -> Cable:
    return (one, other) if one < other else (other, one)


def main() -> None:
    """Serves a site until ^C; writes what there is before anything was found, and the leases."""
    parser = argparse.ArgumentParser(prog="python -m lab.wiring", description=main.__doc__)
    parser.add_argument("--servers", type=int, default=40, help="how many (40)")
    parser.add_argument("--equipment", action="store_true", help="the inventory has the equipment, without cables")
    parser.add_argument("--inventory", type=Path, default=Path("site.jsonl"), metavar="FILE", help="(site.jsonl)")
    parser.add_argument("--leases", type=Path, default=Path("dnsmasq.leases"), metavar="FILE", help="(dnsmasq.leases)")
    options = parser.parse_args()
    asyncio.run(_serve(Site(options.servers), options))


async def _serve(site: Site, options: argparse.Namespace) -> None:
    await site.start()
    things = site.things() if options.equipment else site.place()
    options.inventory.write_text("".join(f"{json.dumps(thing)}\n" for thing in things))
    options.leases.write_text(site.leases())
    sys.stderr.write(f"{len(site.machines)} servers on {len(site.switches)} switches; ^C ends\n")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
