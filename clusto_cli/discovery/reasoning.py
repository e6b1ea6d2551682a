"""From evidence and what the inventory knows to a proposal: pure, so that it can be tried with any room there could be.

Only what is missing is proposed. What the inventory has otherwise stays as it is: of cables `network verify` tells, of
the rest `Reasoned.contradictions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clusto_cli.discovery.cabling import Cable, Cabling, End, is_part_name
from clusto_cli.discovery.entities import PDU, SERVER, SWITCH, Entities, Newcomer
from clusto_cli.discovery.evidence import Banner, Found, Heard, Identity, Label, Lease
from clusto_cli.discovery.evidence import Evidence as Each
from clusto_cli.discovery.known import Known
from clusto_cli.discovery.leads import Leads
from clusto_cli.power.labels import possible_names
from clusto_core.spelling import natural_key
from clusto_core.transfer.evidence import Confidence, Evidence, Path

Namer = Callable[[Sequence[Newcomer], frozenset[str]], list[str]]
"""Names for newcomers, one each; empty for one that gets none. The names of the second argument are somebody's, as far
as what was seen goes: nobody gets one that he does not announce himself.
"""
Said = str | int | list[str] | dict[str, list[str]]


class Line(NamedTuple):
    """One thing that is proposed of a Thing, where in a transfer object that is said, and how sure it is."""

    thing: str
    path: Path
    said: Said
    confidence: Confidence
    seen: tuple[str, ...]

    @property
    def evidence(self) -> Evidence:
        """As a transfer object has it."""
        return Evidence(self.path, self.confidence, self.seen)


@dataclass
class Reasoned:
    """What follows: lines, what the inventory has otherwise, and what does not follow and why, in words. strangers: the
    machines that would be Things if there were names for them.
    """

    lines: list[Line] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    """By who said something, the name of the Thing that it is; a newcomer's key where it is none."""


def unnamed(newcomers: Sequence[Newcomer], spoken_of: frozenset[str]) -> list[str]:
    """Names nobody, so that what is known alone is spoken of."""
    return [""] * len(newcomers)


def reason(found: Found, known: Known, names: Namer = unnamed) -> Reasoned:
    """All that follows."""
    entities = Entities(found.evidence, known)
    incomplete = ", ".join(failure.at for failure in found.failures if failure.switch)
    cabling = Cabling(found.evidence, entities, incomplete=incomplete)
    cables = cabling.cables()
    leads = Leads(found.evidence, known)
    result = Reasoned(remarks=[*entities.remarks, *cabling.remarks, *leads.remarks])
    arrivals = _Arrivals(entities, cables, lambda came: names(came, spoken_of(found.evidence)))
    result.lines += arrivals.lines()
    result.strangers += arrivals.strangers
    for cable in [*cables, *leads.cables]:
        result.lines += arrivals.of_cable(cable)
    serials = _serials(found, entities)
    result.lines += (line for line in serials if isinstance(line, Line))
    result.contradictions += [*leads.contradictions, *(line for line in serials if isinstance(line, str))]
    result.lines.sort(key=lambda line: (natural_key(line.thing), _ORDER.index(line.path[0]), line.path))
    result.owners = {each.at: entities.at(each.at) for each in found.evidence}
    result.remarks = list(dict.fromkeys(result.remarks))
    return result


def spoken_of(evidence: Iterable[Each]) -> frozenset[str]:
    """The names that machines may have by what is said of them: by themselves, by leases, and on labels."""
    texts = set()
    for each in evidence:
        match each:
            case Heard():
                texts.add(each.system)
            case Identity():
                texts.add(each.name)
            case Lease() | Banner():
                texts.add(each.host)
            case Label():
                texts.update(possible_names(each.text))
    return frozenset(text.rstrip(".").partition(".")[0].lower() for text in texts if text)


_ORDER = ("driver", "type", "in", "at", "attrs", "parts", "ip", "connect", "part_attrs")


