"""Which card is on which port of a switch. Nothing here guesses: what could be otherwise is left out, and told.

LLDP names both ends. Between two switches that were asked, a cable is one where each hears the other on the port that
the other names. A machine is heard on one port alone, by a name or address that one card of it has.

A learned address only says that frames come in there. It makes a cable where it is the only one on its port, nobody
else is heard there, and it is learned on no other port but those that are known to lead to switches: where a switch is
heard or recorded, or an address of a switch comes in, and aggregates. A hub or a switch that nobody asks, with one
machine behind it, looks the same: such a cable is `likely`. It is `possible` where a switch that did not answer may be
in between, and where another card of the machine is not seen: a bond sends all by one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_cli.backends.machine import macs_of
from clusto_cli.backends.switch.names import is_aggregate, may_mean, same_port
from clusto_cli.discovery.entities import Beside, Entities
from clusto_cli.discovery.evidence import Evidence, Heard, Learned, Machine
from clusto_cli.discovery.known import NIC, PORT, Part
from clusto_core.errors import Malformed
from clusto_core.rules.parts import checked_part_name
from clusto_core.spelling import natural_key
from clusto_core.transfer.evidence import Confidence


class End(NamedTuple):
    """One end of a cable: a Thing or newcomer, and the own name of its part."""

    owner: str
    part: str


class Cable(NamedTuple):
    """A cable that follows from what was seen. near: the machine's end, of two switches either. mac: the card's, where
    that was seen. port: what the switch calls its end; called: what the machine calls its own, empty where it is not
    known. recorded: the inventory has it already.
    """

    near: End
    far: End
    confidence: Confidence
    seen: tuple[str, ...]
    mac: str = ""
    port: str = ""
    called: str = ""
    recorded: bool = False


@dataclass
class _Port:
    """One port of a switch, as the switch names it."""

    owner: str
    at: str
    name: str
    heard: list[tuple[Heard, str]] = field(default_factory=list)
    macs: set[str] = field(default_factory=set)
    claimed: bool = False
    """Another switch says that it is at the other end."""
    by_controller: dict[str, str] = field(default_factory=dict)
    """By MAC of a card, who says that its machine hears this port."""

    @property
    def words(self) -> str:
        return f"{self.at} {self.name}"


class Cabling:
    """The cables that follow from some evidence; `remarks` say what does not follow, and why."""

    def __init__(self, evidence: Iterable[Evidence], entities: Entities, *, incomplete: str = "") -> None:
        """incomplete: the switches that did not answer, and may be in between."""
        self.entities = entities
        self.known = entities.known
        self.remarks: list[str] = []
        self._incomplete = incomplete
        self._named: dict[tuple[str, str], _Port] = {}
        self._parts: dict[int, Part | None] = {}
        self._alike: dict[tuple[str, str], list[_Port]] = {}
        every = list(evidence)
        self._beside = Beside(every)
        for each in every:
            if isinstance(each, Heard) and each.port:
                self._port(each.at, each.port).heard.append((each, ""))
            elif isinstance(each, Learned):
                self._port(each.at, each.port).macs.add(each.mac)
        self._ports = [port for ports in self._alike.values() for port in ports]
        self._learned_macs = {mac for port in self._ports for mac in port.macs}
        self._of: dict[str, list[_Port]] = {}
        for port in self._ports:
            port.heard = [(heard, entities.of_neighbour(heard)) for heard, _ in port.heard]
            self._of.setdefault(port.owner, []).append(port)
        self._heard_at: dict[str, list[_Port]] = {}
        for port in self._ports:
            for owner in {each for _, each in port.heard}:
                self._heard_at.setdefault(owner, []).append(port)
        self._hear_controllers(each for each in every if isinstance(each, Machine))
        self._claim()

    def cables(self) -> list[Cable]:
        """All of them, each end in one alone."""
        found = [*self._between_switches(), *self._announced(), *self._by_controllers()]
        taken = {cable.far for cable in found}
        # Where nobody is heard a learned address may say otherwise than what is heard elsewhere: then it is neither.
        found += [cable for cable in self._learned() if cable.far not in taken]
        return self._alone(found)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _port(self, at: str, name: str) -> _Port:
        """The port of that name; several names that mean one are one."""
        owner = self.entities.at(at)
        found = self._named.get((owner, name))
        if found is None:
            alike = self._alike.setdefault((owner, _numbers(name)), [])
            same = [each for each in alike if same_port(each.name, name)]
            found = same[0] if len(same) == 1 else _Port(owner, at, name)
            if found not in alike:
                alike.append(found)
            self._named[owner, name] = found
        return found

    def _hear_controllers(self, machines: Iterable[Machine]) -> None:
        for machine in machines:
            for mac, system, name in machine.hears:
                owner = self.known.systems.get(system, "")
                same = [port for port in self._of.get(owner, ()) if same_port(port.name, name)]
                if len(same) == 1:
                    same[0].by_controller[mac] = f"the controller of {machine.at}"

    def _claim(self) -> None:
        """Marks the ports that another switch names as the other end of one of its own, and those that another
        switch's own addresses come in on."""
        for port in self._ports:
            port.claimed |= any(self.entities.of_mac(mac) in self.entities.relays for mac in port.macs)
            for heard, owner in port.heard:
                if owner in self.entities.relays:
                    for other in self._of.get(owner, ()):
                        other.claimed |= _names(other, heard)

    # --- switches ----------------------------------------------------------------------------------------------------

    def _between_switches(self) -> Iterator[Cable]:
        for port in self._ports:
            owners = {owner for _, owner in port.heard}
            if len(port.heard) != 1 or not owners <= self.entities.relays:
                continue
            heard, owner = port.heard[0]
            others = self._of.get(owner, [])
            if not others:
                yield from self._to_silent(port, heard, owner)
                continue
            both = [other for other in others if len(other.heard) == 1 and self._agree(port, other)]
            if len(both) != 1:
                self.remarks.append(f"{port.words} hears {heard.system}, which does not hear it there: no cable")
            elif _first(port, both[0]):
                yield from self._joined(port, both[0])

    def _agree(self, port: _Port, other: _Port) -> bool:
        """Whether two ports hear each other: each is named by what the other hears."""
        (heard, _), (back, owner) = port.heard[0], other.heard[0]
        return owner == port.owner and _names(other, heard) and _names(port, back)

    def _joined(self, one: _Port, other: _Port) -> Iterator[Cable]:
        ends = self._end_of(one), self._end_of(other)
        if ends[0] is None or ends[1] is None:
            return
        seen = (f"LLDP of {one.words} and of {other.words} agree",)
        yield Cable(ends[0], ends[1], Confidence.SURE, seen, port=other.name, called=one.name)

    def _to_silent(self, port: _Port, heard: Heard, owner: str) -> Iterator[Cable]:
        """To a switch that is known and was not asked: its port by the name that it announces."""
        item = self.known.items.get(owner)
        parts = item.of_kind(PORT, NIC) if item is not None else []
        meant = _named(parts, heard)
        end = self._end_of(port)
        if meant is not None and end is not None:
            seen = (f"LLDP of {port.words}: {heard.system} {_remote(heard)}",)
            yield Cable(End(owner, meant.own), end, Confidence.LIKELY, seen, port=port.name)

    # --- machines ----------------------------------------------------------------------------------------------------

    def _announced(self) -> Iterator[Cable]:
        for port in self._ports:
            owners = {owner for _, owner in port.heard}
            if len(owners) != 1 or not port.heard or "" in owners or owners <= self.entities.relays:
                continue
            if any(heard.passes_on and not self.entities.is_machine(owner) for heard, owner in port.heard):
                continue
            if is_aggregate(port.name) or port.claimed:
                continue
            for heard, owner in port.heard[:1]:
                yield from self._of_machine(port, heard, owner)

    def _of_machine(self, port: _Port, heard: Heard, owner: str) -> Iterator[Cable]:
        end = self._end_of(port)
        mac = self._mac_of(port, heard, owner)
        name = self._card(owner, heard, mac)
        if end is None:
            return
        if not name:
            self.remarks.append(f"{port.words} hears {heard.system} {_remote(heard)}: none of its cards is called so")
            return
        part = self.known.part(f"{owner}:{name}")
        mac = part.mac if part is not None and part.mac else mac
        seen = [f"LLDP of {port.words}: {heard.system} {_remote(heard)}".rstrip()]
        if learned := mac in port.macs:
            seen.append(f"{mac} is learned there")
        sure = Confidence.SURE if learned else Confidence.LIKELY
        yield Cable(End(owner, name), end, sure, tuple(seen), mac=mac, port=port.name, called=_called(heard))

    def _mac_of(self, port: _Port, heard: Heard, owner: str) -> str:
        """The address of the card that announces itself: as it says, or the only one on its port where that is not
        another card's. Cards that are one to the system (a bond) have one address for all, and it comes in on one.
        """
        if told := macs_of([heard.remote_port]):
            return told[0]
        (only,) = port.macs if len(port.macs) == 1 else ("",)
        known = self.known.macs.get(only, "")
        apart = known.partition(":")[0] == owner or (is_burned_in(only) and self._are_apart(owner))
        return only if only and is_machine(only) and apart else ""

    def _are_apart(self, owner: str) -> bool:
        """Whether each card of a machine is heard, and on each port another address comes in: they are no bond."""
        heard, item = self._heard_at[owner], self.known.items.get(owner)
        each = [next(iter(port.macs)) for port in heard if len(port.macs) == 1]
        every = len(item.of_kind(NIC)) if item is not None else len(heard)
        return len(each) == len(set(each)) == len(heard) == every

    def _card(self, owner: str, heard: Heard, mac: str) -> str:
        """The own name of the card that announces itself; empty where none is it."""
        if owner in self.entities.newcomers:
            called = _called(heard) or self.entities.newcomers[owner].macs.get(mac, "")
            for each in macs_of([heard.remote_port]) or ([mac] if mac else []):
                self.entities.claim(each, owner, called)
            return called or "?"
        item = self.known.items.get(owner)
        if item is None or item.virtual:
            return ""
        parts = item.of_kind(NIC, PORT)
        meant = _named(parts, heard)
        if meant is None and mac:
            meant = next((part for part in parts if part.mac == mac), None)
        return meant.own if meant is not None else ""

    def _by_controllers(self) -> Iterator[Cable]:
        for port in self._ports:
            if len(port.by_controller) != 1 or port.heard or is_aggregate(port.name):
                continue
            ((mac, who),) = port.by_controller.items()
            end, near = self._end_of(port), self._card_of(mac)
            if end is None or near is None or (port.macs and mac not in port.macs):
                continue
            learned = (f"{mac} is learned there",) if mac in port.macs else ()
            sure = Confidence.SURE if learned else Confidence.LIKELY
            yield Cable(near, end, sure, (f"{who} hears {port.words}", *learned), mac=mac, port=port.name)

    # --- addresses ---------------------------------------------------------------------------------------------------

    def _learned(self) -> Iterator[Cable]:
        ends = [port for port in self._ports if not self._leads_on(port)]
        places: dict[str, list[_Port]] = {}
        for port in ends:
            for mac in port.macs:
                places.setdefault(mac, []).append(port)
        for port in ends:
            if len(port.macs) != 1 or not is_machine(mac := next(iter(port.macs))) or not self._is_quiet(port):
                continue
            part = self._part_of(port)
            if part is not None and part.far:
                yield from self._confirmed(port, part, mac)
            elif len(places[mac]) > 1:
                where = ", ".join(other.words for other in places[mac])
                self.remarks.append(f"{mac} is learned on {where}: which of them leads to it is not known, no cable")
            else:
                yield from self._alone_there(port, mac)

    def _alone_there(self, port: _Port, mac: str) -> Iterator[Cable]:
        """The cable of the only port that an address is learned on, of those that lead to no switch."""
        near, end = self._card_of(mac), self._end_of(port)
        if near is None or end is None or not self._is_of(near.owner, port):
            return
        seen = [f"{mac} is the only address learned on {port.words}", *self._beside.of(mac)]
        doubts = [f"{self._incomplete} did not answer, and may be in between"] if self._incomplete else []
        if unseen := self._unseen(near.owner, mac):
            doubts.append(f"{unseen} is not seen: of cards that are one to the system either may have sent that")
        sure = Confidence.POSSIBLE if doubts else Confidence.LIKELY
        yield Cable(near, end, sure, (*seen, *doubts), mac=mac, port=port.name)

    def _unseen(self, owner: str, mac: str) -> str:
        """The address of another card of a machine, which nobody has learned: the cards may be one to the system."""
        item, newcomer = self.known.items.get(owner), self.entities.newcomers.get(owner)
        others = [part.mac for part in item.of_kind(NIC) if not part.far] if item is not None else []
        others += newcomer.macs if newcomer is not None else []
        return next((each for each in others if each and each != mac and each not in self._learned_macs), "")

    def _confirmed(self, port: _Port, part: Part, mac: str) -> Iterator[Cable]:
        """The recorded cable of a port that one address was learned on, where it is of the card there, or may be."""
        card = self.known.part(part.far)
        theirs = self.known.macs.get(mac) or self.entities.of_mac(mac)
        if card is None or card.kind != NIC or self.entities.is_disputed(mac):
            return
        owner = card.name.partition(":")[0]
        if theirs not in ("", card.name, owner) or (card.mac and card.mac != mac) or not self._is_of(owner, port):
            return
        silent = [each for each in self.known.items[owner].of_kind(NIC) if each.far and each != card and not each.mac]
        seen = (f"{mac} is the only address learned on {port.words}, where its cable is recorded",)
        doubtful = not card.mac and (silent or not is_burned_in(mac))
        sure = Confidence.POSSIBLE if doubtful else Confidence.LIKELY
        yield Cable(End(owner, card.own), End(port.owner, part.own), sure, seen, mac=mac, port=port.name)

    def _leads_on(self, port: _Port) -> bool:
        """Whether a port leads to a switch, as far as that is known: then what comes in on it is of many."""
        if is_aggregate(port.name) or port.claimed or self._leads_by_record(port):
            return True
        return any(owner in self.entities.relays for _, owner in port.heard)

    def _leads_by_record(self, port: _Port) -> bool:
        part = self._part_of(port)
        return part is not None and part.relay

    def _is_quiet(self, port: _Port) -> bool:
        """Whether nobody is heard on a port who passes on frames of others, or who is not known."""
        return not any(heard.passes_on or not owner for heard, owner in port.heard)

    def _is_of(self, owner: str, port: _Port) -> bool:
        """Whether nobody but the owner of an address is heard on its port."""
        return all(other == owner for _, other in port.heard)

    def _card_of(self, mac: str) -> End | None:
        """The card with an address; of a machine that is no Thing yet, a newcomer's."""
        part = self.known.part(self.known.macs.get(mac, ""))
        if self.entities.is_disputed(mac):
            self.remarks.append(f"{mac} is of two machines, by its card and by its lease: no cable")
            return None
        if part is not None:
            item = self.known.items[part.name.partition(":")[0]]
            return None if item.virtual or item.relay else End(item.name, part.own)
        owner = self.entities.of_mac(mac)
        if owner in self.entities.relays:
            return None
        if owner in self.known.items:
            return self._without_mac(owner, mac)
        if not owner and mac in self.entities.controllers:
            self.remarks.append(f"{mac} is a management controller's: which machine's is not known, no cable")
            return None
        newcomer = self.entities.newcomers.get(owner) or self.entities.stranger(mac)
        return End(newcomer.key, newcomer.macs.get(mac, "") or "?")

    def _without_mac(self, owner: str, mac: str) -> End | None:
        """The card of a Thing whose address that may be: the only one without an address."""
        free = [part for part in self.known.items[owner].of_kind(NIC) if not part.mac]
        if len(free) == 1 and not self.known.items[owner].virtual:
            return End(owner, free[0].own)
        self.remarks.append(f"{mac} is of {owner}, and which of its cards has it is not known: no cable")
        return None

    # --- the inventory's ports ---------------------------------------------------------------------------------------

    def _part_of(self, port: _Port) -> Part | None:
        """The part of a known switch that a port is; found once."""
        if id(port) not in self._parts:
            self._parts[id(port)] = self._found_part(port)
        return self._parts[id(port)]

    def _found_part(self, port: _Port) -> Part | None:
        item = self.known.items.get(port.owner)
        parts = item.of_kind(PORT, NIC) if item is not None else []
        same = [part for part in parts if same_port(part.called, port.name)]
        same = same or [part for part in parts if may_mean(part.called, port.name)]
        return same[0] if len(same) == 1 else None

    def _end_of(self, port: _Port) -> End | None:
        if port.owner in self.entities.newcomers:
            return End(port.owner, port.name) if is_part_name(port.name) else None
        part = self._part_of(port)
        if part is None:
            self.remarks.append(f"{port.words}: the inventory has no port that is called so, or several")
            return None
        return End(port.owner, part.own)

    def _alone(self, cables: Iterable[Cable]) -> list[Cable]:
        """Those of ends that no other cable has; what the inventory has otherwise is left to its report."""
        every = [self._completed(cable) for cable in cables]
        ends = Counter(end for cable in every for end in (cable.near, cable.far) if end.part != "?")
        macs = Counter(cable.mac for cable in every if cable.mac)
        found = []
        for cable in every:
            if any(ends[end] > 1 for end in (cable.near, cable.far)) or macs[cable.mac] > 1:
                self.remarks.append(f"{_words(cable.near)} is seen in several places, {cable.seen[0]}: no cable")
            elif cable.recorded or not self._is_taken(cable):
                found.append(cable)
        return sorted(found, key=lambda each: (natural_key(each.near.owner), natural_key(each.near.part)))

    def _completed(self, cable: Cable) -> Cable:
        far = self._recorded(cable.near)
        return cable._replace(recorded=far is not None and far.far == f"{cable.far.owner}:{cable.far.part}")

    def _is_taken(self, cable: Cable) -> bool:
        return any((part := self._recorded(end)) is not None and part.far for end in (cable.near, cable.far))

    def _recorded(self, end: End) -> Part | None:
        return self.known.part(f"{end.owner}:{end.part}")


