"""What the ports of a device are called in clusto, where they come from a source that allows any name.

Device types and NetBox name ports as the maker prints them: `Power Outlet 7`, `TenGigabitEthernet 1/1`, the front and
the rear of a panel alike. A part's name is one word that no other part of the device has. The rule, in this order:

1. A name that can be a part's name stays as it is: `GigabitEthernet1/0/4`, `PSU1`.
2. Outlets, ports of a console server or of a panel, and inlets that are all called by the same words and a number, with
   a blank, are called by the number as clusto counts such parts: `Power Outlet 7` is `7`, `Power Port 1` is `psu1`.
3. Otherwise each run of characters that cannot be in a name becomes one dash: `Gig-E 1` is `Gig-E-1`.
4. Where two ports would have one name, the first of outlets, console server's ports, interfaces, fronts, rears, inlets
   and consoles keeps it; for the others it becomes `rear7`, `psu1`, `console-Mgmt`.

The two sides of a panel are one path when their names end in the same number. Where the names do not say so, the fronts
are called 1, 2, ... in the order of the file, and the rear that is one path with front 7 is called `rear7`. A port of a
panel with several positions becomes as many parts.

A name that was changed is kept as the part's attribute `label`, by which it can be addressed too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from clusto_core.drivers import Driver, Part
from clusto_core.drivers.parts import NIC, ConsolePort, FrontPort, Inlet, Outlet, Port, RackUnit, RearPort, SerialPort
from clusto_core.errors import Malformed
from clusto_core.model.interfaces import MGMT_ONLY
from clusto_core.model.names import MAX_LENGTH, MalformedName, check_part_name, composed, trailing_number
from clusto_core.rules.parts import LIMIT
from clusto_core.tuples import NamedTuple

OUTLET = "outlet"
CONSOLE_PORT = "consoleport"
INTERFACE = "interface"
MANAGEMENT = "management"
FRONT = "front"
REAR = "rear"
INLET = "inlet"
SERIAL = "serial"
RACK_UNIT = "ru"
"""Of racks alone, and never named by these rules."""


class _Kind(NamedTuple):
    driver: type[Part]
    counted: bool
    """Whether rule 2 holds."""
    prefix: str
    """What stands before a name that another port has."""


_KINDS: dict[str, _Kind] = {
    OUTLET: _Kind(Outlet, True, "outlet"),
    CONSOLE_PORT: _Kind(ConsolePort, True, "port"),
    INTERFACE: _Kind(NIC, False, "if"),
    MANAGEMENT: _Kind(NIC, False, "mgmt"),
    FRONT: _Kind(FrontPort, True, "front"),
    REAR: _Kind(RearPort, True, "rear"),
    INLET: _Kind(Inlet, True, "psu"),
    SERIAL: _Kind(SerialPort, False, "console"),
}
"""The kinds of ports, in the order in which they keep their names."""

LABEL = "label"

_WORDS_AND_NUMBER = r"(?P<words>.*\D)\s+(?P<number>[0-9]{1,6})"


class Mapping(NamedTuple):
    """A position of a front port, and the position of a rear port that it is one path with."""

    position: int
    rear: str
    rear_position: int


class SourcePort(NamedTuple):
    """A port as its source tells it."""

    kind: str
    name: str
    attributes: dict[str, object]
    rear: str = ""
    """Of a front port with one position: the name of the rear port behind it."""
    position: int = 1
    """Of such a front port: the position on that rear port."""
    positions: int = 1
    """Of a front or rear port: how many it has."""
    inlet: str = ""
    """Of an outlet: the name of the inlet that it gets its power from."""
    mappings: tuple[Mapping, ...] = ()
    """Of a front port: what is behind its positions, where `rear` does not say it. One may have nothing behind it."""
    parent: str = ""
    """Of an interface: the name of the one that it is a member of."""

    @property
    def behind(self) -> tuple[Mapping, ...]:
        """What is behind the positions of a front port."""
        return self.mappings or ((Mapping(1, self.rear, self.position),) if self.rear else ())


class NamedPort(NamedTuple):
    """A port and the part that it becomes; of a panel's port, one of its positions. `inlet` and `parent` are names of
    parts too."""

    port: SourcePort
    name: str
    position: int = 1
    inlet: str = ""
    parent: str = ""

    @property
    def attributes(self) -> dict[str, object]:
        """The attributes of the part: those of the port, and what the source calls it where that is something else."""
        called = f"{self.port.name}:{self.position}" if self.port.positions > 1 else self.port.name
        found: dict[str, object] = {} if called == self.name else {LABEL: called}
        if self.inlet:
            found["inlet"] = self.inlet
        if self.port.kind == MANAGEMENT:
            found[str(MGMT_ONLY)] = True
        return found | self.port.attributes


def part_driver(kind: str, owner: type[Driver]) -> type[Part]:
    """The driver of a port's part on equipment of that driver: interfaces are Ports on what has Ports, else NICs."""
    if kind == INTERFACE and any(run.driver is Port for run in owner.parts):
        return Port
    return RackUnit if kind == RACK_UNIT else _KINDS[kind].driver


