"""Rooms of any wiring, and what their devices say of it: switches in a tree, machines, virtual ones, and mishaps."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from clusto_cli.discovery.evidence import Evidence, Failure, Found, Heard, Identity, Learned, Surveyed
from clusto_cli.discovery.known import Item, Known, Part

Cable = frozenset[str]


@dataclass
class Card:
    """A card, the switch and port that it is on, and whether frames came of it."""

    name: str
    mac: str
    at: str
    port: int
    active: bool = True


@dataclass
class Host:
    """A machine: what it says by LLDP, and whether it is in the inventory, with its addresses or without."""

    name: str
    cards: list[Card]
    speaks: bool
    bridge: bool = False
    known: bool = True
    recorded: bool = True
    guests: tuple[str, ...] = ()
    bonded: bool = False
    """Its cards are one to the system: all frames have the first one's address, and go by the last."""


@dataclass
class Room:
    """What is true. up: by switch, the port of it that leads up, and the switch and port there; dumb: ports with an
    unmanaged switch, and the addresses behind it; asked: the switches that answer; mute: those that send no LLDP.
    """

    switches: list[str]
    up: dict[str, tuple[int, str, int]]
    hosts: list[Host]
    dumb: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    stale: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Addresses that a switch has still on another port."""

    @property
    def cables(self) -> set[Cable]:
        found = {frozenset((f"{one}:{port}", f"{far}:{at}")) for one, (port, far, at) in self.up.items()}
        return found | {
            frozenset((f"{host.name}:{card.name}", f"{card.at}:{card.port}"))
            for host in self.hosts
            for card in host.cards
        }


def mac(number: int, maker: str = "3c:ec:ef") -> str:
    return f"{maker}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


PORTS = 12


@st.composite
def rooms(draw: st.DrawFn) -> Room:
    """Any room."""
    number = draw(st.integers(1, 4))
    switches = [f"sw{place}" for place in range(number)]
    free = {name: list(range(1, PORTS + 1)) for name in switches}
    up = {}
    for place in range(1, number):
        above = switches[draw(st.integers(0, place - 1))]
        up[switches[place]] = (free[switches[place]].pop(), above, free[above].pop())
    hosts: list[Host] = []
    for place in range(draw(st.integers(0, 6))):
        cards = []
        for card in range(draw(st.integers(1, 2))):
            at = draw(st.sampled_from(switches))
            if free[at]:
                port = free[at].pop(0)
                cards.append(Card(f"eth{card}", mac(place * 8 + card), at, port, draw(st.booleans())))
        if cards:
            flags = [draw(st.booleans()) for _ in range(4)]
            guests = tuple(mac(place * 8 + guest, "52:54:00") for guest in range(draw(st.integers(0, 2))))
            bonded = len(cards) == 2 and draw(st.booleans())
            hosts.append(Host(f"host{place}", cards, *flags, guests=guests, bonded=bonded))
    room = Room(switches, up, hosts)
    for place, at in enumerate(draw(st.lists(st.sampled_from(switches), max_size=2))):
        if free[at]:
            behind = tuple(mac(place * 8 + each, "00:a0:c9") for each in range(draw(st.integers(2, 3))))
            room.dumb[at, free[at].pop(0)] = behind
    room.asked = set(draw(st.sets(st.sampled_from(switches), min_size=1)))
    room.mute = set(draw(st.sets(st.sampled_from(switches))))
    for host in hosts:
        at = draw(st.sampled_from(switches))
        # Where it is now it has sent something since: a table that nothing has changed in five minutes tells no lies.
        moved = host.cards[0].active and not host.bonded and at != host.cards[0].at and at in room.asked
        if moved and host.cards[0].at in room.asked and free[at]:
            room.stale[host.cards[0].mac] = (at, free[at][0])
    return room


def shown(room: Room) -> Found:
    """What the switches that answer say."""
    tables: dict[str, dict[str, int]] = {name: {} for name in room.switches}
    for host in room.hosts:
        carrying = (
            [(host.cards[0].mac, host.cards[-1])] if host.bonded else [(c.mac, c) for c in host.cards if c.active]
        )
        for each, card in carrying:
            _learn(room, tables, each, card.at, card.port)
        for guest in host.guests:
            card = host.cards[-1] if host.bonded else host.cards[0]
            _learn(room, tables, guest, card.at, card.port)
    for (at, port), macs in room.dumb.items():
        for each in macs:
            _learn(room, tables, each, at, port)
    for each, (at, port) in room.stale.items():
        tables[at][each] = port
    evidence: list[Evidence] = []
    for at in sorted(room.asked):
        evidence.append(Surveyed(at))
        evidence.append(Identity(at, "10.0.0.1", at, macs=(_own(room, at),)))
        evidence += (Learned(at, f"swp{port}", each) for each, port in tables[at].items())
    evidence += (each for each in _heard(room) if each.at in room.asked)
    failures = tuple(Failure(at, "no answer", switch=True) for at in room.switches if at not in room.asked)
    return Found(tuple(evidence), failures)


def _own(room: Room, switch: str) -> str:
    return mac(room.switches.index(switch), "00:1b:21")


def _learn(room: Room, tables: dict[str, dict[str, int]], each: str, at: str, port: int) -> None:
    """Frames of an address come in at a port, and are seen on every other switch towards it."""
    tables[at][each] = port
    for other in room.switches:
        if other != at:
            tables[other][each] = _towards(room, other, at)


def _towards(room: Room, start: str, end: str) -> int:
    """The port of `start` on the only way to `end`."""
    links: dict[str, list[tuple[int, str]]] = {name: [] for name in room.switches}
    for one, (port, far, at) in room.up.items():
        links[one].append((port, far))
        links[far].append((at, one))
    return next(port for port, far in links[start] if far == end or _reaches(links, far, end, {start}))


def _reaches(links: dict[str, list[tuple[int, str]]], start: str, end: str, seen: set[str]) -> bool:
    return any(far == end or (far not in seen and _reaches(links, far, end, {*seen, start})) for _, far in links[start])


def _heard(room: Room) -> list[Heard]:
    found = []
    for one, (port, far, at) in room.up.items():
        for here, number, there, number_there in ((one, port, far, at), (far, at, one, port)):
            if there not in room.mute:
                name = f"swp{number_there}"
                found.append(Heard(here, f"swp{number}", there, name, name, _own(room, there), passes_on=True))
    for host in (each for each in room.hosts if each.speaks):
        for card in host.cards:
            told = (host.name, card.name, card.name, host.cards[0].mac)
            found.append(Heard(card.at, f"swp{card.port}", *told, passes_on=host.bridge))
    return found


def recorded(room: Room) -> Known:
    """What the inventory has: all switches, those of the machines that are known, no cable."""
    items = {
        name: Item(name, "Switch", tuple(Part(f"{name}:{n}", str(n), "Port") for n in range(1, PORTS + 1)), relay=True)
        for name in room.switches
    }
    macs = {}
    for host in (each for each in room.hosts if each.known):
        parts = []
        for card in host.cards:
            own = card.mac if host.recorded else ""
            parts.append(Part(f"{host.name}:{card.name}", card.name, "NIC", mac=own))
            macs |= {own: f"{host.name}:{card.name}"} if own else {}
        items[host.name] = Item(host.name, "Server", tuple(parts))
    return Known(items, {name: name for name in items}, macs=macs)
