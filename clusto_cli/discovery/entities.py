"""Who is who: which Thing, or which newcomer, each piece of evidence is of.

A machine is known by what only it can have: the MAC addresses of its cards, its serial number, the address that it
holds; and by the name that it announces. Where these mean two Things, it is neither, and that is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from clusto_cli.backends.machine import macs_of
from clusto_cli.discovery.evidence import (
    Controller,
    Evidence,
    Heard,
    HostKey,
    Identity,
    Lease,
    Machine,
    Resolved,
    Surveyed,
)
from clusto_cli.discovery.known import Known

SERVER, SWITCH, PDU = "Server", "Switch", "PDU"
GENERIC = "qbridge"
"""The profile of switches of a kind that is not known: it is not found by what they say of themselves."""


@dataclass
class Newcomer:
    """What is no Thing yet. called: what it is called by itself or by a DHCP server; macs: its cards by their MACs,
    each with the name that it has for it, or none; profile: the switch profile that it needs to be told.
    """

    key: str
    driver: str = SERVER
    called: list[str] = field(default_factory=list)
    macs: dict[str, str] = field(default_factory=dict)
    serial: str = ""
    profile: str = ""
    address: str = ""
    controller: str = ""
    ports: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()
    seen: list[str] = field(default_factory=list)


class Entities:
    """The owners of all evidence: names of Things, or keys of newcomers, which no Thing can be called."""

    def __init__(self, evidence: Iterable[Evidence], known: Known) -> None:
        self.known = known
        self.newcomers: dict[str, Newcomer] = {}
        self.remarks: list[str] = []
        self.relays: set[str] = {name for name, item in known.items.items() if item.relay}
        self._at: dict[str, str] = {}
        self._named: dict[str, str] = {}
        self._of_mac: dict[str, str] = {}
        self._hosts: dict[str, set[str]] = {}
        every = list(evidence)
        self.controllers = set(_controllers(every))
        """The addresses of management controllers: they are on ports of their own, and no machines."""
        identities = [each for each in every if isinstance(each, Identity)]
        self._meet_devices(identities, [each for each in every if isinstance(each, Surveyed)])
        for machine in (each for each in every if isinstance(each, Machine)):
            self._meet_machine(machine)
        for each in every:
            self._hear_of(each)
        for newcomer in self.newcomers.values():
            for mac in newcomer.macs:
                newcomer.called += [host for host in sorted(self._hosts.get(mac, ())) if host not in newcomer.called]

    # --- devices that were asked -------------------------------------------------------------------------------------

    def _meet_devices(self, identities: list[Identity], surveyed: list[Surveyed]) -> None:
        for each in identities:
            owner = self._owner_of(each)
            if not owner:
                continue
            self._at[each.at] = owner
            for mac in each.macs:
                self._of_mac.setdefault(mac, owner)
            if each.name:
                self._named.setdefault(_short(each.name), owner)
        for switch in surveyed:
            owner = self._at.setdefault(switch.at, switch.at)
            self.relays.add(owner)

    def _owner_of(self, each: Identity) -> str:
        """The Thing at an address, else a newcomer where it is of a kind that is known; empty for neither."""
        if each.at in self.known.items:
            return each.at
        meant = self._meant(
            ("its address", self.known.addresses.get(each.address)),
            ("its serial number", self.known.serials.get(each.serial) if each.serial else None),
            ("its name", self.known.systems.get(each.name) if each.name else None),
        )
        if meant is None:
            return ""
        return meant or self._new_device(each)

    def _new_device(self, each: Identity) -> str:
        driver = SWITCH if each.switch else PDU if each.pdu else SERVER
        newcomer = Newcomer(f"at:{each.at}", driver, [each.name] if each.name else [], address=each.address)
        newcomer.serial, newcomer.ports, newcomer.outlets = each.serial, each.ports, each.outlets
        newcomer.profile = each.switch if each.switch == GENERIC else ""
        if driver == SERVER:
            newcomer.macs = dict.fromkeys(each.macs, "")
        kind = each.switch or each.pdu or "of a kind that is not known"
        newcomer.seen.append(f"SNMP at {each.address}: {each.name or 'without a name'}, {kind}")
        self.newcomers[newcomer.key] = newcomer
        return newcomer.key

    def _meet_machine(self, machine: Machine) -> None:
        """A machine by its controller."""
        said = machine.said
        macs = [mac for port in said.ports if not port.management for mac in port.macs]
        owners = {self.known.macs[mac].partition(":")[0] for mac in macs if mac in self.known.macs}
        if machine.at in self.known.items:
            owner: str | None = machine.at
        else:
            serial = self.known.serials.get(said.serial) if said.serial else None
            owner = self._meant(("its serial number", serial), *(("its MAC addresses", each) for each in owners))
        if owner is None:
            return
        if not owner:
            newcomer = self._newcomer(f"at:{machine.at}", f"Redfish at {machine.address}")
            newcomer.serial, newcomer.controller = said.serial, machine.address
            owner = newcomer.key
            for port in said.ports:
                if not port.management:
                    newcomer.macs.update((mac, next(iter(port.names), "")) for mac in port.macs)
        self._at.setdefault(machine.at, owner)
        for mac in macs:
            self._of_mac.setdefault(mac, owner)

    # --- who is heard of ---------------------------------------------------------------------------------------------

    def _hear_of(self, each: Evidence) -> None:
        if isinstance(each, Lease) and each.host:
            self._hosts.setdefault(each.mac, set()).add(each.host)

    def at(self, at: str) -> str:
        """The owner of what somebody said."""
        return self._at.get(at, at)

    def of_neighbour(self, heard: Heard) -> str:
        """Who announces himself; empty where that is nobody, or not one alone. A machine that nobody knows becomes a
        newcomer; what passes on frames of others does not.
        """
        macs = macs_of([heard.chassis, heard.remote_port])
        by_mac = {owner for mac in macs if (owner := self._owner_of_mac(mac))}
        by_name = self.known.systems.get(heard.system) or self._named.get(_short(heard.system), "")
        meant = self._meant(("the name that it announces", by_name), *(("its MAC address", each) for each in by_mac))
        if meant in self.newcomers and heard.system not in macs:
            _add(self.newcomers[meant].called, heard.system)
        if not meant and meant is not None and heard.passes_on:
            who = f"{heard.system or heard.chassis}, which passes on frames of others and is not in the inventory"
            _add(self.remarks, f"{heard.at} {heard.port} hears {who}")
        if meant or meant is None or heard.passes_on or not (macs or heard.system):
            return meant or ""
        key = f"lldp:{macs[0]}" if macs and heard.chassis == macs[0] else f"lldp:{heard.system}"
        newcomer = self._newcomer(key, "")
        if heard.system and heard.system not in macs:
            _add(newcomer.called, heard.system)
        return key

    def of_mac(self, mac: str) -> str:
        """Whose a MAC is; empty where that is nobody's or not one Thing's alone. known.macs has the part."""
        owner = self._owner_of_mac(mac)
        hosts = {found for host in self._hosts.get(mac, ()) if (found := self.known.systems.get(host))}
        return self._meant(("its MAC address", owner), *(("the name in its lease", each) for each in hosts)) or ""

    def is_disputed(self, mac: str) -> bool:
        """Whether what is known of a MAC means two Things."""
        owner = self._owner_of_mac(mac)
        hosts = {found for host in self._hosts.get(mac, ()) if (found := self.known.systems.get(host))}
        return len({*hosts, *([owner] if owner else [])}) > 1

    def stranger(self, mac: str) -> Newcomer:
        """The newcomer that has a MAC which nobody knows."""
        newcomer = self._newcomer(f"mac:{mac}", "")
        newcomer.macs.setdefault(mac, "")
        for host in sorted(self._hosts.get(mac, ())):
            _add(newcomer.called, host)
        self._of_mac[mac] = newcomer.key
        return newcomer

    def is_machine(self, owner: str) -> bool:
        """Whether somebody is known to be a machine, and not only heard of."""
        newcomer = self.newcomers.get(owner)
        known = newcomer is not None and newcomer.driver == SERVER and bool(newcomer.controller or newcomer.address)
        return known or (owner in self.known.items and owner not in self.relays)

    def claim(self, mac: str, owner: str, name: str) -> None:
        """Notes that a MAC is a newcomer's, who calls its card so."""
        self._of_mac.setdefault(mac, owner)
        if owner in self.newcomers and not self.newcomers[owner].macs.get(mac):
            self.newcomers[owner].macs[mac] = name

    def _owner_of_mac(self, mac: str) -> str:
        part = self.known.macs.get(mac)
        return part.partition(":")[0] if part is not None else self._of_mac.get(mac, "")

    def _newcomer(self, key: str, seen: str) -> Newcomer:
        newcomer = self.newcomers.setdefault(key, Newcomer(key))
        if seen:
            _add(newcomer.seen, seen)
        return newcomer

    def _meant(self, *claims: tuple[str, str | None]) -> str | None:
        """The one owner that all claims mean, empty where there is none; None, and told, where they mean several."""
        found = {owner: why for why, owner in reversed(claims) if owner}
        if len(found) > 1:
            words = " and ".join(f"{why} says {_shown(owner)}" for owner, why in sorted(found.items()))
            _add(self.remarks, f"one machine, and {words}: nothing is proposed of it")
            return None
        return next(iter(found), "")