def named(ports: Sequence[SourcePort]) -> list[NamedPort]:
    """The parts for the ports of one device, in the order of the ports.

    Raises Malformed when two ports of a kind have one name, when a name has no letter and no digit, when a front port
    names a rear port or a position that is not there or that another one has, when an outlet names an inlet, or an
    interface another one, that is not there, and for more than 10,000 parts.
    """
    if len(ports) + sum(port.positions for port in ports if port.kind in (FRONT, REAR)) > LIMIT:
        raise Malformed(f"more than {LIMIT} parts")
    _check_doubles(ports)
    behind = _behind(ports)
    names = _names(ports)
    if not _paired(ports, behind, names):
        names = _names(ports, _by_number(ports, behind))
    inlets = {port.name: names[at, 1] for at, port in enumerate(ports) if port.kind == INLET}
    interfaces = {port.name: names[at, 1] for at, port in enumerate(ports) if port.kind in (INTERFACE, MANAGEMENT)}
    for port in ports:
        for words, name, known in (("outlet", port.inlet, inlets), ("interface", port.parent, interfaces)):
            if name and name not in known:
                other = "inlet" if known is inlets else "interface"
                raise Malformed(f"the {words} {port.name[:60]!a} names the {other} {name[:60]!a}, which is not there")
    return [
        NamedPort(port, names[at, position], position, inlets.get(port.inlet, ""), interfaces.get(port.parent, ""))
        for at, port in enumerate(ports)
        for position in range(1, port.positions + 1)
    ]


_Slot = tuple[int, int]
"""A part to be: the index of its port, and the position on it."""


def _check_doubles(ports: Sequence[SourcePort]) -> None:
    seen: set[tuple[str, str]] = set()
    for port in ports:
        if (port.kind, port.name) in seen:
            raise Malformed(f"two ports of the kind {port.kind} are called {port.name[:60]!a}")
        seen.add((port.kind, port.name))
        if not 1 <= port.positions <= LIMIT:
            raise Malformed(f"the {port.kind} port {port.name[:60]!a} cannot have {port.positions} positions")


def _behind(ports: Sequence[SourcePort]) -> dict[_Slot, _Slot]:
    """By front, the rear that it is one path with."""
    rears = {port.name: at for at, port in enumerate(ports) if port.kind == REAR}
    found: dict[_Slot, _Slot] = {}
    taken: dict[_Slot, str] = {}
    for at, port in enumerate(ports):
        if port.kind != FRONT:
            continue
        for position, name, rear_position in port.behind:
            rear = rears.get(name)
            if rear is None or not 1 <= rear_position <= ports[rear].positions:
                raise Malformed(
                    f"the front port {port.name[:60]!a} names position {rear_position} of the rear port "
                    f"{name[:60]!a}, which is not there"
                )
            if not 1 <= position <= port.positions or (at, position) in found:
                what = "twice" if (at, position) in found else "which is not there"
                raise Malformed(f"position {position} of the front port {port.name[:60]!a} is mapped, {what}")
            slot = (rear, rear_position)
            if slot in taken:
                raise Malformed(f"the front ports {taken[slot][:60]!a} and {port.name[:60]!a} have one rear port")
            taken[slot] = port.name
            found[at, position] = slot
    return found


