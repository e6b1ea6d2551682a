"""Ports: in a classic store they are attributes alone, `port-TYPE#NUMBER.SUBKEY`; here they are parts, whose kind
follows from the type and from what has them.

nic-*: NIC or Port; pwr-*: Outlet on a PDU, Inlet on all else; console-serial: ConsolePort on a console server,
SerialPort on all else. Both ends of a cable have one type, so that which of two PDUs feeds the other is not known: it
is worked out (`_is_fed`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from clusto_core.drivers import Driver, Equipment, Part
from clusto_core.drivers.equipment import PDU, ConsoleServer, Firewall, Rack, Router, Switch
from clusto_core.drivers.parts import NIC, ConsolePort, Inlet, Outlet, Port, RackUnit, SerialPort
from clusto_core.errors import Malformed
from clusto_core.rules.parts import checked_part_name
from clusto_core.transfer.classic.drivers import Drivers
from clusto_core.transfer.classic.rows import Row
from clusto_core.transfer.classic.state import State

PREFIXES = ("port-", "_port-")
CONNECTION, FAR_NUMBER, OS_NAME = "connection", "otherportnum", "osportname"
_ETHERNET = "nic-eth"
_GATHERED = (Switch, Router, Firewall)
"""What has Ports, not NICs."""
_FEEDS = "pwr-nema-L"
"""How the type of a port begins that a power strip is fed by: locking plugs of NEMA."""


class Socket(NamedTuple):
    """A port as the classic clusto knows it."""

    type: str
    number: int


class Named(NamedTuple):
    """The part that a port is here. label: what the device calls it, where that is not its name."""

    name: str
    kind: type[Part]
    label: str = ""


Rows = dict[Socket, list[Row]]
Kind = Callable[[int], type[Driver] | None]
"""The driver of an entity; None of one that becomes nothing."""


def type_of(row: Row) -> str | None:
    """The type of the port that a row is about; None where it is about none."""
    if row.number is None:
        return None
    return next((row.key.removeprefix(prefix) for prefix in PREFIXES if row.key.startswith(prefix)), None)


class Ports:
    """The ports of all entities, and what they are cabled to."""

    def __init__(self, state: State, drivers: Drivers, kind: Kind) -> None:
        self._state = state
        self._drivers = drivers
        self._kind = kind
        self._rows: dict[int, Rows] = {}
        self._named: dict[int, dict[Socket, Named]] = {}
        self._outlets: dict[int, list[str]] = {}

    def forget(self, entities: Iterable[int]) -> None:
        """These, and what is cabled to them, may be otherwise now."""
        for entity in entities:
            for found in (self._rows, self._named, self._outlets):
                found.pop(entity, None)

    # --- as they are stored ------------------------------------------------------------------------------------------

    def rows(self, entity: int) -> Rows:
        """The rows about each port that there are any of."""
        if entity not in self._rows:
            found: Rows = defaultdict(list)
            for row in self._state.own(entity):
                if (type := type_of(row)) is not None and row.number is not None:
                    found[Socket(type, row.number)].append(row)
            self._rows[entity] = dict(found)
        return self._rows[entity]

    def claimed(self, entity: int, socket: Socket) -> tuple[int, Socket] | None:
        """Which port of which entity one says that it is cabled to, whatever that one says."""
        far = number = None
        for row in self.rows(entity).get(socket, ()):
            if row.subkey == CONNECTION:
                far = row.relation
            elif row.subkey == FAR_NUMBER and isinstance(row.value, int):
                number = row.value
        return (far, Socket(socket.type, number)) if far is not None and number is not None else None

    def cable(self, entity: int, socket: Socket) -> tuple[int, Socket] | None:
        """Where the cable in a port goes, where both ends say so."""
        far = self.claimed(entity, socket)
        return far if far is not None and self.claimed(*far) == (entity, socket) else None

    def neighbours(self, entity: int) -> set[int]:
        """The entities that one says it is cabled to."""
        return {far[0] for socket in self.rows(entity) if (far := self.claimed(entity, socket)) is not None}

    def _cables(self, entity: int, family: str) -> int:
        return sum(each.type.startswith(family) and self.cable(entity, each) is not None for each in self.rows(entity))

    # --- as parts ----------------------------------------------------------------------------------------------------

    def parts(self, entity: int) -> dict[Socket, Named]:
        """The part that each port of an entity is; of what has no parts, none."""
        if entity not in self._named:
            kind = self._kind(entity)
            has = kind is not None and issubclass(kind, Equipment) and not issubclass(kind, Rack)
            self._named[entity] = self._parts(entity, kind) if has and kind is not None else {}
        return self._named[entity]

    def _parts(self, entity: int, kind: type[Driver]) -> dict[Socket, Named]:
        every = sorted({*self._declared(entity, kind), *self.rows(entity)})
        naming = _Naming()
        os_names = self._os_names(entity, every)
        outlets = self._outlet_types(entity) if issubclass(kind, PDU) else []
        for socket in every:
            label = os_names.get(socket, "")
            if socket.type.startswith("nic-"):
                naming.interface(socket, kind, label)
            elif socket.type.startswith("pwr-"):
                plain = socket.type == outlets[0] if outlets else True
                fed = socket.type not in outlets or self._is_fed(entity, socket, "pwr-")
                naming.power(socket, fed=fed, plain=plain, label=label)
            elif socket.type.startswith("console-"):
                serves = issubclass(kind, ConsoleServer) and not self._is_fed(entity, socket, "console-")
                naming.console(socket, serves=serves, label=label)
        return naming.found

    def _declared(self, entity: int, kind: type[Driver]) -> list[Socket]:
        """The ports that it has by its class."""
        known = self._drivers.ports(self._state.entities[entity], kind)
        return [Socket(type, number) for type, count in known.items() for number in range(1, count + 1)]

    def _os_names(self, entity: int, every: Iterable[Socket]) -> dict[Socket, str]:
        rows = self.rows(entity)
        found = {}
        for socket in every:
            texts = [row.value for row in rows.get(socket, ()) if row.subkey == OS_NAME and isinstance(row.value, str)]
            if texts and texts[0].strip():
                found[socket] = texts[0].strip()
        return found

    def _outlet_types(self, entity: int) -> list[str]:
        """The types of a PDU's outlets, the one with the most first. One that anything but a PDU is plugged into is
        one; of the others, locking plugs or else the rarest type are its own feed."""
        if entity not in self._outlets:
            kind = self._kind(entity)
            every = {*self._declared(entity, kind), *self.rows(entity)} if kind is not None else set()
            counts = Counter(socket.type for socket in every if socket.type.startswith("pwr-"))
            sure = {each.type for each in self.rows(entity) if self._feeds(entity, each)}
            unsure = sorted(set(counts) - sure, key=lambda type: (counts[type], type))
            feeds = [type for type in unsure if type.startswith(_FEEDS)] or unsure[:1]
            outlets = set(counts).difference(feeds) or set(counts)
            self._outlets[entity] = sorted(outlets, key=lambda type: (-counts[type], type))
        return self._outlets[entity]

    def _feeds(self, entity: int, socket: Socket) -> bool:
        far = self.cable(entity, socket) if socket.type.startswith("pwr-") else None
        kind = self._kind(far[0]) if far is not None else None
        return kind is not None and not issubclass(kind, PDU)

    def _is_fed(self, entity: int, socket: Socket, family: str) -> bool:
        """Whether this is the end that takes, of a cable whose ends would both give: that of the device with fewer
        cables of this sort; of two with as many, the one that came later."""
        far = self.cable(entity, socket)
        if far is None or not self._gives(far[0], far[1], family):
            return False
        own, other = self._cables(entity, family), self._cables(far[0], family)
        return (-own, entity) > (-other, far[0])

    def _gives(self, entity: int, socket: Socket, family: str) -> bool:
        kind = self._kind(entity)
        if kind is None:
            return False
        if family == "console-":
            return issubclass(kind, ConsoleServer)
        return issubclass(kind, PDU) and socket.type in self._outlet_types(entity)

    def both_give(self, entity: int, socket: Socket) -> bool:
        """Whether the direction of a cable was worked out, since the store does not say it."""
        family = socket.type.partition("-")[0] + "-"
        return family in ("pwr-", "console-") and self._gives(entity, socket, family)


class _Naming:
    """Gives the parts of one entity their names."""

    def __init__(self) -> None:
        self.found: dict[Socket, Named] = {}
        self._taken: set[str] = set()

    def _add(self, socket: Socket, kind: type[Part], wanted: str, label: str = "") -> None:
        name = wanted
        if name in self._taken:
            short = socket.type.partition("-")[2]
            name = next(
                each
                for each in (f"{short}-{socket.number}", *(f"{short}-{socket.number}-{n}" for n in range(2, 9999)))
                if each not in self._taken
            )
        self._taken.add(name)
        self.found[socket] = Named(name, kind, label if label != name else "")

    def interface(self, socket: Socket, kind: type[Driver], label: str) -> None:
        if issubclass(kind, _GATHERED):
            plain = str(socket.number) if socket.type == _ETHERNET else f"{_short(socket)}{socket.number}"
            self._add(socket, Port, plain, label)
            return
        own = f"{'eth' if socket.type == _ETHERNET else _short(socket)}"
        plain = f"{own}{socket.number - (socket.type == _ETHERNET)}"
        if issubclass(kind, PDU | ConsoleServer) and socket == Socket(_ETHERNET, 1):
            plain = "mgmt"
        elif label and _can_be(label) and label not in self._taken:
            plain = label
        self._add(socket, NIC, plain, label)

    def power(self, socket: Socket, *, fed: bool, plain: bool, label: str) -> None:
        if fed:
            self._add(socket, Inlet, f"psu{socket.number}", label)
        else:
            name = str(socket.number) if plain else f"{_short(socket)}-{socket.number}"
            self._add(socket, Outlet, name, label)

    def console(self, socket: Socket, *, serves: bool, label: str) -> None:
        if serves:
            self._add(socket, ConsolePort, str(socket.number), label)
        else:
            self._add(socket, SerialPort, "console" if socket.number == 1 else f"console{socket.number}", label)


def _short(socket: Socket) -> str:
    return socket.type.partition("-")[2]


def _can_be(name: str) -> bool:
    try:
        checked_part_name(name)
    except Malformed:
        return False
    return True


def counts(kind: type[Driver], parts: Iterable[Named]) -> dict[str, list[str]]:
    """The parts as a transfer object has them: those kinds that the driver would give by itself, even if there are
    none of them, and those that there are."""
    found: dict[str, list[str]] = {run.driver.kind: [] for run in kind.parts if run.driver is not RackUnit}
    for part in parts:
        found.setdefault(part.kind.kind, []).append(part.name)
    return found
