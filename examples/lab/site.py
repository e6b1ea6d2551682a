"""The PDUs and switches of an inventory, simulated: outlets labelled by what they feed, ports with who is wired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from clusto_cli.backends.power import profile as profiles
from clusto_core.answers.network import cables_of, port_labels, recorded_mac
from clusto_core.answers.network import meant_vlan as vlan_named
from clusto_core.answers.power import fed_from
from clusto_core.config import settings
from clusto_core.drivers.equipment import PDU, Server
from clusto_core.drivers.equipment import Switch as EthernetSwitch
from clusto_core.drivers.parts import NIC, Outlet, Port
from clusto_core.drivers.resources import VLAN
from clusto_core.spelling import natural_key
from clusto_core.store.reader import open_reader
from lab.agent import Agent, Manners
from lab.pdu import Pdu
from lab.room import READ, WRITE, RoomPdu, RoomSwitch
from lab.switch import Switch


def simulated(families: Sequence[str], manners: Manners, moves_after: float) -> list[RoomPdu]:
    """A simulated PDU for every one in the store that the environment names, of these families in turn."""
    found = []
    with open_reader(settings().url) as reader:
        things = [thing for thing in reader.all() if thing.is_a(PDU)]
        for place, thing in enumerate(sorted(things, key=lambda thing: natural_key(thing.name))):
            outlets = reader.parts(thing.id, driver=Outlet)
            pdu = Pdu(profiles.load(families[place % len(families)]), len(outlets), name=thing.name)
            feeds = fed_from(reader, thing)
            for part, outlet in zip(outlets, pdu.outlets.values(), strict=True):
                fed = feeds.get(part.id)
                outlet.label = fed[0].owner_name if fed else ""
                outlet.moves_after = moves_after
            found.append(RoomPdu(thing.name, pdu, Agent(pdu, read=READ, write=WRITE, manners=manners)))
    return found


def simulated_switches(manners: Manners) -> list[RoomSwitch]:
    """A simulated switch for every one in the store, with its VLANs; every port is in the last of them at first."""
    found = []
    with open_reader(settings().url) as reader:
        things = reader.all()
        meant = [vlan_named(reader, thing.name) for thing in things if thing.is_a(VLAN)]
        vlans = {vlan.id: vlan.name for vlan in sorted(meant, key=lambda vlan: -vlan.id)} or {1: "default"}
        switches = [thing for thing in things if thing.is_a(EthernetSwitch)]
        for thing in sorted(switches, key=lambda thing: natural_key(thing.name)):
            ports = reader.parts(thing.id, driver=Port)
            wired = cables_of(reader, thing)
            hosts = {
                number: mac
                for number, port in enumerate(ports, 1)
                if port.id in wired and (mac := recorded_mac(reader, wired[port.id]))
            }
            labels = port_labels(reader, ports)
            names = {number: labels.get(port.id, f"port{number}") for number, port in enumerate(ports, 1)}
            switch = Switch(len(ports), vlans, hosts, names)
            found.append(RoomSwitch(thing.name, switch, Agent(switch, read=READ, write=WRITE, manners=manners)))
    return found


def recorded_macs() -> dict[str, str]:
    """By server, the MAC address of its first network card that has one recorded."""
    found: dict[str, str] = {}
    with open_reader(settings().url) as reader:
        for server in (thing for thing in reader.all() if thing.is_a(Server)):
            for card in reader.parts(server.id, driver=NIC):
                if mac := recorded_mac(reader, card):
                    found.setdefault(server.name, mac)
    return found


def reached_at(pdus: Sequence[RoomPdu], switches: Sequence[RoomSwitch] = ()) -> Iterator[dict[str, Any]]:
    """How clusto reaches them, as objects of the transfer format: import it into the same store."""
    for pdu in pdus:
        attributes = {"snmp.host": "127.0.0.1", "snmp.port": pdu.port}
        attributes |= {"snmp.community": READ, "snmp.write_community": WRITE}
        yield {"name": pdu.name, "driver": "PDU", "attrs": attributes}
    for switch in switches:
        attributes = {"snmp.host": "127.0.0.1", "snmp.port": switch.port, "switch.profile": "qbridge"}
        attributes |= {"snmp.community": READ, "snmp.write_community": WRITE}
        yield {"name": switch.name, "driver": "Switch", "attrs": attributes}