def _names(ports: Sequence[SourcePort], chosen: dict[_Slot, str] | None = None) -> dict[_Slot, str]:
    """Names by the rules 1 to 4; those of the sides of a panel may be chosen already."""
    found: dict[_Slot, str] = {}
    taken: set[str] = set()
    for kind, about in _KINDS.items():
        own = [at for at, port in enumerate(ports) if port.kind == kind]
        numbers = _numbers([ports[at].name for at in own]) if about.counted else None
        for place, at in enumerate(own):
            for position in range(1, ports[at].positions + 1):
                slot = (at, position)
                if chosen and slot in chosen:
                    name = chosen[slot]
                elif numbers:
                    name = about.driver.pattern.format(numbers[place])
                else:
                    name = _part_name(ports[at].name)
                if name in taken:
                    name = _another(name, about.prefix, taken)
                taken.add(name)
                found[slot] = name
    return found


def _numbers(names: Sequence[str]) -> list[int] | None:
    """The numbers that stand for these names by rule 2, None where it does not hold."""
    matches = [re.fullmatch(_WORDS_AND_NUMBER, name) for name in names]
    numbers = [int(match["number"]) for match in matches if match]
    words = {match["words"] for match in matches if match}
    return numbers if len(words) == 1 and len(names) == len(numbers) == len(set(numbers)) else None


@lru_cache(10_000)
def _part_name(name: str) -> str:
    """As `cleaned`, for what makers call ports: the same in thousands of types."""
    return cleaned(name)


def cleaned(name: str, check: Callable[[str], None] = check_part_name) -> str:
    """The name itself when `check` allows it, else with dashes for what cannot be in it. Raises Malformed."""
    try:
        check(name)
    except MalformedName:
        normal = composed(name)
        kept = "".join(each if _allowed(each, check) else "-" for each in normal)
        dashed = re.sub("-{2,}", "-", kept).strip("-").lstrip("/:-")[:MAX_LENGTH]
        try:
            check(dashed)
        except MalformedName as error:
            raise Malformed(f"nothing can be called {name[:60]!a}, nor like it: {error}") from None
        return dashed
    return name


def _allowed(character: str, check: Callable[[str], None]) -> bool:
    try:
        check(f"a{character}")
    except MalformedName:
        return False
    return True


def _another(name: str, prefix: str, taken: Iterable[str]) -> str:
    """The name by rule 4."""
    first = f"{prefix}{name}" if name.isdigit() else f"{prefix}-{name}"
    name, again = first, 2
    while name in taken:
        name, again = f"{first}-{again}", again + 1
    return name


def _paired(ports: Sequence[SourcePort], behind: dict[_Slot, _Slot], names: dict[_Slot, str]) -> bool:
    """Whether the numbers that the names end in say which front and rear are one path."""
    fronts: dict[int | None, _Slot] = {}
    rears: dict[int | None, _Slot] = {}
    for slot, name in names.items():
        side = {FRONT: fronts, REAR: rears}.get(ports[slot[0]].kind)
        if side is not None:
            number = trailing_number(name)
            if number is None or number in side:
                return False
            side[number] = slot
    return all(rears.get(number) == behind.get(slot) for number, slot in fronts.items())


def _by_number(ports: Sequence[SourcePort], behind: dict[_Slot, _Slot]) -> dict[_Slot, str]:
    """Names that pair: fronts by their place in the file, rears as the fronts they belong to, the other rears last."""
    found: dict[_Slot, str] = {}
    fronts = [
        (at, position)
        for at, port in enumerate(ports)
        if port.kind == FRONT
        for position in range(1, port.positions + 1)
    ]
    for number, front in enumerate(fronts, 1):
        found[front] = FrontPort.pattern.format(number)
        if front in behind:
            found[behind[front]] = RearPort.pattern.format(number)
    number = len(fronts)
    for at, port in enumerate(ports):
        for position in range(1, port.positions + 1):
            if port.kind == REAR and (at, position) not in found:
                number += 1
                found[at, position] = RearPort.pattern.format(number)
    return found