class _Arrivals:
    """Names, parts and cables of what is new, and the lines for cables of what is known."""

    def __init__(
        self, entities: Entities, cables: Iterable[Cable], names: Callable[[Sequence[Newcomer]], list[str]]
    ) -> None:
        self.known = entities.known
        self._cables = list(cables)
        used = {end.owner for cable in self._cables for end in (cable.near, cable.far)}
        came = [each for key, each in entities.newcomers.items() if key in used or each.driver != SERVER]
        came += [each for key, each in entities.newcomers.items() if each.controller and each not in came]
        came.sort(key=lambda each: natural_key(each.key))
        self._came = {each.key: each for each in came}
        self.names = {each.key: name for each, name in zip(came, names(came), strict=True) if name}
        self.strangers = [self._words(each) for each in came if each.key not in self.names]
        self._parts = {key: list(_cards(each)) for key, each in self._came.items()}
        self._ends = {id(cable): self._named(cable) for cable in self._cables}

    def _words(self, newcomer: Newcomer) -> str:
        cables = [cable for cable in self._cables if cable.near.owner == newcomer.key]
        seen = [*newcomer.seen, *(text for cable in cables for text in cable.seen)]
        called = f" ({', '.join(newcomer.called)})" if newcomer.called else ""
        return f"{', '.join(newcomer.macs) or newcomer.address or newcomer.key}{called}: {'; '.join(seen)}"

    def _named(self, cable: Cable) -> tuple[End, End]:
        """The ends of a cable, each with the name of a part: cards that have none are counted as they come."""
        return self._end(cable.near), self._end(cable.far)

    def _end(self, end: End) -> End:
        parts = self._parts.get(end.owner)
        if parts is None:
            return end
        own = end.part
        if own == "?" or not is_part_name(own):
            own = next(name for number in range(len(parts) + 1) if (name := f"eth{number}") not in parts)
        if own not in parts:
            parts.append(own)
        return End(end.owner, own)

    def lines(self) -> Iterator[Line]:
        """What newcomers are, and of what they consist."""
        for key, name in self.names.items():
            yield from self._of(self._came[key], name)

    def _of(self, newcomer: Newcomer, name: str) -> Iterator[Line]:
        cables = [cable for cable in self._cables if cable.near.owner == newcomer.key]
        seen = (*newcomer.seen, *dict.fromkeys(text for cable in cables for text in cable.seen)) or (newcomer.key,)
        least = min((cable.confidence for cable in cables), key=lambda each: each.rank, default=Confidence.LIKELY)
        sure = Confidence.SURE if newcomer.serial else least if least is Confidence.POSSIBLE else Confidence.LIKELY
        yield Line(name, ("driver",), newcomer.driver, sure, seen[:8])
        if place := self._place(newcomer, cables):
            yield Line(name, ("in",), [place[0]], Confidence.LIKELY, (place[1],))
        parts = self._consists_of(newcomer)
        if parts:
            yield Line(name, ("parts",), parts, sure, seen[:1])
        for card, mac in _cards(newcomer).items():
            yield Line(name, ("part_attrs", card, "mac"), mac, Confidence.SURE, seen[:1])
        if newcomer.serial:
            yield Line(name, ("attrs", "serial"), newcomer.serial, Confidence.SURE, seen[:1])
        if newcomer.address:
            yield Line(name, ("ip",), [newcomer.address], Confidence.SURE, seen[:1])
        if newcomer.profile:
            yield Line(name, ("attrs", "switch.profile"), newcomer.profile, Confidence.LIKELY, seen[:1])
        if newcomer.controller:
            yield Line(name, ("attrs", "bmc.host"), newcomer.controller, Confidence.SURE, seen[:1])

    def _place(self, newcomer: Newcomer, cables: Sequence[Cable]) -> tuple[str, str] | None:
        """The datacenter of the Network that its address is in, else of the switch that it is on; and which that is."""
        if place := self.known.places.get(newcomer.address or newcomer.controller):
            return place, f"its address {newcomer.address or newcomer.controller} is in a Network there"
        for cable in cables:
            switch = cable.far.owner
            asked = self._came[switch].address if switch in self._came else switch
            if place := self.known.places.get(asked):
                return place, f"{self.names.get(switch, switch)} is there"
        return None

    def _consists_of(self, newcomer: Newcomer) -> dict[str, list[str]]:
        if newcomer.driver == SWITCH:
            return {"port": [port for port in newcomer.ports if is_part_name(port)]} if newcomer.ports else {}
        if newcomer.driver == PDU:
            return {"outlet": [each for each in newcomer.outlets if is_part_name(each)]} if newcomer.outlets else {}
        parts = self._parts[newcomer.key]
        return {"nic": sorted(parts, key=natural_key)} if parts else {}

    def of_cable(self, cable: Cable) -> Iterator[Line]:
        """The cable, where it is not recorded, and what its ends have that is not: the card's MAC, the port's name."""
        near, far = self._ends.get(id(cable), (cable.near, cable.far))
        one, other = (self.names.get(end.owner, end.owner) for end in (near, far))
        if ":" in one or ":" in other:
            return
        if not cable.recorded:
            yield Line(one, ("connect", near.part), f"{other}:{far.part}", cable.confidence, cable.seen)
        card, port = self.known.part(f"{one}:{near.part}"), self.known.part(f"{other}:{far.part}")
        if cable.mac and not (card is not None and card.mac) and self.known.macs.get(cable.mac) is None:
            yield Line(one, ("part_attrs", near.part, "mac"), cable.mac, cable.confidence, cable.seen)
        if port is not None and cable.port and not port.label and cable.port != port.own:
            yield Line(other, ("part_attrs", far.part, "label"), cable.port, cable.confidence, cable.seen[:1])
        if card is not None and cable.called and not card.label and cable.called != card.own:
            yield Line(one, ("part_attrs", near.part, "label"), cable.called, cable.confidence, cable.seen[:1])


def _cards(newcomer: Newcomer) -> dict[str, str]:
    """By the name that a machine's controller has for it, the address of each card."""
    named = {name: mac for mac, name in newcomer.macs.items() if is_part_name(name)}
    return named if newcomer.controller and len(named) == len(newcomer.macs) else {}


_NO_SERIAL = re.compile(r"(?i)|0+|n/?a|none|unknown|not (?:specified|available|set)|default.*|to be filled.*")


def _serials(found: Found, entities: Entities) -> list[Line | str]:
    """Serial numbers that devices tell of themselves, and those that are recorded otherwise."""
    told: list[Line | str] = []
    known = entities.known
    for each in found.evidence:
        if not isinstance(each, Identity) or _NO_SERIAL.fullmatch(each.serial):
            continue
        owner = entities.at(each.at)
        item = known.items.get(owner)
        holder = known.serials.get(each.serial)
        if item is None:
            continue
        if holder not in (None, owner):
            told.append(f"{owner} serial: the device says {each.serial}, which is recorded of {holder}")
        elif not item.serial and not holder:
            told.append(Line(owner, ("attrs", "serial"), each.serial, Confidence.SURE, (f"SNMP of {each.at}",)))
        elif item.serial != each.serial:
            told.append(f"{owner} serial: {item.serial} is recorded, the device says {each.serial}")
    twice = _twice(line for line in told if isinstance(line, Line))
    return [line for line in told if not (isinstance(line, Line) and line.said in twice)]


def _twice(lines: Iterable[Line]) -> set[Said]:
    said = [str(line.said) for line in lines]
    return {each for each in said if said.count(each) > 1}
