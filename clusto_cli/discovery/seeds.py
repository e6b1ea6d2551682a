"""From what a command names to whom is asked: Things with their own settings, addresses with those of their Network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from clusto_cli.backends.base import OutletReading
from clusto_cli.backends.power import GROUPS as POWER_GROUPS
from clusto_cli.discovery.asking import WAYS, Asked, Pdu
from clusto_cli.discovery.scope import Scope, listed
from clusto_cli.network.devices import devices
from clusto_cli.power.outlets import parts_meant
from clusto_cli.power.targets import pdu_plan
from clusto_core.answers.devicesettings import reached
from clusto_core.drivers.equipment import PDU, PLACES, ConsoleServer, Switch
from clusto_core.drivers.parts import Outlet
from clusto_core.drivers.resources import Network
from clusto_core.errors import Malformed, Refused
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader

_ASKED = (Switch, PDU, ConsoleServer)


@dataclass
class Seeds:
    """Whom a command is about, sorted by how they are asked."""

    switches: list[Thing] = field(default_factory=list)
    pdus: list[Thing] = field(default_factory=list)
    consoles: list[Thing] = field(default_factory=list)
    machines: list[Thing] = field(default_factory=list)
    networks: list[Thing] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)


def seeds(reader: Reader, things: Sequence[Thing] | None, files: Iterable[str]) -> Seeds:
    """Those of a command; without any, all switches and PDUs of the inventory. A place stands for the switches, PDUs
    and console servers in it. Raises Malformed for what cannot be asked, Refused for addresses that may not be.
    """
    found = Seeds()
    paths = list(files)
    if things is None:
        things = [] if paths else reader.all(["Switch", "PDU"])
    for thing in dict.fromkeys(each for one in things for each in _within(reader, one)):
        _sorted_in(found, thing)
    addresses = [address for path in paths for address in listed(path)]
    if addresses or found.networks:
        scope = Scope(reader)
        found.addresses = scope.checked(addresses)
        for network in found.networks:
            found.addresses += scope.hosts(network)
    return found


def _within(reader: Reader, thing: Thing) -> list[Thing]:
    if not issubclass(thing.kind, PLACES) or thing.is_part:
        return [thing]
    found: dict[int, Thing] = {}
    wanted = [thing.id]
    while wanted:
        inside = [each for things in reader.contents(wanted, parts=False).values() for each in things]
        wanted = [each.id for each in inside if issubclass(each.kind, PLACES) and each.id not in found]
        found.update({each.id: each for each in inside})
    return in_order(each for each in found.values() if issubclass(each.kind, _ASKED))


def _sorted_in(found: Seeds, thing: Thing) -> None:
    if thing.is_part:
        raise Malformed(f"{thing.name} is a part: name the device that it is of")
    if thing.is_a(Switch):
        found.switches.append(thing)
    elif thing.is_a(PDU):
        found.pdus.append(thing)
    elif thing.is_a(ConsoleServer):
        found.consoles.append(thing)
    elif thing.is_a(Network):
        found.networks.append(thing)
    else:
        found.machines.append(thing)


def asked(reader: Reader, found: Seeds, ways: Sequence[str] = WAYS) -> Asked:
    """How each of them is asked. Raises Refused for a machine without a management controller."""
    settings = reached(reader, found.machines, POWER_GROUPS) if found.machines else {}
    without = [thing.name for thing in found.machines if "bmc.host" not in settings[thing.id].settings]
    if without:
        raise Refused(f"{without[0]} is no switch, PDU, console server or Network, and has no management controller")
    scope = Scope(reader) if found.addresses else None
    return Asked(
        switches=list(devices(reader, found.switches).values()),
        pdus=[_pdu(reader, thing) for thing in found.pdus],
        controllers={thing.name: settings[thing.id].settings for thing in found.machines},
        addresses={address: scope.settings(address) for address in found.addresses} if scope is not None else {},
        ways=ways,
    )


def _pdu(reader: Reader, thing: Thing) -> Pdu:
    plan = pdu_plan(reader, thing)
    parts = [part for part in reader.parts(thing.id) if part.is_a(Outlet)]
    return Pdu(thing.name, partial(plan.control, thing.name), partial(_names, reader, parts))


def _names(reader: Reader, parts: Sequence[Thing], readings: Sequence[OutletReading]) -> dict[str, str]:
    return {outlet: part.name for outlet, part in parts_meant(reader, parts, readings).items()}