def _shown(owner: str) -> str:
    return owner if ":" not in owner else f"a new machine ({owner})"


def _short(system: str) -> str:
    return system.rstrip(".").partition(".")[0].lower()


def _add(texts: list[str], text: str) -> None:
    if text not in texts:
        texts.append(text)


def _controllers(evidence: Iterable[Evidence]) -> Iterator[str]:
    """The MACs that controllers say are their own, and those behind whose address one answers."""
    every = list(evidence)
    at = {each.address for each in every if isinstance(each, Controller | Machine)}
    for each in every:
        if isinstance(each, Machine):
            yield from each.bmc_macs
        elif isinstance(each, Resolved | Lease) and each.address in at:
            yield each.mac


class Beside:
    """What else was seen of a MAC address, in words: leases, and what answers at the addresses behind it."""

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        self._of_mac: dict[str, list[str]] = {}
        self._at: dict[str, dict[str, None]] = {}
        self._of_address: dict[str, list[str]] = {}
        for each in evidence:
            match each:
                case Lease():
                    host = f": {each.host}" if each.host else ""
                    self._note(each, f"lease of {each.address} in {each.at}{host}")
                case Resolved():
                    self._note(each, f"{each.at} resolves {each.address} to it")
                case HostKey():
                    self._answers(each.address, f"SSH host key {each.fingerprint} at {each.address}")
                case Controller():
                    what = each.product or each.vendor or "a service"
                    self._answers(each.address, f"Redfish at {each.address}: {what}")

    def of(self, mac: str) -> Iterator[str]:
        """The words, each once."""
        yield from self._of_mac.get(mac, ())
        for address in self._at.get(mac, ()):
            yield from self._of_address.get(address, ())

    def _note(self, each: Lease | Resolved, text: str) -> None:
        _add(self._of_mac.setdefault(each.mac, []), text)
        self._at.setdefault(each.mac, {})[each.address] = None

    def _answers(self, address: str, text: str) -> None:
        _add(self._of_address.setdefault(address, []), text)
