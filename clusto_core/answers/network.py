"""Network wiring for verbs that act on it: which switch port a NIC is on, which VLAN is meant, whose an address is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from clusto_core.drivers.equipment import PLACES, Router, Switch
from clusto_core.drivers.parts import NIC, Port
from clusto_core.drivers.resources import VLAN
from clusto_core.errors import Malformed, NotFound, Refused, did_you_mean
from clusto_core.model.addresses import mac_spellings, parse_mac
from clusto_core.model.attributes import Key
from clusto_core.model.things import Link, Thing, in_order
from clusto_core.model.wiring import NETWORK, is_panel
from clusto_core.spelling import suggest
from clusto_core.store.reader import Reader

MAC_KEY = Key("mac")
LABEL_KEY = Key("label")
VID_KEY = Key("vid")
VLAN_KEY = Key("vlan")
"""On a NIC: the VLAN that it is meant to be in, a VLAN Thing or an id."""
VLAN_MIN, VLAN_MAX = 1, 4094

_VLAN_ID = re.compile(r"(?:vlan[-_ ]?)?0*([0-9]{1,4})", re.IGNORECASE)
_NIC_BY_MAC = """
    SELECT t.id, t.name, t.driver, t.owner_id, t.number, a.head
    FROM attributes a JOIN things t ON t.id = a.thing_id
    WHERE a.key = 'mac' AND a.number IS NULL AND a.subkey IS NULL AND a.head IN (:ids)"""


class Wired(NamedTuple):
    """A NIC and the switch port at the other end of its path, patch panels passed through."""

    nic: Thing
    port: Thing
    switch: Thing


class MeantVlan(NamedTuple):
    """A VLAN: its id, its name for switches (empty without one), and the Thing that stands for it, if any."""

    id: int
    name: str
    thing: Thing | None


def nic_of(reader: Reader, owner: Thing, name: str) -> Thing:
    """The NIC (or port) of a Thing by its name or label. Raises NotFound, Malformed for a part of another kind."""
    part = reader.resolve(f"{owner.name}:{name}")
    if not part.is_a(NIC) and not part.is_a(Port):
        raise Malformed(f"{part.name} is no network interface")
    return part


def nics_of(reader: Reader, thing: Thing) -> list[Thing]:
    """The network interfaces of a Thing that a cable is in; the part itself when it is one."""
    if thing.is_part:
        return [thing]
    links = [link for link in reader.links(thing.id, kind=NETWORK) if link.part is not None]
    return in_order(link.part for link in links if link.part is not None)


def wired(reader: Reader, nic: Thing) -> Wired:
    """The switch port that a NIC is on. Raises NotFound without a cable, Refused for a path that ends elsewhere."""
    links = reader.links_of_parts(nic.id)
    if not links:
        raise NotFound(f"{nic.name} is not connected")
    end = _end(links[0])
    if end is None:
        raise Refused(f"the path of {nic.name} ends at {links[0].other.name}: connect the panel's other side")
    owner = reader.by_ids([end.entity_id])[end.entity_id]
    if not owner.is_a(Switch):
        raise Refused(f"{nic.name} is connected to {end.name}, which is no switch")
    return Wired(nic, end, owner)


def _end(link: Link) -> Thing | None:
    return None if link.far is None and is_panel(link.other.kind) else link.end


def port_labels(reader: Reader, ports: Iterable[Thing]) -> dict[int, str]:
    """What switches call these ports themselves, by id, where that is recorded."""
    ids = [port.id for port in ports]
    return {each.thing_id: each.value.text for each in reader.attributes(*ids) if each.key == LABEL_KEY}


def cables_of(reader: Reader, switch: Thing) -> dict[int, Thing]:
    """What is at the far end of each port of a switch, by the port's id; ports whose path has no end are left out."""
    found = {}
    for link in reader.links(switch.id):
        end = _end(link) if link.kind == NETWORK else None
        if link.part is not None and end is not None:
            found[link.part.id] = end
    return found


def loose_nics(reader: Reader, thing: Thing) -> list[Thing]:
    """The network interfaces of a Thing that have an address and no cable; the part itself when it is one."""
    parts = [thing] if thing.is_part else [part for part in reader.parts(thing.id) if part.is_a(NIC) or part.is_a(Port)]
    linked = {link.part.id for link in reader.links_of_parts(*(part.id for part in parts)) if link.part is not None}
    free = [part for part in parts if part.id not in linked]
    known = reader.values_under(MAC_KEY, [part.id for part in free])
    return [part for part in free if known.get(part.id)]


