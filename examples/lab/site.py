"""The PDUs of an inventory, simulated: each where the inventory has one, its outlets labelled with what they feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from clusto_cli.backends.power import profile as profiles
from clusto_core.config import settings
from clusto_core.drivers.equipment import PDU
from clusto_core.drivers.parts import Outlet
from clusto_core.names import natural_key
from clusto_core.power import fed_from
from clusto_core.reader import open_reader
from lab.agent import Agent, Manners
from lab.pdu import Pdu
from lab.room import READ, WRITE, RoomPdu


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


def reached_at(pdus: Sequence[RoomPdu]) -> Iterator[dict[str, Any]]:
    """How clusto reaches them, as objects of the transfer format: import it into the same store."""
    for pdu in pdus:
        attributes = {"snmp.host": "127.0.0.1", "snmp.port": pdu.port}
        attributes |= {"snmp.community": READ, "snmp.write_community": WRITE}
        yield {"name": pdu.name, "driver": "PDU", "attrs": attributes}