def is_machine(mac: str) -> bool:
    """Whether an address can be that of one card: neither a group's (IEEE 802, bit 0 of the first octet) nor one that
    routers share (VRRP: RFC 9568; HSRP and GLBP: Cisco's 00:00:0c:07:ac, 00:00:0c:9f:f, 00:07:b4:00).
    """
    shared = ("00:00:5e:00:01:", "00:00:5e:00:02:", "00:00:0c:07:ac:", "00:00:0c:9f:f", "00:05:73:a0:0", "00:07:b4:00:")
    return not int(mac[:2], 16) & 1 and not mac.startswith(shared) and mac != "00:00:00:00:00:00"


def is_burned_in(mac: str) -> bool:
    """Whether a maker gave an address: those that are locally administered (bit 1) are virtual machines', mostly."""
    return bool(mac) and not int(mac[:2], 16) & 2


def is_part_name(text: str) -> bool:
    """Whether a part can be called so."""
    try:
        return checked_part_name(text) == text
    except Malformed:
        return False


def _numbers(name: str) -> str:
    """What a name has from its first digit on: switches shorten words, and never numbers."""
    found = re.search("[0-9]", name)
    return name[found.start() :] if found else name.casefold()


def _names(port: _Port, heard: Heard) -> bool:
    """Whether somebody who announces himself says that he does it from that port."""
    told = [text for text in (heard.remote_port, heard.remote_description) if text]
    return any(same_port(port.name, text) for text in told)