def switches_around(reader: Reader, things: Iterable[Thing]) -> list[Thing]:
    """The switches that a cable of these Things may lead to: those in the outermost place that each is in (its
    datacenter), and every one where it is in none, or that has none.
    """
    switches = reader.all(["Switch"])
    around = {switch.id: outermost(reader, switch) for switch in switches}
    found: dict[Thing, None] = {}
    for thing in things:
        place = outermost(reader, thing)
        near = [switch for switch in switches if place is not None and around[switch.id] == place]
        found.update(dict.fromkeys(near or switches))
    return list(found)


def outermost(reader: Reader, thing: Thing) -> Thing | None:
    """The outermost place that a Thing or part is in: its datacenter, mostly."""
    whole = reader.by_ids([thing.entity_id])[thing.entity_id]
    places = [each for each in reader.ancestors(whole) if issubclass(each.kind, PLACES)]
    return places[-1] if places else None


def is_uplink(reader: Reader, far: Thing) -> bool:
    """Whether what is wired there passes on frames of many: a switch or a router."""
    owner = reader.by_ids([far.entity_id])[far.entity_id]
    return owner.is_a(Switch) or owner.is_a(Router)


def uplinks_of(reader: Reader, switch: Thing) -> dict[int, Thing]:
    """What is wired to those ports of a switch that lead to switches and routers, by the port's id."""
    cables = cables_of(reader, switch)
    owners = reader.by_ids([far.entity_id for far in cables.values()])
    return {
        port: far
        for port, far in cables.items()
        if owners[far.entity_id].is_a(Switch) or owners[far.entity_id].is_a(Router)
    }


def meant_vlan(reader: Reader, text: str) -> MeantVlan:
    """The VLAN that is meant: a VLAN Thing by name, `vlan203`, or `203`. Raises NotFound, Malformed."""
    thing = reader.get(text)
    if thing is not None and thing.is_a(VLAN):
        vid = _one(reader, thing, VID_KEY)
        if vid is None:
            raise Malformed(f"the VLAN {thing.name} has no id: clusto attr set vid 1..4094 -t {thing.name}")
        return MeantVlan(_checked(vid), thing.name, thing)
    found = _VLAN_ID.fullmatch(text.strip())
    if not found:
        guess = suggest(text, [vlan.name for vlan in reader.all(["VLAN"])])
        raise NotFound(f"no such VLAN: {text[:60]}{did_you_mean(guess)}")
    return vlan_by_id(reader, _checked(found[1]))


def vlan_by_id(reader: Reader, vid: int) -> MeantVlan:
    """The VLAN with that id, and the Thing for it where there is exactly one."""
    same = [vlan for vlan in reader.all(["VLAN"]) if _one(reader, vlan, VID_KEY) == str(vid)]
    if len(same) == 1:
        return MeantVlan(vid, same[0].name, same[0])
    return MeantVlan(vid, "", None)


def _checked(text: str) -> int:
    if not text.isdecimal() or not VLAN_MIN <= int(text) <= VLAN_MAX:
        raise Malformed(f"a VLAN has an id from {VLAN_MIN} to {VLAN_MAX}, not {text[:40]}")
    return int(text)


def _one(reader: Reader, thing: Thing, key: Key) -> str | None:
    values = [each.value.text for each in reader.attributes(thing.id) if each.key == key]
    return values[0] if values else None


def recorded_mac(reader: Reader, nic: Thing) -> str:
    """The MAC address of a NIC as `52:54:00:00:00:01`; empty when none is recorded."""
    digits = parse_mac(_one(reader, nic, MAC_KEY) or "")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)) if digits else ""


def nics_by_mac(reader: Reader, macs: Iterable[str]) -> dict[str, Thing]:
    """Which NICs have these MAC addresses (`52:54:00:00:00:01`), by address; those that nobody has are left out."""
    spellings = {}
    for mac in macs:
        for spelling in mac_spellings(mac.replace(":", "")):
            spellings[spelling] = mac
    return {spellings[row[5]]: Thing(*row[:5]) for row in reader.database.rows_in(_NIC_BY_MAC, list(spellings))}


def things_announced(reader: Reader, systems: Iterable[str]) -> dict[str, Thing]:
    """Which Things go by these names that devices announce, with a domain or without, whatever their case."""
    wanted: dict[str, str] = {}
    for system in systems:
        for name in (system, system.rstrip(".").partition(".")[0]):
            for spelling in (name, name.lower()):
                wanted.setdefault(spelling, system)
    found: dict[str, Thing] = {}
    for name, thing in reader.find_names(wanted).items():
        if not thing.is_part:
            found.setdefault(wanted[name], thing)
    return found
