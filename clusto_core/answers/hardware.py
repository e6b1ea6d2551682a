"""What a machine says of itself, held against what the inventory has of it: serial number, type, memory, the rows of
its tables (`disk#0.serial`), and the addresses of its ports.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from clusto_core.answers.network import LABEL_KEY, MAC_KEY, nics_by_mac
from clusto_core.drivers.parts import NIC, Port
from clusto_core.model import interfaces
from clusto_core.model.addresses import parse_mac
from clusto_core.model.attributes import Key
from clusto_core.model.things import Attribute, Thing
from clusto_core.store.reader import Reader

Told = str | int
SERIAL, TYPE, MEMORY, BMC_MAC = Key("serial"), Key("type"), Key("memory"), Key("bmc", None, "mac")
_MAKER, _MODEL = Key("manufacturer"), Key("model")
TABLES = ("cpu", "memory", "disk", "card")
_BY = ("serial", "slot")
"""By what a row is known again, the surest first."""
_NEAR = 0.02
"""Sizes that differ by less are one size: some count in powers of ten and some in powers of two of the same disk."""
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(?:([KMGTP])i?B?)?")
_SCALE = {"K": 1e-6, "M": 1e-3, "G": 1.0, "T": 1e3, "P": 1e6}


class Row(NamedTuple):
    """A row of a table: `disk`, with its values by subkey, sizes in GB or (memory) GiB."""

    table: str
    values: Mapping[str, Told]


class SaidPort(NamedTuple):
    """A port by its names, the best first, and its addresses as `52:54:00:00:00:01`. management: it is the controller's
    own.
    """

    names: tuple[str, ...]
    macs: tuple[str, ...]
    management: bool = False


class Said(NamedTuple):
    """What a machine says of itself. complete: what it does not say is not there."""

    maker: str = ""
    model: str = ""
    serial: str = ""
    memory: Told = ""
    rows: Sequence[Row] = ()
    ports: Sequence[SaidPort] = ()
    complete: bool = False


class Kind(enum.StrEnum):
    """MISSING: nothing is recorded. DIFFERS: something else is. GONE: it is recorded, and not there. ELSEWHERE: it is
    recorded of another Thing. UNPLACED: no part has that address or name.
    """

    MISSING = "missing"
    DIFFERS = "differs"
    GONE = "gone"
    ELSEWHERE = "elsewhere"
    UNPLACED = "unplaced"


class Finding(NamedTuple):
    """One thing that is not recorded as it is. thing: the machine or its part; recorded: what the inventory has, or
    where; said: what the machine says.
    """

    kind: Kind
    thing: Thing
    key: Key
    recorded: str | None
    said: Told | None

    @property
    def line(self) -> str:
        """`server1:eth0 mac: 52:54:00:00:00:02 is recorded, the machine says 52:54:00:00:00:01`."""
        return f"{self.thing.name} {self.key}: {self._words}"

    @property
    def _words(self) -> str:
        match self.kind:
            case Kind.MISSING:
                return f"not recorded, the machine says {self.said}"
            case Kind.DIFFERS:
                return f"{self.recorded} is recorded, the machine says {self.said}"
            case Kind.GONE:
                return f"{self.recorded} is recorded, and is not there"
            case Kind.ELSEWHERE:
                return f"the machine says {self.said}, which is recorded of {self.recorded}"
        return f"the machine says {self.said}, and no part of it has that address or name"


def compare(reader: Reader, thing: Thing, said: Said, *, whole: bool = False) -> list[Finding]:
    """What of it is not recorded as it is. A table of which nothing is recorded, and names of ports, are of interest
    `whole` alone.
    """
    own = reader.attributes(thing.id)
    found = [
        *_serial(reader, thing, own, said),
        *_type(reader, thing, own, said),
        *_plain(thing, own, MEMORY, said.memory),
        *_tables(thing, own, said, whole),
        *_ports(reader, thing, own, said, whole),
    ]
    taken = {(each.key, each.said) for each in found if each.kind is Kind.ELSEWHERE}
    # What another Thing has is not missing here as well.
    return [each for each in found if each.kind is Kind.ELSEWHERE or (each.key, each.said) not in taken]


def _texts(attributes: Iterable[Attribute], key: Key) -> list[str]:
    return [each.value.text for each in attributes if each.key == key]


def _serial(reader: Reader, thing: Thing, own: Sequence[Attribute], said: Said) -> Iterator[Finding]:
    if not said.serial:
        return
    yield from _plain(thing, own, SERIAL, said.serial)
    others = [other for other in reader.holding(SERIAL, [said.serial]).get(said.serial, []) if other != thing]
    if others:
        yield Finding(Kind.ELSEWHERE, thing, SERIAL, others[0].name, said.serial)


def _type(reader: Reader, thing: Thing, own: Sequence[Attribute], said: Said) -> Iterator[Finding]:
    """A type is not learned: it would say of what parts the machine was made."""
    for name in _texts(own, TYPE):
        found = reader.find_names([name]).get(name)
        attributes = reader.attributes(found.id) if found is not None else []
        model, maker = _texts(attributes, _MODEL), _texts(attributes, _MAKER)
        if model and said.model and not _same_model(maker[:1], model[0], said):
            yield Finding(Kind.DIFFERS, thing, TYPE, name, f"{said.maker} {said.model}".strip())


def _same_model(maker: Sequence[str], model: str, said: Said) -> bool:
    """Makers write their own name into a model's or not, in short or in full: either model's words are all among those
    of the other and its maker.
    """
    mine, theirs = _words(model), _words(said.model)
    return mine <= theirs | _words(said.maker) or theirs <= mine | _words(" ".join(maker))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.casefold()))


def _plain(thing: Thing, own: Sequence[Attribute], key: Key, told: Told) -> Iterator[Finding]:
    recorded = _texts(own, key)
    if told == "" or any(_same(text, told) for text in recorded):
        return
    yield Finding(Kind.DIFFERS if recorded else Kind.MISSING, thing, key, ", ".join(recorded) or None, told)


def _same(recorded: str, told: Told) -> bool:
    if isinstance(told, str):
        return recorded.casefold() == told.casefold()
    size = _SIZE.fullmatch(recorded.strip())
    return size is not None and abs(float(size[1]) * _SCALE[size[2] or "G"] - told) <= told * _NEAR


# --- tables ----------------------------------------------------------------------------------------------------------


def _tables(thing: Thing, own: Sequence[Attribute], said: Said, whole: bool) -> Iterator[Finding]:
    for table in TABLES:
        recorded: dict[int, dict[str, str]] = {}
        for each in own:
            if each.key.key == table and each.key.number is not None and each.key.subkey is not None:
                recorded.setdefault(each.key.number, {}).setdefault(each.key.subkey, each.value.text)
        if recorded or whole:
            rows = [row.values for row in said.rows if row.table == table]
            yield from _table(thing, table, recorded, rows, said.complete)


def _table(
    thing: Thing,
    table: str,
    recorded: Mapping[int, Mapping[str, str]],
    rows: Sequence[Mapping[str, Told]],
    complete: bool,
) -> Iterator[Finding]:
    numbered = placed(recorded, rows)
    for number, row in sorted(numbered.items()):
        present = recorded.get(number, {})
        for subkey, told in row.items():
            text = present.get(subkey)
            if text is None or not _same(text, told):
                kind = Kind.MISSING if text is None else Kind.DIFFERS
                yield Finding(kind, thing, Key(table, number, subkey), text, told)
    for number in sorted(set(recorded) - set(numbered)) if complete else ():
        known = recorded[number]
        words = next((f"{subkey} {known[subkey]}" for subkey in _BY if subkey in known), "something")
        yield Finding(Kind.GONE, thing, Key(table, number), words, None)


def placed(
    recorded: Mapping[int, Mapping[str, str]], rows: Sequence[Mapping[str, Told]]
) -> dict[int, Mapping[str, Told]]:
    """The rows by their numbers: those of the records that they are, and for new ones those that are free."""
    left, free = dict(enumerate(rows)), dict(recorded)
    numbered: dict[int, Mapping[str, Told]] = {}
    for subkey in _BY:
        for place, row in list(left.items()):
            told = row.get(subkey)
            number = next((n for n, has in free.items() if told and _same(has.get(subkey, ""), told)), None)
            if number is not None:
                numbered[number] = row
                del left[place], free[number]
    # What has neither is known by its order alone.
    nameless = [number for number in sorted(free) if not any(subkey in free[number] for subkey in _BY)]
    unused = (number for number in itertools.count() if number not in recorded)
    numbers = itertools.chain(nameless, unused)
    return numbered | {next(numbers): row for row in left.values()}


# --- ports -----------------------------------------------------------------------------------------------------------


class _Recorded(NamedTuple):
    """A part as it is recorded: what it is called, in lower case, its addresses, and what it serves."""

    part: Thing
    names: frozenset[str]
    labels: tuple[str, ...]
    macs: tuple[str, ...]
    management: bool
    plugged: bool


def _ports(reader: Reader, thing: Thing, own: Sequence[Attribute], said: Said, whole: bool) -> Iterator[Finding]:
    parts = _parts(reader, thing)
    holders = nics_by_mac(reader, [mac for port in said.ports for mac in port.macs])
    matched: set[int] = set()
    for port in said.ports:
        found = _part_of(port, parts, said.ports)
        if found is not None:
            matched.add(found.part.id)
            yield from _port(found, port, whole)
        elif port.management:
            yield from _plain_mac(thing, own, port)
        elif port.macs and not any(mac in holders for mac in port.macs):
            told = f"{port.names[0]} {port.macs[0]}" if port.names else port.macs[0]
            yield Finding(Kind.UNPLACED, thing, MAC_KEY, None, told)
        for mac in port.macs:
            other = holders.get(mac)
            if other is not None and other.entity_id != thing.id:
                yield Finding(Kind.ELSEWHERE, found.part if found else thing, MAC_KEY, other.name, mac)
    if said.complete and any(port.macs and not port.management for port in said.ports):
        for each in parts:
            if each.macs and each.plugged and not each.management and each.part.id not in matched:
                yield Finding(Kind.GONE, each.part, MAC_KEY, ", ".join(each.macs), None)


def _port(found: _Recorded, port: SaidPort, whole: bool) -> Iterator[Finding]:
    if port.macs and not set(port.macs) & set(found.macs):
        kind = Kind.DIFFERS if found.macs else Kind.MISSING
        yield Finding(kind, found.part, MAC_KEY, ", ".join(found.macs) or None, port.macs[0])
    if whole and port.names and not found.labels and not port.management:
        yield Finding(Kind.MISSING, found.part, LABEL_KEY, None, port.names[0])


def _plain_mac(thing: Thing, own: Sequence[Attribute], port: SaidPort) -> Iterator[Finding]:
    recorded = [colons(text) for text in _texts(own, BMC_MAC)]
    if port.macs and not set(port.macs) & set(recorded):
        kind = Kind.DIFFERS if recorded else Kind.MISSING
        yield Finding(kind, thing, BMC_MAC, ", ".join(recorded) or None, port.macs[0])


def _part_of(port: SaidPort, parts: Sequence[_Recorded], ports: Sequence[SaidPort]) -> _Recorded | None:
    """The part that a port is: the one with its address, else the one with a name that no other port has."""
    for each in parts:
        if set(port.macs) & set(each.macs):
            return each
    if port.management:
        found = [each for each in parts if each.management]
        return found[0] if len(found) == 1 else None
    names = {name.casefold() for name in port.names}
    names -= {name.casefold() for other in ports if other is not port for name in other.names}
    found = [each for each in parts if each.names & names]
    return found[0] if len(found) == 1 else None


def _parts(reader: Reader, thing: Thing) -> list[_Recorded]:
    parts = [part for part in reader.parts(thing.id) if part.is_a(NIC) or part.is_a(Port)]
    attributes: dict[int, list[Attribute]] = {part.id: [] for part in parts}
    for each in reader.attributes(*attributes):
        attributes[each.thing_id].append(each)
    names = {part.part_name for part in parts}
    return [_recorded(part, attributes[part.id], names) for part in parts]


def _recorded(part: Thing, attributes: Sequence[Attribute], names: set[str]) -> _Recorded:
    labels = tuple(_texts(attributes, LABEL_KEY))
    said = interfaces.said(attributes)
    return _Recorded(
        part,
        frozenset(name.casefold() for name in (part.part_name, *labels)),
        labels,
        tuple(map(colons, _texts(attributes, MAC_KEY))),
        interfaces.is_management(part.part_name, said),
        interfaces.has_socket(interfaces.kind(part.part_name, said, names.__contains__)),
    )


def colons(mac: str) -> str:
    """An address as it is kept, `52:54:00:00:00:01`, however a store of before may have it."""
    digits = parse_mac(mac, bare=True)
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)) if digits else mac