def _first(one: _Port, other: _Port) -> bool:
    """Whether one of two ports goes first, so that their cable is said once."""
    return (natural_key(one.owner), natural_key(one.name)) < (natural_key(other.owner), natural_key(other.name))


def _named(parts: Iterable[Part], heard: Heard) -> Part | None:
    """The part that announces itself, by a name or its address; None where none does, or several may."""
    told = [text for text in (heard.remote_port, heard.remote_description) if text]
    macs = macs_of([heard.remote_port])
    every = list(parts)
    by_mac = [part for part in every if part.mac and part.mac in macs]
    spelled = {each.casefold() for each in told}
    exact = [part for part in every if {part.own.casefold(), part.called.casefold()} & spelled]
    alike = [part for part in every if any(same_port(part.called, text) for text in told)]
    found = next((each for each in (by_mac, exact, alike) if each), [])
    return found[0] if len(found) == 1 else None


def _called(heard: Heard) -> str:
    """What a machine calls the card that announces itself; empty where it tells no name that a part may have."""
    texts = [text for text in (heard.remote_port, heard.remote_description) if text and not macs_of([text])]
    return next((text for text in texts if is_part_name(text) and " " not in text), "")


def _remote(heard: Heard) -> str:
    return _called(heard) or heard.remote_port


def _words(end: End) -> str:
    return f"{end.owner}:{end.part}" if ":" not in end.owner else f"a machine ({end.owner.partition(':')[2]})"
